//! Keys from a server beside the container: ECS, and EKS Pod Identity.

use super::{
    CloudClients, CloudError,
    fetch::{fetch_json, malformed, read_named_file},
    instance::keys,
    kept::Fetched,
};
use crate::config::{AmazonKeys, ContainerCredentials, ContainerToken};

/// Asks the server. In clear only where nobody else listens: on loopback and on the addresses that
/// Amazon keeps for it.
pub(super) async fn ask(
    clients: &CloudClients,
    place: &ContainerCredentials,
) -> Result<Fetched<AmazonKeys>, CloudError> {
    let url = place.url.as_str();
    if !is_guarded(url) {
        let problem = "leads to another host in clear; write https";
        return Err(CloudError::unusable(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            problem,
        ));
    }
    let mut request = clients.machine()?.get(url);
    let authorization = match &place.authorization {
        None => None,
        Some(ContainerToken::Text(token)) => Some(token.expose().to_owned()),
        Some(ContainerToken::File(file)) => Some(read_named_file(file).await?.trim().to_owned()),
    };
    if let Some(authorization) = authorization {
        request = request.header(http::header::AUTHORIZATION, authorization);
    }
    let answer = fetch_json(request, url).await?;
    keys(&answer).ok_or_else(|| malformed(url))
}

fn is_guarded(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    url.scheme() == "https"
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
        || SERVERS.contains(&host)
}

/// ECS, and EKS by both versions of IP.
const SERVERS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_fetched_in_clear_from_afar() {
        for url in [
            "http://169.254.170.2/v2/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1",
            "http://localhost:80/",
            "http://127.0.0.2/",
            "https://keys.example.com/",
        ] {
            assert!(is_guarded(url), "{url}");
        }
        for url in [
            "http://keys.example.com/",
            "http://169.254.170.3/",
            "nowhere",
        ] {
            assert!(!is_guarded(url), "{url}");
        }
    }
}

//! Where model servers are asked: what was typed as an endpoint, and whom the operator allows.

use reqwest::Url;

use crate::upstream::judge_host;

/// An endpoint as it was typed, if it may be asked at all. The error says what to do.
pub(super) fn typed(endpoint: &str) -> Result<Url, String> {
    let mut url = Url::parse(endpoint).map_err(|_| NO_URL.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NO_URL.to_owned());
    }
    let Some(host) = url.host_str() else {
        return Err(NO_URL.to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; use the API key".to_owned());
    }
    judge_host(host).map_err(|forbidden| format!("is not asked: {forbidden}"))?;
    url.set_fragment(None);
    Ok(url)
}

/// The URL of a route below a base; a query is kept.
pub(super) fn below(base: &Url, route: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{route}", base.path().trim_end_matches('/')));
    url
}

/// Whether a host may be asked, by a list of names and `*.suffix` patterns, either with `:port`; an
/// empty list allows all.
pub(super) fn is_allowed(url: &Url, allowed: &[String]) -> bool {
    let host = url.host_str().unwrap_or_default();
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    allowed.is_empty()
        || allowed.iter().any(|pattern| {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_prefix("*.") {
                Some(suffix) => [host, &with_port].into_iter().any(|name| {
                    let stem = name.strip_suffix(suffix);
                    stem.is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
                }),
                None => pattern == host || pattern == with_port,
            }
        })
}

const NO_URL: &str = "must be a URL such as http://vllm.example.com:8000/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_asked_is_refused() {
        for (endpoint, words) in [
            ("nowhere", "must be a URL"),
            ("ftp://h/v1", "must be a URL"),
            ("http://", "must be a URL"),
            ("http://user:pass@h/v1", "API key"),
            ("http://169.254.169.254/latest", "link-local"),
            ("http://0xa9fea9fe/v1", "link-local"),
            ("http://2852039166/v1", "link-local"),
            ("http://[::ffff:169.254.169.254]/v1", "link-local"),
            ("http://metadata.google.internal/v1", "metadata"),
        ] {
            let refused = typed(endpoint).unwrap_err();
            assert!(refused.contains(words), "{endpoint}: {refused}");
        }
    }

    #[test]
    fn hosts_are_allowed_by_name_pattern_and_port() {
        let allowed = |url: &str, list: &[&str]| {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            is_allowed(&Url::parse(url).unwrap(), &list)
        };
        assert!(allowed("http://any/v1", &[]));
        assert!(allowed("http://vllm.example.com/v1", &["VLLM.example.com"]));
        assert!(allowed("http://vllm.example.com/v1", &["*.example.com"]));
        assert!(allowed(
            "http://a.b.example.com:8000/v1",
            &["*.example.com:8000"]
        ));
        assert!(!allowed(
            "http://a.b.example.com/v1",
            &["*.example.com:8000"]
        ));
        assert!(!allowed("http://example.com/v1", &["*.example.com"]));
        assert!(!allowed("http://evilexample.com/v1", &["*.example.com"]));
        assert!(allowed("https://h/v1", &["h:443"]));
        assert!(!allowed("http://h:8000/v1", &["h:8001"]));
    }
}

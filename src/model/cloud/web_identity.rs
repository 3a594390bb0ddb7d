//! Keys for a token that a file holds, as Kubernetes gives it to its pods (IRSA).

use super::{
    CloudClients, CloudError,
    fetch::{malformed, post_form, read_named_file, tag},
    instance::moment,
    kept::Fetched,
};
use crate::{
    config::{AmazonKeys, WebIdentity},
    foundation::Secret,
};

/// Asks the token service at `url`.
pub(super) async fn assume(
    clients: &CloudClients,
    url: &str,
    identity: &WebIdentity,
) -> Result<Fetched<AmazonKeys>, CloudError> {
    let token = read_named_file(&identity.token_file).await?;
    let session = identity.session.as_deref().unwrap_or(SESSION);
    let token = token.trim();
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &identity.role),
        ("RoleSessionName", session),
        ("WebIdentityToken", token),
    ];
    let body = post_form(clients, url, &fields, &[token]).await?;
    let text = String::from_utf8_lossy(&body);
    read(&text).ok_or_else(|| malformed(url))
}

fn read(text: &str) -> Option<Fetched<AmazonKeys>> {
    let credentials = tag(text, "Credentials")?;
    let secret = |name| tag(credentials, name).map(Secret::new);
    Some(Fetched {
        value: AmazonKeys {
            access_key_id: tag(credentials, "AccessKeyId")?.to_owned(),
            secret_access_key: secret("SecretAccessKey")?,
            session_token: Some(secret("SessionToken")?),
        },
        expires: Some(moment(tag(credentials, "Expiration")?)?),
    })
}

/// In the account's log, where the operator names none.
const SESSION: &str = "duogate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_the_answer() {
        let text = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>
      <SessionToken>token/+=</SessionToken>
      <SecretAccessKey>secret</SecretAccessKey>
      <Expiration>2014-10-24T23:00:23Z</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>";
        let found = read(text).unwrap();
        assert_eq!(found.value.access_key_id, "ASgeIAIOSFODNN7EXAMPLE");
        assert_eq!(found.value.session_token.unwrap().expose(), "token/+=");
        assert!(found.expires.is_some());
        assert_eq!(read("<Credentials></Credentials>"), None);
    }
}

//! Amazon's signature of a request, version 4, by the crypto provider that everything else uses.

use std::time::SystemTime;

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use time::OffsetDateTime;

use crate::config::AmazonKeys;

/// What is signed: a POST without a query.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Signable<'a> {
    /// Where it goes.
    pub(in crate::model) url: &'a Url,
    /// Sent as `Content-Type`.
    pub(in crate::model) content_type: &'a str,
    /// What it says.
    pub(in crate::model) body: &'a [u8],
    /// Where the service is.
    pub(in crate::model) region: &'a str,
    /// The service.
    pub(in crate::model) service: &'a str,
    /// The present moment; Amazon takes five minutes of difference.
    pub(in crate::model) now: SystemTime,
}

/// The headers that sign a request: `authorization`, `x-amz-date` and, where keys hold for a
/// while, `x-amz-security-token`. None where a key holds characters that no header has.
pub(in crate::model) fn sign(request: &Signable<'_>, keys: &AmazonKeys) -> Option<HeaderMap> {
    let moment = moment(request.now);
    let day = moment.get(..8)?;
    let token = keys.session_token.as_ref();
    let host = match (request.url.host_str()?, request.url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut signed = vec![
        ("content-type", request.content_type),
        ("host", host.as_str()),
        ("x-amz-date", moment.as_str()),
    ];
    signed.extend(token.map(|token| (SECURITY_TOKEN, token.expose())));
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let fields = signed
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()));
    let canonical = format!(
        "POST\n{}\n\n{}\n{names}\n{}",
        utf8_percent_encode(request.url.path(), PATH),
        fields.collect::<String>(),
        hash(request.body)
    );
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}",
        hash(canonical.as_bytes())
    );
    let secret = format!("AWS4{}", keys.secret_access_key.expose());
    let steps = [day, request.region, request.service, "aws4_request", &text];
    let signature = steps
        .iter()
        .fold(secret.into_bytes(), |key, step| authenticate(&key, step));
    let id = &keys.access_key_id;
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={}",
        HEXLOWER.encode(&signature)
    );
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, hidden(&authorization)?);
    headers.insert(DATE, HeaderValue::try_from(moment).ok()?);
    if let Some(token) = token {
        let name = HeaderName::from_static(SECURITY_TOKEN);
        headers.insert(name, hidden(token.expose().trim())?);
    }
    Some(headers)
}

fn hidden(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `20150830T123600Z`
fn moment(now: SystemTime) -> String {
    let now = OffsetDateTime::from(now);
    let (date, time) = (now.date(), now.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn authenticate(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

const SECURITY_TOKEN: &str = "x-amz-security-token";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// A path is encoded once for the wire and once more for the signature.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::foundation::Secret;

    /// 2015-08-30 12:36:00 UTC, with the keys of Amazon's documentation.
    const NOW: Duration = Duration::from_secs(1_440_938_160);

    fn keys(session_token: Option<&str>) -> AmazonKeys {
        AmazonKeys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: session_token.map(Secret::new),
        }
    }

    struct Example {
        url: &'static str,
        content_type: &'static str,
        body: &'static str,
        region: &'static str,
        service: &'static str,
        token: Option<&'static str>,
    }

    fn signed(example: &Example) -> HeaderMap {
        let url = Url::parse(example.url).unwrap();
        let request = Signable {
            url: &url,
            content_type: example.content_type,
            body: example.body.as_bytes(),
            region: example.region,
            service: example.service,
            now: SystemTime::UNIX_EPOCH + NOW,
        };
        sign(&request, &keys(example.token)).unwrap()
    }

    #[test]
    fn the_published_example_of_a_form_is_signed_as_published() {
        // post-x-www-form-urlencoded of Amazon's test suite for signature version 4
        let headers = signed(&Example {
            url: "https://example.amazonaws.com/",
            content_type: "application/x-www-form-urlencoded",
            body: "Param1=value1",
            region: "us-east-1",
            service: "service",
            token: None,
        });
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert_eq!(
            headers["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
        assert!(headers["authorization"].is_sensitive());
    }

    #[test]
    fn calls_of_bedrock_are_signed_as_botocore_signs_them() {
        // the signatures are botocore's
        let first = Example {
            url: "https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            content_type: "application/json",
            body: "{\"messages\":[]}",
            region: "eu-central-1",
            service: "bedrock",
            token: Some("token/+="),
        };
        let second = Example {
            url: "http://127.0.0.1:8080/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ax%2Fy/converse",
            body: "{\"é\":1}",
            token: None,
            ..first
        };
        for (example, names, signature) in [
            (
                first,
                "content-type;host;x-amz-date;x-amz-security-token",
                "14917b0884ce9111e024b341f42ef665cfce36cf9bbd8cd8c1d13d1509ae7429",
            ),
            (
                second,
                "content-type;host;x-amz-date",
                "9ede528f4686814c65413ab1af4b74d690a345961632800e458b38575a7b8821",
            ),
        ] {
            let headers = signed(&example);
            let authorization = headers["authorization"].to_str().unwrap();
            let expected = format!("SignedHeaders={names}, Signature={signature}");
            assert!(authorization.ends_with(&expected), "{authorization}");
            assert_eq!(
                headers
                    .get("x-amz-security-token")
                    .map(HeaderValue::as_bytes),
                example.token.map(str::as_bytes)
            );
        }
    }

    #[test]
    fn moments_are_written_as_amazon_reads_them() {
        for (seconds, expected) in [(0, "19700101T000000Z"), (1_709_210_096, "20240229T123456Z")] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(moment(now), expected);
        }
    }
}

//! The files of profiles that Amazon's tools share.

use std::collections::HashMap;

use super::{CloudError, fetch::read_file};
use crate::{
    config::{AmazonCredentials, AmazonKeys, WebIdentity},
    foundation::Secret,
};

/// What a profile holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Profile {
    /// Keys.
    Keys(AmazonKeys),
    /// A role that a token in a file stands for.
    WebIdentity(WebIdentity),
}

/// The settings of one profile.
type Section = HashMap<String, String>;

/// The profile that the operator chose; none where none was chosen and there is no default.
pub(super) async fn find(places: &AmazonCredentials) -> Result<Option<Profile>, CloudError> {
    let name = places.profile.as_deref().unwrap_or(DEFAULT);
    let mut found = None;
    for (file, kind) in [
        (&places.config_file, Kind::Config),
        (&places.credentials_file, Kind::Credentials),
    ] {
        let Some(file) = file else { continue };
        if let Some(text) = read_file(file).await?
            && let Some(section) = section(&text, name, kind)
        {
            found.get_or_insert_with(Section::new).extend(section);
        }
    }
    match found {
        Some(section) => judge(name, &section),
        None if places.profile.is_some() => Err(CloudError::unusable(
            "AWS_PROFILE",
            format!(
                "names the profile {name}, which no file holds; write it into ~/.aws/credentials"
            ),
        )),
        None => Ok(None),
    }
}

/// The region of the chosen profile. Read once, when models are prepared; a file that cannot be
/// read is told when credentials are looked for.
pub(super) fn region(places: &AmazonCredentials) -> Option<String> {
    let name = places.profile.as_deref().unwrap_or(DEFAULT);
    let text = std::fs::read_to_string(places.config_file.as_ref()?).ok()?;
    section(&text, name, Kind::Config)?.remove("region")
}

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its headings are `[profile NAME]`, but `[default]`.
    Config,
    /// Its headings are `[NAME]`.
    Credentials,
}

fn judge(name: &str, section: &Section) -> Result<Option<Profile>, CloudError> {
    let place = format!("the profile {name}");
    let value = |key: &str| section.get(key).filter(|value| !value.is_empty());
    if let (Some(id), Some(secret)) = (value("aws_access_key_id"), value("aws_secret_access_key")) {
        return Ok(Some(Profile::Keys(AmazonKeys {
            access_key_id: id.clone(),
            secret_access_key: Secret::new(secret),
            session_token: value("aws_session_token").map(Secret::new),
        })));
    }
    if let (Some(role), Some(file)) = (value("role_arn"), value("web_identity_token_file")) {
        return Ok(Some(Profile::WebIdentity(WebIdentity {
            role: role.clone(),
            token_file: file.into(),
            session: value("role_session_name").cloned(),
        })));
    }
    if let Some(key) = NOT_READ.into_iter().find(|key| value(key).is_some()) {
        let problem = format!(
            "asks for {key}, which is not followed here; export its keys \
             (aws configure export-credentials), or use a role of ECS, EKS or EC2"
        );
        return Err(CloudError::unusable(place, problem));
    }
    Ok(None)
}

fn section(text: &str, name: &str, kind: Kind) -> Option<Section> {
    let mut found = None;
    let mut is_ours = false;
    for line in text.lines() {
        // a setting below a setting
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let line = line.trim_end();
        if let Some(heading) = line.strip_prefix('[') {
            is_ours = is_heading(heading, name, kind);
            if is_ours {
                found.get_or_insert_with(Section::new);
            }
        } else if is_ours
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
            && let Some(section) = &mut found
        {
            let value = [" #", " ;", "\t#", "\t;"]
                .iter()
                .fold(value, |value, mark| {
                    value.split(mark).next().unwrap_or(value)
                });
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

fn is_heading(heading: &str, name: &str, kind: Kind) -> bool {
    let Some((heading, _)) = heading.split_once(']') else {
        return false;
    };
    let mut words = heading.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("profile"), Some(word), None) => {
            kind == Kind::Config && word.trim_matches('"') == name
        }
        (Some(word), None, None) => word == name && (kind == Kind::Credentials || name == DEFAULT),
        _ => false,
    }
}

const DEFAULT: &str = "default";

/// Ways to keys that a server without its operator cannot go, or that need further services.
const NOT_READ: [&str; 7] = [
    "source_profile",
    "credential_source",
    "credential_process",
    "sso_session",
    "sso_account_id",
    "role_arn",
    "login_session",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A folder of this test alone; the system empties its place.
    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("duogate-profile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    const CONFIG: &str = "\
[default]
region = eu-north-1 # here
s3 =
  region = nowhere
[profile work]
region=eu-west-3
[profile \"web\"]
role_arn = arn:aws:iam::1:role/r
web_identity_token_file = /var/token
[profile far]
role_arn = arn:aws:iam::1:role/r
source_profile = default
";

    const CREDENTIALS: &str = "\
; keys
[default]
aws_access_key_id = AKIDEFAULT
aws_secret_access_key = s1/+=
[work]
AWS_ACCESS_KEY_ID=AKIWORK
aws_secret_access_key=s2
aws_session_token=t2
[profile fake]
aws_access_key_id = no
";

    #[tokio::test]
    async fn profiles_are_found_in_both_files() {
        let folder = folder("both");
        let places = |profile: Option<&str>| AmazonCredentials {
            profile: profile.map(ToOwned::to_owned),
            config_file: Some(write(&folder, "config", CONFIG)),
            credentials_file: Some(write(&folder, "credentials", CREDENTIALS)),
            ..AmazonCredentials::default()
        };
        let found = find(&places(None)).await.unwrap();
        let Some(Profile::Keys(keys)) = found else {
            panic!("keys are expected: {found:?}");
        };
        assert_eq!(keys.access_key_id, "AKIDEFAULT");
        assert_eq!(keys.secret_access_key.expose(), "s1/+=");
        assert_eq!(region(&places(None)).as_deref(), Some("eu-north-1"));
        assert_eq!(region(&places(Some("work"))).as_deref(), Some("eu-west-3"));
        let found = find(&places(Some("work"))).await.unwrap();
        assert!(matches!(found, Some(Profile::Keys(keys)) if keys.session_token.is_some()));
        let found = find(&places(Some("web"))).await.unwrap();
        assert!(matches!(found, Some(Profile::WebIdentity(_))));
        for (name, words) in [
            ("far", "asks for source_profile"),
            ("gone", "which no file holds"),
            ("fake", "which no file"),
        ] {
            let error = find(&places(Some(name))).await.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn no_files_are_no_profile() {
        let places = AmazonCredentials {
            config_file: Some("/nowhere/config".into()),
            ..AmazonCredentials::default()
        };
        assert_eq!(find(&places).await, Ok(None));
        assert_eq!(region(&places), None);
    }
}

//! Why there are no credentials.

use std::path::PathBuf;

use http::StatusCode;

/// Each says where it failed and what to do; none repeats a secret. Operators read it in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::model) enum CloudError {
    /// Nothing is configured.
    #[error(
        "there are no credentials for Amazon Bedrock ({tried}); set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role of ECS, EKS or EC2"
    )]
    NoAmazon {
        /// What the last place said that was asked.
        tried: String,
    },
    /// Nothing is configured.
    #[error(
        "there are no credentials for Vertex AI ({tried}); set GOOGLE_APPLICATION_CREDENTIALS to a key file of a service account, or run with a service account of Google Cloud"
    )]
    NoGoogle {
        /// What the last place said that was asked.
        tried: String,
    },
    /// A file that is named or stands where files of its kind do.
    #[error("{} cannot be read: {reason}; let this user read it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// What is configured holds no credentials.
    #[error("{place} {problem}")]
    Unusable {
        /// The file, the variable or the profile.
        place: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// Nobody can be asked.
    #[error("credentials cannot be asked for: {0}")]
    Client(String),
    /// A server that gives credentials does not answer.
    #[error("{place} cannot be reached for credentials: {reason}")]
    Unreachable {
        /// Its URL.
        place: String,
        /// What the client says.
        reason: String,
    },
    /// A server gives none.
    #[error("{place} gives no credentials: {} {words}", status.as_u16())]
    Refused {
        /// Its URL.
        place: String,
        /// The status.
        status: StatusCode,
        /// The reason that it names.
        words: String,
    },
    /// A server says something else.
    #[error("{place} answered something that holds no credentials")]
    Malformed {
        /// Its URL.
        place: String,
    },
}

impl CloudError {
    pub(in crate::model) fn unusable(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Unusable {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

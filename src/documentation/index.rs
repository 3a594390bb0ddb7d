//! The door's handle: asked by every search.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    DocumentationError, Passage, SearchError,
    lookup::{Found, look_up},
    query::Query,
};
use crate::telemetry::{Metrics, OutcomeLabels};

/// Searches a file that may come, go and be replaced at any time. Cheap to clone; holds nothing
/// open.
#[derive(Clone, Debug)]
pub struct DocumentationIndex(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// None where none is configured.
    file: Option<PathBuf>,
    places: Arc<Semaphore>,
    /// What was last said of the file to the operator; nothing while all is well.
    trouble: Mutex<Option<String>>,
    metrics: Arc<Metrics>,
}

impl DocumentationIndex {
    /// Over the configured file. Looks only whether it is there, and warns where it is not.
    pub fn new(file: Option<&Path>, metrics: &Arc<Metrics>) -> Self {
        let index = Self(Arc::new(Inner {
            file: file.map(Path::to_owned),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
            trouble: Mutex::default(),
            metrics: Arc::clone(metrics),
        }));
        if let Some(file) = file {
            metrics.expect_documentation();
            if let Err(cause) = file.metadata() {
                let path = file.to_owned();
                index.note(Some(&DocumentationError::Missing { path, cause }));
            }
        }
        index
    }

    /// The best passages for a question, at most `limit`; none where there is no usable index, of
    /// which the log says why once.
    pub async fn search(&self, question: &str, limit: usize) -> Result<Vec<Passage>, SearchError> {
        let Some(file) = &self.0.file else {
            return Ok(Vec::new());
        };
        let query = Query::read(question);
        if query.is_empty() {
            self.count("empty");
            return Ok(Vec::new());
        }
        let place = Arc::clone(&self.0.places).acquire_owned();
        let Ok(Ok(place)) = timeout(LONGEST_WAIT, place).await else {
            self.count("busy");
            return Err(SearchError::Busy);
        };
        let deadline = Instant::now() + LONGEST_SEARCH;
        let path = file.clone();
        // a client that leaves does not end the thread, so the place belongs to it
        let searching = spawn_blocking(move || {
            let found = look_up(&path, &query, limit, deadline);
            drop(place);
            found
        });
        Ok(match searching.await {
            Ok(found) => self.judge(found),
            Err(panicked) => {
                tracing::error!(%panicked, "a search of the documentation failed");
                self.count("unavailable");
                Vec::new()
            }
        })
    }

    /// Where the index lies and whether it could be used, for the operator; nothing where none is
    /// configured.
    pub fn describe(&self) -> Option<String> {
        let file = self.0.file.as_ref()?;
        let trouble = self.0.trouble.lock();
        let trouble = trouble.unwrap_or_else(PoisonError::into_inner).clone();
        Some(match trouble {
            Some(trouble) => trouble,
            None => format!("{} is searched", file.display()),
        })
    }

    fn judge(&self, found: Result<Found, DocumentationError>) -> Vec<Passage> {
        match found {
            Ok(found) => {
                self.note(None);
                self.count(match (found.is_cut, found.passages.is_empty()) {
                    (true, _) => "cut",
                    (false, true) => "empty",
                    (false, false) => "found",
                });
                found.passages
            }
            Err(error) => {
                self.note(Some(&error));
                self.count("unavailable");
                Vec::new()
            }
        }
    }

    /// Tells the operator what has changed.
    fn note(&self, error: Option<&DocumentationError>) {
        let told = error.map(ToString::to_string);
        let trouble = self.0.trouble.lock();
        let mut trouble = trouble.unwrap_or_else(PoisonError::into_inner);
        if *trouble == told {
            return;
        }
        if let Some(error) = &told {
            tracing::warn!(error, "searches of the documentation find nothing");
        } else {
            tracing::info!("the documentation can be searched");
        }
        *trouble = told;
    }

    fn count(&self, outcome: &'static str) {
        let searches = &self.0.metrics.documentation_searches;
        searches.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}

/// Searches are a burst of reading; more at a time would take the threads from each other.
const AT_A_TIME: usize = 4;

/// A search of GitLab's whole documentation takes some milliseconds.
const LONGEST_SEARCH: Duration = Duration::from_secs(2);

/// As long as those in front may take.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

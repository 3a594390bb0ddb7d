//! One search, on a thread that may wait for the disk.

use std::{collections::BTreeSet, fs::File, os::unix::ffi::OsStrExt, path::Path, time::Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::{DocumentationError, Passage, passage::fitting, query::Query};

/// What a search brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Best first.
    pub(super) passages: Vec<Passage>,
    /// Whether there was no time for all of it.
    pub(super) is_cut: bool,
}

/// Looks for what holds every word, then for what holds some. Blocks.
pub(super) fn look_up(
    file: &Path,
    query: &Query,
    limit: usize,
    deadline: Instant,
) -> Result<Found, DocumentationError> {
    let mut connection = open(file)?;
    let interrupt = move || Instant::now() >= deadline;
    let foreign = |error: rusqlite::Error| foreign(file, &error);
    connection
        .progress_handler(STEPS, Some(interrupt))
        .map_err(foreign)?;
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for expression in [Some(query.strict()), query.loose()].into_iter().flatten() {
        if found.passages.len() >= limit {
            break;
        }
        match collect(
            &connection,
            &expression,
            limit,
            &mut seen,
            &mut found.passages,
        ) {
            Ok(()) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                found.is_cut = true;
                break;
            }
            Err(error) => return Err(foreign(error)),
        }
    }
    found.passages = fitting(found.passages);
    Ok(found)
}

/// Whether a file is an index. Blocks.
pub(super) fn examine(file: &Path) -> Result<(), DocumentationError> {
    let connection = open(file)?;
    let look = connection.query_row(COUNT, [], |row| row.get::<_, i64>(0));
    look.map(drop).map_err(|error| foreign(file, &error))
}

fn collect(
    connection: &Connection,
    expression: &str,
    limit: usize,
    seen: &mut BTreeSet<i64>,
    passages: &mut Vec<Passage>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(SEARCH)?;
    let rows = i64::try_from(limit + seen.len()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![expression, rows, CONTENT, METADATA])?;
    while let Some(row) = rows.next()? {
        if passages.len() >= limit {
            break;
        }
        if !seen.insert(row.get(0)?) {
            continue;
        }
        // whatever type a foreign file gives its columns
        let text = |column| -> rusqlite::Result<String> {
            let value = row.get_ref(column)?;
            Ok(String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned())
        };
        passages.push(Passage::read(text(1)?, &text(2)?));
    }
    Ok(())
}

/// Opens for reading, without the locks and companion files that a read-only file system has no
/// place for. The path becomes a URI, which is how SQLite is told so.
fn open(file: &Path) -> Result<Connection, DocumentationError> {
    let missing = |cause| DocumentationError::Missing {
        path: file.to_owned(),
        cause,
    };
    // the system's words are better than SQLite's
    let opened = File::open(file).map_err(missing)?;
    if opened.metadata().map_err(missing)?.is_dir() {
        return Err(missing(std::io::ErrorKind::IsADirectory.into()));
    }
    let path = percent_encode(file.as_os_str().as_bytes(), PATH);
    let uri = format!("file:{path}?mode=ro&immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags);
    let connection = connection.map_err(|error| foreign(file, &error))?;
    // a file from elsewhere may name functions in its schema
    let distrust =
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;");
    distrust.map_err(|error| foreign(file, &error))?;
    Ok(connection)
}

fn foreign(file: &Path, error: &rusqlite::Error) -> DocumentationError {
    DocumentationError::Foreign {
        path: file.to_owned(),
        cause: error.to_string(),
    }
}

/// `rank` is bm25; sorting by it is FTS5's own, which then reads only the rows that are wanted.
const SEARCH: &str = "SELECT rowid, substr(content, 1, ?3), substr(metadata, 1, ?4) \
                      FROM doc_index WHERE doc_index MATCH ?1 ORDER BY rank LIMIT ?2";

/// Names the table and its columns, and asks FTS5 itself, so that what it needs is looked at too.
const COUNT: &str = "SELECT count(*) FROM (SELECT processed, content, metadata \
                     FROM doc_index WHERE doc_index MATCH '\"gitlab\"' LIMIT 1)";

/// Characters of a passage; the sections of our own have 4000 at most.
const CONTENT: i64 = 64 * 1024;

/// Characters of what is told of it.
const METADATA: i64 = 16 * 1024;

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 1000;

/// What a path may hold as it is.
pub(super) const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_search_ends_with_its_time() {
        let folder = std::env::temp_dir().join(format!("duogate-lookup-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("docs.db");
        let connection = Connection::open(&file).unwrap();
        let script = "CREATE VIRTUAL TABLE doc_index USING fts5(processed, content, metadata);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            INSERT INTO doc_index SELECT 'word other', 'word', '{}' FROM n;";
        connection.execute_batch(script).unwrap();
        drop(connection);
        let query = Query::read("word other");
        let now = Instant::now();
        let cut = look_up(&file, &query, 4, now).unwrap();
        let whole = look_up(&file, &query, 4, now + Duration::from_secs(60)).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(cut.is_cut && cut.passages.is_empty());
        assert!(!whole.is_cut && whole.passages.len() == 4);
    }
}

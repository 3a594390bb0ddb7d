//! One source file as the architecture test sees it.

/// A file under `src/`.
pub(crate) struct Source {
    /// The path below `src/`.
    pub(crate) name: String,
    text: String,
    /// The text with comments, literals and test modules blanked; lines stay where they are.
    code: String,
}

/// A function and where it begins.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let code = without_tests(&blank(text));
        Self {
            name: name.replace('\\', "/"),
            text: text.to_owned(),
            code,
        }
    }

    /// The folder below `src/`, or the file itself for those at the top.
    pub(crate) fn room(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether this is the `mod.rs` of a folder.
    pub(crate) fn is_door(&self) -> bool {
        self.name.ends_with("/mod.rs")
    }

    /// Paths into rooms, each with its line: `crate::room`, `crate::{a, b}`, and chains of `super`
    /// that leave the room.
    pub(crate) fn rooms_used(&self) -> Vec<(usize, String)> {
        let mut rooms = Vec::new();
        for root in ["crate::", "duogate::"] {
            for (at, _) in self.code.match_indices(root) {
                if !continues_a_word(&self.code, at) {
                    self.first_segments(at + root.len(), &mut rooms);
                }
            }
        }
        let depth = self.name.split('/').count() - usize::from(self.is_door());
        let out_of_the_room = "super::".repeat(depth);
        for (at, _) in self.code.match_indices(&out_of_the_room) {
            let inside_a_longer_path = self
                .code
                .get(..at)
                .is_some_and(|before| before.ends_with("::"));
            if !inside_a_longer_path && !continues_a_word(&self.code, at) {
                self.first_segments(at + out_of_the_room.len(), &mut rooms);
            }
        }
        rooms
    }

    /// The lines up to the test module, or all.
    pub(crate) fn lines_before_tests(&self) -> usize {
        let lines = self.text.lines().collect::<Vec<_>>();
        let tests = lines.windows(2).position(|pair| {
            pair[0].trim() == TEST_ATTRIBUTE && pair[1].trim_start().starts_with("mod ")
        });
        tests.unwrap_or(lines.len())
    }

    /// Every function with a body outside tests; nested ones count on their own too.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            if continues_a_word(&self.code, at) {
                continue;
            }
            let name = word(&self.code[at + 3..]);
            let Some(open) = body_start(&self.code, at) else {
                continue;
            };
            let close = matching_brace(&self.code, open);
            if !name.is_empty() {
                let lines = self.line(close) - self.line(at) + 1;
                functions.push(Function {
                    name: name.to_owned(),
                    line: self.line(at),
                    lines,
                });
            }
        }
        functions
    }

    /// Everything outside comments and tests, cut after `;` and `}` outside braces, without
    /// attributes.
    pub(crate) fn statements(&self) -> Vec<(usize, String)> {
        let mut statements = Vec::new();
        let mut current = String::new();
        let mut line = 0;
        let mut depth = 0_usize;
        let mut brackets_of_attribute = 0_usize;
        for (at, character) in self.code.char_indices() {
            let begins_attribute = character == '#' && current.is_empty();
            if begins_attribute || brackets_of_attribute > 0 {
                match character {
                    '#' if brackets_of_attribute == 0 => brackets_of_attribute = 1,
                    '[' => brackets_of_attribute += 1,
                    ']' if brackets_of_attribute == 2 => brackets_of_attribute = 0,
                    ']' => brackets_of_attribute -= 1,
                    _ => {}
                }
                continue;
            }
            if current.is_empty() {
                if character.is_whitespace() {
                    continue;
                }
                line = self.line(at);
            }
            current.push(if character == '\n' { ' ' } else { character });
            match character {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_use = current.contains("use ");
            if depth == 0 && (character == ';' || (character == '}' && !is_use)) {
                statements.push((line, std::mem::take(&mut current)));
            }
        }
        if !current.trim().is_empty() {
            statements.push((line, current));
        }
        statements
    }

    /// The non-empty lines of the `//!` text at the top.
    pub(crate) fn essay(&self) -> Vec<&str> {
        let lines = self.text.lines().take_while(|line| line.starts_with("//!"));
        lines
            .map(|line| line.trim_start_matches("//!").trim())
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Names of Markdown files in the text, comments included.
    pub(crate) fn documents_named(&self) -> Vec<String> {
        let is_part = |character: char| character.is_alphanumeric() || "._-/".contains(character);
        self.text
            .split(|character| !is_part(character))
            .map(|word| word.trim_end_matches('.').trim_start_matches('/'))
            .filter(|word| {
                word.strip_suffix(".md")
                    .is_some_and(|stem| !stem.is_empty())
            })
            .map(ToOwned::to_owned)
            .collect()
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// The word at `at`, or the first words of a group in braces.
    fn first_segments(&self, at: usize, rooms: &mut Vec<(usize, String)>) {
        let rest = &self.code[at..];
        if !rest.starts_with('{') {
            rooms.push((self.line(at), word(rest).to_owned()));
            return;
        }
        let close = matching_brace(&self.code, at);
        let mut depth = 0_usize;
        let mut expects_room = false;
        for (offset, character) in self.code[at..close].char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 1 && (character == '{' || character == ',') {
                expects_room = true;
            } else if expects_room && !character.is_whitespace() {
                let place = at + offset;
                rooms.push((self.line(place), word(&self.code[place..]).to_owned()));
                expects_room = false;
            }
        }
    }
}

const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

fn word(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
    &text[..end.unwrap_or(text.len())]
}

fn continues_a_word(code: &str, at: usize) -> bool {
    code[..at]
        .chars()
        .next_back()
        .is_some_and(|before| before.is_alphanumeric() || before == '_')
}

/// Where the braces of the function's body open; none for a declaration in a trait.
fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut inside = 0_usize;
    for (offset, character) in code[from..].char_indices() {
        match character {
            '(' | '[' => inside += 1,
            ')' | ']' => inside = inside.saturating_sub(1),
            ';' if inside == 0 => return None,
            '{' if inside == 0 => return Some(from + offset),
            _ => {}
        }
    }
    None
}

/// Where the brace that opens at `open` closes, or the end.
fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code[open..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset;
        }
    }
    code.len()
}

/// Blanks every item behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut code = code.to_owned();
    let mut from = 0;
    while let Some(offset) = code[from..].find(TEST_ATTRIBUTE) {
        let start = from + offset;
        let end = match code[start..].find(['{', ';']) {
            Some(offset) if code[start + offset..].starts_with('{') => {
                matching_brace(&code, start + offset)
            }
            Some(offset) => start + offset,
            None => code.len(),
        };
        let end = (end + 1).min(code.len());
        let blanked = spaces(&code[start..end]);
        code.replace_range(start..end, &blanked);
        from = end;
    }
    code
}

/// Replaces the inside of comments and literals by spaces, byte for byte.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            quoted(rest)
        } else if first == 'r'
            && !code.ends_with(|last: char| last.is_alphanumeric() || last == '_')
        {
            raw_string(rest)
        } else if first == '\'' {
            character_literal(rest)
        } else {
            0
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.push_str(&spaces(&rest[..length]));
            rest = &rest[length..];
        }
    }
    code
}

fn spaces(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r"..."` or `r#"..."#`, 0 if this is none.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inside = 2 + hashes;
    text[inside..]
        .find(&end)
        .map_or(text.len(), |at| inside + at + end.len())
}

/// The length of `'x'` or `'\n'`, 0 for a lifetime.
fn character_literal(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((after, _))) => text[after + 1..]
            .find('\'')
            .map_or(0, |offset| after + offset + 2),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

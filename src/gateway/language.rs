//! The programming language of a file, by its name (models-and-prompts 2.5).

/// What is known of a language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Language {
    /// The word in answers and metrics.
    pub(super) name: &'static str,
    extensions: &'static [&'static str],
    /// What editors call it, where that differs from the name.
    editors: &'static [&'static str],
}

impl Language {
    /// The language of a file; extensions count as they are written (`C` is C++, `c` is C). Files
    /// that are known by their whole name have one too, so that they get completions.
    pub(super) fn of_file(name: &str) -> Option<&'static Self> {
        let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
        if let Some(extension) = extension(base) {
            return find(|language| language.extensions.contains(&extension));
        }
        let lower = base.to_ascii_lowercase();
        let known = WHOLE_NAMES.iter().find(|(whole, _)| *whole == lower);
        let (_, word) = known?;
        find(|language| language.name == *word)
    }

    /// An extension as the table holds it.
    pub(super) fn extension(&self, extension: &str) -> Option<&'static str> {
        let mut known = self.extensions.iter();
        known.find(|known| **known == extension).copied()
    }

    /// The language that an editor names.
    pub(super) fn of_editor(identifier: &str) -> Option<&'static Self> {
        find(|language| language.editors.contains(&identifier) || language.name == identifier)
    }
}

/// What follows the last dot of a file's name; none for `Makefile` and `.bashrc`.
pub(super) fn extension(name: &str) -> Option<&str> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, extension) = base.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then_some(extension)
}

/// The word for an answer: by the extension, else what the editor says, in lower case; empty if
/// nothing is known (http-api 2.1).
pub(super) fn answer_word(file_name: &str, identifier: Option<&str>) -> String {
    match Language::of_file(file_name) {
        Some(language) => language.name.to_owned(),
        None => identifier.unwrap_or_default().to_lowercase(),
    }
}

/// The word for a prompt: what the editor says, else the language, else the extension, else the
/// file's own name, so that the model has something to go by.
pub(super) fn prompt_word(file_name: &str, identifier: Option<&str>) -> String {
    let named = identifier.filter(|identifier| !identifier.trim().is_empty());
    if let Some(identifier) = named {
        return identifier.to_lowercase();
    }
    match Language::of_file(file_name) {
        Some(language) => language.name.to_owned(),
        None => extension(file_name).unwrap_or(file_name).to_lowercase(),
    }
}

fn find(wanted: impl Fn(&Language) -> bool) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| wanted(language))
}

macro_rules! languages {
    ($($name:literal: $($extension:literal)* $(| $($editor:literal)+)?;)*) => {
        /// In the order in which they are searched.
        const LANGUAGES: &[Language] = &[$(Language {
            name: $name,
            extensions: &[$($extension),*],
            editors: &[$($($editor),+)?],
        }),*];
    };
}

languages! {
    "c": "c" "h";
    "cpp": "cpp" "hpp" "c++" "h++" "cc" "hh" "C" "H";
    "csharp": "cs";
    "go": "go";
    "java": "java";
    "js": "js" "jsx" | "javascript" "javascriptreact";
    "php": "php" "php3" "php4" "php5" "phps" "phpt";
    "python": "py";
    "ruby": "rb";
    "rust": "rs";
    "scala": "scala";
    "ts": "ts" "tsx" | "typescript" "typescriptreact";
    "kotlin": "kts" "kt";
    "ada": "adb" "ads" "ada";
    "apex": "cls" "trigger";
    "arduino": "ino";
    "asm": "asm" "s" "S" | "asm" "x86asm";
    "awk": "awk";
    "bash": "sh" "bash" | "shellscript" "bash";
    "batch": "bat" "cmd" | "bat";
    "bicep": "bicep";
    "c3": "c3";
    "cairo": "cairo";
    "clojure": "clj" "cljs" "cljc";
    "cobol": "cbl" "cob" "cobol";
    "commonlisp": "lisp" "cl" "lsp" | "commonlisp" "lisp";
    "crystal": "cr";
    "cuda": "cu" "cuh" | "cuda" "cuda-cpp";
    "d": "d";
    "dart": "dart";
    "devicetree": "dts" "dtsi" | "dts";
    "dockerfile": "dockerfile";
    "elisp": "el" | "emacs-lisp";
    "elixir": "ex" "exs";
    "elm": "elm";
    "erlang": "erl" "hrl";
    "fennel": "fnl";
    "fish": "fish";
    "fortran": "f" "f90" "f95" "f03" "f08" "f77" "for" | "fortran" "FortranFreeForm";
    "fsharp": "fs" "fsi" "fsx";
    "gdscript": "gd";
    "gleam": "gleam";
    "glsl": "glsl" "vert" "frag";
    "groovy": "groovy" "gvy" "gy" "gsh";
    "hack": "hack";
    "hare": "ha";
    "haskell": "hs" "lhs";
    "haxe": "hx";
    "hcl": "hcl";
    "hlsl": "hlsl";
    "idris": "idr";
    "jai": "jai";
    "janet": "janet";
    "jq": "jq";
    "julia": "jl";
    "lua": "lua";
    "luau": "luau";
    "magik": "magik";
    "matlab": | "matlab";
    "mojo": "mojo";
    "move": "move";
    "nim": "nim";
    "nix": "nix";
    "objc": "m" "mm" | "objective-c" "objective-cpp";
    "ocaml": "ml" "mli";
    "odin": "odin";
    "pascal": "pas" "pp" | "pascal" "objectpascal";
    "perl": "pl" "pm" "pod" "t";
    "pony": "pony";
    "powershell": "ps1" "psm1" "psd1";
    "prolog": "pro" "prolog";
    "purescript": "purs";
    "ql": "ql" "qll" | "ql" "codeql";
    "r": "r" "R";
    "racket": "rkt";
    "rescript": "res" "resi";
    "robot": "robot";
    "roc": "roc";
    "scheme": "scm" "ss";
    "smalltalk": "st";
    "solidity": "sol";
    "sourcepawn": "sp";
    "sql": "sql";
    "starlark": "star" "bzl" | "starlark" "bazel";
    "svelte": "svelte";
    "swift": "swift";
    "systemverilog": "sv" "svh";
    "tact": "tact";
    "tcl": "tcl" "tk";
    "terraform": "tf" "tfvars";
    "tlaplus": "tla";
    "v": "vsh" "vv";
    "vb": "vb" "bas" "vbs" | "vb" "vbscript";
    "verilog": "v";
    "vhdl": "vhd" "vhdl";
    "vim": "vim" | "vim" "viml";
    "vue": "vue";
    "wgsl": "wgsl";
    "zig": "zig";
    "zsh": "zsh";
}

/// Files that people complete and that have no extension; the reference leaves them without an
/// answer (models-and-prompts 10, trap 13).
const WHOLE_NAMES: &[(&str, &str)] = &[
    ("dockerfile", "dockerfile"),
    ("containerfile", "dockerfile"),
    ("gemfile", "ruby"),
    ("rakefile", "ruby"),
    ("vagrantfile", "ruby"),
    ("jenkinsfile", "groovy"),
    ("build", "starlark"),
    ("workspace", "starlark"),
    (".bashrc", "bash"),
    (".zshrc", "zsh"),
    (".vimrc", "vim"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_the_language_of_the_extension_first() {
        for (file, identifier, expected) in [
            ("app/a.py", None, "python"),
            ("a.py", Some("Ruby"), "python"),
            ("a.C", None, "cpp"),
            ("a.c", None, "c"),
            ("a.tsx", None, "ts"),
            ("a.yaml", None, ""),
            ("a.yaml", Some("YAML"), "yaml"),
            ("Makefile", None, ""),
            ("Makefile", Some("makefile"), "makefile"),
            ("deploy/Dockerfile", None, "dockerfile"),
            ("Gemfile", None, "ruby"),
            (".bashrc", None, "bash"),
            ("", None, ""),
        ] {
            assert_eq!(answer_word(file, identifier), expected, "{file}");
        }
    }

    #[test]
    fn prompts_get_the_best_word_there_is() {
        for (file, identifier, expected) in [
            ("a.py", Some("Python"), "python"),
            ("a.py", Some(" "), "python"),
            ("a.toml", None, "toml"),
            ("Makefile", None, "makefile"),
            ("dir.d/Makefile", Some(""), "dir.d/makefile"),
        ] {
            assert_eq!(prompt_word(file, identifier), expected, "{file}");
        }
    }

    #[test]
    fn editors_are_known_by_their_own_words() {
        assert_eq!(Language::of_editor("shellscript").unwrap().name, "bash");
        assert_eq!(Language::of_editor("python").unwrap().name, "python");
        assert_eq!(Language::of_editor("klingon"), None);
    }
}

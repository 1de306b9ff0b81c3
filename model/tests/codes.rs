//! The table of codes: every code that the sources use stands there, and its example draws it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use model::code;
use model::diagnostic::{Diagnostic, Sources};

/// Codes without an example, and why.
const NO_EXAMPLE: &[(&str, &str)] = &[
    ("L011", "it takes hundreds of brackets"),
    ("S000", "there is no file"),
    ("S001", "it takes four million bytes"),
    ("S005", "it is nothing at all"),
    ("K020", "it is the whole section that is missing"),
    ("V008", "it comes from the command line"),
    ("V011", "it comes from a database"),
    ("V012", "it comes from a database"),
];

/// Everything that is said about a specification, by code.
fn drawn(text: &str) -> BTreeSet<&'static str> {
    let open = |path: &str| match path {
        "mine.yaml" => Ok(text.to_owned()),
        "example.yaml" => Ok(code::EXAMPLE.to_owned()),
        other => Err(format!("there is no {other}")),
    };
    let all: Vec<Diagnostic> = match model::load("mine.yaml", &open, &mut Sources::default()) {
        Ok(loaded) => [loaded.warnings, loaded.advice].concat(),
        Err(errors) => errors,
    };
    all.iter().map(|it| it.code).collect()
}

/// The example with a piece of it replaced, or a specification of its own.
fn with(piece: &str, right: &str) -> String {
    if piece.starts_with("pgisa:") && piece.contains("extends:") {
        return piece.to_owned();
    }
    code::EXAMPLE.replacen(right, piece, 1)
}

#[test]
fn the_example_draws_nothing() {
    assert_eq!(drawn(code::EXAMPLE), BTreeSet::new());
}

#[test]
fn what_is_wrong_draws_the_code_and_what_is_right_does_not() {
    let mut bad = Vec::new();
    // What is found by analysis is tried by the analyzer, programs by the assembler, databases by their importers.
    for it in code::all().filter(|it| !it.code.starts_with(['V', 'P', 'U'])) {
        let excused = NO_EXAMPLE.iter().any(|(code, _)| *code == it.code);
        if it.right.is_empty() {
            assert!(excused, "{} has no example", it.code);
            continue;
        }
        assert!(!excused, "{} has an example", it.code);
        let own = it.right.starts_with("pgisa:") && it.right.contains("extends:");
        if !own && !code::EXAMPLE.contains(it.right) {
            bad.push(format!("{}: what is right is no piece of the example", it.code));
            continue;
        }
        let (wrong, right) = (drawn(&with(it.wrong, it.right)), drawn(&with(it.right, it.right)));
        if !wrong.contains(it.code) {
            bad.push(format!("{}: what is wrong draws {wrong:?}", it.code));
        }
        if right.contains(it.code) {
            bad.push(format!("{}: what is right draws it", it.code));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn every_code_of_the_sources_has_one_entry() {
    let known: Vec<&str> = code::all().map(|it| it.code).collect();
    let unique: BTreeSet<&str> = known.iter().copied().collect();
    assert_eq!(unique.len(), known.len(), "a code stands twice");
    let mut used = BTreeSet::new();
    for folder in ["src", "../refvmm/src", "../analyzer/src"] {
        collect(Path::new(folder), &mut used);
    }
    let known: BTreeSet<String> = unique.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(
        used.difference(&known).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in the table"
    );
    assert_eq!(known.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "not in use");
}

/// The codes in quotes in the sources of a folder, but for the table's own.
fn collect(folder: &Path, used: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("src/code") {
                collect(&path, used);
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let codes = text.split('"').filter(|word| {
                let bytes = word.as_bytes();
                bytes.len() == 4
                    && b"ACKLPSUV".contains(&bytes[0])
                    && bytes[1..].iter().all(u8::is_ascii_digit)
            });
            used.extend(codes.map(str::to_owned));
        }
    }
}

#[test]
fn an_entry_reads_as_a_page() {
    let page = code::find("c013").unwrap().render();
    assert!(page.starts_with("C013: two widths do not agree\n\nNothing is cut"), "{page}");
    assert!(page.contains("\nWrong:\n        r[d] = mem[a];\n\nRight:\n"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    assert!(code::find("C999").is_none());
}

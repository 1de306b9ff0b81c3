//! Every way of being wrong has a small specification in `rejected/`; this compares the codes it
//! is refused with, and the text a user sees.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use model::diagnostic::{Diagnostic, Severity, Sources};

#[test]
fn an_address_function_that_wraps_is_warned_of() {
    let text = open("tests/rejected/base-tiny.yaml").unwrap();
    let sums = [
        ("base + a", true),
        ("a + 1 + base", true),
        ("base +^ a", false),
        ("zext(base, 40) + zext(a, 40)", false),
        ("zext(base, 33) + zext(a, 33) + 1", true),
    ];
    for (sum, wraps) in sums {
        let changed = text.replace("phys[base +^ a]", &format!("phys[{sum}]"));
        let mut sources = Sources::default();
        let loaded = model::load("wraps.yaml", &|_| Ok(changed.clone()), &mut sources).unwrap();
        let codes: Vec<_> = loaded.warnings.iter().map(|d| d.code).collect();
        assert_eq!(codes, if wraps { vec!["C033"] } else { vec![] }, "{sum}");
    }
}

/// Codes that no file of the corpus can provoke, and why.
const NO_FILE: &[(&str, &str)] = &[
    ("S000", "the file cannot be read: see `an_unreadable_file_is_refused`"),
    ("S001", "the file has more than four million bytes: see `a_huge_file_is_refused`"),
    ("C030", "a warning: see `warnings_do_not_refuse`"),
    ("C031", "a warning: see `warnings_do_not_refuse`"),
    ("C032", "a warning: see `warnings_do_not_refuse`"),
    ("C033", "a warning: see `an_address_function_that_wraps_is_warned_of`"),
];

/// Opens a file; the message is the same on every system.
fn open(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| e.kind().to_string())
}

/// What is found in a text, with the text as a user sees it.
fn findings(
    path: &str,
    open: &dyn Fn(&str) -> Result<String, String>,
) -> (Vec<Diagnostic>, String) {
    let mut sources = Sources::default();
    let found = match model::load(path, open, &mut sources) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    let rendered: Vec<_> = found.iter().map(|d| d.render(&sources, false)).collect();
    (found, rendered.join("\n\n"))
}

fn errors(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().filter(|d| d.is_error()).map(|d| d.code).collect()
}

/// Name and text of every file of the corpus that must be refused, in order of name.
fn corpus() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir("tests/rejected")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| !name.starts_with("base-"))
        .map(|name| {
            let text = open(&format!("tests/rejected/{name}.yaml")).unwrap();
            (name, text)
        })
        .collect();
    all.sort();
    all
}

/// The codes a file's first line announces.
fn expected<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
    let first = text.lines().next().and_then(|line| line.strip_prefix("# EXPECT: "));
    first.unwrap_or_else(|| panic!("{name} begins with `# EXPECT: `")).split_whitespace().collect()
}

#[test]
fn every_file_is_refused_as_it_says() {
    let mut wrong = String::new();
    for (name, text) in corpus() {
        let (found, rendered) = findings(&format!("tests/rejected/{name}.yaml"), &open);
        let (expected, found) = (expected(&name, &text), errors(&found));
        if expected != found {
            writeln!(wrong, "{name}: expected {expected:?}, found {found:?}\n{rendered}\n")
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn messages_are_as_they_were() {
    insta::with_settings!({
        snapshot_path => "rejected/snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for (name, _) in corpus() {
            let (_, rendered) = findings(&format!("tests/rejected/{name}.yaml"), &open);
            insta::assert_snapshot!(name.as_str(), rendered);
        }
    });
}

#[test]
fn every_error_points_into_its_file() {
    for (name, _) in corpus() {
        let (found, _) = findings(&format!("tests/rejected/{name}.yaml"), &open);
        for d in found {
            assert!(
                d.span.is_some() || ["S005"].contains(&d.code),
                "{name}: {} has no place",
                d.code
            );
        }
    }
}

#[test]
fn every_code_has_a_file() {
    let mut codes = BTreeSet::new();
    for folder in ["src", "src/check", "src/lower"] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "rs") {
                codes.extend(quoted_codes(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(codes.len() > 50, "the sources name their codes");
    let files = corpus();
    let covered: BTreeSet<&str> = files.iter().flat_map(|(n, t)| expected(n, t)).collect();
    let excepted: BTreeSet<&str> = NO_FILE.iter().map(|(code, _)| *code).collect();
    let missing: Vec<_> = codes
        .iter()
        .filter(|c| !covered.contains(c.as_str()) && !excepted.contains(c.as_str()))
        .collect();
    assert!(missing.is_empty(), "no file provokes {missing:?}");
    for code in covered.iter().chain(&excepted) {
        assert!(codes.contains(*code), "{code} is no code of the sources");
    }
    assert!(covered.is_disjoint(&excepted), "a code with a file is no exception");
}

/// String literals like `"K026"`.
fn quoted_codes(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('"').map(str::to_owned).filter(|word| {
        word.len() == 4
            && word.starts_with(['S', 'L', 'C', 'K'])
            && word[1..].bytes().all(|b| b.is_ascii_digit())
    })
}

#[test]
fn an_unreadable_file_is_refused() {
    let (found, rendered) =
        findings("tests/rejected/no-such-file.yaml", &|_| Err("no such file".into()));
    assert_eq!(errors(&found), ["S000"]);
    assert!(rendered.contains("tests/rejected/no-such-file.yaml: no such file"), "{rendered}");
}

#[test]
fn a_huge_file_is_refused() {
    let line = "# nothing to see here, but a lot of it, more than anyone would read ........\n";
    let text = format!("pgisa: 1\n{}", line.repeat((4 << 20) / line.len() + 1));
    let (found, _) = findings("huge.yaml", &|_| Ok(text.clone()));
    assert_eq!(errors(&found), ["S001"]);
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "\n", "   \n\n", "\u{feff}", "\u{feff}# a comment\n"] {
        let (found, _) = findings("empty.yaml", &|_| Ok(text.to_owned()));
        assert_eq!(errors(&found), ["S005"], "{text:?}");
    }
}

#[test]
fn warnings_do_not_refuse() {
    let text = open("tests/rejected/base-tiny.yaml").unwrap();
    let text = text.replace(
        "      r[d] = mem[zext(addr, 32)];\n",
        "      let x = pc;\n      trap(privileged);\n      r[d] = 1;\n",
    );
    let text = format!("{text}  later:\n    encoding: \"1{}\"\n", "-".repeat(31));
    let mut sources = Sources::default();
    let loaded = model::load("warned.yaml", &|_| Ok(text.clone()), &mut sources).unwrap();
    let codes: Vec<_> = loaded.warnings.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["C030", "C031", "C032"]);
    assert!(loaded.warnings.iter().all(|d| d.severity == Severity::Warning));
}

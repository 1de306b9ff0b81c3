//! Every way of being wrong is a case in `rejected/`, in the file of its code: a change of the machine in
//! `base.yaml`, and what a user is told.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use model::diagnostic::{Diagnostic, Severity, Sources};

#[test]
fn an_address_function_that_wraps_is_warned_of() {
    let text = open("base.yaml").unwrap();
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

/// Codes that no case of the corpus can provoke, and why.
const NO_FILE: &[(&str, &str)] = &[
    ("S000", "the file cannot be read: see `an_unreadable_file_is_refused`"),
    ("S001", "the file has more than four million bytes: see `a_huge_file_is_refused`"),
    ("C030", "a warning: see `warnings_do_not_refuse`"),
    ("C031", "a warning: see `warnings_do_not_refuse`"),
    ("C032", "a warning: see `warnings_do_not_refuse`"),
    ("C034", "a warning: see `warnings_do_not_refuse`"),
    ("C033", "a warning: see `an_address_function_that_wraps_is_warned_of`"),
];

/// A way of being wrong: what is changed in `base.yaml`, and what is said about it.
struct Case {
    name: String,
    /// The codes of the errors, in order.
    codes: Vec<String>,
    /// Lines of the change: ` ` stays, `-` goes, `+` comes; `...` stands between two changes. Where nothing but `+`
    /// stands, it is the whole file.
    change: Vec<String>,
    messages: String,
}

impl Case {
    /// The cases of a file, each `== name: codes`, the change, `--`, and the messages.
    fn read(text: &str) -> Vec<Self> {
        let cases = text.strip_prefix("== ").expect("a case begins").split("\n== ");
        cases.map(|case| Self::parse(case).unwrap_or_else(|| panic!("no case: {case}"))).collect()
    }

    fn parse(case: &str) -> Option<Self> {
        let (head, rest) = case.split_once('\n')?;
        let (name, codes) = head.split_once(": ")?;
        let (change, messages) = rest.split_once("\n--\n")?;
        Some(Self {
            name: name.to_owned(),
            codes: codes.split(' ').map(str::to_owned).collect(),
            change: change.lines().map(str::to_owned).collect(),
            messages: messages.trim_end().to_owned(),
        })
    }

    fn write(&self) -> String {
        let Self { name, codes, change, messages } = self;
        format!("== {name}: {}\n{}\n--\n{messages}\n", codes.join(" "), change.join("\n"))
    }

    /// The file as changed.
    fn text(&self) -> String {
        let mut text = format!("\n{}", open("base.yaml").unwrap());
        for change in self.change.split(|line| line == "...") {
            let side = |other: char| -> String {
                let lines = change.iter().filter(|line| !line.starts_with(other));
                lines.flat_map(|line| [&line[1..], "\n"]).collect()
            };
            let (old, new) = (side('+'), side('-'));
            if old.is_empty() {
                return new;
            }
            let old = format!("\n{old}");
            assert_eq!(text.matches(&old).count(), 1, "{} changes one place: {old}", self.name);
            text = text.replace(&old, &format!("\n{new}"));
        }
        text.split_off(1)
    }

    /// What is found in it, with the text as a user sees it.
    fn findings(&self) -> (Vec<Diagnostic>, String) {
        let (path, text) = (format!("{}.yaml", self.name), self.text());
        findings(&path, &|asked| {
            if asked.trim_start_matches("./") == path { Ok(text.clone()) } else { open(asked) }
        })
    }
}

/// Opens a file of the folder; the message is the same on every system.
fn open(path: &str) -> Result<String, String> {
    fs::read_to_string(format!("tests/rejected/{path}")).map_err(|e| e.kind().to_string())
}

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

/// The files of cases, in order of name: one for each code, and those of several errors.
fn corpus() -> Vec<(String, Vec<Case>)> {
    let names = fs::read_dir("tests/rejected").unwrap().map(|entry| entry.unwrap().path());
    let cases = names.filter(|path| path.extension().is_some_and(|it| it == "txt"));
    let mut names: Vec<String> =
        cases.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let cases = Case::read(&open(&name).unwrap());
            (name, cases)
        })
        .collect()
}

/// `UPDATE_EXPECT=1` writes messages and codes as they are.
#[test]
fn every_case_is_refused_as_it_says() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = String::new();
    for (file, mut cases) in corpus() {
        for case in &mut cases {
            let (found, messages) = case.findings();
            let codes = errors(&found);
            if codes == case.codes && messages.trim_end() == case.messages {
                continue;
            }
            let (name, expected) = (&case.name, &case.codes);
            writeln!(wrong, "{file}, {name}: expected {expected:?}, found {codes:?}\n{messages}\n")
                .unwrap();
            case.codes = codes.into_iter().map(str::to_owned).collect();
            messages.trim_end().clone_into(&mut case.messages);
        }
        if update {
            let text: Vec<String> = cases.iter().map(Case::write).collect();
            fs::write(format!("tests/rejected/{file}"), text.join("\n")).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
}

#[test]
fn a_case_is_refused_and_has_the_code_of_its_file() {
    for (file, cases) in corpus() {
        let code = file.trim_end_matches(".txt");
        for case in cases {
            let fits = code == "several" || case.codes.iter().any(|it| it == code);
            assert!(fits && !case.codes.is_empty(), "{file}: {}: {:?}", case.name, case.codes);
        }
    }
}

#[test]
fn every_error_points_into_its_file() {
    for case in corpus().into_iter().flat_map(|(_, cases)| cases) {
        for d in case.findings().0 {
            let placed = d.span.is_some() || ["S005"].contains(&d.code);
            assert!(placed, "{}: {} has no place", case.name, d.code);
        }
    }
}

#[test]
fn every_code_has_a_case() {
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
    let cases: Vec<Case> = corpus().into_iter().flat_map(|(_, cases)| cases).collect();
    let covered: BTreeSet<&str> =
        cases.iter().flat_map(|case| case.codes.iter().map(String::as_str)).collect();
    let excepted: BTreeSet<&str> = NO_FILE.iter().map(|(code, _)| *code).collect();
    let missing: Vec<_> = codes
        .iter()
        .filter(|c| !covered.contains(c.as_str()) && !excepted.contains(c.as_str()))
        .collect();
    assert!(missing.is_empty(), "no case provokes {missing:?}");
    for code in covered.iter().chain(&excepted) {
        assert!(codes.contains(*code), "{code} is no code of the sources");
    }
    assert!(covered.is_disjoint(&excepted), "a code with a case is no exception");
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
    let (found, rendered) = findings("no-such-file.yaml", &|_| Err("no such file".into()));
    assert_eq!(errors(&found), ["S000"]);
    assert!(rendered.contains("no-such-file.yaml: no such file"), "{rendered}");
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
    let text = open("base.yaml").unwrap();
    let text = text.replace(
        "      r[d] = mem[zext(addr, 32)];\n",
        "      if r[d] < 0 { let x = pc; }\n      trap(privileged);\n      r[d] = 1;\n",
    );
    let text = format!("{text}  later:\n    encoding: \"1{}\"\n", "-".repeat(31));
    let mut sources = Sources::default();
    let loaded = model::load("warned.yaml", &|_| Ok(text.clone()), &mut sources).unwrap();
    let codes: Vec<_> = loaded.warnings.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["C034", "C030", "C031", "C032"]);
    assert!(loaded.warnings.iter().all(|d| d.severity == Severity::Warning));
}

//! Obligations as SMT-LIB 2 files, and what solvers of other authors say of them. Without such a
//! solver the tests that need one pass and say so; with `SECOND_OPINIONS=required` they fail.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SOLVERS: [&str; 3] = ["z3", "cvc5", "bitwuzla"];
const SECONDS: &str = "120";

fn analyze(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// A directory of this test that goes at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("opinions-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn emit(spec: &str, to: &Path) -> Output {
    analyze(&[
        "check",
        &format!("../isa-specs/{spec}.yaml"),
        &format!("--emit=smt2={}", to.display()),
    ])
}

/// Every file below a directory, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is a folder") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() { folders.push(path) } else { all.push(path) }
        }
    }
    all.sort();
    all
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is readable")
}

/// A solver, as an executable or as a Python module.
enum Solver {
    Program(&'static str),
    Module(&'static str),
}

fn installed() -> Vec<Solver> {
    let runs = |command: &mut Command| {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    let find = |name: &&'static str| {
        if runs(Command::new("python3").args(["-c", &format!("import {name}")])) {
            Some(Solver::Module(name))
        } else if runs(Command::new(name).arg("--version")) {
            Some(Solver::Program(name))
        } else {
            None
        }
    };
    SOLVERS.iter().filter_map(find).collect()
}

impl Solver {
    fn name(&self) -> &str {
        match self {
            Self::Program(name) | Self::Module(name) => name,
        }
    }

    /// The answer to each file.
    fn ask(&self, files: &[&Path]) -> Vec<String> {
        match self {
            Self::Program(name) => {
                let limit: &[&str] = match *name {
                    "z3" => &["-T:120"],
                    "cvc5" => &["--tlimit=120000"],
                    _ => &["--time-limit=120000"],
                };
                let one = |file: &&Path| {
                    let output = Command::new(name).args(limit).arg(file).output();
                    let output = output.expect("the solver starts");
                    String::from_utf8_lossy(&output.stdout).trim().to_owned()
                };
                files.iter().map(one).collect()
            }
            Self::Module(name) => {
                let mut process = Command::new("python3")
                    .args(["../.ci/second_opinions.py", "worker", name, SECONDS])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("python3 starts");
                let mut input = process.stdin.take().expect("it has an input");
                for file in files {
                    writeln!(input, "{}", file.display()).expect("the solver reads");
                }
                drop(input);
                let output = process.wait_with_output().expect("the solver ends");
                String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
            }
        }
    }
}

/// The solvers that are there; none is a failure where one is required.
fn solvers() -> Vec<Solver> {
    let installed = installed();
    if std::env::var("SECOND_OPINIONS").is_ok_and(|value| value == "required") {
        assert_eq!(installed.len(), SOLVERS.len(), "an external solver is missing");
    }
    if installed.is_empty() {
        let _ = writeln!(std::io::stderr(), "skipped: no external solver");
    }
    installed
}

/// Our answer, as the file states it.
fn stated(text: &str) -> &str {
    let line = text.lines().find_map(|l| l.strip_prefix("(set-info :status "));
    line.and_then(|l| l.strip_suffix(')')).expect("a file states our answer")
}

#[test]
fn other_solvers_agree_on_every_obligation() {
    let folder = Folder::new("agree");
    let mut all = Vec::new();
    for spec in ["g3", "g3-jrst1"] {
        let to = folder.0.join(spec);
        let output = emit(spec, &to);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let written = files(&to);
        assert!(written.len() > 500, "{spec}: {} obligations", written.len());
        all.extend(written);
    }
    // Formulas that differ in comments only are asked about once.
    let mut distinct: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in all {
        let text = read(&path);
        let formula: Vec<&str> = text.lines().filter(|l| !l.starts_with(';')).collect();
        distinct.entry(formula.join("\n")).or_insert(path);
    }
    let files: Vec<&Path> = distinct.values().map(PathBuf::as_path).collect();
    let mut definite = vec![false; files.len()];
    let solvers = solvers();
    for solver in &solvers {
        let answers = solver.ask(&files);
        assert_eq!(answers.len(), files.len(), "{} answers everything", solver.name());
        for (i, answer) in answers.iter().enumerate() {
            let (path, ours) = (files[i].display(), stated(distinct_text(&distinct, i)));
            match answer.as_str() {
                "sat" | "unsat" => {
                    assert_eq!(answer, ours, "{path}: {} disagrees", solver.name());
                    definite[i] = true;
                }
                "timeout" | "" => {}
                answer if answer.starts_with("unknown") => {}
                error => panic!("{path}: {}: {error}", solver.name()),
            }
        }
    }
    if solvers.len() == SOLVERS.len() {
        let silent: Vec<_> = files.iter().zip(&definite).filter(|(_, d)| !**d).collect();
        assert!(silent.is_empty(), "no definite answer: {silent:?}");
    }
}

fn distinct_text(distinct: &BTreeMap<String, PathBuf>, i: usize) -> &str {
    distinct.keys().nth(i).expect("there are as many")
}

#[test]
fn every_operator_is_written_as_the_table_means_it() {
    let folder = Folder::new("operators");
    let path = folder.0.join("operators.smt2");
    std::fs::write(&path, analyzer::smtlib::operators()).expect("it is writable");
    for solver in solvers() {
        assert_eq!(solver.ask(&[&path]), ["unsat"], "{}", solver.name());
    }
}

#[test]
fn a_wrongly_written_operator_is_found() {
    let folder = Folder::new("wrong");
    let path = folder.0.join("operators.smt2");
    let right = analyzer::smtlib::operators();
    for (from, to) in [("bvslt", "bvult"), ("bvsrem", "bvurem"), ("sign_extend", "zero_extend")] {
        assert!(right.contains(from), "{from}");
        std::fs::write(&path, right.replace(from, to)).expect("it is writable");
        for solver in solvers() {
            assert_eq!(solver.ask(&[&path]), ["sat"], "{from} as {to}: {}", solver.name());
        }
    }
}

#[test]
fn the_text_is_what_it_was() {
    let folder = Folder::new("text");
    let to = folder.0.join("g3");
    assert!(emit("g3", &to).status.success());
    for name in ["halt/privileged-premise", "lw/privileged-against"] {
        let text = read(&to.join("supervisor-user").join(name).with_extension("smt2"));
        insta::assert_snapshot!(name.replace('/', "-"), text);
    }
}

#[test]
fn a_directory_is_written_whole_or_not_at_all() {
    let folder = Folder::new("whole");
    let to = folder.0.join("g3");
    std::fs::create_dir(&to).expect("it is writable");
    assert!(emit("g3", &to).status.success(), "an empty directory will do");
    let before = files(&folder.0);
    let again = emit("g3", &to);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
    assert_eq!(files(&folder.0), before, "nothing is left behind");
    let below_a_file = emit("g3", &before[0].join("g3"));
    assert_eq!(below_a_file.status.code(), Some(2));
    let other = Folder::new("whole-same");
    let same = other.0.join("g3");
    assert!(emit("g3", &same).status.success());
    for (a, b) in before.iter().zip(files(&same)) {
        assert_eq!(a.strip_prefix(&to).ok(), b.strip_prefix(&same).ok());
        assert_eq!(read(a), read(&b), "same input, same bytes");
    }
    let two = ["check", "../isa-specs/g3.yaml", "../isa-specs/g3-stb.yaml", "--emit=smt2=x"];
    assert_eq!(analyze(&two).status.code(), Some(2));
    assert_eq!(analyze(&["check", "../isa-specs/g3.yaml", "--emit=text=x"]).status.code(), Some(2));
}

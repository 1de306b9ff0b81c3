//! What can stand where a specification is asked for, what is said where it cannot be read, and what is installed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs `analyze` in a folder with a text as standard input.
fn analyze(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Who does not read it has closed it.
    let _ = child.stdin.take().expect("it has an input").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// A folder with none of the project's above it.
fn elsewhere(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("analyze-input-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

fn specs() -> PathBuf {
    Path::new("../isa-specs").canonicalize().expect("the folder is there")
}

fn verdict(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    (output.status.code(), text.lines().next().unwrap_or_default().to_owned())
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "nothing is printed where nothing was analyzed");
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn standard_input_is_a_specification() {
    let read = |name: &str| std::fs::read_to_string(specs().join(name)).expect("it is there");
    let concise = ["-", "--format", "concise"];
    let holds = (Some(0), "g3 supervisor:user vmm: holds (premise holds)".to_owned());
    assert_eq!(verdict(&analyze(&elsewhere("input"), &concise, &read("g3.yaml"))), holds);
    // An overlay's base is looked for in the current folder.
    let overlay = read("g3-popf.yaml");
    let (code, line) = verdict(&analyze(&specs(), &concise, &overlay));
    assert_eq!((code, line.contains("refuted")), (Some(0), true), "{line}");
    let output = analyze(&elsewhere("input"), &concise, &overlay);
    assert!(said(&output).contains("cannot read g3.yaml"));
    let output = analyze(&specs(), &["repair", "-"], &read("g3-popf.yaml"));
    assert_eq!(said(&output), "-: an overlay extends a file: give the specification as one");
}

#[test]
fn a_name_is_a_bundled_machine() {
    let concise = |name| [name, "--format", "concise"];
    let folder = elsewhere("bundled");
    let (code, line) = verdict(&analyze(&folder, &concise("m68010"), ""));
    assert_eq!(
        (code, line.as_str()),
        (Some(0), "m68010 supervisor:user vmm: holds (premise holds)")
    );
    // The folder of specifications is found from below, and what stands there counts.
    let below = folder.join("isa-specs/below");
    std::fs::create_dir_all(&below).expect("the folder is made");
    let g3 = std::fs::read_to_string(specs().join("g3.yaml")).expect("it is there");
    std::fs::write(folder.join("isa-specs/g3.yaml"), g3.replace("isa: g3", "isa: g3-of-mine"))
        .expect("it is written");
    let (_, line) = verdict(&analyze(&below, &concise("g3"), ""));
    assert!(line.starts_with("g3-of-mine"), "{line}");
    let message = said(&analyze(&elsewhere("bundled-not"), &concise("m68011"), ""));
    assert!(
        message.ends_with("no machine of this name is bundled; did you mean `m68010`?"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_read_is_said_with_what_to_do() {
    let folder = elsewhere("unreadable");
    let of = |bytes: &[u8]| {
        std::fs::write(folder.join("it.yaml"), bytes).expect("it is written");
        said(&analyze(&folder, &["it.yaml"], ""))
    };
    assert!(of(b"pgisa: 1\ntitle: Caf\xe9\n").contains("line 2, byte 11 (0xe9) is not UTF-8"));
    assert!(of(b"\xff\xfep\0g\0").contains("it is text in UTF-16"));
    let message = said(&analyze(&folder, &["."], ""));
    assert!(message.contains("it is a folder; `analyze list .` reads all"), "{message}");
    let message = said(&analyze(&folder, &["prov", "it.yaml"], ""));
    assert_eq!(message, "error: unrecognized subcommand 'prov'");
    let message = said(&analyze(&folder, &[""], ""));
    assert_eq!(message, "error[S000]: cannot read ``: the name of the file is empty");
    let g3 = std::fs::read_to_string(specs().join("g3.yaml")).expect("it is there");
    let message = said(&analyze(&folder, &["diff", "-", "-"], &g3));
    assert_eq!(message, "error[S000]: cannot read -: standard input is given twice");
    let output = analyze(&folder, &[], "");
    assert!(said(&output).starts_with("Decides which instructions"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(["--all", "g3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn manual_pages_and_completions_are_installed() {
    let folder = elsewhere("install");
    let prefix = folder.join("prefix");
    let output = analyze(&folder, &["install", "prefix"], "");
    assert_eq!(output.status.code(), Some(0));
    let listed = String::from_utf8_lossy(&output.stdout);
    assert!(listed.lines().all(|line| folder.join(line).is_file()), "{listed}");
    let read = |path: &str| std::fs::read_to_string(prefix.join("share").join(path)).expect(path);
    assert!(read("man/man1/analyze-check.1").contains("write\\-baseline"));
    assert!(read("man/man1/analyze.1").contains("analyze\\-check(1)"));
    for path in [
        "bash-completion/completions/analyze",
        "zsh/site-functions/_analyze",
        "fish/vendor_completions.d/analyze.fish",
    ] {
        assert!(read(path).contains("write-baseline"), "{path}");
    }
}

//! The command line: exit codes, formats, and that nothing is printed where it does not belong.

use std::path::Path;
use std::process::{Command, Output};

fn analyze(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it exits by itself")
}

fn temporary(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the temporary folder is writable");
    path.to_string_lossy().into_owned()
}

#[test]
fn met_expectations_exit_0_and_unmet_ones_1() {
    assert_eq!(code(&analyze(&["../isa-specs/g3.yaml"])), 0);
    let text = std::fs::read_to_string("../isa-specs/g3.yaml").expect("g3 is there");
    let changed = text.replacen("require mode == supervisor else", "require mode == mode else", 1);
    let path = temporary("unmet.yaml", &changed);
    let output = analyze(&[&path]);
    assert_eq!(code(&output), 1);
    assert!(String::from_utf8_lossy(&output.stdout).contains("expected lpsw: privileged"));
}

#[test]
fn what_cannot_run_exits_2_with_a_message() {
    for arguments in [
        &["no-such-file.yaml"][..],
        &["check"],
        &["--nonsense"],
        &["explain", "../isa-specs/g3.yaml", "lwx"],
    ] {
        let output = analyze(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(code(&analyze(&["../isa-specs/g3.yaml", "--pair", "nobody"])), 2);
}

#[test]
fn a_regression_exits_1_and_a_difference_only_if_asked() {
    let diff = |arguments: &[&str]| analyze(&[&["diff"], arguments].concat());
    let (g3, popf) = ("../isa-specs/g3.yaml", "../isa-specs/g3-popf.yaml");
    assert_eq!(code(&diff(&[g3, popf])), 1);
    assert_eq!(code(&diff(&[popf, g3])), 0);
    assert_eq!(code(&diff(&[popf, g3, "--identical"])), 1);
    assert_eq!(code(&diff(&[g3, g3, "--identical"])), 0);
    assert_eq!(code(&diff(&[g3, "no-such-file.yaml"])), 2);
    assert_eq!(code(&diff(&[g3, g3, "--pair", "nobody"])), 2);
    let json = diff(&[g3, popf, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    assert_eq!(json["pairs"][0]["offending"][0], "popf");
    assert_eq!(json["instructions"][0]["semantics"]["meaning"], "same");
}

#[test]
fn missing_semantics_exit_3() {
    let text = std::fs::read_to_string("../isa-specs/g3.yaml").expect("g3 is there");
    let from = text.find("    semantics: |\n      r[d] = mem[").expect("lw has semantics");
    let to = from + text[from..].find("    expect:").expect("and an expectation");
    let end = to + text[to..].find('\n').expect("a line");
    let path = temporary("unknown.yaml", &format!("{}{}", &text[..from], &text[end + 1..]));
    assert_eq!(code(&analyze(&[&path])), 3);
    assert_eq!(code(&analyze(&["repair", &path])), 3);
}

#[test]
fn json_has_the_keys_of_the_contract() {
    let output = analyze(&["check", "--format", "json", "../isa-specs/g3-lra.yaml"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["profile"], "refined");
    let pair = &report["pairs"][0];
    assert_eq!(pair["theorems"]["vmm"]["verdict"], "refuted");
    assert_eq!(pair["theorems"]["vmm"]["by"], "step-refutation");
    assert_eq!(pair["theorems"]["vmm"]["offending"][0], "lra");
    for key in ["premise", "verdict", "by", "offending", "assumptions", "escapes"] {
        assert!(!pair["theorems"]["hvmm"][key].is_null(), "{key}");
    }
    let keys = [
        "name",
        "privileged",
        "control_sensitive",
        "location_sensitive",
        "mode_sensitive",
        "resource_sensitive",
        "user_sensitive",
        "sensitive",
        "innocuous",
        "statewise",
        "evidence",
    ];
    for key in keys {
        assert!(!pair["instructions"][0][key].is_null(), "{key}");
    }
    for key in ["instructions", "obligations", "proved", "witnessed", "undecided"] {
        assert!(report["summary"][key].is_u64(), "{key}");
    }
}

#[test]
fn the_bundled_schema_is_the_one_printed() {
    let output = analyze(&["schema"]);
    let bundled =
        std::fs::read("../isa-specs/specification.schema.json").expect("the schema is bundled");
    assert!(output.stdout == bundled, "run `analyze schema > isa-specs/specification.schema.json`");
}

/// The condition of a verdict belongs to what follows from a certificate.
#[test]
fn a_verified_verdict_carries_its_condition() {
    let spec = "tests/cases/fixed-bits-wide.yaml";
    let directory = temporary("conditional", "");
    std::fs::remove_file(&directory).expect("it was written");
    assert_eq!(code(&analyze(&["prove", spec, "--certificate", &directory])), 0);
    let output = analyze(&["verify", &directory, spec]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    std::fs::remove_dir_all(&directory).expect("a directory");
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("Theorem 1: holds if the monitor keeps "), "{text}");
}

/// Only `check` looks at all profiles.
#[test]
fn a_certificate_is_of_one_profile() {
    let spec = "../isa-specs/g3.yaml";
    let output = analyze(&["prove", spec, "--profile", "all", "--certificate", "nowhere"]);
    assert_eq!(code(&output), 2);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("[possible values: literal, refined, extended]"), "{message}");
}

/// What time did not settle is undecided, whatever was expected.
#[test]
fn what_the_clock_leaves_open_exits_3() {
    let output = analyze(&["--timeout", "0", "../isa-specs/x86-legacy.yaml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), 3, "{text}");
    assert!(text.contains("expectations of the specification are UNDECIDED"), "{text}");
    assert!(!text.contains("expectations of the specification FAIL"), "{text}");
    // What is open is not said to be so.
    assert!(!text.contains("can break it"), "{text}");
    assert!(!text.contains(") is broken"), "{text}");
}

/// What is printed fits the locale, and has no colour where nobody looks.
#[test]
fn the_page_is_ascii_where_the_locale_is() {
    for (locale, ascii) in [("C", true), ("POSIX", true), ("C.UTF-8", false), ("", false)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
        command.args(["check", "--all", "../isa-specs/g3-jrst1.yaml"]);
        command.env("LC_ALL", locale).env_remove("LC_CTYPE").env_remove("LANG");
        let output = command.output().expect("it starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(text.is_ascii(), ascii, "LC_ALL={locale}: {text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
}

/// Where something is open, counts are lower bounds; what is known contradicts an expectation all the same.
#[test]
fn counts_beside_what_is_open_are_at_least() {
    let original = std::fs::read_to_string("../isa-specs/g3.yaml").expect("g3 is there");
    let open =
        original.replacen("\ninstructions:\n", "\ninstructions:\n  missing: {length: 1}\n", 1);
    assert_ne!(original, open, "an instruction without semantics");
    let output = analyze(&[&temporary("open.yaml", &open)]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), 3, "{text}");
    assert!(text.contains("at least 27"), "{text}");
    // An instruction that is expected to be offending, and known not to be.
    let changed = open.replacen("offending: []", "offending: [add]", 1);
    assert_ne!(open, changed, "g3 expects that nothing is offending");
    assert_eq!(code(&analyze(&[&temporary("offending.yaml", &changed)])), 1);
}

/// A machine whose instructions ask for factors of large numbers.
#[cfg(unix)]
fn hard() -> String {
    use std::fmt::Write as _;
    let mut text = "pgisa: 1
isa: hard
state:
  mem: {role: E, width: 8, cells: 16}
  x: {role: E, width: 48}
  y: {role: E, width: 48}
  mode: {role: M, width: 1, values: {s: 0, u: 1}}
  pc: {role: P, width: 8}
  base: {role: R, kind: relocation, width: 8}
  bound: {role: R, kind: bounds, width: 8}
machine:
  modes: [{supervisor: s, user: u}]
  traps: {memory: {kind: memory}}
instructions:
"
    .to_owned();
    for i in 0..200u64 {
        let product = 0x0123_4567_89ab_cdefu64 + 2 * i;
        let _ = write!(
            text,
            "  factor{i}:\n    semantics: \"if zext(x, 96) * zext(y, 96) == {product} && x != 1 && y != 1 {{ mode = s; bound = 0; }}\"\n"
        );
    }
    text
}

#[cfg(unix)]
#[test]
fn an_interrupt_prints_what_is_known_and_a_second_one_ends_it() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let path = temporary("hard.yaml", &hard());
    let interrupt = |child: &std::process::Child| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    };
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
        let command = command.arg(&path).stdout(std::process::Stdio::piped());
        let child = command.stderr(std::process::Stdio::piped()).spawn().expect("it starts");
        std::thread::sleep(std::time::Duration::from_secs(2));
        child
    };
    let mut child = start();
    assert!(child.try_wait().expect("it can be asked").is_none(), "it takes long");
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("undecided: interrupted"), "{text}");
    assert!(text.contains("Theorem 1"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted: "));
    let mut child = start();
    interrupt(&child);
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    stderr.read_line(&mut line).expect("the first is answered");
    interrupt(&child);
    // The report may have been finished in between.
    let mut rest = Vec::new();
    let _ = child.stdout.take().expect("it is piped").read_to_end(&mut rest);
    assert!(matches!(child.wait().expect("it ends").code(), Some(130 | 3)));
}

/// A machine with one instruction, `semantics`, and what is expected of it.
fn tiny(modes: &str, semantics: &str, expect: &str) -> String {
    format!(
        "pgisa: 1
isa: tiny
state:
  mem: {{role: E, width: 8, cells: 16}}
  mode: {{role: M, width: 1, values: {{s: 0, u: 1}}}}
  pc: {{role: P, width: 8}}
  base: {{role: R, kind: relocation, width: 8}}
  bound: {{role: R, kind: bounds, width: 8}}
machine:
  modes: {modes}
  traps: {{memory: {{kind: memory}}}}
  on-trap: \"mode = s; pc = 1; base = 0; bound = 16;\"
instructions:
  only:
    semantics: \"{semantics}\"
expect: {expect}
"
    )
}

#[test]
fn a_machine_without_modes_meets_no_expectation_but_not_applicable() {
    for (expect, exit) in
        [("{vmm: not-applicable}", 0), ("{vmm: holds}", 1), ("{hvmm: {premise: holds}}", 1)]
    {
        let path = temporary("no-modes.yaml", &tiny("[]", "pc = 0;", expect));
        assert_eq!(code(&analyze(&[&path])), exit, "{expect}");
    }
    let text = tiny("[]", "pc = 0;", "{vmm: not-applicable}");
    let expecting = text.replace("  only:\n", "  only:\n    expect: [innocuous, not privileged]\n");
    let output = analyze(&[&temporary("no-modes-words.yaml", &expecting)]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(code(&output), 1, "{text}");
    let found = "only: not privileged, found this machine has no modes: nothing is classified";
    assert!(text.contains(found), "{text}");
}

#[test]
fn what_a_profile_does_not_ask_is_not_answered() {
    for (profile, asked) in [("literal", false), ("refined", true)] {
        let output =
            analyze(&["check", "--format", "json", "--profile", profile, "../isa-specs/g3.yaml"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        for it in report["pairs"][0]["instructions"].as_array().expect("a list") {
            assert_eq!(it["resource_sensitive"] != "not-asked", asked, "{it}");
            assert_eq!(it["trap_visible"], "not-asked");
            assert_eq!(it["extent_sensitive"], "not-asked");
        }
    }
}

/// A verdict by a certificate that is none, by one of something else, and by a right one.
#[test]
fn certificates_are_verified_as_what_is_asked_for() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-certificate");
    let _ = std::fs::remove_dir_all(&folder);
    let (spec, path) = ("../proptests/small/g3-small.yaml", folder.to_string_lossy().into_owned());
    let written = analyze(&["prove", spec, "--certificate", &path, "--profile", "literal"]);
    assert_eq!(code(&written), 0, "{}", String::from_utf8_lossy(&written.stderr));
    assert_eq!(code(&analyze(&["verify", &path, spec, "--profile", "literal"])), 0);
    assert_eq!(code(&analyze(&["verify", &path, spec])), 1);
    assert_eq!(code(&analyze(&["verify", &path, spec, "--pair", "nobody"])), 2);
    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("it is there");
    for damaged in [&text[..text.len() / 2], "", "\0"] {
        std::fs::write(&manifest, damaged).expect("it is written");
        let output = analyze(&["verify", &path, spec]);
        assert_eq!(code(&output), 2);
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    std::fs::remove_dir_all(&folder).expect("it is ours");
    assert_eq!(code(&analyze(&["verify", &path, spec])), 2);
}

#[test]
fn a_machine_that_always_memory_traps_is_vacuous_and_holds_nothing() {
    let modes = "[{supervisor: s, user: u}]";
    for (expect, exit) in [("{vmm: vacuous, hvmm: vacuous}", 0), ("{vmm: holds}", 1)] {
        let path = temporary("vacuous.yaml", &tiny(modes, "trap(memory);", expect));
        assert_eq!(code(&analyze(&[&path])), exit, "{expect}");
    }
}

#[test]
fn a_repair_is_written_whole_and_meets_what_it_expects() {
    let base = "../isa-specs/g3-lra.yaml";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repair");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let file = folder.join("repaired.yaml");
    let path = file.to_string_lossy();
    let output = analyze(&["repair", base, "--output", &path]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(code(&analyze(&["check", &path])), 0);
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1);
    // Neither is it overwritten, nor what it extends.
    let output = analyze(&["repair", base, "--output", &path]);
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    assert_eq!(code(&analyze(&["repair", base, "--output", &path, "--force"])), 0);
    assert_eq!(code(&analyze(&["repair", &path, "--output", &path, "--force"])), 2);
    assert_eq!(code(&analyze(&["check", &path])), 0);
    // It needs no repair itself, so nothing is written.
    let again = folder.join("again.yaml");
    assert_eq!(code(&analyze(&["repair", &path, "--output", &again.to_string_lossy()])), 0);
    assert!(!again.exists());
    std::fs::remove_dir_all(&folder).expect("it is ours");
}

#[test]
fn a_repair_is_data_too() {
    let output = analyze(&["repair", "--format", "json", "../isa-specs/g3-jrst1.yaml"]);
    assert_eq!(code(&output), 0);
    let repair: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert_eq!(repair["schema"], 1);
    assert_eq!(repair["isa"], "g3-jrst1");
    assert_eq!(repair["theorems"]["vmm"]["premise"][0], "jrst1");
    assert_eq!(repair["theorems"]["vmm"]["verdict"][0], "jrst1");
    assert_eq!(repair["theorems"]["hvmm"]["premise"].as_array().map(Vec::len), Some(0));
    assert!(repair["overlay"].as_str().is_some_and(|o| o.contains("\nextends: g3-jrst1.yaml\n")));
    assert_eq!(repair["checked"]["outcome"], "holds");
}

#[test]
fn a_repair_that_is_not_enough_exits_1_and_one_that_cannot_run_2() {
    // In the literal reading the supervisor call itself is sensitive.
    let literal = ["repair", "--profile", "literal", "../isa-specs/g3.yaml"];
    assert_eq!(code(&analyze(&literal)), 1);
    for arguments in [
        &["repair"][..],
        &["repair", "no-such-file.yaml"],
        &["repair", "../isa-specs/g3.yaml", "--pair", "nobody"],
        &["repair", "../isa-specs/g3-lra.yaml", "--output", "no-such-folder/x.yaml"],
    ] {
        let output = analyze(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}

//! `analyze grade` and `analyze new`: what a course does with the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("grade-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

fn analyze(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    let Output { status, stdout, stderr } =
        command.args(arguments).current_dir(folder).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it is UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).expect("the folder is writable");
}

/// Three of these are wrong: that POPF is privileged, that it is innocuous, and that Theorem 1 holds.
const ADA: &str = "\
instruction,property,answer
# What I think:
popf,privileged,yes
popf,control-sensitive,yes
popf,innocuous,yes
POPF,user sensitive,no
add,privileged,no
lpsw,privileged,yes
theorem 1,holds,yes
theorem 3,holds,yes
theorem 1,premise,no
";

#[test]
fn wrong_claims_meet_states_and_not_the_answer() {
    let folder = folder("text");
    write(&folder, "ada.csv", ADA);
    let (code, text, _) = analyze(&folder, &["grade", "g3-popf", "ada.csv"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("ada.csv: 6 of 9 right (66.7 %)"), "{text}");
    for line in [
        "line 3: popf privileged: yes: wrong",
        "line 5: popf innocuous: yes: wrong",
        "line 9: Theorem 1 holds: yes: wrong",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // The states are those of the report, and the right claims are not repeated.
    assert!(text.contains("i(S1)") && text.contains("i(f(S))"), "{text}");
    assert!(!text.contains("add privileged") && !text.contains("refuted"), "{text}");
}

#[test]
fn the_grades_are_data_for_many_students() {
    let folder = folder("json");
    write(&folder, "ada.csv", ADA);
    write(
        &folder,
        "blaise.yaml",
        "popf: {privileged: no, sensitive: yes}\ntheorem 1: {holds: no}\nvmm: {premise: no}\n",
    );
    write(
        &folder,
        "carl.csv",
        "popf;statewise;yes\nlw;control_sensitive;yes\nlpsw;privileged;no\nrecursive;holds;no\n",
    );
    let arguments = ["grade", "g3-popf", "ada.csv", "blaise.yaml", "carl.csv", "--format", "json"];
    let (code, text, _) = analyze(&folder, &arguments);
    assert_eq!(code, Some(0), "{text}");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&json["schema"], &json["pair"]), (&1.into(), &"supervisor:user".into()));
    let student = |i: usize| &json["students"][i];
    let score = |i: usize| {
        (student(i)["right"].as_u64(), student(i)["of"].as_u64(), student(i)["percent"].as_f64())
    };
    assert_eq!(score(0), (Some(6), Some(9), Some(66.7)));
    assert_eq!(score(1), (Some(4), Some(4), Some(100.0)));
    assert_eq!(score(2), (Some(1), Some(4), Some(25.0)));
    // A state speaks against what is claimed of all states; that there is none is said where there is none.
    let carl = student(2)["claims"].as_array().expect("claims");
    assert_eq!(carl[0]["counterexample"]["columns"][1], "f(S)");
    assert_eq!(carl[1]["why"], "no state shows it: this was proved for all states");
    assert!(carl[1].get("counterexample").is_none());
    assert_eq!(carl[2]["why"], "no state shows it: this was proved for all states");
    assert_eq!(carl[3]["result"], "right");
    // In text there is a list of all.
    let (_, text, _) = analyze(&folder, &arguments[..5]);
    assert!(text.ends_with("carl.csv     1 of 4 right (25.0 %)\n"), "{text}");
}

#[test]
fn what_is_asked_and_missing_counts() {
    let folder = folder("ask");
    write(&folder, "one.csv", "popf,privileged,no\n");
    let (code, text, _) = analyze(
        &folder,
        &["grade", "g3-popf", "one.csv", "--ask", "privileged", "--format", "json"],
    );
    assert_eq!(code, Some(0), "{text}");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let student = &json["students"][0];
    let missing = student["missing"].as_array().expect("a list");
    assert_eq!(student["of"].as_u64(), Some(1 + missing.len() as u64));
    assert!(
        missing.contains(&"lpsw privileged".into()) && !missing.contains(&"popf privileged".into())
    );
}

#[test]
fn what_is_undecided_is_not_graded() {
    let folder = folder("open");
    write(&folder, "one.csv", "theorem 2,holds,yes\nadd,privileged,no\n");
    let (code, text, _) = analyze(&folder, &["grade", "g3", "one.csv"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("1 of 1 right (100.0 %), 1 not graded"), "{text}");
}

#[test]
fn errors_of_a_table_have_their_lines() {
    let folder = folder("errors");
    write(&folder, "good.csv", "add,innocuous,yes\n");
    for (file, table, expected) in [
        (
            "a.csv",
            "popff,privileged,no\n",
            "a.csv:1: there is no instruction `popff`; did you mean `popf`?",
        ),
        (
            "b.csv",
            "\npopf,priviledged,no\n",
            "b.csv:2: there is no property `priviledged`; did you mean `privileged`?",
        ),
        (
            "c.csv",
            "popf,privileged,perhaps\n",
            "c.csv:1: the answer is `yes` or `no`, not `perhaps`",
        ),
        ("d.csv", "popf,privileged\n", "d.csv:1: three fields are expected"),
        (
            "e.csv",
            "popf,privileged,no\nPOPF,privileged,yes\n",
            "e.csv:2: popf privileged is claimed in line 1 already",
        ),
        ("f.csv", "theorem 1,right,no\n", "f.csv:1: of a theorem is claimed"),
        (
            "g.csv",
            "popf,time-sensitive,no\nadd,trap-masked,no\n",
            "g.csv:2: the profile does not ask",
        ),
        ("h.csv", "# nothing\n", "h.csv: it has no claims"),
        ("i.yaml", "popf:\n  privileged: no\n  sensitive: [yes]\n", "i.yaml:3: expected"),
        ("j.yaml", "popf: {privileged: no\n", "j.yaml"),
        ("k.csv", "csrrw,privileged,no\n", "k.csv:1: there is no instruction `csrrw`"),
    ] {
        write(&folder, file, table);
        let (code, text, _) = analyze(&folder, &["grade", "g3-popf", file, "good.csv"]);
        assert_eq!(code, Some(2), "{file}: {text}");
        assert!(text.contains(expected), "{file}: {text}");
        assert!(text.contains("good.csv: 1 of 1 right"), "the others are graded: {text}");
    }
    let (code, text, _) = analyze(&folder, &["grade", "g3-popf", "nowhere.csv"]);
    assert_eq!((code, text.contains("nowhere.csv: not graded")), (Some(2), true), "{text}");
    let (code, _, error) = analyze(&folder, &["grade", "riscv", "good.csv", "--pair", "none"]);
    assert_eq!((code, error.contains("there is no pair")), (Some(2), true), "{error}");
}

#[test]
fn a_new_specification_analyzes_and_is_never_written_over() {
    let folder = folder("new");
    let (code, text, _) = analyze(&folder, &["new", "toaster"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("toaster.yaml\n"), "{text}");
    let (code, text, error) =
        analyze(&folder, &["check", "toaster.yaml", "--strict", "--require", "vmm,hvmm"]);
    assert_eq!(code, Some(0), "{text}{error}");
    assert!(
        text.starts_with("toaster: ") && text.contains("expectations of the specification"),
        "{text}"
    );
    // Its own advice: without its first line an instruction is no longer privileged, and the author hears of it.
    let file = folder.join("toaster.yaml");
    let written = std::fs::read_to_string(&file).expect("it is written");
    let check = "      require mode == supervisor else trap(privileged);\n      r[d] = timer;";
    assert!(written.contains(check));
    std::fs::write(&file, written.replace(check, "      r[d] = timer;")).expect("it is writable");
    let (code, text, _) = analyze(&folder, &["toaster.yaml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("gettimer"), "{text}");
    let changed = std::fs::read_to_string(&file).expect("it is there");
    let (code, _, error) = analyze(&folder, &["new", "toaster"]);
    assert_eq!((code, error.contains("it exists")), (Some(2), true), "{error}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), changed);
    for name in ["", "../toaster", "a b", "9lives", "a.yaml"] {
        assert_eq!(analyze(&folder, &["new", name]).0, Some(2), "{name}");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1);
}

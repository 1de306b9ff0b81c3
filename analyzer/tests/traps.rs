//! The table of traps, the graph of modes, and expected outcomes. That the table is right for every state of small
//! machines is tested in `proptests/tests/traps.rs`.

use std::process::{Command, Output};

use analyzer::graph::mode_graph;
use analyzer::report::Report;
use analyzer::traps::{latex, markdown, text, trap_table};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Isa, Profile};

const OPTIONS: Options<'static> = Options { profile: Profile::Refined, pair: None, timeout: None };

fn bundled(name: &str) -> Isa {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let path = format!("../isa-specs/{name}.yaml");
    model::load(&path, &open, &mut Sources::default()).expect("it is bundled").isa
}

/// The case of g3 with other words expected of LPSW.
fn report(expect: &str) -> Report {
    let text = std::fs::read_to_string("../isa-specs/g3.yaml").expect("it is bundled");
    let overlay = format!(
        "pgisa: 1\nisa: this\nextends: g3.yaml\ninstructions:\n  lpsw:\n    patch: before\n    semantics: \"\"\n    expect: {expect}\nexpect: {{}}\n"
    );
    let open =
        |path: &str| Ok(if path.ends_with("g3.yaml") { text.clone() } else { overlay.clone() });
    let mut sources = Sources::default();
    let loaded = model::load("this.yaml", &open, &mut sources);
    analyze(&loaded.unwrap_or_else(|e| panic!("{e:?}")).isa, &sources, OPTIONS, &|_, _| {})
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    command.args(arguments).output().expect("the program starts")
}

#[test]
fn tables_of_bundled_machines() {
    for name in ["g3", "m68010", "x86-legacy", "riscv", "riscv-h"] {
        let table = trap_table(&bundled(name), &[], &OPTIONS, &|_, _| {});
        assert!(!table.is_open(), "{name}");
        insta::assert_snapshot!(format!("traps-{name}"), text::render(&table));
    }
}

#[test]
fn each_format() {
    let table =
        trap_table(&bundled("m68010"), &["stop", "divu", "move_from_sr"], &OPTIONS, &|_, _| {});
    insta::assert_snapshot!("traps-markdown", markdown::render(&table));
    insta::assert_snapshot!("traps-latex", latex::render(&table));
    let cases = table.instructions.iter().flat_map(|it| &it.modes).flat_map(|it| &it.cases);
    for case in cases {
        // Where several things can happen, each has a state that was executed.
        let states = if case.outcomes.len() > 1 { case.outcomes.len() } else { 0 };
        assert_eq!(case.states.len(), states, "{case:?}");
        for (outcome, state) in case.outcomes.iter().zip(&case.states) {
            assert_eq!(state.outcomes, [format!("i(S) {outcome}")]);
        }
    }
}

#[test]
fn graphs_of_bundled_machines() {
    for name in ["g3", "g3-jrst1", "m68010", "x86-legacy", "riscv"] {
        let graph = mode_graph(&bundled(name), &OPTIONS, &|_, _| {});
        assert!(!graph.is_open(), "{name}");
        insta::assert_snapshot!(format!("graph-{name}"), graph.text());
    }
    let graph = mode_graph(&bundled("g3-jrst1"), &OPTIONS, &|_, _| {});
    insta::assert_snapshot!("graph-dot", graph.dot());
}

/// What is expected and so is, and what is otherwise: the sentence says what is found, with a state.
#[test]
fn expected_outcomes() {
    for (expect, found) in [
        ("completes in supervisor", None),
        ("traps(privileged) in user", None),
        ("not completes in user", None),
        ("completes when mode == supervisor", None),
        ("traps(memory) in supervisor when bound == 0", None),
        ("completes in user", Some("traps (privileged): lpsw")),
        ("completes", Some("traps (privileged): lpsw")),
        ("not traps(privileged)", Some("traps (privileged): lpsw")),
        ("traps(privileged) in supervisor", Some("completes: lpsw")),
        ("traps(privileged) when bound <= 7", Some("completes: lpsw")),
        ("traps(memory) in supervisor when bound <= 3", None),
        ("traps(memory) in supervisor when bound <= 4", Some("completes: lpsw")),
        ("unpredictable in user", Some("traps (privileged): lpsw")),
        ("completes in supervisor when bound == 0", Some("only memory traps, or no state at all")),
        ("not completes when mode == user && mode == supervisor", Some("no state at all")),
    ] {
        let report = report(&format!("[\"{expect}\"]"));
        let unmet: Vec<&str> = report.unmet.iter().map(|it| it.found.as_str()).collect();
        match found {
            None => assert!(unmet.is_empty(), "{expect}: {unmet:?}"),
            Some(start) => {
                let [it] = report.unmet.as_slice() else { panic!("{expect}: {unmet:?}") };
                assert!(it.found.starts_with(start), "{expect}: {}", it.found);
                assert_eq!(it.expected, format!("lpsw: {expect}"));
                assert!(!it.undecided && it.at.as_ref().is_some_and(|at| at.line == 8));
            }
        }
    }
    // It counts, and it speaks of the profile that it stands under.
    let count = |expect: &str| report(expect).expectations - report("[]").expectations;
    assert_eq!(count("[completes in supervisor, privileged]"), 2);
    assert_eq!(count("{literal: [completes in user]}"), 0);
}

#[test]
fn the_command_line() {
    let spec = "../isa-specs/m68010.yaml";
    let output = run(&["traps", spec, "stop"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("completes where imm[13] == 1"), "{text}");
    let output = run(&["traps", spec, "stpo"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("did you mean `stop`?"), "{text}");
    // An instruction stands for its cases.
    let output = run(&["traps", spec, "move_ad", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let names = json["instructions"].as_array().expect("a list").iter().map(|it| &it["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["move_ad[a7]", "move_ad[other]"]);
    let output = run(&["traps", "../isa-specs/avr.yaml", "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(0));
    let output = run(&["graph", "../isa-specs/avr.yaml", "--format", "dot"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("the only mode"));
}

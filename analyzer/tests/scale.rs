//! Size: thousands of registers or of decode classes are analyzed in seconds, and text that is nested
//! without end is refused.

use std::fmt::Write as _;

use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;

/// A machine with more state, views and an instruction.
fn machine(state: &str, views: &str, instruction: &str) -> String {
    format!(
        "pgisa: 1
isa: many
title: A machine with many registers or cases
state:
  mem: {{role: E, width: 32, cells: 65536}}
  r: {{role: E, width: 32, count: 8}}
  ctl: {{role: R, kind: resource, width: 32}}
  mode: {{role: M, width: 1, values: {{s: 0, u: 1}}}}
  pc: {{role: P, width: 32}}
  base: {{role: R, kind: relocation, width: 32}}
  bound: {{role: R, kind: bounds, width: 32}}
{state}{views}machine:
  modes: [{{supervisor: s, user: u}}]
  address: |
    require a < bound && base +^ a < cells(mem) else trap(memory);
    return phys[base +^ a];
  traps:
    memory: {{kind: memory}}
    priv: {{kind: privilege}}
  psw: \"mode :: 0u31 :: pc :: base :: bound\"
  on-trap: |
    phys[0; 4] = psw;
    psw = phys[4; 4];
  trap-cells: {{old: \"0..4\", new: \"4..8\"}}
instructions:
  lw: {{operands: {{d: 3, s: 3}}, semantics: \"r[d] = mem[r[s]];\", expect: [innocuous]}}
{instruction}"
    )
}

/// Number of classes, obligations left open, and expectations that are not met.
fn analyzed(text: &str) -> (u64, u64, usize) {
    let mut sources = Sources::default();
    let loaded = model::load("many.yaml", &|_| Ok(text.to_owned()), &mut sources);
    let isa = loaded.expect("the specification loads").isa;
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let report = analyze(&isa, &sources, options, &|_, _| {});
    (report.summary.instructions, report.summary.counts.undecided, report.unmet.len())
}

#[test]
fn a_view_of_thousands_of_registers_is_analyzed() {
    let mut view = "views:\n  csr:\n    index: 12\n    width: 32\n    entries:\n".to_owned();
    for i in 0..4096 {
        let _ = writeln!(view, "      {i}: {{read: \"file[{i}]\", write: \"file[{i}] = value;\"}}");
    }
    view += "    default: \"trap(priv);\"\n";
    let file = "  file: {role: R, kind: resource, width: 32, count: 4096}\n";
    let swap = "  csrrw: {operands: {d: 3, c: 12, x: 3}, expect: [privileged], semantics: \"require mode == s \
        else trap(priv); let old = csr[c]; csr[c] = r[x]; r[d] = old;\"}\n";
    assert_eq!(analyzed(&machine(file, &view, swap)), (2, 0, 0));
}

#[test]
fn an_instruction_of_thousands_of_cases_is_analyzed() {
    let mut text =
        "  csrrw:\n    operands: {c: 12, x: 3}\n    semantics: \"require mode == s || c[11:10] \
        == 0 else trap(priv); ctl = r[x];\"\n    cases:\n"
            .to_owned();
    for i in 0..4095 {
        let words = if i < 1024 { "not privileged" } else { "privileged" };
        let _ = writeln!(text, "      c{i}: {{fix: {{c: {i}}}, expect: [{words}]}}");
    }
    // The last value is left to the class of all others.
    assert_eq!(analyzed(&machine("", "", &text)), (4097, 0, 0));
}

#[test]
fn endless_nesting_is_refused() {
    let chain = |n| (0..n).map(|i| format!("if x == {i} {{ ctl = {i}; }}")).collect::<Vec<_>>();
    let codes = [
        ("L011", format!("r[0] = {}r[1]{};", "(".repeat(50_000), ")".repeat(50_000))),
        ("L011", format!("r[0] = {}r[1];", "~".repeat(50_000))),
        ("L011", format!("r[0] = {};", vec!["r[1]"; 20_000].join(" + "))),
        ("L011", format!("psw = {};", vec!["r[1]"; 20_000].join(" :: "))),
        ("L011", format!("{}{}", "if r[0] == 0 { ".repeat(20_000), "}".repeat(20_000))),
        ("L011", format!("r[0] = {}0;", "x == 1 ? 1 : ".repeat(20_000))),
        ("L011", chain(1_000).join(" else ")),
    ];
    for (code, text) in codes {
        let text = format!("  i: {{operands: {{x: 16}}, semantics: \"{text}\"}}\n");
        let text = machine("", "", &text);
        let found = model::load("deep.yaml", &|_| Ok(text.clone()), &mut Sources::default());
        let found = found.expect_err("it is refused");
        assert!(found.iter().any(|d| d.code == code), "{found:#?}");
    }
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        let text = format!("pgisa: 1\nisa: deep\nstate:\n  {open}1{close}\n");
        let found = model::load("deep.yaml", &|_| Ok(text.clone()), &mut Sources::default());
        assert_eq!(found.expect_err("it is refused")[0].code, "S002");
    }
}

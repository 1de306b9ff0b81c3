//! Repair: what must trap, and that the overlay that says so holds.

use analyzer::repair::{self, Outcome, Place, Repair, relative};
use analyzer::report::Report;
use analyzer::text::Detail;
use analyzer::{Options, Progress, analyze};
use model::diagnostic::Sources;
use model::isa::{Isa, Premise, Profile, Verdict};

const QUIET: &Progress<'static> = &|_, _| {};

/// Reads a file of the bundled folder, or the text given for this path.
fn open<'t>(path: &'t str, text: &'t str) -> impl Fn(&str) -> Result<String, String> + 't {
    move |p| {
        let file = || std::fs::read_to_string(p).map_err(|e| e.to_string());
        if p == path { Ok(text.to_owned()) } else { file() }
    }
}

fn judge(path: &str, text: &str, profile: Profile, pair: Option<&str>) -> (Isa, Report) {
    let mut sources = Sources::default();
    let loaded = model::load(path, &open(path, text), &mut sources);
    let isa = loaded.unwrap_or_else(|e| panic!("{path} does not load: {e:?}\n{text}")).isa;
    let report = analyze(&isa, &sources, Options { profile, pair, timeout: None }, QUIET);
    (isa, report)
}

fn repaired(path: &str, text: &str, pair: Option<&str>) -> (Report, Result<Repair, String>) {
    let (isa, report) = judge(path, text, Profile::Refined, pair);
    let extends = path.rsplit('/').next().expect("a path has an end");
    let at = format!("{path}-repaired");
    let place = Place { path: &at, extends };
    let repair = repair::repair(&isa, &report, place, &open(path, text), QUIET);
    (report, repair)
}

fn bundled(name: &str) -> (String, String) {
    let path = format!("../isa-specs/{name}.yaml");
    let text = std::fs::read_to_string(&path).expect("the specification is bundled");
    (path, text)
}

/// Repairs a bundled specification; its overlay must hold and meet what it expects.
fn holds(name: &str) -> (Report, Repair) {
    let (path, text) = bundled(name);
    let (report, repair) = repaired(&path, &text, None);
    let repair = repair.expect("it can be repaired");
    assert_eq!(repair.checked.outcome, Outcome::Holds, "{name}");
    assert!(repair.checked.unmet.is_empty(), "{name}: {:?}", repair.checked.unmet);
    if let Some(overlay) = &repair.overlay {
        let (_, after) = judge(&format!("{path}-overlay"), overlay, Profile::Refined, None);
        assert!(after.expectations > 0 && after.unmet.is_empty(), "{name}: {:?}", after.unmet);
        for t in [&after.pairs[0].theorems.vmm, &after.pairs[0].theorems.hvmm] {
            assert_eq!((t.premise, t.verdict), (Premise::Holds, Verdict::Holds), "{name}");
            assert!(t.refuting.is_empty(), "{name}: {:?}", t.refuting);
        }
    }
    (report, repair)
}

#[test]
fn each_broken_machine_needs_what_is_known() {
    const ONE: &[(&str, &str, bool, bool)] = &[
        // The premise of Theorem 1 always needs it; does its verdict, and does Theorem 3?
        ("m68000", "move_from_sr", true, true),
        ("g3-jrst1", "jrst1", true, false),
        ("g3-popf", "popf", true, false),
        ("g3-smode", "smode", true, false),
        ("g3-lra", "lra", true, true),
        ("g3-shrink", "shrink", false, true),
        ("pdp10", "jrst[1]", true, false),
    ];
    for (name, class, verdict, hybrid) in ONE {
        let (_, repair) = holds(name);
        let needed = |yes: bool| if yes { vec![(*class).to_owned()] } else { Vec::new() };
        let t = &repair.theorems;
        assert_eq!(t.vmm.premise, needed(true), "{name}");
        assert_eq!(t.vmm.verdict, needed(*verdict), "{name}");
        assert_eq!(t.hvmm.premise, needed(*hybrid), "{name}");
        assert_eq!(t.hvmm.verdict, needed(*hybrid && *verdict), "{name}");
    }
}

#[test]
fn a_machine_that_holds_needs_no_repair() {
    for name in ["g3", "g3-stb", "m68010"] {
        assert!(holds(name).1.overlay.is_none(), "{name}");
    }
}

#[test]
fn many_instructions_and_cases_are_repaired_at_once() {
    let (_, ka10) = holds("pdp10-ka10");
    assert_eq!(ka10.theorems.vmm.premise, ["jrst[1]", "jrst[2]", "jrst[3]", "pushj", "jsr", "jsp"]);
    assert!(ka10.theorems.hvmm.premise.is_empty());
    let (report, legacy) = holds("x86-legacy");
    assert_eq!(legacy.theorems.vmm.premise, report.pairs[0].theorems.vmm.offending);
    let overlay = legacy.overlay.expect("there is something to repair");
    assert!(overlay.contains("if n == 1 || n == 2 {\n        require cpl == ring0 else trap(gp);"));
}

/// Takes one require statement out of an overlay, with the instruction around it intact.
fn without(overlay: &str, nth: usize) -> String {
    let (place, _) = overlay.match_indices("require").nth(nth).expect("there are as many");
    format!("{}// {}", &overlay[..place], &overlay[place..])
}

#[test]
fn nothing_can_be_left_out() {
    for name in ["m68000", "g3-jrst1", "g3-lra", "pdp10", "pdp10-ka10"] {
        let (path, _) = bundled(name);
        let overlay = holds(name).1.overlay.expect("there is something to repair");
        for nth in 0..overlay.matches("require").count() {
            let less = without(&overlay, nth);
            let (_, after) = judge(&format!("{path}-less"), &less, Profile::Refined, None);
            let it = &after.pairs[0].theorems.vmm;
            assert_eq!(
                (it.premise, it.verdict),
                (Premise::Fails, Verdict::Refuted),
                "{name} without {nth}"
            );
        }
    }
}

/// By brute force: no single instruction but the one found repairs the toy machine.
#[test]
fn no_other_single_instruction_is_enough() {
    let (path, _) = bundled("g3-lra");
    let (report, _) = holds("g3-lra");
    for it in &report.pairs[0].instructions {
        let overlay = format!(
            "pgisa: 1\nisa: try\nextends: g3-lra.yaml\ninstructions:\n  {}:\n    patch: before\n    semantics: |\n      require mode == supervisor else trap(privileged);\n",
            it.name
        );
        let (_, after) = judge(&format!("{path}-try"), &overlay, Profile::Refined, None);
        let holds = after.pairs[0].theorems.vmm.premise == Premise::Holds;
        assert_eq!(holds, it.name == "lra", "{}", it.name);
    }
}

/// A machine with three modes, two pairs, and cases with and without values left over.
const RINGS: &str = r#"pgisa: 1
isa: rings
state:
  mem: {role: E, width: 8, cells: 16}
  r: {role: E, width: 8, count: 4}
  mode: {role: M, width: 2, values: {kernel: 0, exec: 1, super: 2, user: 3}}
  pc: {role: P, width: 8}
  base: {role: R, kind: relocation, width: 8}
  bound: {role: R, kind: bounds, width: 8}
  key: {role: R, kind: resource, width: 8}
machine:
  modes: PAIRS
  traps: {memory: {kind: memory}, other: {kind: program}, rights: {kind: KIND}}
  on-trap: "phys[1] = pc; let new = phys[0]; mode = new[1:0]; pc = 2; base = 0; bound = 16;"
  trap-cells: {new: "0..1", old: "1..2"}
instructions:
  showmode:
    operands: {kernel: 2}
    semantics: "r[kernel] = zext(mode, 8);"
  get:
    operands: {n: 2}
    semantics: |
      if n == 3 { trap(other); }
      r[0] = n == 0 ? key : n == 1 ? base : 7;
    cases:
      key: {fix: {n: 0}}
      rest:
        when: |
          n == 2    // seven
          || n == 3 # a trap
        expect: [innocuous]
    expect: [sensitive]
"#;

fn rings(pairs: &str, kind: &str) -> String {
    RINGS.replace("PAIRS", pairs).replace("KIND", kind)
}

#[test]
fn modes_of_no_pair_trap_and_the_rest_of_the_cases_is_reached() {
    let text = rings("[{supervisor: kernel, user: user}]", "privilege");
    let repair = repaired("rings.yaml", &text, None).1.expect("it can be repaired");
    assert_eq!(repair.checked.outcome, Outcome::Holds);
    assert!(repair.checked.unmet.is_empty(), "{:?}", repair.checked.unmet);
    let overlay = repair.overlay.expect("there is something to repair");
    // The operand `kernel` hides the mode's name.
    assert!(overlay.contains("      require mode == 0 else trap(rights);"), "{overlay}");
    let guard =
        "if n == 0 || !(n == 0 || (n == 2 || n == 3)) {\n        require mode == kernel else";
    assert!(overlay.contains(guard), "{overlay}");
}

#[test]
fn each_supervisor_mode_is_spared_unless_it_is_where_the_trap_is_needed() {
    let pairs = "[{supervisor: kernel, user: user}, {supervisor: super, user: user}]";
    let repair = repaired("rings.yaml", &rings(pairs, "privilege"), None).1.expect("repaired");
    assert_eq!(repair.checked.outcome, Outcome::Holds);
    assert!(repair.overlay.expect("an overlay").contains("mode == kernel || mode == super else"));
    let chain = "[{supervisor: kernel, user: super}, {supervisor: super, user: user}]";
    for (pair, condition) in
        [(None, "mode == kernel else"), (Some("super"), "mode == kernel || mode == super else")]
    {
        let repair = repaired("rings.yaml", &rings(chain, "privilege"), pair).1.expect("repaired");
        assert_eq!(repair.checked.outcome, Outcome::Holds, "{pair:?}");
        assert!(repair.checked.unmet.is_empty(), "{:?}", repair.checked.unmet);
        assert!(repair.overlay.expect("an overlay").contains(condition), "{pair:?}");
    }
}

#[test]
fn what_cannot_be_repaired_says_why() {
    let pair = "[{supervisor: kernel, user: user}]";
    let error = repaired("rings.yaml", &rings(pair, "program"), None).1.expect_err("no trap");
    assert!(error.contains("kind: privilege"), "{error}");
    let error = repaired("rings.yaml", &rings("[]", "privilege"), None).1.expect_err("no modes");
    assert!(error.contains("no modes"), "{error}");
}

#[test]
fn the_repair_of_the_68000_is_what_it_was() {
    let (report, repair) = holds("m68000");
    let text = repair::render(&report, &repair, Detail::default());
    let overlay = repair.overlay.expect("there is something to repair");
    insta::with_settings!({prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("repair-m68000", format!("{text}\n{overlay}"));
    });
}

/// An overlay of the toy machine with one more instruction.
fn overlay(state: &str, instruction: &str) -> (Report, Repair) {
    let text = format!(
        "pgisa: 1\nisa: try\nextends: g3.yaml\n{state}instructions:\n  try: {{operands: {{s: 3, t: 3}}, semantics: \"{instruction}\"}}\n"
    );
    let (report, repair) = repaired("../isa-specs/g3-try.yaml", &text, None);
    (report, repair.expect("there may be an overlay"))
}

/// An assumption that guests break without a trap: no instruction is known to need one, and yet the
/// theorems do not hold.
#[test]
fn what_stands_in_the_way_of_a_verdict_is_named() {
    let assume = "assume:\n  zero: {that: \"r[1] == 0\", why: a test}\n";
    let (report, repair) = overlay(assume, "r[s] = r[t];");
    let it = &report.pairs[0].theorems.vmm;
    assert_eq!(it.verdict, Verdict::Undecided);
    assert_eq!(repair.checked.outcome, Outcome::Undecided);
    let text = repair::render(&report, &repair, Detail::default());
    assert!(!it.obstacles.is_empty() && !text.contains("nothing to repair"), "{text}");
    assert!(it.obstacles.iter().all(|obstacle| text.contains(obstacle)), "{text}");
}

/// With bits that the monitor keeps the verdict needs no trap; the premise does.
#[test]
fn a_condition_that_works_needs_no_trap() {
    let state = "state:\n  en: {role: R, kind: resource, width: 32}\n";
    let (report, repair) = overlay(
        state,
        "require mode == supervisor || en[5] == 1 else trap(privileged); r[s] = en + r[t];",
    );
    assert_eq!(report.pairs[0].theorems.vmm.conditions, ["the monitor keeps en[5] = 0"]);
    assert_eq!(repair.theorems.vmm.premise, ["try"]);
    assert!(repair.theorems.vmm.verdict.is_empty() && repair.theorems.hvmm.verdict.is_empty());
    assert_eq!(repair.checked.outcome, Outcome::Holds);
}

#[test]
fn the_way_to_the_base_is_relative() {
    let way = |from: &str, to: &str| relative(from.as_ref(), to.as_ref());
    assert_eq!(way("/a/b", "/a/b/x.yaml").as_deref(), Some("x.yaml"));
    assert_eq!(way("/a/b/c", "/a/x.yaml").as_deref(), Some("../../x.yaml"));
    assert_eq!(way("/a", "/b/x.yaml").as_deref(), Some("../b/x.yaml"));
}

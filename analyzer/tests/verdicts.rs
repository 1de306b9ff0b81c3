//! The bundled specifications: verdicts against what they expect and against the published tables.

mod common;

use analyzer::answer::Answer;
use analyzer::report::page::{self, Style};
use analyzer::report::{InstructionReport, Report, atlas};
use analyzer::text::{self, Detail};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Premise, Profile, Verdict};
use model::property::Property;

const FAMILY: &[&str] = &["g3", "g3-jrst1", "g3-popf", "g3-smode", "g3-lra", "g3-shrink", "g3-stb"];

/// The bundled machines that are no toys, in order of name.
fn others() -> Vec<String> {
    let files = std::fs::read_dir("../isa-specs").expect("the folder is there");
    let mut names: Vec<String> = files
        .map(|file| file.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| !FAMILY.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

fn judge(path: &str, open: &dyn Fn(&str) -> Result<String, String>, profile: Profile) -> Report {
    let mut sources = Sources::default();
    let loaded = model::load(path, open, &mut sources).expect("the specification loads");
    assert!(loaded.warnings.is_empty(), "{path} draws warnings: {:?}", loaded.warnings);
    analyze(&loaded.isa, &sources, Options { profile, pair: None, timeout: None }, &|_, _| {})
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| e.to_string())
}

fn bundled(name: &str, profile: Profile) -> Report {
    judge(&format!("../isa-specs/{name}.yaml"), &read, profile)
}

fn instructions(report: &Report) -> &[InstructionReport] {
    &report.pairs[0].instructions
}

fn offending(report: &Report) -> Vec<&str> {
    report.pairs[0].theorems.vmm.offending.iter().map(String::as_str).collect()
}

fn find<'r>(report: &'r Report, name: &str) -> &'r InstructionReport {
    instructions(report).iter().find(|i| i.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The verdicts on one theorem.
type Row = (Premise, Verdict);

const HOLDS: Row = (Premise::Holds, Verdict::Holds);
const REFUTED: Row = (Premise::Fails, Verdict::Refuted);
const STATEWISE: Row = (Premise::Fails, Verdict::Holds);

/// The table of known answers: refined T1, T3, literal T1, T3, extended T1, T3.
const TABLE: &[(&str, [Row; 6])] = &[
    ("g3", [HOLDS, HOLDS, STATEWISE, STATEWISE, HOLDS, HOLDS]),
    ("g3-jrst1", [REFUTED, HOLDS, REFUTED, STATEWISE, REFUTED, HOLDS]),
    ("g3-popf", [REFUTED, HOLDS, REFUTED, STATEWISE, REFUTED, HOLDS]),
    ("g3-smode", [REFUTED, HOLDS, REFUTED, STATEWISE, REFUTED, HOLDS]),
    ("g3-lra", [REFUTED, REFUTED, REFUTED, REFUTED, REFUTED, REFUTED]),
    ("g3-shrink", [STATEWISE, STATEWISE, STATEWISE, STATEWISE, REFUTED, REFUTED]),
    ("g3-stb", [HOLDS, HOLDS, STATEWISE, STATEWISE, REFUTED, REFUTED]),
];

#[test]
fn the_toy_family_gives_the_table_in_every_profile() {
    for (name, expected) in TABLE {
        let profiles = [Profile::Refined, Profile::Literal, Profile::Extended];
        for (profile, pair) in profiles.into_iter().zip(expected.chunks(2)) {
            let report = bundled(name, profile);
            let t = &report.pairs[0].theorems;
            let found = [(t.vmm.premise, t.vmm.verdict), (t.hvmm.premise, t.hvmm.verdict)];
            assert_eq!(found.as_slice(), pair, "{name} in {profile:?}");
        }
    }
}

/// Machines of which what `--all` adds is kept, too.
const REST: &[&str] = &["g3-jrst1", "m68000"];

/// A report has at most 90 lines for each pair and no line is wider than the terminal; in ASCII where that is wanted.
fn is_a_page(report: &Report, text: &str) {
    const LINES: usize = 90;
    let name = &report.isa;
    let lines = text.lines().count();
    assert!(lines <= LINES * report.pairs.len().max(1), "{name}: {lines} lines");
    for (width, ascii) in [(100, false), (100, true), (72, true), (200, false)] {
        let style = Style { width, ascii, color: false };
        let (wide, text) = (text, page::render(report, style));
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= width, "{name}: {widest} columns of {width}");
        assert!(!ascii || text.is_ascii(), "{name}: not ASCII");
        let unlike = |text: &str| text.matches('?').count();
        assert_eq!(unlike(&text), unlike(wide), "{name}: a character has no like in ASCII");
    }
    let plain = page::render(report, Style { color: true, ..Style::default() });
    assert_eq!(
        anstream::adapter::strip_str(&plain).to_string(),
        text,
        "{name}: colour changes the text"
    );
}

#[test]
fn every_specification_meets_its_own_expectations_and_reports_are_what_they_were() {
    let family = FAMILY.iter().map(|name| (*name).to_owned());
    let schema = analyzer::report::JSON_SCHEMA.parse().expect("it is JSON");
    let mut rows = Vec::new();
    for name in family.chain(others()) {
        let report = bundled(&name, Profile::Refined);
        assert!(report.expectations > 0, "{name} expects nothing");
        assert!(report.unmet.is_empty(), "{name}: {:?}", report.unmet);
        assert_eq!(report.summary.counts.undecided, 0, "{name} leaves something open");
        let text = page::render(&report, Style::default());
        is_a_page(&report, &text);
        insta::with_settings!({prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name.as_str(), text);
            if REST.contains(&name.as_str()) {
                let rest = text::rest(&report, Detail { all: true, color: false });
                insta::assert_snapshot!(format!("rest-{name}"), rest);
            }
        });
        assert_eq!(
            common::violations(&schema, &serde_json::json!(report), true),
            Vec::<String>::new(),
            "{name}: analyzer/src/report/report.schema.json describes every key"
        );
        rows.extend(atlas::rows(&report));
    }
    atlas::sort(&mut rows);
    the_atlas_is_current(&atlas::markdown(&rows));
}

/// The table of the machines stands in the reference; `UPDATE_EXPECT=1` writes it there.
fn the_atlas_is_current(table: &str) {
    const PAGE: &str = "../isa-specs/README.md";
    let page = read(PAGE).expect("the page is there");
    let (before, rest) = page.split_once("<!-- atlas -->\n").expect("the table begins somewhere");
    let (old, after) = rest.split_once("<!-- end of atlas -->").expect("and ends");
    if old != table && std::env::var_os("UPDATE_EXPECT").is_some() {
        let new = format!("{before}<!-- atlas -->\n{table}<!-- end of atlas -->{after}");
        std::fs::write(PAGE, new).expect("the page can be written");
    } else {
        assert_eq!(old, table, "UPDATE_EXPECT=1 writes the table into {PAGE}");
    }
}

#[test]
fn the_escape_of_a_single_unrelocated_guest_holds_for_lra() {
    let report = bundled("g3-lra", Profile::Refined);
    let escapes = &report.pairs[0].theorems.vmm.escapes;
    let single =
        escapes.iter().find(|e| e.name == "single-unrelocated-guest").expect("the escape is tried");
    assert_eq!(single.verdict, Verdict::Holds);
}

/// A specification given as text beside the bundled ones.
fn overlay(text: &str, profile: Profile) -> Report {
    let path = "../isa-specs/test-overlay.yaml";
    judge(path, &|p| if p == path { Ok(text.to_owned()) } else { read(p) }, profile)
}

/// SETQ sets R in supervisor mode. In user mode it traps if CFG is 1, and else does nothing.
const CONFIGURED: &str = "pgisa: 1
isa: configured
title: Toy machine with a configuration bit
extends: g3.yaml
state:
  cfg: {role: R, kind: resource, width: 1}
instructions:
  setq:
    encoding: \"1000 1000 --- s[3] t[3] - ---- ---- ---- --\"
    semantics: |
      if mode == supervisor {
        base = r[s];
        bound = r[t];
      } else {
        require cfg == 0 else trap(privileged);
      }
  setcfg:
    semantics: |
      require mode == supervisor else trap(privileged);
      cfg = 1;
";

#[test]
fn a_bit_the_monitor_fixes_is_a_way_around_a_refutation() {
    let escape = |report: &Report, name: &str| {
        let all = &report.pairs[0].theorems.vmm.escapes;
        let it = all.iter().find(|e| e.name == name).expect("the escape is tried");
        (it.verdict, it.assumption.clone())
    };
    for profile in [Profile::Refined, Profile::Extended] {
        let report = overlay(CONFIGURED, profile);
        let t = &report.pairs[0].theorems;
        assert_eq!((t.vmm.premise, t.vmm.verdict), (Premise::Fails, Verdict::Holds));
        assert_eq!(t.vmm.conditions, ["the monitor keeps cfg = 1"]);
        let kept = "the monitor keeps cfg = 1 in the real machine".to_owned();
        assert_eq!(escape(&report, "monitor-fixed-bits"), (Verdict::Holds, kept));
        assert_eq!(find(&report, "setq").safe_if, ["cfg = 1"]);
    }
    // The bit may be assumed of the real machine as well. Guests break the assumption when they enter user
    // mode, under the monitor's eyes.
    let assumed = "assume:
  kept: {that: \"mode == supervisor || cfg == 1\", why: \"the monitor sees to it\"}
";
    let report = overlay(&format!("{CONFIGURED}{assumed}"), Profile::Refined);
    let t = &report.pairs[0].theorems;
    assert_eq!((t.vmm.premise, t.vmm.verdict), HOLDS);
    assert_eq!(t.vmm.conditions, ["cfg == 1"]);
    // No bit helps where the same instruction never traps.
    let never = CONFIGURED.replace("require cfg == 0 else trap(privileged);", "pc = pc;");
    let report = overlay(&never, Profile::Refined);
    assert_eq!(escape(&report, "monitor-fixed-bits").0, Verdict::Refuted);
    assert!(find(&report, "setq").safe_if.is_empty());
}

#[test]
fn every_escape_is_named_whatever_became_of_it() {
    let report = bundled("g3-jrst1", Profile::Refined);
    let t = &report.pairs[0].theorems;
    let names: Vec<&str> = t.vmm.escapes.iter().map(|e| e.name.as_str()).collect();
    let all = ["single-unrelocated-guest", "hybrid-monitor", "monitor-fixed-bits", "partial-traps"];
    assert_eq!(names, all);
    let shrink = bundled("g3-shrink", Profile::Refined);
    let escapes = &shrink.pairs[0].theorems.vmm.escapes;
    let found: Vec<_> = escapes.iter().map(|e| (e.name.as_str(), e.verdict)).collect();
    assert_eq!(found, [("partial-traps", Verdict::Holds)]);
}

#[test]
fn a_verdict_names_the_assumption_it_needs() {
    let ka10 = bundled("pdp10-ka10", Profile::Refined);
    let t = &ka10.pairs[0].theorems;
    assert_eq!(t.hvmm.verdict, Verdict::Holds);
    assert_eq!(t.hvmm.conditions, ["userio == 0"]);
    assert!(t.vmm.conditions.is_empty());
}

#[test]
fn collisions_show_that_no_map_exists() {
    let of = |name: &str| {
        let report = bundled(name, Profile::Refined);
        let t = &report.pairs[0].theorems;
        let names = |c: &analyzer::report::CollisionReport| c.instructions.clone();
        (t.vmm.collision.as_ref().map(names), t.hvmm.collision.as_ref().map(names))
    };
    let pair = |a: &str, b: &str| Some(vec![a.to_owned(), b.to_owned()]);
    assert_eq!(of("g3-jrst1"), (pair("jrst1", "jmp"), None));
    assert_eq!(of("g3-popf"), (pair("popf", "li"), None));
    assert_eq!(of("g3-smode"), (pair("smode", "li"), None));
    assert_eq!(of("pdp10"), (pair("jrst[1]", "jrst[0]"), None));
    // Nothing is refuted, or what is refuted depends on where the guest stands.
    for name in ["g3", "g3-shrink", "g3-stb", "g3-lra"] {
        assert_eq!(of(name), (None, None), "{name}");
    }
}

#[test]
fn published_lists_come_out() {
    let legacy = bundled("x86-legacy", Profile::Refined);
    // Robin & Irvine 2000, table 3, by class.
    let published = [
        "sgdt",
        "sidt",
        "sldt",
        "str",
        "smsw",
        "pushf",
        "popf",
        "lar",
        "lsl",
        "verr",
        "verw",
        "push_seg[cs]",
        "push_seg[ss]",
        "mov_r_seg[cs]",
        "mov_r_seg[ss]",
        "pop_seg[ss]",
        "pop_seg[data]",
        "mov_seg_r[ss]",
        "mov_seg_r[data]",
        "call_far",
        "jmp_far",
        "int_n",
        "ret_far",
    ];
    for name in published {
        let it = find(&legacy, name);
        let found = [Property::Sensitive, Property::Privileged].map(|word| it.property(word));
        assert_eq!(found, [Some(Answer::Yes), Some(Answer::No)], "{name}");
    }
    for name in offending(&legacy) {
        let noted = !find(&legacy, name).notes.is_empty();
        assert!(published.contains(&name) || noted, "{name} is beyond the list and has no note");
    }
    let privileged = [
        "lgdt",
        "lidt",
        "lldt",
        "ltr",
        "lmsw",
        "clts",
        "hlt",
        "invlpg",
        "wbinvd",
        "mov_cr_r[cr0]",
        "mov_r_cr[cr3]",
        "mov_dr_r",
        "mov_r_dr",
        "rdmsr",
        "wrmsr",
    ];
    for name in privileged {
        let found = find(&legacy, name).property(Property::Privileged);
        assert_eq!(found, Some(Answer::Yes), "{name}");
    }
    let umip = bundled("x86-umip", Profile::Refined);
    let gone: Vec<&str> =
        offending(&legacy).into_iter().filter(|n| !offending(&umip).contains(n)).collect();
    assert_eq!(gone, ["sgdt", "sidt", "sldt", "str", "smsw"]);
    assert!(offending(&umip).iter().all(|n| offending(&legacy).contains(n)));

    assert_eq!(offending(&bundled("pdp10", Profile::Refined)), ["jrst[1]"]);
    assert_eq!(offending(&bundled("m68000", Profile::Refined)), ["move_from_sr"]);
    assert!(offending(&bundled("m68010", Profile::Refined)).is_empty());
}

#[test]
fn ordinary_moves_are_innocuous() {
    for (spec, name) in
        [("pdp10-ka10", "move"), ("m68000", "move_ad[a7]"), ("x86-legacy", "mov_r_m")]
    {
        assert_eq!(
            find(&bundled(spec, Profile::Refined), name).property(Property::Innocuous),
            Some(Answer::Yes),
            "{spec} {name}"
        );
    }
}

/// Every specification for which a theorem holds, and how many squares there are: direct, trapped,
/// trap sequences, virtual modes.
const DIAGRAMS: &[(&str, bool, [u64; 4])] = &[
    ("g3", false, [34, 12, 5, 2]),
    ("g3-jrst1", true, [35, 12, 5, 1]),
    ("g3-popf", true, [35, 12, 5, 1]),
    ("g3-smode", true, [35, 12, 5, 1]),
    ("g3-shrink", false, [35, 13, 5, 2]),
    ("g3-stb", false, [35, 12, 5, 2]),
    ("m68010", false, [75, 37, 11, 2]),
    ("pdp10", true, [46, 46, 4, 1]),
    ("pdp10-ka10", true, [50, 50, 4, 1]),
];

#[test]
fn where_a_theorem_holds_the_whole_diagram_commutes() {
    for (name, hybrid, expected) in DIAGRAMS {
        let report = bundled(name, Profile::Refined);
        let t = &report.pairs[0].theorems;
        assert_eq!(t.vmm.diagram.is_none(), *hybrid, "{name}");
        let it = if *hybrid { &t.hvmm } else { &t.vmm };
        let it = it.diagram.as_ref().expect("the theorem holds");
        assert_eq!(it.equivalence, "proved for all states", "{name}");
        let n = &it.squares;
        assert_eq!([n.direct, n.trapped, n.traps, n.allocator], *expected, "{name}");
        let emulated = if *hybrid { Answer::Vacuous } else { Answer::Yes };
        let answers = [it.direct, it.emulated, it.reflected, it.traps, it.allocator];
        let all = [Answer::Yes, emulated, Answer::Yes, Answer::Yes, Answer::Yes];
        assert_eq!(answers, all, "{name}");
    }
}

/// A bundled specification with a text replaced.
fn changed(name: &str, from: &str, to: &str) -> Report {
    let path = format!("../isa-specs/{name}.yaml");
    let text = read(&path).expect("the specification is there");
    assert!(text.contains(from), "{name} says {from}");
    let text = text.replace(from, to);
    judge(&path, &|p: &str| if p == path { Ok(text.clone()) } else { read(p) }, Profile::Refined)
}

/// What fails of Theorem 1's diagram although direct execution is right, and what is lost, in words.
fn losses(report: &Report, verdict: Verdict) -> (Vec<&str>, Vec<&str>) {
    let vmm = &report.pairs[0].theorems.vmm;
    assert_eq!((vmm.premise, vmm.verdict), (Premise::Holds, verdict));
    let it = vmm.diagram.as_ref().expect("direct execution is right");
    assert!(it.equivalence.starts_with("fails for"), "{}", it.equivalence);
    let words = it.loss.iter().flat_map(|l| &l.broken).map(String::as_str).collect();
    (it.failing.iter().map(String::as_str).collect(), words)
}

#[test]
fn a_trap_that_keeps_part_of_its_instruction_breaks_the_diagram() {
    // GETR shows the real base before it traps: privileged, and yet no monitor can emulate it.
    let check = "      privileged_only();\n      r[d] = base;";
    let report =
        changed("g3", check, "      r[d] = base;\n      commit;\n      privileged_only();");
    let (failing, words) = losses(&report, Verdict::Undecided);
    assert_eq!(failing, ["getr"]);
    assert_eq!(words, ["the trap leaves registers changed, and the monitor cannot undo it"]);
    let text = page::render(&report, Style::default());
    let why = "! Theorems 1 and 3 are undecided: behind a trap the monitor does not find its guest again: getr";
    assert!(text.contains(why), "{text}");
    let loss =
        "! Theorem 1: behind the trap of getr in virtual supervisor mode the monitor does not find";
    assert!(text.contains(loss), "{text}");

    // A trap of the guest's own may keep what it likes: SVC in both modes does the same.
    let kept = changed("g3", "trap(svc, imm);", "r[0] = 1; commit; trap(svc, imm);");
    let it = kept.pairs[0].theorems.vmm.diagram.as_ref().expect("the theorem holds");
    assert_eq!(it.equivalence, "proved for all states");

    // One trap that has to be reflected or emulated, with nothing to tell which: left open.
    let both =
        "if r[d] == 0 { r[e] = r[e] + 1; commit; trap(privileged); }\n      privileged_only();";
    let report = changed("g3", check, &format!("      {both}\n      r[d] = base;"));
    let vmm = &report.pairs[0].theorems.vmm;
    assert_eq!(vmm.verdict, Verdict::Undecided);
    let it = vmm.diagram.as_ref().expect("direct execution is right");
    assert_eq!(it.equivalence, "undecided for getr");
}

#[test]
fn a_trap_that_saves_the_wrong_counter_breaks_the_diagram() {
    let saves = "kind: privilege, saves: this, code: 8";
    let report = changed("m68010", saves, "kind: privilege, saves: next, code: 8");
    let (failing, words) = losses(&report, Verdict::Undecided);
    assert!(failing.contains(&"rte") && failing.contains(&"movec_to"), "{failing:?}");
    assert_eq!(words, ["the saved P does not tell which instruction trapped"]);
    // Behind a hybrid monitor such a trap is only ever given to the guest.
    let hybrid = report.pairs[0].theorems.hvmm.diagram.as_ref().expect("the theorem holds");
    assert_eq!(hybrid.equivalence, "proved for all states");
}

#[test]
fn a_trap_sequence_that_takes_a_register_breaks_the_diagram() {
    let save = "    phys[0; 4] = psw;\n";
    let report = changed("g3", save, &format!("{save}    r[0] = 0;\n"));
    let vmm = &report.pairs[0].theorems.vmm;
    assert_eq!((vmm.premise, vmm.verdict), HOLDS);
    let lost = "no guest relies on what these traps do not save: memory, privileged, svc, divide, illegal (profile extended asks)";
    assert_eq!(vmm.conditions, [lost]);
    assert_eq!(vmm.loses, ["memory", "privileged", "svc", "divide", "illegal"]);
    // Where the guest says, the store spoils the monitor's entry: the PSW, or the handler's first instruction.
    for store in ["phys[zext(r[7], 33)] = 1;", "if r[7] > 7 { phys[zext(r[7], 33)] = 1; }"] {
        let report = changed("g3", save, &format!("{save}    {store}\n"));
        let vmm = &report.pairs[0].theorems.vmm;
        assert_eq!(vmm.verdict, Verdict::Undecided);
        let open = |o: &String| o.contains("lets the trap lead to it");
        assert!(vmm.obstacles.iter().any(open), "{:?}", vmm.obstacles);
    }
}

#[test]
fn a_bound_that_can_be_read_breaks_the_clipped_square() {
    let report = bundled("g3-stb", Profile::Extended);
    let stb = find(&report, "stb");
    let found = [Property::ExtentSensitive, Property::Statewise].map(|word| stb.property(word));
    assert_eq!(found, [Some(Answer::Yes), Some(Answer::No)]);
    let vmm = &report.pairs[0].theorems.vmm;
    assert!(vmm.diagram.is_none(), "the theorem is refuted");
    let refutation = vmm.refutation.as_ref().expect("a replayed state");
    assert_eq!(refutation.broken, ["registers or P are not the guest's"]);
    let row = |name: &str| {
        let row = refutation.witness.rows.iter().find(|r| r.name == name);
        let number = |v: &String| {
            let digits = v.strip_prefix("0x");
            u128::from_str_radix(digits.unwrap_or(v), 16).expect("a number")
        };
        row.expect("it is there").values.iter().map(number).collect::<Vec<_>>()
    };
    // f(S) is clipped: its bound is what is left of the guest's storage, and STB shows it.
    let (base, bound, cells) = (row("base"), row("bound"), row("cells"));
    assert!(base[0] + bound[0] > cells[0]);
    assert_eq!(bound[1], cells[0] - base[0]);
    assert_ne!(bound[0], bound[1]);
}

#[test]
fn a_check_that_disappears_changes_the_verdict() {
    let path = "../isa-specs/x86-legacy.yaml";
    let text = read(path).expect("the specification is there");
    let lgdt = text.find("\n  lgdt:").expect("LGDT is specified");
    let check = lgdt
        + text[lgdt..]
            .find("cpl == ")
            .or_else(|| text[lgdt..].find("ring0()"))
            .expect("LGDT checks CPL");
    let changed = if text[check..].starts_with("cpl == ") {
        format!("{}cpl != {}", &text[..check], &text[check + 7..])
    } else {
        // The helper that checks: the same character, there.
        let helper = text.find("fn ring0()").expect("the helper exists");
        let check = helper + text[helper..].find("==").expect("it compares");
        format!("{}!={}", &text[..check], &text[check + 2..])
    };
    let open = |p: &str| if p == path { Ok(changed.clone()) } else { read(p) };
    let report = judge(path, &open, Profile::Refined);
    assert!(report.unmet.iter().any(|u| u.expected == "lgdt: privileged"), "{:?}", report.unmet);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for name in ["g3-shrink", "pdp10-ka10"] {
        let print =
            || serde_json::to_string(&bundled(name, Profile::Refined)).expect("reports serialize");
        assert_eq!(print(), print(), "{name}");
    }
}

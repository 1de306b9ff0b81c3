//! The bundled specifications: verdicts against what they expect and against the published tables.

use analyzer::report::{InstructionReport, Report};
use analyzer::text::{self, Detail};
use analyzer::verdict::Answer;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Premise, Profile, VerdictWord};

const FAMILY: &[&str] = &["g3", "g3-jrst1", "g3-popf", "g3-smode", "g3-lra", "g3-shrink", "g3-stb"];
const OTHERS: &[&str] = &["pdp10", "pdp10-ka10", "m68000", "m68010", "x86-legacy", "x86-umip"];

fn judge(path: &str, open: &dyn Fn(&str) -> Result<String, String>, profile: Profile) -> Report {
    let mut sources = Sources::default();
    let loaded = model::load(path, open, &mut sources).expect("the specification loads");
    assert!(loaded.warnings.is_empty(), "{path} draws warnings: {:?}", loaded.warnings);
    analyze(&loaded.isa, &sources, Options { profile, pair: None }, &|_, _| {})
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
type Row = (Premise, VerdictWord);

const HOLDS: Row = (Premise::Holds, VerdictWord::Holds);
const REFUTED: Row = (Premise::Fails, VerdictWord::Refuted);
const STATEWISE: Row = (Premise::Fails, VerdictWord::Holds);

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

#[test]
fn every_specification_meets_its_own_expectations() {
    for name in FAMILY.iter().chain(OTHERS) {
        let report = bundled(name, Profile::Refined);
        assert!(report.expectations > 0, "{name} expects nothing");
        assert!(report.unmet.is_empty(), "{name}: {:?}", report.unmet);
        assert_eq!(report.summary.counts.undecided, 0, "{name} leaves something open");
    }
}

#[test]
fn reports_are_what_they_were() {
    for name in FAMILY.iter().chain(OTHERS) {
        let report = bundled(name, Profile::Refined);
        let text = text::render(&report, Detail::default());
        insta::with_settings!({prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(*name, text);
        });
    }
}

#[test]
fn the_escape_of_a_single_unrelocated_guest_holds_for_lra() {
    let report = bundled("g3-lra", Profile::Refined);
    let escapes = &report.pairs[0].theorems.vmm.escapes;
    let single =
        escapes.iter().find(|e| e.name == "single-unrelocated-guest").expect("the escape is tried");
    assert_eq!(single.verdict, VerdictWord::Holds);
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
        assert_eq!((it.sensitive, it.privileged), (Answer::Yes, Answer::No), "{name}");
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
        assert_eq!(find(&legacy, name).privileged, Answer::Yes, "{name}");
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
            find(&bundled(spec, Profile::Refined), name).innocuous,
            Answer::Yes,
            "{spec} {name}"
        );
    }
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

//! Small machines with the verdict each must get: what stands in `cases/` was answered wrongly once, or is
//! a relative of what was. The first lines of each file say what is asked.

use analyzer::report::Report;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Profile, Verdict};

/// Cases that are errors of the specification, with the code of the error.
const REFUSED: [(&str, &str); 2] = [("deprivilege-writes-e", "K015"), ("trap-cells-lie", "K013")];

fn judge(name: &str, profile: Profile) -> Result<Report, String> {
    judge_in("cases", name, profile)
}

fn judge_in(folder: &str, name: &str, profile: Profile) -> Result<Report, String> {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let path = format!("tests/{folder}/{name}.yaml");
    let mut sources = Sources::default();
    let loaded = model::load(&path, &open, &mut sources).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(|e| e.render(&sources, false)).collect();
        texts.join("\n")
    })?;
    let options = Options { profile, pair: None, timeout: None };
    Ok(analyze(&loaded.isa, &sources, options, &|_, _| {}))
}

fn names() -> Vec<String> {
    names_in("cases")
}

fn names_in(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(format!("tests/{folder}")).expect("the folder is there");
    let mut names: Vec<String> = files
        .map(|file| file.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_case_gives_what_it_must() {
    for name in names() {
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
        match (judge(&name, Profile::Refined), refused) {
            (Err(text), Some((_, code))) => assert!(text.contains(code), "{name}: {text}"),
            (Err(text), None) => panic!("{name}: {text}"),
            (Ok(_), Some((_, code))) => panic!("{name}: {code} is expected"),
            (Ok(report), None) => {
                assert!(report.expectations > 0, "{name} expects something");
                assert!(report.unmet.is_empty(), "{name}: {:?}", report.unmet);
            }
        }
    }
}

/// Machines that get a wrong verdict today, with the right one in `expect:`. What is mended moves to `cases/`.
#[test]
fn known_faults_are_still_there() {
    for name in names_in("known-faults") {
        let report = judge_in("known-faults", &name, Profile::Refined).expect("it loads");
        assert!(!report.unmet.is_empty(), "{name} is mended: move it to tests/cases");
    }
}

/// No question stays open on any of them: what is undecided is so for a reason that is given.
#[test]
fn nothing_is_left_open() {
    for name in names() {
        let Ok(report) = judge(&name, Profile::Refined) else { continue };
        assert_eq!(report.summary.counts.undecided, 0, "{name}");
        for pair in &report.pairs {
            for theorem in [&pair.theorems.vmm, &pair.theorems.hvmm] {
                let open = theorem.verdict == Verdict::Undecided;
                assert_eq!(open, !theorem.obstacles.is_empty(), "{name}: {:?}", theorem.obstacles);
            }
        }
    }
}

/// What the profile `extended` is asked of a few.
#[test]
fn extended_cases_give_what_they_must() {
    for name in ["phys-read-time", "trap-visible-syntactic", "trap-clobbers", "sc-may-fail", "base"]
    {
        let report = judge(name, Profile::Extended).expect("it loads");
        assert!(report.unmet.is_empty(), "{name}: {:?}", report.unmet);
    }
}

/// A base of r0 that is no base is what lets a program of g3 be its monitor: with a base in any case, behind a trap no
/// instruction stores a register at a place that the guest has no part in.
#[test]
fn without_absolute_addresses_no_register_can_be_saved() {
    let text = std::fs::read_to_string("../isa-specs/g3.yaml").expect("the file is there");
    let based = text.replace("register == 0 ? 0 : r[register]", "r[register]");
    assert_ne!(text, based);
    let dispatcher = |text: &str| {
        let mut sources = Sources::default();
        let loaded = model::load("g3.yaml", &|_| Ok(text.to_owned()), &mut sources);
        let isa = loaded.expect("the specification loads").isa;
        let options = Options { profile: Profile::Refined, pair: None, timeout: None };
        let mut report = analyze(&isa, &sources, options, &|_, _| {});
        report.pairs.remove(0).theorems.recursive.dispatcher.expect("a monitor is possible")
    };
    let (now, before) = (dispatcher(&text), dispatcher(&based));
    let saved: Vec<&str> = now.saved.iter().filter_map(|it| it.by.as_deref()).collect();
    assert_eq!((now.lost.len(), saved), (0, vec!["sw"; 8]));
    assert_eq!((before.lost.len(), before.undecided.len()), (8, 0));
}

/// What a monitor, as a program of the machine, can do for its guest is no part of Theorem 1, and is said.
#[test]
fn what_launching_loses_or_assumes_is_said() {
    let report = |name: &str| judge(name, Profile::Refined).expect("it loads").pairs.remove(0);
    for (name, unresumed) in [("base", vec![]), ("launch-clears-register", vec!["r[0]"])] {
        let dispatcher = report(name).theorems.recursive.dispatcher.expect("a monitor is possible");
        assert_eq!(dispatcher.unresumed, unresumed, "{name}");
        assert!(dispatcher.resuming_undecided.is_empty(), "{name}");
    }
    for (name, assumed) in [
        ("base", vec![]),
        (
            "launch-never",
            vec![
                "the monitor can enter u",
                "the monitor can set base",
                "the monitor can set bound",
            ],
        ),
        ("launch-map-unset", vec!["the monitor can set base", "the monitor can set bound"]),
    ] {
        let assumptions = report(name).theorems.vmm.assumptions;
        let stated = assumptions.iter().filter_map(|it| {
            it.strip_suffix(": no instruction that is listed is known to do it in supervisor mode")
        });
        assert_eq!(stated.collect::<Vec<_>>(), assumed, "{name}");
    }
}

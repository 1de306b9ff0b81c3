//! Counterexample guests: what the report prints is a program that anyone can run again.

use analyzer::report::{GuestReport, Report};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;
use refvmm::asm::assemble;
use refvmm::compare::compare;
use refvmm::computer::{Authorization, Computer, EngineKind, Setup};
use refvmm::layout::MachineLayout;
use refvmm::vmm::Kind;

fn judge(name: &str, profile: Profile) -> Report {
    let path = format!("../isa-specs/{name}.yaml");
    let mut sources = Sources::default();
    let isa = load(&path, &mut sources);
    analyze(&isa, &sources, Options { profile, pair: None, timeout: None }, &|_, _| {})
}

fn load(path: &str, sources: &mut Sources) -> model::isa::Isa {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    model::load(path, &open, sources).expect("the specification loads").isa
}

/// Runs the printed program again, with another engine than the search had.
fn replay(name: &str, guest: &GuestReport) {
    let mut sources = Sources::default();
    let isa = load(&format!("../isa-specs/{name}.yaml"), &mut sources);
    let text = guest.program.join("\n") + "\n";
    let image = assemble(&isa, "guest", &text, &mut sources).expect("the program assembles");
    let cells: Vec<(u128, u128)> = image.cells.into_iter().collect();
    let pair = isa.pairs[0].clone();
    let layout = MachineLayout::new(isa).expect("the machine runs");
    let kind = if guest.monitor == "vmm" { Kind::Vmm } else { Kind::Hybrid };
    let bare = Setup::bare(EngineKind::Interpreter, guest.cells);
    let monitored = Setup { monitor: Some(kind), depth: 1, ..bare };
    let boot = || -> [Computer; 2] {
        [bare, monitored].map(|setup| {
            let mut computer = setup
                .build(&layout, Authorization::Unchecked(&pair))
                .expect("the machine is set up");
            computer.boot(&cells);
            computer
        })
    };
    let comparison = compare(boot, 64);
    assert!(comparison.square.is_some(), "{name}: the printed guest sees no difference");
    let [real, monitored] = comparison.ends;
    assert!(real != monitored, "{name}: both end alike");
}

#[test]
fn every_refuted_machine_with_encodings_has_a_guest_that_finds_out() {
    let refined = ["g3-jrst1", "g3-popf", "g3-smode", "g3-lra", "pdp10", "pdp10-ka10", "m68000"];
    let extended = ["g3-shrink", "g3-stb"];
    let all = refined.map(|n| (n, Profile::Refined)).into_iter();
    for (name, profile) in all.chain(extended.map(|n| (n, Profile::Extended))) {
        let report = judge(name, profile);
        let theorems = &report.pairs[0].theorems;
        let guest = theorems.vmm.guest.as_ref().unwrap_or_else(|| panic!("{name} has no guest"));
        replay(name, guest);
        if let Some(guest) = &theorems.hvmm.guest {
            replay(name, guest);
        }
        let file = report.guest().expect("a guest is a file");
        assert!(file.contains(&guest.program.join("\n")), "{file}");
    }
}

#[test]
fn machines_that_admit_a_monitor_have_none() {
    for name in ["g3", "g3-stb", "g3-shrink", "m68010"] {
        let theorems = &judge(name, Profile::Refined).pairs[0].theorems;
        assert!(theorems.vmm.guest.is_none() && theorems.hvmm.guest.is_none(), "{name}");
    }
}

#[test]
fn the_pdp10_is_found_out_by_jrst_1() {
    let report = judge("pdp10", Profile::Refined);
    let guest = report.pairs[0].theorems.vmm.guest.as_ref().expect("a guest");
    assert_eq!(guest.instruction, "jrst[1]");
    assert!(guest.program.iter().any(|line| line.trim().starts_with("jrst 1")));
    // In user mode the halt behind it traps; a monitor that never saw the change emulates it.
    assert_eq!(guest.ends, ["halts after 3 instructions", "halts after 2 instructions"]);
}

/// A program that starts behind the storage of the trial is no program, and no panic.
#[test]
fn a_reset_may_lead_past_the_trial() {
    let path = "../isa-specs/this.yaml";
    let overlay = "pgisa: 1\nisa: far\ntitle: Far\nextends: g3-popf.yaml\n\
                   machine: {patch: replace, reset: \"pc = 0x1000; bound = cells(mem);\"}\n";
    let open = |p: &str| {
        let file = || std::fs::read_to_string(p).map_err(|e| e.to_string());
        if p == path { Ok(overlay.to_owned()) } else { file() }
    };
    let mut sources = Sources::default();
    let isa = model::load(path, &open, &mut sources).expect("the specification loads").isa;
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let report = analyze(&isa, &sources, options, &|_, _| {});
    assert!(report.pairs[0].theorems.vmm.refutation.is_some());
}

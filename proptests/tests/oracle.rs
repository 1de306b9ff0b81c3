//! The exhaustive oracle and the analyzer give the same answers.

use std::collections::BTreeMap;
use std::path::Path;

use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Class, Isa, Pair, Profile, RegisterId, TrapId};
use proptest::prelude::*;
use proptests::machines::{Troubles, machine};
use proptests::oracle::{self, Findings};
use proptests::settings;
use proptests::small::{disagreements, disagreements_with};
use rayon::prelude::*;

fn load(name: &str) -> (Isa, Sources) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("small").join(name);
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    let mut sources = Sources::default();
    let loaded = model::load(&path.to_string_lossy(), &open, &mut sources);
    (loaded.expect("the specification loads").isa, sources)
}

fn agrees(name: &str, profile: Profile) {
    let (isa, sources) = load(name);
    let found = disagreements(&isa, &sources, profile);
    assert!(found.is_empty(), "{found:#?}");
}

/// The narrow g3, and the toys that add one instruction to it: what the oracle found out about the
/// others holds for them, too.
fn family_agrees(profile: Profile) {
    let (base, _) = load("g3-small.yaml");
    let judge = |isa: &Isa, class: &Class, pair: &Pair, strays: &[TrapId]| {
        oracle::judge(isa, class, pair, profile, strays)
    };
    let strays = oracle::strays(&base, &base.pairs[0], &[]);
    let known: BTreeMap<String, Findings> = base
        .classes
        .par_iter()
        .map(|class| (class.name.clone(), judge(&base, class, &base.pairs[0], &strays)))
        .collect();
    for toy in ["", "-jrst1", "-popf", "-smode", "-lra", "-shrink", "-stb"] {
        let (isa, sources) = load(&format!("g3-small{toy}.yaml"));
        let found = disagreements_with(&isa, &sources, profile, &|class, pair, strays| {
            known.get(&class.name).cloned().unwrap_or_else(|| judge(&isa, class, pair, strays))
        });
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn narrow_family_literal() {
    family_agrees(Profile::Literal);
}

#[test]
fn narrow_family_refined() {
    family_agrees(Profile::Refined);
}

#[test]
fn narrow_family_extended() {
    family_agrees(Profile::Extended);
}

/// Which registers a dispatcher can save: none without a store, none where each store takes its place from another
/// register, all where it says its place; by the trap, and through what was saved before.
#[test]
fn saving_registers() {
    let wanted = [
        ("nothing", [false, false]),
        ("based", [false, false]),
        ("by-itself", [true, true]),
        ("absolute", [true, true]),
        ("clobbers", [false, false]),
        ("swap", [true, true]),
        ("by-trap", [true, true]),
        ("taken", [false, true]),
        ("swap-only", [true, false]),
        ("moved", [false, true]),
    ];
    for (name, wanted) in wanted {
        let (isa, sources) = load(&format!("save-{name}.yaml"));
        let options = Options { profile: Profile::Refined, pair: None, timeout: None };
        let report = analyze(&isa, &sources, options, &|_, _| {});
        assert!(report.unmet.is_empty(), "{name}: {:?}", report.unmet);
        let theorems = &report.pairs[0].theorems;
        let found = theorems.recursive.dispatcher.as_ref().expect("a monitor is possible");
        let (oracle, used) = oracle::unsaved(&isa, &isa.pairs[0], &[]);
        let register = |(id, i, _): &(RegisterId, u32, u32)| {
            let it = isa.register(*id);
            if it.count.is_some() { format!("{}[{i}]", it.name) } else { it.name.clone() }
        };
        let oracle: Vec<String> = oracle.iter().map(register).collect();
        let (lost, undecided) = if used { (Vec::new(), oracle) } else { (oracle, Vec::new()) };
        assert_eq!((&found.lost, &found.undecided), (&lost, &undecided), "{name}");
        let saved = |i: usize| found.saved.iter().any(|it| it.register == format!("r[{i}]"));
        assert_eq!([0, 1].map(saved), wanted, "{name}");
    }
}

/// What decides where a guest can stand: the reach of relocation, and the monitor's cells.
#[test]
fn placement() {
    for &profile in Profile::ALL {
        agrees("placement.yaml", profile);
    }
}

/// A trap that a monitor hides can be seen.
#[test]
fn reservation() {
    for &profile in Profile::ALL {
        agrees("reservation.yaml", profile);
    }
}

/// Guests in every mode, with every value of the other bits of M.
#[test]
fn previous() {
    for &profile in Profile::ALL {
        agrees("previous.yaml", profile);
    }
}

/// A bit that the monitor keeps makes a theorem hold, and one cannot be kept at two values.
#[test]
fn enable() {
    for &profile in Profile::ALL {
        agrees("enable.yaml", profile);
        agrees("enable-torn.yaml", profile);
    }
}

/// Whether the machine has halted behind a trap.
#[test]
fn halting() {
    for &profile in Profile::ALL {
        agrees("halts-always.yaml", profile);
        agrees("halts-by-register.yaml", profile);
        agrees("halts-never.yaml", profile);
    }
}

/// An argument that is lost, one that need not be stored, and a mapping that is lost.
#[test]
fn losses() {
    for &profile in Profile::ALL {
        agrees("argument.yaml", profile);
        agrees("argument-found.yaml", profile);
        agrees("shrink-unsaved.yaml", profile);
    }
}

/// Cases on which the oracle and the analyzer disagreed, smallest first.
mod known {
    use super::{Profile, agrees};

    #[test]
    fn trap_visible() {
        agrees("known-trap-visible.yaml", Profile::Extended);
    }

    #[test]
    fn no_clock() {
        agrees("known-no-clock.yaml", Profile::Refined);
    }

    #[test]
    fn narrow_mapping() {
        agrees("known-narrow-mapping.yaml", Profile::Refined);
    }

    #[test]
    fn clock_writes() {
        agrees("known-clock-writes.yaml", Profile::Extended);
    }

    #[test]
    fn sum() {
        agrees("known-sum.yaml", Profile::Refined);
    }

    #[test]
    fn wrapping() {
        agrees("known-wrapping.yaml", Profile::Refined);
    }

    #[test]
    fn identity() {
        agrees("known-identity.yaml", Profile::Refined);
    }

    #[test]
    fn counter() {
        agrees("known-counter.yaml", Profile::Refined);
    }

    #[test]
    fn kept() {
        agrees("known-kept.yaml", Profile::Refined);
    }

    #[test]
    fn bypassed() {
        agrees("known-bypassed.yaml", Profile::Literal);
    }
}

/// Everything.
const TRIED: Troubles =
    Troubles { flag: true, narrow_mapping: true, wrapping: true, clock_writes: true, sums: true };

proptest! {
    #![proptest_config(settings(200))]

    /// Random machines, each in some profile.
    #[test]
    fn random_machines_agree(
        machine in machine(TRIED),
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let text = machine.yaml();
        let mut sources = Sources::default();
        let loaded = model::load("random.yaml", &|_| Ok(text.clone()), &mut sources);
        prop_assert!(loaded.is_ok(), "{:?}", loaded.err());
        if let Ok(loaded) = loaded {
            let found = disagreements(&loaded.isa, &sources, profile);
            prop_assert!(found.is_empty(), "{found:#?}");
        }
    }
}

//! Two runs of one instruction from one state never differ: neither in the formulas nor in the replay.

use model::bits::mask;
use model::diagnostic::Sources;
use model::isa::{Class, Isa, Pair, Profile};
use model::property::Property;
use model::state::State;

use super::behaviour::{compare_runs, in_virtual_mode, relocated};
use super::privileged::{self, Part};
use super::{DEFINITIONS, VirtualMode};
use crate::decide::{self, Satisfiability, Shared, SolverConfig};
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::sat::tests::Random;
use crate::symbolic::term::Terms;

const PROFILES: [Profile; 3] = [Profile::Literal, Profile::Refined, Profile::Extended];

fn load(name: &str) -> Isa {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let path = format!("../isa-specs/{name}.yaml");
    model::load(&path, &open, &mut Sources::default()).expect("the specification loads").isa
}

/// What behaviour sensitivity asks, of equal modes and x = 0.
fn differs_from_itself(setting: Setting<'_>, class: &Class, side: VirtualMode) {
    let Setting { isa, pair, profile, .. } = setting;
    let mut problem = Problem::new(isa, class, Terms::default());
    let state = problem.fresh();
    let first = in_virtual_mode(&mut problem, setting, &state, side);
    // The relocation is another term with an equal value.
    let (second, moved) = relocated(&mut problem, &first);
    let stays = problem.terms.not(moved);
    let storage = (problem.array(), problem.array());
    let runs = [first, second].map(|entry| {
        problem.run(entry, Storage::Windowed { window: storage.0, outside: storage.1 })
    });
    let obligation = compare_runs(&mut problem, runs.into(), &[stays], profile);
    let (answer, by) = decide::decide(
        SolverConfig::new(),
        &mut problem.terms,
        &obligation.query,
        None,
        &mut Shared::default(),
    );
    assert!(
        matches!(answer, Satisfiability::Unsat),
        "{} of {} in {} differs from itself: {answer:?} {by:?}",
        class.name,
        isa.name,
        side.name(pair)
    );
}

fn identity(name: &str, profiles: &[Profile]) {
    let isa = load(name);
    for pair in &isa.pairs {
        for class in &isa.classes {
            for side in VirtualMode::PAIR {
                for profile in profiles {
                    differs_from_itself(Setting::new(&isa, pair, *profile), class, side);
                }
            }
        }
    }
}

#[test]
fn an_instruction_of_g3_does_not_differ_from_itself() {
    identity("g3", &[Profile::Refined, Profile::Literal]);
}

#[test]
fn an_instruction_of_pdp10_does_not_differ_from_itself() {
    identity("pdp10", &[Profile::Refined, Profile::Literal]);
}

#[test]
fn an_instruction_of_m68000_does_not_differ_from_itself() {
    identity("m68000", &[Profile::Refined]);
}

/// A state with arbitrary registers and some storage, in a mode of the pair.
fn random_state(isa: &Isa, pair: &Pair, side: VirtualMode, random: &mut Random) -> State {
    let most = isa.storage.cells.min(1 << 12).max(isa.least_cells());
    let mut state = State::zero(isa, most);
    for (id, register) in isa.register_ids() {
        for i in 0..register.len() {
            let value = u128::from(random.next()) & mask(register.width);
            // Small values are places in storage.
            let value = if random.below(2) == 0 { value % most } else { value };
            state.set_element(id, u128::from(i), value);
        }
    }
    for _ in 0..200 {
        let cell = u128::from(random.next()) % most;
        state.store(cell, u128::from(random.next()) & mask(isa.storage.width));
    }
    if let Some(mode) = isa.mode {
        let modes = if side == VirtualMode::User { &pair.user } else { &pair.supervisor };
        state.set_part(mode, modes.1);
    }
    state
}

/// Two equal sides are a witness of nothing.
#[test]
fn equal_sides_show_nothing() {
    let mut random = Random(0);
    for name in ["g3", "pdp10", "m68000"] {
        let isa = load(name);
        let (pair, classes) = (&isa.pairs[0], &isa.classes);
        for class in classes {
            for (i, side) in VirtualMode::PAIR.into_iter().cycle().enumerate().take(8) {
                let before = random_state(&isa, pair, side, &mut random);
                let mut number = |width| u128::from(random.next()) & mask(width);
                let operands = class.operands.iter();
                let operands: Vec<u128> =
                    operands.map(|o| o.fixed.unwrap_or_else(|| number(o.width))).collect();
                let choices: Vec<u128> =
                    class.body.choices.iter().map(|c| number(c.width)).collect();
                for profile in PROFILES {
                    let setting = Setting::new(&isa, pair, profile);
                    let open = (operands.clone(), choices.clone());
                    let states = vec![before.clone(), before.clone()];
                    let replay = Replay::of(setting, class, open, states, 0);
                    // What changes outside the window is seen in one state.
                    for definition in
                        DEFINITIONS.iter().filter(|d| d.property != Property::Unconfined)
                    {
                        assert!(
                            !(definition.shown_by)(&replay, side),
                            "{} of {name} is {} by one state ({i})",
                            class.name,
                            definition.property.word()
                        );
                    }
                    for part in [Part::Against, Part::Premise, Part::Completing] {
                        assert!(
                            !privileged::shown_by(&replay, part),
                            "{} of {name} is judged privileged or not by one state ({i})",
                            class.name
                        );
                    }
                }
            }
        }
    }
}

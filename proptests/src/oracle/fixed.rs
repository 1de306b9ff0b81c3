//! What stays as a reset leaves it: the largest set of the monitor's components and bits of M, the mode apart, of
//! which nothing that can happen while all have their values changes one.

use model::interp::{self, Outcome, Place};
use model::isa::{Isa, Pair, Part, Role, TrapId};
use model::state::State;

use super::theorem::Kept;
use super::two::{Sharing, Two};
use super::world::{Asked, World, arguments, is_chosen};
use super::{Judge, cases, entry, sizes, virtual_modes};

/// The components that are fixed, with their values.
pub fn fixed(isa: &Isa, pair: &Pair) -> Kept {
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    let mut fixed = Kept::new();
    for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in &register.slices {
            let part = Part { register: id, low: slice.low, width: slice.width };
            if is_chosen(slice) || slice.role == Role::M && isa.mode != Some(part) {
                fixed.push((part, reset.part(part)));
            }
        }
    }
    loop {
        let stays = |one: &(Part, u128)| !moves(isa, pair, *one, &fixed);
        let left: Kept = fixed.iter().copied().filter(stays).collect();
        if left.len() == fixed.len() {
            return fixed;
        }
        fixed = left;
    }
}

/// Whether something changes one component, from a state in which all have their values.
fn moves(isa: &Isa, pair: &Pair, one: (Part, u128), fixed: &[(Part, u128)]) -> bool {
    let has = |state: &State| fixed.iter().all(|(part, value)| state.part(*part) == *value);
    let changed = |state: &State| state.part(one.0) != one.1;
    let by_step = |two: &Two<'_>, world: &World| -> Asked<bool> {
        let Some(half) = two.first(world)? else { return Ok(false) };
        for (part, _) in fixed {
            half.need(Place::Register(part.register, 0))?;
        }
        if !has(&half.state) {
            return Ok(false);
        }
        let run = two.case.run(&half, true)?;
        Ok(match &run.outcome {
            Outcome::Step(after) | Outcome::Trap(_, after) => changed(after),
            Outcome::Unpredictable | Outcome::Unknown => false,
        })
    };
    let modes = virtual_modes(isa, pair).concat();
    modes.iter().any(|&mode| {
        isa.classes.iter().any(|class| {
            let cases = cases(isa, class, pair, &[]);
            let judge = Judge { cases, sizes: sizes(isa), modes: [0; 2], literal: false };
            judge.ask([mode, mode], None, Sharing::Cells, &by_step)
        })
    }) || isa.classes.first().is_some_and(|class| {
        let cases = cases(isa, class, pair, &[]);
        modes.iter().any(|&mode| {
            (0..isa.traps.len()).map(|i| TrapId(i as u32)).any(|trap| {
                cases.first().is_some_and(|case| {
                    let behind = |half: &super::world::Half| -> Asked<bool> {
                        for argument in arguments(isa) {
                            let after = case.sequel(trap, argument, half)?;
                            if after.is_some_and(|(after, _)| changed(&after)) {
                                return Ok(true);
                            }
                        }
                        Ok(false)
                    };
                    entry::some_state(case, &sizes(isa), (mode, fixed), &behind)
                })
            })
        })
    })
}

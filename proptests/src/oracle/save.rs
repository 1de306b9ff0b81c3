//! Whether a dispatcher can save the registers of a guest: everything is enumerated, instruction by instruction,
//! with all values of what is the monitor's, against all guests.

use std::ops::Range;

use model::bits::mask;
use model::interp::{self, Outcome, run_plain};
use model::isa::{Endian, Isa, Kind, Pair, RegisterId, Role, Slice, TrapId};
use model::state::State;

use super::world::{Case, all_slices, arguments, bits, set_bits};
use super::{cases, sizes};

/// A register, which one of a file, and which bits of it.
type Place<'i> = (RegisterId, u32, &'i Slice);

/// The registers of E that no instruction can save behind all traps that lead to the monitor: register, which of
/// a file, and lowest bit. A component of the monitor's takes one register, so where one is used, the order may
/// matter: the second result.
pub fn unsaved(isa: &Isa, pair: &Pair, strays: &[TrapId]) -> (Vec<(RegisterId, u32, u32)>, bool) {
    let traps: Vec<TrapId> =
        (0..isa.traps.len()).map(|i| TrapId(i as u32)).filter(|t| !strays.contains(t)).collect();
    let mut left: Vec<Place<'_>> = all_slices(isa).filter(|(.., s)| s.role == Role::E).collect();
    let mut saved: Vec<Place<'_>> = Vec::new();
    let mut used: Vec<Place<'_>> = Vec::new();
    loop {
        let before = left.len();
        for place in std::mem::take(&mut left) {
            let components = all_slices(isa).filter(|p| {
                p.2.kind == Some(Kind::Resource)
                    && isa.register(p.0).count.is_none()
                    && p.2.width >= place.2.width
                    && !used.iter().any(|it| same(it, p))
            });
            let mut goals: Vec<Option<Place<'_>>> = vec![None];
            goals.extend(components.map(Some));
            let mut found = is_stored(isa, pair, &traps, place);
            for goal in goals {
                if found {
                    break;
                }
                let search = Search { isa, pair, traps: &traps, saved: &saved, place, goal };
                if search.succeeds() {
                    used.extend(goal);
                    found = true;
                    break;
                }
            }
            if found {
                saved.push(place);
            } else {
                left.push(place);
            }
        }
        if left.len() == before || left.is_empty() {
            let names = left.iter().map(|(id, i, s)| (*id, *i, s.low)).collect();
            return (names, !used.is_empty());
        }
    }
}

struct Search<'s> {
    isa: &'s Isa,
    pair: &'s Pair,
    traps: &'s [TrapId],
    saved: &'s [Place<'s>],
    place: Place<'s>,
    /// The component that is to hold it, or the last of the monitor's cells.
    goal: Option<Place<'s>>,
}

/// A real machine with a monitor: q cells, of which the first k are the monitor's.
struct Scene {
    state: State,
    k: u128,
}

fn is_time(slice: &Slice) -> bool {
    slice.kind == Some(Kind::Time)
}

fn same(a: &Place<'_>, b: &Place<'_>) -> bool {
    (a.0, a.1, a.2.low) == (b.0, b.1, b.2.low)
}

fn read(state: &State, (id, i, slice): &Place<'_>) -> u128 {
    bits(state, *id, (*i).into(), slice)
}

fn write(state: &mut State, (id, i, slice): &Place<'_>, value: u128) {
    set_bits(state, *id, (*i).into(), slice, value);
}

/// All states that differ from one in some places and cells.
fn every<'a>(
    state: &'a State,
    places: &'a [Place<'a>],
    cells: Range<u128>,
    width: u32,
) -> impl Iterator<Item = State> + 'a {
    let count = (cells.end - cells.start) as u32;
    let total: u32 = places.iter().map(|p| p.2.width).sum::<u32>() + count * width;
    assert!(total < 24, "too many states to look at");
    (0..1u128 << total).map(move |mut number| {
        let mut state = state.clone();
        let mut next = |width: u32| {
            let value = number & mask(width);
            number >>= width;
            value
        };
        for place in places {
            let value = next(place.2.width);
            write(&mut state, place, value);
        }
        for cell in cells.clone() {
            state.store(cell, next(width));
        }
        state
    })
}

/// The sequence of each trap stores the register: no two states that differ in it alone are one behind it, E apart.
fn is_stored(isa: &Isa, pair: &Pair, traps: &[TrapId], place: Place<'_>) -> bool {
    let all: Vec<Place<'_>> = all_slices(isa).collect();
    sizes(isa).into_iter().all(|q| {
        let empty = State::zero(isa, q);
        every(&empty, &all, 0..q, isa.storage.width).all(|mut first| {
            isa.mode.into_iter().for_each(|part| first.set_part(part, pair.user.1));
            let first = run_plain(&pair.deprivilege, &first);
            let others = (0..1u128 << place.2.width).filter(|v| *v != read(&first, &place));
            let mut cases = others.flat_map(|value| {
                let mut second = first.clone();
                write(&mut second, &place, value);
                traps.iter().flat_map(move |trap| {
                    let second = second.clone();
                    arguments(isa).map(move |argument| (second.clone(), *trap, argument))
                })
            });
            cases.all(|(second, trap, argument)| {
                let take =
                    |state: &State| interp::take_trap(isa, trap, Some(argument), state.clone());
                let (Outcome::Trap(_, x), Outcome::Trap(_, y)) = (take(&first), take(&second))
                else {
                    return true;
                };
                x.storage != y.storage
                    || all_slices(isa)
                        .filter(|p| p.2.role != Role::E)
                        .any(|p| read(&x, &p) != read(&y, &p))
            })
        })
    })
}

impl Search<'_> {
    fn cells(&self) -> u128 {
        self.place.2.width.div_ceil(self.isa.storage.width).into()
    }

    fn succeeds(&self) -> bool {
        self.isa.classes.iter().any(|class| {
            let all = cases(self.isa, class, self.pair, &[]);
            let mut operands: Vec<&Vec<u128>> = all.iter().map(|case| &case.operands).collect();
            operands.dedup();
            let cases = |operands: &Vec<u128>| -> Vec<&Case<'_>> {
                all.iter().filter(|case| case.operands == *operands).collect()
            };
            operands.iter().any(|operands| self.some_monitor(&cases(operands)))
        })
    }

    /// Some values of what is the monitor's do.
    fn some_monitor(&self, cases: &[&Case<'_>]) -> bool {
        let isa = self.isa;
        let saved = |place: &Place<'_>| self.saved.iter().any(|it| same(it, place));
        let own: Vec<Place<'_>> =
            all_slices(isa).filter(|p| p.2.role == Role::R && !is_time(p.2) || saved(p)).collect();
        sizes(isa).into_iter().any(|q| {
            (isa.least_cells() + self.cells()..=q).any(|k| {
                let empty = State::zero(isa, q);
                every(&empty, &own, 0..k, isa.storage.width)
                    .any(|state| self.all_guests(cases, &Scene { state, k }))
            })
        })
    }

    fn all_guests(&self, cases: &[&Case<'_>], scene: &Scene) -> bool {
        let isa = self.isa;
        let guests: Vec<Place<'_>> =
            all_slices(isa).filter(|p| p.2.role != Role::R || is_time(p.2)).collect();
        let mut some = false;
        let all = every(&scene.state, &guests, scene.k..scene.state.cells, isa.storage.width);
        for mut guest in all {
            isa.mode.into_iter().for_each(|part| guest.set_part(part, self.pair.user.1));
            let guest = run_plain(&self.pair.deprivilege, &guest);
            if !isa.assumptions.iter().all(|a| interp::value(&a.that, &guest).is_true()) {
                continue;
            }
            some = true;
            for trap in self.traps {
                for argument in arguments(isa) {
                    let saved =
                        |case: &&Case<'_>| self.is_saved(case, scene, &guest, *trap, argument);
                    if !cases.iter().all(saved) {
                        return false;
                    }
                }
            }
        }
        some
    }

    fn is_saved(
        &self,
        case: &Case<'_>,
        scene: &Scene,
        guest: &State,
        trap: TrapId,
        argument: u128,
    ) -> bool {
        let isa = self.isa;
        let taken = interp::take_trap(isa, trap, Some(argument), guest.clone());
        let Outcome::Trap(_, mut before) = taken else { return false };
        for place in self.saved {
            let value = read(&scene.state, place);
            write(&mut before, place, value);
        }
        if isa.mode.is_some_and(|part| before.part(part) != self.pair.supervisor.1)
            || !isa.assumptions.iter().all(|a| interp::value(&a.that, &before).is_true())
        {
            return false;
        }
        let choice = |id: model::isa::ChoiceId| case.choices[id.index()];
        let Outcome::Step(after) = interp::step(isa, case.class, &case.operands, &before, &choice)
        else {
            return false;
        };
        let sought = read(guest, &self.place);
        let is_goal = |p: &Place<'_>| self.goal.is_some_and(|goal| same(&goal, p));
        let changed = all_slices(isa)
            .filter(|p| p.2.role != Role::P && !same(p, &self.place) && !is_goal(p))
            .any(|p| read(&before, &p) != read(&after, &p));
        let n = if self.goal.is_some() { 0 } else { self.cells() };
        let own = scene.k - n..scene.k;
        let spoils = (0..before.cells)
            .any(|cell| !own.contains(&cell) && before.load(cell) != after.load(cell));
        let mut joined = 0;
        for i in 0..n {
            let cell = if isa.endian == Endian::Little { own.end - 1 - i } else { own.start + i };
            joined = joined << isa.storage.width | after.load(cell);
        }
        let holds = |value: u128| value & mask(self.place.2.width) == sought;
        let found = self.goal.map_or(holds(joined), |goal| {
            let [was, left, now] = [&scene.state, &before, &after].map(|state| read(state, &goal));
            holds(now) && (left == was || left == now)
        });
        found && !changed && !spoils
    }
}

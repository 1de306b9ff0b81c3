//! Trap entry: whether what belongs to the monitor can be such that a trap from user mode leads to it,
//! whatever the guest did.
//!
//! There is a number of cells that the monitor keeps, contents of these, and values of its components
//! of kind resource and trap-vector, such that from every state in user mode the trap sequence ends in
//! supervisor mode, with a window in which an instruction can be fetched, the machine has not halted, and all at one P, window and instruction.
//! Two guests' states are looked at beside each other; what no guest can write they share. The monitor leaves
//! cells for a guest.

use std::collections::{BTreeMap, BTreeSet};

use model::interp::{self, Place, run_plain};
use model::isa::{Body, Kind, Pair, Part, RegisterId, Role, Slice, TrapId};
use model::map::window;
use model::state::State;

use super::world::{
    Asked, Case, Free, Half, Lacks, Owner, World, all_slices, arguments, bits, exists,
    exists_among, is_chosen, is_resource, is_the_mode, set_bits, trap_written, window_registers,
};

/// A real machine: its cells, and how many of them the monitor keeps.
#[derive(Clone, Copy)]
struct Scene<'c> {
    case: &'c Case<'c>,
    cells: u128,
    first: u128,
    /// Bits that the monitor keeps at a value.
    kept: &'c [(Part, u128)],
    /// The first instruction of the handler is looked at.
    fetches: bool,
}

/// Whether the traps can all lead to the monitor at once.
pub(super) fn lead(
    case: &Case<'_>,
    sizes: &[u128],
    traps: &[TrapId],
    kept: &[(Part, u128)],
    fetches: bool,
) -> bool {
    lead_from(case, sizes, (traps, kept), fetches, &World::new())
}

/// The same where some of the monitor's cells are known.
pub(super) fn lead_from(
    case: &Case<'_>,
    sizes: &[u128],
    (traps, kept): (&[TrapId], &[(Part, u128)]),
    fetches: bool,
    known: &World,
) -> bool {
    sizes.iter().any(|&cells| {
        (case.isa.least_cells()..cells).any(|first| {
            let scene = Scene { case, cells, first, kept, fetches };
            scene.leads(traps, known)
        })
    })
}

/// Whether a trap makes one state of two that differ in some of what is the guest's.
pub(super) fn loses(
    case: &Case<'_>,
    sizes: &[u128],
    (traps, kept): (&[TrapId], &[(Part, u128)]),
    chosen: &dyn Fn(&Slice) -> bool,
) -> bool {
    sizes.iter().any(|&cells| {
        let scene = Scene { case, cells, first: cells, kept, fetches: false };
        traps.iter().any(|&trap| {
            arguments(case.isa).any(|argument| {
                let merges = |world: &World| scene.merges(trap, argument, chosen, world);
                exists(&mut World::new(), &merges)
            })
        })
    })
}

/// Whether two arguments are one behind a trap from a state in user mode, and not behind that of some guest,
/// in one of these modes.
pub(super) fn loses_argument(
    case: &Case<'_>,
    sizes: &[u128],
    modes: &[u128],
    (trap, kept): (TrapId, &[(Part, u128)]),
) -> bool {
    // What a monitor keeps is so in the real machine; a guest may have it otherwise.
    let merged = |mode: u128, pair: [u128; 2], wanted: bool| {
        let kept = if wanted { kept } else { &[] };
        sizes.iter().any(|&cells| {
            let scene = Scene { case, cells, first: cells, kept, fetches: false };
            let question =
                |world: &World| Ok(scene.one_argument(trap, pair, mode, world)? == Some(wanted));
            exists(&mut World::new(), &question)
        })
    };
    let all: Vec<u128> = arguments(case.isa).collect();
    let pairs = all.iter().flat_map(|a| all.iter().map(move |b| [*a, *b]));
    pairs.filter(|[a, b]| a < b).any(|pair| {
        merged(case.pair.user.1, pair, true) && modes.iter().any(|mode| merged(*mode, pair, false))
    })
}

/// Whether a trap from user mode can leave bits of the monitor's at another value than the one they had.
pub(super) fn changes(
    case: &Case<'_>,
    sizes: &[u128],
    traps: &[TrapId],
    (part, value): (Part, u128),
) -> bool {
    sizes.iter().any(|&cells| {
        let scene = Scene { case, cells, first: cells, kept: &[], fetches: false };
        let question = |world: &World| {
            let Some(half) = scene.state(Owner::First, world)? else { return Ok(false) };
            half.need(Place::Register(part.register, 0))?;
            if half.state.part(part) != value {
                return Ok(false);
            }
            for &trap in traps {
                for argument in arguments(case.isa) {
                    match scene.case.sequel(trap, argument, &half)? {
                        Some((after, _)) if after.part(part) == value => {}
                        _ => return Ok(true),
                    }
                }
            }
            Ok(false)
        };
        exists(&mut World::new(), &question)
    })
}

/// Whether some state in a mode, with bits at their values, answers a question with yes.
pub(super) fn some_state(
    case: &Case<'_>,
    sizes: &[u128],
    (mode, kept): (u128, &[(Part, u128)]),
    question: &dyn Fn(&Half) -> Asked<bool>,
) -> bool {
    let pair =
        Pair { user: (String::new(), mode), deprivilege: Body::default(), ..case.pair.clone() };
    let (operands, choices) = (case.operands.clone(), case.choices.clone());
    let case = Case { pair: &pair, operands, choices, ..*case };
    sizes.iter().any(|&cells| {
        let scene = Scene { case: &case, cells, first: cells, kept: &[], fetches: false };
        exists(&mut World::new(), &|world| {
            let Some(half) = scene.state(Owner::First, world)? else { return Ok(false) };
            for (part, value) in kept {
                half.need(Place::Register(part.register, 0))?;
                if half.state.part(*part) != *value {
                    return Ok(false);
                }
            }
            question(&half)
        })
    })
}

impl Scene<'_> {
    /// Whether two arguments lead a state in a mode to one state; none where the sequence is unpredictable.
    fn one_argument(
        &self,
        trap: TrapId,
        pair: [u128; 2],
        mode: u128,
        world: &World,
    ) -> Asked<Option<bool>> {
        let isa = self.case.isa;
        let Some(mut half) = self.state(Owner::First, world)? else { return Ok(None) };
        if !self.keeps(&half)? {
            return Ok(None);
        }
        isa.mode.into_iter().for_each(|part| half.state.set_part(part, mode));
        if !half.admitted(isa) {
            return Ok(None);
        }
        let [a, b] = pair.map(|argument| self.case.sequel(trap, argument, &half));
        let (Some(a), Some(b)) = (a?, b?) else { return Ok(None) };
        for place in a.1.symmetric_difference(&b.1) {
            half.need(*place)?;
        }
        Ok(Some(a.0 == b.0))
    }

    /// Two guests' states that differ in what is chosen are one behind the sequence.
    fn merges(
        &self,
        trap: TrapId,
        argument: u128,
        chosen: &dyn Fn(&Slice) -> bool,
        world: &World,
    ) -> Asked<bool> {
        let isa = self.case.isa;
        let Some(first) = self.state(Owner::First, world)? else { return Ok(false) };
        let Some(second) = self.state(Owner::Second, world)? else { return Ok(false) };
        if !self.keeps(&first)? {
            return Ok(false);
        }
        let mut differ = false;
        // Where no trap writes, states stay apart; what is the monitor's they share.
        let written = trap_written(isa);
        // Clocks run on: they need not be one before the trap, and tell nothing behind it.
        let shared = |s: &Slice| is_guests(s) || is_resource(s) || is_time(s);
        let asked = |id: RegisterId, s: &Slice| !shared(s) || chosen(s) && written.contains(&id);
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| asked(*id, s)) {
            let [a, b] = [&first, &second].map(|half| {
                half.need(Place::Register(id, i.into()))?;
                Ok(bits(&half.state, id, i.into(), slice))
            });
            let other = a? != b?;
            if other && !is_guests(slice) {
                return Ok(false);
            }
            differ |= other && chosen(slice);
        }
        if !differ {
            return Ok(false);
        }
        let behind = |half| self.case.sequel(trap, argument, half);
        let (Some(a), Some(b)) = (behind(&first)?, behind(&second)?) else { return Ok(false) };
        for place in a.1.union(&b.1) {
            for (half, written) in [(&first, &a.1), (&second, &b.1)] {
                if !written.contains(place) {
                    half.need(*place)?;
                }
            }
        }
        // What was not chosen, and is not needed, is the same in both.
        let known = |place| !first.lacks.contains_key(&place) && !second.lacks.contains_key(&place);
        let is_one = |place| match place {
            Place::Register(id, i) => {
                let slices = isa.register(id).slices.iter().filter(|s| !is_time(s));
                slices.into_iter().all(|s| bits(&a.0, id, i, s) == bits(&b.0, id, i, s))
            }
            Place::Cell(cell) => a.0.load(cell) == b.0.load(cell),
        };
        let registers = isa.register_ids().flat_map(|(id, register)| {
            (0..register.len()).map(move |i| Place::Register(id, i.into()))
        });
        let written = a.1.union(&b.1).copied();
        Ok(written.chain(registers.filter(|p| known(*p))).all(is_one))
    }

    /// The bits that are kept have their values.
    fn keeps(&self, half: &Half) -> Asked<bool> {
        for (part, value) in self.kept {
            half.need(Place::Register(part.register, 0))?;
            if half.state.part(*part) != *value {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What belongs to the monitor: its choice.
    fn is_choice(&self, free: Free) -> bool {
        match free {
            Free::Bits(_, id, _, low) => {
                self.case.isa.register(id).slices.iter().any(|s| s.low == low && is_chosen(s))
            }
            Free::Cell(_, cell) => cell < self.first,
            Free::Window(_) => false,
        }
    }

    fn leads(&self, traps: &[TrapId], known: &World) -> bool {
        let choice = |world: &World| {
            let mut world = world.clone();
            let guests = |free| !self.is_choice(free);
            let exist = |world: &World| Ok(self.state(Owner::First, world)?.is_some());
            if !exists_among(&mut world, &guests, &exist)? {
                return Ok(false);
            }
            let fails = |world: &World| self.fails(traps, world);
            exists_among(&mut world, &guests, &fails).map(|fails| !fails)
        };
        exists_among(&mut known.clone(), &|free| self.is_choice(free), &choice) == Ok(true)
    }

    /// Some trap of one of two guests does not lead to the monitor, or not to the same place.
    fn fails(&self, traps: &[TrapId], world: &World) -> Asked<bool> {
        let Some(first) = self.state(Owner::First, world)? else { return Ok(false) };
        let Some(second) = self.state(Owner::Second, world)? else { return Ok(false) };
        if !self.keeps(&first)? {
            return Ok(true);
        }
        for &trap in traps {
            for argument in arguments(self.case.isa) {
                let Some(here) = self.place(&first, trap, argument)? else { return Ok(true) };
                let Some(there) = self.place(&second, trap, argument)? else { return Ok(true) };
                if here != there {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// P, the window and the first instruction behind a trap, if it leads to supervisor mode and there is one.
    fn place(&self, half: &Half, trap: TrapId, argument: u128) -> Asked<Option<Entry>> {
        let Case { isa, pair, .. } = *self.case;
        let Some((after, written)) = self.case.sequel(trap, argument, half)? else {
            return Ok(None);
        };
        let known = |id: RegisterId, i: u128| {
            let place = Place::Register(id, i);
            if written.contains(&place) { Ok(()) } else { half.need(place) }
        };
        if let Some(mode) = isa.mode
            && after.part(mode) != pair.supervisor.1
        {
            return Ok(None);
        }
        for id in window_registers(isa) {
            known(id, 0)?;
        }
        let (base, size) = window(isa, &after);
        if size == 0 || base >= self.cells {
            return Ok(None);
        }
        if let Some(halted) = &isa.halted {
            let mut named = BTreeSet::new();
            halted.registers(&mut named);
            named.into_iter().try_for_each(|id| known(id, 0))?;
            if interp::value(halted, &after).is_true() {
                return Ok(None);
            }
        }
        let mut counter = Vec::new();
        for (id, i, slice) in all_slices(isa).filter(|(.., s)| s.role == Role::P) {
            known(id, i.into())?;
            counter.push(bits(&after, id, i.into(), slice));
        }
        let mut words = Vec::new();
        for how in isa.all_fetches.iter().filter(|_| self.fetches) {
            let word = self.case.fetched(how, &after, &written, half)?;
            if word.is_none() && words.is_empty() {
                return Ok(None);
            }
            words.push(word);
        }
        Ok(Some((counter, base, size, words)))
    }

    /// A guest's state on the real machine.
    fn state(&self, owner: Owner, world: &World) -> Asked<Option<Half>> {
        let Case { isa, pair, .. } = *self.case;
        let mut half = Half { state: State::zero(isa, self.cells), lacks: BTreeMap::new() };
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| !is_the_mode(isa, *id, s)) {
            let free = Free::Bits(owner_of(slice, owner), id, i, slice.low);
            if let Some(value) = world.get(&free) {
                set_bits(&mut half.state, id, i.into(), slice, *value);
            } else {
                let place = Place::Register(id, i.into());
                half.lacks.entry(place).or_insert(Lacks(free, slice.width));
            }
        }
        for cell in 0..self.cells {
            let owner = if cell < self.first { Owner::Both } else { owner };
            let free = Free::Cell(owner, cell);
            match world.get(&free) {
                Some(value) => half.state.store(cell, *value),
                None => {
                    half.lacks.insert(Place::Cell(cell), Lacks(free, isa.storage.width));
                }
            }
        }
        half.need_tied(isa, pair)?;
        isa.mode.into_iter().for_each(|part| half.state.set_part(part, pair.user.1));
        half.state = run_plain(&pair.deprivilege, &half.state);
        Ok(half.admitted(isa).then_some(half))
    }
}

/// P, the window, and the instruction by length.
type Entry = (Vec<u128>, u128, u128, Vec<Option<u128>>);

/// What a dispatcher has to find behind a trap.
fn is_guests(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::P)
        || matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
}

fn is_time(slice: &Slice) -> bool {
    slice.kind == Some(Kind::Time)
}

/// What no guest can write is one in both states.
fn owner_of(slice: &Slice, owner: Owner) -> Owner {
    if is_resource(slice) { Owner::Both } else { owner }
}

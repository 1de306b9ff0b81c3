//! One square: a guest's state, its image under f, and what the instruction does to both.

use std::collections::{BTreeMap, BTreeSet};

use model::bits::mask;
use model::interp::{self, Fetched, Outcome, Place};
use model::isa::{Fetch, Kind, Part, Role, Saves, Slice};
use model::map::{Partition, VmMap, window};
use model::state::State;

use super::world::{
    Asked, Case, Free, Half, Lacks, Owner, Run, World, all_slices, bits, is_mode_or_r, is_monitors,
    is_resource, is_the_mode, set_bits,
};

/// One square: the guest's state S and its image f(S).
pub(super) struct Square<'c> {
    pub(super) case: &'c Case<'c>,
    pub(super) map: &'c VmMap,
    /// Where the guest stands: k and w.
    pub(super) partition: Partition,
    /// Number of real cells, q.
    pub(super) cells: u128,
    /// The guest's virtual mode.
    pub(super) mode: u128,
    /// Guests need not keep l + b ≤ w, and the control block holds the virtual b.
    pub(super) extended: bool,
    /// The assumptions need not be true of the image.
    pub(super) any_image: bool,
    /// Bits of the monitor's own that it keeps at a value.
    pub(super) kept: &'c [(Part, u128)],
}

impl Square<'_> {
    /// The monitor's own components: R beyond the mapping. Time is compared in `extended` only.
    fn is_owned(&self, slice: &Slice) -> bool {
        is_resource(slice) || (self.extended && slice.kind == Some(Kind::Time))
    }

    /// S, and f(S) in a machine where everything that is the monitor's is arbitrary.
    fn states(&self, world: &World) -> Asked<Option<[Half; 2]>> {
        let Case { isa, pair, .. } = *self.case;
        let Partition { first, cells } = self.partition;
        let half = |state| Half { state, lacks: BTreeMap::new() };
        let mut guest = half(State::zero(isa, cells));
        let mut real = half(State::zero(isa, self.cells));
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| !is_the_mode(isa, *id, s)) {
            let own = self.is_owned(slice);
            let owners = if own { [Owner::First, Owner::Second] } else { [Owner::Both; 2] };
            for (owner, side) in owners.into_iter().zip([&mut guest, &mut real]) {
                let free = Free::Bits(owner, id, i, slice.low);
                if let Some(value) = world.get(&free) {
                    set_bits(&mut side.state, id, i.into(), slice, *value);
                } else {
                    let place = Place::Register(id, i.into());
                    side.lacks.entry(place).or_insert(Lacks(free, slice.width));
                }
            }
        }
        isa.mode.into_iter().for_each(|part| guest.state.set_part(part, self.mode));
        guest.need_tied(isa, pair)?;
        real.need_tied(isa, pair)?;
        for cell in 0..self.cells {
            // The guest's cells stand at k and the following; the others are the monitor's.
            let address = cell.checked_sub(first).filter(|address| *address < cells);
            let free =
                address.map_or(Free::Cell(Owner::Second, cell), |a| Free::Cell(Owner::Both, a));
            let lacks = Lacks(free, isa.storage.width);
            match (world.get(&free), address) {
                (Some(value), Some(address)) => guest.state.store(address, *value),
                (Some(value), None) => real.state.store(cell, *value),
                (None, address) => {
                    if let Some(address) = address {
                        guest.lacks.insert(Place::Cell(address), lacks);
                    }
                    real.lacks.insert(Place::Cell(cell), lacks);
                }
            }
        }
        // The real mapping is chosen as soon as the guest's window is.
        for part in [isa.relocation, isa.bounds].into_iter().flatten() {
            let place = Place::Register(part.register, 0);
            match guest.window(isa) {
                Err(lacks) => drop(real.lacks.insert(place, lacks)),
                Ok(_) if isa.register(part.register).slices.len() == 1 => {
                    real.lacks.remove(&place);
                }
                Ok(_) => {}
            }
        }
        real.state = self.map.apply(isa, pair, self.partition, &guest.state, &real.state);
        for (part, value) in self.kept {
            real.need(Place::Register(part.register, 0))?;
            if real.state.part(*part) != *value {
                return Ok(None);
            }
        }
        let admitted = guest.admitted(isa) && (self.any_image || real.admitted(isa));
        let inside = !matches!(self.keeps_inside(&guest), Ok(false));
        Ok((admitted && inside).then_some([guest, real]))
    }

    /// The paper's assumption about guests: l + b ≤ w.
    fn keeps_inside(&self, guest: &Half) -> Asked<bool> {
        if self.extended {
            return Ok(true);
        }
        guest.window(self.case.isa)?;
        let (l, b) = window(self.case.isa, &guest.state);
        Ok(l + b <= self.partition.cells)
    }

    /// i(S) is defined, and i(f(S)) neither traps to the monitor nor is f(i(S)), whichever of the things that
    /// i(S) may do it does.
    pub(super) fn breaks(&self, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let b = self.case.run(&real, false)?;
        if self.case.enters(&b.outcome) || matches!(b.outcome, Outcome::Unknown) {
            return Ok(false);
        }
        for case in self.case.alternatives(false) {
            let a = case.run(&guest, false)?;
            let broken = match (&a.outcome, &b.outcome) {
                (Outcome::Unpredictable | Outcome::Unknown, _) => false,
                (Outcome::Step(guest_after), Outcome::Step(real_after)) => {
                    self.need_what_one_side_writes(
                        (&guest, &a.written),
                        (&real, &b.written),
                        false,
                    )?;
                    self.control_block_fails((&guest, &a, guest_after), (&real, &b, real_after))?
                        || self.image(guest_after, &real.state) != *real_after
                }
                // A trap that gets lost or leads astray, or the real machine does what it likes.
                (Outcome::Trap(..) | Outcome::Step(_), _) => true,
            };
            if !broken {
                return Ok(false);
            }
        }
        self.keeps_inside(&guest)
    }

    /// There is such a guest, and its window does not stand in its partition, or is not as it was although nothing
    /// of it is cut off.
    pub(super) fn is_misplaced(&self, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let isa = self.case.isa;
        guest.window(isa)?;
        real.window(isa)?;
        let ((l, b), seen) = (window(isa, &guest.state), window(isa, &real.state));
        let Partition { first, cells } = self.partition;
        let outside = seen.1 > 0 && (seen.0 < first || seen.0 + seen.1 > first + cells);
        let whole = self.is_shown((l, b));
        Ok((outside || whole && seen != (l + first, b)) && self.keeps_inside(&guest)?)
    }

    /// Fetching in S is defined, and fetching in f(S) neither traps to the monitor nor gives the same bits.
    pub(super) fn fetches_else(&self, how: &Fetch, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let own = self.case.fetch(how, &guest)?;
        let same = match (&own, self.case.fetch(how, &real)?) {
            (Fetched::Unpredictable | Fetched::Unknown, _) => true,
            (_, Fetched::Trap(raised)) => !self.case.strays.contains(&raised.trap),
            (Fetched::Word(x), Fetched::Word(y)) => *x == y,
            (Fetched::Word(_) | Fetched::Trap(_), _) => false,
        };
        Ok(!same && self.keeps_inside(&guest)?)
    }

    /// The image traps to the monitor, and the dispatcher does not find S in what the trap left of it;
    /// nor does i(S) take the same trap from a state whose image is what the dispatcher finds.
    pub(super) fn loses(&self, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let isa = self.case.isa;
        let b = self.case.run(&real, false)?;
        if !self.case.enters(&b.outcome) {
            return Ok(false);
        }
        let a = self.case.run(&guest, false)?;
        self.need_what_one_side_writes((&guest, &a.written), (&real, &b.written), true)?;
        let raises = |half: &Half| {
            let choice = |id: model::isa::ChoiceId| self.case.choices[id.index()];
            interp::raises(isa, self.case.class, &self.case.operands, &half.state, &choice)
        };
        let Some(found) = raises(&real) else { return Ok(false) };
        let equal = |x: &State, y: &State, chosen: &dyn Fn(&Slice) -> bool| {
            all_slices(isa)
                .filter(|(.., s)| chosen(s))
                .all(|(id, i, s)| bits(x, id, i.into(), s) == bits(y, id, i.into(), s))
        };
        let control = |s: &Slice| matches!(s.role, Role::M | Role::R);
        let untouched = equal(&real.state, &found.state, &control);
        let shows = |state: &State, counter: bool| {
            let image = self.image(state, &real.state);
            let visible = |s: &Slice| s.role == Role::E || s.role == Role::P && counter;
            equal(&image, &found.state, &visible) && image.storage == found.state.storage
        };
        // Instructions are equally long in the machines looked at, so the P of the next tells this one's.
        let this = isa.trap(found.trap).saves == Saves::This;
        let recovered = untouched && shows(&guest.state, this);
        let reflected = raises(&guest).is_some_and(|own| {
            own.trap == found.trap
                && own.argument.unwrap_or(0) == found.argument.unwrap_or(0)
                && equal(&guest.state, &own.state, &control)
                && untouched
                && shows(&own.state, true)
        });
        Ok(!recovered && !reflected && self.keeps_inside(&guest)?)
    }

    /// The step of an admitted guest runs directly, and an assumption is false after it.
    pub(super) fn leaves(&self, index: usize, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let isa = self.case.isa;
        let mut completes = false;
        for case in self.case.alternatives(false) {
            completes |= matches!(case.run(&real, false)?.outcome, Outcome::Step(_));
        }
        if !completes {
            return Ok(false);
        }
        let Outcome::Step(after) = self.case.run(&guest, false)?.outcome else { return Ok(false) };
        let broken = !interp::value(&isa.assumptions[index].that, &after).is_true();
        Ok(broken && self.keeps_inside(&guest)?)
    }

    /// There is an admitted guest with an image of which this assumption does not hold.
    pub(super) fn has_image(&self, broken: usize, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let that = &self.case.isa.assumptions[broken].that;
        Ok(!interp::value(that, &real.state).is_true() && self.keeps_inside(&guest)?)
    }

    /// There is an admitted guest with a window of its own, all of which the real machine shows.
    pub(super) fn has_room(&self, world: &World) -> Asked<bool> {
        let Some([guest, _]) = self.states(world)? else { return Ok(false) };
        guest.window(self.case.isa)?;
        let (l, b) = window(self.case.isa, &guest.state);
        Ok(b > 0 && self.is_shown((l, b)))
    }

    /// A window that lies in the guest's storage, and where relocation reaches.
    fn is_shown(&self, (l, b): (u128, u128)) -> bool {
        let Partition { first, cells } = self.partition;
        let reach = self.case.isa.relocation.map_or(0, |part| mask(part.width));
        l + b <= cells && l + first <= reach
    }

    /// What neither side writes stays equal, and what both write is compared; else the place must
    /// be chosen. So must components of M and R: they are compared with what they were. With `all` so
    /// must everything: a trap may take it back.
    fn need_what_one_side_writes(
        &self,
        (guest, by_guest): (&Half, &BTreeSet<Place>),
        (real, by_real): (&Half, &BTreeSet<Place>),
        all: bool,
    ) -> Asked<()> {
        let isa = self.case.isa;
        let k = self.partition.first;
        let image = |place: &Place| match *place {
            Place::Cell(cell) => Place::Cell(k + cell),
            register @ Place::Register(..) => register,
        };
        let as_real: BTreeSet<Place> = by_guest.iter().map(image).collect();
        let settled = |place: &Place| match place {
            _ if all => false,
            Place::Register(id, _) => !isa.register(*id).slices.iter().any(is_mode_or_r),
            Place::Cell(_) => true,
        };
        for place in by_guest {
            if !(by_real.contains(&image(place)) && settled(place)) {
                guest.need(*place)?;
                real.need(image(place))?;
            }
        }
        for place in by_real {
            if !(as_real.contains(place) && settled(place)) {
                real.need(*place)?;
                if let Place::Register(..) = place {
                    guest.need(*place)?;
                }
            }
        }
        Ok(())
    }

    /// f(i(S)), where what belongs to the monitor is what it was.
    fn image(&self, guest_after: &State, real_before: &State) -> State {
        let Case { isa, pair, .. } = *self.case;
        self.map.apply(isa, pair, self.partition, guest_after, real_before)
    }

    /// The control block holds the virtual M and the virtual resources, and direct execution keeps
    /// it. It also holds the virtual mapping where the real one does not show it. In `extended` it
    /// holds the virtual b, which changes with the real one.
    fn control_block_fails(&self, guest: Moved<'_>, real: Moved<'_>) -> Asked<bool> {
        let isa = self.case.isa;
        let (half, run, after) = guest;
        if half.changed(isa, run, after, &is_monitors)?
            || real.0.changed(isa, real.1, real.2, &is_monitors)?
        {
            return Ok(true);
        }
        let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else { return Ok(false) };
        let mapping = |state: &State| (state.part(l), state.part(b));
        let touched = [run, real.1].map(|run| {
            [l, b].iter().any(|part| run.written.contains(&Place::Register(part.register, 0)))
        });
        if touched == [false, false] {
            return Ok(false);
        }
        half.window(isa)?;
        let before = mapping(&half.state);
        let fits = before.0 + self.partition.first <= mask(l.width);
        if window(isa, &half.state) != before || !fits {
            return Ok(before != mapping(after));
        }
        let (real_before, real_after) = (real.0.state.part(b), real.2.part(b));
        let expected = if real_before == real_after { before.1 } else { real_after };
        Ok(self.extended && after.part(b) != expected)
    }
}

/// Where a side began, what was done, and the state after.
pub(super) type Moved<'a> = (&'a Half, &'a Run, &'a State);

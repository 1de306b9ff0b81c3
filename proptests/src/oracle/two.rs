//! Two states: what they share, what they differ in, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use model::interp::{self, Outcome, Place, run_plain};
use model::isa::{Kind, Part, RegisterId, Slice, TrapId};
use model::map::window;
use model::state::State;

use super::world::{
    Asked, Case, Free, Half, Lacks, Owner, Run, World, all_slices, arguments, bits, cells,
    is_mode_or_r, is_monitors, is_the_mode, is_visible, registers, set_bits, window_registers,
};

/// Where a state ends.
struct End {
    half: Half,
    written: BTreeSet<Place>,
    /// M and R are what they were.
    keeps: bool,
}

/// Where a state ends, if the instruction completes.
fn end(case: &Case<'_>, half: &Half) -> Asked<Option<End>> {
    let run = case.run(half, false)?;
    let Some(after) = case.after(half, &run, false)? else { return Ok(None) };
    let keeps = !half.changed(case.isa, &run, after, &is_mode_or_r)?;
    // What the instruction wrote is known.
    let mut lacks = half.lacks.clone();
    lacks.retain(|place, _| !run.written.contains(place));
    let state = after.clone();
    Ok(Some(End { half: Half { state, lacks }, written: run.written, keeps }))
}

/// What the instruction does, if it comes to an end that keeps M and R.
fn kept(case: &Case<'_>, half: &Half, literal: bool) -> Asked<Option<(Run, State)>> {
    let run = case.run(half, literal)?;
    let Some(after) = case.after(half, &run, literal)?.cloned() else { return Ok(None) };
    let keeps = !half.changed(case.isa, &run, &after, &is_mode_or_r)?;
    Ok(keeps.then_some((run, after)))
}

/// What two states share of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All of it, cell by cell.
    Cells,
    /// The contents of E|r, each side seen through its own mapping.
    Window,
}

pub(super) type Varied<'a> = &'a dyn Fn(RegisterId, &Slice) -> bool;

/// Two states: what they share and what they differ in.
pub(super) struct Two<'c> {
    pub(super) case: &'c Case<'c>,
    /// Number of cells, q.
    pub(super) cells: u128,
    pub(super) modes: [u128; 2],
    /// The slices in which the states are to differ, beyond the mode.
    pub(super) varied: Option<Varied<'c>>,
    pub(super) sharing: Sharing,
}

impl Two<'_> {
    fn varies(&self, id: RegisterId, slice: &Slice) -> bool {
        self.varied.is_some_and(|varied| varied(id, slice))
    }

    fn free(&self, owner: Owner, id: RegisterId, i: u32, slice: &Slice) -> Free {
        let owner = if self.varies(id, slice) { owner } else { Owner::Both };
        Free::Bits(owner, id, i, slice.low)
    }

    /// The two states; `None` if the world is none of those the definition speaks of.
    fn states(&self, world: &World) -> Asked<Option<[Half; 2]>> {
        let Case { isa, pair, .. } = *self.case;
        let zero = State::zero(isa, self.cells);
        let mut halves = [zero.clone(), zero].map(|state| Half { state, lacks: BTreeMap::new() });
        for (owner, half) in [Owner::First, Owner::Second].into_iter().zip(&mut halves) {
            for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| !is_the_mode(isa, *id, s)) {
                let free = self.free(owner, id, i, slice);
                if let Some(value) = world.get(&free) {
                    set_bits(&mut half.state, id, i.into(), slice, *value);
                } else {
                    let place = Place::Register(id, i.into());
                    half.lacks.entry(place).or_insert(Lacks(free, slice.width));
                }
            }
        }
        halves.iter().try_for_each(|half| half.need_tied(isa, pair))?;
        for (half, mode) in halves.iter_mut().zip(self.modes) {
            isa.mode.into_iter().for_each(|part| half.state.set_part(part, mode));
        }
        if self.modes[0] != self.modes[1] {
            let before = halves[1].state.clone();
            halves[1].state = run_plain(&pair.deprivilege, &before);
            for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| self.varies(*id, s)) {
                let value = bits(&before, id, i.into(), slice);
                set_bits(&mut halves[1].state, id, i.into(), slice, value);
            }
        }
        self.choose_storage(world, &mut halves);
        Ok(halves.iter().all(|half| half.admitted(isa)).then_some(halves))
    }

    fn choose_storage(&self, world: &World, halves: &mut [Half; 2]) {
        let isa = self.case.isa;
        let windows = match self.sharing {
            Sharing::Cells => None,
            Sharing::Window => {
                Some(halves[0].window(isa).and_then(|a| Ok((a, halves[1].window(isa)?))))
            }
        };
        let free = |cell: u128, second: bool| -> Asked<Free> {
            let Some(windows) = windows else { return Ok(Free::Cell(Owner::Both, cell)) };
            let (a, b) = windows?;
            let base = if second { b.0 } else { a.0 };
            let owner = if second { Owner::Second } else { Owner::First };
            let common = a.1.min(b.1);
            Ok(match cell.checked_sub(base) {
                Some(address) if address < common => Free::Window(address),
                _ => Free::Cell(owner, cell),
            })
        };
        for (second, half) in [false, true].into_iter().zip(halves) {
            for cell in 0..self.cells {
                let chosen = free(cell, second).and_then(|free| {
                    world.get(&free).copied().ok_or(Lacks(free, isa.storage.width))
                });
                match chosen {
                    Ok(value) => half.state.store(cell, value),
                    Err(lacks) => drop(half.lacks.insert(Place::Cell(cell), lacks)),
                }
            }
        }
    }

    /// Whether the states really differ in what varies.
    fn differ(&self, world: &World) -> Asked<bool> {
        let isa = self.case.isa;
        let mut answer = Ok(self.varied.is_none());
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| self.varies(*id, s)) {
            let both = [Owner::First, Owner::Second].map(|o| self.free(o, id, i, slice));
            match both.map(|free| world.get(&free).ok_or(Lacks(free, slice.width))) {
                [Ok(a), Ok(b)] if a != b => return Ok(true),
                [Ok(_), Ok(_)] => {}
                [Err(lacks), _] | [_, Err(lacks)] => answer = Err(lacks),
            }
        }
        answer
    }

    /// Whether the cells a trap loads the new PSW from are equal.
    fn same_new_psw(&self, [a, b]: &[Half; 2]) -> Asked<bool> {
        for cell in self.case.isa.trap_cells.new.clone() {
            let place = Place::Cell(cell);
            a.need(place)?;
            b.need(place)?;
            if a.state.load(cell) != b.state.load(cell) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// "Both keep M and R, and end visibly different": e1|r ≠ e2|r⊕x or p1 ≠ p2, where E includes
    /// the registers. Without `literal` neither side may trap.
    pub(super) fn visibly_different(&self, world: &World, literal: bool) -> Asked<bool> {
        if matches!(self.differ(world), Ok(false)) {
            return Ok(false);
        }
        let Some(halves) = self.states(world)? else { return Ok(false) };
        if literal && matches!(self.same_new_psw(&halves), Ok(false)) {
            return Ok(false);
        }
        let Some(second) = kept(self.case, &halves[1], literal)? else { return Ok(false) };
        if kept(self.case, &halves[0], literal)?.is_none() {
            return Ok(false);
        }
        let b = (&halves[1], &second.0.written, &second.1);
        for case in self.case.alternatives(false) {
            if matches!(case.run(&halves[0], literal)?.outcome, Outcome::Unpredictable) {
                return Ok(false);
            }
            let Some(first) = kept(&case, &halves[0], literal)? else { continue };
            let a = (&halves[0], &first.0.written, &first.1);
            if !(self.registers_differ(a, b)? || self.windows_differ(a, b)?) {
                return Ok(false);
            }
        }
        Ok(self.differ(world)? && (!literal || self.same_new_psw(&halves)?))
    }

    /// A register that neither side writes is equal in both states: they share it.
    fn registers_differ(&self, a: Ended<'_>, b: Ended<'_>) -> Asked<bool> {
        let written: BTreeSet<Place> = a.1.union(b.1).copied().collect();
        for (place, id, i) in registers(&written) {
            let seen = |s: &&Slice| is_visible(s) && !self.varies(id, s);
            for slice in self.case.isa.register(id).slices.iter().filter(seen) {
                for (half, mine, _) in [a, b] {
                    if !mine.contains(&place) {
                        half.need(place)?;
                    }
                }
                if bits(a.2, id, i, slice) != bits(b.2, id, i, slice) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// So is a cell of the common prefix of both windows.
    fn windows_differ(&self, a: Ended<'_>, b: Ended<'_>) -> Asked<bool> {
        let isa = self.case.isa;
        if cells(a.1).chain(cells(b.1)).next().is_none() {
            return Ok(false);
        }
        let (wa, wb) = (a.0.window(isa)?, b.0.window(isa)?);
        for address in 0..wa.1.min(wb.1) {
            let (x, y) = (Place::Cell(wa.0 + address), Place::Cell(wb.0 + address));
            match (a.1.contains(&x), b.1.contains(&y)) {
                (false, false) => continue,
                (true, true) => {}
                (true, false) => b.0.need(y)?,
                (false, true) => a.0.need(x)?,
            }
            if a.2.load(wa.0 + address) != b.2.load(wb.0 + address) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What happens to both states, if neither memory-traps and i(S1) has a defined outcome.
    pub(super) fn proper_outcomes(&self, world: &World) -> Asked<Option<[Outcome; 2]>> {
        let Some([a, b]) = self.states(world)? else { return Ok(None) };
        let x = self.case.run(&a, false)?.outcome;
        if self.case.is_memory_trap(&x) || matches!(x, Outcome::Unpredictable | Outcome::Unknown) {
            return Ok(None);
        }
        let y = self.case.run(&b, false)?.outcome;
        let excluded = self.case.is_memory_trap(&y) || matches!(y, Outcome::Unknown);
        Ok((!excluded).then_some([x, y]))
    }

    /// i(S1) is defined, without a memory trap, and M or R is not what it was.
    pub(super) fn control_changes(&self, world: &World, literal: bool) -> Asked<bool> {
        let Some([half, _]) = self.states(world)? else { return Ok(false) };
        let run = self.case.run(&half, literal)?;
        match self.case.after(&half, &run, literal)? {
            Some(after) => half.changed(self.case.isa, &run, after, &is_mode_or_r),
            None => Ok(false),
        }
    }

    /// The states differ in registers of E only, in which the second is as a trap sequence leaves the first, and
    /// are one behind the sequence; both complete, keep M and R, and the second ends as the first does not, with
    /// any values of what is left open where that is few bits.
    pub(super) fn shows_trap(&self, world: &World) -> Asked<bool> {
        if matches!(self.differ(world), Ok(false)) {
            return Ok(false);
        }
        let Some(halves) = self.states(world)? else { return Ok(false) };
        let case = self.case;
        let mut ends = Vec::new();
        for half in &halves {
            match end(case, half)? {
                Some(end) if end.keeps => ends.push(end),
                _ => return Ok(false),
            }
        }
        let mut others = Vec::new();
        for other in case.alternatives(true) {
            others.extend(end(&other, &halves[0])?);
        }
        let second = ends.remove(1);
        let nothing = BTreeSet::new();
        let before = [(&halves[0], &nothing), (&halves[1], &nothing)];
        for trap in (0..case.isa.traps.len()).map(|i| TrapId(i as u32)) {
            'argument: for argument in arguments(case.isa) {
                if self.one_behind(trap, argument, before)? != Some(true)
                    || !self.is_left(trap, argument, &halves)?
                {
                    continue;
                }
                for first in &others {
                    let after = [(&first.half, &first.written), (&second.half, &second.written)];
                    if self.one_behind(trap, argument, after)? == Some(true) {
                        continue 'argument;
                    }
                }
                return self.differ(world);
            }
        }
        Ok(false)
    }

    /// What varies is in the second state as in the first, or as the sequence leaves it.
    fn is_left(&self, trap: TrapId, argument: u128, halves: &[Half; 2]) -> Asked<bool> {
        let isa = self.case.isa;
        let [first, second] = halves;
        let Some((left, written)) = self.case.sequel(trap, argument, first)? else {
            return Ok(false);
        };
        for (id, i, slice) in all_slices(isa).filter(|(id, _, slice)| self.varies(*id, slice)) {
            let place = Place::Register(id, i.into());
            second.need(place)?;
            if !written.contains(&place) {
                first.need(place)?;
            }
            let value = |state: &State| bits(state, id, i.into(), slice);
            if value(&second.state) == value(&left) {
                continue;
            }
            first.need(place)?;
            if value(&second.state) != value(&first.state) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether two states are one behind a trap sequence; none where it is unpredictable. Places that
    /// neither has written since the beginning they share, but for registers that vary.
    fn one_behind(
        &self,
        trap: TrapId,
        argument: u128,
        halves: [(&Half, &BTreeSet<Place>); 2],
    ) -> Asked<Option<bool>> {
        let isa = self.case.isa;
        let mut ends = Vec::new();
        for (half, written) in halves {
            let Some((after, more)) = self.case.sequel(trap, argument, half)? else {
                return Ok(None);
            };
            let all: BTreeSet<Place> = written.union(&more).copied().collect();
            ends.push((half, after, all));
        }
        let mut places: BTreeSet<Place> = ends[0].2.union(&ends[1].2).copied().collect();
        for (id, i, _) in all_slices(isa).filter(|(id, _, slice)| self.varies(*id, slice)) {
            places.insert(Place::Register(id, i.into()));
        }
        for place in places {
            for (half, _, written) in &ends {
                if !written.contains(&place) {
                    half.need(place)?;
                }
            }
            let value = |state: &State| match place {
                Place::Register(id, i) => state.element(id, i),
                Place::Cell(cell) => state.load(cell),
            };
            if value(&ends[0].1) != value(&ends[1].1) {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    /// A step, or the sequence of some trap, makes an assumption false.
    pub(super) fn leaves(&self, index: usize, world: &World) -> Asked<bool> {
        let Some([half, _]) = self.states(world)? else { return Ok(false) };
        let isa = self.case.isa;
        let broken = |after: &State| !interp::value(&isa.assumptions[index].that, after).is_true();
        for trap in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
            for argument in arguments(isa) {
                let after = self.case.sequel(trap, argument, &half)?;
                if after.is_some_and(|(after, _)| broken(&after)) {
                    return Ok(true);
                }
            }
        }
        let run = self.case.run(&half, false)?;
        Ok(matches!(&run.outcome, Outcome::Step(after) if broken(after)))
    }

    /// The first state, if both are admitted.
    pub(super) fn first(&self, world: &World) -> Asked<Option<Half>> {
        Ok(self.states(world)?.map(|[first, _]| first))
    }

    /// The step leads from a state to another that are as wanted, which these registers decide beside the mode, and
    /// changes neither the cells that traps use nor the window that it leads to.
    pub(super) fn launches(
        &self,
        registers: &[(RegisterId, u32)],
        wanted: &dyn Fn(&State, &State) -> bool,
        world: &World,
    ) -> Asked<bool> {
        let isa = self.case.isa;
        let Some(half) = self.first(world)? else { return Ok(false) };
        let run = self.case.run(&half, false)?;
        let Outcome::Step(after) = &run.outcome else { return Ok(false) };
        let of_window = window_registers(isa);
        for (register, index) in
            registers.iter().copied().chain(of_window.iter().map(|it| (*it, 0)))
        {
            half.need(Place::Register(register, index.into()))?;
        }
        if !wanted(&half.state, after) {
            return Ok(false);
        }
        let (base, size) = window(isa, after);
        for cell in cells(&run.written) {
            half.need(Place::Cell(cell))?;
            let guests = base <= cell && cell - base < size;
            let changed = half.state.load(cell) != after.load(cell);
            if changed && (guests || cell < isa.least_cells()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The step leads from a state to another that are as wanted, which these registers decide beside the mode.
    pub(super) fn leads_to(
        &self,
        registers: &[(RegisterId, u32)],
        wanted: &dyn Fn(&State, &State) -> bool,
        world: &World,
    ) -> Asked<bool> {
        let Some([half, _]) = self.states(world)? else { return Ok(false) };
        let run = self.case.run(&half, false)?;
        let Outcome::Step(after) = &run.outcome else { return Ok(false) };
        for (register, index) in registers {
            half.need(Place::Register(*register, (*index).into()))?;
        }
        Ok(wanted(&half.state, after))
    }

    /// The step changes the mapping.
    pub(super) fn moves(&self, world: &World) -> Asked<bool> {
        let Some([half, _]) = self.states(world)? else { return Ok(false) };
        let run = self.case.run(&half, false)?;
        let Outcome::Step(after) = &run.outcome else { return Ok(false) };
        let mapping = |s: &Slice| matches!(s.kind, Some(Kind::Relocation | Kind::Bounds));
        half.changed(self.case.isa, &run, after, &mapping)
    }

    /// Both complete, and the first changes something of the monitor's or a cell outside E|r, or they
    /// end visibly different, from states with these bits.
    pub(super) fn unconfined(&self, kept: &[(Part, u128)], world: &World) -> Asked<bool> {
        let isa = self.case.isa;
        let Some(halves) = self.states(world)? else { return Ok(false) };
        for (part, value) in kept {
            halves[0].need(Place::Register(part.register, 0))?;
            if halves[0].state.part(*part) != *value {
                return Ok(false);
            }
        }
        let mut runs = Vec::new();
        for half in &halves {
            let run = self.case.run(half, false)?;
            let Outcome::Step(after) = &run.outcome else { return Ok(false) };
            let after = after.clone();
            runs.push((run, after));
        }
        let (base, size) = halves[0].window(isa)?;
        let whole = window(isa, &halves[0].state).1;
        if size != whole || base > self.cells {
            return Ok(false);
        }
        let (run, after) = &runs[0];
        if halves[0].changed(isa, run, after, &is_monitors)? {
            return Ok(true);
        }
        for cell in cells(&run.written).filter(|c| *c < base || *c - base >= size) {
            halves[0].need(Place::Cell(cell))?;
            if halves[0].state.load(cell) != after.load(cell) {
                return Ok(true);
            }
        }
        let [a, b] = [0, 1].map(|i| (&halves[i], &runs[i].0.written, &runs[i].1));
        Ok(self.registers_differ(a, b)? || self.windows_differ(a, b)?)
    }
}

/// A side at the end: where it began, what was written, the state after.
pub(super) type Ended<'a> = (&'a Half, &'a BTreeSet<Place>, &'a State);

pub(super) fn traps(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Trap(..))
}

pub(super) fn completes(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Step(_))
}

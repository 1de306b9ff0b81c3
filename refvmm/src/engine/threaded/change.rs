//! Micro-ops that change the state, in an order in which nothing is lost.

#![allow(
    clippy::inconsistent_struct_constructor,
    reason = "operands of micro-ops stand in the order of their meaning"
)]

use super::alu::low_bits;
use super::evaluate::Effect;
use super::mapping::Cell;
use super::ops::{Constants, MicroOp, UNMARKED, code};
use super::select::{Key, Selector, Target, Unsupported, op};
use super::terms::{Kind, Term};

impl Selector<'_, '_> {
    /// Everything an instruction changes, once all is checked.
    pub(super) fn changes(&mut self, list: &[Effect]) -> Result<(), Unsupported> {
        let mut slots = Vec::new();
        let mut stores = Vec::new();
        let mut computed = false;
        for effect in list {
            match *effect {
                Effect::Slot(slot, value) => slots.push((slot, value)),
                Effect::Store(place, value) => stores.push((place, value)),
                Effect::Element { .. } => computed = true,
            }
        }
        if computed {
            return self.in_order(list);
        }
        let key = |selector: &Self, place: Term| {
            let cell = Cell::of(selector.target.terms, place);
            ((cell.address, cell.base), cell.offset)
        };
        self.storing = stores.iter().map(|(place, _)| key(self, *place)).collect();
        let direct = if stores.is_empty() { self.direct_load(&slots) } else { None };
        let values = slots.iter().map(|(_, value)| *value).chain(stores.iter().map(|s| s.1));
        for value in values.collect::<Vec<_>>() {
            if direct.is_none_or(|d| slots[d].1 != value) {
                self.loads_of(value)?;
            }
        }
        if let Some(direct) = direct {
            let (slot, value) = slots.remove(direct);
            if let Kind::Load(place) = self.target.terms.kind(value) {
                self.before_load(place)?;
            }
            self.term_to(value, slot)?;
            self.path.overwritten.insert(slot);
        } else {
            self.stores(&stores)?;
        }
        self.flush(None)?;
        self.registers(slots)
    }

    /// A register that may be loaded at once: nothing else can fail, nothing else reads it.
    pub(super) fn direct_load(&self, slots: &[(u16, Term)]) -> Option<usize> {
        let loads = |t: Term| self.find(t, &|kind| matches!(kind, Kind::Load(_)));
        let mut loading = (0..slots.len()).filter(|i| loads(slots[*i].1));
        let (one, None) = (loading.next()?, loading.next()) else { return None };
        let (slot, value) = slots[one];
        let Kind::Load(place) = self.target.terms.kind(value) else { return None };
        if self.find(place, &|kind| matches!(kind, Kind::Load(_))) {
            return None;
        }
        let read = |(i, (_, t)): (usize, &(u16, Term))| i != one && self.reads(*t, slot);
        (!slots.iter().enumerate().any(read)).then_some(one)
    }

    /// Whether it is known where the cells around a cell start.
    fn is_placed(&self, place: Term) -> bool {
        let cell = Cell::of(self.target.terms, place);
        self.path.places.contains_key(&(cell.address, cell.base))
    }

    /// Whether something is part of a term and not computed yet.
    pub(super) fn find(&self, term: Term, wanted: &dyn Fn(Kind) -> bool) -> bool {
        if self.path.at.contains_key(&term) {
            return false;
        }
        let kind = self.target.terms.kind(term);
        wanted(kind)
            || match kind {
                // Where its group starts is computed already.
                Kind::Load(place) if self.is_placed(place) => false,
                Kind::Load(a) | Kind::Element { index: a, .. } => self.find(a, wanted),
                Kind::Apply(_, a, b, _) => self.find(a, wanted) || self.find(b, wanted),
                Kind::Select(a, b, c) => {
                    self.find(a, wanted) || self.find(b, wanted) || self.find(c, wanted)
                }
                Kind::Const(_) | Kind::Slot(_) | Kind::Cells => false,
            }
    }

    /// Whether a term that is not computed yet may read a slot.
    fn reads(&self, term: Term, slot: u16) -> bool {
        self.find(term, &|kind| match kind {
            Kind::Slot(it) => it == slot,
            Kind::Element { first, len, .. } => (first..first + len).contains(&slot),
            _ => false,
        })
    }

    /// Makes one of four accesses to consecutive cells.
    pub(super) fn fuse(&mut self, code: u8) {
        let from = self.ops.len().saturating_sub(4);
        let [first, .., last] = &self.ops[from..] else { return };
        let alike = |(i, it): (u64, &MicroOp)| {
            it.code == code && it.a == first.a && it.k == first.k.wrapping_add(i)
        };
        if self.ops.len() < 4 || last.code != code || !(0..).zip(&self.ops[from..]).all(alike) {
            return;
        }
        let load = code == code::LOAD_AT;
        let slot = |it: &MicroOp| u64::from(if load { it.d } else { it.b });
        let m = self.ops[from..].iter().rev().fold(0, |all, it| all << 16 | slot(it));
        let (a, k) = (first.a, first.k);
        let here = a == self.target.zero && self.target.is_inside(k, 4);
        let four = match (load, here) {
            (true, true) => code::LOAD_FOUR_HERE,
            (true, false) => code::LOAD_FOUR,
            (false, true) => code::STORE_FOUR_HERE,
            (false, false) => code::STORE_FOUR,
        };
        self.ops.truncate(from);
        self.ops.push(MicroOp { a, k, m, ..op(four) });
    }

    /// Whether a load may wait until after the stores, once its place is known.
    pub(super) fn may_wait(&self, key: &Key, offset: u64) -> bool {
        let apart = |(other, at): &(Key, u64)| other == key && *at != offset;
        !self.is_single(key, offset) && self.storing.iter().all(apart)
    }

    /// Loads what a term needs of storage, or makes sure that it can be loaded.
    pub(super) fn loads_of(&mut self, term: Term) -> Result<(), Unsupported> {
        if self.path.at.contains_key(&term) {
            return Ok(());
        }
        match self.target.terms.kind(term) {
            Kind::Load(place) => {
                self.loads_of(place)?;
                let cell = Cell::of(self.target.terms, place);
                let key = (cell.address, cell.base);
                if self.may_wait(&key, cell.offset) {
                    // The address is computed before registers change.
                    return self.place(&key).map(|_| ());
                }
                self.term(term).map(|_| ())
            }
            Kind::Element { index, .. } => self.loads_of(index),
            Kind::Apply(_, a, b, _) => self.loads_of(a).and_then(|()| self.loads_of(b)),
            Kind::Select(a, b, c) => {
                self.loads_of(a)?;
                self.loads_of(b)?;
                self.loads_of(c)
            }
            Kind::Const(_) | Kind::Slot(_) | Kind::Cells => Ok(()),
        }
    }

    /// The value of a term, if it is the same in all of the translation context.
    fn constant(&self, term: Term) -> Option<u64> {
        let Target { terms, cpu, on_trap, .. } = &self.target;
        let constant = terms.as_const(term);
        constant.or_else(|| {
            let settled = on_trap.is_some() && terms.settled(term);
            settled.then(|| terms.value(term, &cpu.registers, cpu.cells()))
        })
    }

    /// Four stores of what is known to four cells that are known.
    fn four_constants(&self, stores: &[(Term, Term)]) -> Option<(Key, u64, [u32; 4])> {
        let mut all = Vec::new();
        for (place, value) in stores {
            let cell = Cell::of(self.target.terms, *place);
            let value = u32::try_from(self.constant(*value)?).ok()?;
            all.push((cell.offset, value, (cell.address, cell.base)));
        }
        all.sort_unstable_by_key(|(offset, ..)| *offset);
        let (first, _, key) = all.first()?.clone();
        let together = |(offset, it): (u64, &(u64, u32, Key))| it.0 == offset && it.2 == key;
        let known = key.0.is_none() && (first..).zip(&all).all(together);
        let values = all.iter().map(|(_, value, _)| *value).collect::<Vec<_>>();
        let values = <[u32; 4]>::try_from(values).ok().filter(|_| known)?;
        Some((key, first, values))
    }

    /// Stores: first the places and values, then whether they hold code, then the rest.
    pub(super) fn stores(&mut self, stores: &[(Term, Term)]) -> Result<(), Unsupported> {
        if let Some((key, offset, values)) = self.four_constants(stores) {
            let least = self.groups.get(&key).ok_or(Unsupported)?.least;
            let (_, start) = self.place(&key)?;
            let place = start + offset - least;
            if let Ok(at) = u16::try_from(place)
                && self.target.is_inside(place, 4)
                && place % 64 <= 60
            {
                self.flush(None)?;
                let it = Constants { place: at, values };
                self.ops.push(op(code::STORE_CONSTANTS).with_constants(it));
                return Ok(());
            }
        }
        let mut ready = Vec::new();
        for (place, value) in stores {
            self.loads_of(*place)?;
            ready.push((Cell::of(self.target.terms, *place), self.term(*value)?));
        }
        if let [(cell, b)] = ready.as_slice() {
            let key = (cell.address, cell.base.clone());
            let group = self.groups.get(&key).copied().ok_or(Unsupported)?;
            if self.is_single(&key, cell.offset) {
                self.flush(Some(&key))?;
                let it = self.mapped(&key, group)?;
                self.ops.push(MicroOp { b: *b, ..it.with(code::STORE) });
                return Ok(());
            }
        }
        let mut placed: Vec<(Key, u16, u64, u16)> = Vec::new();
        for (cell, b) in ready {
            let key = (cell.address, cell.base);
            let group = self.groups.get(&key).copied().ok_or(Unsupported)?;
            let (a, start) = self.place(&key)?;
            let from = if key.0.is_none() { group.least } else { 0 };
            if let Some((low, high)) = group.stores
                && !placed.iter().any(|(known, ..)| *known == key)
            {
                let (mut k, end) = (start + low - from, start + high + 1 - from);
                while k < end {
                    let count = (end - k).min(UNMARKED);
                    let here = a == self.target.zero && self.target.is_inside(k, count);
                    let (word, bit) = (k / 64, (k % 64) as u32);
                    self.ops.push(if here && u64::from(bit) + count <= 64 {
                        let m = low_bits(count as u32) << bit;
                        MicroOp { k: word, m, ..op(code::UNMARKED_HERE) }
                    } else {
                        MicroOp { a, k, b: count as u16, ..op(code::UNMARKED) }
                    });
                    k += count;
                }
            }
            placed.push((key, a, start + cell.offset - from, b));
        }
        self.flush(None)?;
        for (_, a, k, b) in placed {
            self.ops.push(MicroOp { a, k, b, ..op(code::STORE_AT) });
            self.fuse(code::STORE_AT);
        }
        Ok(())
    }

    /// Registers, each when no other value needs what it held.
    pub(super) fn registers(&mut self, mut slots: Vec<(u16, Term)>) -> Result<(), Unsupported> {
        // Loads that waited come first, in the order of their cells.
        let mut waiting = Vec::new();
        for (slot, value) in &slots {
            self.waiting(*value, Some(*slot), &mut waiting);
        }
        waiting.sort_unstable();
        for (_, term, whole) in waiting {
            if !whole {
                self.term(term)?;
                continue;
            }
            let slot_of = slots.iter().position(|(_, t)| *t == term);
            let Some(i) = slot_of else { continue };
            let slot = slots[i].0;
            if slots.iter().enumerate().all(|(j, (_, t))| j == i || !self.reads(*t, slot)) {
                self.term_to(term, slot)?;
                self.path.overwritten.insert(slot);
                slots.remove(i);
            }
        }
        while !slots.is_empty() {
            let free = (0..slots.len()).find(|i| {
                let slot = slots[*i].0;
                slots.iter().enumerate().all(|(j, (_, t))| j == *i || !self.reads(*t, slot))
            });
            if let Some(i) = free {
                let (slot, value) = slots.remove(i);
                self.term_to(value, slot)?;
                self.path.overwritten.insert(slot);
            } else {
                self.saved(slots[0].1)?;
            }
        }
        Ok(())
    }

    /// The loads in a term that were not done yet: their cells, and whether they are all of it.
    pub(super) fn waiting(&self, term: Term, slot: Option<u16>, all: &mut Vec<(u64, Term, bool)>) {
        if self.path.at.contains_key(&term) {
            return;
        }
        match self.target.terms.kind(term) {
            Kind::Load(place) => {
                let cell = Cell::of(self.target.terms, place);
                all.push((cell.offset, term, slot.is_some()));
            }
            Kind::Element { index: a, .. } => self.waiting(a, None, all),
            Kind::Apply(_, a, b, _) => {
                self.waiting(a, None, all);
                self.waiting(b, None, all);
            }
            Kind::Select(a, b, c) => {
                for term in [a, b, c] {
                    self.waiting(term, None, all);
                }
            }
            Kind::Const(_) | Kind::Slot(_) | Kind::Cells => {}
        }
    }

    /// Changes one after the other, all values saved before.
    pub(super) fn in_order(&mut self, list: &[Effect]) -> Result<(), Unsupported> {
        let mut stores = Vec::new();
        for effect in list {
            match *effect {
                Effect::Slot(_, value) => {
                    self.saved(value)?;
                }
                Effect::Element { index, value, .. } => {
                    self.saved(index)?;
                    self.saved(value)?;
                }
                Effect::Store(place, value) => stores.push((place, value)),
            }
        }
        self.stores(&stores)?;
        self.flush(None)?;
        for effect in list {
            match *effect {
                Effect::Slot(d, value) => {
                    let a = self.saved(value)?;
                    self.ops.push(MicroOp { d, a, ..op(code::MOVE) });
                }
                Effect::Element { first, len, index, value } => {
                    let (a, b) = (self.saved(index)?, self.saved(value)?);
                    let (k, m) = (u64::from(first), u64::from(len));
                    self.ops.push(MicroOp { a, b, k, m, ..op(code::SET_ELEMENT) });
                }
                Effect::Store(..) => {}
            }
        }
        Ok(())
    }
}

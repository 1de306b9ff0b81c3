//! Selection of micro-ops: a tree becomes code in which everything that may be left to the walk
//! comes before everything that changes the state.

#![allow(
    clippy::inconsistent_struct_constructor,
    reason = "operands of micro-ops stand in the order of their meaning"
)]

use std::collections::{HashMap, HashSet};

use super::alu::{Alu, low_bits};
use super::dispatch;
use super::evaluate::{Effect, Effects, Tree};
use super::mapping::{Cell, Mapping, Row};
use super::ops::{BRANCHES, MicroOp, code, number};
use super::terms::{Kind, Term, Terms};

/// Slots for intermediate values of one instruction.
pub(super) const TEMPORARIES: u16 = 96;

/// What is selected for.
pub(super) struct Target<'a> {
    pub(super) terms: &'a mut Terms,
    pub(super) mappings: &'a mut Vec<Mapping>,
    /// The slot that is always 0; the temporaries follow.
    pub(super) zero: u16,
    /// The slot of P.
    pub(super) counter: u16,
    /// Physical cells, under this regime.
    pub(super) cells: u64,
}

/// The cells of one base that an instruction accesses.
#[derive(Debug, Clone, Copy)]
struct Group {
    least: u64,
    most: u64,
    loads: u32,
    /// Offsets that are stored to.
    stores: Option<(u64, u64)>,
    count: u32,
}

type Key = (Option<Term>, Vec<Term>);

/// It cannot be expressed.
struct Unsupported;

struct Selector<'a, 'b> {
    target: &'a mut Target<'b>,
    ops: Vec<MicroOp>,
    groups: HashMap<Key, Group>,
    path: Path,
    next: u16,
    /// The cells that the instruction is about to store to.
    storing: Vec<(Key, u64)>,
}

/// What holds on the way to where code is being added.
#[derive(Clone, Default)]
struct Path {
    /// Where terms are.
    at: HashMap<Term, u16>,
    /// Slots that no longer hold what they held before the instruction.
    overwritten: HashSet<u16>,
    /// Where groups start.
    places: HashMap<Key, u16>,
    /// Conditions that are not checked yet.
    pending: Vec<(Term, Option<Row>)>,
}

/// The micro-ops of an instruction, and whether control goes on behind them at `follows`.
pub(super) fn select(
    target: &mut Target<'_>,
    tree: &Tree,
    follows: Option<u64>,
) -> (Vec<MicroOp>, bool) {
    let mut selector = Selector {
        target,
        ops: Vec::new(),
        groups: HashMap::new(),
        path: Path::default(),
        next: 1,
        storing: Vec::new(),
    };
    let mut seen = HashSet::new();
    selector.collect_tree(tree, &mut seen);
    match selector.tree(tree, follows) {
        Ok(falls) => (selector.ops, falls),
        Err(Unsupported) => (vec![walk()], false),
    }
}

/// Leaves the instruction to the walk.
pub(super) fn walk() -> MicroOp {
    op(code::WALK)
}

/// To a block by its P.
pub(super) fn goto(counter: u64) -> MicroOp {
    MicroOp { k: counter, ..op(code::GOTO) }
}

fn op(code: u8) -> MicroOp {
    MicroOp { handler: dispatch::handler(code), k: 0, m: 0, d: 0, a: 0, b: 0, c: 0, code }
}

impl Selector<'_, '_> {
    fn collect_tree(&mut self, tree: &Tree, seen: &mut HashSet<Term>) {
        match tree {
            Tree::Branch(condition, yes, no) => {
                self.collect(*condition, seen);
                self.collect_tree(yes, seen);
                self.collect_tree(no, seen);
            }
            Tree::Guard(condition, rest) => {
                self.collect(*condition, seen);
                self.collect_tree(rest, seen);
            }
            Tree::Trap(_, argument, rest) => {
                self.collect(*argument, seen);
                self.collect_tree(rest, seen);
            }
            Tree::Done(effects) => {
                self.collect(effects.next, seen);
                for effect in &effects.list {
                    match *effect {
                        Effect::Slot(_, value) => self.collect(value, seen),
                        Effect::Element { index, value, .. } => {
                            self.collect(index, seen);
                            self.collect(value, seen);
                        }
                        Effect::Store(place, value) => {
                            self.collect(place, seen);
                            self.collect(value, seen);
                            self.access(place, true);
                        }
                    }
                }
            }
            Tree::Walk => {}
        }
    }

    fn collect(&mut self, term: Term, seen: &mut HashSet<Term>) {
        if !seen.insert(term) {
            return;
        }
        match self.target.terms.kind(term) {
            Kind::Load(place) => {
                self.collect(place, seen);
                self.access(place, false);
            }
            Kind::Element { index, .. } => self.collect(index, seen),
            Kind::Apply(_, a, b, _) => {
                self.collect(a, seen);
                self.collect(b, seen);
            }
            Kind::Select(a, b, c) => {
                self.collect(a, seen);
                self.collect(b, seen);
                self.collect(c, seen);
            }
            Kind::Const(_) | Kind::Slot(_) | Kind::Cells => {}
        }
    }

    fn access(&mut self, place: Term, store: bool) {
        let cell = Cell::of(self.target.terms, place);
        let at = cell.offset;
        let new = Group { least: at, most: at, loads: 0, stores: None, count: 0 };
        let group = self.groups.entry((cell.address, cell.base)).or_insert(new);
        group.least = group.least.min(at);
        group.most = group.most.max(at);
        group.count += 1;
        if store {
            let (low, high) = group.stores.unwrap_or((at, at));
            group.stores = Some((low.min(at), high.max(at)));
        } else {
            group.loads += 1;
        }
    }

    fn tree(&mut self, tree: &Tree, follows: Option<u64>) -> Result<bool, Unsupported> {
        match tree {
            Tree::Guard(condition, rest) => {
                self.guard(*condition);
                self.tree(rest, follows)
            }
            Tree::Branch(condition, yes, no) => {
                self.flush(None)?;
                if let Some((effects, yes, no)) = self.same_but_for_the_target(yes, no) {
                    return self.branch(*condition, effects, yes, no).map(|()| false);
                }
                let a = self.term(*condition)?;
                let fork = self.ops.len();
                self.ops.push(MicroOp { a, ..op(code::FORK) });
                let path = self.path.clone();
                self.tree(yes, None)?;
                self.path = path;
                self.ops[fork].k = (self.ops.len() - fork) as u64;
                self.tree(no, None)
            }
            Tree::Trap(id, argument, rest) => {
                self.flush(None)?;
                let a = self.term(*argument)?;
                self.ops.push(MicroOp { a, k: u64::from(id.0), ..op(code::TRAP) });
                self.tree(rest, None)
            }
            Tree::Done(effects) => self.done(effects, follows),
            Tree::Walk => {
                self.ops.push(walk());
                Ok(false)
            }
        }
    }

    fn done(&mut self, effects: &Effects, follows: Option<u64>) -> Result<bool, Unsupported> {
        let counter = self.target.counter;
        let next = self.target.terms.as_const(effects.next);
        let turns = effects.regime || effects.taken.is_some();
        let mut list = effects.list.clone();
        if next.is_none() || turns {
            list.push(Effect::Slot(counter, effects.next));
        }
        self.changes(&list)?;
        match next {
            _ if turns => {
                let k = effects.taken.map_or(0, |trap| u64::from(trap.0) + 1);
                self.ops.push(MicroOp { d: counter, a: counter, k, ..op(code::TURN) });
            }
            None => self.ops.push(MicroOp { d: counter, a: counter, ..op(code::LEAP) }),
            Some(next) if Some(next) == follows => return Ok(true),
            Some(next) => self.ops.push(goto(next)),
        }
        Ok(false)
    }

    /// Two ends that change the same and go to different places.
    fn same_but_for_the_target<'t>(
        &self,
        yes: &'t Tree,
        no: &Tree,
    ) -> Option<(&'t Effects, u64, u64)> {
        let (Tree::Done(yes), Tree::Done(no)) = (yes, no) else { return None };
        let next = |e: &Effects| self.target.terms.as_const(e.next);
        let plain = |e: &Effects| !e.regime && e.taken.is_none();
        let same = yes.list == no.list && plain(yes) && plain(no);
        same.then_some((yes, next(yes)?, next(no)?))
    }

    fn branch(
        &mut self,
        condition: Term,
        effects: &Effects,
        yes: u64,
        no: u64,
    ) -> Result<(), Unsupported> {
        let compared = match self.target.terms.kind(condition) {
            Kind::Apply(op, x, y, of) if effects.list.is_empty() => {
                BRANCHES.iter().position(|b| *b == op).map(|kind| (kind as u8, x, y, of))
            }
            _ => None,
        };
        let branch = if let Some((kind, x, y, c)) = compared {
            let a = self.term(x)?;
            match self.target.terms.as_const(y) {
                Some(k) => MicroOp { a, k, c, ..op(code::BRANCH_IMMEDIATE + kind) },
                None => MicroOp { a, b: self.term(y)?, c, ..op(code::BRANCH + kind) },
            }
        } else {
            let a = self.saved(condition)?;
            self.changes(&effects.list)?;
            MicroOp { a, k: 0, c: 1, ..op(code::BRANCH_IMMEDIATE + 1) }
        };
        self.ops.extend([branch, goto(yes), goto(no)]);
        Ok(())
    }

    /// Notes a condition that must hold.
    fn guard(&mut self, condition: Term) {
        match self.target.terms.kind(condition) {
            Kind::Apply(Alu::And, a, b, _) if self.target.terms.width(condition) == 1 => {
                self.guard(a);
                self.guard(b);
            }
            Kind::Apply(Alu::Xor, inner, one, _) if self.target.terms.as_const(one) == Some(1) => {
                if let Kind::Apply(Alu::Or, a, b, _) = self.target.terms.kind(inner) {
                    let (a, b) = (self.target.terms.invert(a), self.target.terms.invert(b));
                    self.guard(a);
                    self.guard(b);
                } else {
                    self.path.pending.push((condition, None));
                }
            }
            _ => {
                let row = Row::solve(self.target.terms, condition);
                self.path.pending.push((condition, row));
            }
        }
    }

    /// Checks what is pending but for the rows that an access to `but` will check.
    fn flush(&mut self, but: Option<&Key>) -> Result<(), Unsupported> {
        let pending = std::mem::take(&mut self.path.pending);
        let (kept, now): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(_, row)| {
            let row = row.as_ref();
            but.is_some_and(|(address, _)| row.is_some_and(|r| r.address == *address))
        });
        self.path.pending = kept;
        for (condition, _) in now {
            // What was checked meanwhile, with an access in a condition, need not be checked again.
            match self.target.terms.as_const(condition) {
                Some(0) => self.ops.push(walk()),
                Some(_) => {}
                None => {
                    let a = self.term(condition)?;
                    self.ops.push(MicroOp { a, ..op(code::TEST) });
                }
            }
        }
        Ok(())
    }

    fn temporary(&mut self) -> Result<u16, Unsupported> {
        if self.next > TEMPORARIES {
            return Err(Unsupported);
        }
        self.next += 1;
        Ok(self.target.zero + self.next - 1)
    }

    /// The slot that holds a term.
    fn term(&mut self, term: Term) -> Result<u16, Unsupported> {
        if let Some(slot) = self.path.at.get(&term) {
            return Ok(*slot);
        }
        match self.target.terms.kind(term) {
            Kind::Slot(slot) if self.path.overwritten.contains(&slot) => Err(Unsupported),
            Kind::Slot(slot) => Ok(slot),
            Kind::Const(0) => Ok(self.target.zero),
            _ => {
                let d = self.temporary()?;
                self.term_to(term, d)?;
                Ok(d)
            }
        }
    }

    /// A temporary that holds a term.
    fn saved(&mut self, term: Term) -> Result<u16, Unsupported> {
        let slot = self.term(term)?;
        if slot >= self.target.zero {
            return Ok(slot);
        }
        let d = self.temporary()?;
        self.ops.push(MicroOp { d, a: slot, ..op(code::MOVE) });
        self.path.at.insert(term, d);
        Ok(d)
    }

    /// Puts a term into a slot.
    fn term_to(&mut self, term: Term, d: u16) -> Result<(), Unsupported> {
        if let Some(a) = self.path.at.get(&term) {
            let a = *a;
            self.ops.push(MicroOp { d, a, ..op(code::MOVE) });
            return Ok(());
        }
        let m = low_bits(self.target.terms.width(term));
        match self.target.terms.kind(term) {
            Kind::Const(k) => self.ops.push(MicroOp { d, k, ..op(code::CONST) }),
            Kind::Cells => {
                self.ops.push(MicroOp { d, k: self.target.cells & m, ..op(code::CONST) });
            }
            Kind::Slot(_) => {
                let a = self.term(term)?;
                self.ops.push(MicroOp { d, a, ..op(code::MOVE) });
                return Ok(());
            }
            Kind::Element { first, len, index } => {
                let a = self.term(index)?;
                let (k, m) = (u64::from(first), u64::from(len));
                self.ops.push(MicroOp { d, a, k, m, ..op(code::ELEMENT) });
            }
            Kind::Load(place) => self.load(place, d)?,
            Kind::Apply(kind, x, y, c) => {
                let a = self.term(x)?;
                let it = match self.target.terms.as_const(y) {
                    Some(k) => MicroOp { k, ..op(code::IMMEDIATE + number(kind)) },
                    None => MicroOp { b: self.term(y)?, ..op(code::REGISTERS + number(kind)) },
                };
                self.ops.push(MicroOp { d, a, c, m, ..it });
            }
            Kind::Select(condition, x, y) => {
                let a = self.term(condition)?;
                let (b, k) = (self.term(x)?, u64::from(self.term(y)?));
                self.ops.push(MicroOp { d, a, b, k, ..op(code::SELECT) });
            }
        }
        self.path.at.insert(term, d);
        Ok(())
    }

    fn load(&mut self, place: Term, d: u16) -> Result<(), Unsupported> {
        let cell = Cell::of(self.target.terms, place);
        let key = (cell.address, cell.base);
        let group = self.groups.get(&key).copied().ok_or(Unsupported)?;
        if self.is_single(&key, cell.offset) {
            let it = self.mapped(&key, group)?;
            self.ops.push(MicroOp { d, ..it.with(code::LOAD) });
            return Ok(());
        }
        let a = self.place(&key)?;
        let k = if key.0.is_none() { cell.offset - group.least } else { cell.offset };
        self.ops.push(MicroOp { d, a, k, ..op(code::LOAD_AT) });
        self.fuse(code::LOAD_AT);
        Ok(())
    }

    /// Checks everything but what a load checks itself.
    fn before_load(&mut self, place: Term) -> Result<(), Unsupported> {
        self.loads_of(place)?;
        let cell = Cell::of(self.target.terms, place);
        let key = (cell.address, cell.base);
        if self.is_single(&key, cell.offset) {
            return self.flush(Some(&key));
        }
        self.place(&key)?;
        self.flush(None)
    }

    /// Whether an access is the only one of its group, and so needs no place.
    fn is_single(&self, key: &Key, offset: u64) -> bool {
        let single = |g: &Group| g.least == g.most && (g.stores.is_none() || g.count == 1);
        let fresh = !self.path.places.contains_key(key);
        fresh && self.groups.get(key).is_some_and(single) && (key.0.is_none() || offset == 0)
    }

    /// The slot that holds the place where a group starts.
    fn place(&mut self, key: &Key) -> Result<u16, Unsupported> {
        if let Some(slot) = self.path.places.get(key) {
            return Ok(*slot);
        }
        let group = self.groups.get(key).copied().ok_or(Unsupported)?;
        let it = self.mapped(key, group)?;
        let d = self.temporary()?;
        self.ops.push(MicroOp { d, ..it.with(code::PLACE) });
        self.path.places.insert(key.clone(), d);
        Ok(d)
    }

    /// The operands of an access through a mapping; the conditions about its address that are
    /// pending are part of the mapping.
    fn mapped(&mut self, key: &Key, group: Group) -> Result<MicroOp, Unsupported> {
        let (address, base) = key;
        let (a, k, m) = match *address {
            None => (self.target.zero, group.least, u64::MAX),
            Some(t) => match self.target.terms.kind(t) {
                Kind::Apply(Alu::Add, x, y, _)
                    if !self.path.at.contains_key(&t)
                        && self.target.terms.as_const(y).is_some() =>
                {
                    let k = self.target.terms.as_const(y).unwrap_or(0);
                    (self.term(x)?, k, low_bits(self.target.terms.width(t)))
                }
                _ => (self.term(t)?, 0, u64::MAX),
            },
        };
        let (reach, at) = match address {
            None => (group.most - group.least, group.least),
            Some(_) => (group.most, 0),
        };
        let pending = std::mem::take(&mut self.path.pending);
        let checks = |row: &Option<Row>| row.as_ref().is_some_and(|r| r.address == *address);
        let (mine, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(_, r)| checks(r));
        self.path.pending = others;
        let rows: Vec<&Row> = mine.iter().filter_map(|(_, row)| row.as_ref()).collect();
        let mapping = Mapping::new(&rows, base, reach, at);
        let known = self.target.mappings.iter().position(|m| *m == mapping);
        let c = known.unwrap_or_else(|| {
            self.target.mappings.push(mapping);
            self.target.mappings.len() - 1
        });
        let c = u8::try_from(c).map_err(|_| {
            self.target.mappings.truncate(256);
            Unsupported
        })?;
        Ok(MicroOp { a, k, m, c, ..op(code::LOAD) })
    }

    /// Everything an instruction changes, once all is checked.
    fn changes(&mut self, list: &[Effect]) -> Result<(), Unsupported> {
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
    fn direct_load(&self, slots: &[(u16, Term)]) -> Option<usize> {
        let loads = |t: Term| self.find(t, &|kind| matches!(kind, Kind::Load(_)));
        let mut loading = (0..slots.len()).filter(|i| loads(slots[*i].1));
        let (one, None) = (loading.next()?, loading.next()) else { return None };
        let (slot, value) = slots[one];
        let Kind::Load(place) = self.target.terms.kind(value) else { return None };
        if self.find(place, &|kind| matches!(kind, Kind::Load(_))) {
            return None;
        }
        let read = |(i, (_, t)): (usize, &(u16, Term))| {
            i != one && self.find(*t, &|kind| kind == Kind::Slot(slot))
        };
        (!slots.iter().enumerate().any(read)).then_some(one)
    }

    /// Whether something is part of a term and not computed yet.
    fn find(&self, term: Term, wanted: &dyn Fn(Kind) -> bool) -> bool {
        if self.path.at.contains_key(&term) {
            return false;
        }
        let kind = self.target.terms.kind(term);
        wanted(kind)
            || match kind {
                Kind::Load(a) | Kind::Element { index: a, .. } => self.find(a, wanted),
                Kind::Apply(_, a, b, _) => self.find(a, wanted) || self.find(b, wanted),
                Kind::Select(a, b, c) => {
                    self.find(a, wanted) || self.find(b, wanted) || self.find(c, wanted)
                }
                Kind::Const(_) | Kind::Slot(_) | Kind::Cells => false,
            }
    }

    /// Makes one of four accesses to consecutive cells.
    fn fuse(&mut self, code: u8) {
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
        let four = if load { code::LOAD_FOUR } else { code::STORE_FOUR };
        let (a, k) = (first.a, first.k);
        self.ops.truncate(from);
        self.ops.push(MicroOp { a, k, m, ..op(four) });
    }

    /// Whether a load may wait until after the stores, once its place is known.
    fn may_wait(&self, key: &Key, offset: u64) -> bool {
        let apart = |(other, at): &(Key, u64)| other == key && *at != offset;
        !self.is_single(key, offset) && self.storing.iter().all(apart)
    }

    /// Loads what a term needs of storage, or makes sure that it can be loaded.
    fn loads_of(&mut self, term: Term) -> Result<(), Unsupported> {
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

    /// Stores: first the places and values, then whether they hold code, then the rest.
    fn stores(&mut self, stores: &[(Term, Term)]) -> Result<(), Unsupported> {
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
        let mut placed = Vec::new();
        for (cell, b) in ready {
            let key = (cell.address, cell.base);
            let group = self.groups.get(&key).copied().ok_or(Unsupported)?;
            let a = self.place(&key)?;
            let from = if key.0.is_none() { group.least } else { 0 };
            if let Some((low, high)) = group.stores
                && !placed.iter().any(|(known, _, _)| *known == a)
            {
                let count = u16::try_from(high - low + 1).map_err(|_| Unsupported)?;
                self.ops.push(MicroOp { a, k: low - from, b: count, ..op(code::UNMARKED) });
            }
            placed.push((a, cell.offset - from, b));
        }
        self.flush(None)?;
        for (a, k, b) in placed {
            self.ops.push(MicroOp { a, k, b, ..op(code::STORE_AT) });
            self.fuse(code::STORE_AT);
        }
        Ok(())
    }

    /// Registers, each when no other value needs what it held.
    fn registers(&mut self, mut slots: Vec<(u16, Term)>) -> Result<(), Unsupported> {
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
            let reads = |t: Term| self.find(t, &|kind| kind == Kind::Slot(slot));
            if slots.iter().enumerate().all(|(j, (_, t))| j == i || !reads(*t)) {
                self.term_to(term, slot)?;
                self.path.overwritten.insert(slot);
                slots.remove(i);
            }
        }
        while !slots.is_empty() {
            let free = (0..slots.len()).find(|i| {
                let slot = slots[*i].0;
                let reads = |t: Term| self.find(t, &|kind| kind == Kind::Slot(slot));
                slots.iter().enumerate().all(|(j, (_, t))| j == *i || !reads(*t))
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
    fn waiting(&self, term: Term, slot: Option<u16>, all: &mut Vec<(u64, Term, bool)>) {
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
    fn in_order(&mut self, list: &[Effect]) -> Result<(), Unsupported> {
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

impl MicroOp {
    fn with(self, code: u8) -> Self {
        Self { handler: dispatch::handler(code), code, ..self }
    }
}

//! Selection of micro-ops: a tree becomes code in which everything that may be left to the walk
//! comes before everything that changes the state.

#![allow(
    clippy::inconsistent_struct_constructor,
    reason = "operands of micro-ops stand in the order of their meaning"
)]

use std::collections::{HashMap, HashSet};

use super::alu::Alu;
use super::dispatch;
use super::evaluate::{Effect, Effects, Tree};
use super::mapping::{Cell, Row};
use super::ops::{BRANCHES, MicroOp, code, number, pack};
use super::terms::{Kind, Term, Terms};
use super::turn::Recall;
use crate::cpu::Cpu;
use crate::engine::OnTrap;

/// Slots for intermediate values of one instruction.
pub(super) const TEMPORARIES: u16 = 96;

/// What is selected for.
pub(super) struct Target<'a> {
    pub(super) terms: &'a mut Terms,
    /// The slot that is always 0, and number of slots behind it that hold operands; the temporaries
    /// follow.
    pub(super) zero: u16,
    pub(super) operands: u16,
    /// The slot of P.
    pub(super) counter: u16,
    /// The machine, under the translation context.
    pub(super) cpu: &'a Cpu,
    /// What is done about traps; `None` if that is known only when they occur.
    pub(super) on_trap: Option<OnTrap>,
}

impl Target<'_> {
    /// Whether so many cells from a place on are part of the installation.
    pub(super) fn is_inside(&self, place: u64, count: u64) -> bool {
        place.checked_add(count).is_some_and(|end| end <= self.cpu.storage.len() as u64)
    }
}

/// The cells of one base that an instruction accesses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) loads: u32,
    /// Offsets that are stored to.
    pub(super) stores: Option<(u64, u64)>,
    pub(super) count: u32,
}

pub(super) type Key = (Option<Term>, Vec<Term>);

/// It cannot be expressed.
pub(super) struct Unsupported;

pub(super) struct Selector<'a, 'b> {
    pub(super) target: &'a mut Target<'b>,
    pub(super) ops: Vec<MicroOp>,
    pub(super) groups: HashMap<Key, Group>,
    pub(super) path: Path,
    pub(super) next: u16,
    /// The cells that the instruction is about to store to.
    pub(super) storing: Vec<(Key, u64)>,
}

/// What holds on the way to where code is being added.
#[derive(Clone, Default)]
pub(super) struct Path {
    /// Where terms are.
    pub(super) at: HashMap<Term, u16>,
    /// Slots that no longer hold what they held before the instruction.
    pub(super) overwritten: HashSet<u16>,
    /// Where groups start: a slot, and what is added to it.
    pub(super) places: HashMap<Key, (u16, u64)>,
    /// Conditions that are not checked yet.
    pub(super) pending: Vec<(Term, Option<Row>)>,
}

/// The micro-ops of an instruction, and whether control goes on behind them at `follows`.
pub(super) fn select(
    target: &mut Target<'_>,
    tree: &Tree,
    follows: Option<u64>,
) -> (Vec<MicroOp>, bool) {
    let next = target.operands + 1;
    let mut selector = Selector {
        target,
        ops: Vec::new(),
        groups: HashMap::new(),
        path: Path::default(),
        next,
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

/// Makes one of a branch and what the instruction before it computes; whether that was done.
/// `zero` is the slot that is always 0.
pub(super) fn join(before: &MicroOp, code: &mut [MicroOp], zero: u16) -> bool {
    let [branch, yes, no] = code else { return false };
    let immediate = branch.code >= code::BRANCH_IMMEDIATE;
    if branch.code < code::BRANCH || branch.a != before.d || immediate && branch.k != 0 {
        return false;
    }
    let kind = (branch.code - code::BRANCH) % 6;
    let comparison = |alu: &Alu| before.code == code::REGISTERS + number(*alu);
    let b = if immediate { zero } else { branch.b };
    if before.code == code::IMMEDIATE + number(Alu::Add) {
        *branch = MicroOp { b, c: branch.c, ..before.with(code::ADD_BRANCH + kind) };
        return true;
    }
    if before.code == code::REGISTERS + number(Alu::Add) {
        let (k, c) = (u64::from(b), branch.c);
        *branch = MicroOp { k, c, ..before.with(code::SUM_BRANCH + kind) };
        return true;
    }
    // A truth value is compared, most often with 0.
    let Some(compared) = BRANCHES.iter().position(comparison) else { return false };
    match BRANCHES[usize::from(kind)] {
        Alu::Ne => {}
        Alu::Eq => std::mem::swap(yes, no),
        _ => return false,
    }
    *branch = MicroOp { k: u64::from(b), ..before.with(code::SET_BRANCH + compared as u8) };
    true
}

pub(super) fn op(code: u8) -> MicroOp {
    MicroOp { handler: dispatch::handler(code, false), k: 0, m: 0, d: 0, a: 0, b: 0, c: 0, code }
}

impl Selector<'_, '_> {
    pub(super) fn collect_tree(&mut self, tree: &Tree, seen: &mut HashSet<Term>) {
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

    pub(super) fn collect(&mut self, term: Term, seen: &mut HashSet<Term>) {
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

    pub(super) fn access(&mut self, place: Term, store: bool) {
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

    pub(super) fn tree(&mut self, tree: &Tree, follows: Option<u64>) -> Result<bool, Unsupported> {
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
                let (path, next) = (self.path.clone(), self.next);
                self.tree(yes, None)?;
                (self.path, self.next) = (path, next);
                self.ops[fork].k = (self.ops.len() - fork) as u64;
                self.tree(no, None)
            }
            Tree::Trap(id, argument, rest) => {
                self.flush(None)?;
                if self.target.on_trap != Some(OnTrap::Deliver) {
                    let a = self.term(*argument)?;
                    self.ops.push(MicroOp { a, k: u64::from(id.0), ..op(code::TRAP) });
                }
                if self.target.on_trap == Some(OnTrap::HandOver) {
                    self.ops.push(walk());
                    return Ok(false);
                }
                self.tree(rest, None)
            }
            Tree::Done(effects) => self.done(effects, follows),
            Tree::Walk => {
                self.ops.push(walk());
                Ok(false)
            }
        }
    }

    pub(super) fn done(
        &mut self,
        effects: &Effects,
        follows: Option<u64>,
    ) -> Result<bool, Unsupported> {
        let counter = self.target.counter;
        let next = self.target.terms.as_const(effects.next);
        let turns = effects.context || effects.taken.is_some();
        let mut list = effects.list.clone();
        if next.is_none() || turns {
            list.push(Effect::Slot(counter, effects.next));
        }
        self.changes(&list)?;
        match next {
            _ if turns => {
                let k = effects.taken.map_or(0, |trap| u64::from(trap.0) + 1);
                let turn = match self.turning(&effects.list) {
                    Some(m) => MicroOp { k, m, ..op(code::TURN) },
                    None => MicroOp { k, b: 1, ..op(code::TURN) },
                };
                self.ops.push(turn);
                self.recall();
            }
            None => self.ops.extend([op(code::LEAP), goto(0)]),
            Some(next) if Some(next) == follows => return Ok(true),
            Some(next) => self.ops.push(goto(next)),
        }
        Ok(false)
    }

    /// Where a turn depends on four cells only, puts what remembers it before they are loaded.
    fn recall(&mut self) {
        let loads = |op: &MicroOp| matches!(op.code, code::LOAD_FOUR | code::LOAD_FOUR_HERE);
        if let (Some(_), Some(at)) = (self.target.on_trap, self.ops.iter().rposition(loads)) {
            let Target { counter, zero, .. } = *self.target;
            let tail = &self.ops[at..];
            if Recall::of(tail, counter, zero).is_some() {
                let MicroOp { a, k, .. } = tail[0];
                self.ops.insert(at, MicroOp { a, k, ..op(code::RECALL) });
            }
        }
    }

    /// The registers of the translation context that may have changed, packed, if they are few.
    fn turning(&self, list: &[Effect]) -> Option<u64> {
        let file = |effect: &Effect| match *effect {
            Effect::Slot(slot, _) => slot..slot + 1,
            Effect::Element { first, len, .. } => first..first + len,
            Effect::Store(..) => 0..0,
        };
        let in_context = |slot: &u16| self.target.terms.context[usize::from(*slot)].0 != 0;
        let mut slots: Vec<u16> = list.iter().flat_map(file).filter(in_context).collect();
        slots.sort_unstable();
        slots.dedup();
        let few = slots.len() < 4;
        slots.resize(4, self.target.zero);
        few.then(|| pack([slots[0], slots[1], slots[2], slots[3]]))
    }

    /// Two ends that change the same and go to different places.
    pub(super) fn same_but_for_the_target<'t>(
        &self,
        yes: &'t Tree,
        no: &Tree,
    ) -> Option<(&'t Effects, u64, u64)> {
        let (Tree::Done(yes), Tree::Done(no)) = (yes, no) else { return None };
        let next = |e: &Effects| self.target.terms.as_const(e.next);
        let plain = |e: &Effects| !e.context && e.taken.is_none();
        let same = yes.list == no.list && plain(yes) && plain(no);
        same.then_some((yes, next(yes)?, next(no)?))
    }

    pub(super) fn branch(
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
    pub(super) fn guard(&mut self, condition: Term) {
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
    pub(super) fn flush(&mut self, but: Option<&Key>) -> Result<(), Unsupported> {
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
}

impl MicroOp {
    pub(super) fn with(self, code: u8) -> Self {
        Self { handler: dispatch::handler(code, false), code, ..self }
    }
}

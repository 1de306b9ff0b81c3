//! Partial evaluation: one instruction, with P, its operands and the mode known, becomes a tree of
//! what remains to be decided and done.

use std::collections::BTreeMap;

use model::isa::{Body, Class, Expr, ExprKind, LocalId, OperandId, Saves, Stmt, TrapId};

use super::alu::Alu;
use super::operators;
use super::pieces::Value;
use super::terms::{Kind, Term, Terms};
use crate::layout::{Bits, MachineLayout};

/// Most ends that the paths through one instruction may have.
const MOST_PATHS: u32 = 12;

/// Most tests that stores and loads of one instruction do not meet.
const MOST_ALIASES: usize = 32;

/// What an instruction comes to.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// One of two, by a condition.
    Branch(Term, Box<Tree>, Box<Tree>),
    /// Goes on if the condition holds; else the instruction is walked.
    Guard(Term, Box<Tree>),
    /// A trap with its argument, then its sequence.
    Trap(TrapId, Term, Box<Tree>),
    /// It completes.
    Done(Effects),
    /// It is walked.
    Walk,
}

/// What a completed instruction changes.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    /// In order; the terms speak of the state before.
    pub(super) list: Vec<Effect>,
    /// P afterwards.
    pub(super) next: Term,
    /// Whether bits of the translation context may have changed.
    pub(super) context: bool,
    /// The trap whose sequence it completes.
    pub(super) taken: Option<TrapId>,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Slot(u16, Term),
    Element { first: u16, len: u16, index: Term, value: Term },
    Store(Term, Term),
}

/// What is known when an instruction is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) layout: &'a MachineLayout,
    /// The slot of P.
    pub(super) counter: u16,
    /// The mode: its bits and their value.
    pub(super) mode: Option<(Bits, u64)>,
    /// The bits of the translation context, by slot.
    pub(super) context: &'a [Bits],
    /// Whether traps that the translation context does not decide are rare, and left to the walk.
    pub(super) traps_are_rare: bool,
    /// The slot that becomes 1 where the console is written.
    pub(super) told: Option<u16>,
}

/// Something that is not expressed; the instruction is walked.
#[derive(Debug)]
pub(super) struct Unsupported;

/// Statements that are left to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) statements: &'a [Stmt],
    pub(super) is_block: bool,
}

/// A way through an instruction.
#[derive(Debug, Clone)]
pub(super) struct Path<'a> {
    pub(super) frames: Vec<Frame<'a>>,
    locals: Vec<Value>,
    /// Registers that were set.
    registers: BTreeMap<u16, Value>,
    effects: Vec<Effect>,
    /// Loads that must not meet stores.
    apart: Vec<Term>,
    /// Conditions that were decided on the way here.
    facts: Vec<(Term, bool)>,
    committed: bool,
    sequence: Option<TrapId>,
}

impl Path<'_> {
    /// Nothing was written to a register by a computed number.
    fn intact(&self, slot: u16) -> Result<(), Unsupported> {
        let meets = |e: &Effect| match e {
            Effect::Element { first, len, .. } => (*first..first + len).contains(&slot),
            Effect::Slot(..) | Effect::Store(..) => false,
        };
        if self.effects.iter().any(meets) { Err(Unsupported) } else { Ok(()) }
    }
}

/// Evaluates one instruction.
pub(super) struct Evaluator<'a> {
    pub(super) known: Known<'a>,
    pub(super) terms: &'a mut Terms,
    operands: &'a [Value],
    /// P at the instruction and behind it.
    counters: [Value; 2],
    /// What is put into slots where a path ends, but for those of traps.
    pub(super) result: Option<(&'a Expr, u16)>,
    paths: u32,
}

impl<'a> Evaluator<'a> {
    /// For an instruction at a place.
    pub(super) fn new(
        known: Known<'a>,
        terms: &'a mut Terms,
        operands: &'a [Value],
        at: &Value,
    ) -> Self {
        let counters = [at.clone(), at.clone()];
        Self { known, terms, operands, counters, result: None, paths: 0 }
    }
}

/// Evaluates an instruction at a place: its tree, and P behind it where that is known.
pub(super) fn instruction(
    known: Known<'_>,
    terms: &mut Terms,
    class: &Class,
    operands: &[Value],
    at: &Value,
) -> (Tree, Option<u64>) {
    let mut it = Evaluator::new(known, terms, operands, at);
    let advance = it.body(&class.advance, at);
    let Tree::Done(Effects { list, next, .. }) = advance else { return (Tree::Walk, None) };
    if !list.is_empty() {
        return (Tree::Walk, None);
    }
    let behind = Value::of(it.terms, next, at.width);
    it.counters[1] = behind.clone();
    (it.body(&class.body, &behind), it.terms.as_const(next))
}

impl<'a> Evaluator<'a> {
    pub(super) fn start(&mut self, statements: &'a [Stmt], locals: usize, at: &Value) -> Path<'a> {
        let zero = Value::constant(self.terms, 0, 1);
        Path {
            frames: vec![Frame { statements, is_block: false }],
            locals: vec![zero; locals],
            registers: BTreeMap::from([(self.known.counter, at.clone())]),
            effects: Vec::new(),
            apart: Vec::new(),
            facts: Vec::new(),
            committed: false,
            sequence: None,
        }
    }

    pub(super) fn body(&mut self, body: &'a Body, at: &Value) -> Tree {
        let path = self.start(&body.statements, body.locals.len(), at);
        self.run(path)
    }

    /// Runs a path to its ends.
    fn run(&mut self, mut path: Path<'a>) -> Tree {
        while let Some(frame) = path.frames.last_mut() {
            let Some((statement, rest)) = frame.statements.split_first() else {
                path.frames.pop();
                continue;
            };
            frame.statements = rest;
            match statement {
                Stmt::If(condition, yes, no) => {
                    let Ok(condition) = self.term(&mut path, condition) else { return Tree::Walk };
                    let frame = |statements| Frame { statements, is_block: false };
                    if let Some(value) = self.decided(&path, condition) {
                        path.frames.push(frame(if value { yes } else { no }));
                        continue;
                    }
                    self.paths += 1;
                    if self.paths > MOST_PATHS {
                        return Tree::Walk;
                    }
                    let mut other = path.clone();
                    path.frames.push(frame(yes));
                    path.facts.push((condition, true));
                    other.frames.push(frame(no));
                    other.facts.push((condition, false));
                    let (yes, no) = (self.run(path), self.run(other));
                    return self.fork(condition, yes, no);
                }
                Stmt::Trap(id, argument) => {
                    let argument = match argument {
                        Some(e) => self.term(&mut path, e),
                        None => Ok(self.terms.constant(0, 1)),
                    };
                    return match argument {
                        Ok(argument) => self.trap(&path, *id, argument),
                        Err(Unsupported) => Tree::Walk,
                    };
                }
                Stmt::Unpredictable | Stmt::Unknown => return Tree::Walk,
                simple => {
                    if self.simple(&mut path, simple).is_err() {
                        return Tree::Walk;
                    }
                }
            }
        }
        if self.put_result(&mut path).is_err() {
            return Tree::Walk;
        }
        self.done(path).unwrap_or(Tree::Walk)
    }

    /// Puts the result into its slots, 64 bits each, and 1 into the one behind them.
    fn put_result(&mut self, path: &mut Path<'a>) -> Result<(), Unsupported> {
        let Some((result, first)) = self.result.filter(|_| path.sequence.is_none()) else {
            return Ok(());
        };
        let value = self.value(path, result)?;
        let words = value.width.div_ceil(64);
        for i in 0..words {
            let word = value.slice(self.terms, 64 * i, (value.width - 64 * i).min(64));
            let word = word.join(self.terms).ok_or(Unsupported)?;
            path.effects.push(Effect::Slot(first + i as u16, word));
        }
        let one = self.terms.constant(1, 1);
        path.effects.push(Effect::Slot(first + words as u16, one));
        Ok(())
    }

    /// Whether a condition holds, where that is known.
    fn decided(&mut self, path: &Path<'a>, condition: Term) -> Option<bool> {
        if let Some(value) = self.terms.as_const(condition) {
            return Some(value != 0);
        }
        let opposite = self.terms.invert(condition);
        path.facts.iter().find_map(|(fact, holds)| {
            if *fact == condition { Some(*holds) } else { (*fact == opposite).then_some(!holds) }
        })
    }

    /// Two ends under a condition. Rare ones are left to the walk.
    fn fork(&mut self, condition: Term, yes: Tree, no: Tree) -> Tree {
        let settled = self.terms.settled(condition);
        let rare = |tree: &Tree| match tree {
            Tree::Walk => true,
            Tree::Trap(..) => !settled && self.known.traps_are_rare,
            _ => false,
        };
        match (rare(&yes), rare(&no)) {
            (true, true) => Tree::Walk,
            (false, true) => Tree::Guard(condition, Box::new(yes)),
            (true, false) => Tree::Guard(self.terms.invert(condition), Box::new(no)),
            (false, false) => Tree::Branch(condition, Box::new(yes), Box::new(no)),
        }
    }

    /// A trap: what was written is rolled back.
    fn trap(&mut self, path: &Path<'a>, id: TrapId, argument: Term) -> Tree {
        if path.committed || path.sequence.is_some() {
            return Tree::Walk;
        }
        let isa = &self.known.layout.isa;
        let trap = isa.trap(id);
        let at = self.counters[usize::from(trap.saves == Saves::Next)].clone();
        let mut begin = self.start(&trap.sequence.statements, trap.sequence.locals.len(), &at);
        if isa.trap_argument > 0 {
            begin.locals[0] = Value::of(self.terms, argument, isa.trap_argument);
        }
        begin.sequence = Some(id);
        let sequence = self.run(begin);
        Tree::Trap(id, argument, Box::new(sequence))
    }

    fn done(&mut self, path: Path<'a>) -> Option<Tree> {
        let counter = path.registers.get(&self.known.counter)?.clone();
        let next = counter.join(self.terms)?;
        let mut context = false;
        for bits in self.known.context {
            let Some(value) = path.registers.get(&(bits.slot as u16)) else { continue };
            let before = self.initial(bits.slot as u16);
            let low = bits.mask.trailing_zeros();
            for i in low..64 - bits.mask.leading_zeros() {
                if bits.mask >> i & 1 == 1 {
                    let new = value.slice(self.terms, i, 1).join(self.terms);
                    let old = before.slice(self.terms, i, 1).join(self.terms);
                    context |= new != old;
                }
            }
        }
        let mut list = Vec::new();
        for effect in path.effects {
            match effect {
                Effect::Slot(slot, _) if slot == self.known.counter => {}
                Effect::Slot(slot, term) => {
                    if self.terms.kind(term) != Kind::Slot(slot) {
                        list.push(effect);
                    }
                }
                Effect::Element { first, len, .. } => {
                    let file = usize::from(first)..usize::from(first + len);
                    context |= self.known.context.iter().any(|b| file.contains(&b.slot));
                    list.push(effect);
                }
                Effect::Store(..) => list.push(effect),
            }
        }
        let mut tree = Tree::Done(Effects { list, next, context, taken: path.sequence });
        for condition in path.apart {
            tree = Tree::Guard(condition, Box::new(tree));
        }
        Some(tree)
    }

    /// A register before the instruction.
    fn initial(&mut self, slot: u16) -> Value {
        let width = self.terms.context[slot as usize].1;
        let term = self.terms.slot(slot);
        let value = Value::of(self.terms, term, width);
        match self.known.mode {
            Some((bits, mode)) if bits.slot == slot as usize => {
                let (low, of) = (bits.mask.trailing_zeros(), bits.mask.count_ones());
                let below = value.slice(self.terms, 0, low);
                let above = value.slice(self.terms, low + of, width - low - of);
                let mode = Value::constant(self.terms, u128::from(mode), of);
                let upper = Value::concat(self.terms, &above, &mode);
                Value::concat(self.terms, &upper, &below)
            }
            _ => value,
        }
    }

    fn register(&mut self, path: &Path<'a>, slot: u16) -> Value {
        path.registers.get(&slot).cloned().unwrap_or_else(|| self.initial(slot))
    }

    pub(super) fn simple(
        &mut self,
        path: &mut Path<'a>,
        statement: &'a Stmt,
    ) -> Result<(), Unsupported> {
        match statement {
            Stmt::Local(LocalId(id), e) => path.locals[*id as usize] = self.value(path, e)?,
            Stmt::Register(id, e) => {
                let value = self.value(path, e)?;
                let slot = self.known.layout.slot(*id, 0).ok_or(Unsupported)?;
                self.set(path, slot as u16, value)?;
            }
            Stmt::Element(id, index, e) => {
                let (index, value) = (self.value(path, index)?, self.value(path, e)?);
                if let Some(index) = index.as_const(self.terms) {
                    return match self.known.layout.slot(*id, index) {
                        Some(slot) => self.set(path, slot as u16, value),
                        None => Ok(()),
                    };
                }
                let (first, len) = self.file(path, *id, false)?;
                let index = index.join(self.terms).ok_or(Unsupported)?;
                let value = value.join(self.terms).ok_or(Unsupported)?;
                path.effects.push(Effect::Element { first, len, index, value });
            }
            Stmt::Store(cell, e) => {
                let cell = self.term(path, cell)?;
                let value = self.term(path, e)?;
                self.store(path, cell, value);
            }
            Stmt::Block(inner) => path.frames.push(Frame { statements: inner, is_block: true }),
            Stmt::Exit(levels) => {
                for _ in 0..=*levels {
                    while path.frames.pop().is_some_and(|frame| !frame.is_block) {}
                }
            }
            Stmt::Commit => path.committed = true,
            Stmt::If(..) | Stmt::Trap(..) | Stmt::Unpredictable | Stmt::Unknown => {
                return Err(Unsupported);
            }
        }
        Ok(())
    }

    /// Stores: over an earlier value if nothing between may have met the same cell.
    fn store(&mut self, path: &mut Path<'a>, cell: Term, value: Term) {
        let same = |e: &Effect| matches!(e, Effect::Store(at, _) if self.same(*at, cell));
        let earlier = path.effects.iter().rposition(same);
        if let Some(i) = earlier {
            let between: Vec<Term> = path.effects[i + 1..]
                .iter()
                .filter_map(|e| if let Effect::Store(at, _) = e { Some(*at) } else { None })
                .collect();
            let apart = |at: &Term| self.terms.apply(Alu::Ne, *at, cell, 64, 1);
            let met: Vec<Term> = between.iter().map(apart).collect();
            if met.iter().all(|c| self.terms.as_const(*c) == Some(1)) {
                path.effects[i] = Effect::Store(cell, value);
                return;
            }
        }
        path.effects.push(Effect::Store(cell, value));
    }

    fn set(&mut self, path: &mut Path<'a>, slot: u16, value: Value) -> Result<(), Unsupported> {
        if self.known.layout.console == Some(slot as usize) {
            // Elsewhere the walk tells what is printed.
            let told = self.known.told.filter(|_| path.sequence.is_none()).ok_or(Unsupported)?;
            let one = Effect::Slot(told, self.terms.constant(1, 1));
            if !path.effects.contains(&one) {
                path.effects.push(one);
            }
        }
        let term = value.join(self.terms).ok_or(Unsupported)?;
        let covers = |first: u16, len: u16| (first..first + len).contains(&slot);
        let dynamic = path
            .effects
            .iter()
            .rposition(|e| matches!(e, Effect::Element { first, len, .. } if covers(*first, *len)));
        let earlier =
            path.effects.iter().rposition(|e| matches!(e, Effect::Slot(s, _) if *s == slot));
        match earlier {
            Some(i) if dynamic.is_none_or(|d| d < i) => path.effects[i] = Effect::Slot(slot, term),
            _ => path.effects.push(Effect::Slot(slot, term)),
        }
        path.registers.insert(slot, value);
        Ok(())
    }

    /// A file that is accessed by a computed number: nothing of it was set before.
    fn file(
        &self,
        path: &Path<'a>,
        id: model::isa::RegisterId,
        read: bool,
    ) -> Result<(u16, u16), Unsupported> {
        let first = self.known.layout.slot(id, 0).ok_or(Unsupported)? as u16;
        let len = self.known.layout.isa.register(id).len() as u16;
        let file = first..first + len;
        let set = path.effects.iter().any(|e| match e {
            Effect::Slot(slot, _) => file.contains(slot),
            Effect::Element { first, .. } => file.contains(first),
            Effect::Store(..) => false,
        });
        let special = [Some(self.known.counter as usize), self.known.layout.console];
        let special = special.into_iter().flatten().any(|slot| file.contains(&(slot as u16)));
        if set && read || special { Err(Unsupported) } else { Ok((first, len)) }
    }

    /// The value of an expression over the state before the instruction.
    pub(super) fn expression(&mut self, e: &'a Expr) -> Option<Term> {
        let at = self.counters[0].clone();
        let mut path = self.start(&[], 0, &at);
        self.term(&mut path, e).ok()
    }

    pub(super) fn term(&mut self, path: &mut Path<'a>, e: &Expr) -> Result<Term, Unsupported> {
        self.value(path, e)?.join(self.terms).ok_or(Unsupported)
    }

    pub(super) fn value(&mut self, path: &mut Path<'a>, e: &Expr) -> Result<Value, Unsupported> {
        let width = e.width;
        Ok(match &e.kind {
            ExprKind::Const(value) => Value::constant(self.terms, *value, width),
            ExprKind::Local(LocalId(id)) => {
                path.locals[*id as usize].clone().extended(self.terms, width)
            }
            ExprKind::Operand(OperandId(id)) => {
                self.operands[*id as usize].extended(self.terms, width)
            }
            ExprKind::Register(id) => {
                let slot = self.known.layout.slot(*id, 0).ok_or(Unsupported)?;
                path.intact(slot as u16)?;
                self.register(path, slot as u16)
            }
            ExprKind::Element(id, index) => {
                let index = self.value(path, index)?;
                if let Some(index) = index.as_const(self.terms) {
                    match self.known.layout.slot(*id, index) {
                        Some(slot) => {
                            path.intact(slot as u16)?;
                            self.register(path, slot as u16)
                        }
                        None => Value::constant(self.terms, 0, width),
                    }
                } else {
                    let (first, len) = self.file(path, *id, true)?;
                    let index = index.join(self.terms).ok_or(Unsupported)?;
                    let term = self.terms.leaf(Kind::Element { first, len, index }, width);
                    Value::of(self.terms, term, width)
                }
            }
            ExprKind::Load(cell) => {
                let cell = self.term(path, cell)?;
                self.load(path, cell)?
            }
            ExprKind::CellCount => {
                let term = self.terms.leaf(Kind::Cells, width.min(64));
                Value::of(self.terms, term, width)
            }
            ExprKind::Choice(_) => Value::constant(self.terms, 0, width),
            ExprKind::Apply(op, operands) => {
                let mut values = Vec::with_capacity(3);
                for operand in operands {
                    values.push(self.value(path, operand)?);
                }
                operators::apply(self.terms, *op, &values, width).ok_or(Unsupported)?
            }
        })
    }

    /// A cell, after what the instruction has stored.
    fn load(&mut self, path: &mut Path<'a>, cell: Term) -> Result<Value, Unsupported> {
        let width = self.known.layout.isa.storage.width;
        for i in (0..path.effects.len()).rev() {
            let Effect::Store(at, value) = path.effects[i] else { continue };
            if self.same(at, cell) {
                return Ok(Value::of(self.terms, value, width));
            }
            let apart = self.differ(at, cell);
            if self.terms.as_const(apart) != Some(1) {
                path.apart.push(apart);
                if path.apart.len() > MOST_ALIASES {
                    return Err(Unsupported);
                }
            }
        }
        let term = self.terms.leaf(Kind::Load(cell), width);
        Ok(Value::of(self.terms, term, width))
    }

    /// Whether two places are certainly the same.
    fn same(&self, a: Term, b: Term) -> bool {
        let number = |t| self.terms.as_const(t);
        a == b || number(a).is_some() && number(a) == number(b)
    }

    /// Whether two places differ.
    fn differ(&mut self, a: Term, b: Term) -> Term {
        let split = |terms: &Terms, t: Term| match terms.kind(t) {
            Kind::Apply(Alu::Add, inner, c, _) => match terms.as_const(c) {
                Some(c) if terms.most(inner).checked_add(c).is_some_and(|s| s <= terms.most(t)) => {
                    (inner, c)
                }
                _ => (t, 0),
            },
            _ => (t, 0),
        };
        let ((x, i), (y, j)) = (split(self.terms, a), split(self.terms, b));
        if x == y && i != j {
            return self.terms.constant(1, 1);
        }
        self.terms.apply(Alu::Ne, a, b, 64, 1)
    }
}

//! Terms: hash-consed bit-vector expressions in a normal form.
//!
//! Invariant: two terms of one arena with the same node are the same id, and every constructor
//! rewrites to normal form first. Equal ids therefore settle most questions without a solver.
//!
//! Normal form in short: sums are linear combinations with constant coefficients; extensions
//! move inwards wherever a sum cannot overflow; comparisons cancel common parts.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Instant;

use model::bits::{Bits, Op, bits_for, mask};
use rustc_hash::{FxHashMap, FxHashSet};

/// A term of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term(pub(crate) u32);

/// An array of cells or registers with arbitrary contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Array(pub(crate) u32);

/// A moment in the life of an arena: the numbers of the next variable and the next array.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    pub(crate) variables: u32,
    pub(crate) arrays: u32,
}

/// What a term is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Const(u128),
    /// A free variable; the number tells variables of equal width apart.
    Variable(u32),
    /// Contents of an array at an index.
    Select(Array, Term),
    /// Σ coefficient · term + constant, modulo 2^width; terms ascending, coefficients not 0.
    Sum(Box<[(Term, u128)]>, u128),
    Not(Term),
    And(Term, Term),
    Or(Term, Term),
    Xor(Term, Term),
    Mul(Term, Term),
    /// Division and remainder, by operator.
    Divide(Op, Term, Term),
    /// Shifts by a term, by operator.
    Shift(Op, Term, Term),
    Eq(Term, Term),
    Ult(Term, Term),
    Slt(Term, Term),
    Ite(Term, Term, Term),
    Concat(Term, Term),
    /// Bits from a lowest one, as many as the term is wide.
    Extract(Term, u32),
    Zext(Term),
    Sext(Term),
    Parity(Term),
}

#[derive(Debug, Clone)]
pub(super) struct Data {
    node: Node,
    width: u32,
    /// No value of the term is greater.
    pub(super) max: u128,
    /// For sums: read as it stands, without negative numbers, it is its integer value.
    pub(super) exact: bool,
}

/// Largest number of a sum read over the integers: what is computed with such numbers fits.
pub(super) const LARGEST: u128 = 1 << 120;

/// An integer-valued linear form: Σ coefficient · term + constant, over the integers.
pub(crate) type Linear = (Vec<(Term, i128)>, i128);

/// The arena.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// No rewriting to normal form: terms are what was asked for ([`super::plain`]).
    pub(super) plain: bool,
    pub(super) data: Vec<Data>,
    ids: HashMap<(Node, u32), Term, rustc_hash::FxBuildHasher>,
    /// Width of an element, by array.
    arrays: Vec<u32>,
    /// Arrays whose contents are known: the elements that are not zero.
    known: FxHashMap<Array, BTreeMap<u128, u128>>,
    variables: u32,
    /// Terms visited by rewriting under facts: a measure of effort.
    visited: u64,
    /// Values that are worth trying first, for variables that set the scene: sizes and places.
    suggestions: FxHashMap<Term, u128>,
    /// Differences of compared terms as linear forms: they are asked for again and again.
    pub(super) differences: RefCell<FxHashMap<(Term, Term), Rc<Linear>>>,
    /// What execution came by, where terms are plain.
    pub(super) cut_points: Vec<CutPoint>,
    /// Bits of terms with parts: without this, the ways through a graph would be walked one by one.
    extracted: FxHashMap<(Term, u32, u32), Term>,
    /// When the user wants an answer.
    pub(crate) deadline: Option<Instant>,
}

/// A value that execution came by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutPoint {
    /// Where in the specification: the same in every run of an instruction.
    pub(crate) place: usize,
    /// The path to it is taken.
    pub(crate) live: Term,
    pub(crate) value: Term,
}

/// Terms of an arena: a bound on memory, some hundred megabytes.
pub(crate) const TERMS: usize = 2_000_000;

/// Steps of rewriting between two looks at the clock.
const LOOK: u32 = 1024;

impl Terms {
    pub(crate) fn node(&self, t: Term) -> &Node {
        &self.data[t.0 as usize].node
    }

    pub(crate) fn width(&self, t: Term) -> u32 {
        self.data[t.0 as usize].width
    }

    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether the arena has become so large that questions are left open.
    pub(crate) fn is_full(&self) -> bool {
        self.data.len() > TERMS
    }

    /// Whether the time is up.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether no more terms are to be made: what is being made may be left as it is, since no
    /// question about it is answered.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_full() || self.is_late()
    }

    pub(crate) fn max(&self, t: Term) -> u128 {
        self.data[t.0 as usize].max
    }

    pub(crate) fn value(&self, t: Term) -> Option<u128> {
        match self.node(t) {
            Node::Const(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self, t: Term) -> bool {
        self.width(t) == 1 && self.value(t) == Some(1)
    }

    pub(crate) fn is_false(&self, t: Term) -> bool {
        self.value(t) == Some(0)
    }

    /// A fresh variable.
    pub(crate) fn variable(&mut self, width: u32) -> Term {
        self.variables += 1;
        self.intern(Node::Variable(self.variables), width)
    }

    /// Where the next variable and the next array come.
    pub(crate) fn mark(&self) -> Mark {
        Mark { variables: self.variables + 1, arrays: self.arrays.len() as u32 }
    }

    /// A fresh variable with no value above `max`; the bound must be part of every premise.
    pub(crate) fn variable_up_to(&mut self, width: u32, max: u128) -> Term {
        let t = self.variable(width);
        self.data[t.0 as usize].max = max;
        t
    }

    /// Terms visited by rewriting so far.
    pub(crate) fn visited(&self) -> u64 {
        self.visited
    }

    /// Suggests a value for a variable: it is tried before others, and nothing else.
    pub(crate) fn suggest(&mut self, t: Term, value: u128) {
        let value = value.min(self.max(t));
        self.suggestions.insert(t, value);
    }

    pub(crate) fn suggestion(&self, t: Term) -> Option<u128> {
        self.suggestions.get(&t).copied()
    }

    /// A term with every variable that has a suggestion replaced by it.
    pub(crate) fn with_suggestions(&mut self, root: Term) -> Term {
        self.rewrite(root, |terms, t| {
            let value = terms.suggestion(t)?;
            Some(terms.constant(value, terms.width(t)))
        })
    }

    /// A term rebuilt with the parts that `choose` replaces; it is asked before a part's own parts.
    /// Where effort runs out the term stays as it is.
    pub(crate) fn rewrite(
        &mut self,
        root: Term,
        choose: impl Fn(&mut Self, Term) -> Option<Term>,
    ) -> Term {
        let mut done: FxHashMap<Term, Term> = FxHashMap::default();
        let mut stack = vec![root];
        let mut steps = 0u32;
        while let Some(&t) = stack.last() {
            if done.contains_key(&t) {
                stack.pop();
                continue;
            }
            if self.is_full() || steps.is_multiple_of(LOOK) && self.is_late() {
                return root;
            }
            steps += 1;
            if let Some(chosen) = choose(self, t) {
                done.insert(t, chosen);
                continue;
            }
            let children = self.children(t);
            let before = stack.len();
            stack.extend(children.iter().filter(|c| !done.contains_key(c)));
            if stack.len() > before {
                continue;
            }
            let new: Vec<Term> = children.iter().map(|c| done[c]).collect();
            let rebuilt = if new == children { t } else { self.rebuild(t, &new) };
            done.insert(t, rebuilt);
            stack.pop();
        }
        self.visited += done.len() as u64;
        done[&root]
    }

    /// t ≤ `most` as a condition of its own, even where the declared range of `t` says so.
    pub(crate) fn upper_bound(&mut self, t: Term, most: Term) -> Term {
        let above = self.intern(Node::Ult(most, t), 1);
        self.not(above)
    }

    /// A fresh array.
    pub(crate) fn array(&mut self, width: u32) -> Array {
        self.arrays.push(width);
        Array(self.arrays.len() as u32 - 1)
    }

    pub(crate) fn array_width(&self, array: Array) -> u32 {
        self.arrays[array.0 as usize]
    }

    pub(super) fn intern(&mut self, node: Node, width: u32) -> Term {
        if let Some(&t) = self.ids.get(&(node.clone(), width)) {
            return t;
        }
        let (max, exact) = self.range(&node, width);
        let t = Term(u32::try_from(self.data.len()).expect("fewer than 2^32 terms"));
        self.data.push(Data { node: node.clone(), width, max, exact });
        self.ids.insert((node, width), t);
        t
    }

    /// Upper bound of a new term, and whether a sum cannot wrap.
    fn range(&self, node: &Node, width: u32) -> (u128, bool) {
        let full = mask(width);
        let max = match node {
            Node::Const(value) => *value,
            Node::Sum(parts, constant) => {
                let total = parts.iter().try_fold(*constant, |sum, (t, c)| {
                    sum.checked_add(self.max(*t).checked_mul(*c)?)
                });
                return match total {
                    Some(total) if total <= full => (total, true),
                    _ => (full, false),
                };
            }
            Node::And(a, b) => self.max(*a).min(self.max(*b)),
            Node::Or(a, b) | Node::Xor(a, b) => mask(bits_for(self.max(*a) | self.max(*b))),
            Node::Ite(_, a, b) => self.max(*a).max(self.max(*b)),
            Node::Zext(x) | Node::Extract(x, 0) | Node::Shift(Op::Lshr, x, _) => self.max(*x),
            Node::Concat(a, b) => self.max(*a) << self.width(*b) | mask(self.width(*b)),
            Node::Divide(Op::Urem, _, b) => match self.value(*b) {
                Some(n) if n > 0 => n - 1,
                _ => full,
            },
            Node::Divide(Op::Udiv, a, b) => match self.value(*b) {
                Some(n) if n > 0 => self.max(*a) / n,
                _ => full,
            },
            Node::Variable(_)
            | Node::Select(..)
            | Node::Not(_)
            | Node::Mul(..)
            | Node::Divide(..)
            | Node::Shift(..)
            | Node::Eq(..)
            | Node::Ult(..)
            | Node::Slt(..)
            | Node::Extract(..)
            | Node::Sext(_)
            | Node::Parity(_) => full,
        };
        (max.min(full), false)
    }

    // Constructors

    pub(crate) fn constant(&mut self, value: u128, width: u32) -> Term {
        self.intern(Node::Const(value & mask(width)), width)
    }

    pub(crate) fn bool(&mut self, value: bool) -> Term {
        self.constant(u128::from(value), 1)
    }

    pub(crate) fn select(&mut self, array: Array, index: Term) -> Term {
        let width = self.array_width(array);
        let Some(known) = self.known.get(&array) else {
            return self.intern(Node::Select(array, index), width);
        };
        if let Some(index) = self.value(index) {
            let value = known.get(&index).copied().unwrap_or(0);
            return self.constant(value, width);
        }
        let most = self.max(index);
        let known: Vec<(u128, u128)> = known.range(..=most).map(|(i, v)| (*i, *v)).collect();
        let mut value = self.constant(0, width);
        for (i, element) in known {
            let here = self.constant(i, self.width(index));
            let here = self.eq(index, here);
            let element = self.constant(element, width);
            value = self.ite(here, element, value);
        }
        value
    }

    /// An array with known contents: all elements but these are zero.
    pub(crate) fn known_array(&mut self, width: u32, contents: BTreeMap<u128, u128>) -> Array {
        let array = self.array(width);
        self.known.insert(array, contents);
        array
    }

    /// Adds the variables that occur in a term.
    pub(crate) fn support(&self, root: Term, found: &mut FxHashSet<Term>) {
        let mut open = vec![root];
        let mut seen = FxHashSet::default();
        while let Some(t) = open.pop() {
            if seen.insert(t) {
                if matches!(self.node(t), Node::Variable(_)) {
                    found.insert(t);
                }
                open.extend(self.children(t));
            }
        }
    }

    /// The arrays that a term reads.
    pub(crate) fn arrays_below(&self, root: Term) -> FxHashSet<Array> {
        let (mut open, mut seen, mut found) =
            (vec![root], FxHashSet::default(), FxHashSet::default());
        while let Some(t) = open.pop() {
            if seen.insert(t) {
                if let Node::Select(array, _) = self.node(t) {
                    found.insert(*array);
                }
                open.extend(self.children(t));
            }
        }
        found
    }

    /// An operator of the specification language applied.
    pub(crate) fn apply(&mut self, op: Op, x: &[Term], width: u32) -> Term {
        match op {
            Op::Not => self.not(x[0]),
            Op::And => self.and(x[0], x[1]),
            Op::Or => self.or(x[0], x[1]),
            Op::Xor => self.xor(x[0], x[1]),
            Op::Neg if self.plain => self.apply_plain(op, x, width),
            Op::Neg => self.scaled(x[0], u128::MAX),
            Op::Add => self.add(x[0], x[1]),
            Op::Sub => self.sub(x[0], x[1]),
            Op::Mul => self.mul(x[0], x[1]),
            Op::Udiv | Op::Urem | Op::Sdiv | Op::Srem => self.divide(op, x[0], x[1]),
            Op::Shl | Op::Lshr | Op::Ashr => self.shift(op, x[0], x[1]),
            Op::Eq => self.eq(x[0], x[1]),
            Op::Ult => self.ult(x[0], x[1]),
            Op::Slt => self.slt(x[0], x[1]),
            Op::Ite => self.ite(x[0], x[1], x[2]),
            Op::Concat => self.concat(x[0], x[1]),
            Op::Low => self.extract(x[0], 0, width),
            Op::Zext => self.zext(x[0], width),
            Op::Sext => self.sext(x[0], width),
            Op::Parity => self.parity(x[0]),
        }
    }

    pub(crate) fn not(&mut self, x: Term) -> Term {
        let width = self.width(x);
        if self.plain {
            return self.apply_plain(Op::Not, &[x], width);
        }
        match self.node(x) {
            Node::Const(v) => self.constant(!v, width),
            Node::Not(inner) => *inner,
            _ => self.intern(Node::Not(x), width),
        }
    }

    pub(crate) fn and(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        if self.plain {
            return self.apply_plain(Op::And, &[a, b], width);
        }
        debug_assert_eq!(width, self.width(b));
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        if a == b {
            return a;
        }
        for (x, y) in [(a, b), (b, a)] {
            match *self.node(x) {
                Node::Const(0) => return x,
                Node::Const(v) if v == mask(width) => return y,
                Node::Not(inner) if inner == y => return self.constant(0, width),
                // Absorption: x ∧ (x ∧ z), x ∧ (x ∨ z).
                Node::And(p, q) if p == y || q == y => return x,
                Node::Or(p, q) if p == y || q == y => return y,
                Node::Not(inner) => match *self.node(inner) {
                    // y ∧ ¬(y ∧ z) = y ∧ ¬z, and y ∧ ¬(y ∨ z) = 0.
                    Node::And(p, q) if p == y || q == y => {
                        let rest = if p == y { q } else { p };
                        let rest = self.not(rest);
                        return self.and(y, rest);
                    }
                    Node::Or(p, q) if p == y || q == y => return self.constant(0, width),
                    _ => {}
                },
                _ => {}
            }
        }
        self.intern(Node::And(a, b), width)
    }

    pub(crate) fn or(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        if self.plain {
            return self.apply_plain(Op::Or, &[a, b], width);
        }
        if width == 1 {
            let (a, b) = (self.not(a), self.not(b));
            let neither = self.and(a, b);
            return self.not(neither);
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        if a == b {
            return a;
        }
        for (x, y) in [(a, b), (b, a)] {
            match self.node(x) {
                Node::Const(0) => return y,
                Node::Const(v) if *v == mask(width) => return x,
                Node::Not(inner) if *inner == y => return self.constant(mask(width), width),
                _ => {}
            }
        }
        self.intern(Node::Or(a, b), width)
    }

    pub(crate) fn xor(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        if self.plain {
            return self.apply_plain(Op::Xor, &[a, b], width);
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        if a == b {
            return self.constant(0, width);
        }
        for (x, y) in [(a, b), (b, a)] {
            match self.node(x) {
                Node::Const(0) => return y,
                Node::Const(v) if *v == mask(width) => return self.not(y),
                Node::Not(inner) => {
                    let inner = *inner;
                    let plain = self.xor(inner, y);
                    return self.not(plain);
                }
                _ => {}
            }
        }
        self.intern(Node::Xor(a, b), width)
    }

    fn divide(&mut self, op: Op, a: Term, b: Term) -> Term {
        let width = self.width(a);
        if self.plain {
            return self.apply_plain(op, &[a, b], width);
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            let value = op.apply(&[Bits::new(x, width), Bits::new(y, width)], width).value;
            return self.constant(value, width);
        }
        self.intern(Node::Divide(op, a, b), width)
    }

    fn shift(&mut self, op: Op, x: Term, amount: Term) -> Term {
        let width = self.width(x);
        if self.plain {
            return self.apply_plain(op, &[x, amount], width);
        }
        let Some(by) = self.value(amount) else {
            if self.value(x) == Some(0) {
                return x;
            }
            return self.intern(Node::Shift(op, x, amount), width);
        };
        let by = u32::try_from(by).unwrap_or(u32::MAX).min(width);
        match op {
            Op::Shl | Op::Lshr if by == width => self.constant(0, width),
            Op::Shl => self.scaled(x, 1 << by),
            Op::Lshr => {
                let high = self.extract(x, by, width - by);
                self.zext(high, width)
            }
            _ => {
                let by = by.min(width - 1);
                let high = self.extract(x, by, width - by);
                self.sext(high, width)
            }
        }
    }

    pub(crate) fn zext(&mut self, x: Term, width: u32) -> Term {
        if self.plain {
            return self.apply_plain(Op::Zext, &[x], width);
        }
        if width == self.width(x) {
            return x;
        }
        match self.node(x).clone() {
            Node::Const(value) => self.constant(value, width),
            Node::Zext(inner) => self.zext(inner, width),
            Node::Sum(parts, constant) if self.data[x.0 as usize].exact => {
                let mut total = self.constant(constant, width);
                let mut of = vec![(1, total)];
                for (t, c) in &parts {
                    let t = self.zext(*t, width);
                    of.push((*c, t));
                    let scaled = self.scaled(t, *c);
                    total = self.add(total, scaled);
                }
                self.learn(total, &of, self.max(x));
                total
            }
            _ => self.intern(Node::Zext(x), width),
        }
    }

    pub(crate) fn sext(&mut self, x: Term, width: u32) -> Term {
        if self.plain {
            return self.apply_plain(Op::Sext, &[x], width);
        }
        let from = self.width(x);
        if width == from {
            return x;
        }
        match *self.node(x) {
            Node::Const(value) => {
                let value = Op::Sext.apply(&[Bits::new(value, from)], width).value;
                self.constant(value, width)
            }
            Node::Sext(inner) => self.sext(inner, width),
            // The sign bit is clear.
            _ if self.max(x) <= mask(from - 1) && from > 1 => self.zext(x, width),
            _ => self.intern(Node::Sext(x), width),
        }
    }

    pub(crate) fn extract(&mut self, x: Term, low: u32, width: u32) -> Term {
        if self.plain {
            return self.extract_plain(x, low, width);
        }
        let from = self.width(x);
        if low == 0 && width == from {
            return x;
        }
        if let Some(&known) = self.extracted.get(&(x, low, width)) {
            return known;
        }
        let bits = self.extract_anew(x, low, width);
        if self.children(x).len() > 1 {
            self.extracted.insert((x, low, width), bits);
        }
        bits
    }

    fn extract_anew(&mut self, x: Term, low: u32, width: u32) -> Term {
        match self.node(x).clone() {
            Node::Const(value) => self.constant(value >> low, width),
            Node::Extract(inner, offset) => self.extract(inner, offset + low, width),
            Node::Concat(a, b) => {
                let split = self.width(b);
                if low >= split {
                    self.extract(a, low - split, width)
                } else if low + width <= split {
                    self.extract(b, low, width)
                } else {
                    let high = self.extract(a, 0, low + width - split);
                    let rest = self.extract(b, low, split - low);
                    self.concat(high, rest)
                }
            }
            Node::Zext(inner) | Node::Sext(inner) if low + width <= self.width(inner) => {
                self.extract(inner, low, width)
            }
            Node::Zext(inner) if low >= self.width(inner) => self.constant(0, width),
            Node::Zext(inner) => {
                let bits = self.extract(inner, low, self.width(inner) - low);
                self.zext(bits, width)
            }
            Node::Sum(parts, constant) if low == 0 => {
                let narrow: Vec<_> = parts.iter().map(|(t, c)| (*t, *c)).collect();
                let mut total = self.constant(constant, width);
                for (t, c) in narrow {
                    let t = self.extract(t, 0, width);
                    let scaled = self.scaled(t, c);
                    total = self.add(total, scaled);
                }
                total
            }
            Node::Not(a) => {
                let a = self.extract(a, low, width);
                self.not(a)
            }
            Node::And(a, b) => {
                let (a, b) = (self.extract(a, low, width), self.extract(b, low, width));
                self.and(a, b)
            }
            Node::Or(a, b) => {
                let (a, b) = (self.extract(a, low, width), self.extract(b, low, width));
                self.or(a, b)
            }
            Node::Xor(a, b) => {
                let (a, b) = (self.extract(a, low, width), self.extract(b, low, width));
                self.xor(a, b)
            }
            Node::Ite(c, a, b) => {
                let (a, b) = (self.extract(a, low, width), self.extract(b, low, width));
                self.ite(c, a, b)
            }
            Node::Variable(_)
            | Node::Select(..)
            | Node::Sum(..)
            | Node::Mul(..)
            | Node::Divide(..)
            | Node::Shift(..)
            | Node::Eq(..)
            | Node::Ult(..)
            | Node::Slt(..)
            | Node::Sext(_)
            | Node::Parity(_) => self.intern(Node::Extract(x, low), width),
        }
    }

    pub(crate) fn concat(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a) + self.width(b);
        if self.plain {
            return self.apply_plain(Op::Concat, &[a, b], width);
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            return self.constant(x << self.width(b) | y, width);
        }
        if self.value(a) == Some(0) {
            return self.zext(b, width);
        }
        if let Node::Concat(high, middle) = *self.node(a) {
            let low = self.concat(middle, b);
            return self.concat(high, low);
        }
        // Adjacent stretches of one term join.
        let (first, rest) = match *self.node(b) {
            Node::Concat(first, rest) => (first, Some(rest)),
            _ => (b, None),
        };
        if let Some(joined) = self.joined(a, first) {
            return match rest {
                Some(rest) => self.concat(joined, rest),
                None => joined,
            };
        }
        self.intern(Node::Concat(a, b), width)
    }

    /// `x[h:m] :: x[m-1:l]` as one stretch of `x`.
    fn joined(&mut self, a: Term, b: Term) -> Option<Term> {
        let Node::Extract(of, high) = *self.node(a) else { return None };
        let low = match *self.node(b) {
            Node::Extract(other, low) if other == of => low,
            _ => return None,
        };
        let widths = self.width(a) + self.width(b);
        (low + self.width(b) == high).then(|| self.extract(of, low, widths))
    }

    fn parity(&mut self, x: Term) -> Term {
        if self.plain {
            return self.apply_plain(Op::Parity, &[x], 1);
        }
        match self.node(x) {
            Node::Const(v) => {
                let odd = v.count_ones() & 1 == 1;
                self.bool(odd)
            }
            _ if self.width(x) == 1 => x,
            _ => self.intern(Node::Parity(x), 1),
        }
    }

    pub(crate) fn ite(&mut self, c: Term, a: Term, b: Term) -> Term {
        if self.plain {
            return self.apply_plain(Op::Ite, &[c, a, b], self.width(a));
        }
        if a == b || self.is_true(c) {
            return a;
        }
        if self.is_false(c) {
            return b;
        }
        if let Node::Not(inner) = *self.node(c) {
            return self.ite(inner, b, a);
        }
        if let Node::Ite(c2, x, _) = *self.node(a)
            && c2 == c
        {
            return self.ite(c, x, b);
        }
        if let Node::Ite(c2, _, y) = *self.node(b)
            && c2 == c
        {
            return self.ite(c, a, y);
        }
        if self.width(a) == 1 {
            match (self.value(a), self.value(b)) {
                (Some(1), Some(0)) => return c,
                (Some(0), Some(1)) => return self.not(c),
                (Some(1), None) => return self.or(c, b),
                (None, Some(0)) => return self.and(c, a),
                (Some(0), None) => {
                    let c = self.not(c);
                    return self.and(c, b);
                }
                (None, Some(1)) => {
                    let c = self.not(c);
                    return self.or(c, a);
                }
                _ => {}
            }
        }
        // An extension moves outwards, so that a choice is the same term wherever it is extended.
        if let Some((x, y)) = self.narrowed(a, b) {
            let narrow = self.ite(c, x, y);
            return self.zext(narrow, self.width(a));
        }
        if let Some(select) = self.chosen_select(c, a, b) {
            return select;
        }
        self.intern(Node::Ite(c, a, b), self.width(a))
    }

    pub(crate) fn implies(&mut self, a: Term, b: Term) -> Term {
        let not = self.not(a);
        self.or(not, b)
    }

    pub(crate) fn all(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        let mut result = self.bool(true);
        for t in terms {
            result = self.and(result, t);
        }
        result
    }

    pub(crate) fn any(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        let mut result = self.bool(false);
        for t in terms {
            result = self.or(result, t);
        }
        result
    }

    /// The terms a term is made of, one level.
    pub(crate) fn children(&self, t: Term) -> Vec<Term> {
        match self.node(t) {
            Node::Const(_) | Node::Variable(_) => Vec::new(),
            Node::Select(_, x)
            | Node::Not(x)
            | Node::Extract(x, _)
            | Node::Zext(x)
            | Node::Sext(x)
            | Node::Parity(x) => vec![*x],
            Node::Sum(parts, _) => parts.iter().map(|(t, _)| *t).collect(),
            Node::And(a, b)
            | Node::Or(a, b)
            | Node::Xor(a, b)
            | Node::Mul(a, b)
            | Node::Divide(_, a, b)
            | Node::Shift(_, a, b)
            | Node::Eq(a, b)
            | Node::Ult(a, b)
            | Node::Slt(a, b)
            | Node::Concat(a, b) => vec![*a, *b],
            Node::Ite(c, a, b) => vec![*c, *a, *b],
        }
    }

    /// The term with its children replaced, in the order of [`Self::children`], rewritten anew.
    pub(crate) fn rebuild(&mut self, t: Term, x: &[Term]) -> Term {
        let width = self.width(t);
        match self.node(t).clone() {
            Node::Const(_) | Node::Variable(_) => t,
            Node::Select(array, _) => self.select(array, x[0]),
            Node::Not(_) => self.not(x[0]),
            Node::Extract(_, low) => self.extract(x[0], low, width),
            Node::Zext(_) => self.zext(x[0], width),
            Node::Sext(_) => self.sext(x[0], width),
            Node::Parity(_) => self.parity(x[0]),
            Node::Sum(parts, constant) => {
                let mut total = self.constant(constant, width);
                for ((_, c), t) in parts.iter().zip(x) {
                    let scaled = self.scaled(*t, *c);
                    total = self.add(total, scaled);
                }
                total
            }
            Node::And(..) => self.and(x[0], x[1]),
            Node::Or(..) => self.or(x[0], x[1]),
            Node::Xor(..) => self.xor(x[0], x[1]),
            Node::Mul(..) => self.mul(x[0], x[1]),
            Node::Divide(op, ..) => self.divide(op, x[0], x[1]),
            Node::Shift(op, ..) => self.shift(op, x[0], x[1]),
            Node::Eq(..) => self.eq(x[0], x[1]),
            Node::Ult(..) => self.ult(x[0], x[1]),
            Node::Slt(..) => self.slt(x[0], x[1]),
            Node::Concat(..) => self.concat(x[0], x[1]),
            Node::Ite(..) => self.ite(x[0], x[1], x[2]),
        }
    }
}

/// a ∧ b ∧ … as a list, in the order of the ands; what occurs in several of them stands there once.
pub(crate) fn conjuncts(terms: &Terms, t: Term) -> Vec<Term> {
    let mut all = Vec::new();
    let mut seen = FxHashSet::default();
    let mut stack = vec![t];
    while let Some(t) = stack.pop() {
        match *terms.node(t) {
            _ if !seen.insert(t) => {}
            Node::And(a, b) if terms.width(t) == 1 => stack.extend([b, a]),
            _ => all.push(t),
        }
    }
    all
}

//! Models without a solver: plain assignments that often satisfy a query, and making a model small
//! by trying smaller values. Everything is settled by evaluation.

use std::cell::Cell;

use model::bits::{Bits, mask};
use rustc_hash::FxHashMap;

use crate::symbolic::model::{Model, evaluate};
use crate::symbolic::term::{Node, Term, Terms};

/// The terms of a query in an order in which each comes after its parts.
pub(crate) struct Plan<'t> {
    pub(super) terms: &'t Terms,
    roots: Vec<usize>,
    order: Vec<Term>,
    /// Slots of each term's parts.
    parts: Vec<Vec<usize>>,
    /// The free variables, in order of creation.
    pub(super) variables: Vec<Term>,
    /// Assignments evaluated so far.
    evaluations: Cell<usize>,
}

impl<'t> Plan<'t> {
    pub(crate) fn new(terms: &'t Terms, roots: &[Term]) -> Self {
        let mut seen = vec![false; terms.len()];
        let mut stack = roots.to_vec();
        while let Some(t) = stack.pop() {
            if !std::mem::replace(&mut seen[t.0 as usize], true) {
                stack.extend(terms.children(t));
            }
        }
        // Terms are created after their parts, so ids are in such an order.
        let order: Vec<Term> =
            (0..terms.len() as u32).map(Term).filter(|t| seen[t.0 as usize]).collect();
        let slots: FxHashMap<Term, usize> =
            order.iter().enumerate().map(|(i, t)| (*t, i)).collect();
        let parts =
            order.iter().map(|t| terms.children(*t).iter().map(|c| slots[c]).collect()).collect();
        let is_variable = |t: &&Term| matches!(terms.node(**t), Node::Variable(_));
        let variables = order.iter().filter(is_variable).copied().collect();
        Self {
            terms,
            roots: roots.iter().map(|r| slots[r]).collect(),
            order,
            parts,
            variables,
            evaluations: Cell::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Gives every variable with a suggestion that value.
    pub(crate) fn set_scene(&self, model: &mut Model) {
        for &t in &self.variables {
            if let Some(value) = self.terms.suggestion(t) {
                model.variables.insert(t, value);
            }
        }
    }

    pub(crate) fn satisfied(&self, model: &Model) -> bool {
        self.evaluations.set(self.evaluations.get() + 1);
        let mut values: Vec<Bits> = Vec::with_capacity(self.order.len());
        let mut x: Vec<Bits> = Vec::new();
        for (t, parts) in self.order.iter().zip(&self.parts) {
            x.clear();
            x.extend(parts.iter().map(|slot| values[*slot]));
            let width = self.terms.width(*t);
            values.push(Bits::new(evaluate(self.terms, *t, &x, model), width));
        }
        self.roots.iter().all(|slot| values[*slot].is_true())
    }

    /// Tries some assignments, the plainest first.
    pub(crate) fn guess(&self) -> Option<Model> {
        (0..ATTEMPTS).map(|attempt| self.attempt(attempt)).find(|model| self.satisfied(model))
    }

    /// The value, or what is left of it in a variable.
    pub(super) fn within(&self, t: Term, value: u128) -> u128 {
        (value & mask(self.terms.width(t))).min(self.terms.max(t))
    }

    fn attempt(&self, attempt: u64) -> Model {
        let mut model = Model::default();
        for (i, &t) in self.variables.iter().enumerate() {
            let mixed = mix(attempt << 32 | i as u64);
            let value = self.terms.suggestion(t).unwrap_or_else(|| match (attempt, mixed & 3) {
                (1, _) => 1,
                (2, _) => u128::MAX,
                (0, _) | (_, 0) => 0,
                (_, 1) => (mixed >> 2 & 3) as u128,
                (_, 2) => (mixed >> 2 & 255) as u128,
                _ => (mixed as u128) << 64 | mix(mixed) as u128,
            });
            model.variables.insert(t, self.within(t, value));
        }
        model
    }

    /// Makes a model small: cells and variables become zero, or at least less, where the query
    /// allows it; pairs of the variables in the minimisation goals become equal.
    pub(crate) fn shrink(&self, mut model: Model, minimise: &[Term]) -> Model {
        let start = self.evaluations.get();
        let spent = || (self.evaluations.get() - start) * self.order.len() > EFFORT;
        for _ in 0..2 {
            for wish in minimise {
                if spent() {
                    return model;
                }
                self.grant(&mut model, *wish);
            }
            let mut cells: Vec<_> =
                model.arrays.iter().flat_map(|(a, cells)| cells.keys().map(|i| (*a, *i))).collect();
            cells.sort_unstable();
            for (array, index) in cells {
                if spent() {
                    return model;
                }
                let mut next = model.clone();
                if let Some(contents) = next.arrays.get_mut(&array) {
                    contents.remove(&index);
                }
                self.accept(&mut model, next);
            }
        }
        model
    }

    fn accept(&self, model: &mut Model, next: Model) -> bool {
        let better = self.satisfied(&next);
        if better {
            *model = next;
        }
        better
    }

    /// Tries to make one term zero by changing variables.
    fn grant(&self, model: &mut Model, wish: Term) {
        let wish = match *self.terms.node(wish) {
            Node::Zext(inner) => inner,
            _ => wish,
        };
        match *self.terms.node(wish) {
            Node::Variable(_) => {
                let value = model.variables.get(&wish).copied().unwrap_or(0);
                let least = std::iter::once(0).chain((0..128).map(|n| 1u128 << n));
                let smaller = least.take_while(|v| *v < value).take(12);
                for candidate in smaller {
                    let mut next = model.clone();
                    next.variables.insert(wish, candidate);
                    if self.accept(model, next) {
                        return;
                    }
                }
            }
            // a ≠ b is not wished for: give one the other's value.
            Node::Not(inner) => {
                if let Node::Eq(a, b) = *self.terms.node(inner) {
                    self.equate(model, a, b);
                }
            }
            Node::Xor(a, b) => self.equate(model, a, b),
            _ => {}
        }
    }

    fn equate(&self, model: &mut Model, a: Term, b: Term) {
        let is_variable = |t| matches!(self.terms.node(t), Node::Variable(_));
        if !is_variable(a) || !is_variable(b) {
            return;
        }
        let value = |t| model.variables.get(&t).copied().unwrap_or(0);
        let (x, y) = (value(a), value(b));
        for (t, v) in [(b, x), (a, y)] {
            let mut next = model.clone();
            next.variables.insert(t, v);
            if self.accept(model, next) {
                return;
            }
        }
    }
}

/// Terms that may be evaluated while a model is made small.
const EFFORT: usize = 400_000;

/// Assignments that are tried.
const ATTEMPTS: u64 = 24;

/// A fixed scrambling of numbers (`SplitMix64`).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

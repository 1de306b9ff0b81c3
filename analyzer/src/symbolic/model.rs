//! A model: values for free variables and array elements, and the value of any term under it.

use std::collections::{BTreeMap, HashMap};

use model::bits::{Bits, Op};

use super::term::{Array, Node, Term, Terms};

/// Values; what is not mentioned is zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) variables: HashMap<Term, u128>,
    pub(crate) arrays: HashMap<Array, BTreeMap<u128, u128>>,
}

impl Model {
    /// How much is not zero.
    pub(crate) fn weight(&self) -> usize {
        let cells = self.arrays.values().flat_map(BTreeMap::values);
        self.variables.values().chain(cells).filter(|value| **value != 0).count()
    }
}

/// Evaluates terms under a model, each node once.
pub(crate) struct Evaluator<'m> {
    terms: &'m Terms,
    model: &'m Model,
    done: HashMap<Term, u128, rustc_hash::FxBuildHasher>,
}

impl<'m> Evaluator<'m> {
    pub(crate) fn new(terms: &'m Terms, model: &'m Model) -> Self {
        Self { terms, model, done: HashMap::default() }
    }

    pub(crate) fn value(&mut self, root: Term) -> u128 {
        let mut stack = vec![root];
        while let Some(&t) = stack.last() {
            if self.done.contains_key(&t) {
                stack.pop();
                continue;
            }
            let children = self.terms.children(t);
            let before = stack.len();
            stack.extend(children.iter().filter(|c| !self.done.contains_key(c)));
            if stack.len() == before {
                let x: Vec<Bits> = children
                    .iter()
                    .map(|c| Bits::new(self.done[c], self.terms.width(*c)))
                    .collect();
                let value = evaluate(self.terms, t, &x, self.model);
                self.done.insert(t, value);
                stack.pop();
            }
        }
        self.done[&root]
    }
}

/// The value of a term whose parts have the values `x`.
pub(crate) fn evaluate(terms: &Terms, t: Term, x: &[Bits], model: &Model) -> u128 {
    let width = terms.width(t);
    let apply = |op: Op| op.apply(x, width).value;
    match terms.node(t) {
        Node::Const(value) => *value,
        Node::Variable(_) => model.variables.get(&t).copied().unwrap_or(0),
        Node::Select(array, _) => {
            let cells = model.arrays.get(array);
            cells.and_then(|c| c.get(&x[0].value)).copied().unwrap_or(0)
        }
        Node::Sum(parts, constant) => {
            let total = parts
                .iter()
                .zip(x)
                .fold(*constant, |sum, ((_, c), x)| sum.wrapping_add(c.wrapping_mul(x.value)));
            Bits::new(total, width).value
        }
        Node::Not(_) => apply(Op::Not),
        Node::And(..) => apply(Op::And),
        Node::Or(..) => apply(Op::Or),
        Node::Xor(..) => apply(Op::Xor),
        Node::Mul(..) => apply(Op::Mul),
        Node::Divide(op, ..) | Node::Shift(op, ..) => apply(*op),
        Node::Eq(..) => apply(Op::Eq),
        Node::Ult(..) => apply(Op::Ult),
        Node::Slt(..) => apply(Op::Slt),
        Node::Ite(..) => apply(Op::Ite),
        Node::Concat(..) => apply(Op::Concat),
        Node::Extract(_, low) => Bits::new(x[0].value >> low, width).value,
        Node::Zext(_) => apply(Op::Zext),
        Node::Sext(_) => apply(Op::Sext),
        Node::Parity(_) => apply(Op::Parity),
    }
}

//! Terms to an and-inverter graph, arrays by Ackermann's expansion.

use std::collections::BTreeMap;

use model::bits::Op;
use rustc_hash::FxHashMap;

use crate::sat::aig::{Aig, Lit};
use crate::sat::circuits as c;
use crate::sat::cnf::Cnf;
use crate::sat::{SatSolver, batsat::BatSat};
use crate::symbolic::model::Model;
use crate::symbolic::term::{Array, Node, Term, Terms};

/// A query at the level of bits.
pub(crate) struct Blasted {
    aig: Aig,
    bits: FxHashMap<Term, Vec<Lit>>,
    /// Every select, by array: index term and value term.
    selects: BTreeMap<Array, Vec<(Term, Term)>>,
    /// What must be true.
    roots: Vec<Lit>,
    wishes: Vec<Vec<Lit>>,
}

impl Blasted {
    pub(crate) fn new(terms: &Terms, roots: &[Term], wishes: &[Term]) -> Self {
        let mut blasted = Self {
            aig: Aig::new(),
            bits: FxHashMap::default(),
            selects: BTreeMap::new(),
            roots: Vec::new(),
            wishes: Vec::new(),
        };
        for &root in roots {
            let bit = blasted.term(terms, root)[0];
            blasted.roots.push(bit);
        }
        for &wish in wishes {
            // A wish about something the query does not mention is granted already.
            if blasted.mentions(terms, wish) {
                let bits = blasted.term(terms, wish);
                blasted.wishes.push(bits);
            }
        }
        if !wishes.is_empty() {
            let contents = blasted.selects.values().flatten().map(|(_, value)| blasted.bits[value].clone());
            let contents: Vec<_> = contents.collect();
            blasted.wishes.extend(contents);
        }
        blasted.ackermann();
        blasted
    }

    /// Whether every leaf of a term occurs in the query.
    fn mentions(&self, terms: &Terms, t: Term) -> bool {
        if self.bits.contains_key(&t) {
            return true;
        }
        let children = terms.children(t);
        !matches!(terms.node(t), Node::Variable(_) | Node::Select(..))
            && children.iter().all(|c| self.mentions(terms, *c))
    }

    pub(crate) fn wishes(&self) -> impl Iterator<Item = &[Lit]> {
        self.wishes.iter().map(Vec::as_slice)
    }

    /// Equal indices of one array select equal values.
    fn ackermann(&mut self) {
        for selects in self.selects.values() {
            for (i, (index, value)) in selects.iter().enumerate() {
                for (other_index, other_value) in &selects[..i] {
                    let same_index = c::eq(&mut self.aig, &self.bits[index], &self.bits[other_index]);
                    if same_index == Lit::FALSE {
                        continue;
                    }
                    let same = c::eq(&mut self.aig, &self.bits[value], &self.bits[other_value]);
                    let holds = self.aig.or(!same_index, same);
                    self.roots.push(holds);
                }
            }
        }
    }

    fn term(&mut self, terms: &Terms, root: Term) -> Vec<Lit> {
        let mut stack = vec![root];
        while let Some(&t) = stack.last() {
            if self.bits.contains_key(&t) {
                stack.pop();
                continue;
            }
            let children = terms.children(t);
            let before = stack.len();
            stack.extend(children.iter().filter(|c| !self.bits.contains_key(c)));
            if stack.len() == before {
                let bits = self.node(terms, t, &children);
                self.bits.insert(t, bits);
                stack.pop();
            }
        }
        self.bits[&root].clone()
    }

    fn node(&mut self, terms: &Terms, t: Term, children: &[Term]) -> Vec<Lit> {
        let width = terms.width(t) as usize;
        let x: Vec<Vec<Lit>> = children.iter().map(|child| self.bits[child].clone()).collect();
        let aig = &mut self.aig;
        match terms.node(t) {
            Node::Const(value) => constant(*value, width),
            Node::Variable(_) => (0..width).map(|_| aig.input()).collect(),
            Node::Select(array, index) => {
                self.selects.entry(*array).or_default().push((*index, t));
                (0..width).map(|_| aig.input()).collect()
            }
            Node::Sum(parts, value) => {
                let mut total = constant(*value, width);
                for ((_, factor), x) in parts.iter().zip(&x) {
                    let negative = factor.wrapping_neg() & model::bits::mask(width as u32);
                    let (factor, subtract) = if negative < *factor { (negative, true) } else { (*factor, false) };
                    let scaled = if factor == 1 { x.clone() } else { c::mul(aig, x, &constant(factor, width)) };
                    total = if subtract { c::sub(aig, &total, &scaled) } else { c::add(aig, &total, &scaled) };
                }
                total
            }
            Node::Not(_) => c::not(&x[0]),
            Node::And(..) => c::and(aig, &x[0], &x[1]),
            Node::Or(..) => c::or(aig, &x[0], &x[1]),
            Node::Xor(..) => c::xor(aig, &x[0], &x[1]),
            Node::Mul(..) => c::mul(aig, &x[0], &x[1]),
            Node::Divide(op, ..) | Node::Shift(op, ..) => binary(aig, *op, &x[0], &x[1]),
            Node::Eq(..) => vec![c::eq(aig, &x[0], &x[1])],
            Node::Ult(..) => vec![c::ult(aig, &x[0], &x[1])],
            Node::Slt(..) => vec![c::slt(aig, &x[0], &x[1])],
            Node::Ite(..) => c::mux(aig, x[0][0], &x[1], &x[2]),
            Node::Concat(..) => [x[1].as_slice(), &x[0]].concat(),
            Node::Extract(_, low) => x[0][*low as usize..*low as usize + width].to_vec(),
            Node::Zext(_) => extended(&x[0], Lit::FALSE, width),
            Node::Sext(_) => extended(&x[0], x[0][x[0].len() - 1], width),
            Node::Parity(_) => vec![c::parity(aig, &x[0])],
        }
    }

    /// The formula, handed to the solver; `None` if it is false by construction.
    pub(crate) fn cnf(&self, solver: &mut BatSat) -> Option<Cnf> {
        if self.roots.contains(&Lit::FALSE) {
            return None;
        }
        let asserted = self.roots.iter().copied().filter(|lit| *lit != Lit::TRUE);
        let everything: Vec<Lit> = asserted
            .clone()
            .chain(self.wishes.iter().flatten().copied().filter(|l| *l != Lit::TRUE && *l != Lit::FALSE))
            .collect();
        let cnf = Cnf::new(&self.aig, &everything);
        for clause in cnf.clauses() {
            solver.add_clause(clause);
        }
        for lit in asserted {
            let literal = cnf.literal(lit).expect("every root has a variable");
            solver.add_clause(&[literal]);
        }
        Some(cnf)
    }

    /// Reads the solver's model back.
    pub(crate) fn model(&self, terms: &Terms, cnf: &Cnf, solver: &BatSat) -> Model {
        let mut model = Model::default();
        let read = |t: &Term| {
            let value = |lit: &Lit| cnf.value(&self.aig, *lit, |v| solver.value(v)).unwrap_or(false);
            self.bits[t].iter().rev().fold(0u128, |n, lit| n << 1 | u128::from(value(lit)))
        };
        let variables = self.bits.keys().filter(|t| matches!(terms.node(**t), Node::Variable(_)));
        model.variables.extend(variables.map(|t| (*t, read(t))));
        for (array, selects) in &self.selects {
            let cells = selects.iter().map(|(index, value)| (read(index), read(value)));
            model.arrays.entry(*array).or_default().extend(cells.filter(|(_, value)| *value != 0));
        }
        model
    }
}

fn constant(value: u128, width: usize) -> Vec<Lit> {
    c::constant(width, &[value as u64, (value >> 64) as u64])
}

fn extended(x: &[Lit], with: Lit, width: usize) -> Vec<Lit> {
    let mut all = x.to_vec();
    all.resize(width, with);
    all
}

/// Division, remainder and shifts.
fn binary(aig: &mut Aig, op: Op, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    match op {
        Op::Udiv => c::udiv(aig, a, b),
        Op::Urem => c::urem(aig, a, b),
        Op::Sdiv => c::sdiv(aig, a, b),
        Op::Srem => c::srem(aig, a, b),
        Op::Shl => c::shl(aig, a, b),
        Op::Lshr => c::lshr(aig, a, b),
        Op::Ashr => c::ashr(aig, a, b),
        Op::Not
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Neg
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Eq
        | Op::Ult
        | Op::Slt
        | Op::Ite
        | Op::Concat
        | Op::Low
        | Op::Zext
        | Op::Sext
        | Op::Parity => unreachable!("the terms know division and shifts by operator, nothing else"),
    }
}

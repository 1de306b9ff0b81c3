//! Terms to an and-inverter graph and clauses; selects are free, and the lemmas that make them
//! consistent (equal indices of one array select equal values) are added where a model breaks them.

use std::collections::BTreeMap;

use model::bits::Op;
use rustc_hash::FxHashMap;

use crate::sat::aig::{Aig, Lit};
use crate::sat::batsat::BatSat;
use crate::sat::circuits as c;
use crate::sat::cnf::Cnf;
use crate::sat::{Budget, Outcome, SatSolver};
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
            let contents =
                blasted.selects.values().flatten().map(|(_, value)| blasted.bits[value].clone());
            let contents: Vec<_> = contents.collect();
            blasted.wishes.extend(contents);
        }
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
                    let (factor, subtract) =
                        if negative < *factor { (negative, true) } else { (*factor, false) };
                    let scaled = if factor == 1 {
                        x.clone()
                    } else {
                        c::mul(aig, x, &constant(factor, width))
                    };
                    total = if subtract {
                        c::sub(aig, &total, &scaled)
                    } else {
                        c::add(aig, &total, &scaled)
                    };
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

    /// The formula, handed to a solver; `None` if it is false by construction.
    pub(crate) fn solver(self) -> Option<Solver> {
        if self.roots.contains(&Lit::FALSE) {
            return None;
        }
        let asserted: Vec<Lit> =
            self.roots.iter().copied().filter(|lit| *lit != Lit::TRUE).collect();
        let selects = self.selects.values().flatten().flat_map(|(i, v)| [i, v]);
        let read = selects.flat_map(|t| self.bits[t].clone());
        let wished = self.wishes.iter().flatten().copied();
        let is_free = |lit: &Lit| *lit != Lit::TRUE && *lit != Lit::FALSE;
        let everything: Vec<Lit> =
            asserted.iter().copied().chain(wished).chain(read).filter(is_free).collect();
        let cnf = Cnf::new(&self.aig, &everything);
        let mut sat = BatSat::new();
        for clause in cnf.clauses() {
            sat.add_clause(clause);
        }
        for lit in asserted {
            let literal = cnf.literal(lit).expect("every root has a variable");
            sat.add_clause(&[literal]);
        }
        let next = cnf.variables() as i32 + 1;
        let literals = |t: &Term| self.bits[t].iter().map(|lit| Bit::of(&cnf, *lit)).collect();
        let selects = self.selects.iter().map(|(array, all)| {
            let all = all.iter().map(|(i, v)| (literals(i), literals(v))).collect();
            (*array, all)
        });
        let selects = selects.collect();
        Some(Solver { blasted: self, cnf, sat, selects, next })
    }
}

/// One bit at the level of clauses.
#[derive(Debug, Clone, Copy)]
enum Bit {
    Known(bool),
    Literal(i32),
}

impl Bit {
    fn of(cnf: &Cnf, lit: Lit) -> Self {
        match lit {
            Lit::TRUE => Self::Known(true),
            Lit::FALSE => Self::Known(false),
            _ => Self::Literal(cnf.literal(lit).expect("every bit of a select is a root")),
        }
    }

    /// The literal, or for a known bit that of the constant `one`.
    fn literal(self, one: i32) -> i32 {
        match self {
            Self::Known(true) => one,
            Self::Known(false) => -one,
            Self::Literal(literal) => literal,
        }
    }
}

type Select = (Vec<Bit>, Vec<Bit>);

/// A formula in a solver.
pub(crate) struct Solver {
    blasted: Blasted,
    cnf: Cnf,
    sat: BatSat,
    selects: BTreeMap<Array, Vec<Select>>,
    /// First variable that is not used yet.
    next: i32,
}

impl Solver {
    pub(crate) fn conflicts(&self) -> u64 {
        self.sat.conflicts()
    }

    /// Wishes as literals that should be false.
    pub(crate) fn wishes(&self) -> Vec<Vec<i32>> {
        let literals = |wish: &Vec<Lit>| {
            wish.iter().filter_map(|lit| self.cnf.literal(*lit)).map(|literal| -literal).collect()
        };
        self.blasted.wishes.iter().map(literals).collect()
    }

    /// Solves, adding lemmas about selects until a model respects them all.
    pub(crate) fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
        loop {
            match self.sat.solve(assumptions, budget) {
                Outcome::Sat => {}
                other => return other,
            }
            let broken = self.broken();
            if broken.is_empty() {
                return Outcome::Sat;
            }
            for (array, i, j) in broken {
                let all = &self.selects[&array];
                let (a, b) = (all[i].clone(), all[j].clone());
                self.lemma(&a, &b);
            }
        }
    }

    fn number(&self, bits: &[Bit]) -> u128 {
        bits.iter().rev().fold(0, |n, bit| {
            let value = match *bit {
                Bit::Known(value) => value,
                Bit::Literal(literal) => self.sat.value(literal.abs()) == (literal > 0),
            };
            n << 1 | u128::from(value)
        })
    }

    /// Pairs of selects that the model gives equal indices and different values.
    fn broken(&self) -> Vec<(Array, usize, usize)> {
        let mut all = Vec::new();
        for (array, selects) in &self.selects {
            let mut first: BTreeMap<u128, (usize, u128)> = BTreeMap::new();
            for (i, (index, value)) in selects.iter().enumerate() {
                let (index, value) = (self.number(index), self.number(value));
                let (j, known) = *first.entry(index).or_insert((i, value));
                if known != value {
                    all.push((*array, i, j));
                }
            }
        }
        all
    }

    /// Equal indices select equal values.
    fn lemma(&mut self, a: &Select, b: &Select) {
        let one = self.fresh();
        self.sat.add_clause(&[one]);
        let same = self.fresh();
        let mut clause = vec![same];
        for (x, y) in a.0.iter().zip(&b.0) {
            let (x, y) = (x.literal(one), y.literal(one));
            let differ = self.fresh();
            self.sat.add_clause(&[-differ, x, y]);
            self.sat.add_clause(&[-differ, -x, -y]);
            clause.push(differ);
        }
        self.sat.add_clause(&clause);
        for (x, y) in a.1.iter().zip(&b.1) {
            let (x, y) = (x.literal(one), y.literal(one));
            self.sat.add_clause(&[-same, -x, y]);
            self.sat.add_clause(&[-same, x, -y]);
        }
    }

    fn fresh(&mut self) -> i32 {
        self.next += 1;
        self.next - 1
    }

    /// Reads the solver's model back.
    pub(crate) fn model(&self, terms: &Terms) -> Model {
        let mut model = Model::default();
        let blasted = &self.blasted;
        let read = |t: &Term| {
            let value = |lit: &Lit| {
                self.cnf.value(&blasted.aig, *lit, |v| self.sat.value(v)).unwrap_or(false)
            };
            blasted.bits[t].iter().rev().fold(0u128, |n, lit| n << 1 | u128::from(value(lit)))
        };
        let variables =
            blasted.bits.keys().filter(|t| matches!(terms.node(**t), Node::Variable(_)));
        model.variables.extend(variables.map(|t| (*t, read(t))));
        for (array, selects) in &blasted.selects {
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
        | Op::Parity => {
            unreachable!("the terms know division and shifts by operator, nothing else")
        }
    }
}

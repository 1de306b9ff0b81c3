//! Terms to an and-inverter graph and clauses; selects are free, and the lemmas that make them
//! consistent (equal indices of one array select equal values) are added where a model breaks them.

use std::collections::BTreeMap;

use model::bits::Op;
use rustc_hash::FxHashMap;

use super::GATES;
use crate::sat::aig::{Aig, Lit};
use crate::sat::circuits as c;
use crate::sat::cnf::{Cnf, Definition};
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
    minimise: Vec<Vec<Lit>>,
}

impl Blasted {
    pub(crate) fn new(terms: &Terms, roots: &[Term], minimise: &[Term]) -> Self {
        let mut blasted = Self {
            aig: Aig::new(),
            bits: FxHashMap::default(),
            selects: BTreeMap::new(),
            roots: Vec::new(),
            minimise: Vec::new(),
        };
        for &root in roots {
            let bit = blasted.term(terms, root)[0];
            blasted.roots.push(bit);
        }
        for &wish in minimise {
            // A goal about something the query does not mention is met already.
            if blasted.mentions(terms, wish) {
                let bits = blasted.term(terms, wish);
                blasted.minimise.push(bits);
            }
        }
        if !minimise.is_empty() {
            let contents =
                blasted.selects.values().flatten().map(|(_, value)| blasted.bits[value].clone());
            let contents: Vec<_> = contents.collect();
            blasted.minimise.extend(contents);
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
        if let Node::Select(array, index) = terms.node(t) {
            self.selects.entry(*array).or_default().push((*index, t));
        }
        if let Node::Select(..) | Node::Variable(_) = terms.node(t) {
            return (0..terms.width(t)).map(|_| self.aig.input()).collect();
        }
        if self.gates() > GATES {
            // Nobody asks for the clauses of a circuit that is too large.
            return constant(0, terms.width(t) as usize);
        }
        let x: Vec<Vec<Lit>> = children.iter().map(|child| self.bits[child].clone()).collect();
        circuit(&mut self.aig, terms, t, &x)
    }

    /// Size of the circuit.
    pub(crate) fn gates(&self) -> usize {
        self.aig.node_count()
    }

    /// The formula as clauses; `None` if it is false by construction.
    pub(crate) fn clauses(self) -> Option<Formula> {
        assert!(self.gates() <= GATES, "the circuit is not complete");
        if self.roots.contains(&Lit::FALSE) {
            return None;
        }
        let asserted: Vec<Lit> =
            self.roots.iter().copied().filter(|lit| *lit != Lit::TRUE).collect();
        let selects = self.selects.values().flatten().flat_map(|(i, v)| [i, v]);
        let read = selects.flat_map(|t| self.bits[t].clone());
        let wished = self.minimise.iter().flatten().copied();
        let is_free = |lit: &Lit| *lit != Lit::TRUE && *lit != Lit::FALSE;
        let everything: Vec<Lit> =
            asserted.iter().copied().chain(wished).chain(read).filter(is_free).collect();
        let mut cnf = Cnf::new(&self.aig, &everything);
        for lit in asserted {
            let literal = cnf.literal(lit).expect("every root has a variable");
            cnf.add_clause(&[literal]);
        }
        let literals = |t: &Term| self.bits[t].iter().map(|lit| Bit::of(&cnf, *lit)).collect();
        let selects = self.selects.iter().map(|(array, all)| {
            let all = all.iter().map(|(i, v)| (literals(i), literals(v))).collect();
            (*array, all)
        });
        let selects = selects.collect();
        Some(Formula { blasted: self, cnf, selects })
    }

    /// The formula, handed to a solver; `None` if it is false by construction.
    pub(crate) fn solver(self, make: fn() -> Box<dyn SatSolver>) -> Option<Solver> {
        self.clauses().map(|formula| Solver::new(formula, make()))
    }
}

/// The bits of a term that is no leaf, from the bits of its parts.
fn circuit(aig: &mut Aig, terms: &Terms, t: Term, x: &[Vec<Lit>]) -> Vec<Lit> {
    let width = terms.width(t) as usize;
    match terms.node(t) {
        Node::Const(value) => constant(*value, width),
        Node::Variable(_) | Node::Select(..) => unreachable!("a leaf has no parts"),
        Node::Sum(parts, value) => {
            let mut total = constant(*value, width);
            for ((_, factor), x) in parts.iter().zip(x) {
                let negative = factor.wrapping_neg() & model::bits::mask(width as u32);
                let (factor, subtract) =
                    if negative < *factor { (negative, true) } else { (*factor, false) };
                let scaled =
                    if factor == 1 { x.clone() } else { c::mul(aig, x, &constant(factor, width)) };
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

/// A formula as clauses, selects still free.
pub(crate) struct Formula {
    blasted: Blasted,
    cnf: Cnf,
    selects: BTreeMap<Array, Vec<Select>>,
}

/// Two selects of one array: its number, and their positions.
pub(crate) type Lemma = (u32, usize, usize);

impl Formula {
    /// The clauses, without lemmas.
    pub(crate) fn cnf(&self) -> &Cnf {
        &self.cnf
    }

    /// Equal indices select equal values: the clauses that say so of two selects. `None` if there
    /// are no such selects.
    pub(crate) fn lemma(&mut self, (array, i, j): Lemma) -> Option<Vec<Vec<i32>>> {
        let all = self.selects.get(&Array(array))?;
        let (a, b) = (all.get(i)?.clone(), all.get(j)?.clone());
        let one = self.cnf.define(Definition::Free);
        let same = self.cnf.define(Definition::Free);
        let mut clauses = vec![vec![one]];
        let mut some_differ = vec![same];
        for (x, y) in a.0.iter().zip(&b.0) {
            let (x, y) = (x.literal(one), y.literal(one));
            let differ = self.cnf.define(Definition::Free);
            clauses.extend([vec![-differ, x, y], vec![-differ, -x, -y]]);
            some_differ.push(differ);
        }
        clauses.push(some_differ);
        for (x, y) in a.1.iter().zip(&b.1) {
            let (x, y) = (x.literal(one), y.literal(one));
            clauses.extend([vec![-same, -x, y], vec![-same, x, -y]]);
        }
        let clauses: Vec<Vec<i32>> = clauses.into_iter().filter_map(tidy).collect();
        for clause in &clauses {
            self.cnf.add_clause(clause);
        }
        Some(clauses)
    }

    /// Pairs of selects to which a model gives equal indices and different values.
    pub(crate) fn broken(&self, value: impl Fn(i32) -> bool) -> Vec<Lemma> {
        let number = |bits: &[Bit]| {
            bits.iter().rev().fold(0u128, |n, bit| {
                let value = match *bit {
                    Bit::Known(value) => value,
                    Bit::Literal(literal) => value(literal.abs()) == (literal > 0),
                };
                n << 1 | u128::from(value)
            })
        };
        let mut all = Vec::new();
        for (array, selects) in &self.selects {
            let mut first: BTreeMap<u128, (usize, u128)> = BTreeMap::new();
            for (i, (index, value)) in selects.iter().enumerate() {
                let (index, value) = (number(index), number(value));
                let (j, known) = *first.entry(index).or_insert((i, value));
                if known != value {
                    all.push((array.0, i, j));
                }
            }
        }
        all
    }
}

/// A clause without repeated literals; `None` if it always holds.
fn tidy(mut clause: Vec<i32>) -> Option<Vec<i32>> {
    clause.sort_unstable_by_key(|literal| (literal.abs(), *literal));
    clause.dedup();
    (!clause.windows(2).any(|pair| pair[0] == -pair[1])).then_some(clause)
}

/// A formula in a solver.
pub(crate) struct Solver {
    formula: Formula,
    sat: Box<dyn SatSolver>,
}

impl Solver {
    fn new(formula: Formula, mut sat: Box<dyn SatSolver>) -> Self {
        for clause in formula.cnf.clauses() {
            sat.add_clause(clause);
        }
        Self { formula, sat }
    }

    pub(crate) fn conflicts(&self) -> u64 {
        self.sat.conflicts()
    }

    /// Number of clauses, without lemmas.
    pub(crate) fn clauses(&self) -> u64 {
        self.formula.cnf.clauses().count() as u64
    }

    /// Minimisation goals as literals that should be false.
    pub(crate) fn minimise(&self) -> Vec<Vec<i32>> {
        let literal = |lit: &Lit| self.formula.cnf.literal(*lit).map(|literal| -literal);
        let literals = |wish: &Vec<Lit>| wish.iter().filter_map(literal).collect();
        self.formula.blasted.minimise.iter().map(literals).collect()
    }

    /// Solves, adding lemmas about selects until a model respects them all.
    pub(crate) fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
        loop {
            match self.sat.solve(assumptions, budget) {
                Outcome::Sat => {}
                other => return other,
            }
            let broken = self.formula.broken(|v| self.sat.value(v));
            if broken.is_empty() {
                return Outcome::Sat;
            }
            for lemma in broken {
                for clause in self.formula.lemma(lemma).into_iter().flatten() {
                    self.sat.add_clause(&clause);
                }
            }
        }
    }

    /// Reads the solver's model back.
    pub(crate) fn model(&self, terms: &Terms) -> Model {
        let mut model = Model::default();
        let Formula { blasted, cnf, .. } = &self.formula;
        let read = |t: &Term| {
            let value =
                |lit: &Lit| cnf.value(&blasted.aig, *lit, |v| self.sat.value(v)).unwrap_or(false);
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

#[cfg(test)]
mod tests {
    use model::bits::{Bits, Op, mask};

    use super::{Blasted, GATES, Node, Term, Terms};
    use crate::sat::aig;

    /// Applies an operator to variables and constants of some widths, every way, and compares the
    /// circuit with the operator table on every assignment.
    fn agrees(plain: bool, op: Op, widths: &[u32], result: u32) {
        let mut choices: Vec<Vec<Option<u128>>> = vec![Vec::new()];
        for width in widths {
            let operand = std::iter::once(None).chain((0..=mask(*width)).map(Some));
            let operand: Vec<Option<u128>> = operand.collect();
            let with = |known: &Vec<_>, next| [known.as_slice(), &[next]].concat();
            let all = choices.iter().flat_map(|c| operand.iter().map(move |o| with(c, *o)));
            choices = all.collect();
        }
        for choice in choices {
            let mut terms = if plain { Terms::plain() } else { Terms::default() };
            let x: Vec<Term> = (choice.iter().zip(widths))
                .map(|(value, width)| match value {
                    Some(value) => terms.constant(*value, *width),
                    None => terms.variable(*width),
                })
                .collect();
            let t = terms.apply(op, &x, result);
            circuit_agrees(&terms, t, &x, &|x| op.apply(x, result).value, op.name());
        }
    }

    /// Compares the circuit of a term with a meaning over operands that are leaves.
    fn circuit_agrees(
        terms: &Terms,
        t: Term,
        x: &[Term],
        meaning: &dyn Fn(&[Bits]) -> u128,
        name: &str,
    ) {
        let mut blasted = Blasted::new(terms, &[], &[]);
        let bits = blasted.term(terms, t);
        let leaves: Vec<_> = x.iter().map(|leaf| blasted.term(terms, *leaf)).collect();
        // The number of each input among the bits of the leaves.
        let inputs = |bits: &[aig::Lit]| -> Option<Vec<u32>> {
            let input = |lit: &aig::Lit| match blasted.aig.node(lit.index()) {
                aig::Node::Input(number) => Some(number),
                _ => None,
            };
            bits.iter().map(input).collect()
        };
        let numbers: Vec<Vec<u32>> = leaves.iter().filter_map(|bits| inputs(bits)).collect();
        let count: usize = numbers.iter().map(Vec::len).sum();
        for assignment in 0..1u32 << count {
            let values = blasted.aig.values(|number| assignment >> number & 1 == 1);
            let value = |bits: &[aig::Lit]| {
                bits.iter().rev().fold(0u128, |n, lit| {
                    n << 1 | u128::from(values[lit.index()] ^ lit.is_complement())
                })
            };
            let operands: Vec<Bits> = (x.iter().zip(&leaves))
                .map(|(leaf, bits)| Bits::new(value(bits), terms.width(*leaf)))
                .collect();
            let (found, expected) = (value(&bits), meaning(&operands));
            assert_eq!(found, expected, "{name} of {operands:?} as {:?}", terms.node(t));
        }
    }

    /// The widths of operands and result with which an operator is tried.
    fn shapes(op: Op) -> Vec<(Vec<u32>, u32)> {
        let pairs = || (1..=4).flat_map(|a| (1..=4).map(move |b| (a, b)));
        match op {
            Op::Not | Op::Neg => (1..=4).map(|w| (vec![w], w)).collect(),
            Op::Parity => (1..=4).map(|w| (vec![w], 1)).collect(),
            Op::Eq | Op::Ult | Op::Slt => (1..=4).map(|w| (vec![w, w], 1)).collect(),
            Op::Ite => (1..=3).map(|w| (vec![1, w, w], w)).collect(),
            Op::Concat => pairs().map(|(a, b)| (vec![a, b], a + b)).collect(),
            Op::Shl | Op::Lshr | Op::Ashr => pairs().map(|(a, b)| (vec![a, b], a)).collect(),
            Op::Low => pairs().filter(|(a, b)| b <= a).map(|(a, b)| (vec![a], b)).collect(),
            Op::Zext | Op::Sext => {
                pairs().flat_map(|(a, b)| [(vec![a], a + b), (vec![a], a)]).collect()
            }
            Op::And
            | Op::Or
            | Op::Xor
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Udiv
            | Op::Urem
            | Op::Sdiv
            | Op::Srem => (1..=4).map(|w| (vec![w, w], w)).collect(),
        }
    }

    #[test]
    fn circuits_compute_the_operator_table() {
        for &op in Op::ALL {
            for (widths, result) in shapes(op) {
                assert_eq!(widths.len(), op.arity());
                agrees(true, op, &widths, result);
                agrees(false, op, &widths, result);
            }
        }
    }

    #[test]
    fn both_operands_can_be_the_same() {
        for &op in Op::ALL.iter().filter(|op| op.arity() == 2) {
            for (widths, result) in shapes(op).into_iter().filter(|(w, _)| w[0] == w[1]) {
                for mut terms in [Terms::plain(), Terms::default()] {
                    let x = terms.variable(widths[0]);
                    let t = terms.apply(op, &[x, x], result);
                    let meaning = |x: &[Bits]| op.apply(&[x[0], x[0]], result).value;
                    circuit_agrees(&terms, t, &[x], &meaning, op.name());
                }
            }
        }
    }

    #[test]
    fn circuits_take_bits() {
        for width in 1..=4 {
            for low in 0..width {
                for taken in 1..=width - low {
                    for mut terms in [Terms::plain(), Terms::default()] {
                        let x = terms.variable(width);
                        let t = terms.extract(x, low, taken);
                        let meaning = |x: &[Bits]| Bits::new(x[0].value >> low, taken).value;
                        circuit_agrees(&terms, t, &[x], &meaning, "bits");
                    }
                }
            }
        }
    }

    /// A circuit that is too large is not made to its end.
    #[test]
    fn circuits_are_bounded() {
        let mut terms = Terms::default();
        let x = terms.variable(128);
        let power = (0..200).fold(x, |t: Term, _| terms.mul(t, x));
        let odd = terms.extract(power, 0, 1);
        let gates = Blasted::new(&terms, &[odd], &[]).gates();
        assert!(gates > GATES && gates < GATES + 1_000_000, "{gates} gates");
    }

    /// Sums with every pair of coefficients and every constant.
    #[test]
    fn circuits_add_up() {
        for width in 1..=3 {
            let all = || 0..=mask(width);
            for (a, b, k) in
                all().flat_map(|a| all().flat_map(move |b| all().map(move |k| (a, b, k))))
            {
                let mut terms = Terms::default();
                let x = [terms.variable(width), terms.variable(width)];
                let mut total = terms.constant(k, width);
                for (t, c) in x.into_iter().zip([a, b]) {
                    let c = terms.constant(c, width);
                    let product = terms.mul(t, c);
                    total = terms.add(total, product);
                }
                assert!(a == 0 || b == 0 || matches!(terms.node(total), Node::Sum(..)));
                let meaning =
                    |x: &[Bits]| Bits::new(a * x[0].value + b * x[1].value + k, width).value;
                circuit_agrees(&terms, total, &x, &meaning, "sum");
            }
        }
    }
}

//! The rewriter against its own meaning: what a term becomes has the value of what was asked for.

use std::collections::{HashMap, HashSet};

use model::bits::{Bits, Op, mask};

use super::facts::Facts;
use super::model::{Evaluator, Model};
use super::term::{Node, Term, Terms, conjuncts};
use super::world::{Leaves, WIDEST, World};
use crate::decide::Blasted;
use crate::sat::batsat::BatSat;
use crate::sat::tests::Random;
use crate::sat::{Budget, Outcome};

/// A model that gives variables values.
fn values(all: &[(Term, u128)]) -> Model {
    Model { variables: all.iter().copied().collect(), ..Model::default() }
}

/// 2 + x for an x ≤ 1 is 2 or 3: as a number of two bits, the 2 looks negative.
#[test]
fn a_constant_of_an_exact_sum_can_have_the_high_bit() {
    let mut terms = Terms::default();
    let x = terms.variable(1);
    let (wide, two) = (terms.zext(x, 2), terms.constant(2, 2));
    let sum = terms.add(wide, two);
    assert_eq!(terms.integer(sum), (vec![(x, 1)], 2));
    let wider = terms.zext(sum, 4);
    let model = values(&[(x, 1)]);
    assert_eq!(Evaluator::new(&terms, &model).value(wider), 3);
    assert_eq!(terms.integer(wider), (vec![(x, 1)], 2));
}

/// 3x for an x ≤ 1 is 0 or 3: as a number of two bits, the 3 looks like −1.
#[test]
fn a_coefficient_of_an_exact_sum_can_have_the_high_bit() {
    let mut terms = Terms::default();
    let x = terms.variable(1);
    let (wide, three) = (terms.zext(x, 2), terms.constant(3, 2));
    let product = terms.mul(wide, three);
    assert_eq!(terms.integer(product), (vec![(x, 3)], 0));
    let wider = terms.zext(product, 4);
    let model = values(&[(x, 1)]);
    assert_eq!(Evaluator::new(&terms, &model).value(wider), 3);
}

/// A sum of two bits that is said not to wrap is x + y, not −x − y.
#[test]
fn a_sum_of_single_bits_is_positive() {
    let mut terms = Terms::default();
    let (x, y) = (terms.variable(1), terms.variable(1));
    let sum = terms.add_exact(x, y);
    assert_eq!(terms.integer(sum), (vec![(x, 1), (y, 1)], 0));
}

/// A conditional address is one term, whether it is compared at its width or added up at another.
#[test]
fn a_choice_is_the_same_wherever_it_is_extended() {
    let mut terms = Terms::default();
    let (c, x) = (terms.variable(1), terms.variable(32));
    let (narrow, wide) = (terms.constant(0, 32), terms.constant(0, 33));
    let choice = terms.ite(c, narrow, x);
    let extended = terms.zext(x, 33);
    let other = terms.ite(c, wide, extended);
    assert_eq!(terms.zext(choice, 33), other);
    assert_eq!(terms.integer(other), (vec![(choice, 1)], 0));
}

/// c = c\[0\] ? (c >> 1) ^ k : c >> 1, many times: each round asks for bits of the round before.
#[test]
fn bits_of_choices_are_made_once() {
    let mut terms = Terms::default();
    let mut c = terms.variable(32);
    for _ in 0..64 {
        let (by, k) = (terms.constant(1, 32), terms.constant(0xedb8_8320, 32));
        let (bit, half) = (terms.extract(c, 0, 1), terms.apply(Op::Lshr, &[c, by], 32));
        let mixed = terms.xor(half, k);
        c = terms.ite(bit, mixed, half);
    }
    assert!(terms.len() < 10_000, "{} terms", terms.len());
}

/// What several conjunctions share is looked at once.
#[test]
fn conjunctions_are_graphs() {
    let mut terms = Terms::default();
    let mut all = terms.variable(1);
    for _ in 0..64 {
        let (x, y) = (terms.variable(1), terms.variable(1));
        let (left, right) = (terms.and(all, x), terms.and(all, y));
        all = terms.and(left, right);
    }
    assert_eq!(conjuncts(&terms, all).len(), 129);
    assert_eq!(Facts::default().decide(&terms, all), None);
}

/// Rewriting ends when the time is up.
#[test]
fn rewriting_keeps_to_the_deadline() {
    let mut terms = Terms::default();
    let (x, y) = (terms.variable(8), terms.variable(8));
    let (sum, zero) = (terms.add(x, y), terms.constant(0, 8));
    let there = |_: &mut Terms, t| (t == x).then_some(zero);
    assert_eq!(terms.rewrite(sum, there), y);
    terms.deadline = Some(std::time::Instant::now());
    assert_eq!(terms.rewrite(sum, there), sum);
}

/// Terms of a world that rules are tried on, by width.
struct Pool {
    world: World,
    random: Random,
    /// Terms in the order in which they came up, no two the same.
    all: Vec<Term>,
    known: HashSet<Term>,
}

impl Pool {
    fn new(leaves: Leaves, width: u32) -> Self {
        let mut random = Random(u64::from(width));
        let (mut world, mut all) = World::new(leaves, width, &mut random);
        for n in [0, 1, mask(width), 1 << (width - 1)] {
            all.push(world.terms.constant(n, width));
        }
        let mut pool = Self { world, random, all: Vec::new(), known: HashSet::new() };
        for t in all {
            pool.known(t);
        }
        pool
    }

    fn width(&self, t: Term) -> u32 {
        self.world.terms.width(t)
    }

    fn known(&mut self, t: Term) {
        if self.known.insert(t) {
            self.world.check_integer(t);
            self.all.push(t);
        }
    }

    fn apply(&mut self, op: Op, x: &[Term], width: u32) {
        if width <= WIDEST {
            let t = self.world.apply(op, x, width);
            self.known(t);
        }
    }

    /// Every operator of one operand.
    fn unary(&mut self, a: Term) {
        let width = self.width(a);
        self.apply(Op::Not, &[a], width);
        self.apply(Op::Neg, &[a], width);
        self.apply(Op::Parity, &[a], 1);
        for wide in width..=width + 2 {
            self.apply(Op::Zext, &[a], wide);
            self.apply(Op::Sext, &[a], wide);
        }
        for low in 0..width {
            for taken in 1..=width - low {
                let t = self.world.terms.extract(a, low, taken);
                let meaning = |x: &[Bits]| Bits::new(x[0].value >> low, taken).value;
                self.world.check(t, &[a], taken, &meaning, &|| format!("bits from {low}"));
                self.known(t);
            }
        }
    }

    /// Every operator of two operands.
    fn binary(&mut self, a: Term, b: Term) {
        let (width, other) = (self.width(a), self.width(b));
        for op in [Op::Shl, Op::Lshr, Op::Ashr] {
            self.apply(op, &[a, b], width);
        }
        self.apply(Op::Concat, &[a, b], width + other);
        if width != other {
            return;
        }
        for op in [Op::And, Op::Or, Op::Xor, Op::Add, Op::Sub, Op::Mul] {
            self.apply(op, &[a, b], width);
        }
        for op in [Op::Udiv, Op::Urem, Op::Sdiv, Op::Srem] {
            self.apply(op, &[a, b], width);
        }
        for op in [Op::Eq, Op::Ult, Op::Slt] {
            self.apply(op, &[a, b], 1);
        }
    }

    fn ternary(&mut self, c: Term, a: Term, b: Term) {
        if self.width(c) == 1 && self.width(a) == self.width(b) {
            let width = self.width(a);
            self.apply(Op::Ite, &[c, a, b], width);
        }
    }

    /// What chance does not make often: a choice within a choice, stretches of one term side by side.
    fn related(&mut self, a: Term, b: Term) {
        let width = self.width(a);
        if let Node::Ite(c, ..) = *self.world.terms.node(a) {
            self.ternary(c, a, b);
            self.ternary(c, b, a);
        }
        if width > 1 && self.width(b) < WIDEST - width {
            let split = 1 + self.random.below(width as usize - 1) as u32;
            let terms = &mut self.world.terms;
            let high = terms.extract(a, split, width - split);
            let low = terms.extract(a, 0, split);
            let more = terms.concat(low, b);
            self.binary(high, low);
            self.binary(high, more);
        }
    }

    /// A term of the pool; those that came first are preferred.
    fn pick(&mut self) -> Term {
        let of = self.all.len();
        let of = if self.random.below(2) == 0 { of.min(40) } else { of };
        self.all[self.random.below(of)]
    }

    /// A term of a width, if there is one nearby.
    fn pick_wide(&mut self, width: u32) -> Term {
        let start = self.random.below(self.all.len());
        let order = (start..self.all.len()).chain(0..start);
        let found = order.map(|i| self.all[i]).find(|t| self.width(*t) == width);
        found.expect("every width that is asked for has a term")
    }

    /// All terms of depth one, all of depth two with a leaf on one side, and `deep` deeper ones.
    fn explore(&mut self, near: usize, deep: usize) {
        let leaves = self.all.clone();
        for &a in &leaves {
            self.unary(a);
            for &b in &leaves {
                self.binary(a, b);
            }
        }
        for &c in &self.all.clone() {
            for &a in &leaves {
                for &b in &leaves {
                    self.ternary(c, a, b);
                }
            }
        }
        let once: Vec<Term> = self.all.iter().copied().take(near).collect();
        for &a in &once {
            self.unary(a);
            for &b in &leaves {
                self.binary(a, b);
                self.binary(b, a);
            }
        }
        for _ in 0..deep {
            let a = self.pick();
            let width = self.width(a);
            let b = self.pick_wide(width);
            let c = self.pick_wide(1);
            match self.random.below(5) {
                0 => self.unary(a),
                1 => self.ternary(c, a, b),
                2 => self.related(a, b),
                _ => self.binary(a, b),
            }
        }
        for _ in 0..deep / 4 {
            self.replace();
        }
    }

    /// A term with the value of a variable put in its place has the term's value there.
    fn replace(&mut self) {
        let (t, variable) = (self.pick(), self.all[0]);
        let width = self.width(variable);
        let value = u128::from(self.random.next()) & mask(width);
        let constant = self.world.terms.constant(value, width);
        let there = |_: &mut Terms, t| (t == variable).then_some(constant);
        let replaced = self.world.terms.rewrite(t, there);
        let before = self.world.table(t).to_vec();
        let after = self.world.table(replaced);
        let values = before.iter().zip(after).map(|(x, y)| x == y).collect::<Vec<_>>();
        for (model, same) in self.world.assignments.iter().zip(values) {
            assert!(same || model.variables[&variable] != value, "{}", self.world.show(t));
        }
    }
}

/// Every constructor, on all terms of little depth and on many deeper ones, makes a term with the
/// value that the operator table gives, under every assignment; its greatest value and its integer
/// form are right as well.
///
/// What the rules see are terms in normal form, so that applying a constructor to such terms is all
/// there is to try: a deeper expression is one whose parts were tried before. That every arm and every
/// early return of the constructors is taken was seen by counting them, line by line, over the tests
/// that call this; only the guard of `narrowed` against equal widths never is.
fn values_are_kept(leaves: Leaves) {
    for (width, near, deep) in [(1, 60, 1500), (2, 120, 2500), (3, 120, 2000), (4, 60, 800)] {
        Pool::new(leaves, width).explore(near, deep);
    }
}

#[test]
fn rules_keep_values_over_variables() {
    values_are_kept(Leaves::Variables);
}

#[test]
fn rules_keep_values_over_several_widths() {
    values_are_kept(Leaves::Mixed);
}

#[test]
fn rules_keep_values_under_bounds() {
    values_are_kept(Leaves::Bounded);
}

#[test]
fn rules_keep_values_of_arrays() {
    values_are_kept(Leaves::Selects);
}

/// One expression twice: as rewritten, and as asked for.
#[derive(Debug, Clone, Copy)]
struct Twice {
    rewritten: Term,
    plain: Term,
}

/// An arena that rewrites and one that does not, with the same leaves.
struct Miter {
    rewriting: Terms,
    plain: Terms,
    random: Random,
    all: Vec<Twice>,
    /// What holds of the leaves, plain.
    premises: Vec<Term>,
    /// What the terms of the rewriting arena are in the plain one, as they stand.
    copies: HashMap<Term, Term>,
}

impl Miter {
    fn new(width: u32) -> Self {
        let mut miter = Self {
            rewriting: Terms::default(),
            plain: Terms::plain(),
            random: Random(u64::from(width)),
            all: Vec::new(),
            premises: Vec::new(),
            copies: HashMap::new(),
        };
        let arrays = (miter.rewriting.array(width), miter.plain.array(width));
        assert_eq!(arrays.0, arrays.1);
        let most = mask(width) * 2 / 3;
        let x = miter.both(|terms| terms.variable(width));
        let y = miter.both(|terms| terms.variable(width));
        miter.both(|terms| terms.variable(width / 2));
        miter.both(|terms| terms.variable(1));
        let bounded = miter.both(|terms| terms.variable_up_to(width, most));
        for index in [x, y] {
            let (a, b) = (index.rewritten, index.plain);
            let twice = Twice {
                rewritten: miter.rewriting.select(arrays.0, a),
                plain: miter.plain.select(arrays.1, b),
            };
            miter.all.push(twice);
        }
        for n in [0, 1, mask(width), 1 << (width - 1)] {
            miter.both(|terms| terms.constant(n, width));
        }
        // Its sum with x does not wrap.
        let sum = Twice {
            rewritten: miter.rewriting.add_exact(bounded.rewritten, x.rewritten),
            plain: miter.plain.add(bounded.plain, x.plain),
        };
        miter.all.push(sum);
        let plain = &mut miter.plain;
        let (most, wraps) = (plain.constant(most, width), plain.ult(sum.plain, x.plain));
        miter.premises = vec![plain.upper_bound(bounded.plain, most), plain.not(wraps)];
        for twice in &miter.all {
            if let Node::Variable(_) = miter.rewriting.node(twice.rewritten) {
                miter.copies.insert(twice.rewritten, twice.plain);
            }
        }
        miter
    }

    fn both(&mut self, make: impl Fn(&mut Terms) -> Term) -> Twice {
        let twice = Twice { rewritten: make(&mut self.rewriting), plain: make(&mut self.plain) };
        self.all.push(twice);
        twice
    }
    fn apply(&mut self, op: Op, x: &[Twice], width: u32) {
        let rewritten: Vec<Term> = x.iter().map(|t| t.rewritten).collect();
        let plain: Vec<Term> = x.iter().map(|t| t.plain).collect();
        let rewritten = self.rewriting.apply(op, &rewritten, width);
        let plain = self.plain.apply(op, &plain, width);
        self.all.push(Twice { rewritten, plain });
    }

    fn pick(&mut self, width: Option<u32>) -> Twice {
        let fits = |t: &&Twice| width.is_none_or(|w| self.plain.width(t.plain) == w);
        let fitting: Vec<Twice> = self.all.iter().filter(fits).copied().collect();
        fitting[self.random.below(fitting.len())]
    }

    /// One more expression over those at hand.
    fn grow(&mut self, widest: u32) {
        let a = self.pick(None);
        let width = self.plain.width(a.plain);
        let b = self.pick(Some(width));
        let binary = [Op::And, Op::Or, Op::Xor, Op::Add, Op::Sub, Op::Add, Op::Sub];
        let compare = [Op::Eq, Op::Ult, Op::Slt, Op::Ult, Op::Eq];
        match self.random.below(12) {
            0 => self.apply(Op::Not, &[a], width),
            1 if width < widest => {
                let more = 1 + self.random.below((widest - width) as usize) as u32;
                let op = if self.random.below(3) == 0 { Op::Sext } else { Op::Zext };
                self.apply(op, &[a], width + more);
            }
            2 | 3 => {
                let low = self.random.below(width as usize) as u32;
                let taken = 1 + self.random.below((width - low) as usize) as u32;
                let rewritten = self.rewriting.extract(a.rewritten, low, taken);
                let plain = self.plain.extract(a.plain, low, taken);
                self.all.push(Twice { rewritten, plain });
            }
            4 => {
                let b = self.pick(None);
                if width + self.plain.width(b.plain) <= widest {
                    self.apply(Op::Concat, &[a, b], width + self.plain.width(b.plain));
                }
            }
            5 => {
                let condition = self.pick(Some(1));
                self.apply(Op::Ite, &[condition, a, b], width);
            }
            6 => {
                let by = u128::from(self.random.next() % u64::from(width + 2));
                let by = self.both(|terms| terms.constant(by, 8));
                let op = [Op::Shl, Op::Lshr, Op::Ashr][self.random.below(3)];
                self.apply(op, &[a, by], width);
            }
            7 => {
                // Distributing a product is hard for the solver; wide factors are powers of two.
                let factor = if width <= 8 {
                    u128::from(self.random.next()) & mask(width)
                } else {
                    1 << self.random.below(width as usize)
                };
                let factor = self.both(|terms| terms.constant(factor, width));
                self.apply(Op::Mul, &[a, factor], width);
            }
            8 | 9 => {
                let op = compare[self.random.below(compare.len())];
                self.apply(op, &[a, b], 1);
            }
            _ => {
                let op = binary[self.random.below(binary.len())];
                self.apply(op, &[a, b], width);
            }
        }
    }

    /// A term of the rewriting arena as it stands, node for node, in the plain one.
    fn copy(&mut self, t: Term) -> Term {
        if let Some(&known) = self.copies.get(&t) {
            return known;
        }
        let children = self.rewriting.children(t);
        let x: Vec<Term> = children.into_iter().map(|c| self.copy(c)).collect();
        let node = match self.rewriting.node(t).clone() {
            node @ Node::Const(_) => node,
            Node::Variable(_) => unreachable!("every variable is a leaf"),
            Node::Select(array, _) => Node::Select(array, x[0]),
            Node::Sum(parts, constant) => {
                let parts = parts.iter().zip(x).map(|((_, c), x)| (x, *c));
                Node::Sum(parts.collect(), constant)
            }
            Node::Not(_) => Node::Not(x[0]),
            Node::And(..) => Node::And(x[0], x[1]),
            Node::Or(..) => Node::Or(x[0], x[1]),
            Node::Xor(..) => Node::Xor(x[0], x[1]),
            Node::Mul(..) => Node::Mul(x[0], x[1]),
            Node::Divide(op, ..) => Node::Divide(op, x[0], x[1]),
            Node::Shift(op, ..) => Node::Shift(op, x[0], x[1]),
            Node::Eq(..) => Node::Eq(x[0], x[1]),
            Node::Ult(..) => Node::Ult(x[0], x[1]),
            Node::Slt(..) => Node::Slt(x[0], x[1]),
            Node::Ite(..) => Node::Ite(x[0], x[1], x[2]),
            Node::Concat(..) => Node::Concat(x[0], x[1]),
            Node::Extract(_, low) => Node::Extract(x[0], low),
            Node::Zext(_) => Node::Zext(x[0]),
            Node::Sext(_) => Node::Sext(x[0]),
            Node::Parity(_) => Node::Parity(x[0]),
        };
        let copy = self.plain.intern(node, self.rewriting.width(t));
        self.copies.insert(t, copy);
        copy
    }

    /// No values of the leaves tell what was asked for from what it was rewritten to.
    fn check(&mut self, twice: Twice) {
        let copy = self.copy(twice.rewritten);
        let same = self.plain.eq(copy, twice.plain);
        let differ = self.plain.not(same);
        let roots = [self.premises.as_slice(), &[differ]].concat();
        let solver = Blasted::new(&self.plain, &roots, &[]).solver(|| Box::new(BatSat::new()));
        let answer = solver.map(|mut solver| solver.solve(&[], Budget::conflicts(100_000)));
        assert!(
            matches!(answer, None | Some(Outcome::Unsat)),
            "{answer:?} for {twice:?}, {:?} as {:?}",
            self.plain.node(twice.plain),
            self.rewriting.node(twice.rewritten),
        );
    }
}

/// The circuits of expressions as asked for and as rewritten are equal, by the SAT solver.
fn circuits_are_kept(width: u32, count: usize) {
    let mut miter = Miter::new(width);
    for _ in 0..count {
        let from = miter.all.len();
        miter.grow(width * 2);
        for i in from..miter.all.len() {
            miter.check(miter.all[i]);
        }
    }
}

#[test]
fn rules_keep_circuits_of_8_bits() {
    circuits_are_kept(8, 1000);
}

#[test]
fn rules_keep_circuits_of_32_bits() {
    circuits_are_kept(32, 400);
}

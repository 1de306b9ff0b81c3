//! Terms as they are asked for, without the rewriter: what certificates speak of.
//!
//! The only simplifications are those that a reader checks at a glance: an operator on constants is
//! its value by the operator table, a choice or comparison of a term with itself is settled, true
//! and false are neutral or absorbing, a double negation goes, and bits of a concatenation or an
//! extension are bits of its parts.

use model::bits::{Bits, Op, mask};

use super::term::{CutPoint, Node, Term, Terms};

impl Terms {
    /// An arena that does not rewrite.
    pub(crate) fn plain() -> Self {
        let mut terms = Self::default();
        terms.plain = true;
        terms
    }

    /// Whether the arena leaves terms as they are asked for.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Records an intermediate value as a cut point; `place` identifies the specification's expression, by address.
    pub(crate) fn pass<T>(&mut self, place: &T, live: Term, value: Term) {
        if self.plain && self.value(value).is_none() && !self.is_false(live) {
            let place = std::ptr::from_ref(place) as usize;
            self.cut_points.push(CutPoint { place, live, value });
        }
    }

    /// What execution came by, in order.
    pub(crate) fn cut_points(&self) -> &[CutPoint] {
        &self.cut_points
    }

    /// An operator applied.
    pub(super) fn apply_plain(&mut self, op: Op, x: &[Term], width: u32) -> Term {
        let values: Option<Vec<Bits>> =
            x.iter().map(|t| Some(Bits::new(self.value(*t)?, self.width(*t)))).collect();
        if let Some(values) = values {
            let value = op.apply(&values, width).value;
            return self.constant(value, width);
        }
        let all = mask(width);
        let node = match (op, x) {
            (Op::Ite, [c, a, b]) => match self.value(*c) {
                Some(0) => return *b,
                Some(_) => return *a,
                None if a == b => return *a,
                None => Node::Ite(*c, *a, *b),
            },
            (Op::Eq, [a, b]) if a == b => return self.bool(true),
            (Op::Not, [a]) => match *self.node(*a) {
                Node::Not(inner) => return inner,
                _ => Node::Not(*a),
            },
            (Op::And | Op::Or, [a, b]) => {
                let neutral = if op == Op::And { all } else { 0 };
                for (a, b) in [(*a, *b), (*b, *a)] {
                    match self.value(a) {
                        Some(value) if value == neutral => return b,
                        Some(value) if value == !neutral & all => return a,
                        _ => {}
                    }
                }
                let (a, b) = (*a.min(b), *a.max(b));
                if a == b {
                    return a;
                }
                if op == Op::And { Node::And(a, b) } else { Node::Or(a, b) }
            }
            (Op::Zext | Op::Sext, [a]) if self.width(*a) == width => return *a,
            (Op::Low, [a]) => return self.extract_plain(*a, 0, width),
            (Op::Neg, [a]) => Node::Sum([(*a, all)].into(), 0),
            (Op::Add, [a, b]) => return self.sum_plain(*a, *b, 1),
            (Op::Sub, [a, b]) => return self.sum_plain(*a, *b, all),
            (Op::Xor, [a, b]) => Node::Xor(*a.min(b), *a.max(b)),
            (Op::Mul, [a, b]) => Node::Mul(*a.min(b), *a.max(b)),
            (Op::Eq, [a, b]) => Node::Eq(*a.min(b), *a.max(b)),
            (Op::Ult, [a, b]) => Node::Ult(*a, *b),
            (Op::Slt, [a, b]) => Node::Slt(*a, *b),
            (Op::Udiv | Op::Urem | Op::Sdiv | Op::Srem, [a, b]) => Node::Divide(op, *a, *b),
            (Op::Shl | Op::Lshr | Op::Ashr, [a, b]) => Node::Shift(op, *a, *b),
            (Op::Concat, [a, b]) => Node::Concat(*a, *b),
            (Op::Zext, [a]) => Node::Zext(*a),
            (Op::Sext, [a]) => Node::Sext(*a),
            (Op::Parity, [a]) => Node::Parity(*a),
            (op, x) => unreachable!("{} applied to {} operands", op.name(), x.len()),
        };
        self.intern(node, width)
    }

    /// a + factor · b.
    fn sum_plain(&mut self, a: Term, b: Term, factor: u128) -> Term {
        let width = self.width(a);
        let mut parts = Vec::new();
        let mut constant = 0u128;
        for (t, c) in [(a, 1), (b, factor)] {
            match self.value(t) {
                Some(value) => constant = constant.wrapping_add(c.wrapping_mul(value)),
                None => parts.push((t, c)),
            }
        }
        let constant = constant & mask(width);
        match parts.as_mut_slice() {
            [(t, 1)] if constant == 0 => return *t,
            [(s, c), (t, d)] if s == t => {
                let twice = c.wrapping_add(*d) & mask(width);
                if twice == 0 {
                    return self.constant(constant, width);
                }
                parts = vec![(*s, twice)];
            }
            parts => parts.sort_unstable_by_key(|(t, _)| *t),
        }
        self.intern(Node::Sum(parts.into(), constant), width)
    }

    /// Some bits of a term: wires, no gates.
    pub(super) fn extract_plain(&mut self, x: Term, low: u32, width: u32) -> Term {
        if low == 0 && width == self.width(x) {
            return x;
        }
        match *self.node(x) {
            Node::Const(value) => self.constant(value >> low, width),
            Node::Extract(inner, offset) => self.extract_plain(inner, offset + low, width),
            Node::Concat(_, b) if low + width <= self.width(b) => self.extract_plain(b, low, width),
            Node::Concat(a, b) if low >= self.width(b) => {
                self.extract_plain(a, low - self.width(b), width)
            }
            Node::Zext(inner) | Node::Sext(inner) if low + width <= self.width(inner) => {
                self.extract_plain(inner, low, width)
            }
            _ => self.intern(Node::Extract(x, low), width),
        }
    }
}

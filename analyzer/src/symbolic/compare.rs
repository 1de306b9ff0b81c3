//! Comparisons: what both sides share is cancelled, where neither side can wrap.

use model::bits::{Bits, Op, bits_for, mask};

use super::term::{Node, Term, Terms};

impl Terms {
    pub(crate) fn eq(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        debug_assert_eq!(width, self.width(b));
        if self.plain {
            return self.apply_plain(Op::Eq, &[a, b], 1);
        }
        if a == b {
            return self.bool(true);
        }
        if width == 1 {
            let differ = self.xor(a, b);
            return self.not(differ);
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            return self.bool(x == y);
        }
        let is_sum = |s: &Self, t| matches!(s.node(t), Node::Sum(..));
        if is_sum(self, a) || is_sum(self, b) {
            return self.eq_linear(a, b);
        }
        for (x, y) in [(a, b), (b, a)] {
            if let Some(done) = self.eq_structural(x, y) {
                return done;
            }
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.intern(Node::Eq(a, b), 1)
    }

    pub(super) fn eq_structural(&mut self, x: Term, y: Term) -> Option<Term> {
        match (self.node(x).clone(), self.node(y).clone()) {
            (Node::Zext(p), Node::Zext(q)) => {
                let width = self.width(p).max(self.width(q));
                let (p, q) = (self.zext(p, width), self.zext(q, width));
                Some(self.eq(p, q))
            }
            (Node::Zext(p), Node::Const(v)) => Some(if v > mask(self.width(p)) {
                self.bool(false)
            } else {
                let v = self.constant(v, self.width(p));
                self.eq(p, v)
            }),
            (Node::Sext(p), Node::Sext(q)) if self.width(p) == self.width(q) => Some(self.eq(p, q)),
            (Node::Concat(p, q), Node::Concat(..) | Node::Const(_) | Node::Zext(_)) => {
                let split = self.width(q);
                let high = self.extract(y, split, self.width(p));
                let low = self.extract(y, 0, split);
                let (high, low) = (self.eq(p, high), self.eq(q, low));
                Some(self.and(high, low))
            }
            (Node::Ite(c, p, q), Node::Const(_))
                if self.value(p).is_some() || self.value(q).is_some() =>
            {
                let (p, q) = (self.eq(p, y), self.eq(q, y));
                Some(self.ite(c, p, q))
            }
            (Node::Not(p), Node::Const(v)) => {
                let v = self.constant(!v, self.width(p));
                Some(self.eq(p, v))
            }
            (Node::Not(p), Node::Not(q)) => Some(self.eq(p, q)),
            (_, Node::Const(v)) if v > self.max(x) => Some(self.bool(false)),
            _ => None,
        }
    }

    /// a = b as Σ positive part = Σ negative part, the smallest term on the left.
    pub(super) fn eq_linear(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        let difference = self.sub(a, b);
        let (parts, constant) = self.parts(difference);
        if parts.is_empty() {
            return self.bool(constant == 0);
        }
        let half = mask(width) / 2;
        let flip = parts[0].1 > half;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (t, c) in parts {
            let negative = (c > half) != flip;
            let c = if c > half { c.wrapping_neg() & mask(width) } else { c };
            if negative { right.push((t, c)) } else { left.push((t, c)) }
        }
        // The constant goes to the right.
        let constant = if flip { constant } else { constant.wrapping_neg() };
        let left = self.sum(left, 0, width);
        let right = self.sum(right, constant, width);
        let is_sum = |s: &Self, t| matches!(s.node(t), Node::Sum(..));
        if !is_sum(self, left) && !is_sum(self, right) {
            for (x, y) in [(left, right), (right, left)] {
                if let Some(done) = self.eq_structural(x, y) {
                    return done;
                }
            }
        }
        self.intern(Node::Eq(left, right), 1)
    }

    pub(crate) fn ult(&mut self, a: Term, b: Term) -> Term {
        debug_assert_eq!(self.width(a), self.width(b));
        if self.plain {
            return self.apply_plain(Op::Ult, &[a, b], 1);
        }
        if a == b {
            return self.bool(false);
        }
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.bool(x < y),
            (_, Some(0)) => return self.bool(false),
            (_, Some(y)) if self.max(a) < y => return self.bool(true),
            (Some(x), _) if x >= self.max(b) => return self.bool(false),
            (None, Some(1)) => {
                let zero = self.constant(0, self.width(a));
                return self.eq(a, zero);
            }
            (Some(0), None) => {
                let zero = self.eq(a, b);
                return self.not(zero);
            }
            _ => {}
        }
        if self.width(a) == 1 {
            let a = self.not(a);
            return self.and(a, b);
        }
        if let Some((x, y)) = self.narrowed(a, b) {
            return self.ult(x, y);
        }
        if let Some((x, y)) = self.cancelled(a, b) {
            return self.ult(x, y);
        }
        self.intern(Node::Ult(a, b), 1)
    }

    /// The operands of a comparison without extensions that both of them share.
    pub(super) fn narrowed(&mut self, a: Term, b: Term) -> Option<(Term, Term)> {
        let inner = |s: &Self, t| match *s.node(t) {
            Node::Zext(x) => Some(s.width(x)),
            Node::Const(v) => Some(bits_for(v)),
            _ => None,
        };
        let width = inner(self, a)?.max(inner(self, b)?);
        if width >= self.width(a) {
            return None;
        }
        Some((self.extract(a, 0, width), self.extract(b, 0, width)))
    }

    /// The operands of a comparison without the parts that both of them have.
    pub(super) fn cancelled(&mut self, a: Term, b: Term) -> Option<(Term, Term)> {
        let width = self.width(a);
        let (pa, ca) = self.exact_parts(a)?;
        let (pb, cb) = self.exact_parts(b)?;
        let common: Vec<(Term, u128)> = pa
            .iter()
            .filter_map(|(t, c)| pb.iter().find(|(u, _)| u == t).map(|(_, d)| (*t, *c.min(d))))
            .collect();
        let constant = ca.min(cb);
        if common.is_empty() && constant == 0 {
            return None;
        }
        let minus = |mut parts: Vec<(Term, u128)>| {
            parts.extend(common.iter().map(|(t, c)| (*t, c.wrapping_neg())));
            parts
        };
        let (pa, pb) = (minus(pa), minus(pb));
        Some((self.sum(pa, ca - constant, width), self.sum(pb, cb - constant, width)))
    }

    /// The parts of a term that cannot wrap.
    pub(super) fn exact_parts(&self, t: Term) -> Option<(Vec<(Term, u128)>, u128)> {
        self.is_exact(t).then(|| self.parts(t))
    }

    pub(crate) fn slt(&mut self, a: Term, b: Term) -> Term {
        let width = self.width(a);
        if self.plain {
            return self.apply_plain(Op::Slt, &[a, b], 1);
        }
        if a == b {
            return self.bool(false);
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            let less = Op::Slt.apply(&[Bits::new(x, width), Bits::new(y, width)], 1);
            return self.bool(less.is_true());
        }
        self.intern(Node::Slt(a, b), 1)
    }

    /// ¬(b < a).
    pub(crate) fn ule(&mut self, a: Term, b: Term) -> Term {
        let greater = self.ult(b, a);
        self.not(greater)
    }

    pub(crate) fn ne(&mut self, a: Term, b: Term) -> Term {
        let equal = self.eq(a, b);
        self.not(equal)
    }
}

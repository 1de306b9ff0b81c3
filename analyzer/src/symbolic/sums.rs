//! Sums: linear combinations modulo 2^width, and what they are as integers where they are exact.

use std::rc::Rc;

use model::bits::{Op, mask};

use super::term::{LARGEST, Linear, Node, Term, Terms};

impl Terms {
    /// a + b, which never wraps. The caller puts the condition under which this is so into every
    /// premise that uses the term.
    pub(crate) fn add_exact(&mut self, a: Term, b: Term) -> Term {
        let total = self.add(a, b);
        self.learn(total, &[(1, a), (1, b)], mask(self.width(total)));
        total
    }

    /// The linear form of a term modulo 2^width.
    pub(super) fn parts(&self, t: Term) -> (Vec<(Term, u128)>, u128) {
        match self.node(t) {
            Node::Const(value) => (Vec::new(), *value),
            Node::Sum(parts, constant) => (parts.to_vec(), *constant),
            _ => (vec![(t, 1)], 0),
        }
    }

    pub(super) fn sum(&mut self, mut parts: Vec<(Term, u128)>, constant: u128, width: u32) -> Term {
        parts.sort_unstable_by_key(|p| p.0);
        let mut merged: Vec<(Term, u128)> = Vec::with_capacity(parts.len());
        for (t, c) in parts {
            match merged.last_mut() {
                Some(last) if last.0 == t => last.1 = last.1.wrapping_add(c),
                _ => merged.push((t, c)),
            }
        }
        for part in &mut merged {
            part.1 &= mask(width);
        }
        merged.retain(|p| p.1 != 0);
        let constant = constant & mask(width);
        match merged.as_slice() {
            [] => self.constant(constant, width),
            [(t, 1)] if constant == 0 => *t,
            _ => self.intern(Node::Sum(merged.into(), constant), width),
        }
    }

    pub(crate) fn add(&mut self, a: Term, b: Term) -> Term {
        debug_assert_eq!(self.width(a), self.width(b));
        if self.plain {
            return self.apply_plain(Op::Add, &[a, b], self.width(a));
        }
        let (mut parts, constant) = self.parts(a);
        let (more, more_constant) = self.parts(b);
        parts.extend(more);
        let total = self.sum(parts, constant.wrapping_add(more_constant), self.width(a));
        // Exactness is a property of values: what is known of the operands carries over.
        if let Some(max) = self.max(a).checked_add(self.max(b))
            && max <= mask(self.width(a))
        {
            self.learn(total, &[(1, a), (1, b)], max);
        }
        total
    }

    /// Notes that a term is Σ factor · term over the integers, and has no value above `max`. It is
    /// exact if its numbers are those of the exact sums it was made of: then none has wrapped.
    pub(super) fn learn(&mut self, t: Term, of: &[(u128, Term)], max: u128) {
        if matches!(self.node(t), Node::Sum(..)) {
            let exact = self.is_exact(t)
                || self.exact_weight(of).is_some_and(|weight| self.weight(t) == Some(weight));
            let data = &mut self.data[t.0 as usize];
            data.exact = exact;
            data.max = data.max.min(max);
        }
    }

    /// Whether a term's linear form gives its integer value.
    pub(super) fn is_exact(&self, t: Term) -> bool {
        !matches!(self.node(t), Node::Sum(..)) || self.data[t.0 as usize].exact
    }

    /// The numbers of a linear form, added up.
    pub(super) fn weight(&self, t: Term) -> Option<u128> {
        match self.node(t) {
            Node::Const(value) => Some(*value),
            Node::Sum(parts, constant) => {
                parts.iter().try_fold(*constant, |sum, (_, c)| sum.checked_add(*c))
            }
            _ => Some(1),
        }
    }

    /// The numbers of Σ factor · term, added up, if every term is exact.
    pub(super) fn exact_weight(&self, of: &[(u128, Term)]) -> Option<u128> {
        of.iter().try_fold(0u128, |sum, (factor, t)| {
            let weight = if self.is_exact(*t) { self.weight(*t)? } else { return None };
            sum.checked_add(factor.checked_mul(weight)?)
        })
    }

    pub(crate) fn sub(&mut self, a: Term, b: Term) -> Term {
        if self.plain {
            return self.apply_plain(Op::Sub, &[a, b], self.width(a));
        }
        let minus = self.scaled(b, u128::MAX);
        self.add(a, minus)
    }

    pub(super) fn scaled(&mut self, x: Term, factor: u128) -> Term {
        let (mut parts, constant) = self.parts(x);
        for part in &mut parts {
            part.1 = part.1.wrapping_mul(factor);
        }
        self.sum(parts, constant.wrapping_mul(factor), self.width(x))
    }

    pub(crate) fn mul(&mut self, a: Term, b: Term) -> Term {
        if self.plain {
            return self.apply_plain(Op::Mul, &[a, b], self.width(a));
        }
        if let Some(factor) = self.value(a) {
            return self.scaled(b, factor);
        }
        if let Some(factor) = self.value(b) {
            return self.scaled(a, factor);
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.intern(Node::Mul(a, b), self.width(a))
    }

    /// The integer value of a term as a linear form over terms that are their own value.
    pub(crate) fn integer(&self, t: Term) -> Linear {
        match self.node(t) {
            Node::Const(value) if *value <= LARGEST => (Vec::new(), *value as i128),
            Node::Zext(inner) => self.integer(*inner),
            Node::Sum(parts, constant) if self.is_exact(t) => {
                let number = |n: u128| i128::try_from(n).ok();
                self.flat(parts, *constant, number).unwrap_or_else(|| (vec![(t, 1)], 0))
            }
            _ => (vec![(t, 1)], 0),
        }
    }

    /// A sum over terms that are their own value, unless its numbers, read as integers, are very large.
    pub(super) fn flat(
        &self,
        parts: &[(Term, u128)],
        constant: u128,
        number: impl Fn(u128) -> Option<i128>,
    ) -> Option<Linear> {
        let mut all = Vec::new();
        let mut total = number(constant)?;
        for (t, c) in parts {
            let factor = number(*c)?;
            let (inner, constant) = self.integer(*t);
            total = total.checked_add(factor.checked_mul(constant)?)?;
            for (t, c) in inner {
                all.push((t, c.checked_mul(factor)?));
            }
        }
        let small = |n: i128| n.unsigned_abs() <= LARGEST;
        let all = small(total).then(|| merge(all))?;
        all.iter().all(|(_, c)| small(*c)).then_some((all, total))
    }

    /// a − b as a linear form, computed once.
    pub(crate) fn remembered_difference(
        &self,
        a: Term,
        b: Term,
        compute: impl FnOnce() -> Linear,
    ) -> Rc<Linear> {
        if let Some(known) = self.differences.borrow().get(&(a, b)) {
            return known.clone();
        }
        let form = Rc::new(compute());
        self.differences.borrow_mut().insert((a, b), form.clone());
        form
    }
}

/// Adds up coefficients of equal terms.
pub(crate) fn merge(mut parts: Vec<(Term, i128)>) -> Vec<(Term, i128)> {
    parts.sort_unstable_by_key(|p| p.0);
    let mut merged: Vec<(Term, i128)> = Vec::with_capacity(parts.len());
    for (t, c) in parts {
        match merged.last_mut() {
            Some(last) if last.0 == t => last.1 += c,
            _ => merged.push((t, c)),
        }
    }
    merged.retain(|p| p.1 != 0);
    merged
}

//! Choices between places that differ in the bit chosen by: one place that contains the bit.
//!
//! Registers reached by number are told apart bit by bit. Where the entries are the registers of one
//! file, in order, what is left is an access to the file at that number.

use super::state::Write;
use super::term::{Node, Term, Terms};

impl Terms {
    /// `c ? array[i] : array[j]` as one select.
    pub(super) fn chosen_select(&mut self, c: Term, a: Term, b: Term) -> Option<Term> {
        let (Node::Select(array, i), Node::Select(other, j)) = (self.node(a), self.node(b)) else {
            return None;
        };
        let (array, i, j) = (*array, *i, *j);
        let index = if array == *other { self.chosen_place(c, i, j) } else { None }?;
        Some(self.select(array, index))
    }

    /// `c ? a : b` without a choice: numbers that differ in one bit, which is then `c` or its
    /// negation.
    fn chosen_place(&mut self, c: Term, a: Term, b: Term) -> Option<Term> {
        if self.plain {
            return None;
        }
        // What is below the highest parts is the same.
        let (mut a, mut b, mut below) = (a, b, None);
        while let (Some((high_a, low)), Some((high_b, other))) = (self.halves(a), self.halves(b)) {
            if low != other {
                return None;
            }
            below = Some(below.map_or(low, |rest| self.concat(low, rest)));
            (a, b) = (high_a, high_b);
        }
        let (x, y, width) = (self.value(a)?, self.value(b)?, self.width(a));
        if !(x ^ y).is_power_of_two() {
            return None;
        }
        let at = (x ^ y).trailing_zeros();
        let bit = if x > y { c } else { self.not(c) };
        let low = (at > 0).then(|| self.constant(x, at));
        let high = (at + 1 < width).then(|| self.constant(x >> (at + 1), width - at - 1));
        let above = low.into_iter().chain([bit]).chain(high);
        above.fold(below, |low, part| Some(low.map_or(part, |low| self.concat(part, low))))
    }

    /// A value with constant bits above others: those bits, and the others.
    fn halves(&mut self, t: Term) -> Option<(Term, Term)> {
        match *self.node(t) {
            Node::Concat(high, low) => Some((high, low)),
            Node::Zext(low) => {
                let width = self.width(t) - self.width(low);
                Some((self.constant(0, width), low))
            }
            _ => None,
        }
    }

    /// Writes of two paths, of which the first is taken where the condition holds, as the same number
    /// of writes.
    pub(super) fn chosen_writes(
        &mut self,
        c: Term,
        a: &[Write],
        b: &[Write],
    ) -> Option<Vec<Write>> {
        if a.len() != b.len() {
            return None;
        }
        let one = |(a, b): (&Write, &Write)| {
            let alike = a.guard == b.guard && a.value == b.value;
            let index = if alike { self.chosen_place(c, a.index, b.index) } else { None }?;
            Some(Write { index, ..*a })
        };
        a.iter().zip(b).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The select that a tree over the bits of `x` makes of the registers with all its values.
    fn tree(terms: &mut Terms, leaves: &mut dyn FnMut(&mut Terms, u128) -> Term, x: Term) -> Term {
        let width = terms.width(x);
        let mut level: Vec<Term> = (0..1u128 << width).map(|n| leaves(terms, n)).collect();
        for bit in 0..width {
            let condition = terms.extract(x, bit, 1);
            level = level.chunks(2).map(|pair| terms.ite(condition, pair[1], pair[0])).collect();
        }
        level[0]
    }

    #[test]
    fn a_tree_over_a_file_is_one_select() {
        for index in [4, 6] {
            let mut terms = Terms::default();
            let (x, array) = (terms.variable(4), terms.array(8));
            let mut leaf = |terms: &mut Terms, n| {
                let place = terms.constant(n, index);
                terms.select(array, place)
            };
            let found = tree(&mut terms, &mut leaf, x);
            let place = terms.zext(x, index);
            assert_eq!(found, terms.select(array, place));
        }
    }

    #[test]
    fn registers_out_of_order_stay_apart() {
        let mut terms = Terms::default();
        let (x, array) = (terms.variable(2), terms.array(8));
        let mut leaf = |terms: &mut Terms, n: u128| {
            let place = terms.constant([0, 3, 1, 2][n as usize], 2);
            terms.select(array, place)
        };
        let found = tree(&mut terms, &mut leaf, x);
        assert!(matches!(terms.node(found), Node::Ite(..)));
    }

    #[test]
    fn negated_bits_are_bits_too() {
        let mut terms = Terms::default();
        let (c, array) = (terms.variable(1), terms.array(8));
        let place = |terms: &mut Terms, n| {
            let place = terms.constant(n, 3);
            terms.select(array, place)
        };
        let (a, b) = (place(&mut terms, 0b001), place(&mut terms, 0b011));
        let found = terms.ite(c, a, b);
        let negated = terms.not(c);
        let (zero, one) = (terms.constant(0, 1), terms.constant(1, 1));
        let low = terms.concat(negated, one);
        let index = terms.concat(zero, low);
        assert_eq!(found, terms.select(array, index));
    }
}

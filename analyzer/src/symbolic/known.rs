//! Bits of a term that are the same whatever its variables are, as far as they are seen without search. What
//! follows from them is the same in an arena that rewrites and in one that does not.

use model::bits::{Op, mask};
use rustc_hash::FxHashMap;

use super::term::{Node, Term, Terms};

/// Bits that are one, and bits that are zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    ones: u128,
    zeros: u128,
}

impl Known {
    fn of(value: u128, width: u32) -> Self {
        Self { ones: value, zeros: !value & mask(width) }
    }

    fn value(self, width: u32) -> Option<u128> {
        (self.ones | self.zeros == mask(width)).then_some(self.ones)
    }
}

/// The known bits of the terms asked about so far.
#[derive(Debug, Default)]
pub(crate) struct KnownBits(FxHashMap<Term, Known>);

impl KnownBits {
    /// The value of a term, where it is the same for all values of its variables.
    pub(crate) fn value(&mut self, terms: &Terms, root: Term) -> Option<u128> {
        let mut open = vec![(root, false)];
        while let Some((t, ready)) = open.pop() {
            if self.0.contains_key(&t) {
                continue;
            }
            if ready {
                let known = self.bits(terms, t);
                self.0.insert(t, known);
            } else {
                open.push((t, true));
                open.extend(terms.children(t).into_iter().map(|child| (child, false)));
            }
        }
        self.0[&root].value(terms.width(root))
    }

    /// Of a term whose parts are known.
    fn bits(&self, terms: &Terms, t: Term) -> Known {
        let of = |t: &Term| self.0[t];
        let width = terms.width(t);
        match terms.node(t) {
            Node::Const(value) => Known::of(*value, width),
            Node::Not(x) => Known { ones: of(x).zeros, zeros: of(x).ones },
            Node::And(a, b) => {
                Known { ones: of(a).ones & of(b).ones, zeros: of(a).zeros | of(b).zeros }
            }
            Node::Or(a, b) => {
                Known { ones: of(a).ones | of(b).ones, zeros: of(a).zeros & of(b).zeros }
            }
            Node::Concat(a, b) => {
                let low = terms.width(*b);
                let join = |high: u128, rest: u128| high << low | rest;
                Known { ones: join(of(a).ones, of(b).ones), zeros: join(of(a).zeros, of(b).zeros) }
            }
            Node::Extract(x, low) => {
                let cut = |bits: u128| bits >> low & mask(width);
                Known { ones: cut(of(x).ones), zeros: cut(of(x).zeros) }
            }
            Node::Zext(x) => {
                let above = mask(width) & !mask(terms.width(*x));
                Known { ones: of(x).ones, zeros: of(x).zeros | above }
            }
            Node::Shift(op, x, by) => {
                let by = of(by).value(terms.width(*by)).filter(|by| *by < width.into());
                match (op, by) {
                    (Op::Lshr, Some(by)) => {
                        let above = mask(width) & !(mask(width) >> by);
                        Known { ones: of(x).ones >> by, zeros: of(x).zeros >> by | above }
                    }
                    (Op::Shl, Some(by)) => {
                        let (up, below) = (|bits: u128| bits << by & mask(width), !(!0 << by));
                        Known { ones: up(of(x).ones), zeros: up(of(x).zeros) | below }
                    }
                    _ => Known::default(),
                }
            }
            Node::Eq(a, b) => {
                let (x, y, operands) = (of(a), of(b), terms.width(*a));
                if x.ones & y.zeros | x.zeros & y.ones != 0 {
                    Known::of(0, 1)
                } else if x.value(operands).is_some() && x.value(operands) == y.value(operands) {
                    Known::of(1, 1)
                } else {
                    Known::default()
                }
            }
            Node::Ite(c, a, b) => match of(c).value(1) {
                Some(1) => of(a),
                Some(_) => of(b),
                None => Known { ones: of(a).ones & of(b).ones, zeros: of(a).zeros & of(b).zeros },
            },
            _ => Known::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_was_set_decides_a_branch_in_every_arena() {
        for mut terms in [Terms::default(), Terms::plain()] {
            let x = terms.variable(16);
            let bit = terms.constant(0x2000, 16);
            let set = terms.or(x, bit);
            let by = terms.constant(13, 16);
            let down = terms.apply(Op::Lshr, &[set, by], 16);
            let low = terms.extract(down, 0, 1);
            let one = terms.constant(1, 1);
            let condition = terms.eq(low, one);
            let choice = terms.ite(condition, bit, x);
            assert_eq!(KnownBits::default().value(&terms, choice), Some(0x2000));
            assert_eq!(KnownBits::default().value(&terms, set), None);
            let differs = terms.ne(low, one);
            assert_eq!(KnownBits::default().value(&terms, differs), Some(0));
        }
    }
}

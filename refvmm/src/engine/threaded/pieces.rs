//! Values of any width as lists of pieces: concatenations and slices dissolve into them.

use super::alu::{Alu, low_bits};
use super::terms::{Term, Terms};

/// Some bits of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    term: Term,
    low: u32,
    width: u32,
}

/// A value, least significant piece first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Value {
    pieces: Vec<Piece>,
    pub(super) width: u32,
}

impl Value {
    /// A number.
    pub(super) fn constant(terms: &mut Terms, value: u128, width: u32) -> Self {
        let low = Self::term(terms, value as u64, width.min(64));
        if width <= 64 {
            return low;
        }
        let high = Self::term(terms, (value >> 64) as u64, width - 64);
        Self::concat(terms, &high, &low)
    }

    fn term(terms: &mut Terms, value: u64, width: u32) -> Self {
        let term = terms.constant(value, width);
        Self { pieces: vec![Piece { term, low: 0, width }], width }
    }

    /// A term, with zeros above it.
    pub(super) fn of(terms: &mut Terms, term: Term, width: u32) -> Self {
        let own = terms.width(term).min(width);
        let value = Self { pieces: vec![Piece { term, low: 0, width: own }], width: own };
        value.extended(terms, width)
    }

    /// With zeros above, or cut.
    pub(super) fn extended(&self, terms: &mut Terms, width: u32) -> Self {
        if width <= self.width {
            return self.slice(terms, 0, width);
        }
        let zeros = Self::constant(terms, 0, width - self.width);
        Self::concat(terms, &zeros, self)
    }

    pub(super) fn concat(terms: &mut Terms, high: &Self, low: &Self) -> Self {
        let mut all = low.clone();
        for piece in &high.pieces {
            all.push(terms, *piece);
        }
        all
    }

    fn push(&mut self, terms: &mut Terms, piece: Piece) {
        self.width += piece.width;
        if let Some(last) = self.pieces.last_mut() {
            let width = last.width + piece.width;
            if last.term == piece.term && last.low + last.width == piece.low && width <= 64 {
                last.width = width;
                return;
            }
            if let (Some(a), Some(b)) = (terms.as_const(last.term), terms.as_const(piece.term))
                && width <= 64
            {
                let low = a >> last.low & low_bits(last.width);
                let high = b >> piece.low & low_bits(piece.width);
                let term = terms.constant(high << last.width | low, width);
                *last = Piece { term, low: 0, width };
                return;
            }
        }
        let piece = match terms.as_const(piece.term) {
            Some(value) => {
                let term = terms.constant(value >> piece.low, piece.width);
                Piece { term, low: 0, width: piece.width }
            }
            None => piece,
        };
        self.pieces.push(piece);
    }

    /// `width` bits from `low` on; there are zeros above the value.
    pub(super) fn slice(&self, terms: &mut Terms, low: u32, width: u32) -> Self {
        let mut part = Self::default();
        let mut at = 0;
        for piece in &self.pieces {
            let (from, to) = (at.max(low), (at + piece.width).min(low + width));
            if from < to {
                let piece = Piece { low: piece.low + from - at, width: to - from, ..*piece };
                part.push(terms, piece);
            }
            at += piece.width;
        }
        if part.width < width { part.extended(terms, width) } else { part }
    }

    /// The value, if it is a number.
    pub(super) fn as_const(&self, terms: &Terms) -> Option<u128> {
        let mut all = 0;
        let mut at = 0;
        for piece in &self.pieces {
            let value = terms.as_const(piece.term)? >> piece.low & low_bits(piece.width);
            all |= u128::from(value) << at;
            at += piece.width;
        }
        Some(all)
    }

    /// The bits that a mask selects, zeros or ones elsewhere; `None` if that is better done by an
    /// operation.
    pub(super) fn masked(&self, terms: &mut Terms, mask: u128, ones: bool) -> Option<Self> {
        let mut all = Self::default();
        let mut at = 0;
        while at < self.width {
            let bit = |i: u32| mask >> i & 1 == 1;
            let run = (at..self.width).take_while(|i| bit(*i) == bit(at)).count() as u32;
            let part = if bit(at) {
                self.slice(terms, at, run)
            } else {
                Self::constant(terms, if ones { u128::MAX } else { 0 }, run)
            };
            all = Self::concat(terms, &part, &all);
            at += run;
        }
        (all.pieces.len() <= 8).then_some(all)
    }

    /// As one term; `None` if it is too wide.
    pub(super) fn join(&self, terms: &mut Terms) -> Option<Term> {
        if self.width > 64 {
            return None;
        }
        let mut constant = 0;
        let mut ones = 0;
        // By term and by how far its bits move: which bits of the result.
        let mut groups: Vec<(Term, i64, u64)> = Vec::new();
        let mut at = 0;
        for piece in &self.pieces {
            let bits = low_bits(piece.width) << at;
            if let Some(value) = terms.as_const(piece.term) {
                constant |= (value >> piece.low & low_bits(piece.width)) << at;
                ones |= bits & constant;
            } else {
                let by = i64::from(at) - i64::from(piece.low);
                match groups.iter_mut().find(|(t, d, _)| (*t, *d) == (piece.term, by)) {
                    Some((_, _, all)) => *all |= bits,
                    None => groups.push((piece.term, by, bits)),
                }
            }
            at += piece.width;
        }
        let width = self.width;
        let mut result: Option<Term> = None;
        for (term, by, bits) in groups {
            // Bits that are set in the constant need not be cleared.
            let part = moved(terms, term, by, bits, bits | ones, width);
            result = Some(match result {
                Some(all) => terms.apply(Alu::Or, all, part, width, width),
                None => part,
            });
        }
        let constant = terms.constant(constant, width);
        Some(match result {
            Some(all) => terms.apply(Alu::Or, all, constant, width, width),
            None => constant,
        })
    }
}

/// Some bits of a term, moved to where `bits` says; bits outside `clean` must be cleared.
fn moved(terms: &mut Terms, term: Term, by: i64, bits: u64, free: u64, width: u32) -> Term {
    let own = low_bits(64 - terms.most(term).leading_zeros());
    if by >= 0 {
        let by = by as u32;
        // A shift cuts what goes beyond the result, but nothing cuts what stays in place.
        let kept = if by == 0 { u64::MAX } else { low_bits(width) };
        let there = if by < 64 { own << by & kept } else { 0 };
        let part = if there & !free == 0 {
            term
        } else {
            let mask = terms.constant(bits >> by, terms.width(term));
            let of = terms.width(term);
            terms.apply(Alu::And, term, mask, of, of)
        };
        let amount = terms.constant(u64::from(by), 7);
        terms.apply(Alu::Shl, part, amount, width, width)
    } else {
        let by = by.unsigned_abs() as u32;
        let amount = terms.constant(u64::from(by), 7);
        let of = terms.width(term);
        let part = terms.apply(Alu::Lshr, term, amount, of, of);
        if own >> by & !free == 0 {
            part
        } else {
            let mask = terms.constant(bits, of);
            terms.apply(Alu::And, part, mask, of, of)
        }
    }
}

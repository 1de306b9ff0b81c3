//! Terms: what an instruction computes once its operands are known, shared and folded.

use std::collections::HashMap;

use super::alu::{Alu, alu, low_bits};

/// A term of at most 64 bits, in [`Terms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Term(pub(super) u32);

/// What a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Const(u64),
    /// A register, as it is before the instruction.
    Slot(u16),
    /// An element of the registers from `first` on; past their number 0.
    Element {
        first: u16,
        len: u16,
        index: Term,
    },
    /// A physical cell before the instruction; past the end of storage 0.
    Load(Term),
    /// Number of physical cells.
    Cells,
    /// An operation; the number is the width of its first operand.
    Apply(Alu, Term, Term, u8),
    /// The second or third term.
    Select(Term, Term, Term),
}

#[derive(Debug, Clone, Copy)]
struct Def {
    kind: Kind,
    width: u8,
    /// Largest value it may take.
    most: u64,
    /// Whether it depends on nothing but the translation context.
    settled: bool,
}

/// All terms, each once.
#[derive(Debug, Default)]
pub(super) struct Terms {
    defs: Vec<Def>,
    known: HashMap<(Kind, u8), Term>,
    /// The bits of registers that belong to the translation context, and the registers' widths.
    pub(super) context: Vec<(u64, u32)>,
}

impl Terms {
    /// No terms; for each slot the bits that belong to the translation context, and its width.
    pub(super) fn new(context: Vec<(u64, u32)>) -> Self {
        Self { defs: Vec::new(), known: HashMap::new(), context }
    }

    pub(super) fn len(&self) -> usize {
        self.defs.len()
    }

    pub(super) fn kind(&self, term: Term) -> Kind {
        self.defs[term.0 as usize].kind
    }

    pub(super) fn width(&self, term: Term) -> u32 {
        u32::from(self.defs[term.0 as usize].width)
    }

    pub(super) fn most(&self, term: Term) -> u64 {
        self.defs[term.0 as usize].most
    }

    /// Whether it has one value as long as the translation context lasts.
    pub(super) fn settled(&self, term: Term) -> bool {
        self.defs[term.0 as usize].settled
    }

    pub(super) fn as_const(&self, term: Term) -> Option<u64> {
        if let Kind::Const(value) = self.kind(term) { Some(value) } else { None }
    }

    fn make(&mut self, kind: Kind, width: u32) -> Term {
        let key = (kind, width as u8);
        if let Some(term) = self.known.get(&key) {
            return *term;
        }
        let most = self.bound(kind, width);
        let settled = self.is_settled(kind);
        let term = Term(self.defs.len() as u32);
        self.defs.push(Def { kind, width: width as u8, most, settled });
        self.known.insert(key, term);
        term
    }

    fn bound(&self, kind: Kind, width: u32) -> u64 {
        let all = low_bits(width);
        match kind {
            Kind::Const(value) => value,
            Kind::Apply(Alu::Add, a, b, _) => {
                let sum = u128::from(self.most(a)) + u128::from(self.most(b));
                if sum > u128::from(all) { all } else { sum as u64 }
            }
            Kind::Apply(Alu::And, a, b, _) => self.most(a).min(self.most(b)).min(all),
            Kind::Apply(Alu::Lshr, a, b, _) => {
                let by = self.as_const(b).unwrap_or(0);
                alu(Alu::Lshr, self.most(a), by, 64, u64::MAX)
            }
            Kind::Select(_, a, b) => self.most(a).max(self.most(b)),
            _ => all,
        }
    }

    fn is_settled(&self, kind: Kind) -> bool {
        if let Some((slot, bits)) = self.bits_of(kind) {
            return bits & !self.context[slot as usize].0 == 0;
        }
        match kind {
            Kind::Const(_) | Kind::Cells => true,
            Kind::Slot(_) | Kind::Element { .. } | Kind::Load(_) => false,
            Kind::Apply(_, a, b, _) => self.settled(a) && self.settled(b),
            Kind::Select(a, b, c) => self.settled(a) && self.settled(b) && self.settled(c),
        }
    }

    /// The register and the bits of it that a term shows, where it is a part of one.
    fn bits_of(&self, kind: Kind) -> Option<(u16, u64)> {
        match kind {
            Kind::Slot(slot) => Some((slot, low_bits(self.context[slot as usize].1))),
            Kind::Apply(Alu::And, a, b, _) => {
                let mask = self.as_const(b)?;
                match self.kind(a) {
                    Kind::Apply(Alu::Lshr, inner, by, _) => {
                        let (slot, bits) = self.bits_of(self.kind(inner))?;
                        let by = self.as_const(by)?;
                        Some((slot, bits & alu(Alu::Shl, mask, by, 64, u64::MAX)))
                    }
                    inner => self.bits_of(inner).map(|(slot, bits)| (slot, bits & mask)),
                }
            }
            Kind::Apply(Alu::Lshr, a, by, _) => {
                let (slot, bits) = self.bits_of(self.kind(a))?;
                let kept = alu(Alu::Shl, u64::MAX, self.as_const(by)?, 64, u64::MAX);
                matches!(self.kind(a), Kind::Slot(_)).then_some((slot, bits & kept))
            }
            _ => None,
        }
    }

    pub(super) fn constant(&mut self, value: u64, width: u32) -> Term {
        self.make(Kind::Const(value & low_bits(width)), width)
    }

    pub(super) fn slot(&mut self, slot: u16) -> Term {
        let width = self.context[slot as usize].1;
        self.make(Kind::Slot(slot), width)
    }

    pub(super) fn leaf(&mut self, kind: Kind, width: u32) -> Term {
        self.make(kind, width)
    }

    pub(super) fn select(&mut self, condition: Term, a: Term, b: Term) -> Term {
        match self.as_const(condition) {
            Some(0) => b,
            Some(_) => a,
            None if a == b => a,
            None => {
                let width = self.width(a).max(self.width(b));
                if width == 1 && self.as_const(a) == Some(1) && self.as_const(b) == Some(0) {
                    return condition;
                }
                self.make(Kind::Select(condition, a, b), width)
            }
        }
    }

    /// The other truth value.
    pub(super) fn invert(&mut self, condition: Term) -> Term {
        let one = self.constant(1, 1);
        self.apply(Alu::Xor, condition, one, 1, 1)
    }

    /// An operation on terms; `of` is the width of the first operand.
    pub(super) fn apply(&mut self, op: Alu, a: Term, b: Term, of: u32, width: u32) -> Term {
        let (x, y) = (self.as_const(a), self.as_const(b));
        if let (Some(x), Some(y)) = (x, y) {
            let value = alu(op, x, y, of, low_bits(width));
            return self.constant(value, width);
        }
        let commutes =
            matches!(op, Alu::Add | Alu::Mul | Alu::And | Alu::Or | Alu::Xor | Alu::Eq | Alu::Ne);
        if x.is_some() && commutes {
            return self.apply(op, b, a, of, width);
        }
        if let Some(y) = y
            && let Some(simple) = self.with_constant(op, a, y, width)
        {
            return simple;
        }
        if a == b {
            match op {
                Alu::And | Alu::Or => return a,
                Alu::Xor | Alu::Sub => return self.constant(0, width),
                Alu::Eq | Alu::Uge | Alu::Sge => return self.constant(1, 1),
                Alu::Ne | Alu::Ult | Alu::Slt => return self.constant(0, 1),
                _ => {}
            }
        }
        self.make(Kind::Apply(op, a, b, of as u8), width)
    }

    /// What is simpler than `a op y`, if something is.
    fn with_constant(&mut self, op: Alu, a: Term, y: u64, width: u32) -> Option<Term> {
        let all = low_bits(width);
        match op {
            Alu::Add | Alu::Or | Alu::Xor | Alu::Shl | Alu::Lshr if y == 0 => Some(a),
            Alu::Sub => {
                let negated = self.constant(y.wrapping_neg(), width);
                Some(self.apply(Alu::Add, a, negated, width, width))
            }
            Alu::Add => {
                let Kind::Apply(Alu::Add, inner, c, _) = self.kind(a) else { return None };
                let c = self.as_const(c)?;
                // Both wrap at the same width, or the inner sum does not wrap at all.
                let exact = u128::from(self.most(inner)) + u128::from(c);
                let same = self.width(a) == width || exact <= u128::from(low_bits(self.width(a)));
                let sum = self.constant(c.wrapping_add(y), width);
                same.then(|| self.apply(Alu::Add, inner, sum, width, width))
            }
            Alu::And => {
                let known = low_bits(64 - self.most(a).leading_zeros());
                if y & known == known {
                    return Some(a);
                }
                if y & known == 0 {
                    return Some(self.constant(0, width));
                }
                let Kind::Apply(Alu::And, inner, c, _) = self.kind(a) else { return None };
                let mask = self.constant(self.as_const(c)? & y, width);
                Some(self.apply(Alu::And, inner, mask, width, width))
            }
            Alu::Mul if y == 1 => Some(a),
            Alu::Xor if width == 1 && y == 1 => {
                let Kind::Apply(op, x, z, of) = self.kind(a) else { return None };
                let other = match op {
                    Alu::Eq => Alu::Ne,
                    Alu::Ne => Alu::Eq,
                    Alu::Ult => Alu::Uge,
                    Alu::Uge => Alu::Ult,
                    Alu::Slt => Alu::Sge,
                    Alu::Sge => Alu::Slt,
                    Alu::Xor if self.as_const(z) == Some(1) && self.width(a) == 1 => {
                        return Some(x);
                    }
                    _ => return None,
                };
                Some(self.apply(other, x, z, u32::from(of), 1))
            }
            Alu::Eq | Alu::Ne if y > self.most(a) => {
                Some(self.constant(u64::from(op == Alu::Ne), 1))
            }
            Alu::Eq | Alu::Ne if self.most(a) <= 1 && self.width(a) == 1 => {
                let same = (op == Alu::Eq) == (y == 1);
                Some(if same { a } else { self.invert(a) })
            }
            Alu::Ult | Alu::Uge if y > self.most(a) => {
                Some(self.constant(u64::from(op == Alu::Ult), 1))
            }
            Alu::Ult | Alu::Uge if y == 0 => Some(self.constant(u64::from(op == Alu::Uge), 1)),
            Alu::Lshr if y > 0 && y < 64 && self.most(a) >> y == 0 => Some(self.constant(0, width)),
            Alu::Or if y == all => Some(self.constant(all, width)),
            _ => None,
        }
    }

    /// The value of a settled term.
    #[inline]
    pub(super) fn value(&self, term: Term, registers: &[u64], cells: u64) -> u64 {
        match self.kind(term) {
            Kind::Slot(slot) => registers[slot as usize],
            _ => self.compute(term, registers, cells),
        }
    }

    fn compute(&self, term: Term, registers: &[u64], cells: u64) -> u64 {
        let all = low_bits(self.width(term));
        match self.kind(term) {
            Kind::Const(value) => value,
            Kind::Slot(slot) => registers[slot as usize],
            Kind::Cells => cells & all,
            Kind::Apply(op, a, b, of) => {
                let (x, y) = (self.value(a, registers, cells), self.value(b, registers, cells));
                alu(op, x, y, u32::from(of), all)
            }
            Kind::Select(condition, a, b) => {
                let chosen = if self.value(condition, registers, cells) != 0 { a } else { b };
                self.value(chosen, registers, cells)
            }
            // These are never settled.
            Kind::Element { .. } | Kind::Load(_) => 0,
        }
    }
}

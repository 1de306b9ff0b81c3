//! Accesses to storage: whatever the mapping checks about an address becomes one limit.
//!
//! A check is solved for the address, t + Σ settled + constant ≤ 0; the least of the limits and the
//! start of the mapped cells are worked out once per translation context, at full precision.

use super::alu::Alu;
use super::ops::Limits;
use super::terms::{Kind, Term, Terms};
use crate::cpu::Cpu;

/// A sum at full precision: terms with signs, and a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Sum {
    parts: Vec<(Term, bool)>,
    constant: i128,
}

/// A condition `t + rest ≤ 0`; without t it is the translation context's alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) address: Option<Term>,
    rest: Sum,
}

/// Where an access goes: the cell `address + Σ base + offset`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    /// What changes; a number where nothing does.
    pub(super) address: Option<Term>,
    pub(super) base: Vec<Term>,
    pub(super) offset: u64,
}

impl Sum {
    /// A term as a sum, as far as sums below it are exact.
    fn of(terms: &Terms, term: Term) -> Self {
        let mut sum = Self::default();
        sum.add(terms, term);
        sum
    }

    fn add(&mut self, terms: &Terms, term: Term) {
        match terms.kind(term) {
            Kind::Const(value) => self.constant += i128::from(value),
            Kind::Apply(Alu::Add, a, b, _) if exact(terms, a, b, term) => {
                self.add(terms, a);
                self.add(terms, b);
            }
            _ => self.parts.push((term, true)),
        }
    }

    fn subtract(mut self, other: &Self) -> Self {
        for (term, positive) in &other.parts {
            match self.parts.iter().position(|p| *p == (*term, *positive)) {
                Some(i) => {
                    self.parts.remove(i);
                }
                None => self.parts.push((*term, !positive)),
            }
        }
        self.constant -= other.constant;
        self
    }

    fn value(&self, terms: &Terms, registers: &[u64], cells: u64) -> i128 {
        let part = |(term, positive): &(Term, bool)| {
            let value = i128::from(terms.value(*term, registers, cells));
            if *positive { value } else { -value }
        };
        self.parts.iter().map(part).sum::<i128>() + self.constant
    }
}

fn exact(terms: &Terms, a: Term, b: Term, sum: Term) -> bool {
    let most = u128::from(terms.most(a)) + u128::from(terms.most(b));
    most < 1 << terms.width(sum)
}

impl Row {
    /// Solves a condition for an address.
    pub(super) fn solve(terms: &Terms, condition: Term) -> Option<Self> {
        let mut rest = match terms.kind(condition) {
            // x < y, x − y + 1 ≤ 0.
            Kind::Apply(Alu::Ult, x, y, _) => {
                let mut sum = Sum::of(terms, x).subtract(&Sum::of(terms, y));
                sum.constant += 1;
                sum
            }
            Kind::Apply(Alu::Uge, x, y, _) => Sum::of(terms, y).subtract(&Sum::of(terms, x)),
            _ => return None,
        };
        let mut open = rest.parts.iter().filter(|(term, _)| !terms.settled(*term));
        let address = match (open.next(), open.next()) {
            (None, _) => None,
            (Some((term, true)), None) => Some(*term),
            _ => return None,
        };
        rest.parts.retain(|(term, _)| Some(*term) != address);
        rest.parts.sort_unstable();
        Some(Self { address, rest })
    }
}

impl Cell {
    /// The cell that a term is the number of.
    pub(super) fn of(terms: &Terms, place: Term) -> Self {
        let sum = Sum::of(terms, place);
        let (mut base, open): (Vec<Term>, Vec<Term>) =
            sum.parts.iter().map(|(term, _)| *term).partition(|term| terms.settled(*term));
        base.sort_unstable();
        match open.as_slice() {
            [] => Self { address: None, base, offset: sum.constant as u64 },
            [address] => Self { address: Some(*address), base, offset: sum.constant as u64 },
            _ => Self { address: Some(place), base: Vec::new(), offset: 0 },
        }
    }
}

/// The limits of an address under a translation context, by the rows that check it; where it is a number, it is
/// that one. Whatever the conditions are, no cell outside the window of the machine that runs lies
/// below the limit or up to `reach` further, nor one past the 2³²nd.
pub(super) fn limits(
    terms: &Terms,
    cpu: &Cpu,
    rows: &[&Row],
    base: &[Term],
    reach: u64,
    number: u64,
) -> Limits {
    let (registers, cells) = (cpu.registers.as_slice(), cpu.cells());
    let base = base.iter().map(|t| i128::from(terms.value(*t, registers, cells))).sum::<i128>();
    let inside = i128::from(cells) - base - i128::from(reach);
    let below = |row: &&Row| 1 + i128::from(number) - row.rest.value(terms, registers, cells);
    let limit = rows.iter().map(below).fold(inside, i128::min);
    let base = base + cpu.window.start as i128;
    let limit = limit.min(i128::from(u32::MAX) - base);
    match (u32::try_from(limit), u32::try_from(base)) {
        (Ok(limit), Ok(base)) => Limits { limit, base },
        _ => Limits::default(),
    }
}

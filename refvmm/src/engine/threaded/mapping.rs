//! Accesses to storage: whatever the mapping checks about an address becomes one limit.
//!
//! A check is solved for the address, t + Σ settled + constant ≤ 0; the least of the limits and the
//! start of the mapped cells are worked out once per regime, at full precision.

use std::ops::Range;

use super::alu::Alu;
use super::terms::{Kind, Term, Terms};

/// A sum at full precision: terms with signs, and a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Sum {
    parts: Vec<(Term, bool)>,
    constant: i128,
}

/// A condition `t + rest ≤ 0`; without t it is the regime's alone.
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

/// A mapping of addresses to cells, by its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Mapping {
    /// The rests of its rows.
    rows: Vec<Sum>,
    base: Vec<Term>,
    /// Largest offset from the address that is accessed.
    reach: u64,
}

/// A mapping under a regime: addresses below the limit go to cells from `base` on, and `reach`
/// further, inside the installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) limit: u64,
    pub(super) base: u64,
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

impl Mapping {
    /// The mapping of an address that some rows check; where the address is a number, the rows are
    /// moved there.
    pub(super) fn new(rows: &[&Row], base: &[Term], reach: u64, at: u64) -> Self {
        let mut rows: Vec<Sum> = rows
            .iter()
            .map(|row| {
                let mut rest = row.rest.clone();
                rest.constant -= i128::from(at);
                rest
            })
            .collect();
        rows.sort_by(|a, b| (a.constant, &a.parts).cmp(&(b.constant, &b.parts)));
        rows.dedup();
        Self { rows, base: base.to_vec(), reach }
    }

    /// Its limits under a regime. Whatever the conditions are, no cell outside the window of the
    /// machine that runs lies below the limit.
    pub(super) fn limits(&self, terms: &Terms, registers: &[u64], window: &Range<usize>) -> Limits {
        let cells = window.len() as u64;
        let value = |term: &Term| i128::from(terms.value(*term, registers, cells));
        let base: i128 = self.base.iter().map(value).sum();
        let inside = i128::from(cells) - base - i128::from(self.reach);
        let checks = self.rows.iter().map(|row| 1 - row.value(terms, registers, cells));
        let limit = checks.fold(inside, i128::min);
        match (u64::try_from(limit), u64::try_from(base)) {
            (Ok(limit), Ok(base)) if limit > 0 => {
                Limits { limit, base: base + window.start as u64 }
            }
            _ => Limits::default(),
        }
    }
}

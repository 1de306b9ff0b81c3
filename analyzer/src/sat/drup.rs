//! What a solver was given and what it learnt: the raw material of a proof.
//!
//! Each learnt clause follows by unit propagation from the given ones and those learnt before ("reverse unit propagation").
//! Nobody relies on that: [`super::elaborate`] finds the steps, and the checker rejects a proof that lacks one.

use std::fmt;

/// Clauses in order, as literals in the style of DIMACS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clauses {
    /// All clauses one after the other, each followed by 0.
    literals: Vec<i32>,
    /// The number of clauses.
    count: usize,
}

impl Clauses {
    /// Adds a clause.
    pub(crate) fn push(&mut self, clause: impl IntoIterator<Item = i32>) {
        self.literals.extend(clause);
        self.literals.push(0);
        self.count += 1;
    }

    /// The clauses.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[i32]> {
        self.literals
            .split_inclusive(|&literal| literal == 0)
            .map(|clause| &clause[..clause.len() - 1])
    }
}

/// One clause a line, in the style of DIMACS.
impl fmt::Display for Clauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for clause in self.iter() {
            clause.iter().try_for_each(|literal| write!(f, "{literal} "))?;
            writeln!(f, "0")?;
        }
        Ok(())
    }
}

/// The record of a solver over all its calls.
///
/// A lemma may depend on inputs added before it and on no others. To number all inputs first is sound nevertheless:
/// they are all given, whenever they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The clauses that the solver was given, exactly as they were given.
    pub(crate) inputs: Clauses,
    /// The clauses that it learnt, those that refute assumptions included. The empty clause is not among them.
    pub(crate) lemmas: Clauses,
    /// The lemmas that it gave up, so that a proof need not consider them any longer.
    given_up: Clauses,
    /// The number of lemmas learnt before each of them was given up.
    times: Vec<usize>,
}

impl Trace {
    /// Notes that a clause is given up now.
    pub(crate) fn give_up(&mut self, clause: impl IntoIterator<Item = i32>) {
        self.given_up.push(clause);
        self.times.push(self.lemmas.count);
    }

    /// The clauses that were given up, each with the number of lemmas learnt before.
    pub(crate) fn given_up(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.times.iter().copied().zip(self.given_up.iter())
    }
}

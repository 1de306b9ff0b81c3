//! Effort: how many obligations were settled, and how.

use crate::decide::By;
use crate::prove::answer::Existence;

/// How many obligations were settled how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Obligations in all.
    pub obligations: u64,
    /// Universal statements proved.
    pub proved: u64,
    /// Existential statements witnessed.
    pub witnessed: u64,
    /// Neither.
    pub undecided: u64,
    /// Settled because the results do not depend on what differs.
    pub by_dependency: u64,
    /// Settled by rewriting under the premises.
    pub by_rewriting: u64,
    /// Settled by a plain assignment that happened to be a witness.
    pub by_evaluation: u64,
    /// Settled by the SAT solver.
    pub by_sat: u64,
    /// Conflicts of the SAT solver.
    pub conflicts: u64,
}

impl Counts {
    /// Counts one settled obligation.
    pub(crate) fn count(&mut self, verdict: &Existence, by: By) {
        self.obligations += 1;
        match verdict {
            Existence::Absent(_) => self.proved += 1,
            Existence::Witnessed(_) => self.witnessed += 1,
            Existence::Unknown(_) => self.undecided += 1,
        }
        match by {
            By::Dependency => self.by_dependency += 1,
            By::Rewriting => self.by_rewriting += 1,
            By::Evaluation => self.by_evaluation += 1,
            By::Sat(conflicts) => {
                self.by_sat += 1;
                self.conflicts += conflicts;
            }
        }
    }

    /// Adds up.
    pub(crate) fn add(&mut self, other: &Self) {
        self.obligations += other.obligations;
        self.proved += other.proved;
        self.witnessed += other.witnessed;
        self.undecided += other.undecided;
        self.by_dependency += other.by_dependency;
        self.by_rewriting += other.by_rewriting;
        self.by_evaluation += other.by_evaluation;
        self.by_sat += other.by_sat;
        self.conflicts += other.conflicts;
    }
}

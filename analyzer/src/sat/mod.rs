//! Decision of bit-vector formulas at the level of bits: circuits, clauses and SAT solvers.
//!
//! A formula that survives the word-level rewriting is decided in three steps, one module each.
//! [`circuits`] turns operations on bit vectors into an and-inverter graph ([`aig`]), whose structural hashing already settles most goals.
//! [`cnf`] translates the part of the graph that the goal depends on into clauses.
//! A [`SatSolver`] searches for a model of these clauses; [`batsat`] is the built-in one.
//! If there is none, [`drup`] has recorded what it learnt, and [`elaborate`] makes a proof of it that `crate::certificate::lrat` checks.
//!
//! Everything here is deterministic: the same calls in the same order give the same graph, the same clauses, the same model and the same number of conflicts.
//! Effort is bounded by a number of conflicts, so that an answer does not depend on the machine; a deadline is kept only where the user asks for one.

pub(crate) mod aig;
pub(crate) mod batsat;
pub(crate) mod circuits;
pub(crate) mod cnf;
pub(crate) mod drup;
pub(crate) mod elaborate;
#[cfg(test)]
mod proofs;

/// The answer of a solver to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The clauses have a model that satisfies the assumptions.
    Sat,
    /// The clauses have no model that satisfies the assumptions.
    Unsat,
    /// The budget was spent before either was established.
    Unknown,
}

/// The effort that one call may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The number of conflicts after which the solver gives up; with 0 it only propagates.
    pub(crate) conflicts: u64,
    /// When the solver gives up in any case.
    pub(crate) deadline: Option<std::time::Instant>,
}

impl Budget {
    /// A number of conflicts and no deadline.
    #[cfg(test)]
    pub(crate) const fn conflicts(conflicts: u64) -> Self {
        Self { conflicts, deadline: None }
    }
}

/// An incremental SAT solver over literals in the style of DIMACS: variable `v` is `v > 0`, its negation is `-v`.
pub(crate) trait SatSolver {
    /// Adds a clause for this and all later calls; new variables come into being on first use.
    fn add_clause(&mut self, clause: &[i32]);

    /// Searches for a model of all clauses in which every assumption holds.
    /// Assumptions are in force for this call only, and after any outcome the solver remains usable.
    fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome;

    /// The value of a variable in the model; meaningful only if the last call answered [`Outcome::Sat`].
    /// A variable that no clause and no assumption mentions is false.
    fn value(&self, variable: i32) -> bool;

    /// The number of conflicts met since the solver was created.
    fn conflicts(&self) -> u64;

    /// What was recorded, if anything is.
    fn trace(&self) -> Option<&drup::Trace>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Budget, Outcome, SatSolver};

    /// A budget that no test exhausts.
    pub(super) const AMPLE: Budget = Budget::conflicts(10_000_000);

    /// A small deterministic generator (splitmix64).
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        pub(crate) fn below(&mut self, bound: usize) -> usize {
            (self.next() % bound as u64) as usize
        }
    }

    /// The clauses saying that `pigeons` pigeons sit in one hole fewer: unsatisfiable, and hard for resolution.
    pub(super) fn pigeonhole(pigeons: i32) -> Vec<Vec<i32>> {
        let holes = pigeons - 1;
        let sits = |pigeon: i32, hole: i32| pigeon * holes + hole + 1;
        let mut clauses: Vec<Vec<i32>> = (0..pigeons)
            .map(|pigeon| (0..holes).map(|hole| sits(pigeon, hole)).collect())
            .collect();
        for hole in 0..holes {
            for first in 0..pigeons {
                clauses
                    .extend((0..first).map(|second| vec![-sits(first, hole), -sits(second, hole)]));
            }
        }
        clauses
    }

    /// What every solver must do; each back end runs this suite.
    pub(super) fn contract<S: SatSolver>(make: impl Fn() -> S) {
        trivial_cases(make());
        assumptions_are_temporary(make());
        random_clauses_agree_with_enumeration(&make);
        an_exhausted_budget_is_not_final(make());
        runs_are_reproducible(make(), make());
    }

    fn trivial_cases(mut solver: impl SatSolver) {
        assert_eq!(solver.solve(&[], AMPLE), Outcome::Sat, "no clauses");
        assert!(!solver.value(7), "unmentioned variable");
        solver.add_clause(&[1, -2, 1]);
        solver.add_clause(&[3, -3]);
        solver.add_clause(&[2]);
        assert_eq!(solver.solve(&[], AMPLE), Outcome::Sat);
        assert!(solver.value(1) && solver.value(2));
        solver.add_clause(&[]);
        assert_eq!(solver.solve(&[], AMPLE), Outcome::Unsat, "empty clause");
        assert_eq!(solver.solve(&[1], AMPLE), Outcome::Unsat, "still empty clause");
    }

    fn assumptions_are_temporary(mut solver: impl SatSolver) {
        solver.add_clause(&[1, 2]);
        assert_eq!(solver.solve(&[-1, -2], AMPLE), Outcome::Unsat);
        assert_eq!(solver.solve(&[-1], AMPLE), Outcome::Sat);
        assert!(!solver.value(1) && solver.value(2));
        assert_eq!(solver.solve(&[5, -5], AMPLE), Outcome::Unsat, "contradictory assumptions");
        assert_eq!(solver.solve(&[9], AMPLE), Outcome::Sat, "assumption on a new variable");
        assert!(solver.value(9));
    }

    fn random_clauses_agree_with_enumeration<S: SatSolver>(make: &impl Fn() -> S) {
        let mut random = Random(1);
        let holds =
            |model: u32, literal: i32| (model >> (literal.abs() - 1) & 1 == 1) == (literal > 0);
        for round in 0..300 {
            let mut literal = || {
                let variable = i32::try_from(random.below(8)).expect("below 8") + 1;
                if random.below(2) == 0 { variable } else { -variable }
            };
            let clauses: Vec<[i32; 3]> =
                (0..20 + round % 30).map(|_| [literal(), literal(), literal()]).collect();
            let assumption = literal();
            let model_exists = (0..1u32 << 8).any(|model| {
                holds(model, assumption)
                    && clauses.iter().all(|clause| clause.iter().any(|&l| holds(model, l)))
            });
            let mut solver = make();
            for clause in &clauses {
                solver.add_clause(clause);
            }
            let outcome = solver.solve(&[assumption], AMPLE);
            assert_eq!(
                outcome,
                if model_exists { Outcome::Sat } else { Outcome::Unsat },
                "round {round}"
            );
            if outcome == Outcome::Sat {
                let satisfied = |l: i32| solver.value(l.abs()) == (l > 0);
                assert!(
                    satisfied(assumption)
                        && clauses.iter().all(|c| c.iter().any(|&l| satisfied(l)))
                );
            }
        }
    }

    fn an_exhausted_budget_is_not_final(mut solver: impl SatSolver) {
        for clause in pigeonhole(7) {
            solver.add_clause(&clause);
        }
        assert_eq!(solver.solve(&[], Budget::conflicts(0)), Outcome::Unknown);
        assert_eq!(solver.solve(&[], Budget::conflicts(10)), Outcome::Unknown);
        let spent = solver.conflicts();
        assert!((10..100).contains(&spent), "{spent} conflicts for a budget of 10");
        assert_eq!(
            solver.solve(&[], Budget::conflicts(10)),
            Outcome::Unknown,
            "the budget is for each call"
        );
        assert!(solver.conflicts() >= spent + 10);
        assert_eq!(solver.solve(&[], AMPLE), Outcome::Unsat);
    }

    fn runs_are_reproducible(mut first: impl SatSolver, mut second: impl SatSolver) {
        for clause in pigeonhole(6) {
            first.add_clause(&clause);
            second.add_clause(&clause);
        }
        assert_eq!(first.solve(&[], AMPLE), second.solve(&[], AMPLE));
        assert_eq!(first.conflicts(), second.conflicts());
    }
}

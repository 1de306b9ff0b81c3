//! The built-in SAT solver: `batsat`, a pure Rust descendant of `MiniSat`.

use super::{Budget, Outcome, SatSolver};
use ::batsat::{Callbacks, ClauseKind, Lit, Solver, SolverInterface, SolverOpts, lbool};

/// The solver `batsat` with deterministic options.
pub(crate) struct BatSat {
    /// The solver proper.
    solver: Solver<Monitor>,
    /// The clause or the assumptions of the current call, kept to save allocations.
    buffer: Vec<Lit>,
}

/// What the solver reports to while it runs.
///
/// A DRUP proof will be recorded here: `on_new_clause` reports each learnt clause, the refuted assumptions included,
/// and `on_delete_clause` each learnt clause that is given up.
/// The solver never reports the empty clause: the recorder appends it after [`Outcome::Unsat`] without assumptions.
/// Nor does it report that satisfied clauses go and that false literals leave the others,
/// so that a deletion may name a shortened clause that was never added; the recorder must skip such deletions.
struct Monitor {
    /// The number of clauses that may still be learnt in this call, one for each conflict.
    remaining: u64,
}

impl Callbacks for Monitor {
    fn on_new_clause(&mut self, _clause: &[Lit], kind: ClauseKind) {
        if kind == ClauseKind::Learnt {
            self.remaining = self.remaining.saturating_sub(1);
        }
    }

    /// Asked before every decision and after every restart, but not between a conflict and the propagation that follows it:
    /// a call can exceed its budget by a run of immediately consecutive conflicts.
    fn stop(&self) -> bool {
        self.remaining == 0
    }
}

impl BatSat {
    /// A solver without clauses.
    pub(crate) fn new() -> BatSat {
        BatSat {
            // Geometric restarts: most formulas are large and satisfiable, and each restart costs.
            solver: Solver::new(
                SolverOpts { luby_restart: false, ..SolverOpts::default() },
                Monitor { remaining: 0 },
            ),
            buffer: Vec::new(),
        }
    }

    /// Fills the buffer with the solver's form of some literals and makes their variables known to it.
    fn load(&mut self, literals: &[i32]) {
        self.buffer.clear();
        for &literal in literals {
            let variable = literal.unsigned_abs().checked_sub(1).expect("0 is not a literal");
            let variable = self.solver.var_of_int(variable);
            self.buffer.push(Lit::new(variable, literal > 0));
        }
    }
}

impl SatSolver for BatSat {
    fn add_clause(&mut self, clause: &[i32]) {
        self.load(clause);
        // The result says whether a contradiction is known; the next call reports that.
        self.solver.add_clause_reuse(&mut self.buffer);
    }

    fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
        self.load(assumptions);
        self.solver.cb_mut().remaining = budget.conflicts;
        let result = self.solver.solve_limited(&self.buffer);
        if result == lbool::TRUE {
            Outcome::Sat
        } else if result == lbool::FALSE {
            Outcome::Unsat
        } else {
            Outcome::Unknown
        }
    }

    fn value(&self, variable: i32) -> bool {
        let index = variable.unsigned_abs().checked_sub(1).expect("0 is not a variable");
        self.solver.get_model().get(index as usize).is_some_and(|&value| value == lbool::TRUE)
    }

    fn conflicts(&self) -> u64 {
        self.solver.num_conflicts()
    }
}

#[cfg(test)]
mod tests {
    use super::super::aig::{Aig, Lit};
    use super::super::cnf::Cnf;
    use super::super::tests::{AMPLE, contract};
    use super::super::{Budget, Outcome, SatSolver, circuits};
    use super::BatSat;

    #[test]
    fn the_contract_is_kept() {
        contract(BatSat::new);
    }

    #[test]
    fn an_undecided_circuit_is_decided_later() {
        let mut aig = Aig::new();
        let [a, b, c] = [0; 3].map(|_| (0..6).map(|_| aig.input()).collect::<Vec<Lit>>());
        let sum = circuits::add(&mut aig, &b, &c);
        let left = circuits::mul(&mut aig, &a, &sum);
        let (ab, ac) = (circuits::mul(&mut aig, &a, &b), circuits::mul(&mut aig, &a, &c));
        let right = circuits::add(&mut aig, &ab, &ac);
        let equal = circuits::eq(&mut aig, &left, &right);
        let cnf = Cnf::new(&aig, &[equal]);
        let mut solver = BatSat::new();
        for clause in cnf.clauses() {
            solver.add_clause(clause);
        }
        let goal = cnf.literal(!equal).expect("a root has a variable");
        assert_eq!(solver.solve(&[goal], Budget { conflicts: 20 }), Outcome::Unknown);
        assert_eq!(solver.solve(&[goal], AMPLE), Outcome::Unsat, "multiplication distributes");
        assert_eq!(solver.solve(&[-goal], AMPLE), Outcome::Sat, "the solver survives");
    }
}

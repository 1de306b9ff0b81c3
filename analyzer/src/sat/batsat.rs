//! The built-in SAT solver: `batsat`, a pure Rust descendant of `MiniSat`.

use std::cell::Cell;
use std::time::Instant;

use super::drup::Trace;
use super::{Budget, Outcome, SatSolver};
use crate::decide::stopped;
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
/// `on_new_clause` gets each learnt clause, and for refuted assumptions the clause that one of them is false.
/// The solver never reports the empty clause, nor that false literals leave clauses and that satisfied clauses go.
/// Each reported clause nevertheless follows by unit propagation from what was added and reported before:
/// a literal that left is false by unit propagation alone.
/// `on_delete_clause` gets each learnt clause that is given up, but in its present, perhaps shortened form.
struct Monitor {
    /// The number of clauses that may still be learnt in this call, one for each conflict.
    remaining: u64,
    /// When to give up in any case.
    deadline: Option<Instant>,
    /// How often it was asked whether to stop: the clock is read now and then.
    asked: Cell<u32>,
    /// What was added and learnt, if that is wanted.
    trace: Option<Trace>,
}

/// Decisions that one call may take: large circuits have few conflicts and many of these.
const DECISIONS: u32 = 2_000_000;

impl Callbacks for Monitor {
    fn on_new_clause(&mut self, clause: &[Lit], kind: ClauseKind) {
        if kind == ClauseKind::Learnt {
            self.remaining = self.remaining.saturating_sub(1);
            if let Some(trace) = &mut self.trace {
                trace.lemmas.push(clause.iter().map(|&literal| external(literal)));
            }
        }
    }

    fn on_delete_clause(&mut self, clause: &[Lit]) {
        if let Some(trace) = &mut self.trace {
            trace.give_up(clause.iter().map(|&literal| external(literal)));
        }
    }

    /// Asked before every decision and after every restart, but not between a conflict and the propagation that follows it:
    /// a call can exceed its budget by a run of immediately consecutive conflicts.
    fn stop(&self) -> bool {
        self.asked.set(self.asked.get().wrapping_add(1));
        let late = || stopped() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        self.remaining == 0
            || self.asked.get() > DECISIONS
            || (self.asked.get() % 256 == 1 && late())
    }
}

impl BatSat {
    /// A solver without clauses.
    pub(crate) fn new() -> BatSat {
        BatSat::with_trace(None)
    }

    /// A solver without clauses that records what a proof needs.
    pub(crate) fn recording() -> BatSat {
        BatSat::with_trace(Some(Trace::default()))
    }

    fn with_trace(trace: Option<Trace>) -> BatSat {
        BatSat {
            // Geometric restarts: most formulas are large and satisfiable, and each restart costs.
            solver: Solver::new(
                SolverOpts { luby_restart: false, ..SolverOpts::default() },
                Monitor { remaining: 0, deadline: None, asked: Cell::new(0), trace },
            ),
            buffer: Vec::new(),
        }
    }

    /// Adds a clause that the others imply, for instance one found by refuting assumptions.
    /// A proof derives it, by unit propagation from what was learnt before, instead of taking it for granted.
    #[cfg(test)]
    pub(crate) fn add_lemma(&mut self, clause: &[i32]) {
        if let Some(trace) = &mut self.solver.cb_mut().trace {
            trace.lemmas.push(clause.iter().copied());
        }
        self.load(clause);
        self.solver.add_clause_reuse(&mut self.buffer);
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

/// A literal of the solver in the style of DIMACS.
fn external(literal: Lit) -> i32 {
    let variable = literal.var().idx() as i32 + 1;
    if literal.sign() { variable } else { -variable }
}

impl SatSolver for BatSat {
    fn add_clause(&mut self, clause: &[i32]) {
        if let Some(trace) = &mut self.solver.cb_mut().trace {
            trace.inputs.push(clause.iter().copied());
        }
        self.load(clause);
        // The result says whether a contradiction is known; the next call reports that.
        self.solver.add_clause_reuse(&mut self.buffer);
    }

    fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
        self.load(assumptions);
        let monitor = self.solver.cb_mut();
        monitor.asked.set(0);
        (monitor.remaining, monitor.deadline) = (budget.conflicts, budget.deadline);
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

    fn trace(&self) -> Option<&Trace> {
        self.solver.cb().trace.as_ref()
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
        contract(BatSat::recording);
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
        assert_eq!(solver.solve(&[goal], Budget::conflicts(20)), Outcome::Unknown);
        assert_eq!(solver.solve(&[goal], AMPLE), Outcome::Unsat, "multiplication distributes");
        assert_eq!(solver.solve(&[-goal], AMPLE), Outcome::Sat, "the solver survives");
    }
}

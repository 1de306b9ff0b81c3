//! Questions about one instruction, and who settles them: the solver here, a certificate in
//! [`crate::certificate`]. What follows from the answers is the same code for both.

use model::isa::Class;

use crate::decide::{self, By, MinimisationGoals, Query, Shared, SolverConfig};
use crate::definitions::Obligation;
use crate::prove::answer::{Existence, Proof};
use crate::prove::problem::{Problem, Run};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::prove::witness;
use crate::symbolic::term::{TERMS, Term, Terms};

/// "There are states such that …", about one class and pair.
pub(crate) struct Question<'q> {
    /// The definition and what distinguishes its cases: `control-sensitive/user`.
    pub(crate) name: String,
    /// The formula.
    pub(crate) ask: &'q dyn Fn(&mut Problem<'_>) -> Obligation,
    /// What a replay must confirm.
    pub(crate) shows: &'q dyn Fn(&Replay<'_>) -> bool,
}

/// Conflicts that attempts at proofs may waste on one class.
const PATIENCE: u64 = 12_000;

/// The questions about one class and pair.
pub(crate) struct Session<'i> {
    pub(crate) problem: Problem<'i>,
    pub(crate) setting: Setting<'i>,
    pub(crate) shared: Shared,
    /// Conflicts still to be spent on proofs that may turn out to be out of reach.
    pub(crate) patience: u64,
}

impl<'i> Session<'i> {
    pub(crate) fn new(setting: Setting<'i>, class: &'i Class) -> Self {
        Self {
            problem: Problem::of(setting, class, Terms::default()),
            setting,
            shared: Shared::default(),
            patience: PATIENCE,
        }
    }
}

impl Question<'_> {
    /// The question put to an arena of its own: the same whatever was asked before.
    pub(crate) fn put<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
        terms: Terms,
    ) -> (Problem<'i>, Obligation) {
        let mut problem = Problem::of(setting, class, terms);
        let obligation = (self.ask)(&mut problem);
        (problem, obligation)
    }

    /// Everything that has to be unsatisfiable for a "no": the premises, and the goal or missing
    /// semantics. Formulas of an arena of their own, the same whatever was asked before; with the states.
    pub(crate) fn plain<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
    ) -> (Problem<'i>, Vec<Term>, Vec<Run>) {
        self.roots(setting, class, Terms::or)
    }

    /// Everything that a witness satisfies: the premises and the goal.
    pub(crate) fn plain_goal<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
    ) -> (Problem<'i>, Vec<Term>, Vec<Run>) {
        self.roots(setting, class, |_, goal, _| goal)
    }

    fn roots<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
        last: impl Fn(&mut Terms, Term, Term) -> Term,
    ) -> (Problem<'i>, Vec<Term>, Vec<Run>) {
        let (mut problem, Obligation { query, unknown, runs, .. }) =
            self.put(setting, class, Terms::plain());
        let mut roots = query.premises;
        roots.push(last(&mut problem.terms, query.goal, unknown));
        (problem, roots, runs)
    }
}

/// Who answers questions: the decision procedure, the prover that keeps why, the verifier of a certificate.
pub(crate) trait Backend: Sync {
    /// The answer, and how it came about.
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By);

    /// Another witness for the same question, made small for readers; `None` if there is no need.
    fn small(&self, session: &mut Session<'_>, question: &Question<'_>) -> Option<Existence>;
}

/// The decision procedure answers.
pub(crate) struct DecisionProcedure {
    pub(crate) config: SolverConfig,
}

impl Backend for DecisionProcedure {
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
        if let Some(why) = self.config.too_late() {
            return (Existence::Unknown(why), By::Rewriting);
        }
        session.problem.terms.deadline = self.config.deadline;
        session.shared.earlier.begin(&session.problem.terms);
        let obligation = (question.ask)(&mut session.problem);
        self.exists(session, &obligation, question, None)
    }

    fn small(&self, session: &mut Session<'_>, question: &Question<'_>) -> Option<Existence> {
        if decide::stopped() {
            return None;
        }
        session.shared.earlier.begin(&session.problem.terms);
        let obligation = (question.ask)(&mut session.problem);
        let minimise = witness::minimise(&mut session.problem, &obligation);
        Some(self.exists(session, &obligation, question, Some(&minimise)).0)
    }
}

impl DecisionProcedure {
    /// Decides an existential statement; a witness counts only after it was replayed.
    fn exists(
        &self,
        session: &mut Session<'_>,
        obligation: &Obligation,
        question: &Question<'_>,
        minimise: Option<&MinimisationGoals>,
    ) -> (Existence, By) {
        if session.problem.terms.is_full() {
            let why = format!("the formula has more than {TERMS} terms");
            return (Existence::Unknown(why), By::Rewriting);
        }
        if let Some(why) = self.config.too_late() {
            return (Existence::Unknown(why), By::Rewriting);
        }
        let (answer, by) = decide::decide(
            self.config,
            &mut session.problem.terms,
            &obligation.query,
            minimise,
            &mut session.shared,
        );
        let verdict = match answer {
            decide::Satisfiability::Unsat => self.proved(session, obligation, by),
            decide::Satisfiability::Sat(model) => {
                let (replay, witness) =
                    witness::read(&session.problem, session.setting, obligation, &model);
                if replay.admitted() && (question.shows)(&replay) {
                    Existence::Witnessed(Box::new(witness))
                } else {
                    Existence::Unknown(
                        "internal error: the witness does not replay; please report this".into(),
                    )
                }
            }
            decide::Satisfiability::Unknown(why) => Existence::Unknown(why),
        };
        (verdict, by)
    }

    /// Nothing was found: a proof, unless missing semantics can be reached.
    fn proved(&self, session: &mut Session<'_>, obligation: &Obligation, by: By) -> Existence {
        let premises = obligation.query.premises.clone();
        let query = Query { premises, goal: obligation.unknown };
        match decide::decide(
            self.config,
            &mut session.problem.terms,
            &query,
            None,
            &mut session.shared,
        ) {
            (decide::Satisfiability::Unsat, _) => Existence::Absent(Proof::new(by)),
            (decide::Satisfiability::Unknown(why), _) if self.config.too_late().is_some() => {
                Existence::Unknown(why)
            }
            _ => Existence::Unknown("the specification leaves semantics unknown".into()),
        }
    }
}

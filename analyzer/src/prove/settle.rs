//! Questions about one instruction, and who settles them: the solver here, a certificate in
//! [`crate::certificate`]. What follows from the answers is the same code for both.

use model::isa::Class;

use crate::decide::{self, Backend, By, Query, Session, Wishes};
use crate::definitions::Obligation;
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::prove::verdict::{Proof, Verdict};
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
pub(crate) struct Docket<'i> {
    pub(crate) problem: Problem<'i>,
    pub(crate) setting: Setting<'i>,
    pub(crate) session: Session,
    /// Conflicts still to be spent on proofs that may turn out to be out of reach.
    pub(crate) patience: u64,
}

impl<'i> Docket<'i> {
    pub(crate) fn new(setting: Setting<'i>, class: &'i Class) -> Self {
        Self {
            problem: Problem::of(setting, class, Terms::default()),
            setting,
            session: Session::default(),
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
    /// semantics. Formulas of an arena of their own, the same whatever was asked before.
    pub(crate) fn plain<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
    ) -> (Problem<'i>, Vec<Term>) {
        self.roots(setting, class, Terms::or)
    }

    /// Everything that a witness satisfies: the premises and the goal.
    pub(crate) fn plain_goal<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
    ) -> (Problem<'i>, Vec<Term>) {
        self.roots(setting, class, |_, goal, _| goal)
    }

    fn roots<'i>(
        &self,
        setting: Setting<'i>,
        class: &'i Class,
        last: impl Fn(&mut Terms, Term, Term) -> Term,
    ) -> (Problem<'i>, Vec<Term>) {
        let (mut problem, Obligation { query, unknown, .. }) =
            self.put(setting, class, Terms::plain());
        let mut roots = query.premises;
        roots.push(last(&mut problem.terms, query.goal, unknown));
        (problem, roots)
    }
}

/// Who answers.
pub(crate) trait Settle: Sync {
    /// The verdict, and how it came about.
    fn settle(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> (Verdict, By);

    /// Another witness for the same question, made small for readers; `None` if there is no need.
    fn small(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> Option<Verdict>;
}

/// The decision procedure answers.
pub(crate) struct Solving {
    pub(crate) backend: Backend,
}

impl Settle for Solving {
    fn settle(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> (Verdict, By) {
        if decide::stopped() {
            return (Verdict::Open(decide::INTERRUPTED.into()), By::Rewriting);
        }
        docket.problem.terms.deadline = self.backend.deadline;
        docket.session.earlier.begin(&docket.problem.terms);
        let obligation = (question.ask)(&mut docket.problem);
        self.exists(docket, &obligation, question, None)
    }

    fn small(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> Option<Verdict> {
        if decide::stopped() {
            return None;
        }
        docket.session.earlier.begin(&docket.problem.terms);
        let obligation = (question.ask)(&mut docket.problem);
        let wishes = witness::wishes(&mut docket.problem, &obligation);
        Some(self.exists(docket, &obligation, question, Some(&wishes)).0)
    }
}

impl Solving {
    /// Decides an existential statement; a witness counts only after it was replayed.
    fn exists(
        &self,
        docket: &mut Docket<'_>,
        obligation: &Obligation,
        question: &Question<'_>,
        wishes: Option<&Wishes>,
    ) -> (Verdict, By) {
        if docket.problem.terms.is_full() {
            let why = format!("the formula has more than {TERMS} terms");
            return (Verdict::Open(why), By::Rewriting);
        }
        if self.backend.late() {
            return (Verdict::Open("the time is up".into()), By::Rewriting);
        }
        let (answer, by) = decide::decide(
            self.backend,
            &mut docket.problem.terms,
            &obligation.query,
            wishes,
            &mut docket.session,
        );
        let verdict = match answer {
            decide::Answer::Unsat => self.proved(docket, obligation, by),
            decide::Answer::Sat(model) => {
                let (replay, witness) =
                    witness::read(&docket.problem, docket.setting, obligation, &model);
                if replay.admitted() && (question.shows)(&replay) {
                    Verdict::Shown(Box::new(witness))
                } else {
                    Verdict::Open(
                        "internal error: the witness does not replay; please report this".into(),
                    )
                }
            }
            decide::Answer::Unknown(why) => Verdict::Open(why),
        };
        (verdict, by)
    }

    /// Nothing was found: a proof, unless missing semantics can be reached.
    fn proved(&self, docket: &mut Docket<'_>, obligation: &Obligation, by: By) -> Verdict {
        let premises = obligation.query.premises.clone();
        let query = Query { premises, goal: obligation.unknown };
        match decide::decide(
            self.backend,
            &mut docket.problem.terms,
            &query,
            None,
            &mut docket.session,
        ) {
            (decide::Answer::Unsat, _) => Verdict::Proved(Proof::new(by)),
            (decide::Answer::Unknown(why), _) if self.backend.late() => Verdict::Open(why),
            _ => Verdict::Open("the specification leaves semantics unknown".into()),
        }
    }
}

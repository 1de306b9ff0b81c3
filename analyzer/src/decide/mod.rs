//! From a query to an answer: dependency, rewriting, then SAT.

mod blast;
mod search;
mod simplify;

use crate::sat::{Budget, Outcome};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::Model;
use crate::symbolic::term::{Term, Terms};
use blast::{Blasted, Solver};
use search::Plan;

/// A question: is there an assignment with all premises and the goal true?
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) premises: Vec<Term>,
    pub(crate) goal: Term,
}

/// How a query was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The results are the same term: they do not depend on what differs.
    Dependency,
    /// The premises rewrite the goal away.
    Rewriting,
    /// A plain assignment happens to be a model.
    Evaluation,
    /// The SAT solver, after this many conflicts.
    Sat(u64),
}

/// What is known about a query.
#[derive(Debug)]
pub(crate) enum Answer {
    /// There is none.
    Unsat,
    /// There is one.
    Sat(Model),
    /// The budget ran out.
    Unknown(String),
}

/// Conflicts a query may take: deterministic, some seconds at most.
pub(crate) const CONFLICTS: u64 = 200_000;

/// Terms to make small in a model, most important first.
pub(crate) type Wishes = Vec<Term>;

/// Decides a query. With wishes, the model is minimised: each wish is made false, or zero, in
/// order, where the ones before leave it possible.
pub(crate) fn decide(terms: &mut Terms, query: &Query, wishes: Option<&Wishes>) -> (Answer, By) {
    if terms.is_false(query.goal) {
        return (Answer::Unsat, By::Dependency);
    }
    let mut facts = Facts::default();
    for &premise in &query.premises {
        if terms.is_false(premise) {
            return (Answer::Unsat, By::Rewriting);
        }
        facts.assume(terms, premise);
    }
    let goal = simplify::under(terms, &facts, query.goal);
    if terms.is_false(goal) {
        return (Answer::Unsat, By::Rewriting);
    }
    let with = |goal| query.premises.iter().copied().chain([goal]).collect::<Vec<Term>>();
    if wishes.is_none()
        && let Some(model) = Plan::new(terms, &with(goal)).guess()
    {
        return (Answer::Sat(model), By::Evaluation);
    }
    let goal = simplify::by_cases(terms, &facts, goal);
    if terms.is_false(goal) {
        return (Answer::Unsat, By::Rewriting);
    }
    let roots = with(goal);
    let scene: Vec<Term> = roots.iter().map(|root| terms.with_suggestions(*root)).collect();
    let plan = Plan::new(terms, &roots);
    // A solver finds the smaller witnesses; where it would take long, values are tried instead.
    let small = plan.len() <= MINIMISED;
    let by_values = |model| match wishes {
        Some(wishes) => plan.shrink(model, wishes),
        None => model,
    };
    if (wishes.is_none() || !small)
        && let Some((model, conflicts)) = on_scene(terms, &plan, &scene)
    {
        return (Answer::Sat(by_values(model)), By::Sat(conflicts));
    }
    let asked = if small { wishes.map_or(&[][..], Vec::as_slice) } else { &[] };
    let Some(mut solver) = Blasted::new(terms, &roots, asked).solver() else {
        return (Answer::Unsat, By::Rewriting);
    };
    let budget = Budget { conflicts: CONFLICTS };
    let answer = match solver.solve(&[], budget) {
        Outcome::Unsat => Answer::Unsat,
        Outcome::Unknown => Answer::Unknown(format!("no answer within {CONFLICTS} conflicts")),
        Outcome::Sat => match small_model(terms, &mut solver, budget) {
            Answer::Sat(model) => Answer::Sat(by_values(model)),
            answer => answer,
        },
    };
    (answer, By::Sat(solver.conflicts()))
}

/// Looks for a model with the suggested values: a smaller formula, and most models are there.
fn on_scene(terms: &Terms, plan: &Plan<'_>, scene: &[Term]) -> Option<(Model, u64)> {
    if scene.iter().any(|root| terms.is_false(*root)) {
        return None;
    }
    let mut solver = Blasted::new(terms, scene, &[]).solver()?;
    if solver.solve(&[], ON_SCENE) != Outcome::Sat {
        return None;
    }
    let mut model = solver.model(terms);
    plan.set_scene(&mut model);
    plan.satisfied(&model).then(|| (model, solver.conflicts()))
}

/// Conflicts the search with suggested values may take.
const ON_SCENE: Budget = Budget { conflicts: 5_000 };

/// The model at hand, or one in which more of the wishes are granted.
fn small_model(terms: &Terms, solver: &mut Solver, budget: Budget) -> Answer {
    let mut fixed: Vec<i32> = Vec::new();
    let wishes = solver.wishes();
    if wishes.is_empty() {
        return Answer::Sat(solver.model(terms));
    }
    for wish in wishes.into_iter().take(STEPS).filter(|wish| !wish.is_empty()) {
        let kept = fixed.len();
        fixed.extend(wish);
        if solver.solve(&fixed, MINIMISING) != Outcome::Sat {
            fixed.truncate(kept);
        }
    }
    // The last step may have failed: solve once more for a model of everything kept.
    match solver.solve(&fixed, budget) {
        Outcome::Sat => Answer::Sat(solver.model(terms)),
        Outcome::Unsat | Outcome::Unknown => {
            Answer::Unknown("internal error: a model was lost while it was made small".into())
        }
    }
}

/// Most terms of a query whose witness the solver makes small.
const MINIMISED: usize = 250;

/// Wishes the solver is asked for; trying values does the rest.
const STEPS: usize = 60;

/// Conflicts one step of minimising may take.
const MINIMISING: Budget = Budget { conflicts: 20 };

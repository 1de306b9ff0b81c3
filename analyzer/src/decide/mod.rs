//! From a query to an answer: dependency, rewriting, then SAT.

mod blast;

use model::bits::mask;

use crate::sat::{Budget, Outcome};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::term::{Node, Term, Terms, conjuncts};
use blast::{Blasted, Solver};

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
    let goal = simplify(terms, &facts, query.goal);

    if terms.is_false(goal) {
        return (Answer::Unsat, By::Rewriting);
    }
    let mut roots = query.premises.clone();
    roots.push(goal);
    if wishes.is_none()
        && let Some(model) = guess(terms, &roots)
    {
        return (Answer::Sat(model), By::Evaluation);
    }
    let wishes = wishes.map_or(&[][..], Vec::as_slice);
    let Some(mut solver) = Blasted::new(terms, &roots, wishes).solver() else {
        return (Answer::Unsat, By::Rewriting);
    };
    let budget = Budget { conflicts: CONFLICTS };
    let answer = match solver.solve(&[], budget) {
        Outcome::Unsat => Answer::Unsat,
        Outcome::Unknown => Answer::Unknown(format!("no answer within {CONFLICTS} conflicts")),
        Outcome::Sat => small_model(terms, &mut solver, budget),
    };
    (answer, By::Sat(solver.conflicts()))
}

/// The model at hand, or one in which more of the wishes are granted.
fn small_model(terms: &Terms, solver: &mut Solver, budget: Budget) -> Answer {
    let mut fixed: Vec<i32> = Vec::new();
    let wishes = solver.wishes();
    if wishes.is_empty() {
        return Answer::Sat(solver.model(terms));
    }
    for wish in wishes {
        minimise(solver, &wish, &mut fixed);
    }
    // The last step may have failed: solve once more for a model of everything kept.
    match solver.solve(&fixed, budget) {
        Outcome::Sat => Answer::Sat(solver.model(terms)),
        Outcome::Unsat | Outcome::Unknown => {
            Answer::Unknown("internal error: a model was lost while it was made small".into())
        }
    }
}

/// Rewrites a goal under facts: each disjunct by itself, each of its conjuncts under the others.
fn simplify(terms: &mut Terms, facts: &Facts, goal: Term) -> Term {
    let goal = facts.restrict(terms, goal);
    let mut left = Vec::new();
    for disjunct in disjuncts(terms, goal) {
        let mut conjuncts = conjuncts(terms, disjunct);
        // Forwards, then backwards: each conjunct under those before it, then under those behind it.
        for _ in 0..2 {
            let mut known = facts.clone();
            for conjunct in &mut conjuncts {
                *conjunct = known.restrict(terms, *conjunct);
                known.assume(terms, *conjunct);
            }
            conjuncts.reverse();
        }
        left.push(terms.all(conjuncts));
    }
    terms.any(left)
}

/// a ∨ b ∨ … as a list; an or is the negation of an and.
fn disjuncts(terms: &mut Terms, t: Term) -> Vec<Term> {
    let Node::Not(inner) = *terms.node(t) else { return vec![t] };
    let Node::And(..) = terms.node(inner) else { return vec![t] };
    let parts = conjuncts(terms, inner);
    parts.into_iter().flat_map(|part| {
        let part = terms.not(part);
        disjuncts(terms, part)
    }).collect()
}

/// Conflicts one step of minimising may take.
const MINIMISING: Budget = Budget { conflicts: 300 };

/// Makes a value as small as the literals kept so far allow: zero if possible, else bit by bit.
fn minimise(solver: &mut Solver, clear: &[i32], fixed: &mut Vec<i32>) {
    let kept = fixed.len();
    fixed.extend(clear);
    if clear.is_empty() || solver.solve(fixed, MINIMISING) == Outcome::Sat {
        return;
    }
    fixed.truncate(kept);
    for literal in clear.iter().rev() {
        fixed.push(*literal);
        if solver.solve(fixed, MINIMISING) != Outcome::Sat {
            fixed.pop();
        }
    }
}

/// Tries a few plain assignments; most satisfiable queries have one of them as a model.
fn guess(terms: &Terms, roots: &[Term]) -> Option<Model> {
    let variables = free_variables(terms, roots);
    let fill = |pattern: u128| {
        let mut model = Model::default();
        for &t in &variables {
            model.variables.insert(t, (pattern & mask(terms.width(t))).min(terms.max(t)));
        }
        model
    };
    [0, u128::MAX, 1].into_iter().map(fill).find(|model| {
        let mut evaluator = Evaluator::new(terms, model);
        roots.iter().all(|root| evaluator.value(*root) == 1)
    })
}

/// The free variables of some terms, ascending.
fn free_variables(terms: &Terms, roots: &[Term]) -> Vec<Term> {
    let mut seen = vec![false; terms.len()];
    let mut stack = roots.to_vec();
    while let Some(t) = stack.pop() {
        if !std::mem::replace(&mut seen[t.0 as usize], true) {
            stack.extend(terms.children(t));
        }
    }
    let is_variable = |t: &Term| matches!(terms.node(*t), Node::Variable(_));
    (0..terms.len() as u32).map(Term).filter(|t| seen[t.0 as usize]).filter(is_variable).collect()
}

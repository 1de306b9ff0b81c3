//! From a query to an answer: dependency, rewriting, then SAT.

mod blast;

use model::bits::mask;

use crate::sat::batsat::BatSat;
use crate::sat::{Budget, Outcome, SatSolver};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::term::{Node, Term, Terms, conjuncts};
use blast::Blasted;

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
    let blasted = Blasted::new(terms, &roots, wishes);
    let mut solver = BatSat::new();
    let Some(cnf) = blasted.cnf(&mut solver) else { return (Answer::Unsat, By::Rewriting) };
    let budget = Budget { conflicts: CONFLICTS };
    let answer = match solver.solve(&[], budget) {
        Outcome::Unsat => Answer::Unsat,
        Outcome::Unknown => Answer::Unknown(format!("no answer within {CONFLICTS} conflicts")),
        Outcome::Sat => {
            let mut fixed: Vec<i32> = Vec::new();
            for wish in blasted.wishes() {
                minimise(&cnf, &mut solver, wish, &mut fixed);
            }
            // The last step may have failed: solve once more for a model of everything kept.
            match solver.solve(&fixed, budget) {
                Outcome::Sat => Answer::Sat(blasted.model(terms, &cnf, &solver)),
                Outcome::Unsat | Outcome::Unknown => {
                    Answer::Unknown("internal error: a model was lost while it was made small".into())
                }
            }
        }
    };
    if std::env::var("DBG").is_ok() && solver.conflicts() > 300 { eprintln!("CONFLICTS {} {}", solver.conflicts(), terms.show(goal, 14)); }
    (answer, By::Sat(solver.conflicts()))
}

/// Rewrites a goal under facts: each disjunct by itself, each of its conjuncts under the others.
fn simplify(terms: &mut Terms, facts: &Facts, goal: Term) -> Term {
    let goal = facts.restrict(terms, goal);
    let mut left = Vec::new();
    for disjunct in disjuncts(terms, goal) {
        let mut conjuncts = conjuncts(terms, disjunct);
        for i in 0..conjuncts.len() {
            let mut known = facts.clone();
            for (j, other) in conjuncts.iter().enumerate() {
                if j != i {
                    known.assume(terms, *other);
                }
            }
            conjuncts[i] = known.restrict(terms, conjuncts[i]);
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
fn minimise(
    cnf: &crate::sat::cnf::Cnf,
    solver: &mut BatSat,
    wish: &[crate::sat::aig::Lit],
    fixed: &mut Vec<i32>,
) {
    let clear: Vec<i32> = wish.iter().filter_map(|lit| cnf.literal(*lit)).map(|l| -l).collect();
    if clear.is_empty() {
        return;
    }
    let kept = fixed.len();
    fixed.extend(&clear);
    if solver.solve(fixed, MINIMISING) == Outcome::Sat {
        return;
    }
    fixed.truncate(kept);
    for literal in clear.into_iter().rev() {
        fixed.push(literal);
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

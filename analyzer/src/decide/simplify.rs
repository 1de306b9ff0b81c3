//! Rewriting of goals under what is known: the premises, and a goal's own conjuncts.

use crate::symbolic::facts::Facts;
use crate::symbolic::term::{Node, Term, Terms, conjuncts};

/// How deep cases are nested.
const DEPTH: u32 = 2;
/// Most disjuncts of a conjunct that is tried by cases.
const CASES: usize = 24;
/// Terms that may be visited while cases are tried: what takes longer is left to the solver.
const EFFORT: u64 = 60_000;

/// A goal under facts: each disjunct by itself, each of its conjuncts under the others.
pub(super) fn under(terms: &mut Terms, facts: &Facts, goal: Term) -> Term {
    let goal = facts.restrict(terms, goal);
    let mut left = Vec::new();
    for disjunct in disjuncts(terms, goal) {
        let all = propagated(terms, facts, disjunct);
        left.push(terms.all(all));
    }
    terms.any(left)
}

/// A goal without the disjuncts that are impossible in every case of one of their conjuncts.
pub(super) fn by_cases(terms: &mut Terms, facts: &Facts, goal: Term) -> Term {
    let end = terms.visited() + EFFORT;
    let mut left = Vec::new();
    for disjunct in disjuncts(terms, goal) {
        left.push(if impossible(terms, facts, disjunct, DEPTH, end) {
            terms.bool(false)
        } else {
            disjunct
        });
    }
    terms.any(left)
}

/// The conjuncts of a goal, each rewritten under those before it and those behind it.
fn propagated(terms: &mut Terms, facts: &Facts, goal: Term) -> Vec<Term> {
    let mut all = conjuncts(terms, goal);
    for _ in 0..4 {
        let mut known = facts.clone();
        let before = all.clone();
        for conjunct in &mut all {
            *conjunct = known.restrict(terms, *conjunct);
            known.assume(terms, *conjunct);
        }
        let changed = before != all;
        all.reverse();
        if !changed || all.iter().any(|c| terms.is_false(*c)) {
            break;
        }
    }
    all
}

fn impossible(terms: &mut Terms, facts: &Facts, goal: Term, depth: u32, end: u64) -> bool {
    let all = propagated(terms, facts, goal);
    if all.iter().any(|c| terms.is_false(*c)) {
        return true;
    }
    if depth == 0 {
        return false;
    }
    (0..all.len()).any(|i| {
        let cases = disjuncts(terms, all[i]);
        if cases.len() < 2 || cases.len() > CASES {
            return false;
        }
        cases.into_iter().all(|case| {
            if terms.visited() > end {
                return false;
            }
            let others = all.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, c)| *c);
            let case: Vec<Term> = others.chain([case]).collect();
            let case = terms.all(case);
            impossible(terms, facts, case, depth - 1, end)
        })
    })
}

/// a ∨ b ∨ … as a list; an or is the negation of an and.
fn disjuncts(terms: &mut Terms, t: Term) -> Vec<Term> {
    let Node::Not(inner) = *terms.node(t) else { return vec![t] };
    let Node::And(..) = terms.node(inner) else { return vec![t] };
    let mut all = Vec::new();
    for part in conjuncts(terms, inner) {
        let part = terms.not(part);
        all.extend(disjuncts(terms, part));
    }
    all
}

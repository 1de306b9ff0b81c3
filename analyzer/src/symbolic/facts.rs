//! What is known on a path: literals, and integer inequalities Σ c·t ≤ K.
//!
//! A condition is decided from facts alone, by looking it up or by adding two inequalities;
//! this is what turns an access through relocation and bounds into an access to the window.

use rustc_hash::FxHashMap;

use super::term::{Linear, Node, Term, Terms, merge};

/// Conditions known to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    literals: FxHashMap<Term, bool>,
    /// Least known K for each Σ c·t.
    bounds: Vec<(Vec<(Term, i128)>, i128)>,
}

impl Facts {
    /// Adds a condition and everything it is a conjunction of.
    pub(crate) fn assume(&mut self, terms: &mut Terms, condition: Term) {
        match *terms.node(condition) {
            Node::And(a, b) => {
                self.assume(terms, a);
                self.assume(terms, b);
            }
            Node::Not(inner) => {
                self.literals.insert(inner, false);
                if let Node::Ult(a, b) = *terms.node(inner) {
                    // b ≤ a
                    self.add(upper(terms, b, a, 0));
                }
            }
            Node::Ult(a, b) => {
                self.literals.insert(condition, true);
                self.add(upper(terms, a, b, -1));
            }
            Node::Eq(a, b) => {
                self.literals.insert(condition, true);
                self.add(upper(terms, a, b, 0));
                self.add(upper(terms, b, a, 0));
            }
            _ => {
                self.literals.insert(condition, true);
            }
        }
    }

    fn add(&mut self, (form, bound): Linear) {
        match self.bounds.iter_mut().find(|(f, _)| *f == form) {
            Some(known) => known.1 = known.1.min(bound),
            None => self.bounds.push((form, bound)),
        }
    }

    /// Whether Σ c·t ≤ K follows from one fact or two.
    fn implies(&self, terms: &Terms, (form, bound): &Linear) -> bool {
        if least_bound(terms, form).is_some_and(|most| most <= *bound) {
            return true;
        }
        self.bounds.iter().any(|(known, most)| {
            if known == form {
                return most <= bound;
            }
            let mut rest = form.clone();
            rest.extend(known.iter().map(|(t, c)| (*t, -c)));
            let rest = merge(rest);
            let left = bound - most;
            least_bound(terms, &rest).is_some_and(|most| most <= left)
                || self.bounds.iter().any(|(f, m)| *f == rest && *m <= left)
        })
    }

    /// The truth of a condition, where the facts settle it.
    pub(crate) fn decide(&self, terms: &Terms, condition: Term) -> Option<bool> {
        if let Some(&known) = self.literals.get(&condition) {
            return Some(known);
        }
        match *terms.node(condition) {
            Node::Const(value) => Some(value != 0),
            Node::Not(inner) => self.decide(terms, inner).map(|known| !known),
            Node::And(a, b) => match (self.decide(terms, a), self.decide(terms, b)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Node::Ult(a, b) => {
                if self.implies(terms, &upper(terms, a, b, -1)) {
                    Some(true)
                } else if self.implies(terms, &upper(terms, b, a, 0)) {
                    Some(false)
                } else {
                    None
                }
            }
            Node::Eq(a, b) => {
                let apart = |x, y| self.implies(terms, &upper(terms, x, y, -1));
                (apart(a, b) || apart(b, a)).then_some(false)
            }
            _ => None,
        }
    }

    /// A term rewritten with every condition inside it that the facts settle.
    pub(crate) fn restrict(&self, terms: &mut Terms, root: Term) -> Term {
        let mut done: FxHashMap<Term, Term> = FxHashMap::default();
        let mut stack = vec![root];
        while let Some(&t) = stack.last() {
            if done.contains_key(&t) {
                stack.pop();
                continue;
            }
            if terms.width(t) == 1
                && let Some(known) = self.decide(terms, t)
            {
                let known = terms.bool(known);
                done.insert(t, known);
                continue;
            }
            let children = terms.children(t);
            let before = stack.len();
            stack.extend(children.iter().filter(|c| !done.contains_key(c)));
            if stack.len() > before {
                continue;
            }
            let new: Vec<Term> = children.iter().map(|c| done[c]).collect();
            let rebuilt = if new == children { t } else { terms.rebuild(t, &new) };
            done.insert(t, rebuilt);
            stack.pop();
        }
        done[&root]
    }
}

/// a − b ≤ `slack` as a linear form and its bound.
fn upper(terms: &Terms, a: Term, b: Term, slack: i128) -> Linear {
    let (mut form, ca) = terms.integer(a);
    let (fb, cb) = terms.integer(b);
    form.extend(fb.into_iter().map(|(t, c)| (t, -c)));
    (merge(form), slack - ca + cb)
}

/// The greatest value a linear form can take by the ranges of its terms alone.
fn least_bound(terms: &Terms, form: &[(Term, i128)]) -> Option<i128> {
    form.iter().try_fold(0i128, |sum, (t, c)| {
        if *c < 0 {
            return Some(sum);
        }
        let max = i128::try_from(terms.max(*t)).ok()?;
        sum.checked_add(max.checked_mul(*c)?)
    })
}

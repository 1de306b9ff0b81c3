//! What is known on a path: literals, and integer inequalities Σ c·t ≤ K.
//!
//! A condition is decided from facts alone, by looking it up or by adding two inequalities;
//! this is what turns an access through relocation and bounds into an access to the window.

use std::rc::Rc;

use model::bits::mask;
use rustc_hash::{FxHashMap, FxHashSet};

use super::sums::merge;
use super::term::{LARGEST, Linear, Node, Term, Terms, conjuncts};

/// Facts that are added up to show that a sum does not wrap.
const CHAIN: u32 = 3;

/// Σ c·t and the least known K that it does not exceed.
type Bound = (Rc<[(Term, i128)]>, i128);

/// Conditions known to hold. A copy is cheap: paths copy their facts at every branch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    literals: Rc<FxHashMap<Term, bool>>,
    /// t = Σ c·u + k for terms t that no other fact speaks of.
    equal: Rc<Vec<(Term, Linear)>>,
    /// Σ c·t ≤ K, the least known K for each form.
    bounds: Rc<Vec<Bound>>,
    /// The terms that some bound speaks of.
    mentioned: Rc<FxHashSet<Term>>,
}

impl Facts {
    /// Adds a condition and everything it is a conjunction of.
    pub(crate) fn assume(&mut self, terms: &mut Terms, condition: Term) {
        if terms.is_plain() {
            return;
        }
        for conjunct in conjuncts(terms, condition) {
            let (atom, holds) = match *terms.node(conjunct) {
                Node::Not(inner) => (inner, false),
                _ => (conjunct, true),
            };
            if Rc::make_mut(&mut self.literals).insert(atom, holds) == Some(holds) {
                continue;
            }
            match (terms.node(atom), holds) {
                (&Node::Ult(a, b), true) => self.add(upper(terms, a, b, -1)),
                (&Node::Ult(a, b), false) => self.add(upper(terms, b, a, 0)),
                (&Node::Eq(a, b), true) => self.equate(terms, upper(terms, a, b, 0)),
                _ => {}
            }
        }
    }

    /// Σ c·t = K: one of several terms is taken out of all other facts.
    fn equate(&mut self, terms: &Terms, equality: Linear) {
        let (form, sum) = self.reduced(equality);
        let negative = form.iter().map(|(t, c)| (*t, -c)).collect();
        let pivot = form.iter().rfind(|(_, c)| c.abs() == 1).filter(|_| form.len() > 1);
        let Some(&(pivot, sign)) = pivot else {
            self.add((form, sum));
            self.add((negative, -sum));
            return;
        };
        let others = form.iter().filter(|(t, _)| *t != pivot);
        let rest: Vec<_> = others.map(|(t, c)| (*t, -sign * c)).collect();
        let minus = rest.iter().map(|(t, c)| (*t, -c)).collect();
        let (value, bounds) = ((rest, sign * sum), std::mem::take(&mut self.bounds));
        for (_, other) in Rc::make_mut(&mut self.equal) {
            let (rest, constant) = other.clone();
            let (rest, constant) = substituted((rest, -constant), pivot, &value);
            *other = (rest, -constant);
        }
        let greatest = i128::try_from(terms.max(pivot)).unwrap_or(i128::MAX);
        self.add((minus, value.1));
        self.add((value.0.clone(), greatest.saturating_sub(value.1)));
        Rc::make_mut(&mut self.equal).push((pivot, value));
        for (form, bound) in bounds.iter() {
            self.add((form.to_vec(), *bound));
        }
    }

    /// Σ c·t ≤ K without the terms that equal others.
    fn reduced(&self, inequality: Linear) -> Linear {
        let without = |it, (pivot, value): &(Term, Linear)| substituted(it, *pivot, value);
        self.equal.iter().fold(inequality, without)
    }

    fn add(&mut self, inequality: Linear) {
        let (form, bound) = self.reduced(inequality);
        Rc::make_mut(&mut self.mentioned).extend(form.iter().map(|(t, _)| *t));
        let bounds = Rc::make_mut(&mut self.bounds);
        match bounds.iter_mut().find(|(f, _)| **f == *form) {
            Some(known) => known.1 = known.1.min(bound),
            None => bounds.push((form.into(), bound)),
        }
    }

    /// The least K known with Σ c·t ≤ K.
    fn known(&self, form: &[(Term, i128)]) -> Option<i128> {
        self.bounds.iter().find(|(f, _)| **f == *form).map(|(_, bound)| *bound)
    }

    /// Whether Σ c·t ≤ K follows from one fact or two.
    fn implies(&self, terms: &Terms, inequality: Linear) -> bool {
        if least_bound(terms, &inequality.0).is_some_and(|most| most <= inequality.1) {
            return true;
        }
        let (form, bound) = &self.reduced(inequality);
        if !form.iter().any(|(t, _)| self.mentioned.contains(t)) {
            return false;
        }
        if self.known(form).is_some_and(|most| most <= *bound) {
            return true;
        }
        self.bounds.iter().any(|(known, most)| {
            // The first fact takes a term of the form away.
            if !known.iter().any(|(t, c)| form.iter().any(|(u, d)| t == u && (*c > 0) == (*d > 0)))
            {
                return false;
            }
            let mut rest = form.clone();
            rest.extend(known.iter().map(|(t, c)| (*t, -c)));
            let rest = merge(rest);
            let Some(left) = bound.checked_sub(*most) else { return false };
            least_bound(terms, &rest).is_some_and(|most| most <= left)
                || self.known(&rest).is_some_and(|most| most <= left)
        })
    }

    /// Whether Σ c·t ≤ K follows from the facts, each added at most once to take the term away that may
    /// be greatest.
    fn chained(&self, terms: &Terms, form: &[(Term, i128)], bound: i128, facts: u32) -> bool {
        if least_bound(terms, form).is_some_and(|most| most <= bound)
            || self.known(form).is_some_and(|most| most <= bound)
        {
            return true;
        }
        let greatest = form.iter().filter(|(_, c)| *c > 0).max_by_key(|(t, _)| terms.max(*t));
        let Some((greatest, _)) = greatest else { return false };
        facts > 0
            && self.bounds.iter().any(|(known, most)| {
                if !known.iter().any(|(t, c)| t == greatest && *c > 0) {
                    return false;
                }
                let rest = form.iter().copied().chain(known.iter().map(|(t, c)| (*t, -c)));
                let rest = merge(rest.collect());
                bound
                    .checked_sub(*most)
                    .is_some_and(|left| self.chained(terms, &rest, left, facts - 1))
            })
    }

    /// a < b, for a place and the end of what it should lie in: settled if up to four facts do so.
    pub(crate) fn below(&self, terms: &mut Terms, a: Term, b: Term) -> Term {
        let below = terms.ult(a, b);
        let known = self.decide(terms, below).or_else(|| {
            let Node::Ult(a, b) = *terms.node(below) else { return None };
            let (form, bound) = self.reduced(upper(terms, a, b, -1));
            (!terms.is_plain() && self.chained(terms, &form, bound, CHAIN)).then_some(true)
        });
        known.map_or(below, |known| terms.bool(known))
    }

    /// A term at another width, which is no less; a sum is extended part by part where the facts show
    /// that it does not wrap.
    pub(crate) fn widened(&self, terms: &mut Terms, t: Term, width: u32) -> Term {
        match terms.node(t).clone() {
            Node::Zext(inner) => self.widened(terms, inner, width),
            Node::Sum(parts, constant) if !terms.is_plain() && !terms.is_exact(t) => {
                let most = mask(terms.width(t));
                // What is more than half stands for a negative number.
                let signed = |n: u128| match i128::try_from(n).ok()? {
                    n if n as u128 > most / 2 => Some(n - i128::try_from(most).ok()? - 1),
                    n => Some(n),
                };
                let Some((form, least)) = terms.flat(&parts, constant, signed) else {
                    return terms.zext(t, width);
                };
                let negative = form.iter().map(|(t, c)| (*t, -c)).collect();
                let most = i128::try_from(most).unwrap_or(i128::MAX);
                let within = |inequality| {
                    let (form, bound) = self.reduced(inequality);
                    self.chained(terms, &form, bound, CHAIN)
                };
                if !within((form, most - least)) || !within((negative, least)) {
                    return terms.zext(t, width);
                }
                let mut total = terms.constant(signed(constant).unwrap_or(0) as u128, width);
                for (t, c) in parts {
                    let t = terms.zext(t, width);
                    let factor = terms.constant(signed(c).unwrap_or(0) as u128, width);
                    let part = terms.mul(t, factor);
                    total = terms.add(total, part);
                }
                total
            }
            _ => terms.zext(t, width),
        }
    }

    /// The truth of a condition, where the facts settle it.
    pub(crate) fn decide(&self, terms: &Terms, condition: Term) -> Option<bool> {
        self.decide_once(terms, condition, &mut FxHashMap::default())
    }

    /// The same; no conjunction is looked into twice.
    fn decide_once(
        &self,
        terms: &Terms,
        condition: Term,
        seen: &mut FxHashMap<Term, Option<bool>>,
    ) -> Option<bool> {
        match *terms.node(condition) {
            Node::Const(value) => Some(value != 0),
            Node::Not(inner) => self.decide_once(terms, inner, seen).map(|known| !known),
            Node::And(a, b) => {
                if let Some(&known) = seen.get(&condition) {
                    return known;
                }
                let known = self.atom(terms, condition).or_else(|| {
                    let parts = [a, b].map(|part| self.decide_once(terms, part, seen));
                    match parts {
                        [Some(false), _] | [_, Some(false)] => Some(false),
                        [Some(true), Some(true)] => Some(true),
                        _ => None,
                    }
                });
                seen.insert(condition, known);
                known
            }
            _ => self.atom(terms, condition),
        }
    }

    /// The truth of a condition without looking inside conjunctions and negations.
    fn atom(&self, terms: &Terms, condition: Term) -> Option<bool> {
        if terms.is_plain() {
            return None;
        }
        if let Some(&known) = self.literals.get(&condition) {
            return Some(known);
        }
        match *terms.node(condition) {
            Node::Ult(a, b) => {
                let below = difference(terms, a, b);
                if self.implies(terms, at_most(&below, -1, 1)) {
                    Some(true)
                } else if self.implies(terms, at_most(&below, 0, -1)) {
                    Some(false)
                } else {
                    None
                }
            }
            Node::Eq(a, b) => {
                let apart = difference(terms, a, b);
                let either = self.implies(terms, at_most(&apart, -1, 1))
                    || self.implies(terms, at_most(&apart, -1, -1));
                either.then_some(false)
            }
            _ => None,
        }
    }

    /// A term rewritten with every condition inside it that the facts settle.
    pub(crate) fn restrict(&self, terms: &mut Terms, root: Term) -> Term {
        if terms.is_plain() {
            return root;
        }
        terms.rewrite(root, |terms, t| {
            let known = if terms.width(t) == 1 { self.atom(terms, t)? } else { return None };
            Some(terms.bool(known))
        })
    }
}

/// Σ c·t ≤ K with the value of a term in its place; as it is where numbers would get too large.
fn substituted(inequality: Linear, pivot: Term, (rest, constant): &Linear) -> Linear {
    let (form, bound) = &inequality;
    let Some((_, factor)) = form.iter().find(|(t, _)| *t == pivot) else { return inequality };
    let scaled = rest.iter().map(|(t, c)| Some((*t, c.checked_mul(*factor)?)));
    let kept = form.iter().filter(|(t, _)| *t != pivot).copied().map(Some);
    let form: Option<Vec<_>> = kept.chain(scaled).collect();
    let bound = factor.checked_mul(*constant).and_then(|n| bound.checked_sub(n));
    match (form, bound) {
        (Some(form), Some(bound)) if form.iter().all(|(_, c)| c.unsigned_abs() <= LARGEST) => {
            (merge(form), bound)
        }
        _ => inequality,
    }
}

/// a − b as a linear form over the integers.
fn difference(terms: &Terms, a: Term, b: Term) -> Rc<Linear> {
    terms.remembered_difference(a, b, || {
        let (mut form, ca) = terms.integer(a);
        let (fb, cb) = terms.integer(b);
        form.extend(fb.into_iter().map(|(t, c)| (t, -c)));
        (merge(form), ca - cb)
    })
}

/// sign · (form + constant) ≤ slack, with the constant on the right.
fn at_most(difference: &Linear, slack: i128, sign: i128) -> Linear {
    let form = difference.0.iter().map(|(t, c)| (*t, sign * c)).collect();
    (form, slack - sign * difference.1)
}

/// a − b ≤ `slack` as a linear form and its bound.
fn upper(terms: &Terms, a: Term, b: Term, slack: i128) -> Linear {
    at_most(&difference(terms, a, b), slack, 1)
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

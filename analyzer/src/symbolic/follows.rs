//! What the value of a term follows from.

use rustc_hash::{FxHashMap, FxHashSet};

use super::known::KnownBits;
use super::term::{Array, Node, Term, Terms};

/// The condition under which a term's value follows from allowed terms and from what the monitor's cells hold.
/// It is false only where no value is known to do so: constants are found in plain terms as well.
pub(crate) fn follows(
    terms: &mut Terms,
    root: Term,
    allowed: &FxHashSet<Term>,
    is_allowed: &dyn Fn(Array) -> bool,
) -> Term {
    let (yes, no) = (terms.bool(true), terms.bool(false));
    let and = |terms: &mut Terms, a, b| match (a, b) {
        _ if a == no || b == no => no,
        _ if a == yes => b,
        _ if b == yes => a,
        _ => terms.and(a, b),
    };
    let or = |terms: &mut Terms, a, b| match (a, b) {
        _ if a == yes || b == yes => yes,
        _ if a == no => b,
        _ if b == no => a,
        _ => terms.or(a, b),
    };
    let mut bits = KnownBits::default();
    let mut known: FxHashMap<Term, Term> = allowed.iter().map(|t| (*t, yes)).collect();
    let mut open = vec![root];
    while let Some(&t) = open.last() {
        let node = terms.node(t).clone();
        let is_constant = bits.value(terms, t).is_some();
        let inner = match node {
            _ if known.contains_key(&t) || is_constant => Vec::new(),
            Node::Select(array, _) if !is_allowed(array) => Vec::new(),
            _ => terms.children(t),
        };
        let before = open.len();
        open.extend(inner.iter().copied().filter(|t| !known.contains_key(t)));
        if open.len() > before {
            continue;
        }
        open.pop();
        let of = |t: &Term| known[t];
        let when = match node {
            _ if known.contains_key(&t) => continue,
            _ if is_constant => yes,
            Node::Variable(_) => no,
            Node::Select(array, _) if !is_allowed(array) => no,
            Node::Ite(condition, then, otherwise) => {
                let taken = match bits.value(terms, condition) {
                    Some(1) => of(&then),
                    Some(_) => of(&otherwise),
                    None => {
                        let other = terms.not(condition);
                        let then = and(terms, condition, of(&then));
                        let otherwise = and(terms, other, of(&otherwise));
                        or(terms, then, otherwise)
                    }
                };
                and(terms, of(&condition), taken)
            }
            // One that is false says enough of a conjunction, and one that is true of a disjunction.
            Node::And(a, b) | Node::Or(a, b) if terms.width(t) == 1 => {
                let mut when = and(terms, of(&a), of(&b));
                for side in [a, b] {
                    let settles =
                        if matches!(node, Node::And(..)) { terms.not(side) } else { side };
                    let alone = and(terms, of(&side), settles);
                    when = or(terms, when, alone);
                }
                when
            }
            _ => inner.iter().fold(yes, |all, t| and(terms, all, of(t))),
        };
        known.insert(t, when);
    }
    known[&root]
}

//! Rewriting of goals under what is known: the premises, and a goal's own conjuncts.

use crate::symbolic::facts::Facts;
use crate::symbolic::term::{Node, Term, Terms, conjuncts};

/// How deep cases are nested.
const DEPTH: u32 = 2;
/// Most disjuncts of a conjunct that is tried by cases.
const CASES: usize = 24;
/// Terms that may be visited while cases are tried: what takes longer is left to the solver.
pub(super) const QUICK: u64 = 60_000;
/// The same where the solver did not find a model soon: large formulas are hard for it.
pub(super) const THOROUGH: u64 = 250_000;

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
pub(super) fn by_cases(terms: &mut Terms, facts: &Facts, goal: Term, effort: u64) -> Term {
    let end = terms.visited() + effort;
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
    if depth == 0 || terms.is_spent() {
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

#[cfg(test)]
mod tests {
    use model::bits::mask;

    use super::{THOROUGH, by_cases, under};
    use crate::sat::tests::Random;
    use crate::symbolic::facts::Facts;
    use crate::symbolic::term::{Term, Terms};
    use crate::symbolic::world::{Leaves, World};

    /// Random conditions over the leaves of a world.
    struct Conditions {
        world: World,
        leaves: Vec<Term>,
        width: u32,
        random: Random,
    }

    impl Conditions {
        fn constant(&mut self, width: u32) -> Term {
            let value = u128::from(self.random.next()) & mask(width);
            self.world.terms.constant(value, width)
        }

        /// Σ coefficient · leaf + constant at the worlds' width or a little more; small coefficients
        /// are preferred, and some are negative.
        fn sum(&mut self, width: u32) -> Term {
            let mut total = if self.random.below(3) == 0 {
                self.constant(width)
            } else {
                self.world.terms.constant(0, width)
            };
            for leaf in self.leaves.clone() {
                let terms = &mut self.world.terms;
                let from = terms.width(leaf);
                if from > width {
                    continue;
                }
                let factor = [0, 0, 0, 1, 1, 1, 2, u128::MAX][self.random.below(8)];
                let (factor, leaf) = (terms.constant(factor, width), terms.zext(leaf, width));
                let part = terms.mul(leaf, factor);
                total = terms.add(total, part);
            }
            total
        }

        fn atom(&mut self) -> Term {
            let width = self.width + [0, 0, 1, 2][self.random.below(4)];
            let (a, b) = (self.sum(width), self.sum(width));
            let terms = &mut self.world.terms;
            match self.random.below(8) {
                0 | 1 => terms.eq(a, b),
                2 => terms.ne(a, b),
                3 | 4 => terms.ule(a, b),
                5 => terms.slt(a, b),
                _ => terms.ult(a, b),
            }
        }

        fn condition(&mut self, depth: u32) -> Term {
            if depth == 0 || self.random.below(3) == 0 {
                return self.atom();
            }
            let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
            match self.random.below(6) {
                0 | 1 => self.world.terms.and(a, b),
                2 | 3 => self.world.terms.or(a, b),
                4 => self.world.terms.xor(a, b),
                _ => {
                    let c = self.atom();
                    self.world.terms.ite(c, a, b)
                }
            }
        }

        /// Whether two terms agree wherever a condition holds.
        fn agree(&mut self, premise: Term, a: Term, b: Term) -> bool {
            let premise = self.world.table(premise).to_vec();
            let a = self.world.table(a).to_vec();
            let b = self.world.table(b);
            premise.iter().zip(a.iter().zip(b)).all(|(holds, (a, b))| *holds == 0 || a == b)
        }

        fn check(&mut self, premise: Term, before: Term, after: Term, what: &str) {
            assert!(
                self.agree(premise, before, after),
                "{what} under {}: {} became {}",
                self.world.show(premise),
                self.world.show(before),
                self.world.show(after)
            );
        }
    }

    /// How often something was found out.
    #[derive(Debug, Default)]
    struct Seen {
        decided: u32,
        restricted: u32,
        simplified: u32,
        by_cases: u32,
        widened: u32,
        below: u32,
    }

    /// Random premises and goals: what is decided or rewritten under the premises is so under every
    /// assignment that fulfils them.
    fn facts_hold(leaves: Leaves, width: u32, cases: u32, seen: &mut Seen) {
        let mut random = Random(u64::from(width) << 8);
        let (world, leaves) = World::new(leaves, width, &mut random);
        let mut all = Conditions { world, leaves, width, random };
        for _ in 0..cases {
            let mut facts = Facts::default();
            let mut premise = all.world.terms.bool(true);
            for _ in 0..=all.random.below(3) {
                let depth = [0, 0, 0, 1, 2][all.random.below(5)];
                let more = all.condition(depth);
                facts.assume(&mut all.world.terms, more);
                premise = all.world.terms.and(premise, more);
            }
            for _ in 0..4 {
                let goal = all.condition(2);
                let terms: &mut Terms = &mut all.world.terms;
                let decided = facts.decide(terms, goal).map(|known| terms.bool(known));
                let restricted = facts.restrict(terms, goal);
                let simplified = under(terms, &facts, goal);
                let cases = by_cases(terms, &facts, goal, THOROUGH);
                seen.decided += u32::from(decided.is_some() && !terms.is_true(goal));
                seen.restricted += u32::from(restricted != goal);
                seen.simplified += u32::from(simplified != restricted);
                seen.by_cases += u32::from(cases != goal);
                let (a, b) = (all.sum(width), all.sum(width));
                let terms: &mut Terms = &mut all.world.terms;
                let (plain, wide) = (terms.zext(a, width + 2), facts.widened(terms, a, width + 2));
                let (less, below) = (terms.ult(a, b), facts.below(terms, a, b));
                seen.widened += u32::from(plain != wide);
                seen.below +=
                    u32::from(less != below && facts.decide(&all.world.terms, less).is_none());
                all.check(premise, plain, wide, "widened");
                all.check(premise, less, below, "below");
                all.check(premise, goal, decided.unwrap_or(goal), "decided");
                all.check(premise, goal, restricted, "restricted");
                all.check(premise, goal, simplified, "simplified");
                all.check(premise, goal, cases, "by cases");
            }
        }
    }

    #[test]
    fn what_facts_settle_is_so() {
        let mut seen = Seen::default();
        for leaves in Leaves::ALL {
            for (width, cases) in [(1, 200), (2, 300), (3, 250), (4, 100)] {
                facts_hold(leaves, width, cases, &mut seen);
            }
        }
        // The test tries what it is meant to try.
        assert!(seen.decided > 500 && seen.restricted > 500, "{seen:?}");
        assert!(seen.simplified > 200 && seen.by_cases > 50, "{seen:?}");
        assert!(seen.widened > 50 && seen.below > 10, "{seen:?}");
    }
}

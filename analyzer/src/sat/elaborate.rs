//! From what a solver learnt to a proof that spells out every step, in text LRAT.
//!
//! The clauses are added one after the other, and unit propagation runs along, until a clause is false.
//! Then the lemmas are taken back in reverse order. Those that something later needs are derived:
//! their literals are assumed false, and the clauses that propagation used on the way to the contradiction are the hints.
//! Lemmas that nothing needs vanish. Propagation prefers clauses that are needed already, so that fewer become so,
//! and ignores lemmas that the solver had given up by then, for speed alone.
//!
//! A literal that is true for good becomes a step of its own when it is first needed, so that no hint repeats its derivation.
//!
//! Nothing here is trusted. A lemma that unit propagation does not derive is written without hints; the checker rejects it.

use super::drup::Trace;
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// A literal: twice the variable, plus 1 for a negation.
type Literal = usize;

/// A hint of a step: a clause, or the step of the literal at a place of the trail.
#[derive(Clone, Copy)]
enum Hint {
    Clause(usize),
    Fixed(usize),
}

/// The reason of an assumption.
const ASSUMED: usize = usize::MAX;

/// An entry in the list of a literal: look at the clause when the literal becomes false, unless `other` is true.
#[derive(Clone, Copy)]
struct Watch {
    clause: u32,
    other: u32,
}

/// A proof that the inputs have no model, by way of the lemmas of the trace; rejected if they do not lead there.
pub(crate) fn elaborate<'a>(inputs: impl IntoIterator<Item = &'a [i32]>, trace: &Trace) -> String {
    let mut state = Elaborator { starts: vec![0], ..Elaborator::default() };
    for clause in inputs {
        state.push(clause);
    }
    state.inputs = state.starts.len() - 1;
    let mut lemmas: FxHashMap<Box<[u32]>, usize> = FxHashMap::default();
    let mut given_up = trace.given_up().peekable();
    for (number, clause) in trace.lemmas.iter().enumerate() {
        while let Some((_, clause)) = given_up.next_if(|&(time, _)| time <= number) {
            // A clause that is not found was shortened; it stays.
            if let Some(lemma) = lemmas.remove(&normal(clause)[..]) {
                state.ends.push((state.inputs + number, lemma));
            }
        }
        state.push(clause);
        if clause.len() > 2 {
            lemmas.insert(normal(clause).into(), state.inputs + number);
        }
    }
    state.allocate();
    let goal = state.forward();
    let goal = state.backward(goal);
    state.text(&goal)
}

/// The literals of a clause, sorted and without repetition.
fn normal(clause: &[i32]) -> Vec<u32> {
    let code = |&literal: &i32| literal.unsigned_abs() << 1 | u32::from(literal < 0);
    let mut literals: Vec<u32> = clause.iter().map(code).collect();
    literals.sort_unstable();
    literals.dedup();
    literals
}

/// The clauses and the state of propagation.
#[derive(Default)]
struct Elaborator {
    /// The literals of all clauses, one after the other, without repetition within a clause.
    literals: Vec<u32>,
    /// Where each clause starts; one entry more than clauses.
    starts: Vec<usize>,
    /// The number of inputs; they come first.
    inputs: usize,
    /// The number of clauses that are there; those beyond were taken back or not added yet.
    present: usize,
    /// The lemmas that are given up, each after the number of clauses that were there before.
    ends: Vec<(usize, usize)>,
    /// That number for each clause; a clause takes part while it is there and until it is given up.
    end: Vec<usize>,
    /// The value of each literal.
    values: Vec<Option<bool>>,
    /// The true literals, in the order in which they became true.
    trail: Vec<Literal>,
    /// How much of the trail has been propagated through clauses not known to be needed, and through needed ones.
    heads: [usize; 2],
    /// The clause that made the variable true or false, and its place on the trail, by variable.
    reasons: Vec<(usize, usize)>,
    /// The lists of clauses to look at, by literal: first of clauses not known to be needed, then of needed ones.
    watches: [Vec<Vec<Watch>>; 2],
    /// Which clauses are needed.
    needed: Vec<bool>,
    /// The literals that are true for good, and which of them are needed, by place on the trail.
    fixed_literals: Vec<Literal>,
    fixed: Vec<bool>,
    /// The length of the trail when each clause was added; one entry more than clauses were.
    heights: Vec<usize>,
    /// The last analysis that met the variable.
    met: Vec<u32>,
    analyses: u32,
    /// The hints of derived lemmas and of fixed literals, by clause and by place; empty if there are none.
    lemma_hints: Vec<Vec<Hint>>,
    fixed_hints: Vec<Vec<Hint>>,
}

impl Elaborator {
    fn push(&mut self, clause: &[i32]) {
        self.literals.extend(normal(clause));
        self.starts.push(self.literals.len());
    }

    fn allocate(&mut self) {
        let variables = self.literals.iter().max().map_or(1, |&literal| literal as usize / 2 + 1);
        let clauses = self.starts.len() - 1;
        self.values = vec![None; 2 * variables];
        self.reasons = vec![(ASSUMED, 0); variables];
        self.watches = [vec![Vec::new(); 2 * variables], vec![Vec::new(); 2 * variables]];
        self.needed = vec![false; clauses];
        self.met = vec![0; variables];
        self.end = vec![usize::MAX; clauses];
        for &(end, lemma) in &self.ends {
            self.end[lemma] = end;
        }
    }

    fn clause(&self, clause: usize) -> &[u32] {
        &self.literals[self.starts[clause]..self.starts[clause + 1]]
    }

    /// Makes an open literal true.
    fn assign(&mut self, literal: Literal, reason: usize) {
        self.values[literal] = Some(true);
        self.values[literal ^ 1] = Some(false);
        self.reasons[literal / 2] = (reason, self.trail.len());
        self.trail.push(literal);
    }

    /// Takes back what became true since the trail had this length, which was fully propagated.
    fn retract(&mut self, length: usize) {
        for literal in self.trail.drain(length..) {
            self.values[literal] = None;
            self.values[literal ^ 1] = None;
        }
        self.heads = [length; 2];
    }

    /// Adds clauses and propagates until a clause is false; gives that clause.
    fn forward(&mut self) -> Option<usize> {
        let clauses = self.starts.len() - 1;
        let mut conflict = None;
        while conflict.is_none() && self.present < clauses {
            self.heights.push(self.trail.len());
            self.present += 1;
            conflict = self.add(self.present - 1).or_else(|| self.propagate());
        }
        self.heights.push(self.trail.len());
        self.fixed_literals.clone_from(&self.trail);
        self.fixed = vec![false; self.trail.len()];
        self.lemma_hints = vec![Vec::new(); self.present];
        self.fixed_hints = vec![Vec::new(); self.trail.len()];
        conflict
    }

    /// Lets a clause take part; gives it back if it is false.
    ///
    /// It is watched only if it has two open literals and no true one:
    /// otherwise what makes it true stays true for as long as the clause takes part.
    fn add(&mut self, clause: usize) -> Option<usize> {
        let (start, end) = (self.starts[clause], self.starts[clause + 1]);
        // A literal and its negation are neighbours.
        let tautology = self.clause(clause).windows(2).any(|pair| pair[0] ^ 1 == pair[1]);
        let mut open = 0;
        for place in start..end {
            match self.values[self.literals[place] as usize] {
                Some(true) => return None,
                Some(false) => {}
                None => {
                    self.literals.swap(start + open, place);
                    open += 1;
                }
            }
        }
        match open {
            _ if tautology => {}
            // An empty lemma is the goal, not a step on the way to it.
            0 if start == end && clause >= self.inputs => {}
            0 => return Some(clause),
            1 => self.assign(self.literals[start] as usize, clause),
            _ => self.watch(clause),
        }
        None
    }

    /// Watches the first two literals of a clause.
    fn watch(&mut self, clause: usize) {
        let start = self.starts[clause];
        let (first, second) = (self.literals[start], self.literals[start + 1]);
        let list = usize::from(self.needed[clause]);
        let clause = clause as u32;
        self.watches[list][first as usize].push(Watch { clause, other: second });
        self.watches[list][second as usize].push(Watch { clause, other: first });
    }

    /// Lets a lemma that was given up take part again.
    ///
    /// The two literals that became false or true last, or not at all, are watched:
    /// they are the first to be open again when the trail becomes shorter.
    fn revive(&mut self, clause: usize) {
        let (start, end) = (self.starts[clause], self.starts[clause + 1]);
        for first in [start, start + 1] {
            let place = |&place: &usize| {
                let literal = self.literals[place] as usize;
                self.values[literal].map_or(usize::MAX, |_| self.reasons[literal / 2].1)
            };
            let last = (first..end).max_by_key(place).unwrap_or(first);
            self.literals.swap(first, last);
        }
        self.watch(clause);
    }

    /// Makes true what must be; gives a clause that is false, if there is one.
    fn propagate(&mut self) -> Option<usize> {
        loop {
            let list = usize::from(self.heads[1] < self.trail.len());
            let &literal = self.trail.get(self.heads[list])?;
            self.heads[list] += 1;
            let conflict = self.visit(list, literal ^ 1);
            if conflict.is_some() {
                return conflict;
            }
        }
    }

    /// Looks at the clauses in a list of a literal that became false.
    fn visit(&mut self, list: usize, literal: Literal) -> Option<usize> {
        let mut watches = std::mem::take(&mut self.watches[list][literal]);
        let mut conflict = None;
        watches.retain_mut(|watch| {
            if conflict.is_some() {
                return true;
            }
            let clause = watch.clause as usize;
            if clause >= self.present || self.end[clause] < self.present {
                return false;
            }
            let target = usize::from(self.needed[clause]);
            if self.values[watch.other as usize] != Some(true) {
                let (start, end) = (self.starts[clause], self.starts[clause + 1]);
                if self.literals[start] as usize == literal {
                    self.literals.swap(start, start + 1);
                }
                // Left over from before the clause was given up.
                if self.literals[start + 1] as usize != literal {
                    return false;
                }
                let first = self.literals[start];
                watch.other = first;
                if self.values[first as usize] != Some(true) {
                    for place in start + 2..end {
                        let candidate = self.literals[place];
                        if self.values[candidate as usize] != Some(false) {
                            self.literals.swap(start + 1, place);
                            self.watches[target][candidate as usize].push(*watch);
                            return false;
                        }
                    }
                    if self.values[first as usize].is_none() {
                        self.assign(first as usize, clause);
                    } else {
                        conflict = Some(clause);
                    }
                }
            }
            if target != list {
                self.watches[target][literal].push(*watch);
            }
            target == list
        });
        // Nothing was added meanwhile: new watches are on literals that are not false.
        self.watches[list][literal] = watches;
        conflict
    }

    /// Takes the lemmas back and derives what is needed; gives the hints of the empty clause.
    fn backward(&mut self, conflict: Option<usize>) -> Vec<Hint> {
        let Some(conflict) = conflict else {
            return Vec::new();
        };
        self.analyses += 1;
        let goal = self.analyze(conflict, self.trail.len());
        for clause in (0..self.present).rev() {
            for place in (self.heights[clause]..self.heights[clause + 1]).rev() {
                if self.fixed[place] {
                    self.analyses += 1;
                    let variable = self.trail[place] / 2;
                    self.met[variable] = self.analyses;
                    self.fixed_hints[place] = self.analyze(self.reasons[variable].0, place);
                }
            }
            while let Some((_, lemma)) = self.ends.pop_if(|&mut (end, _)| end >= clause) {
                // Those that would have been given up after the conflict take part already.
                if self.end[lemma] == clause {
                    self.revive(lemma);
                }
            }
            if clause >= self.inputs && self.needed[clause] {
                self.present = clause;
                self.retract(self.heights[clause]);
                self.lemma_hints[clause] = self.derive(clause);
                self.retract(self.heights[clause]);
            }
        }
        goal
    }

    /// The hints that derive a lemma from the clauses before it; empty if unit propagation does not.
    fn derive(&mut self, lemma: usize) -> Vec<Hint> {
        self.analyses += 1;
        let root = self.trail.len();
        for place in self.starts[lemma]..self.starts[lemma + 1] {
            let literal = self.literals[place] as usize;
            match self.values[literal] {
                Some(true) => {
                    let place = self.reasons[literal / 2].1;
                    // Unless it was assumed, for a tautology, which no step needs.
                    if place >= root {
                        return Vec::new();
                    }
                    self.fixed[place] = true;
                    return vec![Hint::Fixed(place)];
                }
                Some(false) => {}
                None => self.assign(literal ^ 1, ASSUMED),
            }
            self.met[literal / 2] = self.analyses;
        }
        match self.propagate() {
            Some(conflict) => self.analyze(conflict, root),
            None => Vec::new(),
        }
    }

    /// The hints that make a clause false, itself last; variables met already need none.
    /// What is below `root` on the trail is true for good and has a step of its own.
    fn analyze(&mut self, conflict: usize, root: usize) -> Vec<Hint> {
        let mut fixed = Vec::new();
        let mut places = Vec::new();
        let mut todo = vec![conflict];
        while let Some(clause) = todo.pop() {
            self.needed[clause] = true;
            for index in self.starts[clause]..self.starts[clause + 1] {
                let variable = self.literals[index] as usize / 2;
                if std::mem::replace(&mut self.met[variable], self.analyses) == self.analyses {
                    continue;
                }
                let (reason, place) = self.reasons[variable];
                if place < root {
                    self.fixed[place] = true;
                    fixed.push(Hint::Fixed(place));
                } else {
                    places.push(place);
                    todo.push(reason);
                }
            }
        }
        // Each reason on the trail precedes what it propagates to.
        places.sort_unstable();
        let reasons = places.iter().map(|&place| self.reasons[self.trail[place] / 2].0);
        fixed.extend(reasons.chain([conflict]).map(Hint::Clause));
        fixed
    }

    /// The proof: the needed steps in order, numbered anew.
    fn text(&self, goal: &[Hint]) -> String {
        let mut proof = Proof {
            text: String::new(),
            last: self.inputs,
            clauses: (1..=self.needed.len()).collect(),
            fixed: vec![0; self.fixed.len()],
        };
        for (clause, hints) in self.lemma_hints.iter().enumerate() {
            if clause >= self.inputs && self.needed[clause] {
                let literals =
                    self.clause(clause).iter().map(|&literal| external(literal as usize));
                proof.clauses[clause] = proof.step(literals, hints);
            }
            for place in self.heights[clause]..self.heights[clause + 1] {
                proof.fixed[place] = match self.fixed_hints[place][..] {
                    [] => 0,
                    // The clause is the literal.
                    [Hint::Clause(clause)] => proof.clauses[clause],
                    ref hints => proof.step([external(self.fixed_literals[place])], hints),
                };
            }
        }
        proof.step([], goal);
        proof.text
    }
}

/// A literal in the style of DIMACS.
fn external(literal: Literal) -> i32 {
    let variable = (literal / 2) as i32;
    if literal % 2 == 1 { -variable } else { variable }
}

/// A proof in the making.
struct Proof {
    text: String,
    /// The last number used.
    last: usize,
    /// The number of each clause, and of each fixed literal by its place on the trail.
    clauses: Vec<usize>,
    fixed: Vec<usize>,
}

impl Proof {
    /// Writes a step and gives its number.
    fn step(&mut self, literals: impl IntoIterator<Item = i32>, hints: &[Hint]) -> usize {
        self.last += 1;
        let _ = write!(self.text, "{}", self.last);
        for literal in literals {
            let _ = write!(self.text, " {literal}");
        }
        self.text.push_str(" 0");
        for hint in hints {
            let number = match *hint {
                Hint::Clause(clause) => self.clauses[clause],
                Hint::Fixed(place) => self.fixed[place],
            };
            let _ = write!(self.text, " {number}");
        }
        self.text.push_str(" 0\n");
        self.last
    }
}

//! Conditions: the configuration bits under which a verdict holds.
//!
//! **Monitor-fixed bits.** f leaves the real machine's resources to the monitor, so a monitor may
//! keep some of their bits at one value for good: CR4.TSD on IA-32, TVM, TW and TSR on RISC-V, an
//! I/O permission. [`fixings`] searches the assignments of such bits under which the statewise
//! condition holds for a class that it fails for otherwise, smallest first; [`escape`] joins them.
//!
//! An assignment fails by a replayed state, and succeeds only by a proof. As an assignment that
//! holds keeps holding when more bits are fixed, a class that fails under every *full* assignment of
//! the bits it depends on fails under all of them.
//!
//! **Needed assumptions.** [`needed`] drops the specification's assumptions one at a time, and says
//! which of them a verdict cannot do without.

use std::collections::{BTreeSet, HashSet};

use model::isa::{
    Class, Expr, ExprKind, Isa, Kind, Pair, Part, Profile, RegisterId, Stmt, VerdictWord,
};
use model::state::State as Concrete;
use rayon::prelude::*;

use crate::classify::{self, Classification, Counts, answer_of};
use crate::decide::{self, Backend, Query, Session};
use crate::definitions::Side;
use crate::definitions::statewise::{self, Case, Guests};
use crate::problem::{Problem, Storage};
use crate::settle::{Docket, Question, Settle, Solving};
use crate::symbolic::state::Register;
use crate::symbolic::term::{Node, Term, Terms};
use crate::theorem::{self, Escape, Judgement};
use crate::verdict::{Answer, Verdict};
use crate::witness::Witness;

/// A field of the real machine's resources that a monitor can keep at one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Field {
    name: String,
    register: u32,
    low: u32,
    width: u32,
    /// Names of its values.
    values: Vec<(String, u128)>,
}

impl Field {
    fn part(&self) -> Part {
        Part { register: RegisterId(self.register), low: self.low, width: self.width }
    }
}

/// Fields with the values they are kept at, in the order of the specification.
pub(crate) type Assignment = Vec<(Field, u128)>;

/// What fixing bits does for a class that is not safe to run directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fixing {
    /// It is safe under each of these, and under no smaller assignment that was tried.
    Safe(Vec<Assignment>),
    /// It is safe under none: a replayed state breaks each.
    Never,
    /// Not settled.
    Open,
}

/// Bits of a field that is looked at.
const WIDTH: u32 = 3;

/// Assignments of one class that are tried.
const ASSIGNMENTS: usize = 256;

/// Assignments of one class that the decision procedure is asked for; replays settle most.
const ASKED: usize = 24;

/// Ways to join the assignments of several classes that are tried.
const JOINS: usize = 10_000;

/// `cr4.tsd = 1 and cr4.pce = 0`.
pub(crate) fn words(assignment: &Assignment) -> String {
    let word = |(field, value): &(Field, u128)| {
        let named = field.values.iter().find(|(_, v)| v == value);
        let value = named.map_or_else(|| model::state::number(*value), |(name, _)| name.clone());
        format!("{} = {value}", field.name)
    };
    assignment.iter().map(word).collect::<Vec<_>>().join(" and ")
}

/// The fields a monitor could fix: narrow components of R of kind resource.
fn fields(isa: &Isa) -> Vec<Field> {
    let mut all = Vec::new();
    for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        let owned = |low: u32, width: u32| {
            register.slices.iter().any(|s| {
                s.kind == Some(Kind::Resource) && s.low <= low && low + width <= s.low + s.width
            })
        };
        let field = |name: String, low, width, values: &[(String, u128)]| Field {
            name,
            register: id.0,
            low,
            width,
            values: values.to_vec(),
        };
        if register.fields.is_empty() && register.width <= WIDTH && owned(0, register.width) {
            all.push(field(register.name.clone(), 0, register.width, &register.values));
        }
        for f in register.fields.iter().filter(|f| f.width <= WIDTH && owned(f.low, f.width)) {
            let name = format!("{}.{}", register.name, f.name);
            all.push(field(name, f.low, f.width, &f.values));
        }
    }
    all
}

/// The fields that what a class does in user mode depends on, by its transition.
fn depends(isa: &Isa, class: &Class, pair: &Pair, fields: &[Field]) -> Vec<Field> {
    let mut problem = Problem::new(isa, class, Terms::default());
    let fresh = problem.fresh();
    let mut entry = problem.deprivileged(&fresh, pair);
    let mut variables = Vec::new();
    for field in fields {
        let variable = problem.terms.variable(field.width);
        entry = problem.with(&entry, Some(field.part()), variable);
        variables.push(variable);
    }
    let storage = Storage::Flat(problem.array());
    let run = problem.run(entry, storage);
    let transition = &run.transition;
    let mut roots = vec![transition.completes, transition.unpredictable, transition.unknown];
    roots.extend(transition.traps.iter().map(|t| t.when));
    for (id, register) in isa.register_ids() {
        match (&run.entry.registers[id.index()], &transition.after.registers[id.index()]) {
            (Register::Single(x), Register::Single(y)) if x == y => {}
            (Register::Single(_), Register::Single(_)) => {
                // What stays of a register is no dependence.
                for slice in &register.slices {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let before = run.entry.part(&mut problem.terms, part);
                    let after = transition.after.part(&mut problem.terms, part);
                    if before != after {
                        roots.push(after);
                    }
                }
            }
            (_, Register::File(_, writes)) => {
                roots.extend(writes.iter().flat_map(|w| [w.guard, w.index, w.value]));
            }
            (Register::File(..), Register::Single(_)) => {}
        }
    }
    roots.extend(transition.after.writes.iter().flat_map(|w| [w.guard, w.index, w.value]));
    let found = support(&problem.terms, roots);
    let read = fields.iter().zip(&variables).filter(|(_, v)| found.contains(v));
    read.map(|(field, _)| field.clone()).collect()
}

/// The variables that occur in terms.
fn support(terms: &Terms, mut stack: Vec<Term>) -> HashSet<Term> {
    let mut seen = HashSet::new();
    let mut found = HashSet::new();
    while let Some(t) = stack.pop() {
        if seen.insert(t) {
            if matches!(terms.node(t), Node::Variable(_)) {
                found.insert(t);
            }
            stack.extend(terms.children(t));
        }
    }
    found
}

/// All assignments of some of the fields, `size` of them at a time.
fn assignments(fields: &[Field], size: usize) -> Vec<Assignment> {
    let Some((first, rest)) = fields.split_first() else {
        return if size == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    if size > fields.len() {
        return Vec::new();
    }
    let mut all = Vec::new();
    if size > 0 {
        for tail in assignments(rest, size - 1) {
            for value in 0..1u128 << first.width {
                let mut one = vec![(first.clone(), value)];
                one.extend(tail.iter().cloned());
                all.push(one);
            }
        }
    }
    all.extend(assignments(rest, size));
    all
}

/// Searches the assignments of monitor-fixed bits under which the squares of a class commute in the
/// given virtual modes, smallest first. `known` are states where they do not.
pub(crate) fn fixings(
    docket: &mut Docket<'_>,
    sides: &[Side],
    known: Vec<(Side, Witness)>,
    settle: &dyn Settle,
    counts: &mut Counts,
) -> Fixing {
    let (isa, class, pair) = (docket.problem.isa, docket.problem.class, docket.pair);
    let fields = depends(isa, class, pair, &fields(isa));
    if fields.is_empty() {
        return Fixing::Never;
    }
    let guests = classify::guests(docket.profile);
    let bits: u32 = fields.iter().map(|f| f.width).sum();
    let complete = bits < 64 && 1usize << bits <= ASSIGNMENTS;
    let mut sizes = BTreeSet::from([1, 2.min(fields.len())]);
    if complete {
        sizes.insert(fields.len());
    }
    let mut search = Search { docket, guests, sides, known, settle, counts, asked: 0 };
    let mut open = !complete;
    for size in sizes {
        let mut safe = Vec::new();
        // The last size, where it is that of all fields, speaks for the smaller ones.
        open = !complete;
        for assignment in assignments(&fields, size).into_iter().take(ASSIGNMENTS) {
            match search.commutes(&assignment) {
                Answer::Yes => safe.push(assignment),
                Answer::Undecided => open = true,
                Answer::No | Answer::Vacuous => {}
            }
        }
        if !safe.is_empty() {
            return Fixing::Safe(safe);
        }
    }
    if open { Fixing::Open } else { Fixing::Never }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Square,
    Premise,
}

struct Search<'s, 'i> {
    docket: &'s mut Docket<'i>,
    guests: Guests,
    sides: &'s [Side],
    /// States where a square breaks.
    known: Vec<(Side, Witness)>,
    settle: &'s dyn Settle,
    counts: &'s mut Counts,
    asked: usize,
}

impl Search<'_, '_> {
    /// Whether the squares commute in all of the modes under an assignment.
    fn commutes(&mut self, assignment: &Assignment) -> Answer {
        if self.known.iter().any(|(side, witness)| self.still_breaks(*side, witness, assignment)) {
            return Answer::No;
        }
        let mut answer = self.possible(assignment);
        if answer != Answer::Yes {
            return answer;
        }
        if self.asked == ASKED {
            return Answer::Undecided;
        }
        self.asked += 1;
        for &side in self.sides {
            for &case in self.guests.cases() {
                match self.ask(side, case, assignment, Ask::Square) {
                    Verdict::Proved(_) => {}
                    Verdict::Shown(witness) => {
                        self.known.push((side, *witness));
                        return Answer::No;
                    }
                    Verdict::Open(_) => answer = Answer::Undecided,
                }
            }
        }
        answer
    }

    /// Whether there is a guest with such an image at all: the assumptions may forbid an assignment,
    /// and then nothing is shown by it. `Vacuous` if there is none.
    fn possible(&mut self, assignment: &Assignment) -> Answer {
        if self.known.iter().any(|(_, witness)| self.admits(witness, assignment)) {
            return Answer::Yes;
        }
        if self.forbidden(assignment) {
            return Answer::Vacuous;
        }
        let mut answer = Answer::Vacuous;
        for &side in self.sides {
            for &case in self.guests.cases() {
                match self.ask(side, case, assignment, Ask::Premise) {
                    Verdict::Shown(_) => return Answer::Yes,
                    Verdict::Open(_) => answer = Answer::Undecided,
                    Verdict::Proved(_) => {}
                }
            }
        }
        answer
    }

    /// Whether no state in user mode has the bits at these values, by the assumptions alone.
    fn forbidden(&self, assignment: &Assignment) -> bool {
        let (isa, class, pair) =
            (self.docket.problem.isa, self.docket.problem.class, self.docket.pair);
        let mut problem = Problem::new(isa, class, Terms::default());
        let fresh = problem.fresh();
        let mut state = problem.deprivileged(&fresh, pair);
        for (field, value) in assignment {
            let value = problem.terms.constant(*value, field.width);
            state = problem.with(&state, Some(field.part()), value);
        }
        let premises = problem.assumptions(&state);
        let goal = problem.terms.bool(true);
        let query = Query { premises, goal };
        let found = decide::decide(
            Backend::new(),
            &mut problem.terms,
            &query,
            None,
            &mut Session::default(),
        );
        matches!(found.0, decide::Answer::Unsat)
    }

    /// Whether the specification's assumptions hold of a known image with the bits fixed.
    fn admits(&self, witness: &Witness, assignment: &Assignment) -> bool {
        let (isa, mut real) = (self.docket.problem.isa, witness.before[1].clone());
        for (field, value) in assignment {
            real.set_part(field.part(), *value);
        }
        isa.assumptions.iter().all(|a| model::interp::value(&a.that, &real).is_true())
    }

    /// Whether a state that refutes the square still does with the real bits fixed, and with the
    /// guest's own bits as they are or the other way round.
    fn still_breaks(&self, side: Side, witness: &Witness, assignment: &Assignment) -> bool {
        let (isa, class, pair) =
            (self.docket.problem.isa, self.docket.problem.class, self.docket.pair);
        let [guest, real] = witness.before.as_slice() else { return false };
        let mut fixed = real.clone();
        let mut other = guest.clone();
        for (field, value) in assignment {
            fixed.set_part(field.part(), *value);
            other.set_part(field.part(), value ^ 1);
        }
        let breaks = |guest: &Concrete| {
            let before = vec![guest.clone(), fixed.clone()];
            let replay = Witness { before, ..witness.clone() }.replay(isa, class, pair);
            replay.admitted() && statewise::refuted_by(&replay, side, self.guests)
        };
        breaks(guest) || breaks(&other)
    }

    /// Whether the square breaks under an assignment; or, for `Ask::Premise`, whether there is a
    /// guest with such an image at all.
    fn ask(&mut self, side: Side, case: Case, assignment: &Assignment, what: Ask) -> Verdict {
        let (pair, guests) = (self.docket.pair, self.guests);
        let premise = what == Ask::Premise;
        let question = Question {
            name: format!(
                "statewise/{}/{}/{}/{}{}",
                guests.word(),
                side.word(),
                case.word(),
                words(assignment),
                if premise { "/premise" } else { "" }
            ),
            ask: &|problem| {
                let mut obligation = statewise::ask(problem, pair, side, guests, case);
                for (field, value) in assignment {
                    let real = obligation.runs[1].entry.part(&mut problem.terms, field.part());
                    let value = problem.terms.constant(*value, field.width);
                    obligation.query.premises.push(problem.terms.eq(real, value));
                }
                if premise {
                    obligation.query.goal = problem.terms.bool(true);
                }
                obligation
            },
            shows: &|replay| {
                let kept = |(field, value): &(Field, u128)| {
                    replay.sides[1].before.part(field.part()) == *value
                };
                assignment.iter().all(kept)
                    && (premise || statewise::refuted_by(replay, side, guests))
            },
        };
        let (verdict, by) = self.settle.settle(self.docket, &question);
        if !matches!(verdict, Verdict::Open(_)) {
            self.counts.count(&verdict, by);
        }
        verdict
    }
}

/// What fixing bits does for every class whose square breaks in one of the modes, by class.
fn of_classes(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    all: &[Classification],
    (refuting, sides): (&[usize], &[Side]),
    settle: &dyn Settle,
) -> (Vec<(usize, Fixing)>, Counts) {
    let one = |class: &usize| {
        let mut docket = Docket::new(isa, &isa.classes[*class], pair, profile);
        let mut counts = Counts::default();
        let squares = all[*class].statewise.iter().filter(|s| sides.contains(&s.side));
        let known = squares.filter_map(|s| match &s.verdict {
            Verdict::Shown(witness) => Some((s.side, (**witness).clone())),
            Verdict::Proved(_) | Verdict::Open(_) => None,
        });
        let fixing = fixings(&mut docket, sides, known.collect(), settle, &mut counts);
        (*class, fixing, counts)
    };
    let answers: Vec<_> = refuting.par_iter().with_max_len(1).map(one).collect();
    let mut counts = Counts::default();
    let mut found = Vec::new();
    for (class, fixing, effort) in answers {
        counts.add(&effort);
        found.push((class, fixing));
    }
    (found, counts)
}

/// Tries the escape of monitor-fixed bits on both theorems where they are refuted. Gives what fixing
/// bits does for each class whose square breaks, in all virtual modes.
pub(crate) fn escapes(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    all: &[Classification],
    [vmm, hvmm]: [&mut Judgement; 2],
    settle: &dyn Settle,
) -> (Vec<(usize, Fixing)>, Counts) {
    let of = |refuting: &[usize], sides: &[Side]| {
        of_classes(isa, pair, profile, all, (refuting, sides), settle)
    };
    let (found, mut counts) = of(&vmm.refuting, &Side::BOTH);
    if vmm.verdict == VerdictWord::Refuted {
        vmm.escapes.push(escape(isa, all, &found, &Side::BOTH));
    }
    if hvmm.verdict == VerdictWord::Refuted {
        // What makes a class safe in both modes makes it safe in user mode.
        let safe = |class: &usize| {
            found.iter().find(|(c, f)| c == class && matches!(f, Fixing::Safe(_))).cloned()
        };
        let mut in_user: Vec<(usize, Fixing)> = hvmm.refuting.iter().filter_map(safe).collect();
        let rest: Vec<usize> =
            hvmm.refuting.iter().copied().filter(|c| safe(c).is_none()).collect();
        let (more, effort) = of(&rest, &[Side::User]);
        counts.add(&effort);
        in_user.extend(more);
        in_user.sort_by_key(|(class, _)| *class);
        hvmm.escapes.push(escape(isa, all, &in_user, &[Side::User]));
    }
    (found, counts)
}

/// The escape of monitor-fixed bits: its verdict, and the condition or what stands against it.
fn escape(isa: &Isa, all: &[Classification], found: &[(usize, Fixing)], sides: &[Side]) -> Escape {
    let (verdict, assumption) = joined(isa, all, found, sides);
    Escape { name: "monitor-fixed-bits", verdict, assumption }
}

fn joined(
    isa: &Isa,
    all: &[Classification],
    found: &[(usize, Fixing)],
    sides: &[Side],
) -> (VerdictWord, String) {
    let never = found.iter().find(|(_, f)| *f == Fixing::Never);
    if let Some((class, _)) = never {
        let name = &isa.classes[*class].name;
        let why =
            format!("no bit of the monitor's own resources makes {name} safe to run directly");
        return (VerdictWord::Refuted, why);
    }
    let undecided = all.iter().filter(|c| c.privileged != Answer::Yes).any(|c| {
        let squares = c.statewise.iter().filter(|s| sides.contains(&s.side));
        Answer::any(squares.map(|s| answer_of(&s.verdict))) == Answer::Undecided
    });
    let mut options = Vec::new();
    for (_, fixing) in found {
        match fixing {
            Fixing::Safe(assignments) => options.push(assignments),
            Fixing::Open | Fixing::Never => options.push(const { &Vec::new() }),
        }
    }
    let mut tries = 0;
    match join(&options, &Vec::new(), &mut tries) {
        Some(together) if !undecided => {
            let why = format!("the monitor keeps {} in the real machine", words(&together));
            (VerdictWord::Holds, why)
        }
        _ => {
            let why = "no assignment of the monitor's own bits was found under which it holds";
            (VerdictWord::Undecided, why.into())
        }
    }
}

/// The smallest assignment that contains one of each of the options.
fn join(
    options: &[&Vec<Assignment>],
    so_far: &Assignment,
    tries: &mut usize,
) -> Option<Assignment> {
    *tries += 1;
    let Some((first, rest)) = options.split_first() else { return Some(so_far.clone()) };
    let mut best: Option<Assignment> = None;
    for option in first.iter().take_while(|_| *tries < JOINS).collect::<Vec<_>>() {
        let clashes =
            |(field, value): &(Field, u128)| so_far.iter().any(|(f, v)| f == field && v != value);
        if option.iter().any(clashes) {
            continue;
        }
        let mut both = so_far.clone();
        both.extend(option.iter().filter(|bit| !so_far.contains(bit)).cloned());
        both.sort();
        if let Some(found) = join(rest, &both, tries)
            && best.as_ref().is_none_or(|b| found.len() < b.len())
        {
            best = Some(found);
        }
    }
    best
}

/// The assumptions about resources that the verdicts of theorems cannot do without, in words: when
/// one is dropped, the theorem is refuted by a replayed state. One list for each theorem.
pub(crate) fn needed(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    all: &[Classification],
    theorems: [&Judgement; 2],
) -> [Vec<String>; 2] {
    let mut needed = [Vec::new(), Vec::new()];
    if theorems.iter().all(|t| t.verdict != VerdictWord::Holds) {
        return needed;
    }
    for (index, assumption) in isa.assumptions.iter().enumerate() {
        let mut named = BTreeSet::new();
        registers(&assumption.that, &mut named);
        let owned = |id: &RegisterId| {
            isa.register(*id).slices.iter().any(|s| s.kind == Some(Kind::Resource))
        };
        let resources: BTreeSet<RegisterId> = named.iter().copied().filter(owned).collect();
        if resources.is_empty() {
            continue;
        }
        let mut without = isa.clone();
        without.assumptions.remove(index);
        let solving = Solving { backend: Backend::new() };
        let again: Vec<Classification> = (0..all.len())
            .into_par_iter()
            .with_max_len(1)
            .map(|i| {
                // An instruction that does not touch these components does what it did.
                if touches(&isa.classes[i].body.statements, &resources) {
                    classify::classify(&without, &without.classes[i], pair, profile, &solving)
                } else {
                    all[i].clone()
                }
            })
            .collect();
        for (hybrid, theorem) in theorems.iter().enumerate() {
            let dropped = theorem::judge(&again, profile, hybrid == 1);
            if theorem.verdict == VerdictWord::Holds && dropped.verdict == VerdictWord::Refuted {
                needed[hybrid].push(condition(isa, pair, index));
            }
        }
    }
    needed
}

/// An assumption as a condition on the machine that runs a guest: in user mode, `userio == 0` where
/// it comes to one value of one component, else as it is written.
fn condition(isa: &Isa, pair: &Pair, index: usize) -> String {
    let assumption = &isa.assumptions[index];
    let mut named = BTreeSet::new();
    registers(&assumption.that, &mut named);
    let mode = isa.mode.map(|m| m.register);
    let others: Vec<RegisterId> = named.into_iter().filter(|id| Some(*id) != mode).collect();
    let written = || assumption.text.trim().to_owned();
    let ([id], Some(mode)) = (others.as_slice(), isa.mode) else { return written() };
    let register = isa.register(*id);
    if register.count.is_some() || register.width > WIDTH || register.slices.len() != 1 {
        return written();
    }
    let mut state = Concrete::zero(isa, isa.storage.cells);
    state.set_part(mode, pair.user.1);
    let admits = |value: &u128| {
        let mut state = state.clone();
        state.set_element(*id, 0, *value);
        model::interp::value(&assumption.that, &state).is_true()
    };
    let values: Vec<u128> = (0..1u128 << register.width).filter(admits).collect();
    match values.as_slice() {
        [value] => format!("{} == {}", register.name, model::state::number(*value)),
        _ => written(),
    }
}

/// The registers an expression reads.
fn registers(e: &Expr, all: &mut BTreeSet<RegisterId>) {
    match &e.kind {
        ExprKind::Register(id) => {
            all.insert(*id);
        }
        ExprKind::Element(id, index) => {
            all.insert(*id);
            registers(index, all);
        }
        ExprKind::Load(inner) => registers(inner, all),
        ExprKind::Apply(_, inner) => inner.iter().for_each(|i| registers(i, all)),
        ExprKind::Const(_)
        | ExprKind::Local(_)
        | ExprKind::Operand(_)
        | ExprKind::CellCount
        | ExprKind::Undefined(_) => {}
    }
}

/// Whether statements read or write one of the registers.
fn touches(statements: &[Stmt], wanted: &BTreeSet<RegisterId>) -> bool {
    let reads = |e: &Expr| {
        let mut all = BTreeSet::new();
        registers(e, &mut all);
        !all.is_disjoint(wanted)
    };
    statements.iter().any(|s| match s {
        Stmt::Local(_, e) => reads(e),
        Stmt::Register(id, e) => wanted.contains(id) || reads(e),
        Stmt::Element(id, i, e) => wanted.contains(id) || reads(i) || reads(e),
        Stmt::Store(at, e) => reads(at) || reads(e),
        Stmt::If(c, yes, no) => reads(c) || touches(yes, wanted) || touches(no, wanted),
        Stmt::Block(inner) => touches(inner, wanted),
        Stmt::Trap(_, argument) => argument.as_ref().is_some_and(reads),
        Stmt::Exit(_) | Stmt::Commit | Stmt::Unpredictable | Stmt::Unknown => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(text: &str) -> Isa {
        let path = "../isa-specs/test-overlay.yaml";
        let open = |p: &str| {
            if p == path {
                Ok(text.to_owned())
            } else {
                std::fs::read_to_string(p).map_err(|e| e.to_string())
            }
        };
        let mut sources = model::diagnostic::Sources::default();
        match model::load(path, &open, &mut sources) {
            Ok(loaded) => loaded.isa,
            Err(errors) => {
                let all: Vec<_> = errors.iter().map(|e| e.render(&sources, false)).collect();
                panic!("{}", all.join("\n"));
            }
        }
    }

    fn fixing(isa: &Isa, name: &str, sides: &[Side]) -> Fixing {
        let class = isa.class(name).expect("the class exists");
        let mut docket = Docket::new(isa, class, &isa.pairs[0], Profile::Refined);
        let solving = Solving { backend: Backend::new() };
        fixings(&mut docket, sides, Vec::new(), &solving, &mut Counts::default())
    }

    fn found(fixing: &Fixing) -> Vec<String> {
        let Fixing::Safe(all) = fixing else { panic!("{fixing:?}") };
        all.iter().map(words).collect()
    }

    #[test]
    fn ia_32_has_bits_that_make_instructions_safe() {
        let isa = overlay(
            "pgisa: 1
isa: x86-test
title: IA-32 with a bit for UMIP
extends: x86-legacy.yaml
state:
  cr4: {patch: replace, role: R, kind: resource, width: 32, fields: {tsd: 2, pce: 8, umip: 11}}
instructions:
  smsw:
    patch: before
    semantics: |
      require !cr4.umip || cpl == ring0 else trap(gp);
",
        );
        assert_eq!(found(&fixing(&isa, "smsw", &Side::BOTH)), ["cr4.umip = 1"]);
        assert_eq!(found(&fixing(&isa, "rdtsc", &Side::BOTH)), ["cr4.tsd = 1"]);
        assert_eq!(found(&fixing(&isa, "rdpmc", &Side::BOTH)), ["cr4.pce = 0"]);
        // No bit decides whether these run in ring 3.
        assert_eq!(fixing(&isa, "sgdt", &Side::BOTH), Fixing::Never);
        assert_eq!(fixing(&isa, "mov_r_seg[cs]", &Side::BOTH), Fixing::Never);
    }

    #[test]
    fn what_the_assumptions_forbid_is_no_condition() {
        let isa = overlay("pgisa: 1\nisa: x\ntitle: IA-32\nextends: x86-legacy.yaml\n");
        // IOPL = 3 would show the guest its own IOPL; the specification assumes it away.
        if let Fixing::Safe(all) = fixing(&isa, "pushf", &Side::BOTH) {
            panic!("{:?}", all.iter().map(words).collect::<Vec<_>>());
        }
    }
}

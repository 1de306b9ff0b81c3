//! The derivation of what one class does in one mode.

use model::bits::mask;
use model::interp::Outcome;
use model::isa::{Class, ExpectedEnd, Isa, TrapId, TrapKind};
use model::state::State as Concrete;
use rustc_hash::FxHashMap;

use super::control::{Conditions, Control};
use super::cover::{Cube, Shape, Table, shape};
use super::{ALTERNATIVES, Case, InstructionTraps, ModeTraps};
use crate::decide::Query;
use crate::definitions::Obligation;
use crate::prove::answer::Existence;
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::question::Question;
use crate::prove::replay::Played;
use crate::prove::witness::Witness;
use crate::report::WitnessReport;
use crate::symbolic::state::{Register, State};
use crate::symbolic::term::{Node, Term, Terms};

/// The modes of the states in which an instruction begins.
#[derive(Debug, Clone)]
pub(crate) struct Mode {
    pub(crate) name: String,
    pub(crate) which: Which,
}

/// Values of the mode component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// This one.
    One(u128),
    /// Those that have no name.
    Unnamed,
    /// Any.
    Any,
}

impl Mode {
    /// Whether a state is in it.
    pub(crate) fn admits(&self, isa: &Isa, state: &Concrete) -> bool {
        let Some(part) = isa.mode else { return true };
        let value = state.part(part);
        match self.which {
            Which::One(own) => own == value,
            Which::Unnamed => isa.modes().iter().all(|(_, named)| *named != value),
            Which::Any => true,
        }
    }
}

/// The modes that have names, then all others as one, if there are any.
pub(crate) fn modes(isa: &Isa) -> Vec<Mode> {
    let Some(part) = isa.mode else {
        return vec![Mode { name: "the only mode".into(), which: Which::Any }];
    };
    let named = isa.modes().iter();
    let mut all: Vec<Mode> =
        named.map(|(name, value)| Mode { name: name.clone(), which: Which::One(*value) }).collect();
    if (all.len() as u128) <= mask(part.width) {
        all.push(Mode { name: "any other mode".into(), which: Which::Unnamed });
    }
    all
}

/// How an instruction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completes,
    Traps(TrapId),
    Unpredictable,
    /// The specification says nothing.
    Unknown,
}

impl From<ExpectedEnd> for End {
    fn from(end: ExpectedEnd) -> Self {
        match end {
            ExpectedEnd::Completes => Self::Completes,
            ExpectedEnd::Traps(id) => Self::Traps(id),
            ExpectedEnd::Unpredictable => Self::Unpredictable,
        }
    }
}

impl End {
    pub(crate) fn text(self, isa: &Isa) -> String {
        match self {
            Self::Completes => "completes".into(),
            Self::Traps(id) => format!("traps ({})", isa.trap(id).name),
            Self::Unpredictable => "unpredictable".into(),
            Self::Unknown => "unknown".into(),
        }
    }

    pub(crate) fn is_memory(self, isa: &Isa) -> bool {
        matches!(self, Self::Traps(id) if isa.trap(id).kind == TrapKind::Memory)
    }

    /// How a run that was replayed ended; what the trap sequence comes to does not matter.
    pub(crate) fn of(played: &Played) -> Self {
        match (&played.outcome, &played.raised) {
            (Outcome::Trap(id, _), _) => Self::Traps(*id),
            (_, Some(raised)) => Self::Traps(raised.trap),
            (Outcome::Step(_), None) => Self::Completes,
            (Outcome::Unpredictable, None) => Self::Unpredictable,
            (Outcome::Unknown, None) => Self::Unknown,
        }
    }
}

/// A class run from every state in a mode.
pub(crate) struct InMode {
    pub(crate) run: Run,
    /// The state before the mode was set: components are variables.
    pub(crate) fresh: State,
    /// What holds of the states: operands and sizes, assumptions, the mode.
    pub(crate) premises: Vec<Term>,
    /// The ways to end, each with its condition.
    pub(crate) ends: Vec<(End, Term)>,
}

impl InMode {
    pub(crate) fn new(problem: &mut Problem<'_>, mode: &Mode) -> Self {
        let isa = problem.isa;
        let fresh = problem.fresh();
        let entry = match mode.which {
            Which::One(value) => problem.in_mode(&fresh, value),
            Which::Unnamed | Which::Any => fresh.clone(),
        };
        let storage = Storage::Flat(problem.array());
        let run = problem.run(entry, storage);
        let mut premises = problem.always.clone();
        premises.extend(&run.assumed);
        if let (Which::Unnamed, Some(part)) = (mode.which, isa.mode) {
            for (_, value) in isa.modes() {
                let it = run.entry.part(&mut problem.terms, part);
                let value = problem.terms.constant(*value, part.width);
                premises.push(problem.terms.ne(it, value));
            }
        }
        let transition = &run.transition;
        let mut ends = vec![(End::Completes, transition.completes)];
        for id in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
            let when = transition.traps.iter().filter(|exit| exit.trap == id).map(|exit| exit.when);
            let when: Vec<Term> = when.collect();
            ends.push((End::Traps(id), problem.terms.any(when)));
        }
        ends.push((End::Unpredictable, transition.unpredictable));
        ends.push((End::Unknown, transition.unknown));
        ends.retain(|(_, when)| !problem.terms.is_false(*when));
        Self { run, fresh, premises, ends }
    }

    /// The condition for the instruction to end in one of some ways.
    pub(crate) fn ends(&self, terms: &mut Terms, wanted: impl Fn(End) -> bool) -> Term {
        let ends = self.ends.iter().filter(|(end, _)| wanted(*end));
        let ends: Vec<Term> = ends.map(|(_, when)| *when).collect();
        terms.any(ends)
    }

    /// Whether there is a state in the mode where all of `goal` holds; `shows` judges the replay.
    pub(crate) fn ask(
        &self,
        inquiry: &mut Inquiry<'_>,
        mode: &Mode,
        goal: &[Term],
        shows: impl Fn(&Played) -> bool,
    ) -> Existence {
        let isa = inquiry.setting().isa;
        inquiry.ask(&Question {
            name: format!("outcome/{}", mode.name),
            ask: &|problem| {
                let goal = problem.terms.all(goal.iter().copied());
                let (premises, unknown) = (self.premises.clone(), problem.terms.bool(false));
                let runs = vec![self.run.clone()];
                Obligation { query: Query { premises, goal }, runs, unknown, first: None }
            },
            shows: &|replay| {
                let [side] = replay.sides.as_slice() else { return false };
                mode.admits(isa, &side.before) && shows(side)
            },
        })
    }
}

/// What a class does, by mode.
pub(crate) fn of_class(context: Context<'_>, class: &Class) -> InstructionTraps {
    let mut inquiry = Inquiry::new(context, class);
    let modes = modes(context.setting.isa);
    let modes = modes.iter().map(|mode| of_mode(&mut inquiry, mode)).collect();
    InstructionTraps { name: class.name.clone(), modes }
}

/// Parts of the states with the same conditions, and what happens there.
struct Part {
    ends: Vec<(End, Existence)>,
}

impl Part {
    /// No state belongs to it.
    fn is_empty(&self) -> bool {
        self.ends.iter().all(|(_, found)| found.is_absent())
    }

    fn found(&self, wanted: fn(&Existence) -> bool) -> impl Iterator<Item = End> {
        self.ends.iter().filter(move |(_, found)| wanted(found)).map(|(end, _)| *end)
    }

    /// What can happen beside memory traps, and what is open.
    fn outcomes(&self, isa: &Isa) -> [Vec<End>; 2] {
        let other = |end: &End| !end.is_memory(isa);
        let open: fn(&Existence) -> bool = |it| matches!(it, Existence::Unknown(_));
        [self.found(Existence::is_witnessed).filter(other).collect(), self.found(open).collect()]
    }
}

fn of_mode(inquiry: &mut Inquiry<'_>, mode: &Mode) -> ModeTraps {
    let isa = inquiry.setting().isa;
    let it = InMode::new(&mut inquiry.session.problem, mode);
    let ends: Vec<Term> = it.ends.iter().map(|(_, when)| *when).collect();
    let roots: Vec<Term> = it.premises.iter().chain(&ends).copied().collect();
    let conditions = Conditions::of(&inquiry.session.problem, &it.fresh, &roots);
    let rows = conditions.rows(&inquiry.session.problem.terms);
    let (parts, of_row) = parts(inquiry, (&it, mode), (&conditions, &rows), &roots);
    // Parts with the same outcomes are one case.
    let mut kinds: Vec<[Vec<End>; 2]> = Vec::new();
    let of_part: Vec<Option<usize>> = parts
        .iter()
        .map(|part| {
            if part.is_empty() {
                return None;
            }
            let outcomes = part.outcomes(isa);
            Some(kinds.iter().position(|kind| *kind == outcomes).unwrap_or_else(|| {
                kinds.push(outcomes);
                kinds.len() - 1
            }))
        })
        .collect();
    let groups: Vec<Option<usize>> = of_row.iter().map(|part| of_part[*part]).collect();
    let widths: Vec<u32> = conditions.controls.iter().map(|control| control.width).collect();
    let table = Table { widths: &widths, groups: &groups };
    let problem = &inquiry.session.problem;
    let mut cases = Vec::new();
    for (group, [outcomes, open]) in kinds.iter().enumerate() {
        let own = || parts.iter().zip(&of_part).filter(|(_, of)| **of == Some(group));
        let cubes = table.cover(group, ALTERNATIVES);
        let state = |end: &End| {
            let mut found = own().flat_map(|(part, _)| &part.ends);
            found.find_map(|(it, found)| match found {
                Existence::Witnessed(witness) if it == end => Some(witness),
                _ => None,
            })
        };
        let several = outcomes.len() + open.len() > 1;
        let states: Vec<&Witness> =
            outcomes.iter().filter(|_| several).filter_map(state).map(|it| &**it).collect();
        let may_depend_on =
            if several { others(problem, &it, &ends, &conditions) } else { Vec::new() };
        cases.push(Case {
            outcomes: outcomes.iter().map(|end| end.text(isa)).collect(),
            undecided: open.iter().map(|end| end.text(isa)).collect(),
            depends_on: depends(problem, &conditions, &table, (group, cubes.as_deref())),
            when: cubes.map(|cubes| alternatives(problem, &conditions, &cubes)),
            may_depend_on,
            states: states
                .into_iter()
                .map(|it| WitnessReport::of(isa, class_index(isa, problem.class), it))
                .collect(),
        });
    }
    // What completes comes first, then the traps as the specification lists them.
    let order = |case: &Case| {
        let first = case.outcomes.first().or(case.undecided.first());
        it.ends.iter().position(|(end, _)| first.is_some_and(|word| *word == end.text(isa)))
    };
    cases.sort_by_key(order);
    let memory = |(end, _): &&(End, Term)| end.is_memory(isa);
    let taken = |end: End| parts.iter().any(|p| p.found(Existence::is_witnessed).any(|e| e == end));
    let memory_traps = it.ends.iter().filter(memory).filter(|(end, _)| taken(*end));
    let name = |(end, _): &(End, Term)| match end {
        End::Traps(id) => isa.trap(*id).name.clone(),
        End::Completes | End::Unpredictable | End::Unknown => String::new(),
    };
    ModeTraps { mode: mode.name.clone(), memory_traps: memory_traps.map(name).collect(), cases }
}

fn class_index(isa: &Isa, class: &Class) -> usize {
    isa.classes.iter().position(|it| it.name == class.name).unwrap_or_default()
}

/// Divides the states by the values of the conditions, and finds what happens in each part; the second result is
/// the part of each row.
fn parts(
    inquiry: &mut Inquiry<'_>,
    (it, mode): (&InMode, &Mode),
    (conditions, rows): (&Conditions, &[Vec<bool>]),
    roots: &[Term],
) -> (Vec<Part>, Vec<usize>) {
    // What is left of the formulas, by the values of the conditions; and where that is the same, one part.
    let mut known: FxHashMap<&[bool], usize> = FxHashMap::default();
    let mut left: Vec<(Vec<Term>, Vec<&[bool]>)> = Vec::new();
    let mut of_row = Vec::new();
    for row in rows {
        if let Some(part) = known.get(row.as_slice()) {
            of_row.push(*part);
            continue;
        }
        let terms = &mut inquiry.session.problem.terms;
        let constants: FxHashMap<Term, Term> =
            conditions.atoms.iter().zip(row).map(|(atom, on)| (*atom, terms.bool(*on))).collect();
        let rest: Vec<Term> =
            roots.iter().map(|t| terms.rewrite(*t, |_, t| constants.get(&t).copied())).collect();
        let part = left.iter().position(|(same, _)| *same == rest).unwrap_or_else(|| {
            left.push((rest, Vec::new()));
            left.len() - 1
        });
        left[part].1.push(row);
        known.insert(row, part);
        of_row.push(part);
    }
    let all = left.len();
    let parts = left.into_iter().map(|(rest, rows)| {
        let terms = &mut inquiry.session.problem.terms;
        let one = |row: &&[bool]| {
            let literals: Vec<Term> = conditions
                .atoms
                .iter()
                .zip(*row)
                .map(|(atom, on)| if *on { *atom } else { terms.not(*atom) })
                .collect();
            terms.all(literals)
        };
        let belongs = if all == 1 { Vec::new() } else { rows.iter().map(one).collect() };
        let belongs = if all == 1 { terms.bool(true) } else { terms.any(belongs) };
        let (premises, ends) = rest.split_at(it.premises.len());
        let none = premises.iter().any(|t| terms.is_false(*t));
        let left: Vec<(End, Term)> =
            it.ends.iter().zip(ends).map(|((end, _), left)| (*end, *left)).collect();
        let found = left
            .into_iter()
            .filter(|(_, left)| !none && !inquiry.session.problem.terms.is_false(*left));
        let found: Vec<(End, Term)> = found.collect();
        let ends = found
            .into_iter()
            .map(|(end, left)| {
                (end, it.ask(inquiry, mode, &[belongs, left], |it| End::of(it) == end))
            })
            .collect();
        Part { ends }
    });
    let parts = parts.collect();
    (parts, of_row)
}

/// The values of the bits in each cube, in words.
fn alternatives(
    problem: &Problem<'_>,
    conditions: &Conditions,
    cubes: &[Cube],
) -> Vec<Vec<String>> {
    let condition = |(control, values): (&Control, &Vec<usize>)| {
        let name = control.name(problem);
        let word = |value: usize| control.value(problem.isa, value);
        Some(match shape(values, 1 << control.width) {
            Shape::All => return None,
            Shape::Equal(value) => format!("{name} == {}", word(value)),
            Shape::NotEqual(value) => format!("{name} != {}", word(value)),
            Shape::AtMost(value) => format!("{name} <= {}", word(value)),
            Shape::AtLeast(value) => format!("{name} >= {}", word(value)),
            Shape::Between(low, high) => {
                format!("{name} >= {} && {name} <= {}", word(low), word(high))
            }
            Shape::OneOf(n) if n <= ALTERNATIVES => {
                let each = values.iter().map(|value| format!("{name} == {}", word(*value)));
                format!("({})", each.collect::<Vec<_>>().join(" || "))
            }
            Shape::OneOf(n) => format!("{name} is one of {n} values"),
        })
    };
    let of = |cube: &Cube| conditions.controls.iter().zip(cube).filter_map(condition).collect();
    cubes.iter().map(of).collect()
}

/// The components that the conditions of a case look at: those of its alternatives, else those with two values
/// that lead to different cases where all others stay as they are.
fn depends(
    problem: &Problem<'_>,
    conditions: &Conditions,
    table: &Table<'_>,
    (group, cubes): (usize, Option<&[Cube]>),
) -> Vec<String> {
    let matters = |i: usize| match cubes {
        Some(cubes) => cubes.iter().any(|cube| cube[i].len() < 1 << table.widths[i]),
        None => table.matters(i, group),
    };
    let all = conditions.controls.iter().enumerate().filter(|(i, _)| matters(*i));
    all.map(|(_, control)| control.name(problem)).collect()
}

/// The components and operands that the conditions beside those that were divided by look at.
fn others(
    problem: &Problem<'_>,
    it: &InMode,
    ends: &[Term],
    conditions: &Conditions,
) -> Vec<String> {
    let terms = &problem.terms;
    let (mut open, mut seen) = (ends.to_vec(), rustc_hash::FxHashSet::default());
    seen.extend(&conditions.atoms);
    let mut read = rustc_hash::FxHashSet::default();
    let mut arrays = rustc_hash::FxHashSet::default();
    while let Some(t) = open.pop() {
        if !seen.insert(t) {
            continue;
        }
        match terms.node(t) {
            Node::Variable(_) => drop(read.insert(t)),
            Node::Select(array, _) => drop(arrays.insert(*array)),
            _ => {}
        }
        open.extend(terms.children(t));
    }
    let mut names = Vec::new();
    for (id, register) in problem.isa.register_ids() {
        let own = match &it.fresh.registers[id.index()] {
            Register::File(array, _) => arrays.contains(array),
            Register::Single(whole) => {
                let mut variables = rustc_hash::FxHashSet::default();
                terms.support(*whole, &mut variables);
                variables.iter().any(|t| read.contains(t))
            }
        };
        if own {
            names.push(register.name.clone());
        }
    }
    if arrays.contains(&it.run.entry.layout.rest) {
        names.push(problem.isa.storage.name.clone());
    }
    let operands = problem.class.operands.iter().zip(&problem.operands);
    names.extend(operands.filter(|(_, t)| read.contains(t)).map(|(o, _)| o.name.clone()));
    if problem.choices.iter().any(|t| read.contains(t)) {
        names.push("what the architecture leaves undefined".into());
    }
    names
}

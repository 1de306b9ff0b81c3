//! The formula of a question, derived anew: from the specification and the definition alone.

use std::collections::BTreeSet;

use model::isa::{Class, Isa, Part, Role, Slice};
use model::property::Property;
use rustc_hash::{FxHashMap, FxHashSet};

use super::manifest::{Arena, Structure};
use crate::decide::{Blasted, Formula, GATES, Query, remains};
use crate::prove::problem::{Problem, Run};
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::symbolic::state::{Register, State};
use crate::symbolic::term::{Node, Term, Terms};

/// What a question comes to.
pub(super) enum Derived {
    /// False as it is built.
    False(Structure),
    /// Clauses to refute.
    Clauses(Box<Formula>),
    /// Too large to look at.
    Large,
}

/// The premises of a question together with its goal or missing semantics.
pub(super) fn derive(
    setting: Setting<'_>,
    class: &Class,
    question: &Question<'_>,
    arena: Arena,
) -> Derived {
    let terms = match arena {
        Arena::Plain => Terms::plain(),
        Arena::Rewritten => Terms::default(),
    };
    let (mut problem, obligation) = question.put(setting, class, terms);
    if problem.terms.is_full() {
        return Derived::Large;
    }
    let premises = obligation.query.premises;
    let goal = problem.terms.or(obligation.query.goal, obligation.unknown);
    let query = Query { premises, goal };
    let roots = match arena {
        Arena::Plain => Some(query.premises.iter().copied().chain([goal]).collect()),
        Arena::Rewritten => remains(&mut problem.terms, &query),
    };
    let structure = |problem: &Problem<'_>| {
        let mut it = Structure::of(problem, &obligation.runs);
        it.argument = argument(problem, &question.name, &query, &obligation.runs, &it).to_owned();
        it
    };
    let Some(roots): Option<Vec<Term>> = roots else { return Derived::False(structure(&problem)) };
    let blasted = Blasted::new(&problem.terms, &roots, &[]);
    if blasted.gates() > GATES {
        return Derived::Large;
    }
    match blasted.clauses() {
        None => Derived::False(structure(&problem)),
        Some(formula) => Derived::Clauses(Box::new(formula)),
    }
}

/// Why a formula that is false as it is built is false, in terms of the definition that asks.
fn argument(
    problem: &Problem<'_>,
    question: &str,
    query: &Query,
    runs: &[Run],
    it: &Structure,
) -> &'static str {
    let never = |root: Term| Blasted::new(&problem.terms, &[root], &[]).clauses().is_none();
    if query.premises.iter().any(|premise| never(*premise)) {
        return "there are no such states: a premise is false as it is built";
    }
    if !never(query.goal) {
        return "the conditions exclude each other";
    }
    let definition = question.split('/').next().and_then(Property::of_word);
    match definition {
        Some(Property::ControlSensitive) if !changes_control(problem.isa, it) => {
            "neither the mode nor R is changed"
        }
        Some(
            Property::LocationSensitive
            | Property::ModeSensitive
            | Property::BehaviourSensitive
            | Property::ResourceSensitive
            | Property::ExtentSensitive
            | Property::TimeSensitive
            | Property::Statewise,
        ) if runs.len() > 1 => {
            if it.depends.iter().any(|d| it.differs.contains(d)) {
                "the results are equal, whatever differs"
            } else {
                "the result depends on nothing that differs"
            }
        }
        _ => "what is asked for is false as it is built",
    }
}

/// Whether the mode or a part of R is among what the instruction may change.
fn changes_control(isa: &Isa, it: &Structure) -> bool {
    let slices = isa.registers.iter().flat_map(|r| r.slices.iter().map(move |s| (r, s)));
    let mut control = slices.filter(|(_, s)| matches!(s.role, Role::M | Role::R));
    control.any(|(register, slice)| it.changes.contains(&slice_name(register, slice)))
}

impl Structure {
    /// What the states of a question share and what the instruction makes of the first.
    fn of(problem: &Problem<'_>, runs: &[Run]) -> Self {
        let isa = problem.isa;
        let leaves = Leaves::of(problem, runs);
        let mut it = Self {
            argument: String::new(),
            differs: Vec::new(),
            depends: Vec::new(),
            changes: Vec::new(),
        };
        let Some(first) = runs.first() else { return it };
        let after = &first.transition.after;
        let mut terms = vec![first.transition.completes];
        for (id, register) in isa.register_ids() {
            for slice in &register.slices {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let name = slice_name(register, slice);
                let of = |state: &State| content(&problem.terms, state, part);
                if runs.iter().any(|run| of(&run.entry) != of(&first.entry)) {
                    it.differs.push(name.clone());
                }
                if of(after) != of(&first.entry) {
                    it.changes.push(name);
                }
            }
            match &after.registers[id.index()] {
                Register::Single(t)
                    if first.entry.registers[id.index()] != Register::Single(*t) =>
                {
                    terms.push(*t);
                }
                Register::Single(_) => {}
                Register::File(_, writes) => {
                    terms.extend(writes.iter().flat_map(|w| [w.guard, w.index, w.value]));
                }
            }
        }
        if runs.iter().any(|run| run.entry.layout.rest != first.entry.layout.rest) {
            it.differs.push(format!("{} outside the window", isa.storage.name));
        }
        if !after.writes.is_empty() {
            it.changes.push(isa.storage.name.clone());
        }
        terms.extend(after.writes.iter().flat_map(|w| [w.guard, w.index, w.value]));
        it.depends = leaves.below(&problem.terms, terms).into_iter().collect();
        it
    }
}

/// A part of a register as a term that can be compared: no new terms are made.
fn content(terms: &Terms, state: &State, part: Part) -> Vec<Term> {
    match &state.registers[part.register.index()] {
        Register::Single(t) => bits(terms, *t, part.low, part.width),
        Register::File(array, writes) => {
            let written = writes.iter().flat_map(|w| [w.guard, w.index, w.value]);
            std::iter::once(Term(array.0)).chain(written).collect()
        }
    }
}

/// The pieces of a concatenation that make up some bits.
fn bits(terms: &Terms, t: Term, low: u32, width: u32) -> Vec<Term> {
    match *terms.node(t) {
        Node::Concat(a, b) => {
            let split = terms.width(b);
            let mut all = Vec::new();
            if low < split {
                all.extend(bits(terms, b, low, width.min(split - low)));
            }
            if low + width > split {
                let from = low.max(split);
                all.extend(bits(terms, a, from - split, low + width - from));
            }
            all
        }
        _ => vec![t],
    }
}

/// Which component each leaf of the terms belongs to.
struct Leaves {
    variables: FxHashMap<Term, String>,
    arrays: FxHashMap<u32, String>,
}

impl Leaves {
    fn of(problem: &Problem<'_>, runs: &[Run]) -> Self {
        let isa = problem.isa;
        let mut it = Self { variables: FxHashMap::default(), arrays: FxHashMap::default() };
        for run in runs {
            for (id, register) in isa.register_ids() {
                match &run.entry.registers[id.index()] {
                    Register::Single(t) => {
                        for slice in &register.slices {
                            let leaves = bits(&problem.terms, *t, slice.low, slice.width);
                            for leaf in leaves {
                                // A held value (the mode, say) is no leaf: constants are shared.
                                if problem.terms.value(leaf).is_none() {
                                    let name = slice_name(register, slice);
                                    it.variables.entry(leaf).or_insert(name);
                                }
                            }
                        }
                    }
                    Register::File(array, _) => {
                        it.arrays.entry(array.0).or_insert_with(|| register.name.clone());
                    }
                }
            }
            let layout = &run.entry.layout;
            for region in &layout.regions {
                let name = format!("{} in the window", isa.storage.name);
                it.arrays.entry(region.array.0).or_insert(name);
            }
            let name = if layout.regions.is_empty() {
                isa.storage.name.clone()
            } else {
                format!("{} outside the window", isa.storage.name)
            };
            it.arrays.entry(layout.rest.0).or_insert(name);
        }
        it
    }

    /// The components that terms are made of.
    fn below(&self, terms: &Terms, roots: Vec<Term>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut seen = FxHashSet::default();
        let mut stack = roots;
        while let Some(t) = stack.pop() {
            if !seen.insert(t) {
                continue;
            }
            names.extend(self.variables.get(&t).cloned());
            if let Node::Select(array, _) = terms.node(t) {
                names.extend(self.arrays.get(&array.0).cloned());
            }
            stack.extend(terms.children(t));
        }
        names
    }
}

/// A part of a register by its field, or its bits.
fn slice_name(register: &model::isa::Register, slice: &Slice) -> String {
    let same = |f: &&model::isa::Field| (f.low, f.width) == (slice.low, slice.width);
    match register.fields.iter().find(same) {
        _ if slice.width == register.width => register.name.clone(),
        Some(field) => format!("{}.{}", register.name, field.name),
        None => format!("{}[{}:{}]", register.name, slice.low + slice.width - 1, slice.low),
    }
}

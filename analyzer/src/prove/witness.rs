//! Witnesses: concrete states read from a model, replayed in the interpreter.

use std::collections::BTreeMap;

use model::interp::Outcome;
use model::isa::{Class, Isa, Part, Role};
use model::state::State;
use serde_json::{Map, Value, json};

use crate::definitions::Obligation;
use crate::prove::problem::{Problem, Run};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::state::{Register, State as Symbolic};
use crate::symbolic::term::{Term, Terms};

/// One or two states, and what the instruction does to them.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Operands of the instruction, by name.
    pub operands: Vec<(String, u128)>,
    /// Values chosen for what the architecture leaves open.
    pub choices: Vec<u128>,
    /// The states before.
    pub before: Vec<State>,
    /// What happened to each.
    pub after: Vec<Outcome>,
    /// First real cell of the guest, where the second state is the image of the first.
    pub first: Option<u128>,
}

impl Witness {
    /// Plays the witness again.
    pub(crate) fn replay<'i>(&self, setting: Setting<'i>, class: &'i Class) -> Replay<'i> {
        let operands: Vec<u128> = self.operands.iter().map(|(_, v)| *v).collect();
        let choices = self.choices.clone();
        let first = self.first.unwrap_or(0);
        Replay::of(setting, class, (operands, choices), self.before.clone(), first)
    }

    /// What `refvmm eval` is to be asked to repeat each step; nothing where it has no way to say which values are
    /// chosen.
    pub(crate) fn requests(&self, isa: &Isa, class: &Class) -> Vec<String> {
        let open = match self.choices.as_slice() {
            [] => None,
            [first, rest @ ..] if rest.iter().all(|it| it == first) => Some(*first),
            _ => return Vec::new(),
        };
        // Numbers that JSON readers round are written as text.
        let number = |value: u128| match u32::try_from(value) {
            Ok(small) => Value::from(small),
            Err(_) => Value::from(value.to_string()),
        };
        let request = |state: &State| {
            let mut registers = Map::new();
            for (id, register) in isa.register_ids() {
                let values = state.registers[id.index()].iter().enumerate();
                let set: Map<String, Value> = values
                    .filter(|(_, value)| **value != 0)
                    .map(|(i, value)| (i.to_string(), number(*value)))
                    .collect();
                match (register.count, set.get("0")) {
                    (Some(_), _) if !set.is_empty() => {
                        registers.insert(register.name.clone(), set.into());
                    }
                    (None, Some(value)) => {
                        drop(registers.insert(register.name.clone(), value.clone()));
                    }
                    _ => {}
                }
            }
            let cells = state.storage.iter().filter(|(_, value)| **value != 0);
            let storage: Map<String, Value> =
                cells.map(|(cell, value)| (cell.to_string(), number(*value))).collect();
            let operands: Map<String, Value> =
                self.operands.iter().map(|(name, value)| (name.clone(), number(*value))).collect();
            let mut all =
                json!({"class": class.name, "operands": operands, "registers": registers});
            all["storage"] = storage.into();
            all["cells"] = number(state.cells);
            if let Some(open) = open {
                all["undefined"] = number(open);
            }
            all.to_string()
        };
        self.before.iter().map(request).collect()
    }
}

impl Witness {
    /// The same with the second state made equal to the first, one component of M and R after the other, where it still
    /// shows what it did.
    pub(crate) fn closer<'i>(
        mut self,
        setting: Setting<'i>,
        class: &'i Class,
        shows: impl Fn(&Replay<'i>) -> bool,
    ) -> Self {
        let [first, second] = self.before.as_slice() else { return self };
        for row in State::table(setting.isa, &[first, second]).iter().filter(|row| row.is_control())
        {
            if !row.differs() {
                continue;
            }
            let mut tried = self.clone();
            row.site.set(&mut tried.before[1], row.values[0].value);
            let replay = tried.replay(setting, class);
            if replay.admitted() && shows(&replay) {
                tried.after = replay.sides.iter().map(|s| s.outcome.clone()).collect();
                self = tried;
            }
        }
        self
    }
}

/// Reads the states of an obligation from a model and plays them.
pub(crate) fn read<'i>(
    problem: &Problem<'i>,
    setting: Setting<'i>,
    obligation: &Obligation,
    model: &Model,
) -> (Replay<'i>, Witness) {
    let terms = &problem.terms;
    let mut evaluator = Evaluator::new(terms, model);
    let operands: Vec<u128> = problem.operands.iter().map(|t| evaluator.value(*t)).collect();
    let choices: Vec<u128> = problem.choices.iter().map(|t| evaluator.value(*t)).collect();
    let first = obligation.first.map(|t| evaluator.value(t));
    let states =
        obligation.runs.iter().map(|run| concrete(problem.isa, &mut evaluator, model, &run.entry));
    let states: Vec<State> = states.collect();
    let class = problem.class;
    let open = (operands.clone(), choices.clone());
    let replay = Replay::of(setting, class, open, states, first.unwrap_or(0));
    let witness = Witness {
        operands: class.operands.iter().map(|o| o.name.clone()).zip(operands).collect(),
        choices,
        before: replay.sides.iter().map(|s| s.before.clone()).collect(),
        after: replay.sides.iter().map(|s| s.outcome.clone()).collect(),
        first,
    };
    (replay, witness)
}

/// The concrete state that a symbolic one is under a model.
pub(crate) fn concrete(
    isa: &Isa,
    evaluator: &mut Evaluator<'_>,
    model: &Model,
    entry: &Symbolic,
) -> State {
    let mut state = State::zero(isa, evaluator.value(entry.layout.cells));
    for (id, register) in isa.register_ids() {
        match &entry.registers[id.index()] {
            Register::Single(t) => state.set_element(id, 0, evaluator.value(*t)),
            Register::File(array, writes) => {
                for (i, value) in model.arrays.get(array).into_iter().flatten() {
                    state.set_element(id, *i, *value);
                }
                for write in writes {
                    if evaluator.value(write.guard) == 1 {
                        let (i, value) =
                            (evaluator.value(write.index), evaluator.value(write.value));
                        state.set_element(id, i, value);
                    }
                }
                debug_assert!(register.count.is_some());
            }
        }
    }
    let empty = BTreeMap::new();
    let mut taken: Vec<(u128, u128)> = Vec::new();
    for region in &entry.layout.regions {
        let (base, size) = (evaluator.value(region.base), evaluator.value(region.size));
        let cells = model.arrays.get(&region.array).unwrap_or(&empty);
        for (i, value) in cells.iter().filter(|(i, _)| **i < size) {
            let cell = base + i;
            if !taken.iter().any(|(b, s)| cell >= *b && cell - b < *s) {
                state.store(cell, *value);
            }
        }
        taken.push((base, size));
    }
    for (cell, value) in model.arrays.get(&entry.layout.rest).unwrap_or(&empty) {
        if !taken.iter().any(|(b, s)| cell >= b && cell - b < *s) {
            state.store(*cell, *value);
        }
    }
    for write in &entry.writes {
        if evaluator.value(write.guard) == 1 {
            let (cell, value) = (evaluator.value(write.index), evaluator.value(write.value));
            state.store(cell, value);
        }
    }
    state
}

/// What to make small in a witness, most important first: differences, then R, then the rest.
pub(crate) fn minimise(problem: &mut Problem<'_>, obligation: &Obligation) -> Vec<Term> {
    let mut differences = Vec::new();
    let mut values: Vec<(Role, Term)> = Vec::new();
    let isa = problem.isa;
    for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in &register.slices {
            let part = Part { register: id, low: slice.low, width: slice.width };
            let all: Vec<Term> = obligation
                .runs
                .iter()
                .map(|run: &Run| run.entry.part(&mut problem.terms, part))
                .collect();
            if let [a, b] = all[..] {
                let differ = problem.terms.ne(a, b);
                differences.push(differ);
            }
            values.extend(all.into_iter().map(|t| (slice.role, t)));
        }
    }
    let order = |role: Role| match role {
        Role::R => 0,
        Role::M => 1,
        Role::E => 2,
        Role::P => 3,
    };
    values.sort_by_key(|(role, _)| order(*role));
    let mut all = differences;
    all.extend(problem.operands.iter().chain(&problem.choices));
    all.extend(values.into_iter().map(|(_, t)| t));
    all.extend(obligation.first);
    all.extend(obligation.runs.iter().map(|run| run.entry.layout.cells));
    let open = |terms: &Terms, t: Term| terms.value(t).is_none();
    let mut seen = std::collections::HashSet::new();
    all.retain(|t| open(&problem.terms, *t) && seen.insert(*t));
    all
}

/// What an outcome is, in a word or two.
pub(crate) fn outcome_word(isa: &Isa, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Step(_) => "completes".into(),
        Outcome::Trap(id, _) => format!("traps ({})", isa.trap(*id).name),
        Outcome::Unpredictable => "unpredictable".into(),
        Outcome::Unknown => "unknown".into(),
    }
}

/// The instruction with its operands, by its syntax where it has one.
pub(crate) fn instance(class: &Class, operands: &[(String, u128)]) -> String {
    let value = |name: &str| {
        operands.iter().find(|(n, _)| n == name).map(|(_, v)| model::state::number(*v))
    };
    let Some(syntax) = &class.syntax else {
        let all: Vec<String> =
            operands.iter().map(|(n, v)| format!("{n} = {}", model::state::number(*v))).collect();
        return if all.is_empty() {
            class.name.clone()
        } else {
            format!("{} ({})", class.name, all.join(", "))
        };
    };
    let mut text = String::new();
    let mut word = String::new();
    let mut first = true;
    for c in syntax.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' || c == '.' {
            word.push(c);
            continue;
        }
        let shown = if first { None } else { value(&word) };
        text.push_str(&shown.unwrap_or_else(|| word.clone()));
        first &= word.is_empty();
        word.clear();
        text.push(c);
    }
    text.trim_end().to_owned()
}

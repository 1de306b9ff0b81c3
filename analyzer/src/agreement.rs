//! The law of the two evaluators: symbolic execution under a model of a state gives what the
//! interpreter gives on that state. They are separate code; this module only compares them.

use model::interp::{self, Outcome};
use model::isa::{Class, Isa, Part};
use model::state::State;

use crate::prove::problem::{Problem, Storage};
use crate::symbolic::execute;
use crate::symbolic::facts::Facts;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::state::{Register, State as Symbolic};
use crate::symbolic::term::{Term, Terms};

/// Runs an instruction both ways on one state. The error says where they differ.
pub fn evaluators_agree(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    choices: &[u128],
    state: &State,
) -> Result<(), String> {
    let mut problem = Problem::new(isa, class, Terms::default());
    let array = problem.array();
    let entry = problem.fresh();
    let run = problem.run(entry, Storage::Flat(array));
    let model = model_of(&mut problem, &run.entry, operands, choices, state);
    let concrete = interp::step(isa, class, operands, state, &|id| choices[id.index()]);

    let transition = &run.transition;
    let taken =
        |problem: &Problem<'_>, t: Term| Evaluator::new(&problem.terms, &model).value(t) == 1;
    let trap = transition.traps.iter().find(|exit| taken(&problem, exit.when));
    match (&concrete, trap) {
        (Outcome::Step(after), None) if taken(&problem, transition.completes) => {
            same(&mut problem, &model, &transition.after, after)
        }
        (Outcome::Trap(id, after), Some(exit)) if exit.trap == *id => {
            let (symbolic, strange) =
                execute::after_trap(isa, &mut problem.terms, exit, &Facts::default());
            if taken(&problem, strange) {
                return Err(format!(
                    "{}: the trap sequence is unpredictable symbolically",
                    class.name
                ));
            }
            same(&mut problem, &model, &symbolic, after)
        }
        (Outcome::Unpredictable, None) if taken(&problem, transition.unpredictable) => Ok(()),
        // An unpredictable trap sequence: the interpreter has no state to compare.
        (Outcome::Unpredictable, Some(_)) => Ok(()),
        (Outcome::Unknown, None) if taken(&problem, transition.unknown) => Ok(()),
        (concrete, trap) => {
            let trap = trap.map(|exit| isa.trap(exit.trap).name.as_str());
            let concrete = crate::prove::witness::outcome_word(isa, concrete);
            Err(format!(
                "{}: concretely it {concrete}, symbolically the trap is {trap:?}",
                class.name
            ))
        }
    }
    .map_err(|why| format!("{why} (operands {operands:?})"))
}

/// The model in which the symbolic entry state is the concrete one.
fn model_of(
    problem: &mut Problem<'_>,
    entry: &Symbolic,
    operands: &[u128],
    choices: &[u128],
    state: &State,
) -> Model {
    let mut model = Model::default();
    let mut set = |t: Term, value: u128| {
        model.variables.insert(t, value);
    };
    problem.operands.iter().zip(operands).for_each(|(t, v)| set(*t, *v));
    problem.choices.iter().zip(choices).for_each(|(t, v)| set(*t, *v));
    let narrow = problem.terms.children(problem.cells)[0];
    set(narrow, state.cells);
    let mut arrays = vec![(entry.layout.rest, state.storage.clone())];
    for (id, register) in problem.isa.register_ids() {
        let values = &state.registers[id.index()];
        match &entry.registers[id.index()] {
            Register::File(array, _) => {
                arrays.push((
                    *array,
                    values.iter().enumerate().map(|(i, v)| (i as u128, *v)).collect(),
                ));
            }
            Register::Single(_) => {
                for slice in &register.slices {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let variable = entry.part(&mut problem.terms, part);
                    set(variable, state.part(part));
                }
            }
        }
    }
    model.arrays.extend(arrays);
    model
}

/// Compares all registers, and the cells that either side can have written.
fn same(
    problem: &mut Problem<'_>,
    model: &Model,
    symbolic: &Symbolic,
    concrete: &State,
) -> Result<(), String> {
    let isa = problem.isa;
    let mut expected = Vec::new();
    for (id, register) in isa.register_ids() {
        for i in 0..register.len() {
            let index =
                problem.terms.constant(i as u128, model::bits::bits_for(register.len() as u128));
            let t = symbolic.element(&mut problem.terms, isa, id, index);
            expected.push((format!("{}[{i}]", register.name), t, concrete.element(id, i as u128)));
        }
    }
    let mut evaluator = Evaluator::new(&problem.terms, model);
    let written = symbolic.writes.iter().filter(|w| evaluator.value(w.guard) == 1).map(|w| w.index);
    let written: Vec<Term> = written.collect();
    let mut cells: Vec<u128> = written.into_iter().map(|index| evaluator.value(index)).collect();
    cells.extend(concrete.storage.keys());
    for cell in cells {
        let index = problem.terms.constant(cell, isa.address_width());
        let t = symbolic.load(&mut problem.terms, &Facts::default(), index);
        expected.push((format!("cell {cell:#x}"), t, concrete.load(cell)));
    }
    let mut evaluator = Evaluator::new(&problem.terms, model);
    for (name, t, value) in expected {
        let found = evaluator.value(t);
        if found != value {
            let class = &problem.class.name;
            return Err(format!(
                "{class}: {name} is {value:#x} concretely, {found:#x} symbolically"
            ));
        }
    }
    Ok(())
}

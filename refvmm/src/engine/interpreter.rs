//! The oracle: the model's interpreter, one instruction at a time.

use std::cell::Cell;
use std::sync::Arc;

use model::interp::{self, Access, Fetched, Outcome, Place};
use model::isa::Class;
use model::state::State;

use super::{Engine, OnTrap, Raised, Stop, Why, instruction};
use crate::cpu::Cpu;
use crate::layout::MachineLayout;

/// Runs everything through [`model::interp`], the definition of meaning. Slow.
#[derive(Debug)]
pub struct Interpreter {
    layout: Arc<MachineLayout>,
}

/// What the instruction at P comes to.
enum Step {
    Done(State),
    Trap(interp::Raised),
    Stop(Why),
}

impl Interpreter {
    /// An interpreter of a machine.
    pub fn new(layout: &Arc<MachineLayout>) -> Self {
        Self { layout: Arc::clone(layout) }
    }

    fn halted(&self, state: &State) -> bool {
        self.layout.isa.halted.as_ref().is_some_and(|e| interp::value(e, state).is_true())
    }

    /// The class and operands of the instruction at P.
    fn fetch(&self, state: &State) -> Result<(&Class, Vec<u128>), Step> {
        let isa = &self.layout.isa;
        let decoded = instruction(isa, |fetch| match interp::fetch(fetch, state) {
            Fetched::Word(word) => Ok(word),
            Fetched::Trap(raised) => Err(Step::Trap(raised)),
            Fetched::Unpredictable => Err(Step::Stop(Why::Unpredictable)),
            Fetched::Unknown => Err(Step::Stop(Why::Unknown)),
        })?;
        match decoded {
            Some(decoded) => Ok((&isa.classes[decoded.class], decoded.operands)),
            None => {
                self.layout.unlisted.as_ref().map(|c| (c, vec![])).ok_or(Step::Stop(Why::Unknown))
            }
        }
    }

    fn step(&self, state: &State, output: &mut Vec<u64>) -> Step {
        let isa = &self.layout.isa;
        let (class, operands) = match self.fetch(state) {
            Ok(found) => found,
            Err(step) => return step,
        };
        let written = Cell::new(false);
        let observer = |access| {
            if let Access::Write(Place::Register(id, i)) = access
                && self.layout.console.is_some()
                && self.layout.slot(id, i) == self.layout.console
            {
                written.set(true);
            }
        };
        match interp::observed_step(isa, class, &operands, state, &|_| 0, &observer) {
            Outcome::Step(after) => {
                let console = self.layout.console.filter(|_| written.get());
                let value = console.and_then(|slot| after.registers.iter().flatten().nth(slot));
                output.extend(value.map(|v| *v as u64));
                Step::Done(after)
            }
            Outcome::Trap(..) => interp::raises(isa, class, &operands, state, &|_| 0)
                .map_or(Step::Stop(Why::Unknown), Step::Trap),
            Outcome::Unpredictable => Step::Stop(Why::Unpredictable),
            Outcome::Unknown => Step::Stop(Why::Unknown),
        }
    }

    /// What a trap that is handed over leaves behind, and what is told of it.
    fn hand_over(&self, before: &State, raised: interp::Raised) -> (State, Why) {
        let argument = raised.argument.unwrap_or(0) as u64;
        let mut kept = raised.state.clone();
        let mut back = raised.state;
        for bits in &self.layout.counter {
            // Registers of P are in the same place in both states.
            let place = |s: &State| s.registers.iter().flatten().nth(bits.slot).copied();
            let old = place(before).unwrap_or(0) & u128::from(bits.mask);
            if let Some(value) = back.registers.iter_mut().flatten().nth(bits.slot) {
                *value = *value & !u128::from(bits.mask) | old;
            }
        }
        let committed = back != *before;
        if !committed {
            kept = back;
        }
        (kept, Why::Trap(Raised { trap: raised.trap, argument, committed }))
    }
}

impl Engine for Interpreter {
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop {
        let mut state = cpu.state(&self.layout);
        let mut steps = 0;
        let why = loop {
            if self.halted(&state) {
                break Why::Halted;
            }
            if steps == fuel {
                break Why::Fuel;
            }
            match self.step(&state, &mut cpu.output) {
                Step::Done(after) => state = after,
                Step::Stop(why) => break why,
                Step::Trap(raised) if on_trap == OnTrap::HandOver => {
                    let (kept, why) = self.hand_over(&state, raised);
                    state = kept;
                    break why;
                }
                Step::Trap(raised) => {
                    let (trap, argument) = (raised.trap, raised.argument);
                    match interp::take_trap(&self.layout.isa, trap, argument, raised.state) {
                        Outcome::Trap(_, after) => state = after,
                        Outcome::Unknown => break Why::Unknown,
                        Outcome::Step(_) | Outcome::Unpredictable => break Why::Unpredictable,
                    }
                    cpu.taken[trap.index()] += 1;
                }
            }
            steps += 1;
        };
        cpu.set_state(&state);
        Stop { steps, why }
    }
}

//! One instruction, by routines: fetched, decoded, and run by that of its class.

use model::isa::TrapId;

use super::routines::STAMP;
use super::run::{self, Exit, Left, Run};
use super::{Dispatch, Going, dispatch};
use crate::engine::{OnTrap, Raised, Why, walk};

/// How an instruction went that was not completed by routines.
enum Stopped {
    /// Its fetch trapped, and the sequence was run.
    Taken,
    /// It did not count.
    Why(Why),
    /// It is to be walked.
    Walk,
}

impl Going<'_> {
    /// Runs the instruction at P.
    pub(super) fn step(&mut self) -> Result<(), Why> {
        self.cache.prepare(self.cpu);
        self.cache.routines.prepare(self.cpu);
        match self.fetch() {
            Ok(class) => self.execute(class)?,
            Err(Stopped::Taken) => {}
            Err(Stopped::Why(why)) => return Err(why),
            Err(Stopped::Walk) => {
                let done = walk::step_noting(self.layout, self.cpu, self.on_trap, self.stored);
                self.forget_stored();
                done?;
            }
        }
        self.left -= 1;
        Ok(())
    }

    /// Fetches and decodes the instruction at P.
    fn fetch(&mut self) -> Result<Option<usize>, Stopped> {
        let (layout, mut operands) = (self.layout, std::mem::take(self.operands));
        let class = layout.decoder.instruction(&layout.isa, &mut operands, |length| {
            let routine = self.cache.routines.fetch(length, self.cpu).ok_or(Stopped::Walk)?;
            let words = layout.isa.fetches[length].word.width.div_ceil(64);
            let first = usize::from(self.cache.routines.operands);
            let fetched = first + words as usize;
            self.make_room();
            self.cpu.registers[fetched] = 0;
            self.launch(routine)?;
            let registers = &self.cpu.registers;
            if registers[fetched] == 0 {
                return Err(Stopped::Taken);
            }
            let high = if words > 1 { u128::from(registers[first + 1]) << 64 } else { 0 };
            Ok(high | u128::from(registers[first]))
        });
        *self.operands = operands;
        class
    }

    /// Runs an instruction that was fetched.
    fn execute(&mut self, class: Option<usize>) -> Result<(), Why> {
        let operands = std::mem::take(self.operands);
        let done = match self.cache.routines.find(class, &operands, self.cpu) {
            Some(routine) => {
                self.make_room();
                let first = usize::from(self.cache.routines.operands);
                for (slot, value) in self.cpu.registers[first..].iter_mut().zip(&operands) {
                    *slot = *value as u64;
                }
                self.print(routine)
            }
            None => Err(Stopped::Walk),
        };
        let done = match done {
            Ok(()) | Err(Stopped::Taken) => Ok(()),
            Err(Stopped::Why(why)) => Err(why),
            Err(Stopped::Walk) => self.walk_decoded(class, &operands),
        };
        *self.operands = operands;
        done
    }

    /// Runs a routine that may write the console.
    fn print(&mut self, routine: u32) -> Result<(), Stopped> {
        let Some(console) = self.layout.console else { return self.launch(routine) };
        let told = usize::from(self.cache.routines.told());
        if let Some(told) = self.cpu.registers.get_mut(told) {
            *told = 0;
        }
        let taken = self.launch(routine);
        if self.cpu.registers.get(told) == Some(&1) && taken.is_ok() {
            self.cpu.output.push(self.cpu.registers[console]);
        }
        taken
    }

    /// Walks an instruction whose class is known.
    pub(super) fn walk_decoded(
        &mut self,
        class: Option<usize>,
        operands: &[u128],
    ) -> Result<(), Why> {
        let class = match class {
            Some(class) => &self.layout.isa.classes[class],
            None => self.layout.unlisted.as_ref().ok_or(Why::Unknown)?,
        };
        let (on_trap, stored) = (self.on_trap, &mut *self.stored);
        let done = walk::execute_noting(self.layout, self.cpu, class, operands, on_trap, stored);
        self.forget_stored();
        done
    }

    fn make_room(&mut self) {
        let frame = self.cache.routines.program.frame();
        if self.cpu.registers.len() < frame {
            self.cpu.registers.resize(frame, 0);
        }
    }

    /// Runs a routine.
    fn launch(&mut self, first: u32) -> Result<(), Stopped> {
        let routines = &self.cache.routines;
        let mut run = Run {
            frame: &mut self.cpu.registers,
            storage: &mut self.cpu.storage,
            marks: &self.cache.marks,
            program: &routines.program,
            stamp: STAMP,
            counter: self.cache.counter,
            hand_over: self.on_trap == OnTrap::HandOver,
            taken: &mut self.cpu.taken,
            mode: None,
            context: 0,
            contexts: std::slice::from_ref(routines.context()),
            bits: &[],
            table: &self.cache.table,
        };
        // Links are looked at only as long as there is a budget.
        let Left { exit, op, .. } = match self.dispatch {
            Dispatch::Loop => run::run(&mut run, first, 0),
            Dispatch::Threads => dispatch::run(&mut run, first, 0),
        };
        match exit {
            Exit::Unlinked | Exit::Leap | Exit::Turn => Ok(()),
            Exit::Walk => Err(Stopped::Walk),
            Exit::Trap => {
                let it = routines.program.ops()[op];
                let argument = self.cpu.registers[usize::from(it.a)];
                let raised = Raised { trap: TrapId(it.k as u32), argument, committed: false };
                Err(Stopped::Why(Why::Trap(raised)))
            }
        }
    }
}

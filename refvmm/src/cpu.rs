//! The real machine's state: registers in slots, storage as one stretch of cells.

use std::ops::Range;

use model::isa::Expr;
use model::state::State;

use crate::engine::walk;
use crate::layout::MachineLayout;

/// Registers, storage and what the machine did so far.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// The registers, by slot.
    pub registers: Vec<u64>,
    /// The cells of the whole installation.
    pub(crate) storage: Vec<u64>,
    /// The cells that are physical storage to the machine that runs: its cell 0 is the first.
    /// All of them on the bare machine, a partition while a virtual machine is interpreted.
    pub(crate) window: Range<usize>,
    /// Traps taken, by [`model::isa::TrapId`].
    pub taken: Vec<u64>,
    /// What was written to the console and not fetched yet.
    pub output: Vec<u64>,
}

impl Cpu {
    /// All zero, with a number of cells.
    pub fn new(layout: &MachineLayout, cells: usize) -> Self {
        Self {
            registers: vec![0; layout.slots],
            storage: vec![0; cells],
            window: 0..cells,
            taken: vec![0; layout.isa.traps.len()],
            output: Vec::new(),
        }
    }

    /// Number of physical cells of the machine that runs.
    pub fn cells(&self) -> u64 {
        self.window.len() as u64
    }

    /// A physical cell; past the end of storage 0.
    pub fn load(&self, cell: u64) -> u64 {
        self.place(cell).map_or(0, |i| self.storage[i])
    }

    /// The physical cells.
    pub fn contents(&self) -> &[u64] {
        &self.storage[self.window.clone()]
    }

    /// The physical cells, to be changed from outside: the engine is to be told to forget them.
    pub fn contents_mut(&mut self) -> &mut [u64] {
        &mut self.storage[self.window.clone()]
    }

    /// The value of an expression over the state.
    pub fn value(&mut self, layout: &MachineLayout, e: &Expr) -> u128 {
        walk::value(layout, self, e)
    }

    /// The window E|r: first physical cell and number of cells.
    pub fn mapped(&mut self, layout: &MachineLayout) -> (u128, u128) {
        match &layout.isa.window {
            Some(it) => (self.value(layout, &it.base), self.value(layout, &it.size)),
            None => (0, u128::from(self.cells())),
        }
    }

    /// Where a physical cell stands in the installation.
    pub(crate) fn place(&self, cell: u64) -> Option<usize> {
        (cell < self.cells()).then(|| self.window.start + cell as usize)
    }

    /// The state as the model's interpreter takes it.
    pub fn state(&self, layout: &MachineLayout) -> State {
        let mut state = State::zero(&layout.isa, u128::from(self.cells()));
        let mut slots = self.registers.iter();
        for register in &mut state.registers {
            for (place, value) in register.iter_mut().zip(&mut slots) {
                *place = u128::from(*value);
            }
        }
        for (cell, value) in (0..).zip(self.contents()) {
            if *value != 0 {
                state.storage.insert(cell, u128::from(*value));
            }
        }
        state
    }

    /// Takes over a state of the same number of cells.
    pub fn set_state(&mut self, state: &State) {
        let values = state.registers.iter().flatten();
        for (slot, value) in self.registers.iter_mut().zip(values) {
            *slot = *value as u64;
        }
        let cells = self.contents_mut();
        cells.fill(0);
        for (cell, value) in &state.storage {
            cells[*cell as usize] = *value as u64;
        }
    }
}

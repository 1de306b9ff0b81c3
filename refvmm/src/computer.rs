//! A machine with everything between it and its guests: as many control programs as are asked for,
//! one on the other, and the guests of the last one side by side.

use std::sync::Arc;

use model::isa::Pair;
use model::map::Partition;
use model::state::State;

use crate::classification::Classification;
use crate::engine::{Engine, Interpreter, OnTrap, Stop, Threaded, Walk, Why};
use crate::layout::{MAX_CELLS, MachineLayout};
use crate::machine::{self, Bare, Machine};
use crate::vmm::{Counts, Kind, Vmm};

/// How guests are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// What runs the instructions.
    pub engine: EngineKind,
    /// The control program; none for the bare machine.
    pub monitor: Option<Kind>,
    /// How many control programs, one on the other.
    pub depth: usize,
    /// How many guests share the last one.
    pub guests: usize,
    /// Cells of each guest.
    pub cells: u64,
}

/// An engine by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineKind {
    /// [`Threaded`].
    #[default]
    Threaded,
    /// [`Walk`].
    Walk,
    /// [`Interpreter`].
    Interpreter,
}

impl EngineKind {
    /// All engines, the fastest first.
    pub const ALL: [Self; 3] = [Self::Threaded, Self::Walk, Self::Interpreter];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Threaded => "threaded",
            Self::Walk => "walk",
            Self::Interpreter => "interpreter",
        }
    }

    /// The engine.
    pub fn engine(self, layout: &Arc<MachineLayout>) -> Box<dyn Engine> {
        match self {
            Self::Threaded => Box::new(Threaded::new(layout)),
            Self::Walk => Box::new(Walk::new(layout)),
            Self::Interpreter => Box::new(Interpreter::new(layout)),
        }
    }
}

/// What lets a control program be constructed.
#[derive(Debug, Clone, Copy)]
pub enum Authorization<'a> {
    /// The theorem holds.
    Known(&'a Classification),
    /// Nothing does: its guests may notice that they run under one.
    Unchecked(&'a Pair),
}

/// A machine and its guests.
pub struct Computer {
    top: Top,
    guests: Vec<Progress>,
    current: usize,
}

enum Top {
    Bare(Bare),
    Monitored(Box<Vmm<Box<dyn Machine>>>),
}

/// How far a guest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Instructions.
    pub steps: u64,
    /// Why it stopped; [`Why::Fuel`] while it can go on.
    pub why: Why,
}

impl Setup {
    /// One guest on the bare machine.
    pub fn bare(engine: EngineKind, cells: u64) -> Self {
        Self { engine, monitor: None, depth: 0, guests: 1, cells }
    }

    /// Cells that each control program keeps for itself.
    pub fn reserve(layout: &MachineLayout) -> u128 {
        layout.isa.least_cells().next_power_of_two()
    }

    /// Cells of a guest where nobody says how many.
    pub fn default_cells(layout: &MachineLayout) -> u64 {
        (layout.isa.storage.cells / 4).clamp(layout.isa.least_cells(), 1 << 14) as u64
    }

    /// Builds the machine. Its guests are cleared: they want [`Computer::boot`].
    pub fn build(
        &self,
        layout: &Arc<MachineLayout>,
        grounds: Authorization<'_>,
    ) -> Result<Computer, String> {
        let isa = &layout.isa;
        let k = Self::reserve(layout);
        let depth = if self.monitor.is_some() { self.depth.max(1) } else { 0 };
        if self.guests == 0 || self.monitor.is_none() && self.guests > 1 {
            return Err("a bare machine has one guest, a control program one or more".into());
        }
        let cells = u128::from(self.cells) * self.guests as u128 + k * depth as u128;
        let most = isa.storage.cells.min(u128::from(MAX_CELLS));
        if cells > most || u128::from(self.cells) < isa.least_cells() {
            return Err(format!(
                "{} cells for each guest come to {cells} in all; `{}` has {} to {most}",
                self.cells,
                isa.name,
                isa.least_cells(),
            ));
        }
        let bare = Bare::new(layout, cells as usize, self.engine.engine(layout));
        let guests = vec![Progress { steps: 0, why: Why::Fuel }; self.guests];
        let Some(kind) = self.monitor else {
            return Ok(Computer { top: Top::Bare(bare), guests, current: 0 });
        };
        let construct = |machine: Box<dyn Machine>, partitions: &[Partition]| match grounds {
            Authorization::Known(known) => Vmm::construct(machine, kind, known, partitions),
            Authorization::Unchecked(pair) => Vmm::anyway(machine, kind, pair, partitions),
        };
        let mut below: Box<dyn Machine> = Box::new(bare);
        for level in 1..depth as u128 {
            let all = Partition { first: k, cells: cells - k * level };
            below = Box::new(construct(below, &[all])?);
        }
        let size = u128::from(self.cells);
        let partition = |i: usize| Partition { first: k + size * i as u128, cells: size };
        let partitions: Vec<Partition> = (0..self.guests).map(partition).collect();
        let top = Top::Monitored(Box::new(construct(below, &partitions)?));
        Ok(Computer { top, guests, current: 0 })
    }
}

impl Computer {
    /// The machine that the current guest runs on.
    pub fn machine(&mut self) -> &mut dyn Machine {
        match &mut self.top {
            Top::Bare(bare) => bare,
            Top::Monitored(vmm) => vmm.as_mut(),
        }
    }

    /// The guest that ran last.
    pub fn current(&self) -> usize {
        self.current
    }

    /// Makes another guest the current one.
    pub fn switch(&mut self, guest: usize) {
        if let Top::Monitored(vmm) = &mut self.top
            && guest != self.current
        {
            vmm.switch(guest);
            self.current = guest;
        }
    }

    /// Loads a program into every guest and resets it.
    pub fn boot(&mut self, image: &[(u128, u128)]) {
        for guest in 0..self.guests.len() {
            self.switch(guest);
            machine::boot(self.machine(), image.iter().copied());
            self.guests[guest] = Progress { steps: 0, why: Why::Fuel };
        }
        self.switch(0);
    }

    /// Lets the guests run, each at most `limit` instructions from its start, in turns of
    /// `quantum`; at most `turns` turns. True when no guest can go on.
    pub fn run(&mut self, limit: u64, quantum: u64, turns: u64) -> bool {
        for _ in 0..turns {
            let waiting = |p: &Progress| p.why == Why::Fuel && p.steps < limit;
            let others = (1..=self.guests.len()).map(|i| (self.current + i) % self.guests.len());
            let Some(next) = others.into_iter().find(|i| waiting(&self.guests[*i])) else {
                return true;
            };
            self.switch(next);
            let fuel = quantum.min(limit - self.guests[next].steps);
            self.advance(fuel);
        }
        self.guests.iter().all(|p| p.why != Why::Fuel || p.steps >= limit)
    }

    /// Lets the current guest run.
    pub fn advance(&mut self, fuel: u64) -> Stop {
        let stop = self.machine().run(fuel, OnTrap::Deliver);
        let progress = &mut self.guests[self.current];
        progress.steps += stop.steps;
        progress.why = stop.why;
        stop
    }

    /// How far the guests have come.
    pub fn progress(&self) -> &[Progress] {
        &self.guests
    }

    /// The state of the current guest.
    pub fn state(&mut self) -> State {
        machine::state(self.machine())
    }

    /// The state of the real machine underneath.
    pub fn installation(&mut self) -> State {
        let layout = Arc::clone(self.machine().layout());
        self.machine().hardware().cpu.state(&layout)
    }

    /// Puts the current guest into a state.
    pub fn set_state(&mut self, state: &State) {
        machine::set_state(self.machine(), state);
        self.guests[self.current].why = Why::Fuel;
    }

    /// Sets P of the current guest; an error where P is not one number.
    pub fn start_at(&mut self, address: u128) -> Result<(), String> {
        let layout = Arc::clone(self.machine().layout());
        let [counter] = layout.counter[..] else {
            return Err(format!("P of `{}` is not one number", layout.isa.name));
        };
        machine::inside(self.machine(), |hardware| {
            counter.set(&mut hardware.cpu.registers, address as u64);
        });
        Ok(())
    }

    /// Puts the current guest where another left off: as [`Computer::set_state`], with what it
    /// did so far.
    pub fn resume(&mut self, state: &State, steps: u64, taken: &[u64], output: &[u64]) {
        self.set_state(state);
        self.guests[self.current].steps = steps;
        machine::inside(self.machine(), |hardware| {
            hardware.cpu.taken.copy_from_slice(taken);
            hardware.cpu.output = output.to_vec();
        });
    }

    /// What became of the current guest's instructions: on its own control program first, then on
    /// those below it.
    pub fn counts(&self) -> Vec<Counts> {
        let mut all = Vec::new();
        let mut next: Option<&dyn Machine> = match &self.top {
            Top::Bare(bare) => Some(bare),
            Top::Monitored(vmm) => Some(vmm.as_ref()),
        };
        while let Some(machine) = next {
            all.extend(machine.tally().cloned());
            next = machine.underneath();
        }
        all
    }
}

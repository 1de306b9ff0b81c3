//! One-step cases in batches: one seed makes a stock of programs, register files and PSWs, and
//! every combination of them is a case. Two machines serve for all.

use model::map::Partition;
use model::state::State;
use refvmm::engine::{OnTrap, Stop};
use refvmm::machine::{self, Bare, Machine, inside};
use refvmm::vmm::{Kind, Vmm};

use super::guests::Guest;
use super::tower::MakeEngine;
use super::world::World;
use crate::Stream;

/// Guests in the stock of one seed.
const STOCK: u64 = 32;

/// A bare machine and a virtual one of the same size.
pub struct Batch<'w> {
    world: &'w World,
    spare: u64,
    /// Cells of the longest instruction.
    longest: usize,
    real: Bare,
    guest: Vmm<Bare>,
}

/// Registers and cells of a guest.
struct Plan {
    registers: Vec<u64>,
    cells: Vec<u64>,
    /// Where the instruction at P stands.
    place: u64,
}

impl<'w> Batch<'w> {
    /// Machines for guests with a number of cells beyond the trap cells.
    pub fn new(
        world: &'w World,
        kind: Kind,
        engine: MakeEngine,
        spare: u64,
    ) -> Result<Self, String> {
        let least = world.shape.isa.least_cells() as u64;
        let (first, cells) = (u128::from(least) + 1, u128::from(least + spare));
        let bare = |cells: u128| Bare::new(&world.shape, cells as usize, engine(&world.shape));
        let partition = [Partition { first, cells }];
        let guest = Vmm::construct(bare(first + cells + 1), kind, &world.known, &partition)?;
        let longest = world.shape.isa.fetches.last().map_or(1, |fetch| fetch.length as usize);
        Ok(Self { world, spare, longest, real: bare(cells), guest })
    }

    /// Runs a number of cases from one seed; an error names the case.
    pub fn run(&mut self, seed: u64, cases: u64) -> Result<(), String> {
        let mut stream = Stream::new(seed);
        let stock: Vec<Plan> = (0..STOCK).filter_map(|_| self.plan(&mut stream)).collect();
        let Some(first) = stock.first() else { return Ok(()) };
        let mut registers = first.registers.clone();
        let mut cells = first.cells.clone();
        for case in 0..cases {
            let dice = stream.bits();
            let pick = |n: u64| &stock[((dice >> (8 * n) & 0xff) as usize) % stock.len()];
            let (psw, general, program) = (pick(0), pick(1), pick(2));
            registers.copy_from_slice(&psw.registers);
            for bits in &self.world.general {
                let (old, new) = (registers[bits.slot], general.registers[bits.slot]);
                registers[bits.slot] = old & !bits.mask | new & bits.mask;
            }
            cells.copy_from_slice(&general.cells);
            // The program's instruction comes to stand where the PSW's P is.
            let (from, to) = (program.place as usize, psw.place as usize);
            let length = self.longest.min(cells.len() - from.max(to));
            cells[to..to + length].copy_from_slice(&program.cells[from..from + length]);
            self.step(&registers, &cells).map_err(|e| format!("seed {seed}, case {case}: {e}"))?;
        }
        Ok(())
    }

    /// One instruction from a guest's state.
    pub fn check(&mut self, guest: &Guest) -> Result<(), String> {
        let plan = self.fitting(guest);
        match plan {
            Some(plan) => self.step(&plan.registers, &plan.cells),
            None => Ok(()),
        }
    }

    fn plan(&self, stream: &mut Stream) -> Option<Plan> {
        let guest = Guest::random(self.world, stream);
        self.fitting(&guest)
    }

    /// A guest's registers and cells, if it keeps what is assumed of guests.
    fn fitting(&self, guest: &Guest) -> Option<Plan> {
        let state = Guest { spare: self.spare, ..guest.clone() }.state(self.world);
        self.world.promised(&state).then(|| self.lay(&state))
    }

    fn lay(&self, state: &State) -> Plan {
        let registers: Vec<u64> = state.registers.iter().flatten().map(|v| *v as u64).collect();
        let cells = (0..state.cells).map(|cell| state.load(cell) as u64).collect();
        let (base, _) = model::map::window(&self.world.shape.isa, state);
        let counter = self.world.shape.counter.first().map_or(0, |bits| bits.get(&registers));
        let place = (base as u64).wrapping_add(counter).min(state.cells as u64);
        Plan { registers, cells, place }
    }

    /// i(S) on the bare machine and on the virtual one.
    fn step(&mut self, registers: &[u64], cells: &[u64]) -> Result<(), String> {
        let a = one(&mut self.real, registers, cells);
        let b = one(&mut self.guest, registers, cells);
        let mut same = a == b;
        let real = &self.real.hardware().cpu;
        inside(&mut self.guest, |it| {
            same &= it.cpu.registers == real.registers;
            same &= it.cpu.contents() == real.contents();
        });
        if same {
            return Ok(());
        }
        let states = [machine::state(&mut self.real), machine::state(&mut self.guest)];
        let rows = State::table(&self.world.shape.isa, &[&states[0], &states[1]]);
        let names: Vec<_> = rows.iter().filter(|r| r.differs()).map(|r| r.name.clone()).collect();
        Err(format!("{a:?} on the bare machine, {b:?} on the virtual; {names:?} differ"))
    }
}

/// One instruction from some registers and cells.
fn one<M: Machine>(machine: &mut M, registers: &[u64], cells: &[u64]) -> Stop {
    inside(machine, |it| {
        it.cpu.registers.copy_from_slice(registers);
        it.cpu.contents_mut().copy_from_slice(cells);
        it.engine.forget();
    });
    machine.run(1, OnTrap::Deliver)
}

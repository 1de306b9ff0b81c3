//! One-step cases in batches: one seed makes a stock of programs, register files and PSWs, and
//! every combination of them is a case. Two machines serve for all.

use model::map::Partition;
use model::state::State;
use refvmm::cpu::Cpu;
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
    /// A guest's registers and cells.
    laid: Cpu,
    /// By slot, the bits that come from a register file, not from a PSW.
    general: Vec<u64>,
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
        let least = world.layout.isa.least_cells() as u64;
        let (first, cells) = (u128::from(least) + 1, u128::from(least + spare));
        let bare = |cells: u128| Bare::new(&world.layout, cells as usize, engine(&world.layout));
        let partition = [Partition { first, cells }];
        let guest = Vmm::construct(bare(first + cells + 1), kind, &world.known, &partition)?;
        let longest = world.layout.isa.fetches.last().map_or(1, |fetch| fetch.length as usize);
        let laid = Cpu::new(&world.layout, cells as usize);
        let mut general = vec![0; world.layout.slots];
        for bits in &world.general {
            general[bits.slot] |= bits.mask;
        }
        Ok(Self { world, laid, general, longest, real: bare(cells), guest })
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
            let parts = psw.registers.iter().zip(&general.registers).zip(&self.general);
            for (register, ((psw, general), bits)) in registers.iter_mut().zip(parts) {
                *register = psw & !bits | general & bits;
            }
            cells.copy_from_slice(&general.cells);
            // The program's instruction comes to stand where the PSW's P is.
            let (from, to) = (program.place as usize, psw.place as usize);
            let length = self.longest.min(cells.len() - from.max(to));
            cells[to..to + length].copy_from_slice(&program.cells[from..from + length]);
            let result = step(&mut self.real, &mut self.guest, &registers, &cells);
            result.map_err(|e| format!("seed {seed}, case {case}: {e}"))?;
        }
        Ok(())
    }

    /// One instruction from a guest's state.
    pub fn check(&mut self, guest: &Guest) -> Result<(), String> {
        if !self.lay(guest) {
            return Ok(());
        }
        let (real, guest) = (&mut self.real, &mut self.guest);
        step(real, guest, &self.laid.registers, self.laid.contents())
    }

    /// Makes a guest's registers and cells; false if it does not keep what is assumed of guests.
    fn lay(&mut self, guest: &Guest) -> bool {
        guest.lay(self.world, &mut self.laid);
        self.world.is_promised(&mut self.laid)
    }

    fn plan(&mut self, stream: &mut Stream) -> Option<Plan> {
        let guest = Guest::random(self.world, stream);
        if !self.lay(&guest) {
            return None;
        }
        let (base, _) = self.laid.mapped(&self.world.layout);
        let (registers, cells) = (self.laid.registers.clone(), self.laid.contents().to_vec());
        let counter = self.world.layout.counter.first().map_or(0, |bits| bits.get(&registers));
        let place = (base as u64).wrapping_add(counter).min(cells.len() as u64);
        Some(Plan { registers, cells, place })
    }
}

/// i(S) on the bare machine and on the virtual one.
fn step(
    real: &mut Bare,
    guest: &mut Vmm<Bare>,
    registers: &[u64],
    cells: &[u64],
) -> Result<(), String> {
    let a = one(real, registers, cells);
    let b = one(guest, registers, cells);
    if a == b && machine::same_state(real, guest) {
        return Ok(());
    }
    let states = [machine::state(real), machine::state(guest)];
    let rows = State::table(&real.layout().isa, &[&states[0], &states[1]]);
    let names: Vec<_> = rows.iter().filter(|r| r.differs()).map(|r| r.name.clone()).collect();
    Err(format!("{a:?} on the bare machine, {b:?} on the virtual; {names:?} differ"))
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

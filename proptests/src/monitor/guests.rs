//! Random guests: a machine state with a program, from choices that are aware of opcodes and edges.
//!
//! A [`Guest`] is what the state is made of: few numbers, most of them said relative to the guest's
//! storage and window, so that it reads well and shrinks to little (see [`super::shrink`]).

use std::fmt;
use std::sync::Arc;

use model::interp::operand_condition;
use model::isa::{Class, Operand};
use model::state::State;
use refvmm::cpu::Cpu;
use refvmm::layout::Bits;

use super::value::{Geometry, Value};
use super::world::World;
use crate::Stream;

/// An instruction: a class, and operands.
#[derive(Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The class, as an index into [`model::isa::Isa::classes`].
    pub class: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Its operands, in order.
    pub operands: Vec<Value>,
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.name, self.operands)
    }
}

/// A PSW ⟨M, P, R⟩ in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Psw {
    /// User mode, else supervisor mode.
    pub user: bool,
    /// P.
    pub counter: Value,
    /// The relocation component.
    pub relocation: Value,
    /// The bounds component.
    pub bounds: Value,
}

/// What the trap vector holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vector {
    /// Nothing.
    Zero,
    /// A PSW, that of a handler if it is a good one.
    Psw(Psw),
}

/// A guest to be: a state and a program, and how long it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Cells of storage beyond the trap cells.
    pub spare: u64,
    /// M, P and R.
    pub psw: Psw,
    /// Where the program stands, in instructions from the trap cells.
    pub place: u64,
    /// The program, beginning at P if P is `code 0`.
    pub program: Vec<Instruction>,
    /// PSWs behind it.
    pub frames: Vec<Psw>,
    /// What comes behind them: where traps lead, if the vector says so.
    pub handler: Vec<Instruction>,
    /// What fills the rest of storage.
    pub filler: Option<Instruction>,
    /// The new PSW of all traps.
    pub vector: Vector,
    /// Registers of E, by number among them.
    pub registers: Vec<(usize, Value)>,
    /// Components of R other than relocation and bounds, by number among them.
    pub resources: Vec<(usize, Value)>,
    /// Cells that hold something else.
    pub data: Vec<(u64, Value)>,
    /// Instructions to run.
    pub steps: u64,
}

impl Guest {
    /// A guest for a machine.
    pub fn random(world: &World, stream: &mut Stream) -> Self {
        let good = stream.below(4) > 0;
        let spare = world.unit * (16 + stream.below(24));
        let length = 1 + stream.below(6);
        let program = (0..length).map(|_| Instruction::random(world, stream)).collect();
        let mut psw = Psw::random(world, stream);
        // Where most of the guest's numbers are, and sometimes its program.
        let theme = Value::edge(stream);
        psw.counter = if stream.below(16) > 0 { Value::Code(0) } else { theme };
        let handler: Vec<_> =
            (0..stream.below(4)).map(|_| Instruction::random(world, stream)).collect();
        let filler = (stream.below(2) == 0).then(|| Instruction::random(world, stream));
        let vector = match stream.below(10) {
            0 => Vector::Zero,
            1 => Vector::Psw(Psw::random(world, stream)),
            _ => Vector::Psw(Psw::handler(stream)),
        };
        let count = world.general.len() as u64;
        let few = if good { 1 + stream.below(12) } else { stream.below(3) };
        let themed = stream.below(2) == 0;
        let register = |stream: &mut Stream| {
            let number = stream.below(count) as usize;
            let value = Value::random(stream);
            (number, if themed && stream.below(2) == 0 { theme } else { value })
        };
        let registers = (0..few).map(|_| register(stream)).collect();
        let resources = (0..world.resources.len())
            .filter(|_| stream.below(4) == 0)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|i| (i, Value::random(stream)))
            .collect();
        let cells = world.layout.isa.least_cells() as u64 + spare;
        let mut data: Vec<_> =
            (0..stream.below(3)).map(|_| (stream.below(cells), Value::random(stream))).collect();
        if stream.below(2) > 0 {
            data.clear();
        }
        let frames = (0..2).map(|_| Psw::random(world, stream)).collect();
        let place = stream.below(6);
        let steps = if stream.below(8) == 0 { 40 } else { 1 + stream.below(8) };
        Self {
            spare,
            psw,
            place,
            program,
            frames,
            handler,
            filler,
            vector,
            registers,
            resources,
            data,
            steps,
        }
    }

    /// Number of its cells, w.
    pub fn cells(&self, world: &World) -> u64 {
        world.layout.isa.least_cells() as u64 + self.spare
    }

    /// The state it starts in.
    pub fn state(&self, world: &World) -> State {
        let mut cpu = Cpu::new(&world.layout, self.cells(world) as usize);
        self.lay(world, &mut cpu);
        cpu.state(&world.layout)
    }

    /// Puts that state into a processor, whatever its number of cells.
    pub fn lay(&self, world: &World, cpu: &mut Cpu) {
        let isa = &world.layout.isa;
        let mut place = Geometry {
            cells: cpu.cells(),
            unit: world.unit,
            frame: world.frame(),
            code: isa.least_cells() as u64 + self.place * world.unit,
            ..Geometry::default()
        };
        place.frames = place.code + length(world, &self.program);
        place.handler = place.frames + place.frame * self.frames.len() as u64;
        cpu.registers.fill(0);
        cpu.contents_mut().fill(0);
        for (i, value) in &self.resources {
            set(&mut cpu.registers, world.resources[*i], *value, &place);
        }
        self.psw.set_control(world, &mut cpu.registers, &mut place);
        let (window, bounds) = cpu.mapped(&world.layout);
        (place.window, place.bounds) = (window as u64, bounds as u64);
        for bits in &world.layout.counter {
            set(&mut cpu.registers, *bits, self.psw.counter, &place);
        }
        for (i, value) in &self.registers {
            set(&mut cpu.registers, world.general[*i], *value, &place);
        }
        if let Some(it) = &self.filler {
            let cells = it.cells(world, &place);
            let behind = (place.handler + length(world, &self.handler)) as usize;
            let behind = cpu.contents_mut().iter_mut().skip(behind);
            for (cell, value) in behind.zip(cells.iter().cycle()) {
                *cell = *value;
            }
        }
        let mut at = place.code as usize;
        let mut put = |cpu: &mut Cpu, cells: &[u64]| {
            let there = cpu.contents_mut().iter_mut().skip(at);
            there.zip(cells).for_each(|(cell, value)| *cell = *value);
            at += cells.len();
        };
        for it in &self.program {
            put(cpu, &it.cells(world, &place));
        }
        for psw in &self.frames {
            let cells = psw.cells(world, &place, cpu);
            put(cpu, &cells);
        }
        for it in &self.handler {
            put(cpu, &it.cells(world, &place));
        }
        if let Vector::Psw(psw) = &self.vector {
            let new = isa.trap_cells.new.clone();
            let cells = if isa.trap_cells.old.is_empty() {
                psw.vectors(world, &place, new.end - new.start, cpu)
            } else {
                psw.cells(world, &place, cpu)
            };
            let there = cpu.contents_mut().iter_mut().skip(new.start as usize);
            there
                .take((new.end - new.start) as usize)
                .zip(cells)
                .for_each(|(cell, value)| *cell = value);
        }
        for (cell, value) in &self.data {
            if let Some(place_of) = cpu.contents_mut().get_mut(*cell as usize) {
                *place_of = value.of(&place, isa.storage.width);
            }
        }
    }
}

fn length(world: &World, program: &[Instruction]) -> u64 {
    program.iter().map(|it| world.layout.isa.classes[it.class].length as u64).sum()
}

/// Sets some bits of a register.
fn set(registers: &mut [u64], bits: Bits, value: Value, place: &Geometry) {
    let width = 64 - (bits.mask >> bits.mask.trailing_zeros()).leading_zeros();
    bits.set(registers, value.of(place, width));
}

impl World {
    /// Cells of a PSW in storage.
    fn frame(&self) -> u64 {
        let old = &self.layout.isa.trap_cells.old;
        // Machines that push their PSW: SR, P and a format word.
        if old.is_empty() { 8 } else { (old.end - old.start) as u64 }
    }
}

impl Instruction {
    /// Some instruction: privileged and sensitive ones more often than others.
    pub fn random(world: &World, stream: &mut Stream) -> Self {
        let from = if stream.below(4) == 0 { &world.special } else { &world.encoded };
        let class = from[stream.below(from.len() as u64) as usize];
        let operands = operands(&world.layout.isa.classes[class], stream);
        Self { class, name: Arc::clone(&world.names[class]), operands }
    }

    fn cells(&self, world: &World, place: &Geometry) -> Vec<u64> {
        let class = &world.layout.isa.classes[self.class];
        let operands = class.operands.iter().zip(&self.operands);
        let operands: Vec<u128> =
            operands.map(|(o, value)| u128::from(value.of(place, o.width))).collect();
        world.cells(class, &operands)
    }
}

/// Operands that the class admits, if some are found.
fn operands(class: &Class, stream: &mut Stream) -> Vec<Value> {
    let mut found = Vec::with_capacity(class.operands.len());
    for _ in 0..50 {
        found.clear();
        found.extend(class.operands.iter().map(|o| operand(o, stream)));
        let Some(when) = &class.when else { break };
        let plain: Vec<u128> = found
            .iter()
            .map(|v| match v {
                Value::Number(n) => u128::from(*n),
                _ => 1,
            })
            .collect();
        if operand_condition(when, &plain) {
            break;
        }
    }
    found
}

fn operand(o: &Operand, stream: &mut Stream) -> Value {
    match o.fixed {
        Some(value) => Value::Number(value as u64),
        None if o.width == 1 => Value::Number(u64::from(stream.below(4) == 0)),
        None if o.width <= 8 && stream.below(4) == 0 => Value::Number(0),
        None if o.width <= 8 => Value::Number(stream.below(1 << o.width)),
        None if stream.below(3) > 0 => match stream.below(10) {
            n @ 0..=2 => Value::Number(n),
            3 | 4 => Value::Number(stream.below(64)),
            5 => Value::Top(stream.below(3) as u8),
            6 => Value::Frame(stream.below(2) as u8),
            _ => Value::Code(stream.below(6) as u8),
        },
        None => Value::random(stream),
    }
}

impl Psw {
    /// Some PSW: often a sensible one, else near the edges of storage.
    pub fn random(world: &World, stream: &mut Stream) -> Self {
        let d = stream.below(5) as i8 - 2;
        let user = stream.below(2) == 0;
        let counter = match stream.below(4) {
            0 => Value::Handler,
            1 => Value::random(stream),
            _ => Value::Code(stream.below(4) as u8),
        };
        if world.within {
            let relocation = Value::Number(if stream.below(2) == 0 { 0 } else { stream.below(12) });
            return Self {
                user,
                counter,
                relocation,
                bounds: Value::Room(-(stream.below(4) as i8)),
            };
        }
        let relocation = match stream.below(20) {
            0..=6 => Value::Number(0),
            7..=13 => Value::Number(stream.below(12)),
            14 | 15 => Value::Storage(d),
            16 | 17 => Value::Top(stream.below(40) as u8),
            18 => Value::Number(stream.below(64)),
            _ => Value::random(stream),
        };
        let bounds = match stream.below(20) {
            0..=4 => Value::Storage(0),
            5..=9 => Value::Room(d),
            10 | 11 => Value::Number(stream.below(64)),
            12 => Value::Number(stream.below(3)),
            13 | 14 => Value::Top(stream.below(3) as u8),
            15 | 16 => Value::Storage(stream.below(100) as i8),
            17 | 18 => Value::Sign(d),
            _ => Value::random(stream),
        };
        Self { user, counter, relocation, bounds }
    }

    /// The PSW of a handler that sees all of storage.
    fn handler(stream: &mut Stream) -> Self {
        let user = stream.below(3) == 0;
        let bounds = Value::Storage(0);
        Self { user, counter: Value::Handler, relocation: Value::Number(0), bounds }
    }

    /// Sets M and the mapping of a state, and with them what addresses are relative to.
    fn set_control(&self, world: &World, registers: &mut [u64], place: &mut Geometry) {
        let (layout, isa) = (&world.layout, &world.layout.isa);
        if let Some(mode) = isa.mode {
            let value = if self.user { world.pair.user.1 } else { world.pair.supervisor.1 };
            layout.part(mode).set(registers, value as u64);
        }
        if let Some(part) = isa.relocation {
            place.window = self.relocation.of(place, part.width);
            layout.part(part).set(registers, place.window);
        }
        if let Some(part) = isa.bounds {
            layout.part(part).set(registers, self.bounds.of(place, part.width));
        }
    }

    /// Its cells, for instructions and traps to load. Takes a processor to look at the PSW in; its
    /// registers are left as they are.
    fn cells(&self, world: &World, place: &Geometry, cpu: &mut Cpu) -> Vec<u64> {
        let isa = &world.layout.isa;
        let aside = std::mem::replace(&mut cpu.registers, vec![0; world.layout.slots]);
        let mut there = Geometry { window: 0, ..*place };
        self.set_control(world, &mut cpu.registers, &mut there);
        let (window, bounds) = cpu.mapped(&world.layout);
        (there.window, there.bounds) = (window as u64, bounds as u64);
        for bits in &world.layout.counter {
            set(&mut cpu.registers, *bits, self.counter, &there);
        }
        let registers = std::mem::replace(&mut cpu.registers, aside);
        if !isa.trap_cells.old.is_empty() {
            return world.psw(&registers);
        }
        let mode = isa.mode.and_then(|mode| world.layout.slot(mode.register, 0));
        let mode = mode.map_or(0, |slot| registers[slot]);
        let counter = world.layout.counter.first().map_or(0, |bits| bits.get(&registers));
        // What the frame says of its own form stands in the place of R, which is not in it.
        let form = self.relocation.of(&there, 4) << 12;
        bytes(mode, 2).chain(bytes(counter, 4)).chain(bytes(form, 2)).collect()
    }

    /// Addresses of the handler, one for each trap, on machines that load only P.
    fn vectors(&self, world: &World, place: &Geometry, cells: u128, cpu: &mut Cpu) -> Vec<u64> {
        let counter: Vec<u64> = self.cells(world, place, cpu)[2..6].to_vec();
        (0..cells as usize).map(|i| counter[i % 4]).collect()
    }
}

/// The lowest bytes, most significant first.
fn bytes(value: u64, count: u32) -> impl Iterator<Item = u64> {
    (0..count).rev().map(move |i| value >> (8 * i) & 0xff)
}

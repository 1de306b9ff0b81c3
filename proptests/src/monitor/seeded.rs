//! Wrong control programs: each does one thing wrong that a control program might do wrong.
//!
//! They are not written anew. The machine under the control program and the engine stand in
//! between: what the allocator loads, what the dispatcher hears of a direct run, and what an
//! interpreter routine leaves behind are changed on the way.

use std::ops::Range;
use std::sync::Arc;

use refvmm::cpu::Cpu;
use refvmm::engine::{Engine, OnTrap, Stop, Walk};
use refvmm::layout::{Bits, MachineLayout};
use refvmm::machine::{Hardware, Machine};

use super::tower::{Level, Monitor, Scene, Workshop};

/// A wrong control program.
pub struct Bug {
    /// A short name.
    pub name: &'static str,
    /// What it does wrong.
    pub says: &'static str,
    /// Where, and how.
    pub place: Place,
    /// Only a look at the real M and R finds it out.
    pub hidden: bool,
}

/// Where a control program goes wrong.
pub enum Place {
    /// In what the allocator puts into the real M and R.
    Allocator(fn(&mut Loading<'_>)),
    /// In the direct run, or in what the dispatcher hears of it.
    Direct(fn(&mut Running<'_>) -> Stop),
    /// In what an interpreter routine leaves behind.
    Routine(fn(&mut Routine<'_>)),
    /// In the change from one guest to another.
    Switch(fn(&mut Monitor, usize)),
}

/// The real M and R, as they are about to be loaded.
pub struct Loading<'a> {
    /// Where the guest is.
    pub scene: &'a Scene,
    /// The guest's registers, virtual M and R among them.
    pub guest: &'a [u64],
    /// What was loaded before.
    pub old: &'a [u64],
    /// How often something was loaded before.
    pub count: u64,
    /// What is loaded.
    pub real: &'a mut [u64],
}

/// A direct run.
pub struct Running<'a> {
    /// Where the guest is.
    pub scene: &'a Scene,
    /// What runs it.
    pub engine: &'a mut dyn Engine,
    /// The real machine.
    pub cpu: &'a mut Cpu,
    /// Instructions to run.
    pub fuel: u64,
}

/// An interpreter routine that is done.
pub struct Routine<'a> {
    /// Where the guest is.
    pub scene: &'a Scene,
    /// The guest before.
    pub before: &'a Cpu,
    /// The guest behind it.
    pub cpu: &'a mut Cpu,
    /// What the dispatcher is told.
    pub stop: Stop,
}

impl Scene {
    /// The mode.
    pub fn mode(&self) -> Bits {
        self.layout.part(self.layout.isa.mode.expect("the machine has modes"))
    }

    /// The relocation component.
    pub fn relocation(&self) -> Bits {
        self.layout.part(self.layout.isa.relocation.expect("the machine relocates"))
    }

    /// The bounds component.
    pub fn bounds(&self) -> Bits {
        self.layout.part(self.layout.isa.bounds.expect("the machine checks bounds"))
    }

    /// A register by its name.
    pub fn register(&self, name: &str) -> Bits {
        let mut registers = self.layout.isa.register_ids();
        let (id, it) = registers.find(|(_, r)| r.name == name).expect("the register exists");
        let slot = self.layout.slot(id, 0).expect("it is no empty file");
        Bits { slot, mask: model::bits::mask(it.width) as u64 }
    }

    /// k.
    pub fn first(&self) -> u64 {
        self.guest.first as u64
    }

    /// w.
    pub fn size(&self) -> u64 {
        self.guest.cells as u64
    }
}

impl Loading<'_> {
    /// The virtual l.
    pub fn l(&self) -> u64 {
        self.scene.relocation().get(self.guest)
    }

    /// The virtual b.
    pub fn b(&self) -> u64 {
        self.scene.bounds().get(self.guest)
    }

    /// The real bound as it should be.
    pub fn bound(&self) -> u64 {
        self.scene.bounds().get(self.real)
    }

    /// Whether f clips the bound.
    pub fn clips(&self) -> bool {
        self.bound() != self.b()
    }

    /// Loads another bound.
    pub fn set_bound(&mut self, bound: u64) {
        self.scene.bounds().set(self.real, bound);
    }

    /// The real relocation as it should be.
    pub fn base(&self) -> u64 {
        self.scene.relocation().get(self.real)
    }

    /// Loads another relocation.
    pub fn set_base(&mut self, base: u64) {
        self.scene.relocation().set(self.real, base);
    }
}

impl Running<'_> {
    /// Runs as it should.
    pub fn go(&mut self) -> Stop {
        self.engine.run(self.cpu, self.fuel, OnTrap::HandOver)
    }
}

impl Routine<'_> {
    /// The trap that the guest took, by its number in the specification.
    pub fn reflected(&self) -> Option<usize> {
        let mut taken = self.cpu.taken.iter().zip(&self.before.taken);
        taken.position(|(now, before)| now > before)
    }

    /// Whether it completed an instruction.
    pub fn emulated(&self) -> bool {
        self.stop.steps > 0 && self.reflected().is_none()
    }

    /// A register behind the routine.
    pub fn get(&self, name: &str) -> u64 {
        self.scene.register(name).get(&self.cpu.registers)
    }

    /// The register before it.
    pub fn old(&self, name: &str) -> u64 {
        self.scene.register(name).get(&self.before.registers)
    }

    /// Sets a register.
    pub fn set(&mut self, name: &str, value: u64) {
        self.scene.register(name).set(&mut self.cpu.registers, value);
    }

    /// Changes a cell of the guest.
    pub fn change(&mut self, cell: u64, to: impl FnOnce(u64) -> u64) {
        let value = to(self.cpu.load(cell));
        self.cpu.contents_mut()[cell as usize] = value & u64::from(u32::MAX);
    }
}

/// A workshop whose control programs have a bug.
pub struct Seeded<'b>(pub &'b Bug);

impl Workshop for Seeded<'_> {
    fn engine(&self, scene: &Scene) -> Box<dyn Engine> {
        let inner = Walk::new(&scene.layout);
        match self.0.place {
            Place::Direct(wrong) => Box::new(WrongRun { inner, scene: scene.clone(), wrong }),
            Place::Routine(wrong) => Box::new(WrongRoutine { inner, scene: scene.clone(), wrong }),
            Place::Allocator(_) | Place::Switch(_) => Box::new(inner),
        }
    }

    fn under(&self, machine: Box<dyn Level>, scene: &Scene) -> Box<dyn Level> {
        let Place::Allocator(wrong) = self.0.place else { return machine };
        let asked = machine.control().to_vec();
        let guest = vec![0; asked.len()];
        Box::new(Under { machine, scene: scene.clone(), wrong, guest, asked, count: 0 })
    }

    fn asks(&self) -> bool {
        true
    }

    fn switch(&self, monitor: &mut Monitor, guest: usize) {
        match self.0.place {
            Place::Switch(wrong) => wrong(monitor, guest),
            Place::Allocator(_) | Place::Direct(_) | Place::Routine(_) => monitor.switch(guest),
        }
    }
}

/// An engine that runs guests wrongly, or tells something else.
struct WrongRun {
    inner: Walk,
    scene: Scene,
    wrong: fn(&mut Running<'_>) -> Stop,
}

impl Engine for WrongRun {
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop {
        if cpu.cells() == self.scene.cells && on_trap == OnTrap::HandOver {
            let engine = &mut self.inner;
            return (self.wrong)(&mut Running { scene: &self.scene, engine, cpu, fuel });
        }
        self.inner.run(cpu, fuel, on_trap)
    }
}

/// An engine whose interpreter routines do something more.
struct WrongRoutine {
    inner: Walk,
    scene: Scene,
    wrong: fn(&mut Routine<'_>),
}

impl Engine for WrongRoutine {
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop {
        if cpu.cells() == self.scene.cells || fuel == 0 {
            return self.inner.run(cpu, fuel, on_trap);
        }
        let before = cpu.clone();
        let stop = self.inner.run(cpu, fuel, on_trap);
        let mut routine = Routine { scene: &self.scene, before: &before, cpu, stop };
        (self.wrong)(&mut routine);
        routine.stop
    }
}

/// A machine that loads something else into M and R than the allocator says.
struct Under {
    machine: Box<dyn Level>,
    scene: Scene,
    wrong: fn(&mut Loading<'_>),
    /// The guest's registers when they were seen last.
    guest: Vec<u64>,
    /// What the allocator thinks it loaded.
    asked: Vec<u64>,
    count: u64,
}

impl Level for Under {
    fn monitor(&mut self) -> Option<&mut Monitor> {
        self.machine.monitor()
    }
}

impl Machine for Under {
    fn layout(&self) -> &Arc<MachineLayout> {
        self.machine.layout()
    }

    fn hardware(&mut self) -> &mut Hardware {
        let hardware = self.machine.hardware();
        if hardware.cpu.cells() != self.scene.cells {
            self.guest.clone_from(&hardware.cpu.registers);
        }
        hardware
    }

    fn window(&self) -> Range<usize> {
        self.machine.window()
    }

    fn control(&self) -> &[u64] {
        &self.asked
    }

    fn set_control(&mut self, control: &[u64]) {
        let old = self.machine.control().to_vec();
        let mut real = control.to_vec();
        self.asked = control.to_vec();
        (self.wrong)(&mut Loading {
            scene: &self.scene,
            guest: &self.guest,
            old: &old,
            count: self.count,
            real: &mut real,
        });
        self.count += 1;
        self.machine.set_control(&real);
    }

    fn run(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        self.machine.run(fuel, on_trap)
    }

    fn enter(&mut self) {
        self.machine.enter();
    }

    fn leave(&mut self) {
        self.machine.leave();
    }
}

//! Machines that run guests: the bare one here, virtual ones in [`crate::vmm`].
//!
//! A virtual machine is a machine: a control program runs on either, which is all that nesting is.

use std::ops::Range;
use std::sync::Arc;

use model::state::State;

use crate::cpu::Cpu;
use crate::engine::{Engine, OnTrap, Stop, walk};
use crate::layout::MachineLayout;

/// A machine S = ⟨E, M, P, R⟩ that runs.
pub trait Machine {
    /// What its specification says.
    fn layout(&self) -> &Arc<MachineLayout>;

    /// The processor and storage underneath everything.
    fn hardware(&mut self) -> &mut Hardware;

    /// The cells of the installation that are this machine's physical storage.
    fn window(&self) -> Range<usize>;

    /// M and R of this machine, in the slots of its registers; the other bits mean nothing.
    fn control(&self) -> &[u64];

    /// Sets M and R of this machine.
    fn set_control(&mut self, control: &[u64]);

    /// Lets it run at most `fuel` instructions.
    fn run(&mut self, fuel: u64, on_trap: OnTrap) -> Stop;

    /// Puts this machine's M, R and storage into the hardware, as its own program would see them.
    fn enter(&mut self);

    /// Saves the guest's M, R and storage back from the hardware.
    fn leave(&mut self);

    /// The machine below, if this one is virtual.
    fn underneath(&self) -> Option<&dyn Machine> {
        None
    }

    /// What became of the running guest's instructions, if this machine is virtual.
    fn tally(&self) -> Option<&Counts> {
        None
    }
}

/// What became of a virtual machine's instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Completed on the hardware.
    pub direct: u64,
    /// Completed by an interpreter routine after a trap.
    pub emulated: u64,
    /// Taken by the virtual machine as its own trap.
    pub reflected: u64,
    /// Interpreted because a hybrid monitor runs no supervisor code directly.
    pub interpreted: u64,
    /// Entries to the dispatcher, by [`model::isa::TrapId`].
    pub traps: Vec<u64>,
}

/// The processor with its storage, and the engine that drives it.
pub struct Hardware {
    /// What the machine is.
    pub layout: Arc<MachineLayout>,
    /// The state.
    pub cpu: Cpu,
    /// What runs instructions.
    pub engine: Box<dyn Engine>,
}

/// Does something with the hardware as this machine's own program sees it.
pub fn inside<M, T>(machine: &mut M, act: impl FnOnce(&mut Hardware) -> T) -> T
where
    M: Machine + ?Sized,
{
    machine.enter();
    let result = act(machine.hardware());
    machine.leave();
    result
}

/// The machine's state: what a guest could tell of it.
pub fn state<M: Machine + ?Sized>(machine: &mut M) -> State {
    inside(machine, |it| it.cpu.state(&it.layout))
}

/// Whether a guest could not tell the states of two machines of one size apart.
pub fn same_state<A, B>(a: &mut A, b: &mut B) -> bool
where
    A: Machine + ?Sized,
    B: Machine + ?Sized,
{
    let control = a.layout().same_control(a.control(), b.control());
    let windows = (a.window(), b.window());
    let (a, b) = (a.hardware(), b.hardware());
    control
        && a.layout.same_but_control(&a.cpu.registers, &b.cpu.registers)
        && a.cpu.storage[windows.0] == b.cpu.storage[windows.1]
}

/// Puts the machine into a state.
pub fn set_state<M: Machine + ?Sized>(machine: &mut M, state: &State) {
    inside(machine, |hardware| {
        hardware.cpu.set_state(state);
        hardware.engine.forget();
    });
}

/// Clears the machine, loads an image and resets it. The cells must lie in its storage.
pub fn boot<M: Machine + ?Sized>(machine: &mut M, image: impl IntoIterator<Item = (u128, u128)>) {
    inside(machine, |Hardware { layout, cpu, engine }| {
        let mut state = State::zero(&layout.isa, u128::from(cpu.cells()));
        state.storage.extend(image);
        cpu.set_state(&state);
        walk::run_plain(layout, cpu, &layout.isa.reset);
        engine.forget();
    });
}

/// Traps the machine took, by [`model::isa::TrapId`].
pub fn taken<M: Machine + ?Sized>(machine: &mut M) -> Vec<u64> {
    inside(machine, |hardware| hardware.cpu.taken.clone())
}

/// What the machine wrote to its console and nobody asked for yet.
pub fn unread<M: Machine + ?Sized>(machine: &mut M) -> Vec<u64> {
    inside(machine, |hardware| hardware.cpu.output.clone())
}

/// What the machine wrote to its console since it was asked last.
pub fn output<M: Machine + ?Sized>(machine: &mut M) -> Vec<u64> {
    inside(machine, |hardware| std::mem::take(&mut hardware.cpu.output))
}

/// The real machine.
pub struct Bare {
    hardware: Hardware,
}

impl Bare {
    /// A machine with a number of cells, all zero.
    pub fn new(layout: &Arc<MachineLayout>, cells: usize, engine: Box<dyn Engine>) -> Self {
        let cpu = Cpu::new(layout, cells);
        Self { hardware: Hardware { layout: Arc::clone(layout), cpu, engine } }
    }
}

impl Machine for Bare {
    fn layout(&self) -> &Arc<MachineLayout> {
        &self.hardware.layout
    }

    fn hardware(&mut self) -> &mut Hardware {
        &mut self.hardware
    }

    fn window(&self) -> Range<usize> {
        self.hardware.cpu.window.clone()
    }

    fn control(&self) -> &[u64] {
        &self.hardware.cpu.registers
    }

    fn set_control(&mut self, control: &[u64]) {
        let Hardware { layout, cpu, .. } = &mut self.hardware;
        layout.copy_control(control, &mut cpu.registers);
    }

    fn run(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        self.hardware.engine.run(&mut self.hardware.cpu, fuel, on_trap)
    }

    fn enter(&mut self) {}

    fn leave(&mut self) {}
}

impl<M: Machine + ?Sized> Machine for Box<M> {
    fn layout(&self) -> &Arc<MachineLayout> {
        (**self).layout()
    }

    fn hardware(&mut self) -> &mut Hardware {
        (**self).hardware()
    }

    fn window(&self) -> Range<usize> {
        (**self).window()
    }

    fn control(&self) -> &[u64] {
        (**self).control()
    }

    fn set_control(&mut self, control: &[u64]) {
        (**self).set_control(control);
    }

    fn run(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        (**self).run(fuel, on_trap)
    }

    fn enter(&mut self) {
        (**self).enter();
    }

    fn leave(&mut self) {
        (**self).leave();
    }

    fn underneath(&self) -> Option<&dyn Machine> {
        (**self).underneath()
    }

    fn tally(&self) -> Option<&Counts> {
        (**self).tally()
    }
}

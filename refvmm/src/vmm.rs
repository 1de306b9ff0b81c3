//! The control program ⟨D, A, {vᵢ}⟩ (P&G, section 3), and the virtual machines it makes.
//!
//! Its guests run directly, in user mode, in partitions of storage. Whatever traps enters the
//! dispatcher D; an interpreter routine vᵢ does to the virtual machine what the instruction does to
//! the real one, by the specification's own semantics; the allocator A composes the real R by f
//! whenever the virtual machine's M or R changed.
//!
//! Its verdict may depend on conditions ([`Conditions`]): bits of its own it keeps at their values, and
//! no guest runs directly that is not one the verdict speaks of ([`Why::Broken`]).
//!
//! The real trap sequence is not run: its new PSW is the control program's, which lives outside the
//! machine, so that a trap leads straight to D with the machine as it was before the instruction.

use std::ops::Range;
use std::sync::Arc;

use model::isa::Pair;
use model::map::{Partition, VmMap};
use rustc_hash::FxHashMap as HashMap;

pub use crate::classification::Kind;
pub use crate::machine::Counts;

use crate::classification::{Classification, Conditions};
use crate::cpu::Cpu;
use crate::engine::{Breach, OnTrap, Raised, Stop, Why, walk};
use crate::layout::{Bits, DECIDING, MachineLayout};
use crate::machine::{Hardware, Machine, inside};

/// Most values of a guest's M and R for which R′ is kept.
const MOST_KNOWN: usize = 1024;

/// A control program on a machine, real or virtual, with its guests. As a machine, it is the guest
/// that runs.
pub struct Vmm<M> {
    machine: M,
    kind: Kind,
    map: VmMap,
    mode: Bits,
    relocation: Bits,
    bounds: Bits,
    user: u64,
    /// M and R of the machine while a guest runs: by f, or the control program's own.
    own: Vec<u64>,
    /// Assumptions that guests keep when they run directly.
    watches: Vec<usize>,
    /// Whether they keep l + b ≤ w.
    within: bool,
    guests: Vec<Guest>,
    current: usize,
    /// What the hardware held before the running guest's M and R were put in.
    aside: Aside,
}

/// A virtual machine.
struct Guest {
    /// Its cells, as cells of the machine below.
    partition: Partition,
    /// Virtual M and R: the control block.
    control: Vec<u64>,
    /// Its other registers while another guest runs.
    registers: Vec<u64>,
    taken: Vec<u64>,
    output: Vec<u64>,
    /// Its window E|r as of the last composition, unless that is to be done anew.
    window: Option<(u128, u128)>,
    /// R′ as last composed: relocation and bounds.
    composed: (u64, u64),
    /// Whether its M and R say that it has halted.
    halted: bool,
    /// Cache of composed mappings, keyed by the deciding registers.
    known: HashMap<[u64; DECIDING], ComposedPsw>,
    counts: Counts,
}

/// The window, the composed mapping and whether the machine has halted, as a virtual machine's M and R determine them.
#[derive(Clone, Copy)]
struct ComposedPsw {
    /// The window E|r.
    window: (u128, u128),
    /// R′ by f: relocation and bounds.
    composed: (u64, u64),
    halted: bool,
}

/// M, R and storage of the machine below, while the guest's stand in the hardware.
struct Aside {
    control: Vec<u64>,
    window: Range<usize>,
}

impl<M: Machine> Vmm<M> {
    /// A control program for a machine whose classification says that there is one; else the
    /// reason why there is none.
    pub fn construct(
        machine: M,
        kind: Kind,
        classification: &Classification,
        partitions: &[Partition],
    ) -> Result<Self, String> {
        let layout = Arc::clone(machine.layout());
        let (pair, conditions) = classification.admits(&layout.isa, kind)?;
        Self::with(machine, kind, pair, conditions, partitions)
    }

    /// A control program with guests in the given partitions, all cleared, whether or not
    /// its guests can tell; an error where it cannot even be set up.
    pub fn anyway(
        machine: M,
        kind: Kind,
        pair: &Pair,
        partitions: &[Partition],
    ) -> Result<Self, String> {
        Self::with(machine, kind, pair, Conditions::default(), partitions)
    }

    fn with(
        machine: M,
        kind: Kind,
        pair: &Pair,
        conditions: Conditions,
        partitions: &[Partition],
    ) -> Result<Self, String> {
        let layout = Arc::clone(machine.layout());
        let isa = &layout.isa;
        let no = |what: &str| format!("`{}` has no {what}", isa.name);
        let mode = isa.mode.ok_or_else(|| no("modes"))?;
        let map = VmMap::of(isa).ok_or_else(|| no("relocation and bounds"))?;
        let (Some(relocation), Some(bounds)) = (isa.relocation, isa.bounds) else {
            return Err(no("relocation and bounds"));
        };
        if !pair.deprivilege.statements.is_empty() {
            return Err(format!("`{}` de-privileges by statements, not by mode alone", isa.name));
        }
        check_partitions(&layout, machine.window().len() as u128, partitions)?;
        let guest = |partition: &Partition| Guest {
            partition: *partition,
            control: vec![0; layout.slots],
            registers: vec![0; layout.slots],
            taken: vec![0; isa.traps.len()],
            output: Vec::new(),
            window: None,
            composed: (0, 0),
            halted: false,
            known: HashMap::default(),
            counts: Counts { traps: vec![0; isa.traps.len()], ..Counts::default() },
        };
        let mut own = machine.control().to_vec();
        for (part, value) in conditions.keeps {
            layout.part(part).set(&mut own, value);
        }
        let mut vmm = Self {
            kind,
            map,
            mode: layout.part(mode),
            relocation: layout.part(relocation),
            bounds: layout.part(bounds),
            user: pair.user.1 as u64,
            own,
            watches: conditions.watches,
            within: conditions.window,
            guests: partitions.iter().map(guest).collect(),
            current: 0,
            aside: Aside { control: vec![0; layout.slots], window: 0..0 },
            machine,
        };
        vmm.compose_anew();
        Ok(vmm)
    }

    /// What became of the running guest's instructions.
    pub fn counts(&self) -> &Counts {
        &self.guests[self.current].counts
    }

    /// Which of its guests' code runs directly.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The machine below.
    pub fn below(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Number of guests.
    pub fn guests(&self) -> usize {
        self.guests.len()
    }

    /// Lets another guest run.
    pub fn switch(&mut self, guest: usize) {
        if guest == self.current {
            return;
        }
        let Hardware { layout, cpu, .. } = self.machine.hardware();
        let registers = &mut cpu.registers;
        let mut incoming = std::mem::take(&mut self.guests[guest].registers);
        layout.copy_control(registers, &mut incoming);
        self.guests[self.current].registers = std::mem::replace(registers, incoming);
        self.current = guest;
        self.compose_anew();
    }

    /// The dispatcher D. Whatever trapped, vᵢ does it to the virtual machine: completes it, takes
    /// the trap there, or hands it to the control program that runs inside.
    fn dispatch(&mut self, raised: Raised, on_trap: OnTrap) -> Stop {
        let before: u64 = self.guest().taken.iter().sum();
        self.guest().counts.traps[raised.trap.index()] += 1;
        let stop = inside(self, |it| {
            if raised.committed {
                // Part of it is done and stays: it cannot be run again, but it took the same trap.
                let stop = take(&it.layout, &mut it.cpu, raised, on_trap);
                it.engine.forget();
                return stop;
            }
            it.engine.run(&mut it.cpu, 1, on_trap)
        });
        let guest = self.guest();
        if guest.taken.iter().sum::<u64>() > before {
            guest.counts.reflected += stop.steps;
        } else {
            guest.counts.emulated += stop.steps;
        }
        stop
    }

    /// Runs the guest by its specification, whether or not it would trap, until its mode changes.
    fn interpret(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        let mode = self.mode;
        let stop = inside(self, |it| it.engine.run_in_mode(&mut it.cpu, fuel, on_trap, mode));
        self.guest().counts.interpreted += stop.steps;
        stop
    }

    /// Runs the guest on the machine below until something traps, and sees to that.
    fn direct(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        if let Some(breach) = self.breach() {
            return Stop { steps: 0, why: Why::Broken(breach) };
        }
        let mut stop = self.machine.run(fuel, OnTrap::HandOver);
        self.guest().counts.direct += stop.steps;
        self.recover();
        if let Why::Trap(raised) = stop.why {
            let dispatched = self.dispatch(raised, on_trap);
            stop = Stop { steps: stop.steps + dispatched.steps, ..dispatched };
        }
        stop
    }

    /// What the verdict assumes of the running guest and is not so. Running directly it keeps all of
    /// it until it traps, so that it is enough to look before.
    fn breach(&mut self) -> Option<Breach> {
        let Guest { partition, window, .. } = &self.guests[self.current];
        if let Some((l, b)) = window.filter(|(l, b)| self.within && l + b > partition.cells) {
            let end = u64::try_from(l + b).unwrap_or(u64::MAX);
            return Some(Breach::Window { end, cells: partition.cells as u64 });
        }
        for i in 0..self.watches.len() {
            let index = self.watches[i];
            let value = inside(self, |it| {
                walk::value(&it.layout, &mut it.cpu, &it.layout.isa.assumptions[index].that)
            });
            if value == 0 {
                return Some(Breach::Assumption(index));
            }
        }
        None
    }

    /// Whether the guest's code must not run directly.
    fn interprets(&self) -> bool {
        self.kind == Kind::Hybrid && self.mode.get(self.control()) != self.user
    }

    fn has_halted(&mut self) -> bool {
        if self.layout().deciding.is_some() {
            return self.guest().halted;
        }
        inside(self, |it| walk::halted(&it.layout, &mut it.cpu))
    }

    /// Reads back what the guest changed of the real R without a trap; the rest of the virtual R is
    /// as it was, even where the real one is clipped.
    fn recover(&mut self) {
        let real = self.machine.control();
        let real = (self.relocation.get(real), self.bounds.get(real));
        let (relocation, bounds) = (self.relocation, self.bounds);
        let guest = self.guest();
        if real == guest.composed {
            return;
        }
        let (l, b) = VmMap::undo((u128::from(real.0), u128::from(real.1)), guest.partition);
        if real.0 != guest.composed.0 {
            relocation.set(&mut guest.control, l as u64);
        }
        if real.1 != guest.composed.1 {
            bounds.set(&mut guest.control, b as u64);
        }
        self.compose_anew();
    }

    /// What the running guest's M and R come to.
    fn standing(&mut self) -> ComposedPsw {
        let guest = &self.guests[self.current];
        let deciding = self.machine.layout().deciding;
        let values = deciding.map(|slots| slots.map(|slot| guest.control[slot]));
        if let Some(known) = values.and_then(|values| guest.known.get(&values)) {
            return *known;
        }
        self.enter();
        let Hardware { layout, cpu, .. } = self.machine.hardware();
        let (window, halted) = (cpu.mapped(layout), walk::halted(layout, cpu));
        self.swap_out();
        let guest = &mut self.guests[self.current];
        let (l, b) = self.map.mapping(window, guest.partition);
        let standing = ComposedPsw { window, composed: (l as u64, b as u64), halted };
        if guest.known.len() >= MOST_KNOWN {
            guest.known.clear();
        }
        guest.known.extend(values.map(|values| (values, standing)));
        standing
    }

    /// The allocator A: R′ of the running guest by f, user mode, and everything else of M and R the
    /// control program's own.
    fn compose(&mut self, standing: ComposedPsw) {
        let guest = &mut self.guests[self.current];
        guest.window = Some(standing.window);
        guest.composed = standing.composed;
        self.mode.set(&mut self.own, self.user);
        self.relocation.set(&mut self.own, guest.composed.0);
        self.bounds.set(&mut self.own, guest.composed.1);
        self.machine.set_control(&self.own);
    }

    /// Takes M, R and storage of the running guest out of the hardware; whether M or R changed.
    fn swap_out(&mut self) -> bool {
        let Hardware { layout, cpu, .. } = self.machine.hardware();
        let guest = &mut self.guests[self.current];
        cpu.window = std::mem::take(&mut self.aside.window);
        let (registers, own) = (&mut cpu.registers, &self.aside.control);
        let changed = layout.swap_control(registers, &mut guest.control, own);
        std::mem::swap(&mut cpu.taken, &mut guest.taken);
        std::mem::swap(&mut cpu.output, &mut guest.output);
        changed
    }

    fn compose_anew(&mut self) {
        self.guest().window = None;
        inside(self, |_| ());
    }

    fn guest(&mut self) -> &mut Guest {
        &mut self.guests[self.current]
    }
}

impl<M: Machine> Machine for Vmm<M> {
    fn run(&mut self, fuel: u64, on_trap: OnTrap) -> Stop {
        let mut steps = 0;
        let mut why = if self.has_halted() { Why::Halted } else { Why::Fuel };
        while why == Why::Fuel && steps < fuel {
            let stop = if self.interprets() {
                self.interpret(fuel - steps, on_trap)
            } else {
                self.direct(fuel - steps, on_trap)
            };
            steps += stop.steps;
            why = stop.why;
        }
        Stop { steps, why }
    }

    fn layout(&self) -> &Arc<MachineLayout> {
        self.machine.layout()
    }

    fn hardware(&mut self) -> &mut Hardware {
        self.machine.hardware()
    }

    fn window(&self) -> Range<usize> {
        let Partition { first, cells } = self.guests[self.current].partition;
        let start = self.machine.window().start + first as usize;
        start..start + cells as usize
    }

    fn control(&self) -> &[u64] {
        &self.guests[self.current].control
    }

    fn set_control(&mut self, control: &[u64]) {
        inside(self, |it| it.layout.copy_control(control, &mut it.cpu.registers));
    }

    fn enter(&mut self) {
        let window = self.window();
        let Hardware { layout, cpu, .. } = self.machine.hardware();
        let guest = &mut self.guests[self.current];
        self.aside.window = std::mem::replace(&mut cpu.window, window);
        layout.swap_control(&mut cpu.registers, &mut self.aside.control, &guest.control);
        std::mem::swap(&mut cpu.taken, &mut guest.taken);
        std::mem::swap(&mut cpu.output, &mut guest.output);
    }

    fn leave(&mut self) {
        let changed = self.swap_out() || self.machine.layout().deciding.is_none();
        if !changed && self.guest().window.is_some() {
            return;
        }
        let standing = self.standing();
        let guest = self.guest();
        guest.halted = standing.halted;
        if guest.window != Some(standing.window) {
            self.compose(standing);
        }
    }

    fn underneath(&self) -> Option<&dyn Machine> {
        Some(&self.machine)
    }

    fn tally(&self) -> Option<&Counts> {
        Some(&self.guests[self.current].counts)
    }
}

/// Takes a trap whose instruction has begun.
fn take(layout: &MachineLayout, cpu: &mut Cpu, raised: Raised, on_trap: OnTrap) -> Stop {
    let (steps, why) = match on_trap {
        OnTrap::HandOver => (0, Why::Trap(raised)),
        OnTrap::Deliver => match walk::deliver(layout, cpu, raised) {
            Ok(()) => (1, Why::Fuel),
            Err(why) => (0, why),
        },
    };
    Stop { steps, why }
}

/// Partitions lie behind the trap cells, inside storage, and apart from each other.
fn check_partitions(
    layout: &MachineLayout,
    cells: u128,
    partitions: &[Partition],
) -> Result<(), String> {
    let least = layout.isa.least_cells();
    let mut free = least;
    if partitions.is_empty() {
        return Err("a control program needs a guest".into());
    }
    for Partition { first, cells: size } in partitions {
        let what = format!("a partition of {size} cells from cell {first}");
        if *size < least {
            return Err(format!("{what} has no room for the trap cells, {least}"));
        }
        if *first < free {
            return Err(format!("{what} overlaps what is in use, cells below {free}"));
        }
        free = first.saturating_add(*size);
        if free > cells {
            return Err(format!("{what} does not fit a machine of {cells} cells"));
        }
    }
    Ok(())
}

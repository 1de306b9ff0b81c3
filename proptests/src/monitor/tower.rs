//! Towers of machines: monitors on monitors, with neighbours beside the guest that is looked at.

use std::ops::Range;
use std::sync::Arc;

use model::interp;
use model::map::Partition;
use model::state::State;
use refvmm::engine::Engine;
use refvmm::layout::MachineLayout;
use refvmm::machine::{self, Bare, Machine};
use refvmm::vmm::{Kind, Vmm};

use super::world::{World, holds};
use crate::Stream;

/// A machine in a tower.
pub trait Level: Machine {
    /// The control program that makes it, unless it is the bare machine.
    fn monitor(&mut self) -> Option<&mut Monitor>;
}

/// A control program on some machine of a tower.
pub type Monitor = Vmm<Box<dyn Level>>;

impl Level for Bare {
    fn monitor(&mut self) -> Option<&mut Monitor> {
        None
    }
}

impl Level for Monitor {
    fn monitor(&mut self) -> Option<&mut Monitor> {
        Some(self)
    }
}

/// One control program of a tower: its kind, and what it does with storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The kind of control program.
    pub kind: Kind,
    /// Cells it keeps beyond the trap cells, before its guests.
    pub own: u64,
    /// Cells of a neighbour in front, beyond the trap cells; none if there is no neighbour.
    pub before: Option<u64>,
    /// Cells of a neighbour behind, beyond the trap cells.
    pub behind: Option<u64>,
    /// Cells at the end that belong to nobody.
    pub slack: u64,
}

impl Floor {
    /// Nothing but the guest.
    pub fn plain(kind: Kind) -> Self {
        Self { kind, own: 0, before: None, behind: None, slack: 0 }
    }

    /// Some control program of one of these kinds.
    pub fn random(kinds: &[Kind], stream: &mut Stream) -> Self {
        let mut neighbour = || (stream.below(3) == 0).then(|| stream.below(8));
        let (before, behind) = (neighbour(), neighbour());
        let kind = kinds[stream.below(kinds.len() as u64) as usize];
        Self { kind, own: stream.below(4), before, behind, slack: stream.below(4) }
    }

    /// The partitions for a guest of some size, and which of them is the guest's.
    pub fn partitions(&self, least: u64, cells: u64) -> (Vec<Partition>, usize) {
        let sizes = [self.before.map(|n| least + n), Some(cells), self.behind.map(|n| least + n)];
        (partitions(least + self.own, &sizes), usize::from(self.before.is_some()))
    }
}

/// Partitions one behind the other.
pub fn partitions(first: u64, sizes: &[Option<u64>]) -> Vec<Partition> {
    let mut first = u128::from(first);
    let mut all = Vec::new();
    for cells in sizes.iter().flatten() {
        all.push(Partition { first, cells: u128::from(*cells) });
        first += u128::from(*cells);
    }
    all
}

/// The control program of one floor, with its guests.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its kind.
    pub kind: Kind,
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// The guest that runs: the next floor, or the guest at the top.
    pub running: usize,
}

impl Plan {
    /// Where the guest that runs begins.
    pub fn first(&self) -> u128 {
        self.partitions[self.running].first
    }
}

/// Floors around a number of cells, lowest first, and the size of the machine below them.
pub fn plans(least: u64, floors: &[Floor], cells: u64) -> (Vec<Plan>, u64) {
    let mut plans = Vec::new();
    let mut size = cells;
    for floor in floors.iter().rev() {
        let (partitions, running) = floor.partitions(least, size);
        let end = partitions.last().map_or(0, |it| it.first + it.cells);
        size = end as u64 + floor.slack;
        plans.push(Plan { kind: floor.kind, partitions, running });
    }
    plans.reverse();
    (plans, size)
}

/// Where the guest of a tower is.
#[derive(Clone)]
pub struct Scene {
    /// What the specification says.
    pub layout: Arc<MachineLayout>,
    /// The guest's storage, as cells of the installation.
    pub guest: Partition,
    /// Cells of the installation.
    pub cells: u64,
}

/// What towers are made of.
pub trait Workshop {
    /// The engine of the real machine.
    fn engine(&self, scene: &Scene) -> Box<dyn Engine>;

    /// The machine that a control program is put on.
    fn under(&self, machine: Box<dyn Level>, _scene: &Scene) -> Box<dyn Level> {
        machine
    }

    /// Whether control programs are made only where the classification admits them.
    fn asks(&self) -> bool {
        true
    }

    /// Lets another guest run.
    fn switch(&self, monitor: &mut Monitor, guest: usize) {
        monitor.switch(guest);
    }
}

/// Makes an engine for a machine.
pub type MakeEngine = fn(&Arc<MachineLayout>) -> Box<dyn Engine>;

/// Towers as they should be.
pub struct Sound(pub MakeEngine);

impl Workshop for Sound {
    fn engine(&self, scene: &Scene) -> Box<dyn Engine> {
        (self.0)(&scene.layout)
    }
}

/// Towers whose control programs are made without asking whether guests can tell.
pub struct Anyway(pub MakeEngine);

impl Workshop for Anyway {
    fn engine(&self, scene: &Scene) -> Box<dyn Engine> {
        (self.0)(&scene.layout)
    }

    fn asks(&self) -> bool {
        false
    }
}

/// A tower of control programs on a real machine.
pub struct Tower {
    /// The guest at the top.
    pub top: Box<dyn Level>,
    /// Where it is.
    pub scene: Scene,
    /// M and R of the machine below each floor, as its control program found them, lowest first.
    pub own: Vec<Vec<u64>>,
}

impl Tower {
    /// Puts floors on a real machine, lowest first, for a guest with a number of cells. The first
    /// control program finds registers of R and storage filled by a seed.
    pub fn new(
        world: &World,
        shop: &dyn Workshop,
        floors: &[Floor],
        cells: u64,
        seed: u64,
    ) -> Self {
        let least = world.layout.isa.least_cells() as u64;
        let (plans, size) = plans(least, floors, cells);
        let first = plans.iter().map(Plan::first).sum();
        let guest = Partition { first, cells: u128::from(cells) };
        let scene = Scene { layout: Arc::clone(&world.layout), guest, cells: size };
        Self::with(world, shop, &plans, scene, seed)
    }

    /// The same, with the partitions of each floor and the one that is built upon.
    pub fn with(
        world: &World,
        shop: &dyn Workshop,
        plans: &[Plan],
        scene: Scene,
        seed: u64,
    ) -> Self {
        let mut bare = Bare::new(&scene.layout, scene.cells as usize, shop.engine(&scene));
        machine::set_state(&mut bare, &found(world, scene.cells, seed));
        let mut top: Box<dyn Level> = Box::new(bare);
        let mut own = Vec::new();
        for Plan { kind, partitions, running } in plans {
            own.push(top.control().to_vec());
            let below = shop.under(top, &scene);
            let vmm = if shop.asks() {
                Vmm::construct(below, *kind, &world.known, partitions)
            } else {
                Vmm::anyway(below, *kind, &world.pair, partitions)
            };
            let mut vmm = vmm.expect("the monitor can be set up");
            if *running != 0 {
                shop.switch(&mut vmm, *running);
            }
            top = Box::new(vmm);
        }
        Self { top, scene, own }
    }

    /// The control program that makes the guest.
    pub fn monitor(&mut self) -> &mut Monitor {
        self.top.monitor().expect("a tower has a floor")
    }

    /// The guest's storage, as cells of the installation.
    pub fn inside(&self) -> Range<u64> {
        let Partition { first, cells } = self.scene.guest;
        first as u64..(first + cells) as u64
    }

    /// Every cell of the installation.
    pub fn storage(&mut self) -> Vec<u64> {
        self.top.hardware().cpu.contents().to_vec()
    }
}

/// The real machine as the first control program finds it: all kinds of things in storage and in
/// the components of R that are its own, as long as the machine runs and its promises hold.
fn found(world: &World, cells: u64, seed: u64) -> State {
    let isa = &world.layout.isa;
    let mut stream = Stream::new(seed);
    let mut state = State::zero(isa, u128::from(cells));
    let empty = state.clone();
    for bits in &world.resources {
        let place = state.registers.iter_mut().flatten().nth(bits.slot);
        let value = u128::from(stream.bits() & bits.mask);
        if let Some(place) = place {
            *place |= value;
        }
    }
    let mut user = state.clone();
    if let Some(mode) = isa.mode {
        user.set_part(mode, world.pair.user.1);
    }
    let halted = |s: &State| isa.halted.as_ref().is_some_and(|e| interp::value(e, s).is_true());
    if halted(&user) || !holds(isa, &user) {
        state = empty;
    }
    for cell in 0..u128::from(cells) {
        state.store(cell, stream.value(isa.storage.width));
    }
    state
}

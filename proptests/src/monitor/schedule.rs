//! Neighbours: several guests of one control program, each as if it were alone.

use model::map::Partition;
use model::state::State;
use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;
use refvmm::engine::OnTrap;
use refvmm::machine::{self, Bare, Machine};
use refvmm::vmm::Kind;

use super::guests::Guest;
use super::lockstep::Setup;
use super::shrink::{Smaller, Tree, stream};
use super::tower::{Floor, Plan, Scene, Tower, partitions, plans};
use super::world::World;
use crate::Stream;

/// Guests that take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    /// The kind of their control program.
    pub kind: Kind,
    /// Control programs under it.
    pub below: Vec<Floor>,
    /// The guests.
    pub guests: Vec<Guest>,
    /// Who runs, and for how many instructions.
    pub turns: Vec<Turn>,
    /// What the control program finds in the real machine.
    pub found: u64,
}

/// One guest's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which guest.
    pub guest: usize,
    /// How many instructions.
    pub steps: u64,
}

/// Random turns on a machine.
#[derive(Clone)]
pub struct Schedules<'w> {
    /// The machine.
    pub world: &'w World,
    /// Kinds of control programs.
    pub kinds: Vec<Kind>,
}

impl Schedules<'_> {
    /// Turns from a stream of numbers.
    pub fn random(&self, stream: &mut Stream) -> Turns {
        let count = 2 + stream.below(3);
        let guests = (0..count).map(|_| Guest::random(self.world, stream)).collect();
        let turn = |stream: &mut Stream| Turn {
            guest: stream.below(count) as usize,
            steps: stream.below(5),
        };
        let turns = (0..2 + stream.below(12)).map(|_| turn(stream)).collect();
        let kind = self.kinds[stream.below(self.kinds.len() as u64) as usize];
        let depth = stream.below(4).saturating_sub(1);
        let below = (0..depth).map(|_| Floor::random(&self.kinds, stream)).collect();
        Turns { kind, below, guests, turns, found: stream.bits() }
    }
}

impl std::fmt::Debug for Schedules<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "turns on {}", self.world.name)
    }
}

impl Strategy for Schedules<'_> {
    type Tree = Tree<Turns>;
    type Value = Turns;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(Tree::new(self.random(&mut stream(runner))))
    }
}

impl Setup<'_> {
    /// Lets guests take turns; each is at all times in the state of its own bare machine.
    pub fn check_turns(&self, it: &Turns) -> Result<(), String> {
        let world = self.world;
        let least = world.layout.isa.least_cells() as u64;
        let sizes: Vec<Option<u64>> = it.guests.iter().map(|g| Some(g.cells(world))).collect();
        let all = partitions(least + 1, &sizes);
        let last = all.last().ok_or("no guests")?;
        let (mut plans, cells) = plans(least, &it.below, (last.first + last.cells) as u64 + 1);
        let offset: u128 = plans.iter().map(Plan::first).sum();
        plans.push(Plan { kind: it.kind, partitions: all.clone(), running: 0 });
        let shifted = |it: Partition| Partition { first: it.first + offset, ..it };
        let scene = Scene { layout: world.layout.clone(), guest: shifted(all[0]), cells };
        let mut tower = Tower::with(world, self.shop, &plans, scene, it.found);
        let mut real = Vec::new();
        for (i, guest) in it.guests.iter().enumerate() {
            let start = guest.state(world);
            let engine = (self.beside)(&world.layout);
            let mut bare = Bare::new(&world.layout, start.cells as usize, engine);
            machine::set_state(&mut bare, &start);
            real.push(bare);
            self.shop.switch(tower.monitor(), i);
            machine::set_state(&mut tower.top, &start);
        }
        for (n, turn) in it.turns.iter().enumerate() {
            self.shop.switch(tower.monitor(), turn.guest);
            let before = tower.storage();
            self.turn(*turn, &mut tower, &mut real[turn.guest])
                .and_then(|()| outside(&before, &tower.storage(), shifted(all[turn.guest])))
                .map_err(|e| format!("turn {n}: {e}"))?;
        }
        for (i, bare) in real.iter_mut().enumerate() {
            self.shop.switch(tower.monitor(), i);
            same(world, bare, &mut tower).map_err(|e| format!("guest {i} at the end: {e}"))?;
        }
        Ok(())
    }

    fn turn(&self, turn: Turn, tower: &mut Tower, real: &mut Bare) -> Result<(), String> {
        same(self.world, real, tower)?;
        for _ in 0..turn.steps {
            if !self.world.promised(&machine::state(real)) {
                break;
            }
            let a = real.run(1, OnTrap::Deliver);
            let b = tower.top.run(1, OnTrap::Deliver);
            if a != b {
                return Err(format!("stops: {a:?} on the bare machine, {b:?} on the virtual"));
            }
        }
        same(self.world, real, tower)
    }
}

/// Storage of the others and of the control program is untouched.
fn outside(before: &[u64], after: &[u64], partition: Partition) -> Result<(), String> {
    let mut changed = (0u128..).zip(before.iter().zip(after)).filter(|(_, (x, y))| x != y);
    let inside = partition.first..partition.first + partition.cells;
    match changed.find(|(cell, _)| !inside.contains(cell)) {
        Some((cell, _)) => Err(format!("cell {cell} outside {inside:?} was written")),
        None => Ok(()),
    }
}

fn same(world: &World, real: &mut Bare, tower: &mut Tower) -> Result<(), String> {
    let (a, b) = (machine::state(real), machine::state(&mut tower.top));
    if a != b {
        let rows = State::table(&world.layout.isa, &[&a, &b]);
        let rows: Vec<String> =
            rows.iter().filter(|r| r.differs()).map(|r| r.name.clone()).collect();
        return Err(format!("{} differ", rows.join(", ")));
    }
    if machine::taken(real) != machine::taken(&mut tower.top) {
        return Err("other traps were taken".into());
    }
    if machine::output(real) != machine::output(&mut tower.top) {
        return Err("other output was written".into());
    }
    Ok(())
}

impl Smaller for Turn {
    fn smaller(&self) -> Vec<Self> {
        let fewer = [0, 1, self.steps / 2].into_iter().filter(|n| *n < self.steps);
        fewer.map(|steps| Self { steps, ..*self }).collect()
    }
}

impl Smaller for Turns {
    fn smaller(&self) -> Vec<Self> {
        let below = self.below.smaller().into_iter();
        let mut all: Vec<Self> = below.map(|below| Self { below, ..self.clone() }).collect();
        let turns = self.turns.smaller().into_iter();
        all.extend(turns.map(|turns| Self { turns, ..self.clone() }));
        // Guests keep their numbers.
        for (i, guest) in self.guests.iter().enumerate() {
            for less in guest.smaller() {
                let mut other = self.clone();
                other.guests[i] = less;
                all.push(other);
            }
        }
        all
    }
}

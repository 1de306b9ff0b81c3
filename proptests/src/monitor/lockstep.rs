//! The three properties, step by step: equivalence, resource control, efficiency.

use std::collections::BTreeSet;

use model::map::Partition;
use model::state::State;
use refvmm::engine::{OnTrap, Stop, Why};
use refvmm::machine::{self, Bare, Machine};
use refvmm::vmm::{Counts, Kind};

use super::shrink::Case;
use super::tower::{Level, MakeEngine, Tower, Workshop};
use super::world::World;

/// How cases are looked at.
pub struct Setup<'a> {
    /// The machine.
    pub world: &'a World,
    /// What the towers are made of.
    pub shop: &'a dyn Workshop,
    /// The engine of the bare machine beside the tower.
    pub beside: MakeEngine,
    /// Whether it looks at the real M and R, beside what a guest and its neighbours can tell.
    pub inspects: bool,
}

/// What a case came to, for those who count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Instructions compared.
    pub steps: u64,
    /// The classes of those that could be fetched.
    pub classes: BTreeSet<usize>,
    /// Traps the guest took, by [`model::isa::TrapId`].
    pub taken: Vec<u64>,
    /// Why the guest stopped, if it did before its steps were used up.
    pub stopped: Option<Why>,
    /// What became of its instructions.
    pub counts: Counts,
}

/// A guest on the bare machine and in a tower.
pub struct Duel<'a> {
    setup: &'a Setup<'a>,
    real: Bare,
    tower: Tower,
}

impl Setup<'_> {
    /// Runs a case; an error says which property is broken.
    pub fn check(&self, case: &Case) -> Result<Tally, String> {
        let cells = case.guest.cells(self.world);
        let tower = Tower::new(self.world, self.shop, &case.floors, cells, case.found);
        let real = Bare::new(&self.world.layout, cells as usize, (self.beside)(&self.world.layout));
        Duel { setup: self, real, tower }.fight(&case.guest.state(self.world), case.guest.steps)
    }
}

impl Duel<'_> {
    fn fight(&mut self, start: &State, steps: u64) -> Result<Tally, String> {
        let world = self.setup.world;
        let outside = self.tower.storage();
        machine::set_state(&mut self.real, start);
        machine::set_state(&mut self.tower.top, start);
        let first = self.tower.monitor().counts().clone();
        let mut tally = Tally::default();
        let mut state = machine::state(&mut self.real);
        self.equal(&state)?;
        while tally.steps < steps && world.promised(&state) {
            let class = world.class(&state);
            let before = Before {
                counts: counts(&mut self.tower.top),
                innocuous: class.is_some_and(|class| world.is_innocuous(class)),
                user: world.is_user(&state),
                taken: self.taken(),
            };
            let a = self.real.run(1, OnTrap::Deliver);
            let b = self.tower.top.run(1, OnTrap::Deliver);
            let at = |what: String| format!("step {}: {what}", tally.steps);
            if a != b {
                return Err(at(format!("stops: {a:?} on the bare machine, {b:?} on the virtual")));
            }
            state = machine::state(&mut self.real);
            self.equal(&state).map_err(at)?;
            self.said()?;
            self.outside(&outside).map_err(at)?;
            self.controlled(&state).map_err(at)?;
            self.efficient(&before, a)?;
            tally.steps += a.steps;
            tally.classes.extend(class.filter(|_| a.steps > 0));
            if a.steps == 0 {
                tally.stopped = Some(a.why);
                break;
            }
        }
        tally.taken = machine::taken(&mut self.real);
        tally.counts = less(self.tower.monitor().counts(), &first);
        self.again(start, &state, &outside, &tally)?;
        Ok(tally)
    }

    /// The same without a stop after each instruction: same end, same counts.
    fn again(
        &mut self,
        start: &State,
        end: &State,
        outside: &[u64],
        tally: &Tally,
    ) -> Result<(), String> {
        machine::set_state(&mut self.tower.top, start);
        let first = self.tower.monitor().counts().clone();
        let _ = machine::output(&mut self.tower.top);
        let _ = machine::output(&mut self.real);
        machine::set_state(&mut self.real, start);
        let fuel = tally.steps + if tally.stopped.is_some() { 3 } else { 0 };
        let a = self.real.run(fuel, OnTrap::Deliver);
        let b = self.tower.top.run(fuel, OnTrap::Deliver);
        let at = |what: String| format!("in one go: {what}");
        if a != b || a.steps != tally.steps {
            return Err(at(format!("stops: {a:?} on the bare machine, {b:?} on the virtual")));
        }
        self.equal(end).map_err(at)?;
        self.said().map_err(at)?;
        self.outside(outside).map_err(at)?;
        self.controlled(end).map_err(at)?;
        let counts = less(self.tower.monitor().counts(), &first);
        // A stop that is no instruction may be met by the engine that runs directly.
        if counts != tally.counts {
            return Err(at(format!("{counts:?}, step by step {:?}", tally.counts)));
        }
        Ok(())
    }

    fn taken(&mut self) -> u64 {
        machine::taken(&mut self.real).iter().sum()
    }

    /// Equivalence: the virtual machine is in the state of the bare one.
    fn equal(&mut self, real: &State) -> Result<(), String> {
        let guest = machine::state(&mut self.tower.top);
        if guest == *real {
            return Ok(());
        }
        let rows = State::table(&self.setup.world.layout.isa, &[real, &guest]);
        let rows: Vec<String> = rows
            .iter()
            .filter(|row| row.differs())
            .map(|row| format!("{} is {}, not {}", row.name, row.text(1), row.text(0)))
            .collect();
        Err(rows.join("; "))
    }

    /// Equivalence of what is not in the state: traps taken, and output.
    fn said(&mut self) -> Result<(), String> {
        let (a, b) = (machine::output(&mut self.real), machine::output(&mut self.tower.top));
        if a != b {
            return Err(format!("wrote {b:?}, not {a:?}"));
        }
        let (a, b) = (machine::taken(&mut self.real), machine::taken(&mut self.tower.top));
        if a != b {
            return Err(format!("took traps {b:?}, not {a:?}"));
        }
        Ok(())
    }

    /// Resource control: storage outside the partition, and the real console, are as they were.
    fn outside(&mut self, before: &[u64]) -> Result<(), String> {
        let inside = self.tower.inside();
        let now = self.tower.storage();
        let changed = (0..).zip(now.iter().zip(before));
        let escaped = changed.filter(|(_, (x, y))| x != y).find(|(cell, _)| !inside.contains(cell));
        if let Some((cell, _)) = escaped {
            return Err(format!("cell {cell} outside {inside:?} was written"));
        }
        let cpu = &self.tower.top.hardware().cpu;
        if !cpu.output.is_empty() || cpu.taken.iter().any(|n| *n > 0) {
            return Err("the real machine wrote something or ran its own trap sequence".into());
        }
        Ok(())
    }

    /// Resource control: on each floor M is user, the mapping is f's and leads into the partition,
    /// and the rest of R is the control program's own.
    fn controlled(&mut self, state: &State) -> Result<(), String> {
        if !self.setup.inspects {
            return Ok(());
        }
        let mut guest: Vec<u64> = state.registers.iter().flatten().map(|v| *v as u64).collect();
        let mut cells = state.cells;
        let mut level = &mut self.tower.top;
        for (floor, own) in self.tower.own.iter().enumerate().rev() {
            let monitor = level.monitor().ok_or("a floor is missing")?;
            let (first, size) = (monitor.window().start as u128, cells);
            level = monitor.below();
            let start = level.window();
            let partition = Partition { first: first - start.start as u128, cells: size };
            let control = match floor {
                0 => level.hardware().cpu.registers.clone(),
                _ => level.control().to_vec(),
            };
            let wanted = composed(self.setup.world, &guest, partition, own);
            let isa = &self.setup.world.layout.isa;
            for bits in &self.setup.world.layout.control {
                let (found, wanted) = (bits.get(&control), bits.get(&wanted));
                if found != wanted {
                    let name = &name(isa, bits.slot);
                    return Err(format!(
                        "floor {floor}: real {name} is {found:#x}, not {wanted:#x}"
                    ));
                }
            }
            cells = start.len() as u128;
            let (l, b) = model::map::window(isa, &with(isa, cells, &control));
            let last = partition.first + partition.cells;
            if b > 0 && (l < partition.first || l + b > last) {
                return Err(format!(
                    "floor {floor}: window {l}+{b} leaves {}..{last}",
                    partition.first
                ));
            }
            guest = control;
        }
        Ok(())
    }

    /// Efficiency: on every floor each instruction counts once, and innocuous ones that do not trap
    /// run directly, without the control program.
    fn efficient(&mut self, before: &Before, stop: Stop) -> Result<(), String> {
        let trapped = self.taken() > before.taken;
        let after = counts(&mut self.tower.top);
        let mut top = true;
        for ((kind, now), (_, old)) in after.iter().zip(&before.counts) {
            let change = less(now, old);
            let entries: u64 = change.traps.iter().sum();
            let Counts { direct, emulated, reflected, interpreted, .. } = change;
            let complain = |what: &str| Err(format!("{what}: {change:?}"));
            if top && direct + emulated + reflected + interpreted != stop.steps {
                return complain("an instruction does not count once");
            }
            if (interpreted > 0) != (top && *kind == Kind::Hybrid && !before.user && stop.steps > 0)
            {
                return complain("wrong instructions are interpreted");
            }
            let free = before.innocuous && !trapped && stop.steps > 0;
            // Below a hybrid monitor nothing runs while it interprets.
            let runs = after[0].0 == Kind::Vmm || before.user;
            if free && runs && (direct, entries) != (1, 0) {
                return complain("an innocuous instruction did not run directly");
            }
            if top && *kind == Kind::Vmm && entries != emulated + reflected && stop.steps > 0 {
                return complain("an entry without an instruction");
            }
            if top && interpreted == 0 && (reflected > 0) != trapped {
                return complain("a trap that is not reflected, or one that is none");
            }
            top = false;
        }
        Ok(())
    }
}

/// What was before an instruction.
struct Before {
    counts: Vec<(Kind, Counts)>,
    innocuous: bool,
    user: bool,
    taken: u64,
}

/// Kind and counts of all floors, the highest first.
fn counts(top: &mut Box<dyn Level>) -> Vec<(Kind, Counts)> {
    let mut all = Vec::new();
    let mut level = top;
    while let Some(monitor) = level.monitor() {
        all.push((monitor.kind(), monitor.counts().clone()));
        level = monitor.below();
    }
    all
}

fn less(now: &Counts, before: &Counts) -> Counts {
    Counts {
        direct: now.direct - before.direct,
        emulated: now.emulated - before.emulated,
        reflected: now.reflected - before.reflected,
        interpreted: now.interpreted - before.interpreted,
        traps: now.traps.iter().zip(&before.traps).map(|(x, y)| x - y).collect(),
    }
}

/// M and R of the machine below a guest, by f.
fn composed(world: &World, guest: &[u64], partition: Partition, own: &[u64]) -> Vec<u64> {
    let isa = &world.layout.isa;
    let window = model::map::window(isa, &with(isa, partition.cells, guest));
    let (l, b) = world.map.mapping(window, partition);
    let mut real = own.to_vec();
    let parts = [(isa.mode, world.pair.user.1), (isa.relocation, l), (isa.bounds, b)];
    for (part, value) in parts {
        if let Some(part) = part {
            world.layout.part(part).set(&mut real, value as u64);
        }
    }
    real
}

/// A state with these registers and nothing in storage.
fn with(isa: &model::isa::Isa, cells: u128, registers: &[u64]) -> State {
    let mut state = State::zero(isa, cells);
    for (place, value) in state.registers.iter_mut().flatten().zip(registers) {
        *place = u128::from(*value);
    }
    state
}

/// The name of the register in a slot.
fn name(isa: &model::isa::Isa, slot: usize) -> String {
    let names = isa.registers.iter().flat_map(|r| (0..r.len()).map(|_| r.name.clone()));
    names.into_iter().nth(slot).unwrap_or_default()
}

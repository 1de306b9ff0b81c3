//! Whether one step of the monitor's gives the processor to every guest: all guests are enumerated, and for each the
//! states of the monitor's, against all clocks and all contents of the cells beyond its own.
//!
//! The monitor may have another state for each guest. The analyzer asks for more, one place for each bit of the guest's;
//! so what it finds must be found here, and not the other way round.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use model::interp::{self, Outcome, Place, run_plain};
use model::isa::{Kind, Part, RegisterId, Role, Slice};
use model::map::window;
use model::state::State;

use super::cases;
use super::theorem::{Judged, Kept, lead_with};
use super::two::{Sharing, Two};
use super::world::{
    Asked, Case, Free, Half, Lacks, Owner, World, all_slices, bits, cells, exists_among, is_chosen,
    is_resource, is_the_mode, registers_read, registers_written, set_bits, window_registers,
};

/// A register, which one of a file, and which bits of it.
type Component<'i> = (RegisterId, u32, &'i Slice);

fn is_mapping(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
}

impl Judged<'_> {
    /// Whether one instruction, with the monitor in cells of its own, leads to every guest beyond them.
    pub fn hands_over(&self, kept: &[(Part, u128)]) -> bool {
        let isa = self.isa;
        let all = isa.storage.cells;
        let components = self.handed_over();
        let leads = RefCell::new(BTreeMap::new());
        let closed = |class: &&model::isa::Class| class.body.choices.is_empty();
        isa.classes.iter().filter(closed).any(|class| {
            cases(isa, class, self.pair, self.strays).iter().any(|case| {
                (isa.least_cells()..all).any(|first| {
                    let (components, leads) = (&components, &leads);
                    let scene = Scene { judged: self, case, components, first, kept, leads };
                    let guests = scene.guests();
                    !guests.is_empty() && guests.iter().all(|guest| scene.reaches(guest))
                })
            })
        })
    }

    /// P, the mapping, and M but for the mode and what de-privileging writes.
    fn handed_over(&self) -> Vec<Component<'_>> {
        let isa = self.isa;
        let written = registers_written(&self.pair.deprivilege.statements);
        let is_one = |(id, _, slice): &Component<'_>| match slice.role {
            Role::P => true,
            Role::R => is_mapping(slice),
            Role::M => !is_the_mode(isa, *id, slice) && !written.contains(id),
            Role::E => false,
        };
        all_slices(isa).filter(is_one).collect()
    }
}

/// An instruction, and a monitor in the cells below `first`.
struct Scene<'s> {
    judged: &'s Judged<'s>,
    case: &'s Case<'s>,
    components: &'s [Component<'s>],
    first: u128,
    kept: &'s [(Part, u128)],
    /// Whether traps lead to the monitor, by components and cells that decide it.
    leads: &'s RefCell<BTreeMap<Vec<u128>, bool>>,
}

impl Scene<'_> {
    /// Every guest beyond the monitor's cells: what it has in the components.
    fn guests(&self) -> Vec<State> {
        let isa = self.case.isa;
        let total = isa.storage.cells;
        let width: u32 = self.components.iter().map(|(.., slice)| slice.width).sum();
        assert!(width < 24, "too many guests to look at");
        let of = |mut number: u128| {
            let mut state = State::zero(isa, total);
            for (id, i, slice) in self.components {
                set_bits(
                    &mut state,
                    *id,
                    (*i).into(),
                    slice,
                    number & model::bits::mask(slice.width),
                );
                number >>= slice.width;
            }
            isa.mode.into_iter().for_each(|part| state.set_part(part, self.case.pair.user.1));
            state
        };
        let is_placed = |state: &State| {
            let (base, size) = window(isa, state);
            self.first <= base && size > 0 && base + size <= total
        };
        let is_component = |id: &RegisterId| self.components.iter().any(|(it, ..)| it == id);
        let admitted = |state: &State| {
            isa.assumptions.iter().all(|a| {
                let about = registers_read(&a.that).iter().any(is_component);
                !about || interp::value(&a.that, state).is_true()
            })
        };
        (0..1u128 << width).map(of).filter(|it| is_placed(it) && admitted(it)).collect()
    }

    /// Whether some state of the monitor's leads to a guest, whatever else there is.
    fn reaches(&self, guest: &State) -> bool {
        let choice = |world: &World| {
            let misses = |world: &World| self.misses(guest, world);
            let mut world = world.clone();
            exists_among(&mut world, &|free| !self.is_choice(free), &misses).map(|misses| !misses)
        };
        exists_among(&mut World::new(), &|free| self.is_choice(free), &choice) == Ok(true)
    }

    /// What the monitor can have as it likes.
    fn is_choice(&self, free: Free) -> bool {
        match free {
            Free::Bits(_, id, _, low) => {
                let mut slices = self.case.isa.register(id).slices.iter();
                let is_set = |s: &Slice| s.role != Role::R || is_chosen(s) || is_mapping(s);
                slices.any(|s| s.low == low && is_set(s))
            }
            Free::Cell(_, cell) => cell < self.first,
            Free::Window(_) => false,
        }
    }

    /// The step does not lead to the guest.
    fn misses(&self, guest: &State, world: &World) -> Asked<bool> {
        let Case { isa, pair, .. } = *self.case;
        let modes = [pair.supervisor.1; 2];
        let cells = isa.storage.cells;
        let two = Two { case: self.case, cells, modes, varied: None, sharing: Sharing::Cells };
        let Some(half) = two.first(world)? else { return Ok(true) };
        if !self.is_fetched(&half)? {
            return Ok(true);
        }
        let run = self.case.run(&half, false)?;
        let Outcome::Step(after) = &run.outcome else { return Ok(true) };
        let vectors = self.judged.vectors();
        let mut named: BTreeSet<RegisterId> = window_registers(isa);
        named.extend(registers_written(&pair.deprivilege.statements));
        named.extend(self.judged.fixed.iter().chain(self.kept).map(|(part, _)| part.register));
        named.extend(vectors.iter().map(|part| part.register));
        isa.halted.iter().for_each(|halted| halted.registers(&mut named));
        isa.assumptions.iter().for_each(|a| named.extend(registers_read(&a.that)));
        for id in named {
            for i in 0..isa.register(id).len() {
                half.need(Place::Register(id, i.into()))?;
            }
        }
        for (id, i, slice) in self.components {
            half.need(Place::Register(*id, (*i).into()))?;
            let [is, wanted] = [after, guest].map(|it| bits(it, *id, (*i).into(), slice));
            if is != wanted {
                return Ok(true);
            }
        }
        let has = |state: &State, bits: &Kept| bits.iter().all(|(p, v)| state.part(*p) == *v);
        let user = isa.mode.is_none_or(|part| after.part(part) == pair.user.1);
        let halted = isa.halted.as_ref().is_some_and(|it| interp::value(it, after).is_true());
        let image = run_plain(&pair.deprivilege, after).registers == after.registers;
        let own = isa.assumptions.iter().all(|a| {
            let is_own = |id: &RegisterId| {
                isa.register(*id).slices.iter().all(|s| s.role == Role::M || is_resource(s))
            };
            !registers_read(&a.that).iter().all(is_own) || interp::value(&a.that, after).is_true()
        });
        let starts = user && !halted && image && own && has(after, &self.kept.to_vec());
        if !starts
            || !has(&half.state, &self.judged.fixed)
            || self.spoils(&half, &run.written, after)?
        {
            return Ok(true);
        }
        let at: Kept = vectors.iter().map(|part| (*part, after.part(*part))).collect();
        let mut low = World::new();
        for cell in isa.trap_cells.new.clone() {
            half.need(Place::Cell(cell))?;
            low.insert(Free::Cell(Owner::Both, cell), half.state.load(cell));
        }
        let key: Vec<u128> =
            at.iter().map(|(_, value)| *value).chain(low.values().copied()).collect();
        if let Some(known) = self.leads.borrow().get(&key) {
            return Ok(!known);
        }
        let leads = lead_with(isa, pair, &self.judged.entering(), &at, &low);
        self.leads.borrow_mut().insert(key, leads);
        Ok(!leads)
    }

    /// An instruction is fetched from the monitor's cells.
    fn is_fetched(&self, half: &Half) -> Asked<bool> {
        let isa = self.case.isa;
        let Some(how) = isa.all_fetches.first() else { return Ok(true) };
        let mut own = Half { state: half.state.clone(), lacks: half.lacks.clone() };
        for cell in self.first..isa.storage.cells {
            let lacks = Lacks(Free::Cell(Owner::Both, cell), isa.storage.width);
            own.lacks.insert(Place::Cell(cell), lacks);
        }
        match self.case.fetched(how, &own.state, &BTreeSet::new(), &own) {
            Err(Lacks(Free::Cell(_, cell), _)) if cell >= self.first => Ok(false),
            found => Ok(found?.is_some()),
        }
    }

    /// The step changes cells that are not the monitor's, or those of traps.
    fn spoils(&self, half: &Half, written: &BTreeSet<Place>, after: &State) -> Asked<bool> {
        for cell in cells(written) {
            half.need(Place::Cell(cell))?;
            let others = cell >= self.first || cell < self.case.isa.least_cells();
            if others && half.state.load(cell) != after.load(cell) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

//! A machine of a bundled specification, and what generators and properties need to know of it.

use std::sync::Arc;

use model::bits::mask;
use model::diagnostic::Sources;
use model::interp::{self, Fetched, Outcome};
use model::isa::{Class, Endian, Isa, Pair, Profile, Role, TrapId};
use model::map::VmMap;
use model::property::Property;
use model::state::State;
use refvmm::classification::Classification;
use refvmm::cpu::Cpu;
use refvmm::decode::encode;
use refvmm::engine::instruction;
use refvmm::layout::{Bits, MachineLayout};
use refvmm::vmm::Kind;

/// What a bit of M, P or R makes of the cells of an old PSW.
type Image = Vec<(u64, u64)>;

/// A machine that guests are made for.
pub struct World {
    /// Its name.
    pub name: String,
    /// What its specification says.
    pub layout: Arc<MachineLayout>,
    /// What the analyzer found out.
    pub known: Classification,
    /// The pair of modes that monitors use.
    pub pair: Pair,
    /// f.
    pub map: VmMap,
    /// Whether guests keep l + b ≤ w, as the paper assumes.
    pub within: bool,
    /// Whether guests keep the specification's assumptions.
    pub assumes: bool,
    /// Names of the classes.
    pub names: Vec<Arc<str>>,
    /// Classes that have an encoding.
    pub encoded: Vec<usize>,
    /// Those of them that are not innocuous, privileged, or that trap at the programmer's wish.
    pub special: Vec<usize>,
    /// By class: innocuous and not privileged, as its author expects and the analyzer confirms.
    innocuous: Vec<bool>,
    /// Slots of E with their widths, but for bits of other roles.
    pub general: Vec<Bits>,
    /// Bits of R that are neither relocation nor bounds.
    pub resources: Vec<Bits>,
    /// Cells of the shortest instruction.
    pub unit: u64,
    /// Where the bits of M, P and R stand in an old PSW: by slot and bit, cells and bits.
    images: Vec<(usize, Vec<Image>)>,
}

impl World {
    /// The machine of a bundled specification, by the name of its file.
    pub fn new(name: &str) -> Self {
        let path = format!("{}/../isa-specs/{name}", env!("CARGO_MANIFEST_DIR"));
        let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let mut sources = Sources::default();
        let loaded = model::load(&format!("{path}.yaml"), &open, &mut sources)
            .expect("bundled specifications load");
        let text = open(&format!("{path}.classification.json")).expect("it was analyzed");
        let known = Classification::read(&text, &sources).expect("the classification is current");
        let layout = MachineLayout::new(loaded.isa).expect("the machine runs guests");
        let isa = &layout.isa;
        let pair = isa.pairs.first().expect("the machine has modes").clone();
        let map = VmMap::of(isa).expect("the machine has relocation and bounds");
        let (mode, [l, b]) = (isa.mode, [isa.relocation, isa.bounds]);
        let parts: Vec<Bits> = [mode, l, b].into_iter().flatten().map(|p| layout.part(p)).collect();
        let encoded: Vec<usize> =
            (0..isa.classes.len()).filter(|i| isa.classes[*i].pattern.is_some()).collect();
        let innocuous: Vec<bool> = isa.classes.iter().map(is_innocuous).collect();
        let traps = |class: &Class| format!("{:?}", class.body.statements).contains("Trap(");
        let special = |i: &usize| !innocuous[*i] || isa.classes[*i].name.starts_with("div");
        let special: Vec<usize> = encoded
            .iter()
            .copied()
            .filter(|i| special(i) || isa.classes[*i].operands.len() < 2 && traps(&isa.classes[*i]))
            .collect();
        let of_role = |role: Role| {
            let mut all = Vec::new();
            for (id, register) in isa.register_ids() {
                let slices = register.slices.iter().filter(|s| s.role == role);
                let bits = slices.fold(0, |all, s| all | (mask(s.width) << s.low) as u64);
                for i in (0..register.len()).filter(|_| bits != 0) {
                    let slot = layout.slot(id, u128::from(i)).expect("it is in the file");
                    all.push(Bits { slot, mask: bits });
                }
            }
            all
        };
        let mut resources = of_role(Role::R);
        for bits in &mut resources {
            for part in parts.iter().filter(|p| p.slot == bits.slot) {
                bits.mask &= !part.mask;
            }
        }
        resources.retain(|bits| bits.mask != 0);
        let unit = encoded.iter().map(|i| isa.classes[*i].length as u64).min().unwrap_or(1);
        let names = isa.classes.iter().map(|class| class.name.as_str().into()).collect();
        let mut world = Self {
            names,
            name: name.to_owned(),
            known,
            pair,
            map,
            within: false,
            assumes: true,
            special,
            innocuous,
            general: of_role(Role::E),
            resources,
            unit,
            images: Vec::new(),
            encoded,
            layout: Arc::clone(&layout),
        };
        world.images = world.images();
        world
    }

    /// The same machine with guests that keep l + b ≤ w.
    #[must_use]
    pub fn within(mut self) -> Self {
        self.within = true;
        self
    }

    /// The same machine with guests that keep no assumption.
    #[must_use]
    pub fn anything(mut self) -> Self {
        self.assumes = false;
        self
    }

    /// The kinds of control programs that may be constructed.
    pub fn kinds(&self) -> Vec<Kind> {
        let admits = |kind: &Kind| self.known.admits(&self.layout.isa, *kind).is_ok();
        [Kind::Vmm, Kind::Hybrid].into_iter().filter(admits).collect()
    }

    /// Whether a guest in this state keeps what is assumed of guests.
    pub fn promised(&self, state: &State) -> bool {
        let isa = &self.layout.isa;
        let (l, b) = model::map::window(isa, state);
        (!self.within || l + b <= state.cells) && (!self.assumes || holds(isa, state))
    }

    /// The same of the state in a processor.
    pub(super) fn is_promised(&self, cpu: &mut Cpu) -> bool {
        let (l, b) = cpu.mapped(&self.layout);
        let mut holds = |e| cpu.value(&self.layout, e) != 0;
        let assumed = !self.assumes || self.layout.isa.assumptions.iter().all(|a| holds(&a.that));
        assumed && (!self.within || l + b <= u128::from(cpu.cells()))
    }

    /// Whether the state is one of virtual user mode.
    pub fn is_user(&self, state: &State) -> bool {
        self.layout.isa.mode.is_some_and(|mode| state.part(mode) == self.pair.user.1)
    }

    /// The class of the instruction at P; `None` if it cannot be fetched or is not listed.
    pub fn class(&self, state: &State) -> Option<usize> {
        let decoded = instruction(&self.layout.isa, |fetch| match interp::fetch(fetch, state) {
            Fetched::Word(word) => Ok(word),
            Fetched::Trap(_) | Fetched::Unpredictable | Fetched::Unknown => Err(()),
        });
        decoded.ok().flatten().map(|it| it.class)
    }

    /// Whether a class is innocuous and not privileged.
    pub fn is_innocuous(&self, class: usize) -> bool {
        self.innocuous[class]
    }

    /// The cells of an instruction, in order.
    pub fn cells(&self, class: &Class, operands: &[u128]) -> Vec<u64> {
        let isa = &self.layout.isa;
        let (Some(word), Some(pattern)) = (encode(class, operands), &class.pattern) else {
            return Vec::new();
        };
        let width = isa.storage.width;
        let count = pattern.width.div_ceil(width);
        let word = word << (count * width - pattern.width);
        let cell = |i: u32| (word >> (i * width) & mask(width)) as u64;
        match isa.endian {
            Endian::Big => (0..count).rev().map(cell).collect(),
            Endian::Little => (0..count).map(cell).collect(),
        }
    }

    /// The cells of a PSW ⟨M, P, R⟩ as instructions and traps load it, if traps show how it looks.
    pub fn psw(&self, registers: &[u64]) -> Vec<u64> {
        let old = &self.layout.isa.trap_cells.old;
        let mut cells = vec![0; (old.end - old.start) as usize];
        for (slot, images) in &self.images {
            let mut rest = registers[*slot];
            while rest != 0 {
                for (cell, bits) in &images[rest.trailing_zeros() as usize] {
                    cells[*cell as usize] |= bits;
                }
                rest &= rest - 1;
            }
        }
        cells
    }

    /// What each bit of M, P and R does to the old PSW.
    fn images(&self) -> Vec<(usize, Vec<Image>)> {
        let isa = &self.layout.isa;
        let cells = isa.trap_cells.old.clone();
        let saved = |state: State| match interp::take_trap(isa, TrapId(0), None, state) {
            Outcome::Trap(_, after) => cells.clone().map(|c| after.load(c) as u64).collect(),
            Outcome::Step(_) | Outcome::Unpredictable | Outcome::Unknown => Vec::new(),
        };
        let zero = State::zero(isa, isa.least_cells() + 64);
        let plain: Vec<u64> = saved(zero.clone());
        let mut all: Vec<(usize, Vec<Image>)> = Vec::new();
        for bits in self.layout.control.iter().chain(&self.layout.counter) {
            let known = all.iter().position(|(slot, _)| *slot == bits.slot);
            let at = known.unwrap_or_else(|| {
                all.push((bits.slot, vec![Image::new(); 64]));
                all.len() - 1
            });
            for bit in (0..64).map(|i| 1 << i).filter(|bit| bits.mask & bit != 0) {
                let mut state = zero.clone();
                if let Some(place) = state.registers.iter_mut().flatten().nth(bits.slot) {
                    *place |= u128::from(bit);
                }
                let differs = saved(state).into_iter().zip(&plain).map(|(x, y)| x ^ y);
                let places = (0..).zip(differs).filter(|(_, bits)| *bits != 0).collect();
                all[at].1[bit.trailing_zeros() as usize] = places;
            }
        }
        all
    }
}

/// Whether the specification's assumptions hold.
pub(super) fn holds(isa: &Isa, state: &State) -> bool {
    isa.assumptions.iter().all(|a| interp::value(&a.that, state).is_true())
}

/// Whether the author expects the class to be innocuous and not privileged.
fn is_innocuous(class: &Class) -> bool {
    let refined = class.expect.iter().filter(|(profile, _)| *profile == Profile::Refined);
    let words: Vec<_> = refined.flat_map(|(_, words)| words).filter(|w| w.holds).collect();
    let says = |property| words.iter().any(|w| w.property == property);
    says(Property::Innocuous) && !says(Property::Privileged)
}

//! What running a machine needs to know of its specification, worked out once.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use model::bits::{Op, mask};
use model::isa::{Body, Class, Expr, ExprKind, Isa, Kind, Part, RegisterId, Role, Slice};

use crate::decode::Decoder;

/// Widest register and cell that the engines hold.
pub const MAX_WIDTH: u32 = 64;

/// Most physical cells a running machine may have.
pub const MAX_CELLS: u64 = 1 << 28;

/// Most registers that decide what a virtual machine's M and R come to.
pub(crate) const DECIDING: usize = 4;

/// A machine as the engines see it: its registers stand one after the other, each in a slot.
#[derive(Debug)]
pub struct MachineLayout {
    /// The specification.
    pub isa: Isa,
    /// First slot of each register.
    offsets: Vec<usize>,
    /// Number of slots.
    pub slots: usize,
    /// The bits of P.
    pub counter: Vec<Bits>,
    /// The bits of M and R: what a control program keeps of a virtual machine.
    pub control: Vec<Bits>,
    /// What opcodes do that no instruction lists, as a class without encoding.
    pub unlisted: Option<Class>,
    /// The slot of the first device component: what is written there is the machine's output.
    pub console: Option<usize>,
    /// Finds the classes of instructions.
    pub(crate) decoder: Decoder,
    /// By slot, the bits that are not of M and R.
    others: Vec<u64>,
    /// The slots from the first to the last one with bits of M and R.
    among: Range<usize>,
    /// Slots of the at most four registers that determine the window and `halted`, padded by repetition. `None` if
    /// more registers or other state matter.
    pub(crate) deciding: Option<[usize; DECIDING]>,
}

/// Some bits of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits {
    /// The slot.
    pub slot: usize,
    /// The bits, in place.
    pub mask: u64,
}

impl MachineLayout {
    /// The layout of a machine that can run guests; else the reason why it cannot.
    pub fn new(isa: Isa) -> Result<Arc<Self>, String> {
        let name = &isa.name;
        if isa.fetches.is_empty() {
            return Err(format!("`{name}` has no encodings: it is analyzed, but runs no guests"));
        }
        if let Some(register) = isa.registers.iter().find(|r| r.width > MAX_WIDTH) {
            let (register, width) = (&register.name, register.width);
            return Err(format!("`{register}` has {width} bits; engines hold {MAX_WIDTH}"));
        }
        if isa.storage.width > MAX_WIDTH {
            return Err(format!("cells have {} bits; engines hold 64", isa.storage.width));
        }
        let mut slots = 0;
        let offset = |r: &model::isa::Register| {
            slots += r.len() as usize;
            slots - r.len() as usize
        };
        let offsets: Vec<usize> = isa.registers.iter().map(offset).collect();
        let bits = |wanted: &dyn Fn(&Slice) -> bool| -> Vec<Bits> {
            let mut all = Vec::new();
            for (register, offset) in isa.registers.iter().zip(&offsets) {
                let chosen = register.slices.iter().filter(|s| wanted(s));
                let mask = chosen.fold(0, |all, s| all | (mask(s.width) << s.low) as u64);
                if mask != 0 {
                    all.extend(
                        (0..register.len() as usize).map(|i| Bits { slot: offset + i, mask }),
                    );
                }
            }
            all
        };
        let counter = bits(&|s| s.role == Role::P);
        let control = bits(&|s| matches!(s.role, Role::M | Role::R));
        let mut others = vec![u64::MAX; slots];
        for Bits { slot, mask } in &control {
            others[*slot] &= !mask;
        }
        let first = control.first().map_or(0, |bits| bits.slot);
        let among = first..control.last().map_or(0, |bits| bits.slot + 1);
        let console = bits(&|s| s.kind == Some(Kind::Device)).first().map(|b| b.slot);
        let unlisted = isa.unlisted.as_ref().map(|body| unlisted(&isa, body));
        let decoder = Decoder::new(&isa);
        let mut it = Self {
            isa,
            offsets,
            slots,
            counter,
            control,
            unlisted,
            console,
            decoder,
            others,
            among,
            deciding: None,
        };
        let window = it.isa.window.iter().flat_map(|window| [&window.base, &window.size]);
        let mut slots = BTreeSet::new();
        let decided = window.chain(&it.isa.halted).all(|e| it.is_of_control(e, &mut slots));
        let few = decided && slots.len() <= DECIDING;
        let (mut slots, mut last) = (slots.into_iter(), 0);
        it.deciding = few.then(|| {
            [(); DECIDING].map(|()| {
                last = slots.next().unwrap_or(last);
                last
            })
        });
        Ok(Arc::new(it))
    }

    /// The slot of a register; `None` past the end of its file.
    pub fn slot(&self, id: RegisterId, element: u128) -> Option<usize> {
        let there = element < u128::from(self.isa.register(id).len());
        there.then(|| self.offsets[id.index()] + element as usize)
    }

    /// Whether an expression reads nothing but bits of M and R; notes of which registers.
    fn is_of_control(&self, e: &Expr, slots: &mut BTreeSet<usize>) -> bool {
        if let Some((id, low)) = slice(e) {
            let bits = (mask(e.width) << low) as u64;
            return self.slot(id, 0).is_some_and(|slot| {
                slots.insert(slot);
                bits & self.others[slot] == 0
            });
        }
        match &e.kind {
            ExprKind::Apply(_, operands) => operands.iter().all(|e| self.is_of_control(e, slots)),
            // The number of cells is that of the partition.
            ExprKind::Const(_) | ExprKind::CellCount => true,
            ExprKind::Local(_)
            | ExprKind::Operand(_)
            | ExprKind::Register(_)
            | ExprKind::Element(..)
            | ExprKind::Load(_)
            | ExprKind::Choice(_) => false,
        }
    }

    /// The bits of a part.
    pub fn part(&self, part: Part) -> Bits {
        let mask = (mask(part.width) << part.low) as u64;
        Bits { slot: self.offsets[part.register.index()], mask }
    }
}

impl MachineLayout {
    /// Copies M and R.
    pub fn copy_control(&self, from: &[u64], to: &mut [u64]) {
        let slots = self.among.clone();
        let pairs = to[slots.clone()].iter_mut().zip(&from[slots.clone()]);
        for ((to, from), others) in pairs.zip(&self.others[slots]) {
            *to = *to & others | from & !others;
        }
    }

    /// Exchanges the M and R bits with `new`, saving the old ones in `out`. Returns whether they changed since the last
    /// exchange.
    pub fn swap_control(&self, registers: &mut [u64], out: &mut [u64], new: &[u64]) -> bool {
        let slots = self.among.clone();
        let old = out[slots.clone()].iter_mut().zip(&new[slots.clone()]);
        let now = registers[slots.clone()].iter_mut().zip(&self.others[slots]);
        let mut changed = 0;
        for ((old, new), (now, others)) in old.zip(now) {
            changed |= (*old ^ *now) & !others;
            *old = *now & !others;
            *now = *now & others | new & !others;
        }
        changed != 0
    }

    /// Whether registers agree but for M and R.
    pub fn same_but_control(&self, a: &[u64], b: &[u64]) -> bool {
        let differ = self.others.iter().zip(a.iter().zip(b));
        differ.fold(0, |all, (bits, (a, b))| all | (a ^ b) & bits) == 0
    }

    /// Whether M and R agree.
    pub fn same_control(&self, a: &[u64], b: &[u64]) -> bool {
        let slots = self.among.clone();
        let pairs = a[slots.clone()].iter().zip(&b[slots.clone()]);
        pairs.zip(&self.others[slots]).fold(0, |all, ((a, b), others)| all | (a ^ b) & !others) == 0
    }
}

/// The register that an expression is some bits of, and the lowest of them.
fn slice(e: &Expr) -> Option<(RegisterId, u128)> {
    match &e.kind {
        ExprKind::Register(id) => Some((*id, 0)),
        ExprKind::Apply(Op::Low, x) => slice(&x[0]),
        ExprKind::Apply(Op::Lshr, x) => match (&x[0].kind, &x[1].kind) {
            (ExprKind::Register(id), ExprKind::Const(by)) => Some((*id, *by)),
            _ => None,
        },
        _ => None,
    }
}

impl Bits {
    /// Their value, moved to the right.
    pub fn get(self, registers: &[u64]) -> u64 {
        (registers[self.slot] & self.mask) >> self.mask.trailing_zeros()
    }

    /// Sets them.
    pub fn set(self, registers: &mut [u64], value: u64) {
        let bits = value << self.mask.trailing_zeros() & self.mask;
        registers[self.slot] = registers[self.slot] & !self.mask | bits;
    }
}

/// Opcodes that no instruction lists, as an instruction of the shortest length.
fn unlisted(isa: &Isa, body: &Body) -> Class {
    let shortest = isa.classes.iter().filter(|c| c.pattern.is_some()).min_by_key(|c| c.length);
    let like = shortest.unwrap_or(&isa.classes[0]).clone();
    Class {
        name: "unlisted".into(),
        semantics: Vec::new(),
        pattern: None,
        syntax: None,
        operands: Vec::new(),
        when: None,
        when_text: None,
        body: Arc::new(body.clone()),
        notes: Vec::new(),
        expect: Vec::new(),
        outcomes: Vec::new(),
        runs: Vec::new(),
        ..like
    }
}

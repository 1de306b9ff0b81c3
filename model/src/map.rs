//! The VM map f: `C_r` → `C_v` of the standard monitor, which keeps low storage for itself.
//!
//! `E′[i + k] = E[i]` for 0 ≤ i < w; M′ = user; P′ = P; R′ = (l + k, max(0, min(b, w − l))), where
//! (l, b) is the guest's window E|r; the other components of R′ are the monitor's own
//! (P&G section 4; the clip is what the paper leaves out). Where l + k does not fit the relocation
//! component, R′ = (k, 0).
//!
//! R′ is data: two expressions over the operands `l`, `b`, `k`, `w`, which the interpreter
//! evaluates and the analyzer executes symbolically. There is no other definition of f.

use crate::bits::{Bits, Op, mask};
use crate::interp::{operand_condition, operand_value, run_plain, value};
use crate::isa::{Expr, ExprKind, Isa, OperandId, Pair, Role};
use crate::state::State;

/// The mapping part of f.
#[derive(Debug)]
pub struct VmMap {
    /// Width of the operands l, b, k, w.
    pub width: u32,
    /// Whether l + k fits the relocation component.
    pub fits: Expr,
    /// Whether the window begins inside the guest's storage.
    pub inside: Expr,
    /// Whether the window ends inside the guest's storage: nothing is clipped.
    pub unclipped: Expr,
    /// The relocation component of R′.
    pub relocation: Expr,
    /// The bounds component of R′.
    pub bounds: Expr,
}

/// Where a guest stands in real storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// First real cell, k.
    pub first: u128,
    /// Number of cells, w.
    pub cells: u128,
}

impl VmMap {
    /// The map of a machine with a relocation and a bounds component.
    pub fn of(isa: &Isa) -> Option<Self> {
        let (relocation, bounds) = (isa.relocation?, isa.bounds?);
        let width = isa.address_width();
        let operand = |i: u32| Expr { width, kind: ExprKind::Operand(OperandId(i)) };
        let (l, b, k, w) = (operand(0), operand(1), operand(2), operand(3));
        let apply = |op, x: &Expr, y: &Expr| {
            let width = if op == Op::Ult { 1 } else { width };
            Expr::apply(op, vec![x.clone(), y.clone()], width)
        };
        let not = |x: Expr| Expr::apply(Op::Not, vec![x], 1);
        let most = Expr::constant(Bits::new(mask(relocation.width), width));
        let moved = apply(Op::Add, &l, &k);
        let fits = not(apply(Op::Ult, &most, &moved));
        let inside = apply(Op::Ult, &l, &w);
        let unclipped = not(apply(Op::Ult, &w, &apply(Op::Add, &l, &b)));
        let zero = Expr::constant(Bits::new(0, width));
        let choose =
            |c: &Expr, x: Expr, y: Expr| Expr::apply(Op::Ite, vec![c.clone(), x, y], width);
        let low = |x: Expr, width: u32| Expr::apply(Op::Low, vec![x], width);
        let room = choose(&inside, apply(Op::Sub, &w, &l), zero.clone());
        let size = choose(&fits, choose(&unclipped, b, room), zero);
        let base = choose(&fits, moved, k);
        let (base, size) = (low(base, relocation.width), low(size, bounds.width));
        Some(Self { width, fits, inside, unclipped, relocation: base, bounds: size })
    }

    /// R′ for a guest's window: the real relocation and bounds components.
    pub fn mapping(&self, window: (u128, u128), partition: Partition) -> (u128, u128) {
        let operands = [window.0, window.1, partition.first, partition.cells];
        (
            operand_value(&self.relocation, &operands).value,
            operand_value(&self.bounds, &operands).value,
        )
    }

    /// f undone: the guest's window, where the real one shows it and nothing was clipped.
    pub fn undo(real: (u128, u128), partition: Partition) -> (u128, u128) {
        (real.0.wrapping_sub(partition.first), real.1)
    }

    /// Whether R′ shows where a guest's window lies: l + k fits the relocation component.
    pub fn shows(&self, window: (u128, u128), partition: Partition) -> bool {
        let operands = [window.0, window.1, partition.first, partition.cells];
        operand_condition(&self.fits, &operands)
    }

    /// Whether a guest's window is mapped as it is, without clipping.
    pub fn is_exact(&self, window: (u128, u128), partition: Partition) -> bool {
        let operands = [window.0, window.1, partition.first, partition.cells];
        operand_condition(&self.fits, &operands) && operand_condition(&self.unclipped, &operands)
    }

    /// f(S) without the control block: the real state for a guest state. What belongs to the
    /// monitor (its storage, its components of R) is taken from `monitor`.
    pub fn apply(
        &self,
        isa: &Isa,
        pair: &Pair,
        partition: Partition,
        guest: &State,
        monitor: &State,
    ) -> State {
        let mut user = guest.clone();
        if let Some(mode) = isa.mode {
            user.set_part(mode, pair.user.1);
        }
        let mut real = run_plain(&pair.deprivilege, &user);
        let own: Vec<_> = monitor.of_role(isa, |s| s.role == Role::R).collect();
        for (id, i, slice, bits) in own {
            let old = real.element(id, i as u128) & !(mask(slice.width) << slice.low);
            real.set_element(id, i as u128, old | bits << slice.low);
        }
        let (relocation, bounds) = self.mapping(window(isa, guest), partition);
        if let (Some(l), Some(b)) = (isa.relocation, isa.bounds) {
            real.set_part(l, relocation);
            real.set_part(b, bounds);
        }
        real.cells = monitor.cells;
        real.storage.clone_from(&monitor.storage);
        // Storage is sparse: clear the partition, then copy what the guest has.
        let end = partition.first.saturating_add(partition.cells);
        real.storage.retain(|cell, _| *cell < partition.first || *cell >= end);
        for (cell, contents) in guest.storage.range(..partition.cells) {
            real.store(partition.first + cell, *contents);
        }
        real
    }
}

/// E|r of a state: first physical cell and number of cells.
pub fn window(isa: &Isa, state: &State) -> (u128, u128) {
    match &isa.window {
        Some(window) => (value(&window.base, state).value, value(&window.size, state).value),
        None => (0, state.cells),
    }
}

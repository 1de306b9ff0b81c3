//! Which bits make a translation context: those that decide how P is mapped, whether the machine has halted,
//! and the mode.

use std::collections::BTreeMap;

use model::isa::{Body, Expr, ExprKind, Stmt};

use crate::layout::{Bits, MachineLayout};

/// The bits of a machine's translation context; `None` where more than registers decides.
pub(super) fn bits(
    layout: &MachineLayout,
    widths: &[u32],
    mode: Option<Bits>,
) -> Option<Vec<Bits>> {
    let mut masks: BTreeMap<usize, u64> = BTreeMap::new();
    if let Some(mode) = mode {
        masks.insert(mode.slot, mode.mask);
    }
    let isa = &layout.isa;
    let mut read = Reads { layout, slots: Vec::new(), other: false };
    if let Some(halted) = &isa.halted {
        read.expr(halted);
        if read.other {
            return None;
        }
    }
    for slot in read.slots {
        masks.insert(slot, super::alu::low_bits(widths[slot]));
    }
    // Of what the fetch reads, other bits make a place that is not decoded beforehand.
    let mut read = Reads { layout, slots: Vec::new(), other: false };
    for fetch in &isa.fetches {
        read.body(&fetch.body);
        read.expr(&fetch.word);
    }
    for control in layout.control.iter().filter(|c| read.slots.contains(&c.slot)) {
        *masks.entry(control.slot).or_default() |= control.mask;
    }
    Some(masks.into_iter().map(|(slot, mask)| Bits { slot, mask }).collect())
}

/// The registers that are read.
struct Reads<'a> {
    layout: &'a MachineLayout,
    slots: Vec<usize>,
    /// Elements by a computed number, storage.
    other: bool,
}

impl Reads<'_> {
    fn body(&mut self, body: &Body) {
        self.block(&body.statements);
    }

    fn block(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Local(_, e) | Stmt::Register(_, e) => self.expr(e),
                Stmt::Element(_, a, b) | Stmt::Store(a, b) => {
                    self.expr(a);
                    self.expr(b);
                }
                Stmt::If(condition, yes, no) => {
                    self.expr(condition);
                    self.block(yes);
                    self.block(no);
                }
                Stmt::Block(inner) => self.block(inner),
                Stmt::Trap(_, argument) => argument.iter().for_each(|e| self.expr(e)),
                Stmt::Exit(_) | Stmt::Commit | Stmt::Unpredictable | Stmt::Unknown => {}
            }
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Register(id) => self.slots.extend(self.layout.slot(*id, 0)),
            ExprKind::Element(_, index) | ExprKind::Load(index) => {
                self.other = true;
                self.expr(index);
            }
            ExprKind::Apply(_, operands) => operands.iter().for_each(|e| self.expr(e)),
            ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Operand(_)
            | ExprKind::CellCount
            | ExprKind::Choice(_) => {}
        }
    }
}

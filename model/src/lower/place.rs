//! Lowering of places: what may stand on the left of `=`.

use super::expression::Indexed;
use super::{Access, Binding, Frame, Lowerer, insert, slice};
use crate::ast::{self, Binary, ExprKind as E};
use crate::bits::{MAX_WIDTH, Op, bits_for};
use crate::diagnostic::{Diagnostic, Span};
use crate::isa::{Expr, ExprKind, LocalId, RegisterId, Stmt, ends};

impl Lowerer<'_> {
    /// Lowers `place = value`: the value first, then what the place computes.
    pub(super) fn assign(&mut self, place: &ast::Expr, value: &ast::Expr) -> Option<()> {
        let width = self.place_width(place)?;
        if width > MAX_WIDTH {
            let message = format!("this place has {width} bits, more than {MAX_WIDTH}");
            self.error("C017", place.span, message, "");
            return None;
        }
        self.valued = self.values_of(place);
        let value = self.expr_to(value, width);
        self.valued = None;
        self.store(place, value?)
    }

    /// Width of a place.
    pub(super) fn place_width(&mut self, place: &ast::Expr) -> Option<u32> {
        match &place.kind {
            E::Name(name) => match self.lookup(name) {
                Some(Binding::Local(_, width)) => Some(width),
                Some(Binding::Failed) => None,
                Some(Binding::Operand(..) | Binding::Constant(_)) => {
                    self.not_a_place(place.span, "operands and constants cannot be assigned");
                    None
                }
                None if name == "psw" => {
                    let env = self.env;
                    match &env.psw {
                        Some(psw) => self.expand(name, true, place.span, |l| l.place_width(psw)),
                        None => self.expr(place, None).map(|e| e.width),
                    }
                }
                None => self.expr(place, None).map(|e| e.width),
            },
            E::Field(base, field, span) => self.field_range(base, field, *span).map(|(_, w)| w),
            E::Index(base, _) => match self.indexed(base) {
                Indexed::Storage | Indexed::Physical => Some(self.env.storage.width),
                Indexed::View(name) => Some(self.env.views[&name].width),
                Indexed::File(id) => Some(self.env.registers[id.index()].width),
                Indexed::Value => self.place_width(base).map(|_| 1),
            },
            E::Slice(base, first, last) => {
                let of = self.place_width(base)?;
                self.slice_range(of, first, last).map(|(_, w)| w)
            }
            E::Cells(base, _, count) => match self.indexed(base) {
                Indexed::Storage | Indexed::Physical => {
                    Some(self.cell_count(count)? * self.env.storage.width)
                }
                Indexed::View(_) | Indexed::File(_) | Indexed::Value => {
                    self.not_a_place(place.span, "only storage is written in several cells");
                    None
                }
            },
            E::Binary(Binary::Concat, a, b) => Some(self.place_width(a)? + self.place_width(b)?),
            E::Number(_, Some(width)) => Some(*width),
            E::Number(_, None) | E::Call(..) | E::Unary(..) | E::Binary(..) | E::Choice(..) => {
                self.not_a_place(
                    place.span,
                    "assign to components, fields, slices, cells, locals or their concatenation",
                );
                None
            }
        }
    }

    pub(super) fn not_a_place(&mut self, span: Span, help: &str) {
        self.error("C018", span, "this cannot be assigned to", help);
    }

    /// Stores a value of the place's width.
    pub(super) fn store(&mut self, place: &ast::Expr, value: Expr) -> Option<()> {
        match &place.kind {
            E::Name(name) => self.store_name(name, place, value),
            E::Field(base, field, span) => {
                let (low, _) = self.field_range(base, field, *span)?;
                self.store_bits(base, low, value)
            }
            E::Index(base, index) => match self.indexed(base) {
                Indexed::Storage => self.write_storage(index, value, 1),
                Indexed::Physical => {
                    let value = self.spill(value);
                    let index = self.physical_index(index)?;
                    self.store_cells(&index, &value, 1);
                    Some(())
                }
                Indexed::View(name) => self.write_view(&name, index, value),
                Indexed::File(id) => {
                    // No index assigns to a local of ours: such a value needs no copy.
                    let held = matches!(value.kind, ExprKind::Local(_) | ExprKind::Const(_));
                    let value = if held { value } else { self.spill(value) };
                    let index = self.file_index(id, index)?;
                    self.emit(Stmt::Element(id, index, value));
                    Some(())
                }
                Indexed::Value => {
                    let of = self.place_width(base)?;
                    let position = self.required_constant(index, "a bit position")?;
                    let low = self.position(position, of, index.span)?;
                    self.store_bits(base, low, value)
                }
            },
            E::Slice(base, first, last) => {
                let of = self.place_width(base)?;
                let (low, _) = self.slice_range(of, first, last)?;
                self.store_bits(base, low, value)
            }
            E::Cells(base, index, count) => {
                let cells = self.cell_count(count)?;
                if matches!(self.indexed(base), Indexed::Storage) {
                    return self.write_storage(index, value, cells);
                }
                let value = self.spill(value);
                let index = self.physical_index(index)?;
                self.store_cells(&index, &value, cells);
                Some(())
            }
            E::Binary(Binary::Concat, a, b) => {
                let value = self.spill(value);
                let low = self.place_width(b)?;
                self.store(a, slice(value.clone(), low, value.width - low))?;
                self.store(b, slice(value, 0, low))
            }
            // A constant inside a concatenation (the PSW): nothing is kept of it.
            E::Number(..) => Some(()),
            E::Call(..) | E::Unary(..) | E::Binary(..) | E::Choice(..) => {
                self.not_a_place(place.span, "");
                None
            }
        }
    }

    fn store_name(&mut self, name: &str, place: &ast::Expr, value: Expr) -> Option<()> {
        if let Some(Binding::Local(local, _)) = self.lookup(name) {
            self.emit(Stmt::Local(local, value));
            return Some(());
        }
        if let Some(&id) = self.env.register_names.get(name) {
            self.emit(Stmt::Register(id, value));
            return Some(());
        }
        let env = self.env;
        match &env.psw {
            Some(psw) if name == "psw" => {
                self.expand(name, true, place.span, |l| l.store(psw, value))
            }
            _ => {
                self.unknown_name(name, place.span, "place");
                None
            }
        }
    }

    /// Stores into some bits of a register, a file's register or a local.
    fn store_bits(&mut self, base: &ast::Expr, low: u32, value: Expr) -> Option<()> {
        if let E::Index(file, index) = &base.kind
            && let Indexed::File(id) = self.indexed(file)
        {
            return self.store_element_bits(id, index, low, value);
        }
        if !matches!(base.kind, E::Name(_)) {
            self.not_a_place(base.span, "slices are taken of registers and locals only");
            return None;
        }
        let old = self.expr(base, None)?;
        self.store(base, insert(&old, low, value))
    }

    fn store_element_bits(
        &mut self,
        id: RegisterId,
        index: &ast::Expr,
        low: u32,
        value: Expr,
    ) -> Option<()> {
        let value = self.spill(value);
        let index = self.file_index(id, index)?;
        let index = self.spill(index);
        let width = self.env.registers[id.index()].width;
        let old = Expr { width, kind: ExprKind::Element(id, Box::new(index.clone())) };
        self.emit(Stmt::Element(id, index, insert(&old, low, value)));
        Some(())
    }

    fn store_cells(&mut self, index: &Expr, value: &Expr, cells: u32) {
        let width = self.env.storage.width;
        let index = if cells == 1 { index.clone() } else { self.spill(index.clone()) };
        for i in 0..cells {
            let at = Self::cell_index(&index, self.most_significant_first(i, cells), cells);
            let part = slice(value.clone(), (cells - 1 - i) * width, width);
            self.emit(Stmt::Store(at, part));
        }
    }

    // Storage through the address function

    /// `mem[a; n]`: runs the address function, then reads.
    pub(super) fn read_storage(&mut self, index: &ast::Expr, cells: u32) -> Option<Expr> {
        let width = self.env.storage.width * cells;
        let result = self.local(width);
        self.translate(index, Access::Read { cells, result })?;
        Some(Expr { width, kind: ExprKind::Local(result) })
    }

    fn write_storage(&mut self, index: &ast::Expr, value: Expr, cells: u32) -> Option<()> {
        let value = self.spill(value);
        let ExprKind::Local(value) = value.kind else { return None };
        self.translate(index, Access::Write { cells, value })
    }

    /// Runs the address function on an index and accesses the location it returns.
    fn translate(&mut self, index: &ast::Expr, access: Access) -> Option<()> {
        let env = self.env;
        let Some((address, span)) = &env.address else {
            self.error(
                "C003",
                index.span,
                "this machine has no address function",
                "define `address:` under `machine:`, or use phys[…]",
            );
            return None;
        };
        if self.frames.iter().any(|f| matches!(f, Frame::Address { .. })) {
            let help = "the address function works on phys[…] and registers";
            self.error("C008", index.span, "the address function uses itself", help);
            return None;
        }
        let place = index.span;
        let index = self.expr_to(index, self.env.address_width)?;
        let index = self.spill(index);
        let ExprKind::Local(local) = index.kind else { return None };
        let scope = self.variables.len();
        let cells = match access {
            Access::Read { cells, .. } | Access::Write { cells, .. } => cells,
        };
        self.bind("a", Binding::Local(local, index.width));
        self.bind("size", Binding::Constant(cells as u128));
        let (depth, loops) = (self.depth + 1, self.loops.len());
        self.frames.push(Frame::Address { access, depth, scope, loops });
        let body = self.framed(address);
        self.close_scope(scope);
        self.frames.pop();
        if std::mem::take(&mut self.may_trap) {
            let help = "use phys[…], which never traps";
            self.error("C022", place, "this access may trap, and nothing may trap here", help);
            return None;
        }
        if !self.overflowed && !ends(&body) {
            let help = "end every path with `return phys[e];` or a trap";
            self.error("C009", *span, "the address function may end without `return`", help);
        }
        self.emit(Stmt::Block(body));
        Some(())
    }

    /// `return phys[e];` or `return file[e];` inside the address function.
    pub(super) fn return_location(&mut self, location: &ast::Expr, access: Access) -> Option<()> {
        let indexed = match &location.kind {
            E::Index(base, index) => Some((self.indexed(base), index)),
            _ => None,
        };
        match (indexed, access) {
            (Some((Indexed::Physical, index)), Access::Read { cells, result }) => {
                let index = self.location(index)?;
                let value = self.load(&index, cells);
                self.emit(Stmt::Local(result, value));
            }
            (Some((Indexed::Physical, index)), Access::Write { cells, value }) => {
                let index = self.location(index)?;
                let value = self.whole(value);
                self.store_cells(&index, &value, cells);
            }
            (Some((Indexed::File(id), index)), access) => {
                self.return_register(id, index, access, location.span)?;
            }
            _ => {
                let help = "end it with `return phys[e];`, or `return file[e];` for a register that aliases storage";
                self.error(
                    "C019",
                    location.span,
                    "the address function must return a location",
                    help,
                );
                return None;
            }
        }
        Some(())
    }

    /// The index of a location; a sum that wraps leads to cells far from those meant.
    fn location(&mut self, index: &ast::Expr) -> Option<Expr> {
        let lowered = self.physical_index(index)?;
        if wraps(&lowered) {
            let width = lowered.width;
            let message = format!("this sum wraps around at 2^{width}");
            let help =
                "add with `+^`, which keeps the carry, and let the access trap beyond `cells`";
            self.report.push(Diagnostic::warning("C033", index.span, message).help(help));
        }
        Some(lowered)
    }

    fn return_register(
        &mut self,
        id: RegisterId,
        index: &ast::Expr,
        access: Access,
        span: Span,
    ) -> Option<()> {
        let index = self.file_index(id, index)?;
        let width = self.env.registers[id.index()].width;
        let cells = match access {
            Access::Read { cells, .. } | Access::Write { cells, .. } => cells,
        };
        if width != self.env.storage.width {
            self.error(
                "C019",
                span,
                "a register that aliases storage must be as wide as a cell",
                "",
            );
            return None;
        }
        if cells > 1 {
            // An access of several cells does not reach registers.
            self.emit(Stmt::Unpredictable);
            return Some(());
        }
        match access {
            Access::Read { result, .. } => {
                let value = Expr { width, kind: ExprKind::Element(id, Box::new(index)) };
                self.emit(Stmt::Local(result, value));
            }
            Access::Write { value, .. } => {
                let value = self.whole(value);
                self.emit(Stmt::Element(id, index, value));
            }
        }
        Some(())
    }

    fn whole(&self, local: LocalId) -> Expr {
        Expr { width: self.locals[local.index()], kind: ExprKind::Local(local) }
    }
}

/// Whether an expression is a sum that its width may not hold.
fn wraps(e: &Expr) -> bool {
    let ExprKind::Apply(Op::Add, parts) = &e.kind else { return false };
    parts.iter().map(significant).max().is_some_and(|most| most >= e.width)
}

/// A number of bits that holds every value of an expression.
fn significant(e: &Expr) -> u32 {
    match &e.kind {
        ExprKind::Const(value) => bits_for(*value),
        ExprKind::Apply(Op::Zext, parts) => parts.iter().map(significant).max().unwrap_or(e.width),
        ExprKind::Apply(Op::Add, parts) => {
            let most = parts.iter().map(significant).max().unwrap_or(e.width);
            e.width.min(most + 1)
        }
        _ => e.width,
    }
}

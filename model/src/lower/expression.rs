//! Lowering of expressions.

use super::{Binding, Frame, Lowerer, bits, slice, widen};
use crate::ast::{self, Binary, ExprKind as E, Unary};
use crate::bits::{Bits, MAX_WIDTH, Op, bits_for};
use crate::diagnostic::{Diagnostic, Span};
use crate::isa::{Choice, Expr, ExprKind, RegisterId, Stmt, ends};
use crate::spec::Numbering;

/// What stands before a `[`.
pub(super) enum Indexed {
    Storage,
    Physical,
    View(String),
    File(RegisterId),
    /// Bits of a value.
    Value,
}

impl Lowerer<'_> {
    /// Lowers to a given width, or reports the difference.
    pub(super) fn expr_to(&mut self, e: &ast::Expr, width: u32) -> Option<Expr> {
        let lowered = self.expr(e, Some(width))?;
        if lowered.width == width {
            return Some(lowered);
        }
        let advice = if width == 1 {
            "a truth value has 1 bit: compare, e.g. `… != 0`, or take one bit, x[i]".into()
        } else if lowered.width < width {
            format!("widen it: zext(…, {width}) or sext(…, {width})")
        } else {
            format!("cut it: trunc(…, {width}) or a slice")
        };
        let message = format!("expected {}, found {}", bits(width), bits(lowered.width));
        self.report.push(
            Diagnostic::error("C013", e.span, message)
                .label(format!("this is {} wide", bits(lowered.width)))
                .help(advice),
        );
        None
    }

    /// Lowers an expression; `hint` is the width for numbers that take it from their context.
    pub(super) fn expr(&mut self, e: &ast::Expr, hint: Option<u32>) -> Option<Expr> {
        self.grow(1);
        self.deeper(e.span, |l| l.expr_of_kind(e, hint))
    }

    fn expr_of_kind(&mut self, e: &ast::Expr, hint: Option<u32>) -> Option<Expr> {
        if let Some(value) = self.constant(e) {
            return self.sized(value, hint, e.span);
        }
        match &e.kind {
            E::Number(value, width) => self.sized(*value, width.or(hint), e.span),
            E::Name(name) => self.name(name, e.span),
            E::Field(base, field, span) => self.field(base, field, *span),
            E::Index(base, index) => self.index(base, index),
            E::Slice(base, high, low) => {
                let value = self.expr(base, None)?;
                let (low, width) = self.slice_range(value.width, high, low)?;
                Some(slice(value, low, width))
            }
            E::Cells(base, index, count) => self.cells(base, index, count, e.span),
            E::Call(name, arguments) => self.call(name, arguments, e.span, hint),
            E::Unary(operator, x) => self.unary(*operator, x, hint),
            E::Binary(operator, a, b) => self.binary(*operator, a, b, hint, e.span),
            E::Choice(condition, a, b) => self.choice(condition, a, b, hint),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        if let Some(binding) = self.lookup(name) {
            return match binding {
                Binding::Local(id, width) => Some(Expr { width, kind: ExprKind::Local(id) }),
                Binding::Operand(id, width) => Some(Expr { width, kind: ExprKind::Operand(id) }),
                Binding::Constant(value) => self.sized(value, None, span),
                Binding::Failed => None,
            };
        }
        if let Some(&id) = self.env.register_names.get(name) {
            let register = &self.env.registers[id.index()];
            if register.count.is_some() {
                let message = format!("`{name}` is a register file");
                self.error("C002", span, message, &format!("name one register: {name}[i]"));
                return None;
            }
            return Some(Expr { width: register.width, kind: ExprKind::Register(id) });
        }
        if name == "psw" {
            let env = self.env;
            let Some(psw) = &env.psw else {
                self.error(
                    "C003",
                    span,
                    "this machine has no `psw:`",
                    "define it under `machine:`",
                );
                return None;
            };
            return self.expand("psw", false, span, |l| l.expr(psw, None));
        }
        if name == self.env.storage.name || name == "phys" {
            let help = format!("name one cell: {name}[a], or several: {name}[a; n]");
            self.error("C002", span, format!("`{name}` is the whole storage"), &help);
            return None;
        }
        self.unknown_name(name, span, "name");
        None
    }

    /// The register or element a place's base names, with its id.
    pub(super) fn register_of(&mut self, base: &ast::Expr) -> Option<RegisterId> {
        let root = if let E::Index(root, _) = &base.kind { root } else { base };
        let E::Name(name) = &root.kind else { return None };
        if self.lookup(name).is_some() {
            return None;
        }
        self.env.register_names.get(name).copied()
    }

    pub(super) fn field_range(
        &mut self,
        base: &ast::Expr,
        field: &str,
        span: Span,
    ) -> Option<(u32, u32)> {
        let Some(id) = self.register_of(base) else {
            self.error("C004", span, "only registers have fields", "use a slice: x[7:0]");
            return None;
        };
        let register = &self.env.registers[id.index()];
        if let Some(found) = register.fields.iter().find(|f| f.name == field) {
            return Some((found.low, found.width));
        }
        let help =
            crate::diagnostic::did_you_mean(field, register.fields.iter().map(|f| f.name.as_str()))
                .unwrap_or_else(|| {
                    let all: Vec<_> = register.fields.iter().map(|f| f.name.as_str()).collect();
                    if all.is_empty() {
                        "it has no fields".into()
                    } else {
                        format!("its fields: {}", all.join(", "))
                    }
                });
        let message = format!("`{}` has no field `{field}`", register.name);
        self.error("C004", span, message, &help);
        None
    }

    fn field(&mut self, base: &ast::Expr, field: &str, span: Span) -> Option<Expr> {
        let (low, width) = self.field_range(base, field, span)?;
        let value = self.expr(base, None)?;
        Some(slice(value, low, width))
    }

    pub(super) fn indexed(&mut self, base: &ast::Expr) -> Indexed {
        let E::Name(name) = &base.kind else { return Indexed::Value };
        let base = self.scope_base();
        if self.variables[base..].iter().any(|v| v.name == *name) {
            return Indexed::Value;
        }
        if *name == self.env.storage.name {
            return Indexed::Storage;
        }
        if name == "phys" {
            return Indexed::Physical;
        }
        if self.env.views.contains_key(name) {
            return Indexed::View(name.clone());
        }
        match self.env.register_names.get(name) {
            Some(&id) if self.env.registers[id.index()].count.is_some() => Indexed::File(id),
            _ => Indexed::Value,
        }
    }

    fn index(&mut self, base: &ast::Expr, index: &ast::Expr) -> Option<Expr> {
        match self.indexed(base) {
            Indexed::Storage => self.read_storage(index, 1),
            Indexed::Physical => {
                let index = self.physical_index(index)?;
                Some(self.load(&index, 1))
            }
            Indexed::View(name) => self.read_view(&name, index),
            Indexed::File(id) => {
                let index = self.file_index(id, index)?;
                let width = self.env.registers[id.index()].width;
                Some(Expr { width, kind: ExprKind::Element(id, Box::new(index)) })
            }
            Indexed::Value => self.bit(base, index),
        }
    }

    /// One bit of a value, by a constant or a computed position.
    fn bit(&mut self, base: &ast::Expr, index: &ast::Expr) -> Option<Expr> {
        let value = self.expr(base, None)?;
        if self.is_untyped(index) {
            let position = self.required_constant(index, "a bit position")?;
            let low = self.position(position, value.width, index.span)?;
            return Some(slice(value, low, 1));
        }
        if self.env.numbering == Numbering::Msb0 {
            self.error(
                "C011",
                index.span,
                "with msb0 numbering a bit position must be a constant",
                "",
            );
            return None;
        }
        let mark = self.out.len();
        let position = self.expr(index, None)?;
        let value = self.keep(value, mark);
        let width = value.width;
        Some(slice(Expr::apply(Op::Lshr, vec![value, position], width), 0, 1))
    }

    /// A bit position of the text as one counted from the least significant.
    pub(super) fn position(&mut self, position: u128, width: u32, span: Span) -> Option<u32> {
        if position >= width as u128 {
            let message = format!("bit {position} lies outside a value of {}", bits(width));
            self.error("C014", span, message, "");
            return None;
        }
        Some(match self.env.numbering {
            Numbering::Lsb0 => position as u32,
            Numbering::Msb0 => width - 1 - position as u32,
        })
    }

    /// Lowest bit and width of `x[a:b]`, where `x` is `of` bits wide.
    pub(super) fn slice_range(
        &mut self,
        of: u32,
        first: &ast::Expr,
        last: &ast::Expr,
    ) -> Option<(u32, u32)> {
        let span = first.span;
        let first = self.required_constant(first, "a bit position")?;
        let last_number = self.required_constant(last, "a bit position")?;
        let high = self.position(first, of, span)?;
        let low = self.position(last_number, of, last.span)?;
        if high < low {
            let help = match self.env.numbering {
                Numbering::Lsb0 => "write the higher bit first: x[high:low]",
                Numbering::Msb0 => "bit 0 is the most significant: write x[low:high]",
            };
            self.error("C014", span, "the slice is empty", help);
            return None;
        }
        Some((low, high - low + 1))
    }

    fn cells(
        &mut self,
        base: &ast::Expr,
        index: &ast::Expr,
        count: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let physical = match self.indexed(base) {
            Indexed::Storage => false,
            Indexed::Physical => true,
            Indexed::View(_) | Indexed::File(_) | Indexed::Value => {
                self.error("C005", span, "only storage is read in several cells", "");
                return None;
            }
        };
        let cells = self.cell_count(count)?;
        if physical {
            let index = self.physical_index(index)?;
            Some(self.load(&index, cells))
        } else {
            self.read_storage(index, cells)
        }
    }

    /// The number of cells of one access.
    pub(super) fn cell_count(&mut self, count: &ast::Expr) -> Option<u32> {
        let n = self.required_constant(count, "the number of cells")?;
        let most = MAX_WIDTH / self.env.storage.width;
        if n == 0 || n > most as u128 {
            let message = format!("an access has 1 to {most} cells, not {n}");
            self.error("C015", count.span, message, "");
            return None;
        }
        Some(n as u32)
    }

    pub(super) fn physical_index(&mut self, index: &ast::Expr) -> Option<Expr> {
        let hint = bits_for(self.env.storage.cells - 1);
        let lowered = self.expr(index, Some(hint))?;
        if lowered.width > 100 {
            self.error("C016", index.span, "a physical index has at most 100 bits", "");
            return None;
        }
        Some(lowered)
    }

    /// Physical cells from `index`, joined in the machine's order.
    pub(super) fn load(&mut self, index: &Expr, cells: u32) -> Expr {
        let width = self.env.storage.width;
        if cells > 1 {
            // The index is repeated for every cell.
            self.grow(cells.saturating_mul(weight(index)));
            if self.overflowed {
                return Expr::constant(Bits::new(0, cells * width));
            }
        }
        let mut all: Option<Expr> = None;
        for i in 0..cells {
            let at = Self::cell_index(index, self.most_significant_first(i, cells), cells);
            let cell = Expr { width, kind: ExprKind::Load(Box::new(at)) };
            all = Some(match all {
                None => cell,
                Some(high) => {
                    let width = high.width + cell.width;
                    Expr::apply(Op::Concat, vec![high, cell], width)
                }
            });
        }
        all.expect("an access has at least one cell")
    }

    /// Offset of the i-th most significant cell of an access.
    pub(super) fn most_significant_first(&self, i: u32, cells: u32) -> u32 {
        match self.env.endian {
            crate::spec::Endian::Big => i,
            crate::spec::Endian::Little => cells - 1 - i,
        }
    }

    /// `index + offset`, wide enough never to wrap.
    pub(super) fn cell_index(index: &Expr, offset: u32, cells: u32) -> Expr {
        if cells == 1 {
            return index.clone();
        }
        let width = index.width.max(bits_for(cells as u128)) + 1;
        let base = widen(index.clone(), width);
        if offset == 0 {
            return base;
        }
        let offset = Expr::constant(Bits::new(offset as u128, width));
        Expr::apply(Op::Add, vec![base, offset], width)
    }

    pub(super) fn file_index(&mut self, id: RegisterId, index: &ast::Expr) -> Option<Expr> {
        let count = self.env.registers[id.index()].count.expect("a register file has a count");
        if let Some(n) = self.constant(index)
            && n >= count as u128
        {
            let name = &self.env.registers[id.index()].name;
            let message = format!("`{name}` has {count} registers, numbered from 0");
            self.error("C014", index.span, message, "");
            return None;
        }
        self.expr(index, Some(bits_for(count as u128 - 1)))
    }

    fn unary(&mut self, operator: Unary, x: &ast::Expr, hint: Option<u32>) -> Option<Expr> {
        let (op, x) = match operator {
            Unary::Not => (Op::Not, self.expr_to(x, 1)?),
            Unary::Complement => (Op::Not, self.expr(x, hint)?),
            Unary::Minus => (Op::Neg, self.expr(x, hint)?),
        };
        let width = x.width;
        Some(Expr::apply(op, vec![x], width))
    }

    /// Keeps a value as it was at `mark`, if something was hoisted since.
    fn keep(&mut self, value: Expr, mark: usize) -> Expr {
        let stable = matches!(value.kind, ExprKind::Const(_) | ExprKind::Operand(_));
        if self.out.len() == mark || stable {
            return value;
        }
        let width = value.width;
        let local = self.local(width);
        self.out.insert(mark, Stmt::Local(local, value));
        Expr { width, kind: ExprKind::Local(local) }
    }

    /// Lowers two operands in the order of the text; one of them may give the other its width.
    fn operands(
        &mut self,
        a: &ast::Expr,
        b: &ast::Expr,
        hint: Option<u32>,
    ) -> Option<(Expr, Expr)> {
        if self.is_untyped(a) && !self.is_untyped(b) {
            // Such an operand has no effects, so the order does not show.
            let b = self.expr(b, hint)?;
            let a = self.expr(a, Some(b.width))?;
            return Some((a, b));
        }
        let a = self.expr(a, hint);
        if a.is_none() && self.is_untyped(b) {
            return None;
        }
        let mark = self.out.len();
        let b = self.expr(b, a.as_ref().map(|a| a.width).or(hint));
        let (a, b) = (a?, b?);
        Some((self.keep(a, mark), b))
    }

    fn binary(
        &mut self,
        operator: Binary,
        a: &ast::Expr,
        b: &ast::Expr,
        hint: Option<u32>,
        span: Span,
    ) -> Option<Expr> {
        match operator {
            Binary::Same { op, swap, negate, compare } => {
                if compare && let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
                    let (x, y) = (Bits::new(x, 128), Bits::new(y, 128));
                    let pair = if swap { [y, x] } else { [x, y] };
                    let result = op.apply(&pair, 1).is_true() != negate;
                    return Some(Expr::constant(Bits::bool(result)));
                }
                if compare && op == Op::Ult {
                    self.never_below_zero(swap, negate, (a, b), span);
                }
                let valued =
                    if compare { self.values_of(a).or_else(|| self.values_of(b)) } else { None };
                let outer = std::mem::replace(&mut self.valued, valued);
                let operands = self.operands(a, b, if compare { None } else { hint });
                self.valued = outer;
                let (x, y) = operands?;
                if x.width != y.width {
                    let narrow = x.width.min(y.width);
                    let wide = x.width.max(y.width);
                    let message = format!(
                        "the left side is {} wide, the right side {}",
                        bits(x.width),
                        bits(y.width)
                    );
                    let help = match hint.filter(|it| !compare && *it != wide) {
                        Some(it) => format!("make both {it} wide: zext(…, {it}), trunc(…, {it})"),
                        None => format!("widen the one of {}: zext(…, {wide})", bits(narrow)),
                    };
                    self.error("C013", span, message, &help);
                    return None;
                }
                let width = if compare { 1 } else { x.width };
                let pair = if swap { vec![y, x] } else { vec![x, y] };
                let result = Expr::apply(op, pair, width);
                Some(if negate { Expr::apply(Op::Not, vec![result], 1) } else { result })
            }
            Binary::Shift(op) => {
                let x = self.expr(a, hint);
                let mark = self.out.len();
                let amount = match self.constant(b) {
                    Some(n) => Some(Expr::constant(Bits::new(n, bits_for(n)))),
                    None => self.expr(b, None),
                };
                let x = self.keep(x?, mark);
                let width = x.width;
                Some(Expr::apply(op, vec![x, amount?], width))
            }
            Binary::WideAdd | Binary::WideMul | Binary::Concat => {
                self.widening(operator, a, b, span)
            }
            Binary::AndThen | Binary::OrElse => self.short_cut(operator, a, b),
        }
    }

    /// The named values of a register or field.
    pub(super) fn values_of(&mut self, e: &ast::Expr) -> Option<(String, Vec<String>)> {
        let (base, field) = match &e.kind {
            E::Field(base, field, _) => (&**base, Some(field)),
            _ => (e, None),
        };
        let register = &self.env.registers[self.register_of(base)?.index()];
        let values = match field {
            Some(field) => &register.fields.iter().find(|it| it.name == *field)?.values,
            None => &register.values,
        };
        let names = values.iter().map(|(name, _)| name.clone()).collect();
        let of =
            field.map_or_else(|| register.name.clone(), |it| format!("{}.{it}", register.name));
        (!values.is_empty()).then_some((of, names))
    }

    /// A comparison with 0 that is always or never so.
    fn never_below_zero(
        &mut self,
        swap: bool,
        negate: bool,
        (a, b): (&ast::Expr, &ast::Expr),
        span: Span,
    ) {
        if !matches!((if swap { a } else { b }).kind, E::Number(0, _)) {
            return;
        }
        let message = format!("this is always {negate}: comparisons are unsigned");
        let signed = match (swap, negate) {
            (false, false) => "slt(…, 0)",
            (false, true) => "sge(…, 0)",
            (true, false) => "sgt(0, …)",
            (true, true) => "sle(0, …)",
        };
        let warning = Diagnostic::warning("C034", span, message);
        self.report.push(warning.help(format!("`{signed}` compares with a sign")));
    }

    fn widening(
        &mut self,
        operator: Binary,
        a: &ast::Expr,
        b: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let (x, y) = if operator == Binary::Concat {
            let x = self.expr(a, None);
            let mark = self.out.len();
            let y = self.expr(b, None);
            (self.keep(x?, mark), y?)
        } else {
            self.operands(a, b, None)?
        };
        let (op, width) = match operator {
            Binary::WideAdd => (Op::Add, x.width.max(y.width) + 1),
            Binary::WideMul => (Op::Mul, x.width + y.width),
            _ => (Op::Concat, x.width + y.width),
        };
        if width > MAX_WIDTH {
            let message = format!("the result would have {width} bits, more than {MAX_WIDTH}");
            self.error("C017", span, message, "");
            return None;
        }
        let pair =
            if op == Op::Concat { vec![x, y] } else { vec![widen(x, width), widen(y, width)] };
        Some(Expr::apply(op, pair, width))
    }

    fn short_cut(&mut self, operator: Binary, a: &ast::Expr, b: &ast::Expr) -> Option<Expr> {
        let a = self.expr_to(a, 1);
        let (hoisted, b) = self.nested(|l| l.expr_to(b, 1));
        let (a, b) = (a?, b?);
        let is_and = operator == Binary::AndThen;
        if hoisted.is_empty() {
            let op = if is_and { Op::And } else { Op::Or };
            return Some(Expr::apply(op, vec![a, b], 1));
        }
        let result = self.spill(a);
        let ExprKind::Local(local) = result.kind else { return None };
        let mut more = hoisted;
        more.push(Stmt::Local(local, b));
        let (yes, no) = if is_and { (more, Vec::new()) } else { (Vec::new(), more) };
        self.emit(Stmt::If(result.clone(), yes, no));
        Some(result)
    }

    fn choice(
        &mut self,
        condition: &ast::Expr,
        a: &ast::Expr,
        b: &ast::Expr,
        hint: Option<u32>,
    ) -> Option<Expr> {
        let condition = self.expr_to(condition, 1);
        // The branch that has a width gives it to the other one.
        let exchange = self.is_untyped(a) && !self.is_untyped(b);
        let (first, second) = if exchange { (b, a) } else { (a, b) };
        let (hoisted_a, x) = self.nested(|l| l.expr(first, hint));
        let width = x.as_ref()?.width;
        let (hoisted_b, y) = self.nested(|l| l.expr_to(second, width));
        let (mut yes, mut no) = ((hoisted_a, x?), (hoisted_b, y?));
        if exchange {
            std::mem::swap(&mut yes, &mut no);
        }
        let (condition, (hoisted_a, x), (hoisted_b, y)) = (condition?, yes, no);
        if hoisted_a.is_empty() && hoisted_b.is_empty() {
            return Some(Expr::apply(Op::Ite, vec![condition, x, y], width));
        }
        let local = self.local(width);
        let with = |mut hoisted: Vec<Stmt>, value| {
            hoisted.push(Stmt::Local(local, value));
            hoisted
        };
        self.emit(Stmt::If(condition, with(hoisted_a, x), with(hoisted_b, y)));
        Some(Expr { width, kind: ExprKind::Local(local) })
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        span: Span,
        hint: Option<u32>,
    ) -> Option<Expr> {
        match name {
            "zext" | "sext" | "trunc" => {
                let [x, width] = self.arity(name, arguments, span)?;
                let width = self.width_argument(width)?;
                let x = self.expr(x, Some(width))?;
                let (op, fits) = match name {
                    "zext" => (Op::Zext, x.width <= width),
                    "sext" => (Op::Sext, x.width <= width),
                    _ => (Op::Low, x.width >= width),
                };
                if !fits {
                    let message = format!("{name} from {} to {}", bits(x.width), bits(width));
                    self.error("C013", span, message, "zext and sext widen, trunc narrows");
                    return None;
                }
                Some(if x.width == width { x } else { Expr::apply(op, vec![x], width) })
            }
            "slt" | "sle" | "sgt" | "sge" | "sdiv" | "srem" => {
                let [a, b] = self.arity(name, arguments, span)?;
                let plain = |op, swap, negate, compare| Binary::Same { op, swap, negate, compare };
                let operator = match name {
                    "slt" => plain(Op::Slt, false, false, true),
                    "sgt" => plain(Op::Slt, true, false, true),
                    "sle" => plain(Op::Slt, true, true, true),
                    "sge" => plain(Op::Slt, false, true, true),
                    "sdiv" => plain(Op::Sdiv, false, false, false),
                    _ => plain(Op::Srem, false, false, false),
                };
                self.binary(operator, a, b, hint, span)
            }
            "sar" => {
                let [x, amount] = self.arity(name, arguments, span)?;
                self.binary(Binary::Shift(Op::Ashr), x, amount, hint, span)
            }
            "parity" => {
                let [x] = self.arity(name, arguments, span)?;
                let x = self.expr(x, None)?;
                Some(Expr::apply(Op::Parity, vec![x], 1))
            }
            "undefined" | "arbitrary" => {
                let [width] = self.arity(name, arguments, span)?;
                let width = self.width_argument(width)?;
                self.open_value(Choice { width, arbitrary: name == "arbitrary" }, span)
            }
            "cells" => {
                let [storage] = self.arity(name, arguments, span)?;
                if !matches!(&storage.kind, E::Name(n) if *n == self.env.storage.name) {
                    let help = format!("write cells({})", self.env.storage.name);
                    self.error("C005", storage.span, "only storage has cells", &help);
                    return None;
                }
                let least = bits_for(self.env.storage.cells);
                let Some(width) = hint.filter(|w| *w >= least) else {
                    let message = format!("the number of cells needs at least {least} bits here");
                    self.error(
                        "C010",
                        span,
                        message,
                        &format!(
                            "compare it with something as wide: zext(…, {least}) or a sum by `+^`"
                        ),
                    );
                    return None;
                };
                Some(Expr { width, kind: ExprKind::CellCount })
            }
            _ => {
                let env = self.env;
                let Some(function) = env.functions.get(name) else {
                    self.unknown_name(name, span, "function");
                    return None;
                };
                if function.result.is_none() {
                    let message = format!("`{name}` has no result");
                    self.error("C006", span, message, "call it as a statement");
                    return None;
                }
                self.inline(function, arguments, span)
            }
        }
    }

    fn arity<'a, const N: usize>(
        &mut self,
        name: &str,
        arguments: &'a [ast::Expr],
        span: Span,
    ) -> Option<[&'a ast::Expr; N]> {
        let found: Vec<&ast::Expr> = arguments.iter().collect();
        let all = <[&ast::Expr; N]>::try_from(found).ok();
        if all.is_none() {
            let message = format!("`{name}` takes {}, not {}", counted(N), arguments.len());
            self.error("C007", span, message, "");
        }
        all
    }

    fn width_argument(&mut self, e: &ast::Expr) -> Option<u32> {
        let width = self.required_constant(e, "a width")?;
        if width == 0 || width > MAX_WIDTH as u128 {
            self.error("C017", e.span, format!("a width is 1 to {MAX_WIDTH}, not {width}"), "");
            return None;
        }
        Some(width as u32)
    }

    /// Lowers a call of a helper function in place; the result is a local.
    pub(super) fn inline(
        &mut self,
        function: &ast::Function,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Expr> {
        let name = &function.name;
        self.mark_used(name);
        if arguments.len() != function.parameters.len() {
            let takes = function.parameters.len();
            let message = format!("`{name}` takes {}, not {}", counted(takes), arguments.len());
            self.error("C007", span, message, "");
            return None;
        }
        let active = |f: &Frame| matches!(f, Frame::Function { name: n, .. } if n == name);
        if self.frames.iter().any(active) {
            let message = format!("`{name}` calls itself");
            self.error(
                "C008",
                span,
                message,
                "helper functions cannot be recursive: use a bounded `for`",
            );
            return None;
        }
        let mut values = Vec::new();
        for (argument, (_, _, width)) in arguments.iter().zip(&function.parameters) {
            let value = self.expr_to(argument, *width)?;
            values.push(self.spill(value));
        }
        let scope = self.variables.len();
        let ended = self.ended.len();
        for ((name, _, width), value) in function.parameters.iter().zip(values) {
            let ExprKind::Local(local) = value.kind else { continue };
            self.bind(name, Binding::Local(local, *width));
        }
        let result = function.result.map(|width| (self.local(width), width));
        let depth = self.depth + 1;
        let loops = self.loops.len();
        self.frames.push(Frame::Function { name: name.clone(), result, depth, scope, loops });
        let body = self.framed(&function.body);
        self.close_scope(scope);
        self.ended.truncate(ended);
        self.frames.pop();
        if result.is_some() && !self.overflowed && !ends(&body) {
            let message = format!("`{name}` may end without `return`");
            self.error("C009", function.name_span, message, "end every path with `return e;`");
        }
        self.emit(Stmt::Block(body));
        let (local, width) = result?;
        Some(Expr { width, kind: ExprKind::Local(local) })
    }

    /// Lowers statements inside a block of their own.
    pub(super) fn framed(&mut self, statements: &[ast::Stmt]) -> Vec<Stmt> {
        self.depth += 1;
        let (body, ()) = self.nested(|l| l.block(statements));
        self.depth -= 1;
        body
    }
}

/// Nodes of an expression.
fn weight(e: &Expr) -> u32 {
    let inner = match &e.kind {
        ExprKind::Apply(_, operands) => operands.iter().map(weight).sum(),
        ExprKind::Element(_, inner) | ExprKind::Load(inner) => weight(inner),
        _ => 0,
    };
    inner + 1
}

/// A number of arguments, in words.
fn counted(arguments: usize) -> String {
    if arguments == 1 { "1 argument".to_owned() } else { format!("{arguments} arguments") }
}

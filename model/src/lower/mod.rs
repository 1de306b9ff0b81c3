//! Syntax trees to checked bodies: names resolved, widths checked, functions inlined, loops unrolled.
//!
//! Expressions of the result have no effects: whatever may trap or write is hoisted into
//! statements before, in the order of the text, and `&&`, `||`, `?:` keep their short cuts.

mod expression;
mod place;
mod statement;
mod view;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::ast;
use crate::bits::{Bits, Op, bits_for};
use crate::diagnostic::{Diagnostic, Report, Span, did_you_mean};
use crate::habits;
use crate::isa::{
    Body, Choice, ChoiceId, Expr, ExprKind, LocalId, OperandId, Register, RegisterId, Stmt,
    Storage, TrapId,
};
use crate::spec::{Endian, Numbering};

/// Most statements and operator applications one body may unfold to.
const MAX_SIZE: u32 = 400_000;

/// Deepest nesting of expressions, statements and calls.
const MAX_NESTING: u32 = 500;

/// What the texts of a specification may name.
pub(crate) struct Env {
    pub(crate) numbering: Numbering,
    pub(crate) endian: Endian,
    pub(crate) storage: Storage,
    pub(crate) registers: Vec<Register>,
    pub(crate) register_names: BTreeMap<String, RegisterId>,
    /// Names and values of the modes.
    pub(crate) modes: Vec<(String, u128)>,
    pub(crate) constants: BTreeMap<String, u128>,
    pub(crate) functions: BTreeMap<String, ast::Function>,
    pub(crate) views: BTreeMap<String, View>,
    pub(crate) address: Option<(Vec<ast::Stmt>, Span)>,
    pub(crate) address_width: u32,
    pub(crate) psw: Option<ast::Expr>,
    pub(crate) traps: BTreeMap<String, TrapId>,
    pub(crate) trap_argument: u32,
    /// Functions, views and constants that some text names.
    pub(crate) used: RefCell<BTreeSet<String>>,
}

/// Registers reached by number.
pub(crate) struct View {
    pub(crate) index: u32,
    pub(crate) width: u32,
    pub(crate) entries: Vec<(u128, ViewEntry)>,
    /// Where each of them stands.
    pub(crate) spans: Vec<Span>,
    pub(crate) default: Vec<ast::Stmt>,
}

/// What a number reaches.
pub(crate) enum ViewEntry {
    Place(ast::Expr),
    Code { read: ast::Expr, write: Vec<ast::Stmt> },
}

/// Bits of an instruction that may be arbitrary: definitions look at each of their values.
const ARBITRARY: u32 = 4;

/// What a text may do, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything: the semantics of an instruction.
    Semantics,
    /// It may trap, and leaves nothing open: the fetch of an instruction.
    Fetch,
    /// A trap inside it is unpredictable: the trap sequence.
    TrapSequence,
    /// No traps, nothing undefined: P's advance, de-privileging, reset.
    Plain,
}

/// What a name in scope stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Binding {
    Local(LocalId, u32),
    Operand(OperandId, u32),
    Constant(u128),
    /// Its declaration has an error: nothing is said about its use.
    Failed,
}

struct Variable {
    name: String,
    binding: Binding,
    span: Option<Span>,
    used: bool,
}

/// A local whose block has ended.
struct Ended {
    name: String,
    span: Span,
}

/// Why a block is being lowered, and where `return` goes.
enum Frame {
    Top,
    Function {
        name: String,
        result: Option<(LocalId, u32)>,
        depth: u32,
        scope: usize,
        loops: usize,
    },
    Address {
        access: Access,
        depth: u32,
        scope: usize,
        loops: usize,
    },
}

/// What an address function's `return` does with the location.
#[derive(Debug, Clone, Copy)]
enum Access {
    Read { cells: u32, result: LocalId },
    Write { cells: u32, value: LocalId },
}

/// Lowers one body.
pub(crate) struct Lowerer<'e> {
    env: &'e Env,
    report: &'e mut Report,
    mode: Mode,
    locals: Vec<u32>,
    choices: Vec<Choice>,
    out: Vec<Stmt>,
    variables: Vec<Variable>,
    /// Locals of blocks of this frame that have ended.
    ended: Vec<Ended>,
    /// The register or field that is compared or assigned to, with the names of its values.
    valued: Option<(String, Vec<String>)>,
    frames: Vec<Frame>,
    /// Depth of the block that each open loop's `break` leaves.
    loops: Vec<u32>,
    depth: u32,
    size: u32,
    overflowed: bool,
    /// How deep expressions, statements and calls are nested.
    nesting: u32,
    /// The outermost statement or expression.
    at: Option<Span>,
    /// Whether the address function was seen to trap where nothing may.
    may_trap: bool,
    /// Views and the PSW while they are written out, and whether they are written to.
    expanding: Vec<(String, bool)>,
}

impl<'e> Lowerer<'e> {
    pub(crate) fn new(env: &'e Env, report: &'e mut Report, mode: Mode) -> Self {
        Self {
            env,
            report,
            mode,
            locals: Vec::new(),
            choices: Vec::new(),
            out: Vec::new(),
            variables: Vec::new(),
            ended: Vec::new(),
            valued: None,
            frames: vec![Frame::Top],
            loops: Vec::new(),
            depth: 0,
            size: 0,
            overflowed: false,
            nesting: 0,
            at: None,
            may_trap: false,
            expanding: Vec::new(),
        }
    }

    /// Puts a name in scope that the text may but need not use.
    pub(crate) fn bind(&mut self, name: &str, binding: Binding) {
        self.variables.push(Variable { name: name.to_owned(), binding, span: None, used: false });
    }

    /// Adds a local.
    pub(crate) fn local(&mut self, width: u32) -> LocalId {
        self.locals.push(width);
        LocalId(self.locals.len() as u32 - 1)
    }

    /// Lowers statements to a body.
    pub(crate) fn body(mut self, statements: &[ast::Stmt]) -> Body {
        self.block(statements);
        self.close_scope(0);
        self.finish()
    }

    /// Lowers several texts, run one after the other, each with its own locals.
    pub(crate) fn bodies(mut self, texts: &[Vec<ast::Stmt>]) -> Body {
        let scope = self.variables.len();
        for text in texts {
            self.block(text);
            self.close_scope(scope);
        }
        self.finish()
    }

    fn finish(self) -> Body {
        Body { statements: self.out, locals: self.locals, choices: self.choices }
    }

    /// Checks a helper function that nothing calls.
    pub(crate) fn function_alone(mut self, function: &ast::Function) {
        let zero = |(_, span, width): &(String, Span, u32)| ast::Expr {
            span: *span,
            kind: ast::ExprKind::Number(0, Some(*width)),
        };
        let arguments: Vec<ast::Expr> = function.parameters.iter().map(zero).collect();
        self.at = Some(function.name_span);
        self.inline(function, &arguments, function.name_span);
    }

    /// Lowers an expression to its value and what has to be done before it.
    pub(crate) fn value(mut self, e: &ast::Expr) -> Option<(Body, Expr)> {
        let value = self.expr(e, None)?;
        Some((self.finish(), value))
    }

    /// Lowers an expression that must have no effects; numbers in it take the given width, and
    /// with `exact` so must the result.
    pub(crate) fn pure(mut self, e: &ast::Expr, width: Option<u32>, exact: bool) -> Option<Expr> {
        self.at = Some(e.span);
        let lowered = match width {
            Some(width) if exact => self.expr_to(e, width),
            _ => self.expr(e, width),
        }?;
        if !self.out.is_empty() {
            self.error(
                "C020",
                e.span,
                "this expression must not trap, write or call functions that do",
                "",
            );
            return None;
        }
        Some(lowered)
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: &str) {
        let error = Diagnostic::error(code, span, message);
        self.report.push(if help.is_empty() { error } else { error.help(help) });
    }

    fn emit(&mut self, statement: Stmt) {
        self.grow(1);
        if !self.overflowed {
            self.out.push(statement);
        }
    }

    fn grow(&mut self, by: u32) {
        self.size = self.size.saturating_add(by);
        if self.size > MAX_SIZE && !self.overflowed {
            self.overflowed = true;
            let message = format!("this unfolds to more than {MAX_SIZE} statements and operators");
            let help = "loops are unrolled and functions inlined: shorten them";
            self.report.push(match self.at {
                Some(span) => Diagnostic::error("C021", span, message).help(help),
                None => Diagnostic::global("C021", message).help(help),
            });
        }
    }

    /// Runs a rule one level deeper: no text may exhaust our stack.
    fn deeper<T>(&mut self, span: Span, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.overflowed {
            return None;
        }
        if self.nesting >= MAX_NESTING {
            self.overflowed = true;
            let message = format!(
                "expressions, statements and calls are nested more than {MAX_NESTING} deep"
            );
            self.error("C021", self.at.unwrap_or(span), message, "split it up");
            return None;
        }
        self.nesting += 1;
        let result = rule(self);
        self.nesting -= 1;
        result
    }

    /// Writes out a view or the PSW, which must not lead back to itself.
    fn expand<T>(
        &mut self,
        name: &str,
        write: bool,
        span: Span,
        rule: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let entry = (name.to_owned(), write);
        if self.expanding.contains(&entry) {
            self.error("C008", span, format!("`{name}` is defined by itself"), "");
            return None;
        }
        self.expanding.push(entry);
        let result = rule(self);
        self.expanding.pop();
        result
    }

    /// Lowers into a list of its own.
    fn nested<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (Vec<Stmt>, T) {
        let outer = std::mem::take(&mut self.out);
        let result = lower(self);
        (std::mem::replace(&mut self.out, outer), result)
    }

    /// Copies a value into a local of its own.
    fn spill(&mut self, value: Expr) -> Expr {
        let width = value.width;
        let local = self.local(width);
        self.emit(Stmt::Local(local, value));
        Expr { width, kind: ExprKind::Local(local) }
    }

    fn close_scope(&mut self, down_to: usize) {
        for variable in self.variables.drain(down_to..) {
            let Some(span) = variable.span else { continue };
            if !variable.used && !variable.name.starts_with('_') {
                let message = format!("`{}` is never used", variable.name);
                let warning = Diagnostic::warning("C030", span, message);
                self.report.push(warning.help("remove it, or begin its name with `_`"));
            }
            self.ended.push(Ended { name: variable.name, span });
        }
    }

    /// First variable that the current frame may see.
    fn scope_base(&self) -> usize {
        match self.frames.last() {
            Some(Frame::Function { scope, .. } | Frame::Address { scope, .. }) => *scope,
            Some(Frame::Top) | None => 0,
        }
    }

    fn lookup(&mut self, name: &str) -> Option<Binding> {
        let base = self.scope_base();
        let variable = self.variables[base..].iter_mut().rev().find(|v| v.name == name)?;
        variable.used = true;
        Some(variable.binding)
    }

    fn mark_used(&self, name: &str) {
        if !self.env.used.borrow().contains(name) {
            self.env.used.borrow_mut().insert(name.to_owned());
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span, what: &str) {
        if let Some(ended) = self.ended.iter().rev().find(|it| it.name == name) {
            let error = Diagnostic::error("C001", span, format!("there is no name `{name}` here"));
            let error = error.related(ended.span, "declared in a block that ends before");
            self.report.push(
                error.help(format!("declare `{name}` before the block, and assign to it there")),
            );
            return;
        }
        let base = self.scope_base();
        let locals = self.variables[base..].iter().map(|v| v.name.as_str());
        let known = locals
            .chain(self.env.register_names.keys().map(String::as_str))
            .chain(self.env.constants.keys().map(String::as_str))
            .chain(self.env.functions.keys().map(String::as_str))
            .chain(self.env.views.keys().map(String::as_str))
            .chain([self.env.storage.name.as_str(), "phys", "psw", "zext", "sext", "trunc"])
            .chain(["true", "false"]);
        let values = self.valued.as_ref().filter(|_| what == "name");
        let close = values.and_then(|(_, all)| did_you_mean(name, all.iter().map(String::as_str)));
        let close = close.or_else(|| did_you_mean(name, known));
        let values = values.map(|(of, all)| format!("the values of `{of}`: {}", all.join(", ")));
        let help = close.or(values).unwrap_or_else(|| match self.frames.last() {
            _ if what == "function" => {
                habits::function(name).unwrap_or("define it under `functions:`").into()
            }
            _ if habits::is_storage(name) => {
                format!("the storage of this machine is `{}`", self.env.storage.name)
            }
            _ if habits::is_registers(name) => {
                let files = self.env.registers.iter().filter(|it| it.count.is_some());
                let files: Vec<&str> = files.map(|it| it.name.as_str()).collect();
                format!("the register files of this machine: {}", files.join(", "))
            }
            Some(Frame::Function { .. }) => {
                "a function does not see the operands of its caller: pass them to it".into()
            }
            _ => "names are operands, locals, components, constants, functions and views".into(),
        });
        self.error("C001", span, format!("there is no {what} `{name}`"), &help);
    }

    /// The number of an expression that is known when the specification is checked and that
    /// takes its width from its context.
    fn constant(&mut self, e: &ast::Expr) -> Option<u128> {
        use ast::{Binary, ExprKind as E};
        match &e.kind {
            E::Number(n, None) => Some(*n),
            E::Name(name) => match self.lookup(name) {
                Some(Binding::Constant(n)) => Some(n),
                Some(Binding::Local(..) | Binding::Operand(..) | Binding::Failed) => None,
                None if self.env.register_names.contains_key(name) => None,
                None => {
                    self.mark_used(name);
                    self.env.constants.get(name).copied()
                }
            },
            E::Binary(operator, a, b) => {
                let (a, b) = (self.constant(a)?, self.constant(b)?);
                match operator {
                    Binary::Same { op: Op::Add, .. } => a.checked_add(b),
                    Binary::Same { op: Op::Sub, .. } => a.checked_sub(b),
                    Binary::Same { op: Op::Mul, .. } => a.checked_mul(b),
                    Binary::Same { op: Op::Udiv, .. } => a.checked_div(b),
                    Binary::Same { op: Op::Urem, .. } => a.checked_rem(b),
                    Binary::Shift(Op::Shl) => a.checked_shl(u32::try_from(b).ok()?),
                    Binary::Shift(_) => a.checked_shr(u32::try_from(b).ok()?),
                    Binary::Same { .. }
                    | Binary::WideAdd
                    | Binary::WideMul
                    | Binary::Concat
                    | Binary::AndThen
                    | Binary::OrElse => None,
                }
            }
            E::Number(_, Some(_))
            | E::Field(..)
            | E::Index(..)
            | E::Slice(..)
            | E::Cells(..)
            | E::Call(..)
            | E::Unary(..)
            | E::Choice(..) => None,
        }
    }

    /// A constant that must be one, such as a bit position or a loop bound.
    fn required_constant(&mut self, e: &ast::Expr, what: &str) -> Option<u128> {
        let plain = match e.kind {
            ast::ExprKind::Number(n, Some(_)) => Some(n),
            _ => self.constant(e),
        };
        if plain.is_none() {
            let message = format!("{what} must be a constant");
            self.error("C011", e.span, message, "use a number, a constant or a loop constant");
        }
        plain
    }

    /// A number as wide as its context asks.
    fn sized(&mut self, value: u128, width: Option<u32>, span: Span) -> Option<Expr> {
        let Some(width) = width else {
            let help = format!("say it: {value}u{}", bits_for(value));
            self.error(
                "C010",
                span,
                "the width of this number does not follow from its context",
                &help,
            );
            return None;
        };
        if bits_for(value) > width {
            let message = format!("{value} does not fit {}", bits(width));
            self.error("C012", span, message, "");
            return None;
        }
        Some(Expr::constant(Bits::new(value, width)))
    }

    /// Whether an expression takes its width from its context.
    fn is_untyped(&mut self, e: &ast::Expr) -> bool {
        use ast::ExprKind as E;
        match &e.kind {
            E::Call(name, _) => name == "cells",
            E::Unary(ast::Unary::Minus | ast::Unary::Complement, x) => self.is_untyped(x),
            E::Choice(_, a, b) | E::Binary(ast::Binary::Same { compare: false, .. }, a, b) => {
                self.is_untyped(a) && self.is_untyped(b)
            }
            E::Number(..) | E::Name(_) | E::Binary(..) => self.constant(e).is_some(),
            E::Field(..) | E::Index(..) | E::Slice(..) | E::Cells(..) | E::Unary(..) => false,
        }
    }

    fn open_value(&mut self, choice: Choice, span: Span) -> Option<Expr> {
        if self.mode != Mode::Semantics {
            self.error("C022", span, "only an instruction's semantics may leave a value open", "");
            return None;
        }
        let width = choice.width;
        self.choices.push(choice);
        let bits: u32 = self.choices.iter().filter(|c| c.arbitrary).map(|c| c.width).sum();
        if choice.arbitrary && bits > ARBITRARY {
            let message = format!("at most {ARBITRARY} bits of an instruction may be arbitrary");
            let help =
                "each of their values is looked at by itself; undefined(n) may have any width";
            self.error("C025", span, message, help);
            return None;
        }
        let id = ChoiceId(self.choices.len() as u32 - 1);
        Some(Expr { width, kind: ExprKind::Choice(id) })
    }
}

/// `1 bit`, `8 bits`.
pub(crate) fn bits(width: u32) -> String {
    if width == 1 { "1 bit".into() } else { format!("{width} bits") }
}

/// `x[low + width - 1 : low]`.
pub(crate) fn slice(x: Expr, low: u32, width: u32) -> Expr {
    if low == 0 && width == x.width {
        return x;
    }
    let shifted = if low == 0 {
        x
    } else {
        let amount = Expr::constant(Bits::new(low as u128, bits_for(low as u128)));
        let width = x.width;
        Expr::apply(Op::Lshr, vec![x, amount], width)
    };
    if shifted.width == width { shifted } else { Expr::apply(Op::Low, vec![shifted], width) }
}

/// `old` with the bits from `low` replaced by `value`.
fn insert(old: &Expr, low: u32, value: Expr) -> Expr {
    let top = low + value.width;
    let mut result = value;
    if low > 0 {
        let width = result.width + low;
        result = Expr::apply(Op::Concat, vec![result, slice(old.clone(), 0, low)], width);
    }
    if top < old.width {
        let high = slice(old.clone(), top, old.width - top);
        result = Expr::apply(Op::Concat, vec![high, result], old.width);
    }
    result
}

/// `x`, wider.
fn widen(x: Expr, width: u32) -> Expr {
    match x.kind {
        ExprKind::Const(value) => Expr::constant(Bits::new(value, width)),
        _ if x.width == width => x,
        _ => Expr::apply(Op::Zext, vec![x], width),
    }
}

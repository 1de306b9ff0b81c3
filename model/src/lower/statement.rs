//! Lowering of statements.

use super::{Binding, Frame, Lowerer, Mode};
use crate::ast::{self, StmtKind as S};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::isa::{Stmt, ends};

/// Most rounds of one loop.
const MAX_ROUNDS: u128 = 4096;

const END: &str =
    "an instruction ends where its text ends: what is not to be done goes into an `else`";

impl Lowerer<'_> {
    /// Lowers statements in a scope of their own.
    pub(super) fn block(&mut self, statements: &[ast::Stmt]) {
        let scope = self.variables.len();
        let mut start = self.out.len();
        let mut warned = false;
        for statement in statements {
            if !warned && ends(&self.out[start..]) {
                let warning = Diagnostic::warning("C031", statement.span, "this is never reached");
                self.report.push(warning);
                warned = true;
            }
            start = self.out.len();
            self.statement(statement);
        }
        self.close_scope(scope);
    }

    fn statement(&mut self, statement: &ast::Stmt) {
        if self.nesting == 0 {
            self.at = Some(statement.span);
        }
        self.deeper(statement.span, |l| {
            l.statement_of_kind(statement);
            Some(())
        });
    }

    fn statement_of_kind(&mut self, statement: &ast::Stmt) {
        let span = statement.span;
        match &statement.kind {
            S::Let(name, name_span, value) => self.bind_local(name, *name_span, value),
            S::LetFailed(name) => self.bind(name, Binding::Failed),
            S::Assign(place, value) => {
                self.assign(place, value);
            }
            S::If(condition, yes, no) => {
                let condition = self.expr_to(condition, 1);
                let (yes, ()) = self.nested(|l| l.block(yes));
                let (no, ()) = self.nested(|l| l.block(no));
                if let Some(condition) = condition {
                    self.emit(Stmt::If(condition, yes, no));
                }
            }
            S::Require(condition, otherwise) => {
                let condition = self.expr_to(condition, 1);
                let (no, ()) = self.nested(|l| l.statement(otherwise));
                if let Some(condition) = condition {
                    self.emit(Stmt::If(condition, Vec::new(), no));
                }
            }
            S::Trap(name, name_span, argument) => {
                self.trap(name, *name_span, argument.as_ref(), span);
            }
            S::Commit if self.mode == Mode::Semantics => self.emit(Stmt::Commit),
            S::Commit => self.error("C022", span, "only an instruction's semantics may commit", ""),
            S::For { variable, low, high, body, otherwise } => {
                self.for_loop(variable, low, high, body, otherwise);
            }
            S::Break => self.break_loop(span),
            S::Return(value) => self.return_value(value, span),
            S::ReturnNothing => self.return_nothing(span),
            S::Unpredictable if self.mode == Mode::Plain => {
                self.error("C022", span, "nothing may be unpredictable here", "");
            }
            S::Unpredictable => self.emit(Stmt::Unpredictable),
            S::Unknown => self.emit(Stmt::Unknown),
            S::Call(name, arguments) => self.call_statement(name, arguments, span),
        }
    }

    fn bind_local(&mut self, name: &str, span: Span, value: &ast::Expr) {
        if self.variables[self.scope_base()..].iter().any(|v| v.name == name && v.span.is_some()) {
            let message = format!("`{name}` is already a local here");
            self.error("C023", span, message, "assign to it without `let`, or choose another name");
        } else if self.env.register_names.contains_key(name) {
            let message = format!("`{name}` is a component of the machine");
            self.error("C023", span, message, "choose another name");
        }
        let Some(value) = self.expr(value, None) else {
            self.bind(name, Binding::Failed);
            return;
        };
        let width = value.width;
        let local = self.local(width);
        self.emit(Stmt::Local(local, value));
        self.bind(name, Binding::Local(local, width));
        let variable = self.variables.last_mut().expect("the name was just bound");
        variable.span = Some(span);
    }

    fn trap(&mut self, name: &str, name_span: Span, argument: Option<&ast::Expr>, span: Span) {
        let Some(&id) = self.env.traps.get(name) else {
            let help = did_you_mean(name, self.env.traps.keys().map(String::as_str))
                .unwrap_or_else(|| {
                    let all: Vec<_> = self.env.traps.keys().map(String::as_str).collect();
                    if all.is_empty() {
                        "this machine has no traps: list them as `traps:` under `machine:`".into()
                    } else {
                        format!("the traps of this machine: {}", all.join(", "))
                    }
                });
            self.error("C001", name_span, format!("there is no trap `{name}`"), &help);
            return;
        };
        let argument = match argument {
            Some(e) if self.env.trap_argument == 0 => {
                let help = "declare their width: `trap-argument:` under `machine:`";
                self.error("C003", e.span, "the traps of this machine have no argument", help);
                None
            }
            Some(e) => {
                let lowered = self.expr_to(e, self.env.trap_argument);
                if lowered.is_none() {
                    return;
                }
                lowered
            }
            None => None,
        };
        match self.mode {
            Mode::Semantics | Mode::Fetch => self.emit(Stmt::Trap(id, argument)),
            Mode::TrapSequence => self.emit(Stmt::Unpredictable),
            // The place to report is the access, not the address function.
            Mode::Plain if self.frames.iter().any(|f| matches!(f, Frame::Address { .. })) => {
                self.may_trap = true;
            }
            Mode::Plain => self.error("C022", span, "nothing may trap here", ""),
        }
    }

    fn for_loop(
        &mut self,
        variable: &str,
        low: &ast::Expr,
        high: &ast::Expr,
        body: &[ast::Stmt],
        otherwise: &[ast::Stmt],
    ) {
        let (Some(from), Some(to)) = (
            self.required_constant(low, "a loop bound"),
            self.required_constant(high, "a loop bound"),
        ) else {
            return;
        };
        if to < from || to - from > MAX_ROUNDS {
            let message = format!("a loop runs from low to high, at most {MAX_ROUNDS} rounds");
            self.error("C015", low.span.to(high.span), message, "");
            return;
        }
        self.depth += 1;
        self.loops.push(self.depth);
        let (rounds, ()) = self.nested(|l| {
            let mut start = 0;
            for i in from..to {
                if l.overflowed || ends(&l.out[start..]) {
                    break;
                }
                start = l.out.len();
                l.grow(1);
                let scope = l.variables.len();
                l.bind(variable, Binding::Constant(i));
                l.block(body);
                l.close_scope(scope);
            }
            let loop_depth = l.loops.pop();
            if !ends(&l.out[start..]) {
                l.block(otherwise);
            }
            l.loops.extend(loop_depth);
        });
        self.loops.pop();
        self.depth -= 1;
        self.emit(Stmt::Block(rounds));
    }

    fn break_loop(&mut self, span: Span) {
        let floor = match self.frames.last() {
            Some(Frame::Function { loops, .. } | Frame::Address { loops, .. }) => *loops,
            Some(Frame::Top) | None => 0,
        };
        match self.loops.last() {
            Some(&target) if self.loops.len() > floor => self.emit(Stmt::Exit(self.depth - target)),
            _ => self.error("C024", span, "`break` stands outside a loop", ""),
        }
    }

    fn return_value(&mut self, value: &ast::Expr, span: Span) {
        match self.frames.last() {
            Some(&Frame::Function { result: Some((local, width)), depth, .. }) => {
                if let Some(value) = self.expr_to(value, width) {
                    self.emit(Stmt::Local(local, value));
                }
                // The exit stands even after an error, or the error would be reported as a missing return.
                self.emit(Stmt::Exit(self.depth - depth));
            }
            Some(&Frame::Address { access, depth, .. }) => {
                self.return_location(value, access);
                self.emit(Stmt::Exit(self.depth - depth));
            }
            Some(Frame::Function { result: None, name, .. }) => {
                let message = format!("`{name}` has no result");
                self.error("C024", span, message, "declare one: fn name(…) -> width");
            }
            Some(Frame::Top) | None => {
                self.error("C024", span, "only functions return a value", END);
            }
        }
    }

    fn return_nothing(&mut self, span: Span) {
        match self.frames.last() {
            Some(&Frame::Function { result: None, depth, .. }) => {
                self.emit(Stmt::Exit(self.depth - depth));
            }
            other => {
                let help = if matches!(other, Some(Frame::Top)) { END } else { "" };
                let message = "`return` without a value stands in functions without a result";
                self.error("C024", span, message, help);
            }
        }
    }

    fn call_statement(&mut self, name: &str, arguments: &[ast::Expr], span: Span) {
        let env = self.env;
        let Some(function) = env.functions.get(name) else {
            self.unknown_name(name, span, "function");
            return;
        };
        if function.result.is_some() {
            let message = format!("the result of `{name}` is lost");
            self.error("C006", span, message, &format!("keep it: let x = {name}(…);"));
            return;
        }
        self.inline(function, arguments, span);
    }
}

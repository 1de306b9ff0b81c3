//! What a text of IDL names.

use std::collections::BTreeSet;

use super::idl::ast::{Expr, ExprKind, Stmt, StmtKind};

/// Calls a rule with every expression of statements, outermost first.
pub(super) fn expressions<'s>(statements: &'s [Stmt], rule: &mut dyn FnMut(&'s Expr)) {
    for statement in statements {
        match &statement.kind {
            StmtKind::Declare(_, _, value) | StmtKind::Return(value) => {
                if let Some(it) = value {
                    within(it, rule);
                }
            }
            StmtKind::Assign(place, value) => {
                within(place, rule);
                within(value, rule);
            }
            StmtKind::Do(it) => within(it, rule),
            StmtKind::If(condition, then, otherwise) => {
                within(condition, rule);
                expressions(then, rule);
                expressions(otherwise, rule);
            }
            StmtKind::For(it) => {
                expressions(std::slice::from_ref(&it.first), rule);
                within(&it.condition, rule);
                expressions(std::slice::from_ref(&it.step), rule);
                expressions(&it.body, rule);
            }
        }
    }
}

/// The same for one expression and its parts.
pub(super) fn within<'s>(it: &'s Expr, rule: &mut dyn FnMut(&'s Expr)) {
    rule(it);
    match &it.kind {
        ExprKind::Number(_)
        | ExprKind::Bool(_)
        | ExprKind::Text(_)
        | ExprKind::Name(_)
        | ExprKind::Member(..)
        | ExprKind::Csr(_)
        | ExprKind::Pc
        | ExprKind::Encoding => {}
        ExprKind::Field(of, _) | ExprKind::Unary(_, of) => within(of, rule),
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Repeat(a, b) => {
            within(a, rule);
            within(b, rule);
        }
        ExprKind::Slice(a, b, c) | ExprKind::Choice(a, b, c) => {
            within(a, rule);
            within(b, rule);
            within(c, rule);
        }
        ExprKind::Call(call) => {
            for it in call.template.iter().chain(&call.arguments) {
                within(it, rule);
            }
        }
        ExprKind::Method(of, _, arguments) => {
            within(of, rule);
            for it in arguments {
                within(it, rule);
            }
        }
        ExprKind::Concat(all) | ExprKind::List(all) => all.iter().for_each(|it| within(it, rule)),
    }
}

/// The CSRs that statements name.
pub(super) fn csrs(statements: &[Stmt]) -> BTreeSet<&str> {
    let mut all = BTreeSet::new();
    expressions(statements, &mut |it| {
        if let ExprKind::Csr(name) = &it.kind {
            all.insert(name.as_str());
        }
    });
    all
}

/// Names that are used as numbers of registers and nothing else: the operands of an encoding that is not known.
pub(super) fn registers(statements: &[Stmt]) -> BTreeSet<String> {
    let (mut indices, mut names) = (Vec::new(), Vec::new());
    expressions(statements, &mut |it| match &it.kind {
        ExprKind::Index(of, index) if matches!(&of.kind, ExprKind::Name(name) if name == "X") => {
            if let ExprKind::Name(name) = &index.kind {
                indices.push(name.clone());
            }
        }
        ExprKind::Name(name) if name != "X" => names.push(name.clone()),
        _ => {}
    });
    let count = |all: &[String], name: &String| all.iter().filter(|it| *it == name).count();
    indices.iter().filter(|it| count(&indices, it) == count(&names, it)).cloned().collect()
}

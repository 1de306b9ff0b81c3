//! Which operands name registers: those whose value is the index of a register file.

use std::collections::BTreeSet;

use model::bits::Op;
use model::isa::{Class, Expr, ExprKind, Isa, LocalId, OperandId, RegisterId, Stmt};

/// What was put into a local.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Unset,
    Operand(OperandId),
    Other,
}

/// The register files that each operand of a class indexes, as written in its semantics.
pub(super) fn files(class: &Class) -> Vec<BTreeSet<RegisterId>> {
    let mut search = Search {
        locals: vec![Holds::Unset; class.body.locals.len()],
        files: vec![BTreeSet::new(); class.operands.len()],
    };
    // Functions are inlined: their arguments are locals, set before they are used.
    search.statements(&class.body.statements);
    search.files
}

/// The register that a word names: `r3`.
pub(super) fn named(isa: &Isa, word: &str) -> Option<(RegisterId, u128)> {
    isa.register_ids().find_map(|(id, register)| {
        let count = register.count?;
        let (name, digits) = word.split_at_checked(register.name.len())?;
        let plain = digits.bytes().all(|b| b.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'));
        let index = digits.parse().ok().filter(|i| plain && *i < u128::from(count))?;
        name.eq_ignore_ascii_case(&register.name).then_some((id, index))
    })
}

struct Search {
    locals: Vec<Holds>,
    files: Vec<BTreeSet<RegisterId>>,
}

impl Search {
    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Local(LocalId(id), e) => {
                    self.expression(e);
                    let value = self.holds(e);
                    let local = &mut self.locals[*id as usize];
                    *local = if *local == Holds::Unset { value } else { Holds::Other };
                }
                Stmt::Register(_, e) | Stmt::Trap(_, Some(e)) => self.expression(e),
                Stmt::Element(id, index, e) => {
                    self.index(*id, index);
                    self.expression(index);
                    self.expression(e);
                }
                Stmt::Store(cell, e) => {
                    self.expression(cell);
                    self.expression(e);
                }
                Stmt::If(condition, yes, no) => {
                    self.expression(condition);
                    self.statements(yes);
                    self.statements(no);
                }
                Stmt::Block(inner) => self.statements(inner),
                Stmt::Exit(_)
                | Stmt::Trap(_, None)
                | Stmt::Commit
                | Stmt::Unpredictable
                | Stmt::Unknown => {}
            }
        }
    }

    fn expression(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Element(id, index) => {
                self.index(*id, index);
                self.expression(index);
            }
            ExprKind::Load(inner) => self.expression(inner),
            ExprKind::Apply(_, operands) => operands.iter().for_each(|o| self.expression(o)),
            ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Operand(_)
            | ExprKind::Register(_)
            | ExprKind::CellCount
            | ExprKind::Choice(_) => {}
        }
    }

    fn index(&mut self, file: RegisterId, index: &Expr) {
        if let Holds::Operand(id) = self.holds(index) {
            self.files[id.index()].insert(file);
        }
    }

    /// What an expression's value is.
    fn holds(&self, e: &Expr) -> Holds {
        match &e.kind {
            ExprKind::Operand(id) => Holds::Operand(*id),
            ExprKind::Local(id) => self.locals[id.index()],
            ExprKind::Apply(Op::Zext, inner) => self.holds(&inner[0]),
            _ => Holds::Other,
        }
    }
}

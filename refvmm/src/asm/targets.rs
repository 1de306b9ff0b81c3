//! Which operands say where P goes: the place itself, or how far it is from where P is.

use model::bits::Op;
use model::isa::{Class, Expr, ExprKind, Isa, LocalId, Role, Stmt};

/// What an operand says of the next P.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// P becomes what is computed from it.
    Place,
    /// P and it are added up.
    Distance,
}

/// What each operand of a class says of the next P; `None` if nothing, or not the same everywhere.
pub(super) fn targets(isa: &Isa, class: &Class) -> Vec<Option<Target>> {
    let none = Parts { operands: vec![false; class.operands.len()], counter: Counter::Unread };
    let mut search = Search {
        isa,
        locals: vec![none.clone(); class.body.locals.len()],
        none,
        found: Vec::new(),
    };
    search.statements(&class.body.statements);
    let said = |operand: usize| {
        let mut all = search.found.iter().filter(|parts| parts.operands[operand]);
        let first = all.next()?.counter;
        let same = all.all(|parts| parts.counter == first);
        match first {
            _ if !same => None,
            Counter::Unread => Some(Target::Place),
            Counter::Summed => Some(Target::Distance),
            Counter::Otherwise => None,
        }
    };
    (0..class.operands.len()).map(said).collect()
}

/// What a value is computed from, not counting what stands in storage and in files of registers.
#[derive(Debug, Clone)]
struct Parts {
    operands: Vec<bool>,
    counter: Counter,
}

/// What a value has of P.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Unread,
    Summed,
    /// As where a jump stays in its page.
    Otherwise,
}

struct Search<'a> {
    isa: &'a Isa,
    none: Parts,
    locals: Vec<Parts>,
    /// What P is computed from, wherever it is set.
    found: Vec<Parts>,
}

impl Search<'_> {
    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Local(LocalId(id), e) => {
                    let mut parts = self.locals[*id as usize].clone();
                    self.add(e, &mut parts);
                    self.locals[*id as usize] = parts;
                }
                Stmt::Register(id, e) => {
                    if self.isa.register(*id).slices.iter().any(|s| s.role == Role::P) {
                        let mut parts = self.none.clone();
                        self.add(e, &mut parts);
                        self.found.push(parts);
                    }
                }
                Stmt::If(_, yes, no) => {
                    self.statements(yes);
                    self.statements(no);
                }
                Stmt::Block(inner) => self.statements(inner),
                Stmt::Element(..)
                | Stmt::Store(..)
                | Stmt::Exit(_)
                | Stmt::Trap(..)
                | Stmt::Commit
                | Stmt::Unpredictable
                | Stmt::Unknown => {}
            }
        }
    }

    fn add(&self, e: &Expr, parts: &mut Parts) {
        match &e.kind {
            ExprKind::Operand(id) => parts.operands[id.index()] = true,
            ExprKind::Local(id) => {
                let local = &self.locals[id.index()];
                let both = parts.operands.iter_mut().zip(&local.operands);
                both.for_each(|(all, some)| *all |= some);
                parts.counter = parts.counter.max(local.counter);
            }
            ExprKind::Register(id) => {
                let slices = &self.isa.register(*id).slices;
                if slices.iter().any(|s| s.role == Role::P) {
                    parts.counter = parts.counter.max(Counter::Summed);
                }
            }
            ExprKind::Apply(op, operands) => {
                let before = std::mem::replace(&mut parts.counter, Counter::Unread);
                for operand in operands {
                    self.add(operand, parts);
                }
                if parts.counter != Counter::Unread && !matches!(op, Op::Add | Op::Sub) {
                    parts.counter = Counter::Otherwise;
                }
                parts.counter = parts.counter.max(before);
            }
            ExprKind::Const(_)
            | ExprKind::Element(..)
            | ExprKind::Load(_)
            | ExprKind::CellCount
            | ExprKind::Choice(_) => {}
        }
    }
}

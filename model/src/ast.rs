//! The semantics language as written: expressions and statements with their places.

use crate::bits::Op;
use crate::diagnostic::Span;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    /// A number, with its width if the text says it.
    Number(u128, Option<u32>),
    Name(String),
    Field(Box<Expr>, String, Span),
    /// `x[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `x[a:b]`
    Slice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `mem[a; n]`
    Cells(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// A prefix operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    /// `!`, on width 1.
    Not,
    /// `~`
    Complement,
    /// `-`
    Minus,
}

/// An infix operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    /// Operands of equal width; the flag says that they are exchanged (`a > b` is `b < a`), the
    /// next that the result is negated (`a <= b` is `!(b < a)`).
    Same { op: Op, swap: bool, negate: bool, compare: bool },
    /// `<<` and `>>`: the amount has a width of its own.
    Shift(Op),
    /// `+^`
    WideAdd,
    /// `*^`
    WideMul,
    /// `::`
    Concat,
    /// `&&`
    AndThen,
    /// `||`
    OrElse,
}

impl Binary {
    /// Tightness and meaning of an infix operator; the order is Rust's.
    pub(crate) fn of_mark(mark: &str) -> Option<(u32, Self)> {
        let plain = |op| Binary::Same { op, swap: false, negate: false, compare: false };
        let compare = |op, swap, negate| Binary::Same { op, swap, negate, compare: true };
        Some(match mark {
            "||" => (1, Binary::OrElse),
            "&&" => (2, Binary::AndThen),
            "==" => (3, compare(Op::Eq, false, false)),
            "!=" => (3, compare(Op::Eq, false, true)),
            "<" => (3, compare(Op::Ult, false, false)),
            ">" => (3, compare(Op::Ult, true, false)),
            "<=" => (3, compare(Op::Ult, true, true)),
            ">=" => (3, compare(Op::Ult, false, true)),
            "::" => (4, Binary::Concat),
            "|" => (5, plain(Op::Or)),
            "^" => (6, plain(Op::Xor)),
            "&" => (7, plain(Op::And)),
            "<<" => (8, Binary::Shift(Op::Shl)),
            ">>" => (8, Binary::Shift(Op::Lshr)),
            "+" => (9, plain(Op::Add)),
            "-" => (9, plain(Op::Sub)),
            "+^" => (9, Binary::WideAdd),
            "*" => (10, plain(Op::Mul)),
            "/" => (10, plain(Op::Udiv)),
            "%" => (10, plain(Op::Urem)),
            "*^" => (10, Binary::WideMul),
            _ => return None,
        })
    }
}

/// A statement.
#[derive(Debug, Clone)]
pub(crate) struct Stmt {
    pub(crate) span: Span,
    pub(crate) kind: StmtKind,
}

/// What a statement is.
#[derive(Debug, Clone)]
pub(crate) enum StmtKind {
    Let(String, Span, Expr),
    /// A local whose declaration has an error.
    LetFailed(String),
    Assign(Expr, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// Runs the statement unless the condition holds.
    Require(Expr, Box<Stmt>),
    Trap(String, Span, Option<Expr>),
    Commit,
    For {
        variable: String,
        low: Expr,
        high: Expr,
        body: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    Break,
    Return(Expr),
    ReturnNothing,
    Unpredictable,
    Unknown,
    Call(String, Vec<Expr>),
}

/// A helper function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) name_span: Span,
    pub(crate) parameters: Vec<(String, Span, u32)>,
    pub(crate) result: Option<u32>,
    pub(crate) body: Vec<Stmt>,
}

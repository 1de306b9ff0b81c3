//! Trees of IDL, as written, each node with its place in the database's file.

use model::diagnostic::Span;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Number(Number),
    Bool(bool),
    Text(String),
    /// A variable, a parameter, an operand or the register file `X`.
    Name(String),
    /// `PrivilegeMode::M`
    Member(String, String),
    /// `CSR[mstatus]`
    Csr(String),
    /// `$pc`
    Pc,
    /// `$encoding`
    Encoding,
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `read_memory<32>(a, $encoding)`, and casts like `$signed(a)`.
    Call(Call),
    /// `CSR[mstatus].sw_read()`
    Method(Box<Expr>, String, Vec<Expr>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `{a, b}`
    Concat(Vec<Expr>),
    /// `{n{a}}`
    Repeat(Box<Expr>, Box<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
}

/// A call of a function.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) template: Vec<Expr>,
    pub(crate) arguments: Vec<Expr>,
}

/// A literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: u128,
    pub(crate) width: LiteralWidth,
    pub(crate) signed: bool,
}

/// How wide a literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiteralWidth {
    /// C style: as wide as it has to be.
    Least,
    /// `'1` and `MXLEN'1`
    Xlen,
    /// `8'1`
    Bits(u32),
}

/// A prefix operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Complement,
    Minus,
}

/// An infix operator; `Wide…` are those with a backtick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Mul,
    WideMul,
    Div,
    Rem,
    Add,
    WideAdd,
    Sub,
    WideSub,
    Shl,
    WideShl,
    Shr,
    Sar,
    Lt,
    Gt,
    Le,
    Ge,
    Eq,
    Ne,
    And,
    Xor,
    Or,
    AndThen,
    OrElse,
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
    Declare(TypeName, String, Option<Expr>),
    Assign(Expr, Expr),
    Do(Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    For(Box<For>),
    Return(Option<Expr>),
}

/// A loop: `for (first; condition; step) { … }`.
#[derive(Debug, Clone)]
pub(crate) struct For {
    pub(crate) first: Stmt,
    pub(crate) condition: Expr,
    pub(crate) step: Stmt,
    pub(crate) body: Vec<Stmt>,
}

/// What the name of a type says.
#[derive(Debug, Clone)]
pub(crate) enum TypeName {
    /// `Bits<N>`; `U32` and `U64` are short for two of them.
    Bits(Box<Expr>),
    /// `XReg`: as wide as MXLEN.
    Xlen,
    Fixed(u32),
    Boolean,
    Text,
    /// An enumeration or a structure.
    Named(String),
}

/// A function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) returns: Option<TypeName>,
    pub(crate) arguments: Vec<(TypeName, String)>,
    pub(crate) description: String,
    /// `None` where the database leaves it to its tools.
    pub(crate) body: Option<Vec<Stmt>>,
}

//! A specification as meant: names resolved, widths checked, functions inlined, loops unrolled.
//!
//! Every consumer (the interpreter here, the symbolic executor, the engines) reads this form only.

use crate::property::Property;
use crate::rule::Rule;
use crate::theorem::Theorem;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::bits::{Bits, Op, mask};
use crate::diagnostic::Span;
use crate::encoding::{Coverage, Pattern};
pub use crate::spec::{
    DiagramWord, Endian, Kind, Premise, Profile, Role, Saves, TrapKind, Verdict,
};
use crate::state::State;

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {
        $($(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in its table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        })*
    };
}

ids! {
    /// A register or register file, in [`Isa::registers`].
    RegisterId
    /// A local of a [`Body`].
    LocalId
    /// An operand of a [`Class`].
    OperandId
    /// A trap, in [`Isa::traps`].
    TrapId
    /// An occurrence of `undefined(n)` or `arbitrary(n)` in a [`Body`].
    ChoiceId
}

/// The machine S = ⟨E, M, P, R⟩.
#[derive(Debug, Clone)]
pub struct Isa {
    /// Short name.
    pub name: String,
    /// One line about the machine.
    pub title: String,
    /// The year in which it appeared.
    pub year: Option<u32>,
    /// Where its behaviour is documented.
    pub sources: Vec<String>,
    /// What is idealised or left out.
    pub notes: Vec<String>,
    /// Order of the cells of one access.
    pub endian: Endian,
    /// Executable storage.
    pub storage: Storage,
    /// Every other component.
    pub registers: Vec<Register>,
    /// The mode component, on a machine with modes.
    pub mode: Option<Part>,
    /// The relocation component l of R.
    pub relocation: Option<Part>,
    /// The bounds component b of R, a size.
    pub bounds: Option<Part>,
    /// Bits of the addresses that instructions make.
    pub address: u32,
    /// The mapping through which a state sees storage.
    pub window: Option<Window>,
    /// The de-privileging pairs to judge.
    pub pairs: Vec<Pair>,
    /// The traps.
    pub traps: Vec<Trap>,
    /// Physical cells of the trap sequence.
    pub trap_cells: TrapCells,
    /// Width of a trap's argument, 0 if traps have none.
    pub trap_argument: u32,
    /// Sets the initial state, which is otherwise all zero.
    pub reset: Body,
    /// The machine has stopped.
    pub halted: Option<Expr>,
    /// What can be reached by number, in specification order: for readers, since semantics have it inlined.
    pub views: Vec<Viewed>,
    /// Outcome of opcodes that no instruction lists.
    pub unlisted: Option<Body>,
    /// Invariants.
    pub assumptions: Vec<Assumption>,
    /// The decode classes, in specification order.
    pub classes: Vec<Class>,
    /// How instructions are fetched, by length, shortest first; empty for a machine without encodings.
    pub fetches: Vec<Fetch>,
    /// The same by the length of any instruction, with an encoding or without; empty where the specification
    /// does not say how and there is no default.
    pub all_fetches: Vec<Fetch>,
    /// How much of the opcode space the encodings cover.
    pub coverage: Option<Coverage>,
    /// Theorem verdicts the author expects.
    pub expect: Vec<(Profile, Expectation)>,
}

/// One entry of a view: what its number reaches.
#[derive(Debug, Clone)]
pub struct Viewed {
    /// The view.
    pub view: String,
    /// The number.
    pub number: u128,
    /// Where the entry stands: its number, and the place or code behind it.
    pub span: Span,
}

/// Executable storage: cells addressed from 0.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Name in the specification.
    pub name: String,
    /// Bits per cell.
    pub width: u32,
    /// Number of cells at most; a machine of the family may have fewer.
    pub cells: u128,
}

/// A register, or a file of equal registers.
#[derive(Debug, Clone)]
pub struct Register {
    /// Name in the specification.
    pub name: String,
    /// Bits per register.
    pub width: u32,
    /// Number of registers, if this is a file.
    pub count: Option<u32>,
    /// Every bit with its role: the slices cover the register, least significant first.
    pub slices: Vec<Slice>,
    /// Fields by name; they may overlap.
    pub fields: Vec<Field>,
    /// Names for values.
    pub values: Vec<(String, u128)>,
}

impl Register {
    /// Number of registers: 1 for a single one.
    pub fn len(&self) -> u32 {
        self.count.unwrap_or(1)
    }

    /// A register file may be declared with no register in it, which the checker refuses.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Some bits of a register and the letter they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// E, M, P or R.
    pub role: Role,
    /// For R: what it decides.
    pub kind: Option<Kind>,
}

/// Named bits of a register.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in the specification.
    pub name: String,
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// Names for values.
    pub values: Vec<(String, u128)>,
}

/// Bits of a single register, as the mode or a component of R.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The register.
    pub register: RegisterId,
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
}

/// The mapping E|r: a linear stretch of physical storage.
#[derive(Debug, Clone)]
pub struct Window {
    /// First physical cell.
    pub base: Expr,
    /// Number of cells.
    pub size: Expr,
}

/// A supervisor and a user mode to judge.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Name and value of the mode the monitor runs in.
    pub supervisor: (String, u128),
    /// Name and value of the mode the guest runs in.
    pub user: (String, u128),
    /// Completes the change to user mode, beyond setting the mode.
    pub deprivilege: Body,
}

/// A trap.
#[derive(Debug, Clone)]
pub struct Trap {
    /// Name in the specification.
    pub name: String,
    /// What sort of trap it is.
    pub kind: TrapKind,
    /// Which instruction the saved P names.
    pub saves: Saves,
    /// The number that its sequence may store.
    pub code: u128,
    /// The trap sequence; local 0 is the argument where traps have one.
    pub sequence: Body,
}

/// Physical cells of the trap sequence, half open; empty if it uses none.
#[derive(Debug, Clone, Default)]
pub struct TrapCells {
    /// Where the old PSW goes.
    pub old: Range<u128>,
    /// Where the new PSW comes from.
    pub new: Range<u128>,
}

impl TrapCells {
    /// Number of low cells a monitor must keep for itself.
    pub fn end(&self) -> u128 {
        self.old.end.max(self.new.end)
    }
}

/// An invariant of the machine's states.
#[derive(Debug, Clone)]
pub struct Assumption {
    /// Name in the specification.
    pub name: String,
    /// The condition as written.
    pub text: String,
    /// The condition.
    pub that: Expr,
    /// Why it may be assumed.
    pub why: String,
}

/// A decode class: an instruction, or one of its cases.
#[derive(Debug, Clone)]
pub struct Class {
    /// Name as reported: `csrrw[mstatus]`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Encoding of the instruction, if it has one.
    pub pattern: Option<Pattern>,
    /// Assembler form.
    pub syntax: Option<String>,
    /// Operands, arbitrary unless held at a value.
    pub operands: Vec<Operand>,
    /// Further condition on the operands.
    pub when: Option<Expr>,
    /// That condition as written, on one line; none for the values no case takes.
    pub when_text: Option<String>,
    /// Length in cells.
    pub length: u128,
    /// Moves P past the instruction.
    pub advance: Arc<Body>,
    /// The semantics, which all cases of an instruction share.
    pub body: Arc<Body>,
    /// Where its semantics are written, in the order in which they run, an overlay's perhaps before its base's; all cases
    /// share them.
    pub semantics: Vec<Span>,
    /// Free text of the author.
    pub notes: Vec<String>,
    /// Classification the author expects.
    pub expect: Vec<(Profile, Vec<ExpectedWord>)>,
    /// What it is expected to do, and where.
    pub outcomes: Vec<(Profile, Vec<ExpectedOutcome>)>,
    /// Rules whose findings the author accepts, each with the reason.
    pub allow: Vec<(Rule, String)>,
    /// Examples of what it does.
    pub runs: Vec<Run>,
}

/// An example of what a class does to one state.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it stands.
    pub span: Span,
    /// Values of the operands.
    pub operands: Vec<u128>,
    /// The state before.
    pub before: State,
    /// The trap it takes, if it does.
    pub traps: Option<TrapId>,
    /// What is otherwise afterwards.
    pub gives: Vec<(Site, u128)>,
}

/// A place of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Bits of a register; the element is 0 where it is no file.
    Part {
        /// The register.
        register: RegisterId,
        /// Its number in the file.
        element: u128,
        /// Lowest bit.
        low: u32,
        /// Number of bits.
        width: u32,
    },
    /// A physical cell.
    Cell(u128),
}

impl Site {
    /// Sets the place of a state.
    pub fn set(self, state: &mut State, value: u128) {
        match self {
            Self::Part { register, element, low, width } => {
                let bits = mask(width) << low;
                let old = state.element(register, element);
                state.set_element(register, element, old & !bits | value << low & bits);
            }
            Self::Cell(cell) => state.store(cell, value),
        }
    }
}

/// Reads the instruction at P, if it has a given length.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Length in cells.
    pub length: u128,
    /// What comes before the value: the mapping's checks, which may trap.
    pub body: Body,
    /// The instruction's bits; its locals are those of the body.
    pub word: Expr,
}

/// An operand.
#[derive(Debug, Clone)]
pub struct Operand {
    /// Name in the specification.
    pub name: String,
    /// Bits.
    pub width: u32,
    /// Value in this class, if it is held.
    pub fixed: Option<u128>,
}

/// One word of an `expect:` list.
#[derive(Debug, Clone)]
pub struct ExpectedWord {
    /// The property.
    pub property: Property,
    /// Whether it is expected to be true.
    pub holds: bool,
    /// The mode in which it is, if one is named.
    pub mode: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// What a class is expected to do: `traps(illegal) in user when mcounteren[0] == 0`. Said of all states that the
/// assumptions admit; where it memory-traps nothing is said, unless the outcome is that memory trap.
#[derive(Debug, Clone)]
pub struct ExpectedOutcome {
    /// The outcome.
    pub outcome: ExpectedEnd,
    /// Whether it happens in each such state, or in none.
    pub holds: bool,
    /// Name and value of the mode of the states, if one is named.
    pub mode: Option<(String, u128)>,
    /// Condition on state and operands, if there is one.
    pub when: Option<Expr>,
    /// All of it as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// How an instruction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedEnd {
    /// It completes.
    Completes,
    /// It takes this trap.
    Traps(TrapId),
    /// The architecture says nothing.
    Unpredictable,
}

/// Theorem verdicts the author expects.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// Where it stands.
    pub span: Option<Span>,
    /// The pair it speaks of, by name; none if it speaks of all.
    pub pair: Option<String>,
    /// Theorem 1.
    pub vmm: TheoremExpectation,
    /// Theorem 2.
    pub recursive: TheoremExpectation,
    /// Theorem 3.
    pub hvmm: TheoremExpectation,
    /// Exactly the classes that break Theorem 1's premise.
    pub offending: Option<Vec<String>>,
}

impl Expectation {
    /// What is expected of one theorem.
    pub fn of(&self, theorem: Theorem) -> &TheoremExpectation {
        match theorem {
            Theorem::Vmm => &self.vmm,
            Theorem::Recursive => &self.recursive,
            Theorem::Hvmm => &self.hvmm,
        }
    }
}

/// What the author expects of one theorem.
#[derive(Debug, Clone, Default)]
pub struct TheoremExpectation {
    /// The set inclusion.
    pub premise: Option<Premise>,
    /// Constructibility.
    pub verdict: Option<Verdict>,
    /// Exactly the conditions under which it holds.
    pub conditions: Option<Vec<String>>,
    /// Whether the whole diagram commutes.
    pub diagram: Option<DiagramWord>,
}

/// Statements with their locals.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// What is done, in order.
    pub statements: Vec<Stmt>,
    /// Widths of the locals.
    pub locals: Vec<u32>,
    /// The values the architecture leaves open.
    pub choices: Vec<Choice>,
}

/// A value the architecture leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Bits of the value.
    pub width: u32,
    /// Written `arbitrary(n)`: it may come out otherwise each time, and a virtual machine may do what the
    /// real one may do. Else it is `undefined(n)`: one value in all runs that are compared.
    pub arbitrary: bool,
}

/// An expression without effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// Bits of the result.
    pub width: u32,
    /// What it is.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// A number.
    Const(u128),
    /// A local's value.
    Local(LocalId),
    /// An operand's value.
    Operand(OperandId),
    /// A single register.
    Register(RegisterId),
    /// A register of a file; past its end 0.
    Element(RegisterId, Box<Expr>),
    /// A physical cell; past the end of storage 0.
    Load(Box<Expr>),
    /// Number of physical cells.
    CellCount,
    /// A value the architecture leaves open.
    Choice(ChoiceId),
    /// An operator applied.
    Apply(Op, Vec<Expr>),
}

impl Expr {
    /// Adds the registers that it reads.
    pub fn registers(&self, all: &mut BTreeSet<RegisterId>) {
        match &self.kind {
            ExprKind::Register(id) => {
                all.insert(*id);
            }
            ExprKind::Element(id, index) => {
                all.insert(*id);
                index.registers(all);
            }
            ExprKind::Load(inner) => inner.registers(all),
            ExprKind::Apply(_, inner) => inner.iter().for_each(|i| i.registers(all)),
            ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Operand(_)
            | ExprKind::CellCount
            | ExprKind::Choice(_) => {}
        }
    }

    /// A number.
    pub fn constant(bits: Bits) -> Self {
        Self { width: bits.width, kind: ExprKind::Const(bits.value) }
    }

    /// An operator applied.
    pub fn apply(op: Op, operands: Vec<Self>, width: u32) -> Self {
        Self { width, kind: ExprKind::Apply(op, operands) }
    }

    /// An associative operator between all of them, no deeper than need be.
    pub(crate) fn balanced(op: Op, mut all: Vec<Self>) -> Option<Self> {
        while all.len() > 1 {
            let mut next = Vec::with_capacity(all.len().div_ceil(2));
            let mut rest = all.into_iter();
            while let Some(a) = rest.next() {
                let width = a.width;
                next.push(match rest.next() {
                    Some(b) => Self::apply(op, vec![a, b], width),
                    None => a,
                });
            }
            all = next;
        }
        all.pop()
    }
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stmt {
    /// Sets a local.
    Local(LocalId, Expr),
    /// Sets a single register.
    Register(RegisterId, Expr),
    /// Sets a register of a file; past its end nothing.
    Element(RegisterId, Expr, Expr),
    /// Sets a physical cell; past the end of storage nothing.
    Store(Expr, Expr),
    /// Runs one of two lists.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// Runs a list that [`Stmt::Exit`] may leave.
    Block(Vec<Stmt>),
    /// Leaves the innermost block (0), the one around it (1), …
    Exit(u32),
    /// Traps: rolls back to the last commit and runs the trap sequence.
    Trap(TrapId, Option<Expr>),
    /// Makes what was written so far survive a trap.
    Commit,
    /// The architecture says nothing about what happens.
    Unpredictable,
    /// The specification says nothing about what happens.
    Unknown,
}

impl Stmt {
    /// The expressions that it evaluates itself, those of the statements within it apart.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let (first, second) = match self {
            Self::Local(_, e) | Self::Register(_, e) | Self::If(e, ..) => (Some(e), None),
            Self::Element(_, index, e) | Self::Store(index, e) => (Some(index), Some(e)),
            Self::Trap(_, argument) => (argument.as_ref(), None),
            Self::Block(_) | Self::Exit(_) | Self::Commit | Self::Unpredictable | Self::Unknown => {
                (None, None)
            }
        };
        first.into_iter().chain(second)
    }

    /// The register that it sets, or one of which.
    pub fn writes(&self) -> Option<RegisterId> {
        match self {
            Self::Register(id, _) | Self::Element(id, ..) => Some(*id),
            _ => None,
        }
    }
}

/// Every statement of a list in the order of the text, those within others too.
pub fn every(statements: &[Stmt]) -> impl Iterator<Item = &Stmt> {
    let mut open: Vec<&Stmt> = statements.iter().rev().collect();
    std::iter::from_fn(move || {
        let next = open.pop()?;
        match next {
            Stmt::If(_, yes, no) => open.extend(yes.iter().chain(no).rev()),
            Stmt::Block(inner) => open.extend(inner.iter().rev()),
            _ => {}
        }
        Some(next)
    })
}

/// Whether control never reaches the end of a list.
pub(crate) fn ends(statements: &[Stmt]) -> bool {
    statements.iter().any(|s| match s {
        Stmt::Exit(_) | Stmt::Trap(..) | Stmt::Unpredictable | Stmt::Unknown => true,
        Stmt::If(_, yes, no) => ends(yes) && ends(no),
        Stmt::Block(inner) => ends(inner) && !exits(inner, 0),
        Stmt::Local(..)
        | Stmt::Register(..)
        | Stmt::Element(..)
        | Stmt::Store(..)
        | Stmt::Commit => false,
    })
}

/// Whether some statement leaves the block at this depth.
fn exits(statements: &[Stmt], depth: u32) -> bool {
    statements.iter().any(|s| match s {
        Stmt::Exit(levels) => *levels == depth,
        Stmt::If(_, yes, no) => exits(yes, depth) || exits(no, depth),
        Stmt::Block(inner) => exits(inner, depth + 1),
        Stmt::Local(..)
        | Stmt::Register(..)
        | Stmt::Element(..)
        | Stmt::Store(..)
        | Stmt::Trap(..)
        | Stmt::Commit
        | Stmt::Unpredictable
        | Stmt::Unknown => false,
    })
}

impl Isa {
    /// A register.
    pub fn register(&self, id: RegisterId) -> &Register {
        &self.registers[id.index()]
    }

    /// The registers with their ids.
    pub fn register_ids(&self) -> impl Iterator<Item = (RegisterId, &Register)> {
        self.registers.iter().enumerate().map(|(i, r)| (RegisterId(i as u32), r))
    }

    /// A trap.
    pub fn trap(&self, id: TrapId) -> &Trap {
        &self.traps[id.index()]
    }

    /// Name of the class with a given name, if there is one.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|c| c.name == name)
    }

    /// Bits of a physical address in formulas: no sum of an address, a base and an offset wraps.
    pub fn address_width(&self) -> u32 {
        let parts = [self.relocation, self.bounds].into_iter().flatten().map(|p| p.width);
        let window = self.window.iter().flat_map(|w| [w.base.width, w.size.width]);
        let cells = crate::bits::bits_for(self.storage.cells);
        parts.chain(window).max().unwrap_or(1).max(cells).max(self.address) + 6
    }

    /// Names and values of the modes, as far as they have names.
    pub fn modes(&self) -> &[(String, u128)] {
        self.mode.map_or(&[], |part| named_values(self.register(part.register), part))
    }

    /// Number of low cells the trap sequence owns, and so the smallest machine there is.
    pub fn least_cells(&self) -> u128 {
        self.trap_cells.end().max(1)
    }
}

/// The names of the values of some bits: those of a field that is just these bits, else the register's.
pub(crate) fn named_values(register: &Register, part: Part) -> &[(String, u128)] {
    let is_part = |f: &&Field| (f.low, f.width) == (part.low, part.width) && !f.values.is_empty();
    register.fields.iter().find(is_part).map_or(&register.values, |field| &field.values)
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

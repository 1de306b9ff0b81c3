//! The concrete interpreter: one instruction on one state, as plainly as possible.
//!
//! It defines what a specification means; every other evaluator is compared with it.

use crate::bits::{Bits, Op};
use crate::isa::{
    Body, Choice, ChoiceId, Class, Expr, ExprKind, Fetch, Isa, LocalId, OperandId, RegisterId,
    Role, Saves, Stmt, TrapId,
};
use crate::state::State;

/// What an instruction does to a state: i(S).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It completes.
    Step(State),
    /// It traps; the state is the one after the trap sequence.
    Trap(TrapId, State),
    /// The architecture says nothing.
    Unpredictable,
    /// The specification says nothing.
    Unknown,
}

/// A place of the state: a register, by its element, or a physical cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A register; the element is 0 where it is no file.
    Register(RegisterId, u128),
    /// A physical cell.
    Cell(u128),
}

/// What an instruction does to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It looks.
    Read(Place),
    /// It sets, even if a trap takes this back later.
    Write(Place),
    /// It traps; what follows is the trap sequence.
    Trap(TrapId),
}

/// Is told of every access, in order.
pub type Observer<'o> = &'o dyn Fn(Access);

/// A trap that an instruction raises, before the trap sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Which trap.
    pub trap: TrapId,
    /// Its argument.
    pub argument: Option<u128>,
    /// The state the trap sequence starts from: what is not committed is rolled back, and P is the
    /// one to be saved.
    pub state: State,
}

/// What fetching an instruction comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The instruction's bits.
    Word(u128),
    /// The mapping traps.
    Trap(Raised),
    /// The architecture says nothing.
    Unpredictable,
    /// The specification says nothing.
    Unknown,
}

/// What the semantics of an instruction come to, trap sequence aside.
enum Attempt {
    Step(State),
    Trap(Raised),
    Unpredictable,
    Unknown,
}

/// The source of values the architecture leaves open.
pub type Choices<'c> = &'c dyn Fn(ChoiceId) -> u128;

/// Runs one instruction. `operands` are in the order of [`Class::operands`]; values held by the
/// class win over them.
pub fn step(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    state: &State,
    choices: Choices<'_>,
) -> Outcome {
    observed_step(isa, class, operands, state, choices, &|_| {})
}

/// Runs one instruction and tells what it reads and writes: the rest of the state neither matters
/// nor changes.
pub fn observed_step(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    state: &State,
    choices: Choices<'_>,
    observer: Observer<'_>,
) -> Outcome {
    match attempt(isa, class, operands, state, choices, observer) {
        Attempt::Step(state) => Outcome::Step(state),
        Attempt::Trap(Raised { trap, argument, state }) => {
            observer(Access::Trap(trap));
            trap_sequence(isa, trap, argument, state, observer)
        }
        Attempt::Unpredictable => Outcome::Unpredictable,
        Attempt::Unknown => Outcome::Unknown,
    }
}

/// The trap that an instruction raises, if it does: where its trap sequence starts from.
pub fn raises(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    state: &State,
    choices: Choices<'_>,
) -> Option<Raised> {
    match attempt(isa, class, operands, state, choices, &|_| {}) {
        Attempt::Trap(raised) => Some(raised),
        Attempt::Step(_) | Attempt::Unpredictable | Attempt::Unknown => None,
    }
}

fn attempt(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    state: &State,
    choices: Choices<'_>,
    observer: Observer<'_>,
) -> Attempt {
    let operands: Vec<u128> =
        class.operands.iter().zip(operands).map(|(o, v)| o.fixed.unwrap_or(*v)).collect();
    let mut advance = Machine::new(&class.advance, &[], &|_| 0, state.clone(), observer);
    advance.block(&class.advance.statements);
    let advanced = advance.state;
    let mut machine = Machine::new(&class.body, &operands, choices, advanced.clone(), observer);
    match machine.block(&class.body.statements) {
        Flow::Next | Flow::Exit(_) => Attempt::Step(machine.state),
        Flow::Trap(trap, argument) => {
            let counter = if isa.trap(trap).saves == Saves::This { state } else { &advanced };
            let kept = machine.committed.unwrap_or_else(|| state.clone());
            Attempt::Trap(Raised { trap, argument, state: with_counter(isa, kept, counter) })
        }
        Flow::Unpredictable => Attempt::Unpredictable,
        Flow::Unknown => Attempt::Unknown,
    }
}

/// `state` with the program counter of another.
fn with_counter(isa: &Isa, mut state: State, counter: &State) -> State {
    for (id, i, slice, value) in counter.of_role(isa, |s| s.role == Role::P) {
        let bits = crate::bits::mask(slice.width) << slice.low;
        let old = state.element(id, i as u128);
        state.set_element(id, i as u128, old & !bits | value << slice.low);
    }
    state
}

/// Fetches the instruction at P, taken to be as long as `fetch` says.
pub fn fetch(fetch: &Fetch, state: &State) -> Fetched {
    observed_fetch(fetch, state, &|_| {})
}

/// Fetches an instruction and tells what that reads.
pub fn observed_fetch(fetch: &Fetch, state: &State, observer: Observer<'_>) -> Fetched {
    let mut machine = Machine::new(&fetch.body, &[], &|_| 0, state.clone(), observer);
    match machine.block(&fetch.body.statements) {
        Flow::Next | Flow::Exit(_) => Fetched::Word(machine.expr(&fetch.word).value),
        // Nothing was executed: both P's a trap may save are this one.
        Flow::Trap(trap, argument) => {
            Fetched::Trap(Raised { trap, argument, state: state.clone() })
        }
        Flow::Unpredictable => Fetched::Unpredictable,
        Flow::Unknown => Fetched::Unknown,
    }
}

/// Runs the trap sequence of a trap from the state it was raised in.
pub fn take_trap(isa: &Isa, id: TrapId, argument: Option<u128>, state: State) -> Outcome {
    trap_sequence(isa, id, argument, state, &|_| {})
}

fn trap_sequence(
    isa: &Isa,
    id: TrapId,
    argument: Option<u128>,
    state: State,
    observer: Observer<'_>,
) -> Outcome {
    let sequence = &isa.trap(id).sequence;
    let mut machine = Machine::new(sequence, &[], &|_| 0, state, observer);
    if isa.trap_argument > 0 {
        machine.locals[0] = argument.unwrap_or(0);
    }
    match machine.block(&sequence.statements) {
        Flow::Next | Flow::Exit(_) => Outcome::Trap(id, machine.state),
        Flow::Unknown => Outcome::Unknown,
        Flow::Trap(..) | Flow::Unpredictable => Outcome::Unpredictable,
    }
}

/// Runs statements that can neither trap nor be unpredictable: reset, advance, de-privileging.
pub fn run_plain(body: &Body, state: &State) -> State {
    let mut machine = Machine::new(body, &[], &|_| 0, state.clone(), &|_| {});
    machine.block(&body.statements);
    machine.state
}

/// The value of an expression over the state.
pub fn value(e: &Expr, state: &State) -> Bits {
    let body = Body::default();
    Machine::new(&body, &[], &|_| 0, state.clone(), &|_| {}).expr(e)
}

/// Whether a condition over the operands holds.
pub fn operand_condition(e: &Expr, operands: &[u128]) -> bool {
    operand_value(e, operands).is_true()
}

/// The value of an expression over operands only.
pub(crate) fn operand_value(e: &Expr, operands: &[u128]) -> Bits {
    match &e.kind {
        ExprKind::Const(value) => Bits::new(*value, e.width),
        ExprKind::Operand(id) => Bits::new(operands[id.index()], e.width),
        // What is not chosen need not be looked at.
        ExprKind::Apply(Op::Ite, inner) => {
            let chosen = if operand_value(&inner[0], operands).is_true() { 1 } else { 2 };
            Bits::new(operand_value(&inner[chosen], operands).value, e.width)
        }
        ExprKind::Apply(op, inner) => {
            // Operators have at most three operands; control programs compose R with these.
            let mut values = [Bits::new(0, 1); 3];
            for (value, operand) in values.iter_mut().zip(inner) {
                *value = operand_value(operand, operands);
            }
            op.apply(&values[..inner.len()], e.width)
        }
        // The checker refuses conditions that read anything else.
        ExprKind::Local(_)
        | ExprKind::Register(_)
        | ExprKind::Element(..)
        | ExprKind::Load(_)
        | ExprKind::CellCount
        | ExprKind::Choice(_) => Bits::bool(false),
    }
}

/// Where control goes after a statement.
enum Flow {
    Next,
    Exit(u32),
    Trap(TrapId, Option<u128>),
    Unpredictable,
    Unknown,
}

struct Machine<'a> {
    operands: &'a [u128],
    choices: Choices<'a>,
    choice_list: &'a [Choice],
    locals: Vec<u128>,
    state: State,
    committed: Option<State>,
    observer: Observer<'a>,
}

impl<'a> Machine<'a> {
    fn new(
        body: &'a Body,
        operands: &'a [u128],
        choices: Choices<'a>,
        state: State,
        observer: Observer<'a>,
    ) -> Self {
        let locals = vec![0; body.locals.len()];
        let choice_list = &body.choices;
        Self { operands, choices, choice_list, locals, state, committed: None, observer }
    }

    fn reads(&self, place: Place) {
        (self.observer)(Access::Read(place));
    }

    fn writes(&self, place: Place) {
        (self.observer)(Access::Write(place));
    }

    fn block(&mut self, statements: &[Stmt]) -> Flow {
        for statement in statements {
            match self.statement(statement) {
                Flow::Next => {}
                leave => return leave,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Stmt) -> Flow {
        match statement {
            Stmt::Local(LocalId(id), e) => self.locals[*id as usize] = self.expr(e).value,
            Stmt::Register(id, e) => {
                let value = self.expr(e).value;
                self.writes(Place::Register(*id, 0));
                self.state.set_element(*id, 0, value);
            }
            Stmt::Element(id, index, e) => {
                let (index, value) = (self.expr(index).value, self.expr(e).value);
                self.writes(Place::Register(*id, index));
                self.state.set_element(*id, index, value);
            }
            Stmt::Store(cell, e) => {
                let (cell, value) = (self.expr(cell).value, self.expr(e).value);
                self.writes(Place::Cell(cell));
                self.state.store(cell, value);
            }
            Stmt::If(condition, yes, no) => {
                let taken = self.expr(condition).is_true();
                return self.block(if taken { yes } else { no });
            }
            Stmt::Block(inner) => {
                return match self.block(inner) {
                    Flow::Exit(0) => Flow::Next,
                    Flow::Exit(levels) => Flow::Exit(levels - 1),
                    other => other,
                };
            }
            Stmt::Exit(levels) => return Flow::Exit(*levels),
            Stmt::Trap(id, argument) => {
                let argument = argument.as_ref().map(|e| self.expr(e).value);
                return Flow::Trap(*id, argument);
            }
            Stmt::Commit => self.committed = Some(self.state.clone()),
            Stmt::Unpredictable => return Flow::Unpredictable,
            Stmt::Unknown => return Flow::Unknown,
        }
        Flow::Next
    }

    fn expr(&self, e: &Expr) -> Bits {
        let value = match &e.kind {
            ExprKind::Const(value) => *value,
            ExprKind::Local(LocalId(id)) => self.locals[*id as usize],
            ExprKind::Operand(OperandId(id)) => self.operands[*id as usize],
            ExprKind::Register(id) => {
                self.reads(Place::Register(*id, 0));
                self.state.register(*id)
            }
            ExprKind::Element(id, index) => {
                let index = self.expr(index).value;
                self.reads(Place::Register(*id, index));
                self.state.element(*id, index)
            }
            ExprKind::Load(cell) => {
                let cell = self.expr(cell).value;
                self.reads(Place::Cell(cell));
                self.state.load(cell)
            }
            ExprKind::CellCount => self.state.cells,
            ExprKind::Choice(id) => {
                Bits::new((self.choices)(*id), self.choice_list[id.index()].width).value
            }
            ExprKind::Apply(op, operands) => {
                let values: Vec<Bits> = operands.iter().map(|o| self.expr(o)).collect();
                return op.apply(&values, e.width);
            }
        };
        debug_assert!(value <= crate::bits::mask(e.width), "{e:?}");
        Bits::new(value, e.width)
    }
}

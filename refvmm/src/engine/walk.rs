//! A walk over the statements of the semantics, on the [`Cpu`] itself: no copies of states, no
//! tables made beforehand. The other engines fall back on it.

use std::sync::Arc;

use model::bits::{Bits, mask};
use model::isa::{
    Body, Class, Expr, ExprKind, LocalId, OperandId, RegisterId, Saves, Stmt, TrapId,
};

use super::{Engine, OnTrap, Raised, Stop, Why};
use crate::cpu::Cpu;
use crate::layout::MachineLayout;

/// Runs the semantics as they are written.
#[derive(Debug)]
pub struct Walk {
    layout: Arc<MachineLayout>,
}

impl Walk {
    /// An engine for a machine.
    pub fn new(layout: &Arc<MachineLayout>) -> Self {
        Self { layout: Arc::clone(layout) }
    }
}

impl Engine for Walk {
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop {
        let mut steps = 0;
        let why = loop {
            if halted(&self.layout, cpu) {
                break Why::Halted;
            }
            if steps == fuel {
                break Why::Fuel;
            }
            match step(&self.layout, cpu, on_trap) {
                Ok(()) => steps += 1,
                Err(why) => break why,
            }
        };
        Stop { steps, why }
    }
}

/// Whether the machine has stopped.
pub(crate) fn halted(layout: &MachineLayout, cpu: &mut Cpu) -> bool {
    layout.isa.halted.as_ref().is_some_and(|e| value(layout, cpu, e) != 0)
}

/// The value of an expression over the state.
pub(crate) fn value(layout: &MachineLayout, cpu: &mut Cpu, e: &Expr) -> u128 {
    if let ExprKind::Register(id) = e.kind
        && let Some(slot) = layout.slot(id, 0)
    {
        return u128::from(cpu.registers[slot]) & mask(e.width);
    }
    Walker::new(layout, cpu, &Body::default(), &[]).expr(e).value
}

/// Runs statements that can neither trap nor be unpredictable.
pub(crate) fn run_plain(layout: &MachineLayout, cpu: &mut Cpu, body: &Body) {
    let _ = Walker::new(layout, cpu, body, &[]).block(&body.statements);
}

/// Runs one instruction; an error where it does not count.
pub(crate) fn step(layout: &MachineLayout, cpu: &mut Cpu, on_trap: OnTrap) -> Result<(), Why> {
    step_noting(layout, cpu, on_trap, &mut Vec::new())
}

/// Runs one instruction and notes the cells of the installation that it stores to.
pub(crate) fn step_noting(
    layout: &MachineLayout,
    cpu: &mut Cpu,
    on_trap: OnTrap,
    stored: &mut Vec<usize>,
) -> Result<(), Why> {
    let mut operands = Vec::new();
    let fetched = layout.decoder.instruction(&layout.isa, &mut operands, |i| {
        let fetch = &layout.isa.fetches[i];
        let mut walker = Walker::new(layout, cpu, &fetch.body, &[]);
        match walker.block(&fetch.body.statements) {
            Flow::Next | Flow::Exit(_) => Ok(walker.expr(&fetch.word).value),
            leave => Err(leave),
        }
    });
    match fetched {
        Ok(Some(class)) => {
            let class = &layout.isa.classes[class];
            execute_noting(layout, cpu, class, &operands, on_trap, stored)
        }
        Ok(None) => match &layout.unlisted {
            Some(class) => execute_noting(layout, cpu, class, &[], on_trap, stored),
            None => Err(Why::Unknown),
        },
        Err(flow) => {
            // Nothing was executed: both P's a trap may save are this one.
            let here = counter(layout, cpu);
            leave(layout, cpu, flow, [&here, &here], &mut Log::default(), on_trap, stored)
        }
    }
}

/// Runs an instruction that was fetched and decoded, and notes the cells that it stores to.
pub(crate) fn execute_noting(
    layout: &MachineLayout,
    cpu: &mut Cpu,
    class: &Class,
    operands: &[u128],
    on_trap: OnTrap,
    stored: &mut Vec<usize>,
) -> Result<(), Why> {
    let this = counter(layout, cpu);
    let mut advance = Walker::new(layout, cpu, &class.advance, &[]);
    let _ = advance.block(&class.advance.statements);
    let log = advance.log;
    let next = counter(layout, cpu);
    let mut walker = Walker { log, ..Walker::new(layout, cpu, &class.body, operands) };
    let flow = walker.block(&class.body.statements);
    let mut log = walker.log;
    log.note(stored);
    if matches!(flow, Flow::Next | Flow::Exit(_)) {
        let console = layout.console.filter(|slot| log.writes(Place::Register(*slot)));
        cpu.output.extend(console.map(|slot| cpu.registers[slot]));
        return Ok(());
    }
    leave(layout, cpu, flow, [&this, &next], &mut log, on_trap, stored)
}

/// Ends an instruction that does not complete. `counters` are P before it and behind it.
fn leave(
    layout: &MachineLayout,
    cpu: &mut Cpu,
    flow: Flow,
    counters: [&[u64]; 2],
    log: &mut Log,
    on_trap: OnTrap,
    stored: &mut Vec<usize>,
) -> Result<(), Why> {
    let (trap, argument) = match flow {
        Flow::Trap(trap, argument) => (trap, argument),
        Flow::Unpredictable | Flow::Unknown | Flow::Next | Flow::Exit(_) => {
            log.undo(cpu, 0);
            let unpredictable = matches!(flow, Flow::Unpredictable);
            return Err(if unpredictable { Why::Unpredictable } else { Why::Unknown });
        }
    };
    log.undo(cpu, log.committed);
    set_counter(layout, cpu, counters[0]);
    let committed = log.shows(cpu);
    let handed = on_trap == OnTrap::HandOver;
    if !handed || committed {
        let saves_next = layout.isa.trap(trap).saves == Saves::Next;
        set_counter(layout, cpu, counters[usize::from(saves_next)]);
    }
    let raised = Raised { trap, argument, committed };
    if handed {
        return Err(Why::Trap(raised));
    }
    deliver_noting(layout, cpu, raised, stored).inspect_err(|_| {
        log.undo(cpu, 0);
        set_counter(layout, cpu, counters[0]);
    })
}

/// Runs a trap sequence; an error, with nothing changed, where it says nothing.
pub(crate) fn deliver(layout: &MachineLayout, cpu: &mut Cpu, raised: Raised) -> Result<(), Why> {
    deliver_noting(layout, cpu, raised, &mut Vec::new())
}

fn deliver_noting(
    layout: &MachineLayout,
    cpu: &mut Cpu,
    raised: Raised,
    stored: &mut Vec<usize>,
) -> Result<(), Why> {
    let sequence = &layout.isa.trap(raised.trap).sequence;
    let mut walker = Walker::new(layout, cpu, sequence, &[]);
    if layout.isa.trap_argument > 0 {
        walker.locals[0] = u128::from(raised.argument);
    }
    let flow = walker.block(&sequence.statements);
    let mut log = walker.log;
    log.note(stored);
    match flow {
        Flow::Next | Flow::Exit(_) => {
            cpu.taken[raised.trap.index()] += 1;
            Ok(())
        }
        Flow::Unknown | Flow::Trap(..) | Flow::Unpredictable => {
            log.undo(cpu, 0);
            Err(if matches!(flow, Flow::Unknown) { Why::Unknown } else { Why::Unpredictable })
        }
    }
}

fn counter(layout: &MachineLayout, cpu: &Cpu) -> Vec<u64> {
    layout.counter.iter().map(|bits| bits.get(&cpu.registers)).collect()
}

fn set_counter(layout: &MachineLayout, cpu: &mut Cpu, values: &[u64]) {
    for (bits, value) in layout.counter.iter().zip(values) {
        bits.set(&mut cpu.registers, *value);
    }
}

/// A slot, or a cell of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Register(usize),
    Cell(usize),
}

impl Place {
    fn of(self, cpu: &mut Cpu) -> &mut u64 {
        match self {
            Self::Register(slot) => &mut cpu.registers[slot],
            Self::Cell(cell) => &mut cpu.storage[cell],
        }
    }
}

/// What was overwritten, in order.
#[derive(Debug, Default)]
struct Log {
    changes: Vec<(Place, u64)>,
    /// How many of them survive a trap.
    committed: usize,
}

impl Log {
    fn set(&mut self, cpu: &mut Cpu, place: Place, value: u128) {
        let at = place.of(cpu);
        self.changes.push((place, *at));
        *at = value as u64;
    }

    fn undo(&mut self, cpu: &mut Cpu, down_to: usize) {
        for (place, old) in self.changes.drain(down_to..).rev() {
            *place.of(cpu) = old;
        }
    }

    /// Notes the cells among what was overwritten.
    fn note(&self, stored: &mut Vec<usize>) {
        stored.extend(self.changes.iter().filter_map(|(place, _)| match place {
            Place::Cell(cell) => Some(*cell),
            Place::Register(_) => None,
        }));
    }

    fn writes(&self, place: Place) -> bool {
        self.changes.iter().any(|(p, _)| *p == place)
    }

    /// Whether some place is other than it was.
    fn shows(&self, cpu: &mut Cpu) -> bool {
        let first = |i: usize, place: Place| self.changes[..i].iter().all(|(p, _)| *p != place);
        let changed =
            |(i, (place, old)): (usize, &(Place, u64))| first(i, *place) && *place.of(cpu) != *old;
        self.changes.iter().enumerate().any(changed)
    }
}

/// Where control goes after a statement.
#[derive(Clone, Copy)]
enum Flow {
    Next,
    Exit(u32),
    Trap(TrapId, u64),
    Unpredictable,
    Unknown,
}

struct Walker<'a> {
    layout: &'a MachineLayout,
    cpu: &'a mut Cpu,
    operands: &'a [u128],
    locals: Vec<u128>,
    log: Log,
}

impl<'a> Walker<'a> {
    fn new(layout: &'a MachineLayout, cpu: &'a mut Cpu, body: &Body, operands: &'a [u128]) -> Self {
        let locals = vec![0; body.locals.len()];
        Self { layout, cpu, operands, locals, log: Log::default() }
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
                if let Some(slot) = self.layout.slot(*id, 0) {
                    self.log.set(self.cpu, Place::Register(slot), value);
                }
            }
            Stmt::Element(id, index, e) => {
                let (index, value) = (self.expr(index).value, self.expr(e).value);
                if let Some(slot) = self.layout.slot(*id, index) {
                    self.log.set(self.cpu, Place::Register(slot), value);
                }
            }
            Stmt::Store(cell, e) => {
                let (cell, value) = (self.expr(cell).value, self.expr(e).value);
                if let Some(cell) = u64::try_from(cell).ok().and_then(|c| self.cpu.place(c)) {
                    self.log.set(self.cpu, Place::Cell(cell), value);
                }
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
                let argument = argument.as_ref().map_or(0, |e| self.expr(e).value);
                return Flow::Trap(*id, argument as u64);
            }
            Stmt::Commit => self.log.committed = self.log.changes.len(),
            Stmt::Unpredictable => return Flow::Unpredictable,
            Stmt::Unknown => return Flow::Unknown,
        }
        Flow::Next
    }

    fn expr(&mut self, e: &Expr) -> Bits {
        let value = match &e.kind {
            ExprKind::Const(value) => *value,
            ExprKind::Local(LocalId(id)) => self.locals[*id as usize],
            ExprKind::Operand(OperandId(id)) => self.operands[*id as usize],
            ExprKind::Register(id) => self.register(*id, 0),
            ExprKind::Element(id, index) => {
                let index = self.expr(index).value;
                self.register(*id, index)
            }
            ExprKind::Load(cell) => {
                let cell = self.expr(cell).value;
                u64::try_from(cell).map_or(0, |cell| u128::from(self.cpu.load(cell)))
            }
            ExprKind::CellCount => u128::from(self.cpu.cells()),
            ExprKind::Choice(_) => 0,
            ExprKind::Apply(op, operands) => {
                let mut values = [Bits::new(0, 1); 3];
                for (value, operand) in values.iter_mut().zip(operands) {
                    *value = self.expr(operand);
                }
                return op.apply(&values[..operands.len()], e.width);
            }
        };
        Bits { value: value & mask(e.width), width: e.width }
    }

    fn register(&self, id: RegisterId, element: u128) -> u128 {
        let slot = self.layout.slot(id, element);
        slot.map_or(0, |slot| u128::from(self.cpu.registers[slot]))
    }
}

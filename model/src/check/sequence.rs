//! Rules about what the checked texts of `machine:` do: the trap sequence must exist and keep to
//! its cells, the de-privileging map must lose nothing, and `advance:` moves P.

use std::ops::Range;
use std::sync::Arc;

use super::Checker;
use crate::bits::{Bits, Op, mask};
use crate::interp::run_plain;
use crate::isa::{Body, Expr, ExprKind, Field, Isa, RegisterId, Role, Slice, Stmt, TrapId, every};
use crate::spec::Names;
use crate::state::State;

impl Checker<'_> {
    /// Checks the machine as a whole; its parts are without mistakes of their own.
    pub(super) fn sequences(&mut self, isa: &Isa) {
        self.trap_has_sequence(isa);
        self.trap_cells_cover(isa);
        self.map_loses_nothing(isa);
        self.map_ends_in_user_mode(isa);
        self.advance_moves_only_p(isa);
        self.fetch_writes_nothing(isa);
    }

    /// A trap that can be raised leads somewhere.
    fn trap_has_sequence(&mut self, isa: &Isa) {
        let Some(machine) = self.spec.machine.as_ref().filter(|m| m.on_trap.is_none()) else {
            return;
        };
        // Cases of one instruction share its semantics.
        let instructions = isa.classes.chunk_by(|a, b| Arc::ptr_eq(&a.body, &b.body));
        let bodies = instructions.map(|cases| cases[0].body.as_ref()).chain(&isa.unlisted);
        let mut bodies = bodies.chain(isa.fetches.iter().map(|f| &f.body));
        let Some(TrapId(raised)) = bodies.find_map(|b| first_trap(&b.statements)) else {
            return;
        };
        let names = machine.traps.iter().flat_map(Names::iter);
        let Some((name, _)) = names.clone().nth(raised as usize) else { return };
        let message = format!("`{}` can be raised, and `machine:` has no `on-trap:`", name.it);
        let help = "a trap without a sequence never reaches a monitor: say what it saves and where it leads, \
            e.g. on-trap: \"phys[0; 4] = psw; psw = phys[4; 4];\"";
        self.error("K014", name.span, message, help);
    }

    /// The cells a trap sequence uses, as far as they do not depend on the state, are `trap-cells`.
    fn trap_cells_cover(&mut self, isa: &Isa) {
        let Some(machine) = &self.spec.machine else { return };
        let mut used = Cells::default();
        for trap in &isa.traps {
            used.add(&trap.sequence, isa);
        }
        let declared = [isa.trap_cells.old.clone(), isa.trap_cells.new.clone()];
        let missing = |all: &[Range<u128>]| -> Vec<Range<u128>> {
            let mut left = all.to_vec();
            for known in &declared {
                left = left.into_iter().flat_map(|r| without(&r, known)).collect();
            }
            left
        };
        let (stored, loaded) = (missing(&used.stored), missing(&used.loaded));
        let all = union([stored.clone(), loaded.clone()].concat());
        let Some(sequence) = machine.on_trap.filter(|_| !all.is_empty()) else { return };
        let (place, but) = match &machine.trap_cells {
            Some(cells) => (cells.span, "which `trap-cells:` leaves out"),
            None => (sequence.span, "and `machine:` has no `trap-cells:`"),
        };
        let message = format!("the trap sequence uses {}, {but}", list(&all));
        self.error("K013", place, message, &remedy(&declared, stored, loaded));
    }

    /// De-privileging writes only what the control block or the monitor keeps: M and R.
    fn map_loses_nothing(&mut self, isa: &Isa) {
        let modes = self.spec.machine.iter().flat_map(|m| &m.modes).flat_map(|m| &m.it.0);
        let codes: Vec<_> = modes.map(|pair| pair.deprivilege).collect();
        for (pair, code) in isa.pairs.iter().zip(codes) {
            let is_guests = |role| matches!(role, Role::E | Role::P);
            let lost = written(isa, &pair.deprivilege.statements, &is_guests);
            let (Some(code), Some(lost)) = (code, lost) else { continue };
            let message = format!("the de-privileging map writes {lost}");
            let help = "f is one-one only if the map loses nothing: declare a bank as the active register plus shadows that a change of mode swaps, \
                or give bits that follow the mode role M";
            self.error("K015", code.span, message, help);
        }
    }

    /// De-privileging completes the change to the user mode of the pair, and does not undo it. Looked at are states of
    /// zeros and of ones: a map that leaves user mode in others only breaks squares, and is found there.
    fn map_ends_in_user_mode(&mut self, isa: &Isa) {
        let modes = self.spec.machine.iter().flat_map(|m| &m.modes).flat_map(|m| &m.it.0);
        let codes: Vec<_> = modes.map(|pair| pair.deprivilege).collect();
        let Some(mode) = isa.mode else { return };
        let zeros = State::zero(isa, isa.storage.cells);
        let mut ones = zeros.clone();
        for (id, register) in isa.register_ids() {
            for i in 0..register.count.unwrap_or(1) {
                ones.set_element(id, u128::from(i), mask(register.width));
            }
        }
        for (pair, code) in isa.pairs.iter().zip(codes) {
            let (user, value) = &pair.user;
            let left = [&zeros, &ones].into_iter().find_map(|state| {
                let mut state = state.clone();
                state.set_part(mode, *value);
                let mode = run_plain(&pair.deprivilege, &state).part(mode);
                (mode != *value).then_some(mode)
            });
            let (Some(code), Some(left)) = (code, left) else { continue };
            let (supervisor, of_supervisor) = &pair.supervisor;
            let mode = if left == *of_supervisor { supervisor.clone() } else { left.to_string() };
            let message = format!("the de-privileging map ends in mode `{mode}`, not in `{user}`");
            let help = "the mode is set to the user mode of the pair before: `deprivilege:` sets what follows it, such as a bank of registers";
            self.error("K038", code.span, message, help);
        }
    }

    /// What is not P is no part of moving past an instruction: the definitions would take it for something
    /// that each instruction does.
    fn advance_moves_only_p(&mut self, isa: &Isa) {
        let Some(code) = self.spec.machine.as_ref().and_then(|m| m.advance) else { return };
        let other = |role| role != Role::P;
        let mut bodies = isa.classes.iter().map(|c| &c.advance);
        if let Some(what) = bodies.find_map(|body| written(isa, &body.statements, &other)) {
            let message = format!("`advance:` writes {what}");
            let help = "`advance:` moves P past an instruction and does nothing else; a clock needs no ticking here, \
                since a component of kind time may have any value whenever it is read";
            self.error("K034", code.span, message, help);
        }
    }

    /// Fetching gives bits; what it would write is nowhere.
    fn fetch_writes_nothing(&mut self, isa: &Isa) {
        let Some(code) = self.spec.machine.as_ref().and_then(|m| m.fetch) else { return };
        let mut bodies = isa.all_fetches.iter().map(|f| &f.body);
        if let Some(what) = bodies.find_map(|body| written(isa, &body.statements, &|_| true)) {
            let message = format!("`fetch:` writes {what}");
            let help = "fetching reads the instruction and changes nothing: write in `semantics:`";
            self.error("K035", code.span, message, help);
        }
    }
}

/// The first trap that statements can raise.
fn first_trap(statements: &[Stmt]) -> Option<TrapId> {
    every(statements).find_map(|s| match s {
        Stmt::Trap(id, _) => Some(*id),
        _ => None,
    })
}

/// The parts of a range that lie outside another.
fn without(range: &Range<u128>, hole: &Range<u128>) -> Vec<Range<u128>> {
    let below = range.start..range.end.min(hole.start);
    let above = range.start.max(hole.end)..range.end;
    if hole.is_empty() {
        return vec![range.clone()];
    }
    [below, above].into_iter().filter(|r| !r.is_empty()).collect()
}

/// The same cells in order, each once, neighbours joined.
fn union(mut all: Vec<Range<u128>>) -> Vec<Range<u128>> {
    all.sort_by_key(|r| (r.start, r.end));
    let mut joined: Vec<Range<u128>> = Vec::new();
    for range in all {
        match joined.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// `cell 3`, `cells 1..4 and 5..8`.
fn list(all: &[Range<u128>]) -> String {
    if let [only] = all
        && only.end - only.start == 1
    {
        return format!("cell {}", only.start);
    }
    let texts: Vec<_> = all.iter().map(|r| format!("{}..{}", r.start, r.end)).collect();
    match texts.split_last() {
        Some((last, first)) if !first.is_empty() => {
            format!("cells {} and {last}", first.join(", "))
        }
        _ => format!("cells {}", texts.concat()),
    }
}

/// Trap cells that leave out nothing.
fn remedy(
    [old, new]: &[Range<u128>; 2],
    stored: Vec<Range<u128>>,
    loaded: Vec<Range<u128>>,
) -> String {
    let hull = |declared: &Range<u128>, more: Vec<Range<u128>>| {
        let all = more.into_iter().chain([declared.clone()]).filter(|r| !r.is_empty());
        all.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
    };
    let text = |name: &str, range: Option<Range<u128>>| {
        range.map(|r| format!("{name}: \"{}..{}\"", r.start, r.end))
    };
    let ranges = [text("old", hull(old, stored)), text("new", hull(new, loaded))];
    let ranges: Vec<_> = ranges.into_iter().flatten().collect();
    format!(
        "a guest could own them; the monitor keeps them with trap-cells: {{{}}}",
        ranges.join(", ")
    )
}

/// What is known of a value without the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was not set yet.
    Unset,
    /// It lies between these, both included, whatever the state.
    Between(u128, u128),
    /// It depends on the state.
    State,
}

impl Known {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unset, known) | (known, Self::Unset) => known,
            (Self::Between(a, b), Self::Between(c, d)) => Self::Between(a.min(c), b.max(d)),
            (Self::State, _) | (_, Self::State) => Self::State,
        }
    }
}

/// The physical cells of trap sequences that are the same in all states.
#[derive(Debug, Default)]
struct Cells {
    stored: Vec<Range<u128>>,
    loaded: Vec<Range<u128>>,
    locals: Vec<Known>,
    /// Blocks around: what is set inside may be skipped by an exit.
    blocks: u32,
    end: u128,
}

impl Cells {
    fn add(&mut self, sequence: &Body, isa: &Isa) {
        self.end = isa.storage.cells;
        self.locals = vec![Known::Unset; sequence.locals.len()];
        if isa.trap_argument > 0 {
            self.locals[0] = Known::Between(0, mask(isa.trap_argument));
        }
        self.walk(&sequence.statements);
    }

    fn walk(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Local(id, e) => {
                    let value = self.value(e);
                    let local = &mut self.locals[id.index()];
                    *local = if self.blocks > 0 { local.or(value) } else { value };
                }
                Stmt::Register(_, e) => drop(self.value(e)),
                Stmt::Element(_, index, e) => drop((self.value(index), self.value(e))),
                Stmt::Store(cell, e) => {
                    let (cell, _) = (self.value(cell), self.value(e));
                    self.stored.extend(self.cells(cell));
                }
                Stmt::If(condition, yes, no) => match self.value(condition) {
                    Known::Between(0, 0) => self.walk(no),
                    Known::Between(1, 1) => self.walk(yes),
                    _ => {
                        let before = self.locals.clone();
                        self.walk(yes);
                        let after = std::mem::replace(&mut self.locals, before);
                        self.walk(no);
                        for (local, other) in self.locals.iter_mut().zip(after) {
                            *local = local.or(other);
                        }
                    }
                },
                Stmt::Block(inner) => {
                    self.blocks += 1;
                    self.walk(inner);
                    self.blocks -= 1;
                }
                Stmt::Trap(..)
                | Stmt::Exit(_)
                | Stmt::Commit
                | Stmt::Unpredictable
                | Stmt::Unknown => {}
            }
        }
    }

    /// The cells there are among those an address may name.
    fn cells(&self, address: Known) -> Option<Range<u128>> {
        let Known::Between(low, high) = address else { return None };
        let cells = low..high.saturating_add(1).min(self.end);
        (!cells.is_empty()).then_some(cells)
    }

    fn value(&mut self, e: &Expr) -> Known {
        match &e.kind {
            ExprKind::Const(value) => Known::Between(*value, *value),
            ExprKind::Local(id) => self.locals[id.index()],
            ExprKind::Load(cell) => {
                let cell = self.value(cell);
                self.loaded.extend(self.cells(cell));
                Known::State
            }
            ExprKind::Element(_, index) => {
                self.value(index);
                Known::State
            }
            ExprKind::Apply(Op::Ite, x) => match self.value(&x[0]) {
                Known::Between(0, 0) => self.value(&x[2]),
                Known::Between(1, 1) => self.value(&x[1]),
                _ => self.value(&x[1]).or(self.value(&x[2])),
            },
            ExprKind::Apply(op, operands) => {
                let known: Vec<_> = operands.iter().map(|o| self.value(o)).collect();
                let mut bounds = Vec::new();
                for (operand, value) in operands.iter().zip(known) {
                    let Known::Between(low, high) = value else { return Known::State };
                    bounds.push((operand.width, low, high));
                }
                between(*op, &bounds, e.width)
            }
            ExprKind::Operand(_)
            | ExprKind::Register(_)
            | ExprKind::CellCount
            | ExprKind::Choice(_) => Known::State,
        }
    }
}

/// Bounds of an operator's result from those of its operands, given with their widths.
fn between(op: Op, operands: &[(u32, u128, u128)], width: u32) -> Known {
    let apply = |pick: fn(&(u32, u128, u128)) -> u128| {
        let values: Vec<_> = operands.iter().map(|o| Bits::new(pick(o), o.0)).collect();
        op.apply(&values, width).value
    };
    let (low, high) = (apply(|o| o.1), apply(|o| o.2));
    let constant = |i: usize| operands[i].1 == operands[i].2;
    // With these operators a larger operand gives a larger result, as long as nothing is lost.
    let exact = match op {
        Op::Zext | Op::Concat => true,
        Op::Low => operands[0].2 <= mask(width),
        Op::Add => operands[0].2.checked_add(operands[1].2).is_some_and(|sum| sum <= mask(width)),
        Op::Shl => {
            let amount = operands[1].2.min(127) as u32;
            constant(1) && operands[0].2 <= mask(width) >> amount
        }
        Op::Lshr => constant(1),
        _ => (0..operands.len()).all(constant),
    };
    if exact { Known::Between(low, high) } else { Known::Between(0, mask(width)) }
}

/// What of some roles, or of storage, statements may change, in words.
fn written(isa: &Isa, statements: &[Stmt], roles: &dyn Fn(Role) -> bool) -> Option<String> {
    every(statements).find_map(|s| match s {
        Stmt::Register(id, e) => {
            let itself = Expr { width: e.width, kind: ExprKind::Register(*id) };
            lost_bits(isa, *id, &kept(e, &itself), roles)
        }
        Stmt::Element(id, index, e) => {
            let kind = ExprKind::Element(*id, Box::new(index.clone()));
            lost_bits(isa, *id, &kept(e, &Expr { width: e.width, kind }), roles)
        }
        Stmt::Store(..) => Some(format!("`{}`, the storage", isa.storage.name)),
        _ => None,
    })
}

/// The bits of some roles that a register does not keep.
fn lost_bits(
    isa: &Isa,
    id: RegisterId,
    kept: &[Option<u32>],
    roles: &dyn Fn(Role) -> bool,
) -> Option<String> {
    let register = isa.register(id);
    let mut changed =
        (0..register.width).filter(|bit| kept.get(*bit as usize) != Some(&Some(*bit)));
    let in_slice = |s: &&Slice, bit| s.low <= bit && bit < s.low + s.width;
    let (bit, slice) = changed.find_map(|bit| {
        let slice = register.slices.iter().find(|s| in_slice(s, bit))?;
        roles(slice.role).then_some((bit, slice))
    })?;
    let (name, role) = (&register.name, slice.role);
    if slice.width == register.width {
        return Some(format!("`{name}`, which has role {role}"));
    }
    let around = |f: &&Field| f.low <= bit && bit < f.low + f.width;
    Some(match register.fields.iter().find(around) {
        Some(field) => format!("`{name}.{}`, which has role {role}", field.name),
        None => format!("bits of `{name}` that have role {role}"),
    })
}

/// Where each bit of a value, least significant first, stands in a register that it copies.
fn kept(e: &Expr, register: &Expr) -> Vec<Option<u32>> {
    if e.kind == register.kind {
        return (0..e.width).map(Some).collect();
    }
    let none = || vec![None; e.width as usize];
    let ExprKind::Apply(op, x) = &e.kind else { return none() };
    let mut bits = match op {
        Op::Low | Op::Zext => kept(&x[0], register),
        Op::Lshr => match x[1].kind {
            ExprKind::Const(n) if n < e.width as u128 => {
                kept(&x[0], register).split_off(n as usize)
            }
            _ => none(),
        },
        Op::Concat => [kept(&x[1], register), kept(&x[0], register)].concat(),
        Op::Ite => {
            let (a, b) = (kept(&x[1], register), kept(&x[2], register));
            a.into_iter().zip(b).map(|(a, b)| a.filter(|_| a == b)).collect()
        }
        _ => none(),
    };
    bits.resize(e.width as usize, None);
    bits
}

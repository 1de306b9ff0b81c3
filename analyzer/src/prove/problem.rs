//! One instruction on symbolic states: how the states of a definition are set up and compared.

use std::rc::Rc;

use model::isa::{Class, Isa, Kind, Pair, Part, RegisterId, Role, Slice, TrapId};
use model::state::State as Concrete;

use crate::prove::replay::alternatives;
use crate::prove::setting::Setting;
use crate::symbolic::execute::{self, Transition};
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, Region, Register, State, Write, pass_hits};
use crate::symbolic::term::{Array, Term, Terms};

/// Cells of a known guest's storage that are held fixed; the others are arbitrary.
const PINNED: u128 = 64;

/// The setting shared by every question about one class.
pub(crate) struct Problem<'i> {
    pub(crate) isa: &'i Isa,
    pub(crate) class: &'i Class,
    pub(crate) terms: Terms,
    pub(crate) operands: Vec<Term>,
    pub(crate) choices: Vec<Term>,
    /// Number of physical cells, q: any size the trap sequence fits into.
    pub(crate) cells: Term,
    /// What holds of operands and q in every question.
    pub(crate) always: Vec<Term>,
    /// Traps that never lead to a monitor.
    pub(crate) strays: &'i [TrapId],
    /// The pair of states that differ in mode, once run: several questions are about it.
    pub(crate) in_both_modes: Option<[Run; 2]>,
}

/// A state and what the instruction does to it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) entry: State,
    pub(crate) transition: Transition,
    /// The specification's assumptions about the entry state.
    pub(crate) assumed: Vec<Term>,
    /// First cell and number of cells of E|r.
    pub(crate) window: (Term, Term),
}

/// Where the storage of a state lies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Storage {
    /// One array over all physical cells.
    Flat(Array),
    /// E|r in one array by virtual address, everything else in another by physical address.
    Windowed { window: Array, outside: Array },
}

impl<'i> Problem<'i> {
    pub(crate) fn new(isa: &'i Isa, class: &'i Class, mut terms: Terms) -> Self {
        let operand = |terms: &mut Terms, o: &model::isa::Operand| match o.fixed {
            Some(value) => terms.constant(value, o.width),
            None => terms.variable(o.width),
        };
        let operands: Vec<Term> = class.operands.iter().map(|o| operand(&mut terms, o)).collect();
        let choices = class.body.choices.iter().map(|c| terms.variable(c.width)).collect();
        let cells = cell_count(isa, &mut terms, 4);
        let mut problem = Self {
            isa,
            class,
            terms,
            operands,
            choices,
            cells,
            always: Vec::new(),
            strays: &[],
            in_both_modes: None,
        };
        problem.constrain();
        problem
    }

    /// The operands belong to the class.
    pub(crate) fn domain(&mut self) -> Term {
        let mut all = Vec::new();
        for (operand, term) in self.class.operands.iter().zip(self.operands.clone()) {
            if let Some(value) = operand.fixed {
                let value = self.terms.constant(value, operand.width);
                all.push(self.terms.eq(term, value));
            }
        }
        if let Some(when) = &self.class.when {
            let (entry, operands) = (self.zero_state(), self.operands.clone());
            all.push(execute::value(self.isa, &mut self.terms, when, &entry, &operands));
        }
        self.terms.all(all)
    }

    /// Notes what holds of operands and q.
    pub(crate) fn constrain(&mut self) {
        self.always = self.size_bounds(self.cells);
        if let Some(when) = &self.class.when {
            let (entry, operands) = (self.zero_state(), self.operands.clone());
            let when = execute::value(self.isa, &mut self.terms, when, &entry, &operands);
            self.always.push(when);
        }
    }

    /// The same in the setting of a pair.
    pub(crate) fn of(setting: Setting<'i>, class: &'i Class, terms: Terms) -> Self {
        Self { strays: setting.strays, ..Self::new(setting.isa, class, terms) }
    }

    /// A machine has room for its trap cells and no more cells than declared.
    pub(crate) fn size_bounds(&mut self, cells: Term) -> Vec<Term> {
        let width = self.terms.width(cells);
        let least = self.terms.constant(self.isa.least_cells(), width);
        let most = self.terms.constant(self.isa.storage.cells, width);
        vec![self.terms.ule(least, cells), self.terms.upper_bound(cells, most)]
    }

    /// A state for conditions that read operands only.
    fn zero_state(&mut self) -> State {
        let rest = self.terms.array(self.isa.storage.width);
        let layout = Layout { regions: Vec::new(), rest, cells: self.cells };
        State { registers: Vec::new(), layout: Rc::new(layout), writes: Vec::new() }
    }

    pub(crate) fn array(&mut self) -> Array {
        self.terms.array(self.isa.storage.width)
    }

    /// A state with every component arbitrary; its storage is laid out when it is run.
    pub(crate) fn fresh(&mut self) -> State {
        let mut state = self.zero_state();
        for register in &self.isa.registers {
            state.registers.push(if register.count.is_some() {
                Register::File(self.terms.array(register.width), Vec::new())
            } else {
                let mut whole: Option<Term> = None;
                for slice in &register.slices {
                    let part = self.terms.variable(slice.width);
                    let cells = self.isa.storage.cells;
                    match slice.kind {
                        Some(Kind::Relocation) => self.terms.suggest(part, cells / 16),
                        Some(Kind::Bounds) => self.terms.suggest(part, cells / 8),
                        _ => {}
                    }
                    whole = Some(whole.map_or(part, |low| self.terms.concat(part, low)));
                }
                Register::Single(whole.expect("a register has at least one bit"))
            });
        }
        state
    }

    /// The same state with the chosen bits arbitrary.
    pub(crate) fn vary(
        &mut self,
        state: &State,
        chosen: impl Fn(RegisterId, &Slice) -> bool,
    ) -> State {
        let mut varied = state.clone();
        for (id, register) in self.isa.register_ids() {
            for slice in register.slices.iter().filter(|s| chosen(id, s)) {
                if register.count.is_some() {
                    let array = self.terms.array(register.width);
                    varied.registers[id.index()] = Register::File(array, Vec::new());
                } else {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let value = self.terms.variable(slice.width);
                    varied.set_part(&mut self.terms, part, value);
                }
            }
        }
        varied
    }

    /// The same state with one part replaced.
    pub(crate) fn with(&mut self, state: &State, part: Option<Part>, value: Term) -> State {
        let mut state = state.clone();
        if let Some(part) = part {
            state.set_part(&mut self.terms, part, value);
        }
        state
    }

    /// The same state with bits at values that are kept.
    pub(crate) fn keeping(&mut self, state: &State, kept: &[(Part, u128)]) -> State {
        let mut state = state.clone();
        for (part, value) in kept {
            let value = self.terms.constant(*value, part.width);
            state.set_part(&mut self.terms, *part, value);
        }
        state
    }

    /// The state in a mode; bits that follow the mode are what the assumptions make them.
    pub(crate) fn in_mode(&mut self, state: &State, mode: u128) -> State {
        let part = self.isa.mode;
        let value = self.terms.constant(mode, part.map_or(1, |p| p.width));
        self.with(state, part, value)
    }

    /// The state in the pair's user mode, as the de-privileging map has it.
    pub(crate) fn deprivileged(&mut self, state: &State, pair: &Pair) -> State {
        let user = self.in_mode(state, pair.user.1);
        execute::run_plain(self.isa, &mut self.terms, &pair.deprivilege, &user, &Facts::default())
    }

    /// The pair's states that differ in mode only: S1 supervisor, S2 user.
    pub(crate) fn mode_pair(&mut self, pair: &Pair) -> (State, State) {
        let state = self.fresh();
        (self.in_mode(&state, pair.supervisor.1), self.deprivileged(&state, pair))
    }

    /// A physical address.
    pub(crate) fn address(&mut self, cell: u128) -> Term {
        let width = self.isa.address_width();
        self.terms.constant(cell, width)
    }

    /// A concrete state's registers as terms; its storage is laid out by the caller.
    pub(crate) fn constants(&mut self, state: &Concrete) -> State {
        let mut all = self.fresh();
        for (id, register) in self.isa.register_ids() {
            let values = &state.registers[id.index()];
            let terms = &mut self.terms;
            all.registers[id.index()] = if register.count.is_some() {
                let width = model::bits::bits_for(register.len() as u128 - 1);
                let write = |(i, value): (usize, &u128)| Write {
                    guard: terms.bool(true),
                    index: terms.constant(i as u128, width),
                    value: terms.constant(*value, register.width),
                };
                let writes = values.iter().enumerate().map(write).collect();
                Register::File(terms.array(register.width), writes)
            } else {
                Register::Single(terms.constant(values[0], register.width))
            };
        }
        all
    }

    /// Holds a guest's first cells, and all that are not zero, at what they are.
    pub(crate) fn pin(
        &mut self,
        array: Array,
        guest: &Concrete,
        premises: &mut Vec<Term>,
    ) -> Facts {
        let low = 0..guest.cells.min(PINNED);
        let high = guest.storage.range(low.end..).map(|(cell, _)| *cell);
        for cell in low.chain(high) {
            let at = self.address(cell);
            let contents = self.terms.select(array, at);
            let value = self.terms.constant(guest.load(cell), self.isa.storage.width);
            premises.push(self.terms.eq(contents, value));
        }
        let mut facts = Facts::default();
        for premise in premises.iter() {
            facts.assume(&mut self.terms, *premise);
        }
        facts
    }

    /// E|r of a state: first cell and size, at address width.
    pub(crate) fn window(&mut self, state: &State) -> (Term, Term) {
        let width = self.isa.address_width();
        let Some(window) = &self.isa.window else {
            return (self.terms.constant(0, width), self.cells);
        };
        let (isa, operands) = (self.isa, self.operands.clone());
        let base = execute::value(isa, &mut self.terms, &window.base, state, &operands);
        let size = execute::value(isa, &mut self.terms, &window.size, state, &operands);
        (self.terms.zext(base, width), self.terms.zext(size, width))
    }

    /// The specification's assumptions about a state.
    pub(crate) fn assumptions(&mut self, state: &State) -> Vec<Term> {
        let isa = self.isa;
        let of =
            |a: &model::isa::Assumption| execute::value(isa, &mut self.terms, &a.that, state, &[]);
        isa.assumptions.iter().map(of).collect()
    }

    /// Runs the instruction from a state with the given storage.
    pub(crate) fn run(&mut self, entry: State, storage: Storage) -> Run {
        let window = self.window(&entry);
        let entry = self.laid_out(entry, storage);
        let facts = self.known();
        self.run_with(entry, window, facts)
    }

    /// What holds in every question, as facts.
    pub(crate) fn known(&mut self) -> Facts {
        let mut facts = Facts::default();
        for premise in self.always.clone() {
            facts.assume(&mut self.terms, premise);
        }
        facts
    }

    /// The state with the given storage.
    pub(crate) fn laid_out(&mut self, mut entry: State, storage: Storage) -> State {
        let window = self.window(&entry);
        let layout = match storage {
            Storage::Flat(rest) => Layout { regions: Vec::new(), rest, cells: self.cells },
            Storage::Windowed { window: array, outside } => {
                let region = Region { base: window.0, size: window.1, array };
                Layout { regions: vec![region], rest: outside, cells: self.cells }
            }
        };
        entry.layout = Rc::new(layout);
        entry
    }

    /// Runs the instruction from a state that has its layout.
    pub(crate) fn run_with(&mut self, entry: State, window: (Term, Term), mut facts: Facts) -> Run {
        let assumed = self.assumptions(&entry);
        for premise in &assumed {
            facts.assume(&mut self.terms, *premise);
        }
        let transition = execute::execute(
            self.isa,
            &mut self.terms,
            self.class,
            &self.operands,
            &self.choices,
            &entry,
            &facts,
        );
        Run { entry, transition, assumed, window }
    }

    /// The instruction from the state of a run, with all values of what it leaves open that are looked at
    /// one by one, and as it was run: see [`alternatives`].
    pub(crate) fn behaviours(&mut self, run: &Run, facts: &Facts, all: bool) -> Vec<Run> {
        let asked = self.choices.clone();
        let mut runs = Vec::new();
        for values in alternatives(self.class, all) {
            let value = |(same, value): (&Term, Option<u128>)| match value {
                Some(value) => {
                    let width = self.terms.width(*same);
                    self.terms.constant(value, width)
                }
                None => *same,
            };
            self.choices = asked.iter().zip(values).map(value).collect();
            runs.push(self.run_with(run.entry.clone(), run.window, facts.clone()));
        }
        self.choices = asked;
        runs.push(run.clone());
        runs
    }

    /// A state in which nothing is run.
    pub(crate) fn at_rest(&mut self, entry: State, window: (Term, Term)) -> Run {
        let assumed = self.assumptions(&entry);
        let no = self.terms.bool(false);
        let transition = Transition {
            completes: no,
            after: entry.clone(),
            traps: Vec::new(),
            unpredictable: no,
            unknown: no,
            facts: Facts::default(),
        };
        Run { entry, transition, assumed, window }
    }

    /// A trap that leads to a monitor is taken.
    pub(crate) fn entering_trap(&mut self, run: &Run) -> Term {
        let strays = self.strays;
        self.traps(run, |id| !strays.contains(&id))
    }

    /// A trap that never leads to a monitor is taken.
    pub(crate) fn stray_trap(&mut self, run: &Run) -> Term {
        let strays = self.strays;
        self.traps(run, |id| strays.contains(&id))
    }

    fn traps(&mut self, run: &Run, chosen: impl Fn(TrapId) -> bool) -> Term {
        let taken = run.transition.traps.iter().filter(|exit| chosen(exit.trap));
        let taken: Vec<Term> = taken.map(|exit| exit.when).collect();
        self.terms.any(taken)
    }

    /// The instruction does not memory-trap, and has a defined outcome.
    pub(crate) fn defined(&mut self, run: &Run) -> Term {
        let memory = run.transition.memory_trap(&mut self.terms, self.isa);
        let strange = self.terms.or(run.transition.unpredictable, run.transition.unknown);
        let bad = self.terms.or(memory, strange);
        self.terms.not(bad)
    }

    /// The chosen bits are different in two states.
    pub(crate) fn differ(&mut self, a: &State, b: &State, chosen: impl Fn(&Slice) -> bool) -> Term {
        // Some register of a file, by a fresh index.
        let all = self.differences(a, b, chosen, |terms, count, _| {
            vec![terms.variable(model::bits::bits_for(count - 1))]
        });
        self.terms.any(all)
    }

    /// The same, without anything left to choose: every register of a file is compared.
    pub(crate) fn differ_exactly(
        &mut self,
        a: &State,
        b: &State,
        chosen: impl Fn(&Slice) -> bool,
    ) -> Term {
        let all = self.differences(a, b, chosen, |terms, count, _| {
            let width = model::bits::bits_for(count - 1);
            (0..count).map(|i| terms.constant(i, width)).collect()
        });
        self.terms.any(all)
    }

    /// What is different of the chosen bits; of files the registers with the given indices, from
    /// their number and the writes to the second state.
    fn differences(
        &mut self,
        a: &State,
        b: &State,
        chosen: impl Fn(&Slice) -> bool,
        indices: impl Fn(&mut Terms, u128, &[Write]) -> Vec<Term>,
    ) -> Vec<Term> {
        let mut all = Vec::new();
        for (id, register) in self.isa.register_ids() {
            for slice in register.slices.iter().filter(|s| chosen(s)) {
                if register.count.is_some() {
                    if a.registers[id.index()] == b.registers[id.index()] {
                        continue;
                    }
                    let Register::File(_, writes) = &b.registers[id.index()] else { continue };
                    for index in indices(&mut self.terms, register.len() as u128, writes) {
                        let x = a.element(&mut self.terms, self.isa, id, index);
                        let y = b.element(&mut self.terms, self.isa, id, index);
                        all.push(self.terms.ne(x, y));
                    }
                } else {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let (x, y) = (a.part(&mut self.terms, part), b.part(&mut self.terms, part));
                    all.push(self.terms.ne(x, y));
                }
            }
        }
        all
    }

    /// e1|r ≠ e2|r: some cell of both windows has different contents, each side seen through its
    /// own mapping; the common prefix is compared.
    pub(crate) fn windows_differ(&mut self, a: (&Run, &State), b: (&Run, &State)) -> Term {
        if a.1.writes.is_empty() && b.1.writes.is_empty() {
            return self.terms.bool(false);
        }
        let cell = any_cell(self.isa, &mut self.terms);
        let mut inside = Vec::new();
        let mut values = Vec::new();
        for (run, after) in [a, b] {
            let physical = self.terms.add(run.window.0, cell);
            // The bounds keep the sum from wrapping: bases are narrower than addresses by some bits.
            inside.push(self.terms.ult(cell, run.window.1));
            inside.push(self.terms.ult(physical, self.cells));
            values.push((run, after, physical));
        }
        let condition = self.terms.all(inside);
        let ends = |i: usize| (values[i].1, values[i].2, values[i].0.transition.completes);
        pass_hits(&mut self.terms, [0, 1].map(ends));
        let mut contents = Vec::new();
        for (run, after, physical) in values {
            let mut facts = run.transition.facts.clone();
            facts.assume(&mut self.terms, condition);
            contents.push(after.load(&mut self.terms, &facts, physical));
        }
        let different = self.terms.ne(contents[0], contents[1]);
        self.terms.and(condition, different)
    }

    /// The visible result E|r, P is different.
    pub(crate) fn visible_difference(&mut self, a: (&Run, &State), b: (&Run, &State)) -> Term {
        let registers = self.differ(a.1, b.1, |s| matches!(s.role, Role::E | Role::P));
        let storage = self.windows_differ(a, b);
        self.terms.or(registers, storage)
    }

    /// M and R are after the instruction what they were before.
    pub(crate) fn keeps_mode_and_r(&mut self, run: &Run, after: &State) -> Term {
        // Every register of a file, or every one that may have been written: that some index shows no
        // change would not be enough.
        let chosen = |s: &Slice| matches!(s.role, Role::M | Role::R);
        let all = self.differences(&run.entry, after, chosen, |terms, count, writes| {
            if writes.len() < count as usize {
                return writes.iter().map(|write| write.index).collect();
            }
            let width = model::bits::bits_for(count - 1);
            (0..count).map(|i| terms.constant(i, width)).collect()
        });
        let changed = self.terms.any(all);
        self.terms.not(changed)
    }

    /// The state after the instruction, trap sequences of traps that are no memory traps included;
    /// the second result says when the trap sequence is unpredictable.
    pub(crate) fn outcome(&mut self, run: &Run) -> (State, Term) {
        let mut after = run.transition.after.clone();
        let mut strange = self.terms.bool(false);
        for exit in &run.transition.traps {
            if self.isa.trap(exit.trap).kind == model::isa::TrapKind::Memory
                || self.terms.is_false(exit.when)
            {
                continue;
            }
            let facts = Facts::default();
            let (trapped, undefined) = execute::after_trap(self.isa, &mut self.terms, exit, &facts);
            after = execute::merge_states(&mut self.terms, exit.when, &trapped, &after);
            let undefined = self.terms.and(exit.when, undefined);
            strange = self.terms.or(strange, undefined);
        }
        (after, strange)
    }
}

/// An arbitrary number of physical cells, as narrow as it can be, at address width; `share` says
/// which part of the largest storage to try first.
pub(crate) fn cell_count(isa: &Isa, terms: &mut Terms, share: u128) -> Term {
    let narrow = terms.variable_up_to(model::bits::bits_for(isa.storage.cells), isa.storage.cells);
    terms.suggest(narrow, isa.storage.cells / share);
    terms.zext(narrow, isa.address_width())
}

/// An arbitrary cell number, as narrow as it can be, at address width.
pub(crate) fn any_cell(isa: &Isa, terms: &mut Terms) -> Term {
    let narrow = terms.variable(model::bits::bits_for(isa.storage.cells - 1));
    terms.zext(narrow, isa.address_width())
}

//! Symbolic execution: i(S) for all S at once, paths merged by if-then-else.

use model::isa::{
    Body, Class, Expr, ExprKind, Fetch, Isa, LocalId, RegisterId, Role, Saves, Stmt, TrapId,
    TrapKind,
};

use super::facts::Facts;
use super::state::{Register, State, Write, file_index, pass_offset};
use super::term::{Term, Terms, conjuncts};

/// What an instruction does to all states.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    /// It completes, with this state.
    pub(crate) completes: Term,
    pub(crate) after: State,
    pub(crate) traps: Vec<TrapExit>,
    /// The architecture says nothing.
    pub(crate) unpredictable: Term,
    /// The specification says nothing.
    pub(crate) unknown: Term,
    /// What was known on the way to completion.
    pub(crate) facts: Facts,
}

/// One way to trap.
#[derive(Debug, Clone)]
pub(crate) struct TrapExit {
    pub(crate) trap: TrapId,
    pub(crate) when: Term,
    pub(crate) argument: Option<Term>,
    /// The state the trap sequence starts from.
    pub(crate) before: State,
}

impl Transition {
    /// A memory trap is taken.
    pub(crate) fn memory_trap(&self, terms: &mut Terms, isa: &Isa) -> Term {
        let of_kind = |t: &&TrapExit| isa.trap(t.trap).kind == TrapKind::Memory;
        let when: Vec<Term> = self.traps.iter().filter(of_kind).map(|t| t.when).collect();
        terms.any(when)
    }

    /// A trap is taken that is no memory trap.
    pub(crate) fn other_trap(&self, terms: &mut Terms, isa: &Isa) -> Term {
        let of_kind = |t: &&TrapExit| isa.trap(t.trap).kind != TrapKind::Memory;
        let when: Vec<Term> = self.traps.iter().filter(of_kind).map(|t| t.when).collect();
        terms.any(when)
    }

    /// Any trap is taken.
    pub(crate) fn trap(&self, terms: &mut Terms) -> Term {
        let when: Vec<Term> = self.traps.iter().map(|t| t.when).collect();
        terms.any(when)
    }
}

/// A path through the statements.
#[derive(Debug, Clone)]
struct Path {
    state: State,
    locals: Vec<Term>,
    committed: Option<State>,
    /// The condition under which this path is taken.
    live: Term,
    facts: Facts,
}

/// Runs bodies symbolically.
struct Executor<'a> {
    isa: &'a Isa,
    terms: &'a mut Terms,
    operands: &'a [Term],
    choices: &'a [Term],
    /// What a path without a commit rolls back to.
    entry: State,
    traps: Vec<(TrapId, Term, Option<Term>, Option<State>)>,
    unpredictable: Term,
    unknown: Term,
}

impl<'a> Executor<'a> {
    fn new(
        isa: &'a Isa,
        terms: &'a mut Terms,
        entry: &State,
        operands: &'a [Term],
        choices: &'a [Term],
    ) -> Self {
        let no = terms.bool(false);
        let (unpredictable, unknown) = (no, no);
        Self {
            isa,
            terms,
            operands,
            choices,
            entry: entry.clone(),
            traps: Vec::new(),
            unpredictable,
            unknown,
        }
    }
}

/// Runs an instruction on a symbolic state.
pub(crate) fn execute(
    isa: &Isa,
    terms: &mut Terms,
    class: &Class,
    operands: &[Term],
    choices: &[Term],
    entry: &State,
    facts: &Facts,
) -> Transition {
    let advanced = run_plain(isa, terms, &class.advance, entry, facts);
    let mut executor = Executor::new(isa, terms, entry, operands, choices);
    let path = executor.run(&class.body, advanced.clone(), facts, &[]);
    let (unpredictable, unknown) = (executor.unpredictable, executor.unknown);
    let raised = std::mem::take(&mut executor.traps);
    let traps = raised
        .into_iter()
        .map(|(trap, when, argument, committed)| {
            let counter = if isa.trap(trap).saves == Saves::This { entry } else { &advanced };
            let kept = committed.unwrap_or_else(|| entry.clone());
            let before = with_counter(isa, terms, kept, counter);
            TrapExit { trap, when, argument, before }
        })
        .collect();
    let (completes, after, facts) = match path {
        Some(path) => (path.live, path.state, path.facts),
        None => (terms.bool(false), entry.clone(), facts.clone()),
    };
    Transition { completes, after, traps, unpredictable, unknown, facts }
}

/// `state` with the program counter of another.
fn with_counter(isa: &Isa, terms: &mut Terms, mut state: State, counter: &State) -> State {
    for (id, register) in isa.register_ids() {
        if register.count.is_some() {
            continue;
        }
        for slice in register.slices.iter().filter(|s| s.role == Role::P) {
            let part = model::isa::Part { register: id, low: slice.low, width: slice.width };
            let value = counter.part(terms, part);
            state.set_part(terms, part, value);
        }
    }
    state
}

/// Runs the trap sequence of a trap; the second result says when it is unpredictable.
pub(crate) fn after_trap(
    isa: &Isa,
    terms: &mut Terms,
    exit: &TrapExit,
    facts: &Facts,
) -> (State, Term) {
    let sequence = &isa.trap(exit.trap).sequence;
    let mut arguments = Vec::new();
    if isa.trap_argument > 0 {
        arguments.push(exit.argument.unwrap_or_else(|| terms.constant(0, isa.trap_argument)));
    }
    let mut executor = Executor::new(isa, terms, &exit.before, &[], &[]);
    let path = executor.run(sequence, exit.before.clone(), facts, &arguments);
    let strange = executor.terms.or(executor.unpredictable, executor.unknown);
    (path.map_or_else(|| exit.before.clone(), |p| p.state), strange)
}

/// What fetching comes to.
pub(crate) struct Fetched {
    pub(crate) completes: Term,
    /// The bits, where it can complete.
    pub(crate) word: Option<Term>,
    pub(crate) traps: Vec<(TrapId, Term)>,
    /// Unpredictable, or not said.
    pub(crate) strange: Term,
}

/// Fetches the instruction at P.
pub(crate) fn fetched(
    isa: &Isa,
    terms: &mut Terms,
    fetch: &Fetch,
    state: &State,
    facts: &Facts,
) -> Fetched {
    let mut executor = Executor::new(isa, terms, state, &[], &[]);
    let path = executor.run(&fetch.body, state.clone(), facts, &[]);
    let strange = executor.terms.or(executor.unpredictable, executor.unknown);
    let word = path.as_ref().map(|path| executor.expr(&fetch.word, path));
    let traps = executor.traps.iter().map(|(trap, when, ..)| (*trap, *when)).collect();
    let completes = path.map_or_else(|| executor.terms.bool(false), |path| path.live);
    Fetched { completes, word, traps, strange }
}

/// Runs statements that can neither trap nor be unpredictable.
pub(crate) fn run_plain(
    isa: &Isa,
    terms: &mut Terms,
    body: &Body,
    state: &State,
    facts: &Facts,
) -> State {
    let mut executor = Executor::new(isa, terms, state, &[], &[]);
    let path = executor.run(body, state.clone(), facts, &[]);
    path.map_or_else(|| state.clone(), |p| p.state)
}

/// The value of an expression over a state.
pub(crate) fn value(
    isa: &Isa,
    terms: &mut Terms,
    e: &Expr,
    state: &State,
    operands: &[Term],
) -> Term {
    let live = terms.bool(true);
    let mut executor = Executor::new(isa, terms, state, operands, &[]);
    let facts = Facts::default();
    let path = Path { state: state.clone(), locals: Vec::new(), committed: None, live, facts };
    executor.expr(e, &path)
}

/// Paths that left a block early, with the number of blocks still to leave.
type Exits = Vec<(u32, Path)>;

impl Executor<'_> {
    fn run(
        &mut self,
        body: &Body,
        state: State,
        facts: &Facts,
        arguments: &[Term],
    ) -> Option<Path> {
        let mut locals: Vec<Term> =
            body.locals.iter().map(|w| self.terms.constant(0, *w)).collect();
        locals[..arguments.len()].copy_from_slice(arguments);
        let live = self.terms.bool(true);
        let path = Path { state, locals, committed: None, live, facts: facts.clone() };
        let mut exits = Vec::new();
        let end = self.block(&body.statements, path, &mut exits);
        debug_assert!(exits.is_empty(), "every exit stands inside a block");
        end
    }

    fn block(&mut self, statements: &[Stmt], mut path: Path, exits: &mut Exits) -> Option<Path> {
        for statement in statements {
            path = self.statement(statement, path, exits)?;
        }
        Some(path)
    }

    fn statement(&mut self, statement: &Stmt, mut path: Path, exits: &mut Exits) -> Option<Path> {
        if self.terms.is_spent() {
            // Whoever asked finds so too, and leaves the question open.
            self.unknown = self.terms.or(self.unknown, path.live);
            return None;
        }
        match statement {
            Stmt::Local(LocalId(id), e) => {
                let value = self.expr(e, &path);
                self.terms.pass(e, path.live, value);
                path.locals[*id as usize] = value;
            }
            Stmt::Register(id, e) => {
                let value = self.expr(e, &path);
                self.terms.pass(e, path.live, value);
                path.state.registers[id.index()] = Register::Single(value);
            }
            Stmt::Element(id, index, e) => {
                let (index, value) = (self.expr(index, &path), self.expr(e, &path));
                self.set_element(&mut path, *id, index, value);
            }
            Stmt::Store(cell, e) => {
                let (at, value) = (self.expr(cell, &path), self.expr(e, &path));
                let index = self.address(at, &path.facts);
                pass_offset(self.terms, cell, path.live, &path.state, index);
                self.terms.pass(e, path.live, value);
                let guard = path.facts.below(self.terms, index, path.state.layout.cells);
                if !self.terms.is_false(guard) {
                    path.state.writes.push(Write { guard, index, value });
                }
            }
            Stmt::If(condition, yes, no) => return self.branch(condition, yes, no, path, exits),
            Stmt::Block(inner) => return self.inner_block(inner, path, exits),
            Stmt::Exit(levels) => {
                exits.push((*levels, path));
                return None;
            }
            Stmt::Trap(id, argument) => {
                let argument = argument.as_ref().map(|e| self.expr(e, &path));
                self.traps.push((*id, path.live, argument, path.committed));
                return None;
            }
            Stmt::Commit => path.committed = Some(path.state.clone()),
            Stmt::Unpredictable => {
                self.unpredictable = self.terms.or(self.unpredictable, path.live);
                return None;
            }
            Stmt::Unknown => {
                self.unknown = self.terms.or(self.unknown, path.live);
                return None;
            }
        }
        Some(path)
    }

    fn set_element(&mut self, path: &mut Path, id: RegisterId, index: Term, value: Term) {
        let (index, guard) = file_index(self.terms, self.isa, id, index);
        if let Register::File(_, writes) = &mut path.state.registers[id.index()]
            && !self.terms.is_false(guard)
        {
            // A later write to the same place hides an earlier one.
            if let Some(last) = writes.last()
                && last.index == index
                && self.terms.is_true(guard)
            {
                writes.pop();
            }
            writes.push(Write { guard, index, value });
        }
    }

    /// A condition, settled by the path's facts where they do.
    fn known(&mut self, path: &Path, condition: Term) -> Term {
        match path.facts.decide(self.terms, condition) {
            Some(known) => self.terms.bool(known),
            None => condition,
        }
    }

    /// The number of a cell at address width.
    fn address(&mut self, cell: Term, facts: &Facts) -> Term {
        let width = self.isa.address_width();
        let from = self.terms.width(cell);
        if from <= width {
            return facts.widened(self.terms, cell, width);
        }
        // An index beyond every address stays beyond every address.
        let limit = self.terms.constant(model::bits::mask(width), from);
        let far = self.terms.ult(limit, cell);
        let low = self.terms.extract(cell, 0, width);
        let beyond = self.terms.constant(model::bits::mask(width), width);
        self.terms.ite(far, beyond, low)
    }

    fn branch(
        &mut self,
        condition: &Expr,
        yes: &[Stmt],
        no: &[Stmt],
        path: Path,
        exits: &mut Exits,
    ) -> Option<Path> {
        let place = condition;
        let condition = self.expr(condition, &path);
        let condition = self.known(&path, condition);
        self.terms.pass(place, path.live, condition);
        if self.terms.is_true(condition) {
            return self.block(yes, path, exits);
        }
        if self.terms.is_false(condition) {
            return self.block(no, path, exits);
        }
        let facts = path.facts.clone();
        let on_yes = self.refined(path.clone(), condition);
        let negated = self.terms.not(condition);
        let on_no = self.refined(path, negated);
        let a = self.block(yes, on_yes, exits);
        let b = self.block(no, on_no, exits);
        match (a, b) {
            (Some(a), Some(b)) => {
                let paths = [a, b];
                let live = self.live(&paths);
                let [a, b] = &paths;
                Some(Path { live, ..self.merge(condition, a, b, facts) })
            }
            (a, b) => a.or(b),
        }
    }

    fn refined(&mut self, mut path: Path, condition: Term) -> Path {
        path.live = self.terms.and(path.live, condition);
        path.facts.assume(self.terms, condition);
        path
    }

    fn inner_block(&mut self, inner: &[Stmt], path: Path, exits: &mut Exits) -> Option<Path> {
        let facts = path.facts.clone();
        let mut left = Vec::new();
        let end = self.block(inner, path, &mut left);
        let mut here: Vec<Path> = Vec::new();
        for (levels, path) in left {
            if levels == 0 { here.push(path) } else { exits.push((levels - 1, path)) }
        }
        here.extend(end);
        self.join(here, &facts)
    }

    /// Joins the paths that reach the end of a block. Exactly one of them is taken, so each is told
    /// from those after it by the conjuncts of its condition that not all of those share: what every
    /// path had to pass (a bounds check, say) does not become part of the values.
    fn join(&mut self, mut paths: Vec<Path>, facts: &Facts) -> Option<Path> {
        let live = self.live(&paths);
        let mut joined = paths.pop()?;
        let mut shared = conjuncts(self.terms, joined.live);
        while let Some(path) = paths.pop() {
            let own = conjuncts(self.terms, path.live);
            let telling: Vec<Term> = own.iter().copied().filter(|c| !shared.contains(c)).collect();
            let condition = self.terms.all(telling);
            let condition = facts.restrict(self.terms, condition);
            shared.retain(|c| own.contains(c));
            joined = self.merge(condition, &path, &joined, facts.clone());
        }
        for condition in shared {
            joined.facts.assume(self.terms, condition);
        }
        joined.live = live;
        Some(joined)
    }

    /// The condition under which one of several paths is taken, what they share factored out.
    fn live(&mut self, paths: &[Path]) -> Term {
        let own: Vec<Vec<Term>> = paths.iter().map(|p| conjuncts(self.terms, p.live)).collect();
        let Some(first) = own.first() else { return self.terms.bool(false) };
        let shared: Vec<Term> = first
            .iter()
            .copied()
            .filter(|c| own.iter().all(|conjuncts| conjuncts.contains(c)))
            .collect();
        let rest: Vec<Term> = own
            .iter()
            .map(|conjuncts| {
                let rest: Vec<Term> =
                    conjuncts.iter().copied().filter(|c| !shared.contains(c)).collect();
                self.terms.all(rest)
            })
            .collect();
        let any = self.terms.any(rest);
        let all = self.terms.all(shared);
        self.terms.and(all, any)
    }

    /// Joins two paths, of which the first is taken where the condition holds; when the result is
    /// taken is for the caller to say.
    fn merge(&mut self, condition: Term, a: &Path, b: &Path, facts: Facts) -> Path {
        let live = a.live;
        let locals = a
            .locals
            .iter()
            .zip(&b.locals)
            .map(|(x, y)| self.terms.ite(condition, *x, *y))
            .collect();
        let committed = match (&a.committed, &b.committed) {
            (None, None) => None,
            (x, y) => {
                let entry = self.entry.clone();
                let (x, y) = (x.as_ref().unwrap_or(&entry), y.as_ref().unwrap_or(&entry));
                Some(merge_states(self.terms, condition, x, y))
            }
        };
        let state = merge_states(self.terms, condition, &a.state, &b.state);
        Path { state, locals, committed, live, facts }
    }

    fn expr(&mut self, e: &Expr, path: &Path) -> Term {
        match &e.kind {
            ExprKind::Const(value) => self.terms.constant(*value, e.width),
            ExprKind::Local(id) => path.locals[id.index()],
            ExprKind::Operand(id) => self.operands[id.index()],
            ExprKind::Register(id) => path.state.single(*id),
            ExprKind::Element(id, at) => {
                let index = self.expr(at, path);
                if self.terms.is_plain() {
                    let (place, _) = file_index(self.terms, self.isa, *id, index);
                    self.terms.pass(at, path.live, place);
                }
                path.state.element(self.terms, self.isa, *id, index)
            }
            ExprKind::Load(at) => {
                let cell = self.expr(at, path);
                let cell = self.address(cell, &path.facts);
                pass_offset(self.terms, at, path.live, &path.state, cell);
                let value = path.state.load(self.terms, &path.facts, cell);
                self.terms.pass(e, path.live, value);
                value
            }
            ExprKind::CellCount => {
                let cells = path.state.layout.cells;
                let from = self.terms.width(cells);
                if e.width >= from {
                    self.terms.zext(cells, e.width)
                } else {
                    self.terms.extract(cells, 0, e.width)
                }
            }
            ExprKind::Choice(id) => self.choices[id.index()],
            ExprKind::Apply(op, operands) => {
                let operands: Vec<Term> = operands.iter().map(|o| self.expr(o, path)).collect();
                self.terms.apply(*op, &operands, e.width)
            }
        }
    }
}

/// Joins two states, of which the first is taken where the condition holds.
pub(crate) fn merge_states(terms: &mut Terms, condition: Term, a: &State, b: &State) -> State {
    let registers = a
        .registers
        .iter()
        .zip(&b.registers)
        .map(|(x, y)| match (x, y) {
            (Register::Single(x), Register::Single(y)) => {
                Register::Single(terms.ite(condition, *x, *y))
            }
            (Register::File(array, x), Register::File(_, y)) => {
                Register::File(*array, merge_writes(terms, condition, x, y))
            }
            (x, _) => x.clone(),
        })
        .collect();
    let writes = merge_writes(terms, condition, &a.writes, &b.writes);
    State { registers, layout: a.layout.clone(), writes }
}

fn merge_writes(terms: &mut Terms, condition: Term, a: &[Write], b: &[Write]) -> Vec<Write> {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let mut all = a[..common].to_vec();
    if let Some(both) = terms.chosen_writes(condition, &a[common..], &b[common..]) {
        all.extend(both);
        return all;
    }
    let negated = terms.not(condition);
    for (writes, guard) in [(&a[common..], condition), (&b[common..], negated)] {
        for write in writes {
            all.push(Write { guard: terms.and(guard, write.guard), ..*write });
        }
    }
    all
}

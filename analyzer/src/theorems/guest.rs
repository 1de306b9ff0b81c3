//! Counterexample guests: a program that ends differently on the real machine and under a monitor
//! (R2, a program refutation).
//!
//! Short programs are tried on the reference monitor, the shortest first: the instruction whose
//! square does not commute, and one that makes the difference seen, in the state after a reset or
//! with M and R as a trap leaves them. What is found is turned into text, and counts when that text,
//! assembled again, still ends differently.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::bits::{bits_for, mask};
use model::diagnostic::Sources;
use model::interp::{Outcome, take_trap};
use model::isa::{Isa, Pair, Role, TrapId};
use model::state::State;
use refvmm::asm::{assemble, disassemble};
use refvmm::computer::{Authorization, Computer, EngineKind, Setup};
use refvmm::decode::{Decoded, decode_as, encode_cells, split};
use refvmm::engine::Why;
use refvmm::layout::MachineLayout;
use refvmm::machine;
use refvmm::vmm::Kind;

use crate::decide::stopped;

/// Instructions after which a run is given up.
pub(crate) const LIMIT: u64 = 64;

/// Cells of a guest's storage, if the trap cells leave room.
const CELLS: u128 = 512;

/// Most programs tried for one instruction, with and without a register loaded before it.
const PROGRAMS: usize = 12_000;

/// A guest program and what it shows.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// The monitor that it sees through.
    pub(crate) kind: Kind,
    /// Its storage in cells.
    pub(crate) cells: u64,
    /// Its text, a line each.
    pub(crate) lines: Vec<String>,
    /// How it ends on the real machine, and under the monitor.
    pub(crate) ends: [End; 2],
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) halted: bool,
    pub(crate) steps: u64,
    /// The state without what the control block holds: what a program can tell.
    pub(crate) seen: State,
    output: Vec<u64>,
}

/// A program: its instructions by physical address, and what else storage holds.
#[derive(Debug, Clone, Default)]
struct Program {
    code: BTreeMap<u128, Decoded>,
    data: BTreeMap<u128, u128>,
}

/// How a program begins: where its first free instruction stands, and the P that reaches it.
struct Start {
    program: Program,
    place: u128,
    counter: u128,
}

/// Programs tried for all classes of one theorem together: the effort does not grow with the number
/// of classes.
const IN_ALL: usize = 30_000;

/// A guest that tells the real machine from the one under a monitor by what one of the classes does,
/// with that class.
pub(crate) fn find(
    isa: &Isa,
    pair: &Pair,
    kind: Kind,
    classes: impl Iterator<Item = usize>,
) -> Option<(usize, Guest)> {
    if isa.fetches.is_empty() {
        return None;
    }
    let layout = MachineLayout::new(isa.clone()).ok()?;
    let mut left = IN_ALL;
    for class in classes {
        if left == 0 {
            break;
        }
        if let Some(guest) = of_class(isa, &layout, pair, (kind, class), &mut left) {
            return Some((class, guest));
        }
    }
    None
}

fn of_class(
    isa: &Isa,
    layout: &Arc<MachineLayout>,
    pair: &Pair,
    (kind, class): (Kind, usize),
    left: &mut usize,
) -> Option<Guest> {
    let mut trial = Trial::new(layout, pair, kind)?;
    let program = trial.search(class, left)?;
    let program = trial.smaller(program);
    let lines = trial.text(&program);
    let mut sources = Sources::default();
    let again = assemble(isa, "guest", &(lines.join("\n") + "\n"), &mut sources).ok()?;
    let ends = trial.run_cells(&again.cells.into_iter().collect::<Vec<_>>())?;
    (rank(&ends) < Rank::Same).then_some(Guest { kind, cells: trial.cells, lines, ends })
}

/// How well two ends tell the machines apart, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Both halt, in different states.
    Halted,
    /// One halts.
    OneHalts,
    /// Neither halts, and the states differ.
    Running,
    Same,
}

fn rank([a, b]: &[End; 2]) -> Rank {
    match (a.halted, b.halted) {
        _ if a == b => Rank::Same,
        (true, true) if (&a.seen, &a.output) != (&b.seen, &b.output) => Rank::Halted,
        (true, true) => Rank::Same,
        (false, false) if a.seen == b.seen => Rank::Same,
        (false, false) => Rank::Running,
        _ => Rank::OneHalts,
    }
}

/// The two machines on which programs are tried.
struct Trial {
    layout: Arc<MachineLayout>,
    pair: Pair,
    kind: Kind,
    cells: u64,
    machines: [Computer; 2],
}

impl Trial {
    fn new(layout: &Arc<MachineLayout>, pair: &Pair, kind: Kind) -> Option<Self> {
        let isa = &layout.isa;
        let cells = CELLS.max(2 * isa.least_cells().next_power_of_two());
        let cells = cells.min(isa.storage.cells / 2) as u64;
        let bare = Setup::bare(EngineKind::Walk, cells);
        let monitored = Setup { monitor: Some(kind), depth: 1, ..bare };
        let build = |setup: Setup| setup.build(layout, Authorization::Unchecked(pair)).ok();
        let machines = [build(bare)?, build(monitored)?];
        let layout = Arc::clone(layout);
        Some(Self { layout, pair: pair.clone(), kind, cells, machines })
    }

    fn isa(&self) -> &Isa {
        &self.layout.isa
    }

    /// What storage holds before a program starts.
    fn cells_of(&self, program: &Program) -> Option<Vec<(u128, u128)>> {
        let mut cells: Vec<(u128, u128)> = program.data.iter().map(|(a, v)| (*a, *v)).collect();
        for (place, it) in &program.code {
            let words = encode_cells(self.isa(), &self.isa().classes[it.class], &it.operands)?;
            cells.extend((*place..).zip(words));
        }
        // A reset may lead past the storage of the trial.
        cells.iter().all(|(cell, _)| *cell < u128::from(self.cells)).then_some(cells)
    }

    /// Runs a program on both machines; `None` where it does what the specification leaves open.
    fn run(&mut self, program: &Program) -> Option<[End; 2]> {
        self.run_cells(&self.cells_of(program)?)
    }

    fn run_cells(&mut self, cells: &[(u128, u128)]) -> Option<[End; 2]> {
        let layout = &self.layout;
        let [a, b] = self.machines.each_mut().map(|it| {
            it.boot(cells);
            machine::output(it.machine());
            let stop = it.advance(LIMIT);
            let halted = match stop.why {
                Why::Halted => true,
                Why::Fuel => false,
                Why::Trap(_) | Why::Unpredictable | Why::Unknown | Why::Broken(_) => {
                    return None;
                }
            };
            let seen = seen(layout, it.state());
            Some(End { halted, steps: stop.steps, seen, output: machine::output(it.machine()) })
        });
        Some([a?, b?])
    }

    fn rank(&mut self, program: &Program) -> Rank {
        self.run(program).map_or(Rank::Same, |ends| rank(&ends))
    }

    /// The first of the best programs around a class: at every start, at first with nothing before
    /// it, then with a register loaded.
    fn search(&mut self, class: usize, in_all: &mut usize) -> Option<Program> {
        let starts = self.starts();
        let mut best = (Rank::Same, None);
        for loads in [false, true] {
            let given = PROGRAMS.min(*in_all);
            let mut left = given;
            for start in &starts {
                if left == 0 {
                    break;
                }
                let before = if loads { self.loaders(start) } else { vec![None] };
                let observers = self.observers(start);
                for load in before {
                    let around = (start, load.as_ref(), observers.as_slice());
                    self.around(around, class, &mut left, &mut best);
                    if best.0 == Rank::Halted {
                        return best.1;
                    }
                }
            }
            *in_all -= given - left;
            if best.1.is_some() {
                break;
            }
        }
        best.1
    }

    /// Tries the class at a start, behind `load`, with each of the observers after it.
    fn around(
        &mut self,
        (start, load, observers): (&Start, Option<&Decoded>, &[Decoded]),
        class: usize,
        left: &mut usize,
        best: &mut (Rank, Option<Program>),
    ) {
        let isa = &Arc::clone(&self.layout).isa;
        let length = |it: &Decoded| isa.classes[it.class].length;
        let before = load.map_or(0, length);
        let behind = before + isa.classes[class].length;
        for first in choices(isa, class, start.counter + behind, 24) {
            if stopped() {
                break;
            }
            let mut program = start.program.clone();
            program.code.extend(load.map(|it| (start.place, it.clone())));
            program.code.insert(start.place + before, first);
            for observer in observers {
                if *left == 0 || best.0 == Rank::Halted {
                    return;
                }
                // A better one than the first is not looked for very long.
                *left = if best.1.is_some() { (*left).min(PROGRAMS / 4) } else { *left } - 1;
                let mut program = program.clone();
                program.code.insert(start.place + behind, observer.clone());
                let rank = self.rank(&program);
                if rank < best.0 {
                    *best = (rank, Some(program));
                }
            }
        }
    }

    /// Instructions that load a register with a number that bounds meet.
    fn loaders(&mut self, start: &Start) -> Vec<Option<Decoded>> {
        let isa = &Arc::clone(&self.layout).isa;
        let value = u128::from(self.cells) - 1;
        let all = (0..isa.classes.len()).flat_map(|class| choices(isa, class, value, 1));
        let loads = |it: &Decoded| {
            let mut program = start.program.clone();
            program.code.insert(start.place, it.clone());
            let Some(cells) = self.cells_of(&program) else { return false };
            let next = start.counter + isa.classes[it.class].length;
            let [real, _] = &mut self.machines;
            real.boot(&cells);
            // A start may take a trap first.
            (0..2).any(|_| {
                real.advance(1);
                let state = real.state();
                let at = state.of_role(isa, |s| s.role == Role::P).next();
                let mut own = state.of_role(isa, |s| s.role == Role::E);
                own.any(|(.., v)| v == value) && at.is_some_and(|(.., p)| p == next)
            })
        };
        all.filter(loads).take(1).map(Some).collect()
    }

    /// Leaves out the handler and the trap vector where they make no difference.
    fn smaller(&mut self, program: Program) -> Program {
        let wanted = self.rank(&program);
        let mut unhandled = program.clone();
        unhandled.code.pop_last();
        let bare = Program { data: BTreeMap::new(), ..unhandled.clone() };
        let fewer = [bare, unhandled].into_iter().find(|less| self.rank(less) == wanted);
        fewer.unwrap_or(program)
    }

    /// A program as the assembler reads it.
    fn text(&self, program: &Program) -> Vec<String> {
        let mut lines = Vec::new();
        let mut next = None;
        let data = program.data.iter().map(|(place, value)| (place, None, *value));
        let code = program.code.iter().map(|(place, it)| (place, Some(it), 0));
        let all: BTreeMap<u128, _> = data.chain(code).map(|(p, it, v)| (*p, (it, v))).collect();
        for (place, (instruction, value)) in all {
            if next != Some(place) {
                lines.push(format!("        .org  {place}"));
            }
            let length = instruction.map_or(1, |it| self.isa().classes[it.class].length);
            lines.push(match instruction {
                Some(it) => format!("        {}", disassemble(self.isa(), it)),
                None => format!("        .word {value:#x}"),
            });
            next = Some(place + length);
        }
        lines
    }

    /// How programs may begin: right after a reset, with traps leading to a halt; or behind a trap,
    /// with M and R as a new PSW can set them.
    fn starts(&mut self) -> Vec<Start> {
        let isa = &Arc::clone(&self.layout).isa;
        // Somewhere behind the trap cells and what starts there.
        let room = 16 * isa.classes.iter().map(|c| c.length).max().unwrap_or(1);
        let program = self.entry(isa.trap_cells.end() + room);
        let reset = self.reset(&program);
        let (l, b) = model::map::window(isa, &reset);
        let counter = self.counter(&reset);
        let far = (l + counter).max(isa.trap_cells.end()) + room;
        let mut plain = Start { program: program.clone(), place: l + counter, counter };
        if let Some(halt) = self.halt(&plain) {
            plain.program.data.extend(self.vector(&reset, far - l));
            plain.program.code.insert(far, halt);
        }
        // A hybrid monitor interprets supervisor code: only user code can tell.
        let hybrid = self.kind == Kind::Hybrid;
        let mut all = if hybrid { Vec::new() } else { vec![plain] };
        let modes = [self.pair.user.1, self.pair.supervisor.1];
        let modes = &modes[..if hybrid { 1 } else { 2 }];
        for ((relocation, bounds), mode) in
            [(l, b), (l + 1, b), (l, b.saturating_sub(1)), (l + room, b)]
                .into_iter()
                .flat_map(|r| modes.iter().map(move |m| (r, *m)))
        {
            let (Some(m), Some(r), Some(s)) = (isa.mode, isa.relocation, isa.bounds) else { break };
            let mut state = reset.clone();
            state.set_part(m, mode);
            state.set_part(r, relocation);
            state.set_part(s, bounds);
            let data: BTreeMap<u128, u128> = self.vector(&state, far - relocation).collect();
            if !data.is_empty() {
                let mut program = program.clone();
                program.data.extend(data);
                all.push(Start { program, place: far, counter: far - relocation });
            }
        }
        all
    }

    /// A program that makes a reset lead to a place, if the machine takes P from storage then.
    fn entry(&mut self, place: u128) -> Program {
        let isa = &Arc::clone(&self.layout).isa;
        let width = self.layout.counter.first().map_or(0, |bits| bits.mask.count_ones());
        let cells = split(isa, place, width.div_ceil(isa.storage.width));
        let at = |first: u128| Program {
            data: (first..).zip(cells.iter().copied()).collect(),
            code: BTreeMap::new(),
        };
        let mut vectors = isa.trap_cells.new.clone().take(32).map(at);
        let leads = |program: &Program| {
            let reset = self.reset(program);
            self.counter(&reset) == place
        };
        vectors.find(leads).unwrap_or_default()
    }

    /// The state after a reset.
    fn reset(&mut self, program: &Program) -> State {
        let cells = self.cells_of(program).unwrap_or_default();
        let [real, _] = &mut self.machines;
        real.boot(&cells);
        real.state()
    }

    fn counter(&self, state: &State) -> u128 {
        let isa = self.isa();
        state.of_role(isa, |s| s.role == Role::P).next().map_or(0, |(.., v)| v)
    }

    /// The cells of a new PSW that loads M and R of a state, and P. Its form is found by taking a
    /// trap there and reading the old PSW, and then tried.
    fn vector(&self, state: &State, counter: u128) -> impl Iterator<Item = (u128, u128)> {
        let isa = self.isa();
        let mut state = state.clone();
        for bits in &self.layout.counter {
            if let Some(value) = state.registers.iter_mut().flatten().nth(bits.slot) {
                *value = *value & !u128::from(bits.mask) | counter & u128::from(bits.mask);
            }
        }
        let (old, new) = (isa.trap_cells.old.clone(), isa.trap_cells.new.clone());
        let taken = |before: &State| match take_trap(isa, TrapId(0), Some(0), before.clone()) {
            Outcome::Trap(_, after) => Some(after),
            Outcome::Step(_) | Outcome::Unpredictable | Outcome::Unknown => None,
        };
        let saved = taken(&state)
            .map(|after| new.zip(old).map(|(to, from)| (to, after.load(from))).collect::<Vec<_>>());
        let loads = |cells: &Vec<(u128, u128)>| {
            let mut blank = State::zero(isa, state.cells);
            blank.storage.extend(cells.iter().copied());
            let loaded = taken(&blank);
            loaded.is_some_and(|it| {
                isa.mode.is_some_and(|m| it.part(m) == state.part(m))
                    && model::map::window(isa, &it) == model::map::window(isa, &state)
                    && self.counter(&it) == counter
            })
        };
        saved.filter(loads).into_iter().flatten()
    }

    /// An instruction that halts the machine, tried where a program starts.
    fn halt(&mut self, start: &Start) -> Option<Decoded> {
        let isa = &Arc::clone(&self.layout).isa;
        isa.halted.as_ref()?;
        let all = (0..isa.classes.len()).flat_map(|class| choices(isa, class, 0, 8));
        all.into_iter().find(|it| {
            let mut program = start.program.clone();
            program.code.insert(start.place, it.clone());
            let ends = self.run(&program);
            ends.is_some_and(|[real, _]| real.halted && real.steps == 1)
        })
    }

    /// What may follow the instruction in question: a halt first, then everything else.
    fn observers(&mut self, start: &Start) -> Vec<Decoded> {
        let isa = &Arc::clone(&self.layout).isa;
        let halt = self.halt(start);
        let all = (0..isa.classes.len()).flat_map(|class| choices(isa, class, 0, 4));
        halt.into_iter().chain(all).collect()
    }
}

/// The state without M and R, which the control block holds.
fn seen(layout: &MachineLayout, mut state: State) -> State {
    for bits in &layout.control {
        if let Some(value) = state.registers.iter_mut().flatten().nth(bits.slot) {
            *value &= !u128::from(bits.mask);
        }
    }
    state
}

/// Instructions of a class: wide operands at `target`, which may be a jump's; then all operands 0,
/// and one after the other at other values.
fn choices(isa: &Isa, class: usize, target: u128, most: usize) -> Vec<Decoded> {
    let it = &isa.classes[class];
    // One run shows nothing where another may come out otherwise.
    if it.body.choices.iter().any(|choice| choice.arbitrary) {
        return Vec::new();
    }
    let base: Vec<u128> = it.operands.iter().map(|o| o.fixed.unwrap_or(0)).collect();
    let jump = |o: &model::isa::Operand| o.width >= bits_for(target) && o.width > 4;
    let aimed: Vec<u128> =
        it.operands.iter().map(|o| o.fixed.unwrap_or(if jump(o) { target } else { 0 })).collect();
    let mut all = vec![aimed, base.clone()];
    for (i, operand) in it.operands.iter().enumerate().filter(|(_, o)| o.fixed.is_none()) {
        let most = mask(operand.width);
        for value in [1, 2, most, most >> 1].map(|v| v & most) {
            let mut operands = base.clone();
            operands[i] = value;
            all.push(operands);
        }
    }
    let mut found: Vec<Decoded> = Vec::new();
    for operands in all {
        let decoded = refvmm::decode::encode(it, &operands).and_then(|word| {
            let width = it.pattern.as_ref().map_or(0, |p| p.width);
            decode_as(isa, class, word, width)
        });
        found.extend(decoded.filter(|d| !found.contains(d)));
    }
    found.truncate(most);
    found
}

//! Whether classes and traps of one name mean the same on two machines, for all states.
//!
//! **Statement.** Two machines mean the same by an instruction iff it belongs to the same operands on both, and
//! from every pair of states that agree in storage (of any size both can have) and in every component that both
//! machines have, and that the assumptions of both admit, both complete, or both raise the same trap with the same
//! argument, or neither does; and the states behind agree, too. A component that one machine alone has is arbitrary
//! before, and stays as it is. What is left open (`undefined`, `arbitrary`) has the same value on both machines, by
//! its order in the semantics. Where a component has another size the machines cannot be compared by what depends on
//! it. Trap sequences are compared by themselves, from every state and with every argument.
//!
//! **What a step shows.** One such state, executed on both machines by the interpreter.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::bits::bits_for;
use model::interp::{self, Outcome};
use model::isa::{Body, Class, Expr, Isa, Register as Component, RegisterId, TrapId};
use model::state::{Row, State as Concrete, number};
use rustc_hash::FxHashSet;
use serde::Serialize;

use crate::decide::{Query, Satisfiability, Shared, SolverConfig, decide};
use crate::definitions::Obligation;
use crate::prove::problem::{Problem, Run, Storage, any_cell};
use crate::prove::replay::{Played, play};
use crate::prove::witness::{concrete, instance, minimise, outcome_word};
use crate::symbolic::execute::{self, TrapExit};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::Evaluator;
use crate::symbolic::state::{Register, State};
use crate::symbolic::term::{Term, Terms};

/// How the meaning on the new machine compares to that on the old one.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "meaning", rename_all = "kebab-case")]
pub enum Meaning {
    /// It is the same in all states.
    Same,
    /// A state shows that it is not.
    Different {
        /// What happens to that state.
        step: Step,
    },
    /// Not settled.
    Undecided {
        /// Why.
        reason: String,
    },
    /// The machines have too little in common to compare.
    NotComparable {
        /// What is different.
        reason: String,
    },
}

/// A state, and what becomes of it on each machine.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The instruction with its operands, or the trap.
    pub instruction: String,
    /// What happens on the old machine, and on the new one.
    pub outcomes: [String; 2],
    /// Components and cells that are not zero or differ.
    pub rows: Vec<StepRow>,
}

/// A component in the state before, and behind the step on each machine; empty where a machine has none.
#[derive(Debug, Clone, Serialize)]
pub struct StepRow {
    /// The component or cell.
    pub name: String,
    /// Before.
    pub before: String,
    /// After the step on the old machine, and on the new one.
    pub after: [String; 2],
    /// The values after it are not the same; or it is changed, and one machine alone has it.
    pub differs: bool,
}

/// The two machines.
#[derive(Clone, Copy)]
pub(crate) struct Machines<'i> {
    pub(crate) old: &'i Isa,
    pub(crate) new: &'i Isa,
    pub(crate) config: SolverConfig,
}

impl<'i> Machines<'i> {
    /// Components of both, by name and size.
    fn common(self) -> Vec<(RegisterId, RegisterId)> {
        let same = |a: &Component, b: &Component| {
            (&a.name, a.width, a.count) == (&b.name, b.width, b.count)
        };
        let of_new = |register| self.new.register_ids().find(|(_, it)| same(register, it));
        let both = self.old.register_ids().filter_map(|(id, it)| Some((id, of_new(it)?.0)));
        both.collect()
    }

    /// Compares two classes of one name.
    pub(crate) fn class(self, old: &'i Class, new: &'i Class) -> Meaning {
        if let Some(reason) = self.apart(old, new) {
            return Meaning::NotComparable { reason };
        }
        let mut it = match Comparison::new(self, [old, new]) {
            Ok(it) => it,
            Err(reason) => return Meaning::NotComparable { reason },
        };
        let [a, b] = it.runs();
        let mut differ = it.steps_differ(&a, &b);
        for (run, new) in [(&a, false), (&b, true)] {
            let spoilt = it.alone_differ([&run.entry, &run.transition.after], new);
            let terms = &mut it.new.terms;
            let spoilt = terms.and(run.transition.completes, spoilt);
            differ = terms.or(differ, spoilt);
        }
        let unknown = it.new.terms.or(a.transition.unknown, b.transition.unknown);
        it.settle([a, b], differ, unknown, |it, evaluator, states| {
            let values = |evaluator: &mut Evaluator<'_>, terms: &[Term]| -> Vec<u128> {
                terms.iter().map(|t| evaluator.value(*t)).collect()
            };
            let mut side = |problem: &Problem<'_>, before: &Concrete| {
                let operands = values(evaluator, &problem.operands);
                let choices = values(evaluator, &problem.choices);
                let played = play(problem.isa, problem.class, &operands, &choices, before.clone());
                (operands, End::of(problem.isa, played))
            };
            let (operands, a) = side(&it.old, &states[0]);
            let (_, b) = side(&it.new, &states[1]);
            let names = old.operands.iter().map(|o| o.name.clone());
            let operands: Vec<(String, u128)> = names.zip(operands).collect();
            (instance(old, &operands), [a, b])
        })
    }

    /// Why two classes are not compared: they do not speak of the same instructions.
    fn apart(self, old: &Class, new: &Class) -> Option<String> {
        let operands = |class: &Class| {
            let all =
                class.operands.iter().map(|o| format!("{}: {}", o.name, super::bits(o.width)));
            all.collect::<BTreeSet<_>>()
        };
        let (was, is) = (operands(old), operands(new));
        if was != is {
            let all = |it: BTreeSet<String>| it.into_iter().collect::<Vec<_>>().join(", ");
            return Some(format!("the operands were ({}) and are ({})", all(was), all(is)));
        }
        if old.body.choices != new.body.choices {
            return Some("what is left open (`undefined`, `arbitrary`) is not the same".into());
        }
        let mut a = Problem::new(self.old, old, Terms::default());
        let mut b = Problem::new(self.new, new, std::mem::take(&mut a.terms));
        let shared: Vec<Term> = old.operands.iter().map(|o| b.terms.variable(o.width)).collect();
        let of = |name: &str| old.operands.iter().position(|o| o.name == name);
        b.operands = new.operands.iter().filter_map(|o| Some(shared[of(&o.name)?])).collect();
        a.operands.clone_from(&shared);
        let is = b.domain();
        std::mem::swap(&mut a.terms, &mut b.terms);
        let was = a.domain();
        let goal = a.terms.ne(was, is);
        let query = Query { premises: Vec::new(), goal };
        match decide(self.config, &mut a.terms, &query, None, &mut Shared::default()).0 {
            Satisfiability::Unsat => None,
            Satisfiability::Unknown(reason) => Some(reason),
            Satisfiability::Sat(model) => {
                let mut evaluator = Evaluator::new(&a.terms, &model);
                let values = old.operands.iter().zip(&shared);
                let values: Vec<String> = values
                    .map(|(o, t)| format!("{} = {}", o.name, number(evaluator.value(*t))))
                    .collect();
                let which = if evaluator.value(was) == 1 { "old" } else { "new" };
                let values = values.join(", ");
                Some(format!("with {values} it is this instruction on the {which} machine alone"))
            }
        }
    }

    /// Compares what opcodes do that no instruction lists; none where neither machine says anything.
    pub(crate) fn unlisted(self) -> Option<Meaning> {
        match (&self.old.unlisted, &self.new.unlisted) {
            (None, None) => None,
            (Some(was), Some(is)) => {
                let (old, new) = (unnamed(self.old, was)?, unnamed(self.new, is)?);
                Some(self.class(&old, &new))
            }
            _ => Some(Meaning::NotComparable { reason: "one machine alone says what".into() }),
        }
    }

    /// Compares what a reset makes of a state.
    pub(crate) fn reset(self) -> Option<Meaning> {
        let nothing = Body::default();
        let (old, new) = (unnamed(self.old, &nothing)?, unnamed(self.new, &nothing)?);
        let mut it = match Comparison::new(self, [&old, &new]) {
            Ok(it) => it,
            Err(reason) => return Some(Meaning::NotComparable { reason }),
        };
        let runs = it.at_rest();
        let ends = [(self.old, &runs[0]), (self.new, &runs[1])].map(|(isa, run)| {
            let facts = Facts::default();
            execute::run_plain(isa, &mut it.new.terms, &isa.reset, &run.entry, &facts)
        });
        let yes = it.new.terms.bool(true);
        let differ = it.states_differ([&ends[0], &ends[1]], yes);
        let unknown = it.new.terms.bool(false);
        Some(it.settle(runs, differ, unknown, |_, _, states| {
            let side = |isa: &Isa, before: &Concrete| End {
                words: "is reset".into(),
                trap: None,
                state: Some(interp::run_plain(&isa.reset, before)),
            };
            ("reset".into(), [side(self.old, &states[0]), side(self.new, &states[1])])
        }))
    }

    /// Compares when the machines have halted.
    pub(crate) fn halted(self) -> Option<Meaning> {
        let nothing = Body::default();
        let (old, new) = (unnamed(self.old, &nothing)?, unnamed(self.new, &nothing)?);
        let (Some(was), Some(is)) = (&self.old.halted, &self.new.halted) else {
            let reason = "one machine alone can halt".to_owned();
            let both = self.old.halted.is_none() && self.new.halted.is_none();
            return (!both).then_some(Meaning::NotComparable { reason });
        };
        let mut it = match Comparison::new(self, [&old, &new]) {
            Ok(it) => it,
            Err(reason) => return Some(Meaning::NotComparable { reason }),
        };
        let runs = it.at_rest();
        let terms = &mut it.new.terms;
        let a = execute::value(self.old, terms, was, &runs[0].entry, &[]);
        let b = execute::value(self.new, terms, is, &runs[1].entry, &[]);
        let (differ, unknown) = (terms.ne(a, b), terms.bool(false));
        Some(it.settle(runs, differ, unknown, |_, _, states| {
            let side = |halted: &Expr, before: &Concrete| {
                let words =
                    if interp::value(halted, before).is_true() { "has halted" } else { "runs" };
                End {
                    words: words.into(),
                    trap: Some((words.into(), 0)),
                    state: Some(before.clone()),
                }
            };
            ("halted".into(), [side(was, &states[0]), side(is, &states[1])])
        }))
    }

    /// Compares the sequences of a trap of both.
    pub(crate) fn trap(self, name: &str) -> Meaning {
        let find = |isa: &Isa| isa.traps.iter().position(|trap| trap.name == name);
        let nothing = Body::default();
        let (Some(a), Some(b), Some(old), Some(new)) = (
            find(self.old),
            find(self.new),
            unnamed(self.old, &nothing),
            unnamed(self.new, &nothing),
        ) else {
            return Meaning::NotComparable { reason: "there is no such trap".into() };
        };
        if self.old.trap_argument != self.new.trap_argument {
            return Meaning::NotComparable {
                reason: "arguments of traps have other widths".into(),
            };
        }
        let traps = [a, b].map(|index| TrapId(index as u32));
        let mut it = match Comparison::new(self, [&old, &new]) {
            Ok(it) => it,
            Err(reason) => return Meaning::NotComparable { reason },
        };
        let runs = it.at_rest();
        let width = self.old.trap_argument;
        let argument = (width > 0).then(|| it.new.terms.variable(width));
        let mut ends = Vec::new();
        for ((isa, trap), run) in [self.old, self.new].into_iter().zip(traps).zip(&runs) {
            let (before, when) = (run.entry.clone(), it.new.terms.bool(true));
            let exit = TrapExit { trap, when, argument, before };
            ends.push(execute::after_trap(isa, &mut it.new.terms, &exit, &Facts::default()));
        }
        let [(x, strange), (y, as_strange)] = &ends[..] else { unreachable!("two machines") };
        let terms = &mut it.new.terms;
        let either = terms.or(*strange, *as_strange);
        let defined = terms.not(either);
        let mut same = it.states_differ([x, y], defined);
        for (run, after, new) in [(&runs[0], x, false), (&runs[1], y, true)] {
            let spoilt = it.alone_differ([&run.entry, after], new);
            let terms = &mut it.new.terms;
            let spoilt = terms.and(defined, spoilt);
            same = terms.or(same, spoilt);
        }
        let terms = &mut it.new.terms;
        let differ = terms.ne(*strange, *as_strange);
        let differ = terms.or(differ, same);
        let unknown = terms.bool(false);
        it.settle(runs, differ, unknown, |_, evaluator, states| {
            let argument = argument.map(|term| evaluator.value(term));
            let side = |isa: &Isa, trap, before: &Concrete| {
                let outcome = interp::take_trap(isa, trap, argument, before.clone());
                End::of(isa, Played { before: before.clone(), outcome, raised: None })
            };
            let ends = [side(self.old, traps[0], &states[0]), side(self.new, traps[1], &states[1])];
            let with = argument.map_or(String::new(), |value| format!(" with {}", number(value)));
            (format!("trap {name}{with}"), ends)
        })
    }
}

/// A class of no operands that does something; none on a machine without instructions.
fn unnamed(isa: &Isa, body: &Body) -> Option<Class> {
    let (body, class) = (Arc::new(body.clone()), isa.classes.first()?.clone());
    let name = "an opcode that is not listed".to_owned();
    Some(Class { name, syntax: None, operands: Vec::new(), when: None, body, ..class })
}

/// How a step ends in the interpreter.
struct End {
    words: String,
    /// The trap it raises, with its argument.
    trap: Option<(String, u128)>,
    /// Behind it, or where the trap sequence starts; none where nothing is defined.
    state: Option<Concrete>,
}

impl End {
    fn of(isa: &Isa, played: Played) -> Self {
        let words = outcome_word(isa, &played.outcome);
        if let Some(raised) = played.raised {
            let name = isa.trap(raised.trap).name.clone();
            let argument = raised.argument.unwrap_or(0);
            let words = if isa.trap_argument > 0 {
                format!("traps ({name}, {})", number(argument))
            } else {
                format!("traps ({name})")
            };
            return Self { words, trap: Some((name, argument)), state: Some(raised.state) };
        }
        let state = match played.outcome {
            Outcome::Step(state) | Outcome::Trap(_, state) => Some(state),
            Outcome::Unpredictable | Outcome::Unknown => None,
        };
        Self { words, trap: None, state }
    }
}

/// A question about both machines.
struct Comparison<'i> {
    machines: Machines<'i>,
    common: Vec<(RegisterId, RegisterId)>,
    /// The old machine; its terms are those of `new`.
    old: Problem<'i>,
    new: Problem<'i>,
    entries: [State; 2],
    storage: Storage,
}

impl<'i> Comparison<'i> {
    /// Two states that agree in all that the machines have in common, or what keeps them apart.
    fn new(machines: Machines<'i>, classes: [&'i Class; 2]) -> Result<Self, String> {
        let sizes = |isa: &Isa| (isa.storage.width, isa.address_width());
        if sizes(machines.old) != sizes(machines.new) {
            return Err("storage has other cells".into());
        }
        let common = machines.common();
        let mut old = Problem::new(machines.old, classes[0], Terms::default());
        let first = old.fresh();
        let storage = Storage::Flat(old.array());
        let mut new = Problem::new(machines.new, classes[1], std::mem::take(&mut old.terms));
        let mut second = new.fresh();
        for (a, b) in &common {
            second.registers[b.index()] = first.registers[a.index()].clone();
        }
        let of_old = |name: &str| classes[0].operands.iter().position(|o| o.name == name);
        for (operand, term) in classes[1].operands.iter().zip(&mut new.operands) {
            if let (None, Some(index)) = (operand.fixed, of_old(&operand.name)) {
                *term = old.operands[index];
            }
        }
        for (term, known) in new.choices.iter_mut().zip(&old.choices) {
            if new.terms.width(*term) == new.terms.width(*known) {
                *term = *known;
            }
        }
        new.cells = old.cells;
        new.constrain();
        Ok(Self { machines, common, old, new, entries: [first, second], storage })
    }

    /// Asks the old machine's problem, with the terms of both.
    fn with_old<T>(&mut self, ask: impl FnOnce(&mut Problem<'i>) -> T) -> T {
        std::mem::swap(&mut self.old.terms, &mut self.new.terms);
        let answer = ask(&mut self.old);
        std::mem::swap(&mut self.old.terms, &mut self.new.terms);
        answer
    }

    /// Both classes, executed.
    fn runs(&mut self) -> [Run; 2] {
        let (storage, [first, second]) = (self.storage, self.entries.clone());
        [self.with_old(|old| old.run(first, storage)), self.new.run(second, storage)]
    }

    /// Both states, with nothing executed.
    fn at_rest(&mut self) -> [Run; 2] {
        let (storage, [first, second]) = (self.storage, self.entries.clone());
        let rest = |problem: &mut Problem<'i>, state: State| {
            let window = problem.window(&state);
            let state = problem.laid_out(state, storage);
            problem.at_rest(state, window)
        };
        [self.with_old(|old| rest(old, first)), rest(&mut self.new, second)]
    }

    /// One completes or raises a trap where the other does not, or they end differently.
    fn steps_differ(&mut self, a: &Run, b: &Run) -> Term {
        let [old, new] = [self.machines.old, self.machines.new];
        let (a, b) = (&a.transition, &b.transition);
        let terms = &mut self.new.terms;
        let both = terms.and(a.completes, b.completes);
        let mut all = vec![terms.ne(a.completes, b.completes)];
        all.push(self.states_differ([&a.after, &b.after], both));
        let names: BTreeSet<&str> =
            old.traps.iter().chain(&new.traps).map(|trap| trap.name.as_str()).collect();
        for name in names {
            let of = |isa: &'i Isa, exits: &[TrapExit]| -> Vec<TrapExit> {
                exits.iter().filter(|exit| isa.trap(exit.trap).name == name).cloned().collect()
            };
            let (x, y) = (of(old, &a.traps), of(new, &b.traps));
            let terms = &mut self.new.terms;
            let [raises, as_raises] =
                [&x, &y].map(|exits| terms.any(exits.iter().map(|exit| exit.when)));
            all.push(terms.ne(raises, as_raises));
            for (x, y) in x.iter().flat_map(|x| y.iter().map(move |y| (x, y))) {
                let terms = &mut self.new.terms;
                let both = terms.and(x.when, y.when);
                if terms.is_false(both) {
                    continue;
                }
                let width = old.trap_argument.max(new.trap_argument);
                if width > 0 {
                    let [x, y] = [x, y].map(|exit| match exit.argument {
                        Some(argument) => terms.zext(argument, width),
                        None => terms.constant(0, width),
                    });
                    let different = terms.ne(x, y);
                    all.push(terms.and(both, different));
                }
                all.push(self.states_differ([&x.before, &y.before], both));
            }
        }
        self.new.terms.any(all)
    }

    /// Components that the machines have not in common: those of the new machine, or of the old one.
    fn alone(&self, of_new: bool) -> Vec<RegisterId> {
        let isa = if of_new { self.machines.new } else { self.machines.old };
        let common =
            |id: &RegisterId| self.common.iter().any(|(a, b)| *id == if of_new { *b } else { *a });
        isa.register_ids().map(|(id, _)| id).filter(|id| !common(id)).collect()
    }

    /// What one machine alone has is not what it was before.
    fn alone_differ(&mut self, [before, after]: [&State; 2], of_new: bool) -> Term {
        let isa = if of_new { self.machines.new } else { self.machines.old };
        let alone = self.alone(of_new);
        let terms = &mut self.new.terms;
        let mut all = Vec::new();
        for id in alone {
            if before.registers[id.index()] != after.registers[id.index()] {
                let index = terms.variable(bits_for(u128::from(isa.register(id).len()) - 1));
                let [x, y] = [before, after].map(|it| it.element(terms, isa, id, index));
                all.push(terms.ne(x, y));
            }
        }
        terms.any(all)
    }

    /// A component on which a term depends that both machines have in another size.
    fn resized(&self, root: Term) -> Option<&'i str> {
        let [old, new] = [self.machines.old, self.machines.new];
        let mut variables = FxHashSet::default();
        self.new.terms.support(root, &mut variables);
        let arrays = self.new.terms.arrays_below(root);
        let reached = |entry: &State, id: RegisterId| match &entry.registers[id.index()] {
            Register::Single(t) => {
                let mut own = FxHashSet::default();
                self.new.terms.support(*t, &mut own);
                !own.is_disjoint(&variables)
            }
            Register::File(array, _) => arrays.contains(array),
        };
        let both = [(old, new, false), (new, old, true)];
        both.into_iter().zip(&self.entries).find_map(|((isa, other, of_new), entry)| {
            let twice = |id: &RegisterId| {
                let name = &isa.register(*id).name;
                other.registers.iter().any(|it| it.name == *name)
            };
            let all = self.alone(of_new).into_iter().filter(twice);
            let found = all.into_iter().find(|id| reached(entry, *id));
            found.map(|id| isa.register(id).name.as_str())
        })
    }

    /// Where a condition is true, the states differ in what the machines have in common.
    fn states_differ(&mut self, [a, b]: [&State; 2], when: Term) -> Term {
        let [old, new] = [self.machines.old, self.machines.new];
        let terms = &mut self.new.terms;
        let mut all = Vec::new();
        for (of_a, of_b) in &self.common {
            if a.registers[of_a.index()] == b.registers[of_b.index()] {
                continue;
            }
            let last = u128::from(old.register(*of_a).len()) - 1;
            let index = terms.variable(bits_for(last));
            let x = a.element(terms, old, *of_a, index);
            let y = b.element(terms, new, *of_b, index);
            all.push(terms.ne(x, y));
        }
        if !(a.writes.is_empty() && b.writes.is_empty()) {
            let cell = any_cell(old, terms);
            let facts = Facts::default();
            let [x, y] = [a, b].map(|state| state.load(terms, &facts, cell));
            all.push(terms.ne(x, y));
        }
        let differ = terms.any(all);
        terms.and(when, differ)
    }

    /// Settles a question; `play` executes the states of a model on both machines.
    fn settle(
        &mut self,
        [a, b]: [Run; 2],
        differ: Term,
        unknown: Term,
        play: impl Fn(&Self, &mut Evaluator<'_>, &[Concrete; 2]) -> (String, [End; 2]),
    ) -> Meaning {
        let mut premises = self.old.always.clone();
        premises.extend(&self.new.always);
        premises.extend(a.assumed.iter().chain(&b.assumed));
        let config = self.machines.config;
        let query = |goal| Query { premises: premises.clone(), goal };
        let mut shared = Shared::default();
        if let Some(name) = self.resized(differ) {
            return Meaning::NotComparable { reason: format!("`{name}` has another size") };
        }
        let terms = &mut self.new.terms;
        match decide(config, terms, &query(differ), None, &mut shared).0 {
            Satisfiability::Unsat => {
                let yes = terms.bool(true);
                if let Satisfiability::Unsat =
                    decide(config, terms, &query(yes), None, &mut shared).0
                {
                    let reason = "no state satisfies the assumptions of both".to_owned();
                    return Meaning::NotComparable { reason };
                }
                return match decide(config, terms, &query(unknown), None, &mut shared).0 {
                    Satisfiability::Unsat => Meaning::Same,
                    Satisfiability::Sat(_) | Satisfiability::Unknown(_) => Meaning::Undecided {
                        reason: "a specification leaves semantics unknown".into(),
                    },
                };
            }
            Satisfiability::Unknown(reason) => return Meaning::Undecided { reason },
            Satisfiability::Sat(_) => {}
        }
        let [first, second] = [&a.entry, &b.entry].map(Clone::clone);
        let unused = self.new.terms.bool(false);
        let asked =
            Obligation { query: query(differ), runs: vec![b], unknown: unused, first: None };
        let goals = minimise(&mut self.new, &asked);
        let terms = &mut self.new.terms;
        let model = match decide(config, terms, &asked.query, Some(&goals), &mut shared).0 {
            Satisfiability::Sat(model) => model,
            Satisfiability::Unsat | Satisfiability::Unknown(_) => {
                return Meaning::Undecided { reason: "no small state was found".into() };
            }
        };
        let mut evaluator = Evaluator::new(&self.new.terms, &model);
        let states = [
            concrete(self.machines.old, &mut evaluator, &model, &first),
            concrete(self.machines.new, &mut evaluator, &model, &second),
        ];
        let (instruction, ends) = play(self, &mut evaluator, &states);
        let arbitrary =
            |problem: &Problem<'_>| problem.class.body.choices.iter().any(|c| c.arbitrary);
        if arbitrary(&self.old) || arbitrary(&self.new) {
            let reason = "it may do something else each time (`arbitrary`), and is not the same with the same values";
            return Meaning::Undecided { reason: reason.into() };
        }
        if !self.ends_differ(&states, &ends) {
            return Meaning::Undecided {
                reason: "internal error: the state does not replay; please report this".into(),
            };
        }
        let rows = self.rows(&states, &ends);
        let outcomes = ends.map(|end| end.words);
        Meaning::Different { step: Step { instruction, outcomes, rows } }
    }

    fn ends_differ(&self, before: &[Concrete; 2], [a, b]: &[End; 2]) -> bool {
        match (&a.state, &b.state) {
            (Some(x), Some(y)) if a.trap == b.trap => {
                let same = |(i, j): &(RegisterId, RegisterId)| {
                    x.registers[i.index()] == y.registers[j.index()]
                };
                let kept = |of_new: bool, before: &Concrete, after: &Concrete| {
                    let mut alone = self.alone(of_new).into_iter();
                    alone.all(|id| before.registers[id.index()] == after.registers[id.index()])
                };
                !self.common.iter().all(same)
                    || x.storage != y.storage
                    || !kept(false, &before[0], x)
                    || !kept(true, &before[1], y)
            }
            (None, None) => false,
            _ => true,
        }
    }

    /// Whether the machines have other names for the values of a component.
    fn is_renamed(&self, row: &Row) -> bool {
        let [old, new] = [self.machines.old, self.machines.new];
        let component = row.name.split(['[', '.']).next().unwrap_or_default();
        self.common.iter().any(|(a, b)| {
            let (was, is) = (old.register(*a), new.register(*b));
            let fields = |it: &Component| it.fields.iter().map(|f| f.values.clone()).collect();
            let (before, after): (Vec<_>, Vec<_>) = (fields(was), fields(is));
            is.name == component && (was.values != is.values || before != after)
        })
    }

    /// The state before and behind the step, by component: those of the new machine, then those that are gone.
    fn rows(&self, states: &[Concrete; 2], ends: &[End; 2]) -> Vec<StepRow> {
        let [old, new] = [self.machines.old, self.machines.new];
        // What the old machine comes to, as a state of the new one.
        let of_new = |state: &Concrete| {
            let mut all = states[1].clone();
            for (a, b) in &self.common {
                all.registers[b.index()].clone_from(&state.registers[a.index()]);
            }
            Concrete { storage: state.storage.clone(), ..all }
        };
        let reached = |i: usize| ends[i].state.as_ref().unwrap_or(&states[i]);
        let rows = Concrete::table(new, &[&states[1], &of_new(reached(0)), reached(1)]);
        let gone = Concrete::table(old, &[&states[0], reached(0)]);
        let named = |row: &Row, isa: &Isa, id: fn(&(RegisterId, RegisterId)) -> RegisterId| {
            let of = |(register, _): &(RegisterId, &Component)| {
                !self.common.iter().any(|pair| id(pair) == *register)
            };
            let name = row.name.split(['[', '.']).next().unwrap_or_default();
            isa.register_ids().filter(of).any(|(_, register)| register.name == name)
        };
        let shown = |has: bool, i: usize, text: String| {
            if has && ends[i].state.is_some() { text } else { String::new() }
        };
        let cells = number(states[0].cells);
        let after = [cells.clone(), cells.clone()];
        let mut all = vec![StepRow { name: "cells".into(), before: cells, after, differs: false }];
        for mut row in rows {
            // A name that stands for another value on the old machine would mislead.
            if self.is_renamed(&row) {
                row.names.clear();
            }
            let both = !named(&row, new, |pair| pair.1);
            let after = [shown(both, 0, row.text(1)), shown(true, 1, row.text(2))];
            let changed = row.text(0) != row.text(2);
            let differs = if both { after[0] != after[1] } else { changed };
            all.push(StepRow { before: row.text(0), name: row.name, after, differs });
        }
        for row in gone.into_iter().filter(|row| named(row, old, |pair| pair.0)) {
            let after = [shown(true, 0, row.text(1)), String::new()];
            let differs = row.text(0) != row.text(1);
            all.push(StepRow { before: row.text(0), name: row.name, after, differs });
        }
        all
    }
}

//! Theorems 1 and 3: the set inclusion, and whether a monitor can be built under the standard map.
//!
//! A monitor chooses its own bits, for all guests: values of its components of kind resource and
//! trap-vector. *Refuted*: under each choice some guest's square breaks. *Holds*: under some choice no
//! square breaks and all traps lead to the monitor; and every instruction is confined, guests do not break
//! assumptions unseen, images are admitted, and the dispatcher finds its guest behind each trap.

use std::collections::BTreeSet;

use model::interp;
use model::isa::{
    Class, Expr, ExprKind, Fetch, Isa, Kind, Pair, Part, Premise, Profile, RegisterId, Role, Slice,
    Stmt, TrapId, Verdict,
};
use model::state::State;
use model::theorem::Theorem;

use super::square::Square;
use super::two::{Sharing, Two};
use super::world::{
    Asked, Case, World, commits, is_chosen, read_by_traps, registers_read, registers_written,
};
use super::{Findings, Judge, Privileged, Squares, cases, either, entry, sizes, virtual_modes};

/// Bits of the monitor's own, and the values it keeps them at.
pub type Kept = Vec<(Part, u128)>;

/// Which traps lead to the monitor under no choice of what belongs to it.
pub fn strays(isa: &Isa, pair: &Pair, kept: &[(Part, u128)]) -> Vec<TrapId> {
    let all = (0..isa.traps.len()).map(|i| TrapId(i as u32));
    all.filter(|trap| !lead(isa, pair, &[*trap], kept)).collect()
}

/// Which traps lead to no one place of the monitor's, whatever is fetched there.
pub fn astray(isa: &Isa, pair: &Pair) -> Vec<TrapId> {
    let lead = |trap| {
        let question = |case: &Case<'_>| !entry::lead(case, &sizes(isa), &[trap], &[], false);
        !of_traps(isa, pair, &question)
    };
    (0..isa.traps.len()).map(|i| TrapId(i as u32)).filter(|trap| !lead(*trap)).collect()
}

/// Whether traps all lead to the monitor under one choice.
fn lead(isa: &Isa, pair: &Pair, traps: &[TrapId], kept: &[(Part, u128)]) -> bool {
    !of_traps(isa, pair, &|case| !entry::lead(case, &sizes(isa), traps, kept, true))
}

/// The same where some of the monitor's cells are known.
pub(super) fn lead_with(
    isa: &Isa,
    pair: &Pair,
    traps: &[TrapId],
    kept: &[(Part, u128)],
    known: &World,
) -> bool {
    let sizes = sizes(isa);
    !of_traps(isa, pair, &|case| !entry::lead_from(case, &sizes, (traps, kept), true, known))
}

/// Asks about trap sequences.
fn of_traps(isa: &Isa, pair: &Pair, question: &dyn Fn(&Case<'_>) -> bool) -> bool {
    let cases = isa.classes.first().map(|class| cases(isa, class, pair, &[]));
    cases.as_ref().and_then(|all| all.first()).is_some_and(question)
}

fn is_mapping(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
}

/// Whether statements raise a trap.
fn raises(statements: &[Stmt], trap: TrapId) -> bool {
    statements.iter().any(|statement| match statement {
        Stmt::Trap(id, _) => *id == trap,
        Stmt::If(_, yes, no) => raises(yes, trap) || raises(no, trap),
        Stmt::Block(inner) => raises(inner, trap),
        _ => false,
    })
}

/// Adds the arguments with which statements raise a trap.
fn arguments_of(statements: &[Stmt], trap: TrapId, all: &mut Vec<Expr>) {
    for statement in statements {
        match statement {
            Stmt::Trap(id, argument) if *id == trap => {
                let none = Expr { width: 1, kind: ExprKind::Const(0) };
                all.push(argument.clone().unwrap_or(none));
            }
            Stmt::If(_, yes, no) => {
                arguments_of(yes, trap, all);
                arguments_of(no, trap, all);
            }
            Stmt::Block(inner) => arguments_of(inner, trap, all),
            _ => {}
        }
    }
}

/// Theorem 1 or 3 for one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the set inclusion holds.
    pub premise: Premise,
    /// Whether the monitor can be built under the standard map.
    pub verdict: Verdict,
    /// The classes that break the premise, by index.
    pub offending: Vec<usize>,
    /// The classes whose square does not commute, by index.
    pub refuting: Vec<usize>,
    /// What stands in the way of *holds*, in a word each.
    pub obstacles: Vec<&'static str>,
    /// The assumptions that guests can break, or a reset does: the verdict holds while they are true.
    pub watched: Vec<usize>,
}

/// A machine, one pair, a profile, and what the definitions say about its classes.
pub struct Judged<'c> {
    /// The machine.
    pub isa: &'c Isa,
    /// The pair.
    pub pair: &'c Pair,
    /// The profile.
    pub profile: Profile,
    /// The traps that lead to no monitor.
    pub strays: &'c [TrapId],
    /// By class.
    pub all: &'c [Findings],
    /// What a reset fixes for good: see [`super::fixed`].
    pub fixed: Kept,
}

impl Judged<'_> {
    fn squares<'s>(&'s self, strays: &'s [TrapId], kept: &'s [(Part, u128)]) -> Squares<'s> {
        Squares { isa: self.isa, pair: self.pair, profile: self.profile, strays, kept }
    }

    /// The virtual modes whose code runs directly.
    fn modes(&self, theorem: Theorem) -> Vec<u128> {
        let [supervisor, user, others] = virtual_modes(self.isa, self.pair);
        if theorem.is_hybrid() { user } else { [supervisor, user, others].concat() }
    }

    /// Theorem 1 or 3.
    pub fn theorem(&self, theorem: Theorem) -> Judgement {
        let sensitive =
            |f: &Findings| if theorem.is_hybrid() { f.user_sensitive() } else { f.sensitive() };
        let indices = |wanted: &dyn Fn(&Findings) -> bool| -> Vec<usize> {
            (0..self.all.len()).filter(|i| wanted(&self.all[*i])).collect()
        };
        let offending = indices(&|f| sensitive(f) && f.privileged == Privileged::No);
        let refuting = indices(&|f| {
            let [supervisor, user, other] = f.square_breaks;
            user || !theorem.is_hybrid() && (supervisor || other)
        });
        let premise = if self.all.iter().all(|f| f.privileged == Privileged::Vacuous) {
            Premise::Vacuous
        } else if offending.is_empty() {
            Premise::Holds
        } else {
            Premise::Fails
        };
        let choices = self.choices(theorem, refuting.is_empty());
        let watched = self.watched();
        let mut obstacles = Vec::new();
        let verdict = if premise == Premise::Vacuous || self.has_no_guests(theorem) {
            Verdict::Vacuous
        } else if choices.is_empty() && self.places(theorem, &refuting) {
            Verdict::Refuted
        } else if choices.is_empty() {
            Verdict::Undecided
        } else {
            obstacles = self.obstacles(theorem, &choices);
            if obstacles.is_empty() { Verdict::Holds } else { Verdict::Undecided }
        };
        Judgement { premise, verdict, offending, refuting, obstacles, watched }
    }

    /// Whether f places all guests in their partitions, or one whose square breaks.
    fn places(&self, theorem: Theorem, refuting: &[usize]) -> bool {
        let (modes, squares) = (self.modes(theorem), self.squares(self.strays, &[]));
        let any = |class: &Class, question: &dyn Fn(&Square<'_>, &World) -> Asked<bool>| {
            squares.any(class, &modes, false, question)
        };
        let breaks = |square: &Square<'_>, world: &World| {
            Ok(square.breaks(world)? && !square.is_misplaced(world)?)
        };
        !self.misplaces(theorem)
            || refuting.iter().any(|class| any(&self.isa.classes[*class], &breaks))
    }

    /// Whether f places some guest elsewhere than in its partition.
    fn misplaces(&self, theorem: Theorem) -> bool {
        let (modes, squares) = (self.modes(theorem), self.squares(self.strays, &[]));
        self.isa.classes.first().is_some_and(|class| {
            squares.any(class, &modes, false, &|square, world| square.is_misplaced(world))
        })
    }

    /// All values of all bits that are the monitor's choice.
    fn assignments(&self) -> Vec<Kept> {
        let mut all = vec![Kept::new()];
        for (id, register) in self.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in register.slices.iter().filter(|s| is_chosen(s)) {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let with = |kept: &Kept| -> Vec<Kept> {
                    let values = 0..1u128 << slice.width;
                    values.map(|v| [kept.as_slice(), &[(part, v)]].concat()).collect()
                };
                all = all.iter().flat_map(with).collect();
            }
        }
        all
    }

    /// The choices under which no square breaks, and of these, if there are any, those under which every
    /// class is confined; the empty one if none has to be made.
    fn choices(&self, theorem: Theorem, any: bool) -> Vec<Kept> {
        let confined = !self.all.iter().any(|f| f.unconfined);
        if any && confined {
            return vec![Kept::new()];
        }
        let works = |kept: &Kept| {
            let strays = strays(self.isa, self.pair, kept);
            self.commutes(theorem, kept, &strays) && self.has_images(theorem, kept)
        };
        let works: Vec<Kept> = self.assignments().into_iter().filter(works).collect();
        let confining: Vec<Kept> =
            works.iter().filter(|kept| self.confines(kept)).cloned().collect();
        match confining.is_empty() {
            false => confining,
            true if any => vec![Kept::new()],
            true => works,
        }
    }

    /// Whether every class is confined under bits that are kept.
    fn confines(&self, kept: &[(Part, u128)]) -> bool {
        let of = |(class, found): (&Class, &Findings)| {
            found.unconfined && super::unconfined(self.isa, class, self.pair, self.strays, kept)
        };
        !self.isa.classes.iter().zip(self.all).any(of)
    }

    /// Whether no square breaks under bits that are kept.
    fn commutes(&self, theorem: Theorem, kept: &[(Part, u128)], strays: &[TrapId]) -> bool {
        let squares = self.squares(strays, kept);
        let modes = self.modes(theorem);
        let breaks =
            |class| squares.any(class, &modes, false, &|square, world| square.breaks(world));
        !self.isa.classes.iter().any(breaks)
    }

    /// Whether no square breaks and all are confined under the bits that a report says are kept.
    pub fn is_right_keeping(&self, theorem: Theorem, kept: &[(Part, u128)]) -> bool {
        self.commutes(theorem, kept, &strays(self.isa, self.pair, kept)) && self.confines(kept)
    }

    /// Whether there are guests with a window and an image in each virtual mode of the pair.
    fn has_images(&self, theorem: Theorem, kept: &[(Part, u128)]) -> bool {
        let Some(class) = self.isa.classes.first() else { return true };
        let squares = self.squares(self.strays, kept);
        let [supervisor, user, _] = virtual_modes(self.isa, self.pair);
        let exists = |modes: &[u128]| {
            squares.any(class, modes, false, &|square, world| square.has_room(world))
        };
        exists(&user) && (theorem.is_hybrid() || exists(&supervisor))
    }

    fn has_no_guests(&self, theorem: Theorem) -> bool {
        !self.has_images(theorem, &[])
    }

    fn obstacles(&self, theorem: Theorem, choices: &[Kept]) -> Vec<&'static str> {
        let modes = self.modes(theorem);
        let squares = self.squares(self.strays, &[]);
        let (isa, pair) = (self.isa, self.pair);
        let assumptions = || 0..isa.assumptions.len();
        let visible =
            |f: &Findings| f.trap_visible[1] || !theorem.is_hybrid() && either(f.trap_visible);
        let entering = self.entering();
        let classes = || isa.classes.iter().zip(self.all);
        let unseen = |index: usize| {
            classes().filter(|(_, f)| f.privileged != Privileged::Yes).any(|(class, _)| {
                squares.any(class, &modes, false, &|square, world| square.leaves(index, world))
            })
        };
        // What a specification says of the monitor's components restricts its choice.
        let shared = |index: &usize| {
            let read = registers_read(&isa.assumptions[*index].that);
            !read.iter().any(|id| isa.register(*id).slices.iter().any(super::is_resource))
        };
        let without_image = |index: usize| {
            isa.classes.first().is_some_and(|class| {
                squares.any(class, &modes, true, &|square, world| square.has_image(index, world))
            })
        };
        let lost = |class| squares.any(class, &modes, false, &|square, world| square.loses(world));
        let fetches_else = |fetch: &Fetch| {
            isa.classes.first().is_some_and(|class| {
                squares
                    .any(class, &modes, false, &|square, world| square.fetches_else(fetch, world))
            })
        };
        let found = [
            ("unconfined", !choices.iter().any(|kept| self.confines(kept))),
            ("trap-visible", self.all.iter().any(visible)),
            ("stray", !self.strays.is_empty()),
            ("apart", !choices.iter().any(|kept| lead(isa, pair, &entering, kept))),
            ("assumption", assumptions().any(unseen)),
            ("image", assumptions().filter(shared).any(without_image)),
            // A trap takes back what is not committed.
            ("lost", isa.classes.iter().filter(|c| commits(&c.body.statements)).any(lost)),
            ("counter", self.loses(&entering, &|s| s.role == Role::P)),
            ("mapping", self.moves() && self.loses(&entering, &is_mapping)),
            ("argument", entering.iter().any(|trap| self.loses_argument(*trap))),
            ("misplaced", self.misplaces(theorem)),
            ("fetch", isa.all_fetches.iter().any(fetches_else)),
            ("launch", !self.launches_under(theorem, &entering, choices)),
        ];
        found.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
    }

    /// Whether a trap makes one state of two that differ in some of what is the guest's.
    fn loses(&self, traps: &[TrapId], chosen: &dyn Fn(&Slice) -> bool) -> bool {
        let isa = self.isa;
        let needs = self.needs();
        of_traps(isa, self.pair, &|case| entry::loses(case, &sizes(isa), (traps, &needs), chosen))
    }

    /// Whether traps that lead to the monitor lose part of E.
    pub fn loses_registers(&self) -> bool {
        self.loses(&self.entering(), &|s| s.role == Role::E)
    }

    /// The traps that lead to the monitor.
    pub(super) fn entering(&self) -> Vec<TrapId> {
        let all = (0..self.isa.traps.len()).map(|i| TrapId(i as u32));
        all.filter(|trap| !self.strays.contains(trap)).collect()
    }

    /// Whether the argument of a trap is lost that may have to be reflected from what is found.
    fn loses_argument(&self, trap: TrapId) -> bool {
        let isa = self.isa;
        let raises = |class: &&Class| raises(&class.body.statements, trap);
        let mut values = Vec::new();
        for class in &isa.classes {
            arguments_of(&class.body.statements, trap, &mut values);
        }
        for fetch in &isa.all_fetches {
            arguments_of(&fetch.body.statements, trap, &mut values);
        }
        isa.unlisted.iter().for_each(|it| arguments_of(&it.statements, trap, &mut values));
        // One that is always the same is known.
        let constant = |e: &Expr| matches!(e.kind, ExprKind::Const(_));
        let known = values.iter().all(|e| constant(e) && e.kind == values[0].kind);
        !known
            && isa.trap_argument > 0
            && isa.classes.iter().filter(raises).any(|class| commits(&class.body.statements))
            && of_traps(isa, self.pair, &|case| {
                let modes = self.modes(Theorem::Vmm);
                entry::loses_argument(case, &sizes(isa), &modes, (trap, &self.needs()))
            })
    }

    /// Whether the step of some class that writes one of these registers, if any are given, from a mode, answers a question with
    /// yes.
    fn some_step(
        &self,
        writes: &[Option<Part>],
        mode: u128,
        question: &dyn Fn(&Two<'_>, &World) -> Asked<bool>,
    ) -> bool {
        self.steps(true, writes, mode, question)
    }

    /// The same, where classes that leave something open may be among them: a monitor does not rely on these.
    fn steps(
        &self,
        open: bool,
        writes: &[Option<Part>],
        mode: u128,
        question: &dyn Fn(&Two<'_>, &World) -> Asked<bool>,
    ) -> bool {
        let ids: Vec<RegisterId> = writes.iter().flatten().map(|part| part.register).collect();
        let may = |class: &&Class| {
            let written = registers_written(&class.body.statements);
            (open || class.body.choices.is_empty())
                && (ids.is_empty() || ids.iter().any(|id| written.contains(id)))
        };
        self.isa.classes.iter().filter(may).any(|class| {
            let judge = Judge {
                cases: cases(self.isa, class, self.pair, self.strays),
                sizes: sizes(self.isa),
                modes: [0; 2],
                literal: false,
            };
            judge.ask([mode, mode], None, Sharing::Cells, question)
        })
    }

    /// Whether some instruction changes the mapping in user mode.
    fn moves(&self) -> bool {
        let mapping = [self.isa.relocation, self.isa.bounds];
        self.some_step(&mapping, self.pair.user.1, &|two, world| two.moves(world))
    }

    /// Whether some step enters user mode with bits kept, and ends as wanted in these registers.
    fn enters(
        &self,
        kept: &[(Part, u128)],
        placed: bool,
        (register, index): (RegisterId, u32),
        wanted: &dyn Fn(&State) -> bool,
    ) -> bool {
        let isa = self.isa;
        let mapping = [(isa.relocation, isa.trap_cells.end().max(1)), (isa.bounds, 1)];
        let mapping = mapping.map(|(part, least)| part.map(|part| (part, least)));
        let parts = kept.iter().map(|(part, _)| part.register);
        let parts = parts.chain(mapping.iter().flatten().map(|(part, _)| part.register));
        let parts = parts.chain(self.fixed.iter().map(|(part, _)| part.register));
        let mut halting = BTreeSet::new();
        isa.halted.iter().for_each(|halted| halted.registers(&mut halting));
        // Where traps lead is decided by what the sequences read.
        let vectors = self.vectors();
        let parts = parts.chain(halting).chain(vectors.iter().map(|part| part.register));
        let parts = parts.chain(registers_written(&self.pair.deprivilege.statements));
        let registers: Vec<_> = parts.map(|id| (id, 0)).chain([(register, index)]).collect();
        let entering = self.entering();
        // What the architecture leaves open is not to be relied on.
        self.steps(false, &[isa.mode], self.pair.supervisor.1, &|two, world| {
            let started = |before: &State, after: &State| {
                let has = |state: &State, kept: &[(Part, u128)]| {
                    kept.iter().all(|(p, v)| state.part(*p) == *v)
                };
                let there = isa.mode.is_none_or(|mode| after.part(mode) == self.pair.user.1);
                let beyond =
                    mapping.iter().flatten().all(|(part, least)| after.part(*part) >= *least);
                let on = isa.halted.as_ref().is_none_or(|it| !interp::value(it, after).is_true());
                let at: Kept = vectors.iter().map(|part| (*part, after.part(*part))).collect();
                let image = interp::run_plain(&self.pair.deprivilege, after);
                has(before, kept)
                    && has(after, kept)
                    && image.registers == after.registers
                    && has(before, &self.fixed)
                    && there
                    && (!placed || beyond)
                    && wanted(after)
                    && on
                    && (at.is_empty() || lead(isa, self.pair, &entering, &at))
            };
            two.launches(&registers, &started, world)
        })
    }

    /// The components of the monitor's that the sequences of traps and the address function read.
    pub(super) fn vectors(&self) -> Vec<Part> {
        let mut read = read_by_traps(self.isa);
        self.isa.halted.iter().for_each(|halted| {
            let mut halting = BTreeSet::new();
            halted.registers(&mut halting);
            read.retain(|id| !halting.contains(id));
        });
        let mut all = Vec::new();
        for (id, register) in
            self.isa.register_ids().filter(|(id, r)| r.count.is_none() && read.contains(id))
        {
            for slice in register.slices.iter().filter(|s| is_chosen(s)) {
                all.push(Part { register: id, low: slice.low, width: slice.width });
            }
        }
        all
    }

    /// The chosen components of which a guest has lost something when it goes on, as register and index: some bit
    /// never has a value behind the step that starts it, though some step gives it that value.
    pub fn unresumed(
        &self,
        kept: &[(Part, u128)],
        chosen: &dyn Fn(&Slice) -> bool,
    ) -> BTreeSet<(RegisterId, u32)> {
        let (isa, pair) = (self.isa, self.pair);
        let mut lost = BTreeSet::new();
        for (id, register) in isa.register_ids() {
            let slices = register.slices.iter().filter(|s| chosen(s));
            let bits = slices.flat_map(|s| s.low..s.low + s.width);
            for (bit, index) in bits.flat_map(|bit| (0..register.len()).map(move |i| (bit, i))) {
                for value in [0, 1] {
                    let has =
                        |state: &State| state.element(id, u128::from(index)) >> bit & 1 == value;
                    let written = Some(Part { register: id, low: bit, width: 1 });
                    // P moves on without a statement.
                    let counter = register.slices.iter().any(|s| s.role == Role::P && chosen(s));
                    let written = written.filter(|_| !counter);
                    let gives = |mode| {
                        self.steps(false, &[written], mode, &|two, world| {
                            let given = |before: &State, after: &State| !has(before) && has(after);
                            two.leads_to(&[(id, index)], &given, world)
                        })
                    };
                    if !self.enters(kept, false, (id, index), &has)
                        && [pair.supervisor.1, pair.user.1].into_iter().any(gives)
                    {
                        lost.insert((id, index));
                    }
                }
            }
        }
        lost
    }

    /// Whether an instruction is known that enters user mode at all.
    pub fn starts(&self) -> bool {
        let supervisor = self.pair.supervisor.1;
        self.steps(false, &[self.isa.mode], supervisor, &|two, world| {
            let there = |_: &State, after: &State| {
                self.isa.mode.is_none_or(|mode| after.part(mode) == self.pair.user.1)
            };
            two.leads_to(&[], &there, world)
        })
    }

    /// Whether a guest can be started with bits kept, beyond the monitor's own cells and where it was, and the bits can
    /// be had in some order.
    pub fn launches(&self, kept: &[(Part, u128)]) -> bool {
        let supervisor = self.pair.supervisor.1;
        let any = (RegisterId(0), 0);
        // A machine of which no instruction is known that enters user mode may be a fragment.
        let started = !self.starts()
            || self.enters(kept, true, any, &|_| true)
                && self.unresumed(kept, &|s| s.role == Role::P || is_mapping(s)).is_empty();
        let reset =
            interp::run_plain(&self.isa.reset, &State::zero(self.isa, self.isa.storage.cells));
        let stays = |bits: &(Part, u128)| {
            let entering = self.entering();
            let changes =
                |case: &Case<'_>| entry::changes(case, &sizes(self.isa), &entering, *bits);
            reset.part(bits.0) == bits.1 && !of_traps(self.isa, self.pair, &changes)
        };
        let sets = |held: u32, index: usize| {
            let (part, value) = kept[index];
            let held: Kept =
                (0..kept.len()).filter(|i| held >> i & 1 == 1).map(|i| kept[i]).collect();
            let registers: Vec<_> =
                held.iter().map(|(p, _)| (p.register, 0)).chain([(part.register, 0)]).collect();
            self.steps(false, &[Some(part)], supervisor, &|two, world| {
                let given = |before: &State, after: &State| {
                    let has = |state: &State| held.iter().all(|(p, v)| state.part(*p) == *v);
                    before.part(part) != value
                        && after.part(part) == value
                        && has(before)
                        && has(after)
                };
                two.leads_to(&registers, &given, world)
            })
        };
        // Sets of bits that have their values, reached one bit after the other.
        let first = (0..kept.len()).filter(|i| stays(&kept[*i])).fold(0u32, |set, i| set | 1 << i);
        let (mut reached, mut next) = (BTreeSet::from([first]), vec![first]);
        while let Some(set) = next.pop() {
            for index in (0..kept.len()).filter(|i| set >> i & 1 == 0) {
                let more = set | 1 << index;
                if !reached.contains(&more) && sets(set, index) {
                    reached.insert(more);
                    next.push(more);
                }
            }
        }
        started && reached.contains(&((1u32 << kept.len()) - 1))
    }

    /// Whether a guest can be started under one of the choices, with no more of its bits kept than squares and
    /// traps take.
    fn launches_under(&self, theorem: Theorem, entering: &[TrapId], choices: &[Kept]) -> bool {
        let needs = self.needs();
        let mut tried = BTreeSet::new();
        choices.iter().any(|all| {
            (0..1u32 << all.len()).any(|set| {
                let within =
                    |(i, bits): (usize, &(Part, u128))| (set >> i & 1 == 1).then_some(*bits);
                let mut kept: Kept = all.iter().enumerate().filter_map(within).collect();
                let missing = |bits: &&(Part, u128)| !kept.contains(bits);
                let missing: Kept = needs.iter().filter(missing).copied().collect();
                kept.extend(missing);
                let key: Vec<_> =
                    kept.iter().map(|(p, v)| (p.register, p.low, p.width, *v)).collect();
                tried.insert(key)
                    && self.launches(&kept)
                    && (kept.is_empty() || lead(self.isa, self.pair, entering, &kept))
                    && (all.is_empty() || self.is_right_keeping(theorem, &kept))
            })
        })
    }

    /// Bits that each choice has at one value that leads all traps to the monitor which can be led there. That
    /// a machine has not halted goes without saying.
    pub fn needs(&self) -> Kept {
        let entering = self.entering();
        let mut halting = BTreeSet::new();
        self.isa.halted.iter().for_each(|halted| halted.registers(&mut halting));
        let mut needs = Kept::new();
        let registers = self.isa.register_ids().filter(|(_, r)| r.count.is_none());
        for (id, register) in registers.filter(|(id, _)| !halting.contains(id)) {
            for slice in register.slices.iter().filter(|s| is_chosen(s)) {
                for low in slice.low..slice.low + slice.width {
                    let part = Part { register: id, low, width: 1 };
                    let leads =
                        [0, 1].map(|bit| lead(self.isa, self.pair, &entering, &[(part, bit)]));
                    match leads {
                        [true, false] => needs.push((part, 0)),
                        [false, true] => needs.push((part, 1)),
                        _ => {}
                    }
                }
            }
        }
        needs
    }

    /// The assumptions that some step or trap sequence, in any virtual mode, makes false, or a reset.
    fn watched(&self) -> Vec<usize> {
        let isa = self.isa;
        let broken = |index: &usize| {
            let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
            let that = &isa.assumptions[*index].that;
            if !isa.reset.statements.is_empty() && !interp::value(that, &reset).is_true() {
                return true;
            }
            isa.classes.iter().any(|class| {
                let judge = Judge {
                    cases: cases(isa, class, self.pair, self.strays),
                    sizes: sizes(isa),
                    modes: [0; 2],
                    literal: false,
                };
                self.modes(Theorem::Vmm).into_iter().any(|mode| {
                    judge.ask([mode, mode], None, Sharing::Cells, &|two, world| {
                        two.leaves(*index, world)
                    })
                })
            })
        };
        (0..isa.assumptions.len()).filter(broken).collect()
    }
}

//! An oracle for small worlds: every definition, decided by looking at all states.
//!
//! It shares no code with the analyzer. It has the interpreter, which says what an instruction does
//! to a state, the map f as data, and the text of the definitions (P&G sections 3 and 4).
//!
//! **How all states are looked at.** A question is an ordinary function on states of which only
//! some values are chosen, a `World`. The interpreter tells which places an instruction reads and
//! writes. As soon as the answer needs a value that the world lacks, the question stops and names
//! it, and `exists` asks again with every value it can have. So no state is left out, and states
//! that differ only in places the instruction never touches are looked at once.
//!
//! **What two states share** is one value of the world: the window E|r by virtual address, and the
//! components that the definition wants equal. What the definition leaves free has an owner.

mod entry;
mod fixed;
mod handover;
mod save;
mod square;
mod theorem;
mod two;
mod world;

use model::bits::mask;
use model::interp::{Outcome, operand_condition};
use model::isa::{Class, Isa, Kind, Pair, Part, Profile, Role, Slice, TrapId};
use model::map::{Partition, VmMap};

pub use fixed::fixed;
pub use save::unsaved;
pub use theorem::{Judged, Judgement, Kept, astray, strays};

use square::Square;
use two::{Sharing, Two, Varied, completes, traps};
use world::{Asked, Case, World, exists, is_resource, trap_written};

/// Whether a class is privileged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileged {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// No pair of states is within the definition's premise.
    Vacuous,
}

/// A property in supervisor mode and in user mode.
pub type PerMode = [bool; 2];

/// Everything the definitions say about one class, one pair, in one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the properties of the definitions, by name")]
#[expect(clippy::struct_excessive_bools, reason = "each property is there or not")]
pub struct Findings {
    pub profile: Profile,
    pub privileged: Privileged,
    pub control_sensitive: PerMode,
    pub location_sensitive: PerMode,
    pub mode_sensitive: bool,
    /// The general case: relocation and mode differ.
    pub both_sensitive: bool,
    pub resource_sensitive: PerMode,
    pub extent_sensitive: PerMode,
    pub time_sensitive: PerMode,
    pub trap_masked: bool,
    pub trap_visible: PerMode,
    /// In user mode it reaches past its window, or writes what belongs to the monitor.
    pub unconfined: bool,
    /// The square breaks for a guest in supervisor mode, in user mode, in another mode.
    pub square_breaks: [bool; 3],
}

fn either(both: PerMode) -> bool {
    both[0] || both[1]
}

impl Findings {
    /// There are x, S1, S2 …: the general definition of behaviour sensitivity.
    pub fn behaviour_sensitive(&self) -> bool {
        either(self.location_sensitive) || self.mode_sensitive || self.both_sensitive
    }

    /// Control or behaviour sensitive, or in a class that the profile adds.
    pub fn sensitive(&self) -> bool {
        either(self.control_sensitive)
            || self.behaviour_sensitive()
            || either(self.resource_sensitive)
            || either(self.extent_sensitive)
            || self.trap_masked
            || either(self.trap_visible)
            || self.profile == Profile::Extended && either(self.time_sensitive)
    }

    /// The same with all states in user mode; mode sensitivity is no part of it.
    pub fn user_sensitive(&self) -> bool {
        self.control_sensitive[1]
            || self.location_sensitive[1]
            || self.resource_sensitive[1]
            || self.extent_sensitive[1]
            || self.trap_visible[1]
            || self.profile == Profile::Extended && self.time_sensitive[1]
    }
}

/// All values of some widths, as tuples.
fn tuples(widths: &[u32]) -> Vec<Vec<u128>> {
    widths.iter().fold(vec![Vec::new()], |all, width| {
        let longer = |t: &Vec<u128>| -> Vec<Vec<u128>> {
            (0..1 << width).map(|v| t.iter().copied().chain([v]).collect()).collect()
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The instruction with all its operands and all values of what is left open.
fn cases<'c>(
    isa: &'c Isa,
    class: &'c Class,
    pair: &'c Pair,
    strays: &'c [TrapId],
) -> Vec<Case<'c>> {
    let widths: Vec<u32> = class.operands.iter().map(|o| o.width).collect();
    let open: Vec<u32> = class.body.choices.iter().map(|c| c.width).collect();
    let held = |t: &Vec<u128>| {
        class.operands.iter().zip(t).all(|(o, v)| o.fixed.is_none_or(|fixed| fixed == *v))
    };
    let mut all = Vec::new();
    for operands in tuples(&widths).into_iter().filter(held) {
        if class.when.as_ref().is_none_or(|when| operand_condition(when, &operands)) {
            for choices in tuples(&open) {
                all.push(Case { isa, class, pair, operands: operands.clone(), choices, strays });
            }
        }
    }
    all
}

/// One class, one pair: everything the questions range over.
struct Judge<'c> {
    cases: Vec<Case<'c>>,
    /// Numbers of cells, q.
    sizes: Vec<u128>,
    /// Supervisor and user.
    modes: [u128; 2],
    literal: bool,
}

impl<'c> Judge<'c> {
    fn of(
        isa: &'c Isa,
        class: &'c Class,
        pair: &'c Pair,
        strays: &'c [TrapId],
        literal: bool,
    ) -> Self {
        let modes = [pair.supervisor.1, pair.user.1];
        Self { cases: cases(isa, class, pair, strays), sizes: sizes(isa), modes, literal }
    }

    /// Whether some instance of a question about two states has the answer yes.
    fn ask(
        &self,
        modes: [u128; 2],
        varied: Option<Varied<'_>>,
        sharing: Sharing,
        question: &dyn Fn(&Two<'_>, &World) -> Asked<bool>,
    ) -> bool {
        self.cases.iter().any(|case| {
            self.sizes.iter().any(|&cells| {
                let two = Two { case, cells, modes, varied, sharing };
                exists(&mut World::new(), &|world| question(&two, world))
            })
        })
    }

    /// "There is a pair of states that differ in mode only, without memory traps, such that …"
    fn pair_with(&self, wanted: &dyn Fn(&Case<'_>, &Outcome, &Outcome) -> bool) -> bool {
        self.ask(self.modes, None, Sharing::Cells, &|two, world| {
            Ok(two.proper_outcomes(world)?.is_some_and(|[a, b]| wanted(two.case, &a, &b)))
        })
    }

    /// P&G: for every such pair, i(S2) traps to the monitor and i(S1) does not trap. `refined`: for every
    /// such pair i(S2) traps to the monitor, and in one i(S1) completes.
    fn privileged(&self) -> Privileged {
        if self.pair_with(&|case, a, b| !case.enters(b) || self.literal && traps(a)) {
            Privileged::No
        } else if !self.pair_with(&|_, _, _| true) {
            Privileged::Vacuous
        } else if self.literal || self.pair_with(&|case, a, b| completes(a) && case.enters(b)) {
            Privileged::Yes
        } else {
            Privileged::No
        }
    }

    /// "There are two states in these modes that differ in … and end visibly different."
    fn different(&self, modes: [u128; 2], varied: Option<Varied<'_>>) -> bool {
        self.ask(modes, varied, Sharing::Window, &|two, world| {
            two.visibly_different(world, self.literal)
        })
    }

    /// Sensitive to what the profiles add: the states have the same storage, and every trap is excluded.
    fn added(&self, varied: Varied<'_>) -> PerMode {
        self.modes.map(|mode| {
            self.ask([mode, mode], Some(varied), Sharing::Cells, &|two, world| {
                two.visibly_different(world, false)
            })
        })
    }

    fn trap_visible(&self, varied: Varied<'_>) -> PerMode {
        self.modes.map(|mode| {
            self.ask([mode, mode], Some(varied), Sharing::Cells, &|two, world| {
                two.shows_trap(world)
            })
        })
    }

    fn unconfined(&self, kept: &[(Part, u128)]) -> bool {
        let user = self.modes[1];
        self.ask([user, user], None, Sharing::Window, &|two, world| two.unconfined(kept, world))
    }

    fn control_sensitive(&self) -> PerMode {
        self.modes.map(|mode| {
            self.ask([mode, mode], None, Sharing::Cells, &|two, world| {
                two.control_changes(world, self.literal)
            })
        })
    }
}

/// The virtual modes: supervisor, user, and all others.
fn virtual_modes(isa: &Isa, pair: &Pair) -> [Vec<u128>; 3] {
    let (supervisor, user) = (pair.supervisor.1, pair.user.1);
    let all = 0..=isa.mode.map_or(0, |part| mask(part.width));
    let others = all.filter(|mode| ![supervisor, user].contains(mode)).collect();
    [vec![supervisor], vec![user], others]
}

fn sizes(isa: &Isa) -> Vec<u128> {
    (isa.least_cells()..=isa.storage.cells).collect()
}

/// Judges one class by every definition the profile knows. Traps in `strays` lead to no monitor.
pub fn judge(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    strays: &[TrapId],
) -> Findings {
    let (literal, extended) = (profile == Profile::Literal, profile == Profile::Extended);
    let judge = Judge::of(isa, class, pair, strays, literal);
    let modes = judge.modes;
    let relocation = |_, s: &Slice| s.kind == Some(Kind::Relocation);
    let bounds = |_, s: &Slice| s.kind == Some(Kind::Bounds);
    let time = |_, s: &Slice| s.kind == Some(Kind::Time);
    let resource = |_, s: &Slice| is_resource(s);
    let written = trap_written(isa);
    let of_traps = |id, s: &Slice| s.role == Role::E && written.contains(&id);
    let never = [false; 2];
    let squares = Squares { isa, pair, profile, strays, kept: &[] };
    Findings {
        profile,
        privileged: judge.privileged(),
        control_sensitive: judge.control_sensitive(),
        location_sensitive: modes.map(|mode| judge.different([mode, mode], Some(&relocation))),
        mode_sensitive: judge.different(modes, None),
        both_sensitive: judge.different(modes, Some(&relocation)),
        resource_sensitive: if literal { never } else { judge.added(&resource) },
        extent_sensitive: if extended { judge.added(&bounds) } else { never },
        time_sensitive: judge.added(&time),
        trap_masked: extended && judge.pair_with(&|_, a, b| traps(a) && completes(b)),
        trap_visible: if extended { judge.trap_visible(&of_traps) } else { never },
        unconfined: judge.unconfined(&[]),
        square_breaks: virtual_modes(isa, pair)
            .map(|modes| squares.any(class, &modes, false, &|square, world| square.breaks(world))),
    }
}

/// Whether a class escapes in user mode from what it is confined to, with bits of the monitor's own kept.
fn unconfined(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    strays: &[TrapId],
    kept: &[(Part, u128)],
) -> bool {
    Judge::of(isa, class, pair, strays, false).unconfined(kept)
}

/// Squares of a machine, under a monitor that keeps some bits of its own at a value.
#[derive(Clone, Copy)]
struct Squares<'c> {
    isa: &'c Isa,
    pair: &'c Pair,
    profile: Profile,
    strays: &'c [TrapId],
    kept: &'c [(Part, u128)],
}

impl Squares<'_> {
    /// Whether a question about a square of a class has the answer yes for some guest of w cells in one
    /// of these modes, at k in a machine of q ≥ k + w cells.
    fn any(
        &self,
        class: &Class,
        modes: &[u128],
        any_image: bool,
        question: &dyn Fn(&Square<'_>, &World) -> Asked<bool>,
    ) -> bool {
        let Self { isa, pair, kept, .. } = *self;
        let Some(map) = VmMap::of(isa) else { return false };
        let extended = self.profile == Profile::Extended;
        let reach = isa.relocation.map_or(0, |part| mask(part.width));
        let (cases, sizes) = (cases(isa, class, pair, self.strays), sizes(isa));
        for (&w, &q) in sizes.iter().flat_map(|w| sizes.iter().map(move |q| (w, q))) {
            for first in isa.least_cells()..=q.saturating_sub(w).min(reach) {
                let partition = Partition { first, cells: w };
                for (case, &mode) in cases.iter().flat_map(|c| modes.iter().map(move |m| (c, m))) {
                    let map = &map;
                    let square =
                        Square { case, map, partition, cells: q, mode, extended, any_image, kept };
                    if exists(&mut World::new(), &|world| question(&square, world)) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

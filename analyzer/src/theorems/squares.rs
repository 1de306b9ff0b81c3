//! The squares of the commuting diagram: direct execution, the dispatcher behind a trap, the trap
//! sequences, the allocator (P&G section 4).

use model::isa::{Class, Fetch, Part, Saves, TrapId};

use crate::decide::ModelCache;
use crate::definitions::dispatch::Way;
use crate::definitions::sequence::Sought;
use crate::definitions::statewise::{self, Case, Guests};
use crate::definitions::{VirtualMode, allocator, dispatch, fetch, room, sequence};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::theorems::choice::words;

/// A square in one virtual mode.
#[derive(Debug, Clone)]
pub(crate) struct Square {
    pub(crate) side: VirtualMode,
    /// Absent: it commutes. Witnessed: a state where it does not.
    pub(crate) verdict: Existence,
}

/// What is known about the sequence of one trap.
#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) trap: TrapId,
    pub(crate) stores: sequence::Stores,
    /// Absent: it leaves the partition alone.
    pub(crate) partition: Existence,
    /// Absent: the dispatcher finds behind it what was before it.
    pub(crate) saved: Existence,
    /// Asked where it does not. Absent: it finds P.
    pub(crate) counter: Option<Existence>,
    /// Asked where it does not, and some instruction changes the mapping in user mode. Absent: it finds the mapping.
    pub(crate) mapping: Option<Existence>,
    /// Asked where it does not. Absent: it finds E.
    pub(crate) registers: Option<Existence>,
    /// Asked where the trap may have to be reflected from what is found. Absent: the argument is found with it.
    pub(crate) argument: Option<Existence>,
}

/// Whether the squares commute in all of the given virtual modes.
pub(crate) fn commute(squares: &[Square], sides: &[VirtualMode]) -> Answer {
    let asked = squares.iter().filter(|s| sides.contains(&s.side));
    Answer::any(asked.map(|s| s.verdict.exists())).negated()
}

/// A statement in each virtual mode, for every case of f.
fn each<'i>(
    inquiry: &mut Inquiry<'i>,
    guests: Guests,
    sides: &[VirtualMode],
    put: impl Fn(&mut Inquiry<'i>, VirtualMode, Case) -> Existence,
) -> Vec<Square> {
    let of = |side: &VirtualMode| {
        let one = |inquiry: &mut Inquiry<'i>, case| put(inquiry, *side, case);
        Square { side: *side, verdict: inquiry.by_case(guests, one) }
    };
    sides.iter().map(of).collect()
}

/// The statewise condition in every virtual mode whose code a VMM runs directly.
pub(crate) fn direct(inquiry: &mut Inquiry<'_>, guests: Guests) -> Vec<Square> {
    // What is possible in user mode often is in supervisor mode, and not the other way round.
    let mut sides = inquiry.setting().all_virtual_modes().to_vec();
    sides.sort_by_key(|side| *side != VirtualMode::User);
    let mut squares = each(inquiry, guests, &sides, |inquiry, side, case| {
        direct_case(inquiry, side, guests, case, Inquiry::ask)
    });
    squares.sort_by_key(|square| square.side);
    squares
}

fn direct_case<'i>(
    inquiry: &mut Inquiry<'i>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
    put: impl Fn(&mut Inquiry<'i>, &Question<'_>) -> Existence,
) -> Existence {
    let setting = inquiry.setting();
    let question = Question {
        name: format!("statewise/{}/{}/{}", guests.word(), side.word(), case.word()),
        ask: &|problem| statewise::ask(problem, setting, side, guests, case),
        shows: &|replay| statewise::refuted_by(replay, side, guests),
    };
    put(inquiry, &question)
}

/// The statewise condition for a single unrelocated guest.
pub(crate) fn unrelocated(
    context: Context<'_>,
    class: &Class,
    earlier: &ModelCache,
) -> Vec<Square> {
    let mut inquiry = Inquiry::new(context, class);
    inquiry.session.shared.earlier = earlier.clone();
    direct(&mut inquiry, Guests::Unrelocated)
}

/// Whether there is a guest in a virtual mode that has room beside a monitor which keeps bits of its own: what is
/// proved of none says nothing.
pub(crate) fn exists(
    inquiry: &mut Inquiry<'_>,
    guests: Guests,
    side: VirtualMode,
    kept: &[(Part, u128)],
) -> Answer {
    let setting = inquiry.setting();
    let found = inquiry.ask(&Question {
        name: format!("room/{}/{}/{}", guests.word(), side.word(), words(setting.isa, kept)),
        ask: &|problem| room::ask(problem, setting, side, guests, kept),
        shows: &|replay| room::shown_by(replay, side, guests, kept),
    });
    match found {
        Existence::Witnessed(_) => Answer::Yes,
        Existence::Unknown(_) => Answer::Undecided,
        Existence::Absent(_) => Answer::Vacuous,
    }
}

/// A small witness that a class's square does not commute in a virtual mode.
pub(crate) fn refutation(
    context: Context<'_>,
    class: &Class,
    side: VirtualMode,
) -> Option<Existence> {
    let mut inquiry = Inquiry::new(context, class);
    let guests = context.setting.guests();
    let of = |case: &Case| direct_case(&mut inquiry, side, guests, *case, Inquiry::small);
    guests.cases().iter().map(of).find(Existence::is_witnessed)
}

/// Whether a class's square breaks, in one of the virtual modes, for a guest that f places as it should.
pub(crate) fn breaks_placed(context: Context<'_>, class: &Class, sides: &[VirtualMode]) -> bool {
    let setting = context.setting;
    let mut inquiry = Inquiry::new(context, class);
    let guests = setting.guests();
    let mut breaks = |side: VirtualMode, case: Case| {
        let question = Question {
            name: format!("statewise/{}/{}/{}/placed", guests.word(), side.word(), case.word()),
            ask: &|problem| statewise::ask_placed(problem, setting, side, guests, case),
            shows: &|replay| {
                statewise::refuted_by(replay, side, guests)
                    && !allocator::shown_by(replay, side, guests)
            },
        };
        inquiry.ask(&question).is_witnessed()
    };
    sides.iter().any(|side| guests.cases().iter().any(|case| breaks(*side, *case)))
}

/// The square of one class where its image traps, in the modes asked for; nothing where it never
/// traps.
pub(crate) fn trapped(context: Context<'_>, class: &Class, sides: &[VirtualMode]) -> Vec<Square> {
    let setting = context.setting;
    if !dispatch::may_trap(&class.body.statements, &|_| true) {
        return Vec::new();
    }
    let mut inquiry = Inquiry::new(context, class);
    let guests = setting.guests();
    each(&mut inquiry, guests, sides, |inquiry, side, case| {
        trapped_square(inquiry, side, guests, case)
    })
}

/// Either way per state is enough where an instruction commits nothing; otherwise the dispatcher
/// must know from the instruction, the virtual mode and the trap which way to go.
fn trapped_square(
    inquiry: &mut Inquiry<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
) -> Existence {
    let either = trapped_case(inquiry, side, guests, case, Way::Either, Inquiry::ask);
    let commits = dispatch::commits(&inquiry.class().body.statements);
    if !commits || !matches!(either, Existence::Absent(_)) {
        return either;
    }
    for way in [Way::Recover, Way::Reflect] {
        let proved = trapped_case(inquiry, side, guests, case, way, Inquiry::ask);
        if matches!(proved, Existence::Absent(_)) {
            return proved;
        }
    }
    Existence::Unknown("the dispatcher cannot tell an emulated trap from one to reflect".into())
}

fn trapped_case<'i>(
    inquiry: &mut Inquiry<'i>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
    way: Way,
    put: impl Fn(&mut Inquiry<'i>, &Question<'_>) -> Existence,
) -> Existence {
    let setting = inquiry.setting();
    let question = Question {
        name: format!("{}/{}/{}/{}", way.name(), guests.word(), side.word(), case.word()),
        ask: &|problem| dispatch::ask(problem, setting, side, guests, case, way),
        shows: &|replay| dispatch::shown_by(replay, side, guests, way),
    };
    put(inquiry, &question)
}

/// A small witness that a class's guest is not found again behind a trap, and what is lost.
pub(crate) fn loss(
    context: Context<'_>,
    class: &Class,
    side: VirtualMode,
) -> Option<(Existence, Vec<&'static str>)> {
    let setting = context.setting;
    let mut inquiry = Inquiry::new(context, class);
    let guests = setting.guests();
    let of =
        |case: &Case| trapped_case(&mut inquiry, side, guests, *case, Way::Either, Inquiry::small);
    let shown = guests.cases().iter().map(of).find(Existence::is_witnessed)?;
    let Existence::Witnessed(witness) = &shown else { return None };
    let lost = dispatch::lost(&witness.replay(setting, class), Way::Either);
    Some((shown, lost))
}

/// The allocator's obligations in the modes asked for.
pub(crate) fn allocator(context: Context<'_>, sides: &[VirtualMode]) -> Vec<Square> {
    let setting = context.setting;
    let Some(class) = setting.isa.classes.first() else { return Vec::new() };
    let mut inquiry = Inquiry::new(context, class);
    let guests = setting.guests();
    each(&mut inquiry, guests, sides, |inquiry, side, case| {
        inquiry.ask(&Question {
            name: format!("allocator/{}/{}/{}", guests.word(), side.word(), case.word()),
            ask: &|problem| allocator::ask(problem, setting, side, guests, case),
            shows: &|replay| allocator::shown_by(replay, side, guests),
        })
    })
}

/// Whether instructions of one length are fetched as the guest's, in the modes asked for.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) length: u128,
    pub(crate) squares: Vec<Square>,
}

/// Fetching, by length.
pub(crate) fn fetched(context: Context<'_>, sides: &[VirtualMode]) -> Vec<Fetched> {
    let setting = context.setting;
    let Some(class) = setting.isa.classes.first() else { return Vec::new() };
    let mut inquiry = Inquiry::new(context, class);
    let guests = setting.guests();
    let of = |how: &Fetch| {
        let length = how.length;
        let squares = each(&mut inquiry, guests, sides, |inquiry, side, case| {
            let case_of_f = format!("{}/{}/{}", guests.word(), side.word(), case.word());
            inquiry.ask(&Question {
                name: format!("fetch/{length}/{case_of_f}"),
                ask: &|problem| fetch::ask(problem, setting, side, guests, case, how),
                shows: &|replay| fetch::shown_by(replay, side, guests, how),
            })
        });
        Fetched { length, squares }
    };
    setting.isa.all_fetches.iter().map(of).collect()
}

/// What the trap sequence must not do, by trap: write to the partition, and lose what it saves.
pub(crate) fn sequences(context: Context<'_>) -> Vec<Sequence> {
    let setting = context.setting;
    let Some(class) = setting.isa.classes.first() else { return Vec::new() };
    let mut inquiry = Inquiry::new(context, class);
    let mut all = Vec::new();
    for id in setting.entering() {
        let name = &setting.isa.trap(id).name;
        let stores = sequence::stores(setting, class, id);
        let partition = inquiry.ask(&Question {
            name: format!("sequence/{name}/partition"),
            ask: &|problem| sequence::ask_partition(problem, setting, id, stores),
            shows: &|replay| sequence::partition_shown_by(replay, id),
        });
        let mut saved = |sought: Sought| {
            inquiry.ask(&Question {
                name: format!("sequence/{name}/{}", sought.name()),
                ask: &|problem| sequence::ask_saved(problem, setting, id, stores, sought),
                shows: &|replay| sequence::saved_shown_by(replay, id, sought),
            })
        };
        let state = saved(Sought::State);
        let mut part = |sought| (!state.is_absent()).then(|| saved(sought));
        let [mut counter, mapping, registers] =
            [Sought::Counter, Sought::Mapping, Sought::Registers].map(&mut part);
        if setting.isa.trap(id).saves == Saves::Next {
            let told = advance_tells(context, id);
            counter = Some(match counter {
                Some(saved) => saved.weaker(told),
                None => told,
            });
        }
        let argument = dispatch::is_reflected_as_found(setting.isa, id).then(|| {
            inquiry.ask(&Question {
                name: format!("sequence/{name}/argument"),
                ask: &|problem| sequence::ask_argument(problem, setting, id, stores),
                shows: &|replay| sequence::argument_shown_by(replay, id),
            })
        });
        all.push(Sequence {
            trap: id,
            stores,
            partition,
            saved: state,
            counter,
            mapping,
            registers,
            argument,
        });
    }
    // A monitor knows the mapping that it has composed, unless code that runs directly changes it.
    let found = |s: &Sequence| s.mapping.as_ref().is_none_or(Existence::is_absent);
    if !all.iter().all(found) && !moves(context) {
        for sequence in &mut all {
            sequence.mapping = None;
        }
    }
    all
}

/// Whether P of an instruction that raises a trap follows from that of the next.
fn advance_tells(context: Context<'_>, trap: TrapId) -> Existence {
    let setting = context.setting;
    let raises = |class: &&Class| dispatch::may_trap(&class.body.statements, &|id| id == trap);
    let mut lengths: Vec<&Class> = setting.isa.classes.iter().filter(raises).collect();
    lengths.sort_by_key(|class| class.length);
    lengths.dedup_by_key(|class| class.length);
    let ask = |class| {
        Inquiry::new(context, class).ask(&Question {
            name: format!("sequence/{}/advance", setting.isa.trap(trap).name),
            ask: &|problem| sequence::ask_advanced(problem, setting),
            shows: &sequence::advanced_shown_by,
        })
    };
    // Opcodes that no instruction lists may raise it.
    let first = setting.isa.classes.first().filter(|_| lengths.is_empty());
    let all = lengths.into_iter().chain(first).map(ask);
    all.reduce(Existence::weaker).expect("the machine has an instruction")
}

/// Whether some instruction may change the mapping in user mode.
fn moves(context: Context<'_>) -> bool {
    let setting = context.setting;
    setting.isa.classes.iter().any(|class| {
        let mut inquiry = Inquiry::new(context, class);
        let found = inquiry.ask(&Question {
            name: "moves-mapping".into(),
            ask: &|problem| sequence::ask_moves(problem, setting),
            shows: &sequence::moves_shown_by,
        });
        !found.is_absent()
    })
}

//! Whether a monitor can hand the processor to a guest: [launching](crate::definitions::launch) with the bits
//! that a verdict says it keeps, and [handing over](crate::definitions::handover) to every guest.

use std::collections::BTreeMap;

use model::interp;
use model::isa::Part;
use model::state::State;

use crate::definitions::launch::{self, Launching};
use crate::prove::answer::Answer;
use crate::prove::context::Context;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::theorems::choice::{self, Assignment};
use crate::theorems::entries::{self, Entries};
use crate::theorems::handover;
use crate::theorems::steps::{entering, launches, sets, settable, some, stays, with, writing};

/// Why something is an assumption.
const UNLISTED: &str = ": no instruction that is listed is known to do it in supervisor mode";

/// What is known about starting a guest.
#[derive(Debug, Default)]
pub(crate) struct Launch {
    /// An instruction is known that enters user mode.
    pub(crate) known: bool,
    /// What no instruction that is listed is known to do, and is assumed that some does, in words.
    pub(crate) assumed: Vec<String>,
    /// What stands in the way, in words.
    pub(crate) obstacles: Vec<String>,
}

/// Whether a guest can be started with these bits kept.
///
/// The cells of the traps hold what leads them to the monitor.
pub(crate) fn judge(
    context: Context<'_>,
    kept: &[(Part, u128)],
    entries: &Entries,
    low: &BTreeMap<u128, u128>,
) -> Launch {
    let setting = context.setting;
    let isa = setting.isa;
    let mut it = Launch::default();
    let image = !setting.pair.deprivilege.statements.is_empty();
    let whole = Launching { kept, image, placed: true, leaves: true };
    let launch = |context: Context<'_>, launching| launches(context, launching, &entering(setting));
    let (user, with) = (&setting.pair.user.0, with(setting, kept));
    let keeping =
        if kept.is_empty() { String::new() } else { format!("{with} before it and behind it") };
    let as_image = if image { ", as `deprivilege:` leaves it" } else { "" };
    let mut lacks = String::new();
    let mut found = launch(context, whole);
    // What the instructions that are listed are not known to do at all, others may.
    let plain = !image && kept.is_empty();
    let fragment = match found {
        Answer::Yes => false,
        Answer::Undecided if plain => enters(context) != Answer::Yes,
        _ => enters(context) == Answer::No,
    };
    if fragment {
        it.assumed.push(format!("the monitor can enter {user}{UNLISTED}"));
        found = Answer::Yes;
    } else if found != Answer::Yes {
        lacks = lacking(context, whole);
    }
    it.known = found == Answer::Yes && !fragment;
    it.note(
        found,
        format!("no instruction in supervisor mode enters {user}{keeping}{as_image}{lacks}"),
        format!(
            "whether an instruction in supervisor mode enters {user}{keeping}{as_image}{lacks} is undecided"
        ),
    );
    let unmoved: Vec<Part> = launch::mapping(isa)
        .filter(|place| moves(context, *place) != Answer::Yes)
        .map(|(part, _)| part)
        .collect();
    for part in &unmoved {
        let name = choice::component(isa, *part);
        it.assumed.push(format!("the monitor can set {name}{UNLISTED}"));
    }
    if it.known {
        let mut found = handover::search(context, whole, low);
        if !found.known && !unmoved.is_empty() {
            // What sets the mapping may be what enters user mode.
            found = handover::search(context, Launching { placed: false, ..whole }, low);
        }
        if !found.known {
            let what = handover::names(setting, &found.missing);
            let what = if what.is_empty() { "P, M and the mapping".into() } else { what };
            it.obstacles.push(format!(
                "no instruction that enters {user}{with} is known to leave {what} as every guest needs it"
            ));
        }
        for bits in found.unset {
            it.obstacles.push(format!("what enters {user} depends on {bits}, and no instruction in supervisor mode is known to set it again"));
        }
    }
    it.set_in_turn(context, kept);
    it.obstacles.extend(vectors(context, kept, entries));
    it
}

impl Launch {
    fn note(&mut self, answer: Answer, no: String, open: String) {
        match answer {
            Answer::Yes => {}
            Answer::No | Answer::Vacuous => self.obstacles.push(no),
            Answer::Undecided => self.obstacles.push(open),
        }
    }

    /// Looks for an order in which bits can be set, where what is so after a reset is first; else for one in which all
    /// of them are set.
    fn set_in_turn(&mut self, context: Context<'_>, all: &[(Part, u128)]) {
        let setting = context.setting;
        let mut open = Vec::new();
        let (held, rest): (Assignment, Assignment) = all.iter().partition(|bits| {
            let answer = stays(context, **bits);
            if answer == Answer::Undecided {
                open.push(**bits);
            }
            answer == Answer::Yes
        });
        let (held, left) = in_turn(context, held, rest);
        if left.is_empty() || in_turn(context, Vec::new(), all.to_vec()).1.is_empty() {
            return;
        }
        for (bits, answer) in left {
            let answer = if open.contains(&bits) { Answer::Undecided } else { answer };
            self.note_unset(setting, bits, &held, answer);
        }
    }

    fn note_unset(
        &mut self,
        setting: Setting<'_>,
        bits: (Part, u128),
        held: &[(Part, u128)],
        answer: Answer,
    ) {
        let (word, held) = (choice::words(setting.isa, &[bits]), with(setting, held));
        self.note(
            answer,
            format!("no instruction in supervisor mode sets {word}{held}, and it is not so for good after a reset"),
            format!("whether an instruction in supervisor mode sets {word}{held} is undecided"),
        );
    }
}

/// Bits that are not set, and whether that is settled.
type Failed = Vec<((Part, u128), Answer)>;

/// Sets bits in any order in which each leaves those before it: the bits that are set, and those that could not be.
fn in_turn(
    context: Context<'_>,
    mut held: Assignment,
    mut left: Assignment,
) -> (Assignment, Failed) {
    loop {
        let mut failed = Vec::new();
        let before = held.len();
        for bits in left {
            match sets(context, bits, &held) {
                Answer::Yes => held.push(bits),
                answer => failed.push((bits, answer)),
            }
        }
        if held.len() == before {
            return (held, failed);
        }
        left = failed.into_iter().map(|(bits, _)| bits).collect();
    }
}

/// Whether some instruction moves a component of the mapping to where a guest may be.
fn moves(context: Context<'_>, place: (Part, u128)) -> Answer {
    let setting = context.setting;
    let name = choice::component(setting.isa, place.0);
    some(context, &writing(setting, &[place.0.register]), &|inquiry| {
        inquiry.ask(&Question {
            name: format!("launch/moves {name}"),
            ask: &|problem| launch::ask_map(problem, setting, place),
            shows: &|replay| launch::map_shown_by(replay, place),
        })
    })
}

/// Whether some instruction enters user mode at all.
fn enters(context: Context<'_>) -> Answer {
    let context = with_fixed(context, &[]);
    some(context, &entering(context.setting), &|inquiry| {
        inquiry.ask(&Question {
            name: "launch/enters".into(),
            ask: &|problem| launch::ask_enter(problem, context.setting),
            shows: &launch::enter_shown_by,
        })
    })
}

/// The same, where other components are taken to be fixed.
fn with_fixed<'c>(context: Context<'c>, fixed: &'c [(Part, u128)]) -> Context<'c> {
    Context { setting: Setting { fixed, ..context.setting }, ..context }
}

/// What keeps instructions from launching guests, in words; nothing where that is the bits that are kept.
fn lacking(context: Context<'_>, whole: Launching<'_>) -> String {
    let setting = context.setting;
    let launches = |fixed: &[(Part, u128)], launching: Launching<'_>| {
        let context = with_fixed(context, fixed);
        launches(context, launching, &entering(setting)) == Answer::Yes
    };
    if launches(setting.fixed, Launching { leaves: false, ..whole }) {
        ", and neither halts nor changes where traps lead or the guest's storage".into()
    } else if launches(setting.fixed, Launching { placed: false, ..whole }) {
        ", with a mapping beyond the monitor's own cells".into()
    } else if !setting.fixed.is_empty() && launches(&[], whole) {
        let mut one_by_one = setting.fixed.iter().map(std::slice::from_ref);
        let alone = one_by_one.find(|one| !launches(one, whole));
        let words = choice::words(setting.isa, alone.unwrap_or(setting.fixed));
        format!(" while {words}, as a reset leaves it for good")
    } else {
        String::new()
    }
}

/// Whether what lets traps lead to the monitor can be so: each component is set by some instruction, or has a
/// value for good with which they lead there too.
fn vectors(context: Context<'_>, kept: &[(Part, u128)], entries: &Entries) -> Option<String> {
    let setting = context.setting;
    let isa = setting.isa;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    let mut fixed = kept.to_vec();
    for bits in setting.vectors.iter().filter(|bits| !setting.fixed.contains(bits)) {
        let is_set = |bits: (Part, u128)| settable(context, bits, kept) == Answer::Yes;
        let after_reset = (bits.0, reset.part(bits.0));
        if kept.iter().any(|known| choice::covers(*known, *bits)) || is_set(*bits) {
            continue;
        }
        if !is_set(after_reset) {
            let what = choice::component(isa, bits.0);
            return Some(format!(
                "traps depend on {what}, and no instruction in supervisor mode is known to set it again"
            ));
        }
        fixed.push(after_reset);
    }
    if fixed.len() > kept.len() && entries::lead_keeping(context, entries, &fixed).is_none() {
        let words = choice::words(isa, &fixed[kept.len()..]);
        return Some(format!(
            "with {words}, as after a reset, it is not known that all traps lead to the monitor"
        ));
    }
    None
}

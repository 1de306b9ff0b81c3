//! Whether a monitor can hand the processor to a guest: [launching](crate::definitions::launch) with the bits
//! that a verdict says it keeps.

use model::interp;
use model::isa::{Class, Part, RegisterId};
use model::state::State;

use crate::choice;
use crate::counts::Counts;
use crate::definitions::launch::{self, writes};
use crate::entries::{self, Entries};
use crate::inquiry::Inquiry;
use crate::setting::Setting;
use crate::settle::{Question, Settle};
use crate::verdict::{Answer, Verdict};

/// What becomes of a verdict.
#[derive(Debug, Default)]
pub(crate) struct Launch {
    /// That the monitor can enter user mode is an assumption: no instruction that is listed does.
    pub(crate) assumed: bool,
    /// What stands in the way, in words.
    pub(crate) obstacles: Vec<String>,
}

/// Whether a guest can be started with these bits kept.
pub(crate) fn judge(
    setting: Setting<'_>,
    kept: &[(Part, u128)],
    entries: &Entries,
    settle: &dyn Settle,
    counts: &mut Counts,
) -> Launch {
    let isa = setting.isa;
    let mode = isa.mode.map(|part| part.register);
    let mut launch = |kept: &[(Part, u128)], image: bool| {
        let (with, image_of) = (with(setting, kept), if image { "/image" } else { "" });
        some(setting, mode, settle, counts, &|inquiry| {
            inquiry.ask(&Question {
                name: format!("launch{image_of}{with}"),
                ask: &|problem| launch::ask_launch(problem, setting, kept, image),
                shows: &|replay| launch::launch_shown_by(replay, kept, image),
            })
        })
    };
    let image = !setting.pair.deprivilege.statements.is_empty();
    let mut found = launch(kept, image);
    let mut it = Launch::default();
    // Nothing that is listed enters user mode at all.
    let plain = !image && kept.is_empty();
    if found != Answer::Yes && (plain || launch(&[], false) == Answer::No) {
        it.assumed = true;
        found = Answer::Yes;
    }
    let (user, with) = (&setting.pair.user.0, with(setting, kept));
    let as_image = if image { ", as `deprivilege:` leaves it" } else { "" };
    let set = isa.classes.first().filter(|_| image && !it.assumed);
    let set = set.map_or_else(Vec::new, |class| launch::set_by_deprivileging(setting, class));
    let mut note = |answer, no: String, open: String| match answer {
        Answer::Yes => {}
        Answer::No | Answer::Vacuous => it.obstacles.push(no),
        Answer::Undecided => it.obstacles.push(open),
    };
    note(
        found,
        format!("no instruction in supervisor mode enters {user}{with}{as_image}"),
        format!(
            "whether an instruction in supervisor mode enters {user}{with}{as_image} is undecided"
        ),
    );
    for bits in kept.iter().chain(&set) {
        let word = choice::words(isa, &[*bits]);
        note(
            settable(setting, *bits, &word, settle, counts),
            format!(
                "no instruction in supervisor mode sets {word}, and it is not so for good after a reset"
            ),
            format!("whether an instruction in supervisor mode sets {word} is undecided"),
        );
    }
    it.obstacles.extend(vectors(setting, kept, entries, settle, counts));
    it
}

/// Whether what lets traps lead to the monitor can be so: each component is set by some instruction, or has a
/// value for good with which they lead there too.
fn vectors(
    setting: Setting<'_>,
    kept: &[(Part, u128)],
    entries: &Entries,
    settle: &dyn Settle,
    counts: &mut Counts,
) -> Option<String> {
    let isa = setting.isa;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    let mut fixed = kept.to_vec();
    for bits in &entries.choice {
        let mut is_set = |bits: (Part, u128)| {
            let word = choice::words(isa, &[bits]);
            settable(setting, bits, &word, settle, counts) == Answer::Yes
        };
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
    if fixed.len() > kept.len() && !entries::lead_keeping(setting, entries, &fixed, settle, counts)
    {
        let words = choice::words(isa, &fixed[kept.len()..]);
        return Some(format!(
            "with {words}, as after a reset, it is not known that all traps lead to the monitor"
        ));
    }
    None
}

/// ` with en = 1`.
fn with(setting: Setting<'_>, kept: &[(Part, u128)]) -> String {
    let words = choice::words(setting.isa, kept);
    if words.is_empty() { words } else { format!(" with {words}") }
}

/// Whether the monitor can see to it that bits have their value.
fn settable(
    setting: Setting<'_>,
    kept: (Part, u128),
    word: &str,
    settle: &dyn Settle,
    counts: &mut Counts,
) -> Answer {
    let isa = setting.isa;
    let mut open = false;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    if reset.part(kept.0) == kept.1
        && let Some(class) = isa.classes.first()
    {
        let mut inquiry = Inquiry::new(setting, class, settle);
        let stays = |trap| {
            inquiry.ask(&Question {
                name: format!("sequence/{}/keeps {word}", isa.trap(trap).name),
                ask: &|problem| launch::ask_trap(problem, setting, kept, trap),
                shows: &|replay| launch::trap_shown_by(replay, kept, trap),
            })
        };
        let all: Vec<Verdict> = setting.entering().map(stays).collect();
        counts.add(&inquiry.counts);
        if all.iter().all(Verdict::is_proved) {
            return Answer::Yes;
        }
        // Whether traps leave it so.
        open = !all.iter().any(Verdict::is_shown);
    }
    let set = some(setting, Some(kept.0.register), settle, counts, &|inquiry| {
        inquiry.ask(&Question {
            name: format!("launch/sets {word}"),
            ask: &|problem| launch::ask_set(problem, setting, kept),
            shows: &|replay| launch::set_shown_by(replay, kept),
        })
    });
    if open && set == Answer::No { Answer::Undecided } else { set }
}

/// Whether some instruction does it, among those that write a register.
fn some(
    setting: Setting<'_>,
    register: Option<RegisterId>,
    settle: &dyn Settle,
    counts: &mut Counts,
    ask: &dyn Fn(&mut Inquiry<'_>) -> Verdict,
) -> Answer {
    let may = |class: &&Class| register.is_none_or(|id| writes(&class.body.statements, id));
    let mut answer = Answer::No;
    for class in setting.isa.classes.iter().filter(may) {
        // What the architecture leaves open is not to be relied on.
        if !class.body.choices.is_empty() {
            answer = Answer::Undecided;
            continue;
        }
        let mut inquiry = Inquiry::new(setting, class, settle);
        let found = ask(&mut inquiry);
        counts.add(&inquiry.counts);
        match found {
            Verdict::Shown(_) => return Answer::Yes,
            Verdict::Open(_) => answer = Answer::Undecided,
            Verdict::Proved(_) => {}
        }
    }
    answer
}

//! Whether a monitor can hand the processor to a guest: [launching](crate::definitions::launch) with the bits
//! that a verdict says it keeps.

use model::interp;
use model::isa::{Class, Part, RegisterId};
use model::state::State;

use crate::choice;
use crate::counts::Counts;
use crate::definitions::launch::{self, writes};
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
    settle: &dyn Settle,
    counts: &mut Counts,
) -> Launch {
    let isa = setting.isa;
    let mode = isa.mode.map(|part| part.register);
    let mut launch = |kept: &[(Part, u128)]| {
        let with = with(setting, kept);
        some(setting, mode, settle, counts, &|inquiry| {
            inquiry.ask(&Question {
                name: format!("launch{with}"),
                ask: &|problem| launch::ask_launch(problem, setting, kept),
                shows: &|replay| launch::launch_shown_by(replay, kept),
            })
        })
    };
    let mut found = launch(kept);
    let mut it = Launch::default();
    if found != Answer::Yes && (kept.is_empty() || launch(&[]) == Answer::No) {
        it.assumed = true;
        found = Answer::Yes;
    }
    let (user, with) = (&setting.pair.user.0, with(setting, kept));
    let mut note = |answer, no: String, open: String| match answer {
        Answer::Yes => {}
        Answer::No | Answer::Vacuous => it.obstacles.push(no),
        Answer::Undecided => it.obstacles.push(open),
    };
    note(
        found,
        format!("no instruction in supervisor mode enters {user}{with}"),
        format!("whether an instruction in supervisor mode enters {user}{with} is undecided"),
    );
    for bits in kept {
        let word = choice::words(isa, &[*bits]);
        note(
            settable(setting, *bits, &word, settle, counts),
            format!(
                "no instruction in supervisor mode sets {word}, and it is not so for good after a reset"
            ),
            format!("whether an instruction in supervisor mode sets {word} is undecided"),
        );
    }
    it
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

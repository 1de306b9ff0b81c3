//! What single steps of the monitor's can do: enter user mode, set bits of its own.

use model::interp;
use model::isa::{Class, Part, RegisterId, TrapId};
use model::state::State;

use crate::definitions::launch::{self, Launching, writes};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::theorems::choice;

/// Whether one of these classes launches a guest.
pub(super) fn launches(
    context: Context<'_>,
    launching: Launching<'_>,
    classes: &[usize],
) -> Answer {
    let setting = context.setting;
    let with = with(setting, launching.kept);
    let image_of = if launching.image { "/image" } else { "" };
    let placed = if launching.placed { "/placed" } else { "" };
    let leaves = if launching.leaves { "/leaves" } else { "" };
    let fixed = match setting.fixed {
        [] => String::new(),
        [one] => format!("/{}", choice::words(setting.isa, &[*one])),
        [..] => "/fixed".into(),
    };
    some(context, classes, &|inquiry| {
        inquiry.ask(&Question {
            name: format!("launch{image_of}{placed}{leaves}{with}{fixed}"),
            ask: &|problem| launch::ask_launch(problem, setting, launching),
            shows: &|replay| launch::launch_shown_by(replay, launching),
        })
    })
}

/// The classes that may enter a mode, by index.
pub(super) fn entering(setting: Setting<'_>) -> Vec<usize> {
    match setting.isa.mode {
        Some(part) => writing(setting, &[part.register]),
        None => (0..setting.isa.classes.len()).collect(),
    }
}

/// ` with en = 1`.
pub(super) fn with(setting: Setting<'_>, kept: &[(Part, u128)]) -> String {
    let words = choice::words(setting.isa, kept);
    if words.is_empty() { words } else { format!(" with {words}") }
}

/// Whether the monitor can see to it that bits have their value before each launch, while others are held at theirs.
pub(super) fn settable(context: Context<'_>, bits: (Part, u128), held: &[(Part, u128)]) -> Answer {
    let set_by_traps = || {
        let left = |trap| trapped(context, bits, trap, false);
        let mut all = context.setting.entering().map(left).peekable();
        if all.peek().is_none() { Answer::No } else { Answer::any(all).negated() }
    };
    match Answer::any([stays(context, bits), sets(context, bits, held)]) {
        Answer::Yes => Answer::Yes,
        answer => Answer::any([answer, set_by_traps()]),
    }
}

/// Whether bits have their value after a reset, and no trap changes it.
pub(super) fn stays(context: Context<'_>, bits: (Part, u128)) -> Answer {
    let setting = context.setting;
    let isa = setting.isa;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    if reset.part(bits.0) != bits.1 {
        return Answer::No;
    }
    let changed = setting.entering().map(|trap| trapped(context, bits, trap, true));
    Answer::any(changed).negated()
}

/// Whether a trap leaves bits at another value, where they had theirs or had any.
fn trapped(context: Context<'_>, bits: (Part, u128), trap: TrapId, had: bool) -> Answer {
    let setting = context.setting;
    let isa = setting.isa;
    let Some(class) = isa.classes.first() else { return Answer::No };
    let word = choice::words(isa, &[bits]);
    let verb = if had { "keeps" } else { "sets" };
    let mut inquiry = Inquiry::new(context, class);
    let question = Question {
        name: format!("sequence/{}/{verb} {word}", isa.trap(trap).name),
        ask: &|problem| launch::ask_trap(problem, setting, bits, trap, had),
        shows: &|replay| launch::trap_shown_by(replay, bits, trap, had),
    };
    inquiry.ask(&question).exists()
}

/// Whether some instruction in supervisor mode gives bits their value, and leaves others that have theirs; also behind
/// each trap that takes the value from them.
pub(super) fn sets(context: Context<'_>, bits: (Part, u128), held: &[(Part, u128)]) -> Answer {
    let answer = sets_behind(context, bits, held, None);
    if answer != Answer::Yes {
        return answer;
    }
    let fails = context.setting.entering().map(|trap| match trapped(context, bits, trap, true) {
        Answer::Yes => sets_behind(context, bits, held, Some(trap)).negated(),
        answer => answer,
    });
    Answer::any(fails).negated()
}

fn sets_behind(
    context: Context<'_>,
    bits: (Part, u128),
    held: &[(Part, u128)],
    trap: Option<TrapId>,
) -> Answer {
    let setting = context.setting;
    let behind =
        trap.map_or_else(String::new, |it| format!(" behind {}", setting.isa.trap(it).name));
    let word = choice::words(setting.isa, &[bits]);
    let name = format!("launch/sets {word}{}{behind}", with(setting, held));
    some(context, &writing(setting, &[bits.0.register]), &|inquiry| {
        inquiry.ask(&Question {
            name: name.clone(),
            ask: &|problem| launch::ask_set(problem, setting, bits, held, trap),
            shows: &|replay| launch::set_shown_by(replay, bits, held, trap),
        })
    })
}

/// The classes that write one of these registers, by index.
pub(super) fn writing(setting: Setting<'_>, registers: &[RegisterId]) -> Vec<usize> {
    let classes = setting.isa.classes.iter().enumerate();
    let writes = |class: &Class| registers.iter().any(|id| writes(&class.body.statements, *id));
    classes.filter(|(_, class)| writes(class)).map(|(index, _)| index).collect()
}

/// Whether one of these classes does it.
pub(super) fn some(
    context: Context<'_>,
    classes: &[usize],
    ask: &dyn Fn(&mut Inquiry<'_>) -> Existence,
) -> Answer {
    let setting = context.setting;
    let mut answer = Answer::No;
    for class in classes.iter().map(|index| &setting.isa.classes[*index]) {
        let mut inquiry = Inquiry::new(context, class);
        match ask(&mut inquiry) {
            Existence::Absent(_) => {}
            // What the architecture leaves open is not to be relied on.
            Existence::Witnessed(_) if class.body.choices.is_empty() => return Answer::Yes,
            Existence::Witnessed(_) | Existence::Unknown(_) => answer = Answer::Undecided,
        }
    }
    answer
}

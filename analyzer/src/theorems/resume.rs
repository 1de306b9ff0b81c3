//! Whether a guest finds its registers again: [resuming](crate::definitions::resume).

use model::bits::mask;
use model::interp;
use model::isa::{Part, RegisterId, Role, TrapId};
use model::state::State;

use crate::definitions::VirtualMode;
use crate::definitions::launch::Launching;
use crate::definitions::resume::{self, Aim};
use crate::definitions::save::Component;
use crate::prove::answer::Answer;
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::theorems::save;
use crate::theorems::steps::{entering, launches, some, with, writing};

/// Whether the guest goes on with what it had in these components: those that it does not, and those of which it is
/// not settled.
pub(crate) fn resumes(
    context: Context<'_>,
    kept: &[(Part, u128)],
    components: &[Component],
) -> [Vec<Component>; 2] {
    let setting = context.setting;
    let image = !setting.pair.deprivilege.statements.is_empty();
    let launching = Launching { kept, image, placed: false, leaves: true };
    let by = entering(setting)
        .into_iter()
        .filter(|class| launches(context, launching, &[*class]) == Answer::Yes)
        .collect();
    let mut resuming = Resuming { context, launching, by, missing: Vec::new(), open: Vec::new() };
    resuming.look(components);
    let Resuming { missing, mut open, .. } = resuming;
    let mut lost = Vec::new();
    let groups: Vec<&[Aim]> = missing.chunk_by(|a, b| a.component == b.component).collect();
    // Mostly nothing gives any of them its value: one question for all.
    if groups.len() < 2 || given(context, &missing) != Answer::No {
        for aims in groups {
            match given(context, aims) {
                Answer::Yes => lost.push(aims[0].component.clone()),
                Answer::No | Answer::Vacuous => {}
                Answer::Undecided => open.push(aims[0].component.clone()),
            }
        }
    }
    open.retain(|it| !lost.contains(it));
    open.dedup();
    [lost, open]
}

/// The search for bits that do not have some value behind any step that launches a guest.
struct Resuming<'s> {
    context: Context<'s>,
    launching: Launching<'s>,
    /// The classes that launch a guest, by index.
    by: Vec<usize>,
    missing: Vec<Aim>,
    open: Vec<Component>,
}

impl Resuming<'_> {
    /// Looks at components together, and in halves where not all of them can have all values.
    fn look(&mut self, components: &[Component]) {
        let all = |it: &Component| mask(it.slice.width);
        let name = |it: &Component| save::name(self.context.setting, it);
        let which = match components {
            [first, .., last] => format!("{}..{}", name(first), name(last)),
            few => few.iter().map(name).collect(),
        };
        let both = [false, true].map(|ones| {
            let aim = |it: &Component| {
                let value = if ones { all(it) } else { 0 };
                Aim { component: it.clone(), mask: all(it), value }
            };
            let aims: Vec<Aim> = components.iter().map(aim).collect();
            self.ask(&format!("{which}/{}", u8::from(ones)), &aims)
        });
        match components {
            [] => {}
            _ if both == [Answer::Yes; 2] => {}
            [one] => {
                for bit in 0..one.slice.width {
                    for value in [0, 1].into_iter().filter(|it| both[*it as usize] != Answer::Yes) {
                        let (mask, value) = (1 << bit, value << bit);
                        let aim = Aim { component: one.clone(), mask, value };
                        match self
                            .ask(&format!("{which}/{bit}/{value:#x}"), std::slice::from_ref(&aim))
                        {
                            Answer::Yes => {}
                            Answer::No | Answer::Vacuous => self.missing.push(aim),
                            Answer::Undecided => self.open.push(one.clone()),
                        }
                    }
                }
            }
            many => {
                let (low, high) = many.split_at(many.len() / 2);
                self.look(low);
                self.look(high);
            }
        }
    }

    /// Whether bits have values together behind some step that launches a guest.
    fn ask(&mut self, name: &str, aims: &[Aim]) -> Answer {
        let (setting, launching) = (self.context.setting, self.launching);
        let name = format!("resume/{name}{}", with(setting, launching.kept));
        some(self.context, &self.by, &|inquiry| {
            inquiry.ask(&Question {
                name: name.clone(),
                ask: &|problem| resume::ask(problem, setting, launching, aims),
                shows: &|replay| resume::shown_by(replay, launching, aims),
            })
        })
    }
}

/// Whether some instruction or trap, in one of the modes of a pair, gives one of these bits its value, or a reset does.
pub(super) fn given(context: Context<'_>, aims: &[Aim]) -> Answer {
    let setting = context.setting;
    let isa = setting.isa;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    if aims.iter().any(|aim| aim.is_met(&reset)) {
        return Answer::Yes;
    }
    let steps = VirtualMode::PAIR.map(|side| gives(context, side, aims));
    let what = named(context, aims);
    let traps = (0..setting.isa.traps.len()).map(|i| TrapId(i as u32)).map(|trap| {
        let Some(class) = setting.isa.classes.first() else { return Answer::No };
        let mut inquiry = Inquiry::new(context, class);
        let given = inquiry.ask(&Question {
            name: format!("given/{}/{what}", setting.isa.trap(trap).name),
            ask: &|problem| resume::ask_given_by_trap(problem, trap, aims),
            shows: &|replay| resume::given_by_trap_shown_by(replay, trap, aims),
        });
        given.exists()
    });
    Answer::any(steps.into_iter().chain(traps))
}

/// Whether some instruction, in one of the modes of the pair, gives one of these bits its value.
pub(super) fn gives(context: Context<'_>, side: VirtualMode, aims: &[Aim]) -> Answer {
    let setting = context.setting;
    // Every instruction moves P on.
    let any = aims.iter().any(|aim| aim.component.slice.role == Role::P);
    let all = (0..setting.isa.classes.len()).collect();
    let registers: Vec<RegisterId> = aims.iter().map(|aim| aim.component.register).collect();
    let classes = if any { all } else { writing(setting, &registers) };
    let what = named(context, aims);
    Answer::any(classes.iter().map(|class| {
        let mut inquiry = Inquiry::new(context, &setting.isa.classes[*class]);
        let given = inquiry.ask(&Question {
            name: format!("given/{}/{what}", side.word()),
            ask: &|problem| resume::ask_given(problem, setting, side, aims),
            shows: &|replay| resume::given_shown_by(replay, side, aims),
        });
        given.exists()
    }))
}

/// Bits and their values, in a word.
fn named(context: Context<'_>, aims: &[Aim]) -> String {
    let bits = |value: bool| {
        let aims = aims.iter().filter(|aim| (aim.value != 0) == value);
        aims.fold(0, |bits, aim| bits | aim.mask)
    };
    match aims {
        [first, rest @ ..] if rest.iter().all(|it| it.component == first.component) => {
            let name = save::name(context.setting, &first.component);
            format!("{name}/{:#x}/{:#x}", bits(true), bits(false))
        }
        all => {
            let role = all.first().map_or(Role::E, |it| it.component.slice.role);
            format!("{} of {role}/{:#x}/{:#x}", all.len(), bits(true), bits(false))
        }
    }
}

//! Which components stay as a reset leaves them: the largest set that is [fixed](crate::definitions::fixed).

use model::isa::{Class, Part, TrapId};

use super::choice::Assignment;
use super::steps::writing;
use crate::definitions::fixed;
use crate::definitions::launch::writes;
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::theorems::choice;

/// The fixed components with their values: from all that may be, what something changes is taken away until nothing
/// changes what is left.
pub(crate) fn judge(context: Context<'_>) -> Assignment {
    let mut fixed = fixed::candidates(context.setting.isa);
    loop {
        let stays = |one: &(Part, u128)| !changes(context, *one, &fixed);
        let left: Assignment = fixed.iter().copied().filter(stays).collect();
        if left.len() == fixed.len() {
            return fixed;
        }
        fixed = left;
    }
}

/// Whether some instruction or trap may change a component, from a state in which these have their values.
fn changes(context: Context<'_>, one: (Part, u128), fixed: &[(Part, u128)]) -> bool {
    let isa = context.setting.isa;
    let name = choice::component(isa, one.0);
    let by_trap = |class: &Class| {
        let mut inquiry = Inquiry::new(context, class);
        (0..isa.traps.len()).map(|i| TrapId(i as u32)).any(|trap| {
            let written = writes(&isa.trap(trap).sequence.statements, one.0.register);
            let question = Question {
                name: format!("fixed/{name}/{}/{}", isa.trap(trap).name, fixed.len()),
                ask: &|problem| fixed::ask_trap(problem, one, fixed, trap),
                shows: &|replay| fixed::trap_shown_by(replay, one, fixed, trap),
            };
            written && !inquiry.ask(&question).is_absent()
        })
    };
    let by_step = |class: &Class| {
        let question = Question {
            name: format!("fixed/{name}/{}", fixed.len()),
            ask: &|problem| fixed::ask_step(problem, one, fixed),
            shows: &|replay| fixed::step_shown_by(replay, one, fixed),
        };
        !Inquiry::new(context, class).ask(&question).is_absent()
    };
    writing(context.setting, &[one.0.register])
        .into_iter()
        .any(|class| by_step(&isa.classes[class]))
        || isa.classes.first().is_some_and(by_trap)
}

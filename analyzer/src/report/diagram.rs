//! The commuting diagram, as it is reported.

use model::isa::{Profile, Verdict};

use super::{DiagramReport, Refutation, Squares};
use crate::definitions::dispatch::is_emulated;
use crate::definitions::sequence::Stores;
use crate::prove::answer::Answer;
use crate::prove::setting::Setting;
use crate::theorems::classify::Classification;
use crate::theorems::diagram::{Diagram, Need, Needed, all_of};
use crate::theorems::theorem::Judgement;

/// Equivalence, where every square commutes.
pub(crate) const PROVED: &str = "proved for all states";

/// What the diagram comes to for a theorem that holds, in the modes it speaks of.
pub(super) fn report(
    setting: Setting<'_>,
    (all, it): (&[Classification], &Diagram),
    judgement: &Judgement,
    loss: Option<Refutation>,
) -> Option<DiagramReport> {
    let sides = setting.virtual_modes(judgement.theorem);
    if judgement.verdict != Verdict::Holds && !judgement.lost {
        return None;
    }
    let isa = setting.isa;
    let trapped = |emulated: bool| {
        let of_class = isa.classes.iter().zip(&it.trapped).enumerate();
        let squares = of_class.flat_map(move |(i, (class, squares))| {
            squares.iter().map(move |square| (i, class, square))
        });
        squares.filter(move |(_, class, square)| {
            sides.contains(&square.side) && is_emulated(isa, class, square.side) == emulated
        })
    };
    // Under the monitor's choice of its own bits the squares that need it commute.
    let direct_of = |c: &Classification| match c.commutes(sides) {
        Answer::No if !judgement.keeps.is_empty() => Answer::Yes,
        answer => answer,
    };
    let direct = Answer::any(all.iter().map(|c| direct_of(c).negated())).negated();
    let emulated = all_of(trapped(true).map(|(_, _, s)| &s.verdict));
    let reflected = all_of(trapped(false).map(|(_, _, s)| &s.verdict));
    let traps = all_of(it.sequences.iter().flat_map(|s| [&s.partition, &s.saved]));
    let allocators = || it.allocator.iter().filter(|s| sides.contains(&s.side));
    let allocator = all_of(allocators().map(|s| &s.verdict));

    // What does not commute, and what is open, by name.
    let mut failing = Vec::new();
    let mut open = Vec::new();
    let mut note = |name: String, answer: Answer| match answer {
        Answer::No if !failing.contains(&name) => failing.push(name),
        Answer::Undecided if !open.contains(&name) => open.push(name),
        _ => {}
    };
    for (class, c) in isa.classes.iter().zip(all) {
        note(class.name.clone(), direct_of(c));
    }
    for Needed { need, name, answer } in it.parts(isa, sides) {
        let fetching = if need == Need::Fetching { "fetching " } else { "" };
        note(format!("{fetching}{name}"), answer);
    }
    // Outside `extended` the verdict holds while no guest relies on the rest.
    if setting.profile == Profile::Extended {
        for sequence in it.sequences.iter().filter(|s| all_of(&s.counter) != Answer::No) {
            let name = &isa.trap(sequence.trap).name;
            note(format!("trap {name} (loses part of E)"), all_of(&sequence.registers));
        }
    }
    let equivalence = match (failing.as_slice(), open.as_slice()) {
        ([], []) => PROVED.to_owned(),
        ([], open) => format!("undecided for {}", open.join(", ")),
        (failing, _) => format!("fails for {}", failing.join(", ")),
    };
    let squares = Squares {
        direct: all.len() as u64,
        trapped: it.trapped.iter().filter(|s| s.iter().any(|s| sides.contains(&s.side))).count()
            as u64,
        traps: it.sequences.len() as u64,
        allocator: allocators().count() as u64,
    };
    let assumptions = assumptions(setting, it);
    Some(DiagramReport {
        direct,
        emulated,
        reflected,
        traps,
        allocator,
        equivalence,
        squares,
        failing,
        assumptions,
        loss,
    })
}

/// What the induction assumes beyond the specification.
fn assumptions(setting: Setting<'_>, it: &Diagram) -> Vec<String> {
    let mut all = vec![
        "what a trap loads from the monitor's own cells and components leads to the dispatcher: trap entry shows that it can".to_owned(),
        "the dispatcher learns which trap was taken; its interpreters follow the specification".to_owned(),
    ];
    if it.sequences.iter().any(|s| s.stores == Stores::Own) {
        all.push("what a trap stores through the monitor's own registers (its stack) exists, and lies outside the partition and apart from what the trap loads".into());
    }
    if setting.profile != Profile::Extended {
        all.push("every instruction leaves a guest with l + b ≤ w, as the paper assumes".into());
    }
    if setting.isa.all_fetches.is_empty() {
        all.push(
            "instructions are fetched through the mapping: the specification does not say how"
                .into(),
        );
    }
    let listed = setting
        .isa
        .unlisted
        .as_ref()
        .is_some_and(|body| matches!(body.statements.as_slice(), [model::isa::Stmt::Trap(..)]));
    if !listed {
        all.push("guests run no opcode that the specification does not list".into());
    }
    all
}

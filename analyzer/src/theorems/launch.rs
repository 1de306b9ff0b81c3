//! Whether a monitor can hand the processor to a guest: [launching](crate::definitions::launch) with the bits
//! that a verdict says it keeps, and [resuming](crate::definitions::resume) what the guest had.

use model::bits::mask;
use model::interp;
use model::isa::{Class, Part, RegisterId, Role};
use model::state::State;

use crate::definitions::VirtualMode;
use crate::definitions::launch::{self, Launching, writes};
use crate::definitions::resume::{self, Aim};
use crate::definitions::save::{Component, of_role};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::theorems::choice::{self, Assignment};
use crate::theorems::entries::{self, Entries};
use crate::theorems::save;

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
pub(crate) fn judge(context: Context<'_>, kept: &[(Part, u128)], entries: &Entries) -> Launch {
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
    if it.known {
        let is_mapping = |it: &Component| {
            launch::mapping(isa)
                .any(|(part, _)| (part.register, part.low) == (it.register, it.slice.low))
        };
        let mapping = of_role(isa, Role::R).into_iter().filter(is_mapping);
        let mapping: Vec<Component> = mapping.collect();
        let [mut lost, mut open] = resumes(context, kept, &of_role(isa, Role::P));
        let of_mapping = resumes(context, kept, &mapping);
        for (all, more) in [&mut lost, &mut open].into_iter().zip(of_mapping) {
            all.extend(more);
        }
        for (answer, which) in [(Answer::No, lost), (Answer::Undecided, open)] {
            for component in which {
                let name = save::name(setting, &component);
                it.note(
                    answer,
                    format!("no instruction that enters {user}{with} leaves {name} as the guest needs it"),
                    format!("whether an instruction that enters {user}{with} leaves {name} as the guest needs it is undecided"),
                );
            }
        }
    }
    for place in launch::mapping(isa) {
        let name = choice::component(isa, place.0);
        let moved = some(context, &writing(setting, &[place.0.register]), &|inquiry| {
            inquiry.ask(&Question {
                name: format!("launch/moves {name}"),
                ask: &|problem| launch::ask_map(problem, setting, place),
                shows: &|replay| launch::map_shown_by(replay, place),
            })
        });
        if moved != Answer::Yes {
            it.assumed.push(format!("the monitor can set {name}{UNLISTED}"));
        }
    }
    let set = isa.classes.first().filter(|_| image && !fragment);
    let set = set.map_or_else(Vec::new, |class| launch::set_by_deprivileging(setting, class));
    it.set_in_turn(context, kept);
    // Entering user mode may set them itself.
    for bits in set {
        it.note_unset(setting, bits, &[], settable(context, bits, kept));
    }
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

/// Whether one of these classes launches a guest.
fn launches(context: Context<'_>, launching: Launching<'_>, classes: &[usize]) -> Answer {
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
fn entering(setting: Setting<'_>) -> Vec<usize> {
    match setting.isa.mode {
        Some(part) => writing(setting, &[part.register]),
        None => (0..setting.isa.classes.len()).collect(),
    }
}

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

/// Whether some instruction, in one of the modes of a pair, gives one of these bits its value.
fn given(context: Context<'_>, aims: &[Aim]) -> Answer {
    let setting = context.setting;
    // Every instruction moves P on.
    let any = aims.iter().any(|aim| aim.component.slice.role == Role::P);
    let all = (0..setting.isa.classes.len()).collect();
    let registers: Vec<RegisterId> = aims.iter().map(|aim| aim.component.register).collect();
    let classes = if any { all } else { writing(setting, &registers) };
    let components: Vec<&Component> = aims.iter().map(|aim| &aim.component).collect();
    let what = match components.as_slice() {
        [first, rest @ ..] if rest.iter().all(|it| it == first) => save::name(setting, first),
        all => format!("some of {}", all.first().map_or(Role::E, |it| it.slice.role)),
    };
    Answer::any(VirtualMode::PAIR.map(|side| {
        some(context, &classes, &|inquiry| {
            inquiry.ask(&Question {
                name: format!("given/{}/{what}", side.word()),
                ask: &|problem| resume::ask_given(problem, setting, side, aims),
                shows: &|replay| resume::given_shown_by(replay, side, aims),
            })
        })
    }))
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

/// ` with en = 1`.
fn with(setting: Setting<'_>, kept: &[(Part, u128)]) -> String {
    let words = choice::words(setting.isa, kept);
    if words.is_empty() { words } else { format!(" with {words}") }
}

/// Whether the monitor can see to it that bits have their value, while others are held at theirs.
fn settable(context: Context<'_>, bits: (Part, u128), held: &[(Part, u128)]) -> Answer {
    Answer::any([stays(context, bits), sets(context, bits, held)])
}

/// Whether bits have their value after a reset, and no trap changes it.
fn stays(context: Context<'_>, bits: (Part, u128)) -> Answer {
    let setting = context.setting;
    let isa = setting.isa;
    let reset = interp::run_plain(&isa.reset, &State::zero(isa, isa.storage.cells));
    let Some(class) = isa.classes.first().filter(|_| reset.part(bits.0) == bits.1) else {
        return Answer::No;
    };
    let word = choice::words(isa, &[bits]);
    let mut inquiry = Inquiry::new(context, class);
    let changed = setting.entering().map(|trap| {
        let question = Question {
            name: format!("sequence/{}/keeps {word}", isa.trap(trap).name),
            ask: &|problem| launch::ask_trap(problem, setting, bits, trap),
            shows: &|replay| launch::trap_shown_by(replay, bits, trap),
        };
        inquiry.ask(&question).exists()
    });
    Answer::any(changed).negated()
}

/// Whether some instruction in supervisor mode gives bits their value, and leaves others that have theirs.
fn sets(context: Context<'_>, bits: (Part, u128), held: &[(Part, u128)]) -> Answer {
    let setting = context.setting;
    let name =
        format!("launch/sets {}{}", choice::words(setting.isa, &[bits]), with(setting, held));
    some(context, &writing(setting, &[bits.0.register]), &|inquiry| {
        inquiry.ask(&Question {
            name: name.clone(),
            ask: &|problem| launch::ask_set(problem, setting, bits, held),
            shows: &|replay| launch::set_shown_by(replay, bits, held),
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
fn some(
    context: Context<'_>,
    classes: &[usize],
    ask: &dyn Fn(&mut Inquiry<'_>) -> Existence,
) -> Answer {
    let setting = context.setting;
    let mut answer = Answer::No;
    for class in classes.iter().map(|index| &setting.isa.classes[*index]) {
        // What the architecture leaves open is not to be relied on.
        if !class.body.choices.is_empty() {
            answer = Answer::Undecided;
            continue;
        }
        let mut inquiry = Inquiry::new(context, class);
        let found = ask(&mut inquiry);
        match found {
            Existence::Witnessed(_) => return Answer::Yes,
            Existence::Unknown(_) => answer = Answer::Undecided,
            Existence::Absent(_) => {}
        }
    }
    answer
}

//! Components and footprints in words.

use std::collections::BTreeSet;

use model::isa::{Isa, Slice};

use crate::prove::footprint::Component;

/// `a, b and c`.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "and")
}

fn joined<S: AsRef<str>>(names: &[S], word: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", first.join(", "), last.as_ref())
        }
    }
}

/// Components by name, in the order of the specification.
pub(super) fn names(isa: &Isa, all: &BTreeSet<Component>) -> Vec<String> {
    let mut names: Vec<String> = all.iter().flat_map(|it| name(isa, *it)).collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The components of a machine that are chosen by their bits.
pub(super) fn chosen(isa: &Isa, chosen: impl Fn(&Slice) -> bool) -> Vec<String> {
    let slices = isa.register_ids().flat_map(|(id, register)| {
        (0..register.slices.len()).map(move |slice| Component::Register(id, slice))
    });
    names(isa, &slices.filter(|it| it.slice(isa).is_some_and(&chosen)).collect())
}

/// The same, or how many there are where there are many.
pub(super) fn counted(isa: &Isa, of: impl Fn(&Slice) -> bool, what: &str) -> String {
    const SHOWN: usize = 6;
    let names = chosen(isa, of);
    if names.len() > SHOWN {
        format!("any of the {} components of {what}", names.len())
    } else {
        either(&names)
    }
}

/// `a, b or c`.
pub(super) fn either<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "or")
}

/// A component: a register, its fields with the role, or storage.
fn name(isa: &Isa, component: Component) -> Vec<String> {
    let storage = &isa.storage.name;
    match component {
        Component::Window => vec![format!("{storage} (through the mapping)")],
        Component::Outside => vec![format!("{storage} (perhaps past the mapping)")],
        Component::Cells => vec![format!("the size of {storage}")],
        Component::Register(id, slice) => {
            let (register, slice) = (isa.register(id), &isa.register(id).slices[slice]);
            if register.slices.len() == 1 {
                return vec![register.name.clone()];
            }
            let inside = register.fields.iter().filter(|field| {
                slice.low <= field.low && field.low + field.width <= slice.low + slice.width
            });
            let fields: Vec<_> = inside.collect();
            let width: u32 = fields.iter().map(|field| field.width).sum();
            if fields.len() <= 4 && width == slice.width {
                fields.iter().map(|field| format!("{}.{}", register.name, field.name)).collect()
            } else {
                vec![format!("{} (its bits of {})", register.name, slice.role)]
            }
        }
    }
}

/// A sentence that goes on.
pub(in crate::report) fn lower(text: &str) -> String {
    let mut rest = text.chars();
    rest.next()
        .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + rest.as_str())
}

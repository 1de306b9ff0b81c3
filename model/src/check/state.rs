//! Checking of the state: components, roles, constants.

use std::collections::BTreeMap;

use super::Checker;
use crate::bits::bits_for;
use crate::diagnostic::Span;
use crate::isa::{Field, Part, Register, RegisterId, Slice, Storage};
use crate::lower::bits;
use crate::spec::{self, Component, Kind, Names, Numbering, Role, Sp};

/// Most registers of a file.
const MAX_COUNT: u128 = 65_536;
/// Most cells of a storage: addresses have up to 64 bits.
const MAX_CELLS: u128 = 1 << 64;

/// The components with a part to play.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub(super) mode: Option<Part>,
    pub(super) relocation: Option<Part>,
    pub(super) bounds: Option<Part>,
}

impl Checker<'_> {
    pub(super) fn components(&mut self) -> (Option<Storage>, Vec<Register>) {
        let mut storage: Option<Storage> = None;
        let mut registers = Vec::new();
        let Some(state) = &self.spec.state else {
            let start = self.start();
            self.error(
                "K001",
                start,
                "there is no `state:`",
                "list the components with their roles E, M, P, R",
            );
            return (None, registers);
        };
        for (name, component) in state.iter() {
            self.check_name(name);
            let Some(width) = &component.width else {
                self.error("K004", name.span, format!("`{}` has no `width:`", name.it), "");
                continue;
            };
            let width = self.width(width, 64);
            let Some(role) = component.role else {
                let message = format!("`{}` has no `role:`", name.it);
                self.error(
                    "K002",
                    name.span,
                    message,
                    "say which letter of ⟨E, M, P, R⟩ it is: role: E",
                );
                continue;
            };
            let Some(cells) = component.cells else {
                registers.extend(self.register(name, component, width, role.it));
                continue;
            };
            if role.it != Role::E {
                self.error("K002", role.span, "storage has role E", "");
            }
            if cells.it == 0 || cells.it > MAX_CELLS {
                self.error("K005", cells.span, "storage has 1 to 2^64 cells", "");
                continue;
            }
            if storage.is_some() {
                self.error(
                    "K006",
                    name.span,
                    "there is more than one storage",
                    "exactly one component has `cells:`",
                );
                continue;
            }
            storage = Some(Storage { name: name.it.clone(), width, cells: cells.it });
        }
        if storage.is_none() && !self.report.failed() {
            let start = self.start();
            self.error(
                "K006",
                start,
                "there is no storage",
                "give one component of role E `cells:`",
            );
        }
        (storage, registers)
    }

    pub(super) fn check_name(&mut self, name: &Sp<String>) {
        let mut characters = name.it.chars();
        let first = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let rest = characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !first || !rest || crate::lexer::KEYWORDS.contains(&name.it.as_str()) {
            let message = format!("`{}` cannot be a name", name.it);
            self.error(
                "K003",
                name.span,
                message,
                "names are letters, digits and `_`, and no keyword",
            );
        }
    }

    fn register(
        &mut self,
        name: &Sp<String>,
        component: &Component,
        width: u32,
        role: Role,
    ) -> Option<Register> {
        let count = match component.count {
            Some(count) if count.it == 0 || count.it > MAX_COUNT => {
                self.error(
                    "K005",
                    count.span,
                    format!("a file has 1 to {MAX_COUNT} registers"),
                    "",
                );
                return None;
            }
            count => count.map(|c| c.it as u32),
        };
        self.check_kind(role, component.kind, name.span, &name.it);
        let kind = component.kind.map(|k| k.it);
        let mut bits = vec![(role, kind, false); width as usize];
        let mut fields = Vec::new();
        for (field_name, field) in component.fields.iter().flat_map(Names::iter) {
            self.check_name(field_name);
            let field = &field.0;
            let Some((low, field_width)) = self.field_bits(field, width, field_name.span) else {
                continue;
            };
            if let Some(role) = field.role {
                self.check_kind(role.it, field.kind, field_name.span, &field_name.it);
                for bit in &mut bits[low as usize..(low + field_width) as usize] {
                    let new = (role.it, field.kind.map(|k| k.it), true);
                    if bit.2 && *bit != new {
                        let message = format!("bits of `{}` have two roles", field_name.it);
                        self.error("K007", field_name.span, message, "");
                        break;
                    }
                    *bit = new;
                }
            } else if let Some(kind) = field.kind {
                self.error("K007", kind.span, "a field with a `kind:` needs `role: R`", "");
            }
            let values = self.values(field.values.as_ref(), field_width);
            fields.push(Field { name: field_name.it.clone(), low, width: field_width, values });
        }
        let values = self.values(component.values.as_ref(), width);
        Some(Register {
            name: name.it.clone(),
            width,
            count,
            slices: slices(&bits),
            fields,
            values,
        })
    }

    fn check_kind(&mut self, role: Role, kind: Option<Sp<Kind>>, span: Span, name: &str) {
        match (role, kind) {
            (Role::R, None) => {
                let message = format!("`{name}` has role R but no `kind:`");
                let all: Vec<_> = Kind::ALL.iter().map(|k| k.word()).collect();
                self.error("K002", span, message, &format!("one of: {}", all.join(", ")));
            }
            (Role::E | Role::M | Role::P, Some(kind)) => {
                let message = format!("`{name}` has a `kind:`, but only role R has kinds");
                self.error("K002", kind.span, message, "");
            }
            (Role::R, Some(_)) | (Role::E | Role::M | Role::P, None) => {}
        }
    }

    /// Lowest bit and width of a field.
    fn field_bits(
        &mut self,
        field: &spec::FieldRecord,
        width: u32,
        span: Span,
    ) -> Option<(u32, u32)> {
        let Some(text) = &field.bits else {
            self.error("K004", span, "the field has no `bits:`", "");
            return None;
        };
        let parse = |text: &str| text.trim().parse::<u32>().ok();
        let (first, last) = match text.it.split_once(':') {
            Some((first, last)) => (parse(first), parse(last)),
            None => (parse(&text.it), parse(&text.it)),
        };
        let (Some(first), Some(last)) = (first, last) else {
            let message = format!("`{}` is no position", text.it);
            self.error("K008", text.span, message, "write a bit, 9, or a range, \"13:12\"");
            return None;
        };
        let msb0 = self.spec.numbering.is_some_and(|n| n.it == Numbering::Msb0);
        let top = width - 1;
        if first > top || last > top {
            let message = format!("the field lies outside its register of {width} bits");
            self.error("K008", text.span, message, &format!("bits are numbered 0 to {top}"));
            return None;
        }
        let (high, low) = if msb0 { (top - first, top - last) } else { (first, last) };
        if high < low {
            let help = if msb0 {
                "bit 0 is the most significant: write the lower number first"
            } else {
                "write the higher bit first"
            };
            self.error("K008", text.span, "the field is empty", help);
            return None;
        }
        Some((low, high - low + 1))
    }

    fn values(&mut self, values: Option<&Names<Sp<u128>>>, width: u32) -> Vec<(String, u128)> {
        let mut all = Vec::new();
        for (name, value) in values.into_iter().flat_map(Names::iter) {
            self.check_name(name);
            if bits_for(value.it) > width {
                let message = format!("{} does not fit {}", value.it, bits(width));
                self.error("K005", value.span, message, "");
            }
            all.push((name.it.clone(), value.it));
        }
        all
    }

    /// Constants, and the names of values.
    pub(super) fn constants(&mut self, registers: &[Register]) -> BTreeMap<String, u128> {
        let mut all = BTreeMap::new();
        for (name, constant) in self.spec.constants.iter().flat_map(Names::iter) {
            self.check_name(name);
            match constant.value {
                Some(value) => drop(all.insert(name.it.clone(), value)),
                None => self.error("K004", name.span, format!("`{}` has no `value:`", name.it), ""),
            }
        }
        let fields =
            |r: &Register| r.fields.iter().flat_map(|f| f.values.clone()).collect::<Vec<_>>();
        let values = |r: &Register| [r.values.clone(), fields(r)].concat();
        let values = registers.iter().flat_map(|r| values(r).into_iter().map(move |v| (r, v)));
        for (register, (name, value)) in values {
            if let Some(old) = all.insert(name.clone(), value)
                && old != value
            {
                let place = self.place_of(&register.name);
                let message = format!("`{name}` names two values, {old} and {value}");
                self.error(
                    "K003",
                    place,
                    message,
                    "names of values are global: choose different ones",
                );
            }
        }
        all
    }

    /// The mode and the two components of the paper's R.
    pub(super) fn roles(&mut self, registers: &[Register]) -> Roles {
        let mut roles = Roles::default();
        for (i, register) in registers.iter().enumerate() {
            let id = RegisterId(i as u32);
            for slice in &register.slices {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let place = match (slice.role, slice.kind) {
                    (Role::R, Some(Kind::Relocation)) => &mut roles.relocation,
                    (Role::R, Some(Kind::Bounds)) => &mut roles.bounds,
                    _ => continue,
                };
                if place.replace(part).is_some() || register.count.is_some() {
                    let place = self.place_of(&register.name);
                    let message = format!(
                        "`{}`: R has one relocation and one bounds component, no more",
                        register.name
                    );
                    self.error(
                        "K009",
                        place,
                        message,
                        "what lies inside the outermost mapping is of kind resource",
                    );
                }
            }
            for (part, values) in mode_parts(id, register) {
                if !values.is_empty() && roles.mode.replace(part).is_some() {
                    let place = self.place_of(&register.name);
                    self.error(
                        "K009",
                        place,
                        "two components of role M have `values:`",
                        "one is the mode; the others follow it",
                    );
                }
            }
        }
        roles
    }
}

/// The parts of a register that could be the mode, with the names of their values.
fn mode_parts(id: RegisterId, register: &Register) -> Vec<(Part, &[(String, u128)])> {
    let is_mode = |low: u32, width: u32| {
        register
            .slices
            .iter()
            .any(|s| s.role == Role::M && s.low <= low && low + width <= s.low + s.width)
    };
    let whole = (0, register.width, register.values.as_slice());
    let fields = register.fields.iter().map(|f| (f.low, f.width, f.values.as_slice()));
    std::iter::once(whole)
        .chain(fields)
        .filter(|(low, width, _)| is_mode(*low, *width) && register.count.is_none())
        .map(|(low, width, values)| (Part { register: id, low, width }, values))
        .collect()
}

/// Groups bits of equal role.
fn slices(bits: &[(Role, Option<Kind>, bool)]) -> Vec<Slice> {
    let mut all: Vec<Slice> = Vec::new();
    for (i, &(role, kind, _)) in bits.iter().enumerate() {
        match all.last_mut() {
            Some(last) if last.role == role && last.kind == kind => last.width += 1,
            _ => all.push(Slice { low: i as u32, width: 1, role, kind }),
        }
    }
    all
}

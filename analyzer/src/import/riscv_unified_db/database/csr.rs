//! CSRs as they are written.

use model::diagnostic::{Diagnostic, Span};
use model::yaml::Node;

use super::Condition;
use super::record::{Name, Record, code, items, number, range, text};

/// A control and status register.
#[derive(Debug)]
pub(in super::super) struct Csr {
    pub(in super::super) name: Name,
    pub(in super::super) title: String,
    /// Its number; `None` for one that is reached indirectly.
    pub(in super::super) address: Option<u128>,
    /// The number under which VS mode finds it.
    pub(in super::super) virtual_address: Option<u128>,
    pub(in super::super) mode: Name,
    pub(in super::super) writable: bool,
    pub(in super::super) length: Length,
    pub(in super::super) defined_by: Option<Condition>,
    pub(in super::super) fields: Vec<Field>,
    /// What software reads, where that is not simply the fields.
    pub(in super::super) sw_read: Option<Span>,
}

/// How many bits it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Length {
    Xlen,
    Bits(u32),
}

/// A field.
#[derive(Debug)]
pub(in super::super) struct Field {
    pub(in super::super) name: Name,
    pub(in super::super) any: Option<(u32, u32)>,
    pub(in super::super) rv32: Option<(u32, u32)>,
    pub(in super::super) rv64: Option<(u32, u32)>,
    pub(in super::super) kind: FieldType,
    pub(in super::super) reset: Reset,
    /// What a write of software comes to: the name of its parameter, and IDL.
    pub(in super::super) sw_write: Option<(String, Span)>,
    pub(in super::super) aliases: Vec<Alias>,
    pub(in super::super) defined_by: Option<Condition>,
    /// Prose.
    pub(in super::super) description: String,
}

/// Another field that is the same bits.
#[derive(Debug, Clone)]
pub(in super::super) struct Alias {
    pub(in super::super) csr: String,
    pub(in super::super) field: String,
    /// The lowest of the bits that are meant, where not all are.
    pub(in super::super) low: u32,
    pub(in super::super) span: Span,
}

/// Who writes a field.
#[derive(Debug, Clone)]
pub(in super::super) enum FieldType {
    /// `RW`, `RO-H` and their like.
    Word(Name),
    Code(Span),
    Missing,
}

/// The value of a field after a reset.
#[derive(Debug, Clone)]
pub(in super::super) enum Reset {
    Number(u128),
    Code(Span),
    /// Left open, or not said.
    Open,
}

impl Field {
    /// Its bits, highest and lowest.
    pub(in super::super) fn bits(&self, xlen: u32) -> Option<(u32, u32)> {
        self.any.or(if xlen == 32 { self.rv32 } else { self.rv64 })
    }
}

impl Csr {
    pub(super) fn read(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let name = record.needed("name", found)?;
        let length = record.needed("length", found)?;
        let length = match number(&length.it) {
            Some(bits @ 1..=64) => Length::Bits(bits as u32),
            Some(_) => {
                found.push(Diagnostic::error("U004", length.span, "a CSR has 1 to 64 bits"));
                return None;
            }
            None => Length::Xlen,
        };
        let mut fields = Vec::new();
        if let Some(all) = record.get("fields").and_then(Record::of) {
            for (key, value) in all.entries() {
                let name = Name { it: text(key)?.to_owned(), span: key.span };
                if let Some(field) = Field::read(name, value, found) {
                    fields.push(field);
                }
            }
        }
        Some(Self {
            title: record.word("long_name").map_or_else(String::new, |it| it.it),
            address: record.number("address", found),
            virtual_address: record.number("virtual_address", found),
            mode: record.needed("priv_mode", found)?,
            writable: record.word("writable").is_none_or(|it| it.it == "true"),
            length,
            defined_by: record.get("definedBy").and_then(Condition::read),
            fields,
            sw_read: record.code("sw_read()"),
            name,
        })
    }
}

impl Field {
    fn read(name: Name, node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let mut place = |key: &str| {
            let word = record.word(key)?;
            let bits = range(&word.it);
            if bits.is_none() {
                found.push(Diagnostic::error(
                    "U004",
                    word.span,
                    format!("`{}` are no bits", word.it),
                ));
            }
            bits
        };
        let (any, rv32, rv64) = (place("location"), place("location_rv32"), place("location_rv64"));
        let kind = match (record.word("type"), record.code("type()")) {
            (Some(word), _) => FieldType::Word(word),
            (None, Some(code)) => FieldType::Code(code),
            (None, None) => FieldType::Missing,
        };
        let reset = match (record.word("reset_value"), record.code("reset_value()")) {
            (Some(word), _) => number(&word.it).map_or(Reset::Open, Reset::Number),
            (None, Some(code)) => Reset::Code(code),
            (None, None) => Reset::Open,
        };
        let sw_write = record.starting("sw_write(").and_then(|(key, value)| {
            let parameter = key.trim_start_matches("sw_write(").trim_end_matches(')');
            Some((parameter.to_owned(), code(value)?))
        });
        let aliases = record.get("alias").map(items).unwrap_or_default().iter();
        let aliases = aliases.filter_map(|it| {
            let (csr, field) = text(it)?.rsplit_once('.')?;
            let (field, bits) = field.split_once('[').unwrap_or((field, ""));
            let bits = bits.trim_end_matches(']').replace(':', "-");
            let low = range(&bits).map_or(0, |(_, low)| low);
            Some(Alias { csr: csr.to_owned(), field: field.to_owned(), low, span: it.span })
        });
        Some(Self {
            any,
            rv32,
            rv64,
            kind,
            reset,
            sw_write,
            aliases: aliases.collect(),
            description: record.word("description").map_or_else(String::new, |it| it.it),
            defined_by: record.get("definedBy").and_then(Condition::read),
            name,
        })
    }
}

//! Instructions as they are written.

use model::diagnostic::{Diagnostic, Span};
use model::yaml::Node;

use super::Condition;
use super::record::{Name, Record, items, number, range, text};

/// An instruction.
#[derive(Debug)]
pub(in super::super) struct Instruction {
    pub(in super::super) name: Name,
    pub(in super::super) defined_by: Option<Condition>,
    pub(in super::super) encodings: Encodings,
    pub(in super::super) access: Vec<Access>,
    /// What it does, in IDL; `None` where the database says nothing.
    pub(in super::super) operation: Option<Span>,
}

/// What `access:` says of one mode.
#[derive(Debug, Clone)]
pub(in super::super) struct Access {
    pub(in super::super) mode: String,
    pub(in super::super) word: String,
    pub(in super::super) span: Span,
}

/// One encoding for both widths, or one for each.
#[derive(Debug, Default)]
pub(in super::super) struct Encodings {
    pub(in super::super) any: Option<Encoding>,
    pub(in super::super) rv32: Option<Encoding>,
    pub(in super::super) rv64: Option<Encoding>,
}

impl Encodings {
    /// That of a width.
    pub(in super::super) fn of(&self, xlen: u32) -> Option<&Encoding> {
        self.any.as_ref().or(if xlen == 32 { self.rv32.as_ref() } else { self.rv64.as_ref() })
    }
}

/// An encoding.
#[derive(Debug, Clone)]
pub(in super::super) struct Encoding {
    /// `0`, `1` and `-`, most significant first.
    pub(in super::super) pattern: String,
    pub(in super::super) variables: Vec<Variable>,
}

/// An operand of an encoding.
#[derive(Debug, Clone)]
pub(in super::super) struct Variable {
    pub(in super::super) name: Name,
    /// The pieces, most significant first, as highest and lowest bit.
    pub(in super::super) pieces: Vec<(u32, u32)>,
    pub(in super::super) signed: bool,
    pub(in super::super) shift: u32,
    /// Values that belong to other instructions.
    pub(in super::super) not: Vec<u128>,
}

impl Variable {
    /// Bits in the encoding.
    pub(in super::super) fn width(&self) -> u32 {
        self.pieces.iter().map(|(high, low)| high - low + 1).sum()
    }
}

impl Instruction {
    pub(super) fn read(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let name = record.needed("name", found)?;
        let mut encodings = Encodings::default();
        if let Some(node) = record.get("encoding") {
            let of = Record::of(node)?;
            if of.get("match").is_some() {
                encodings.any = Encoding::read(node, found);
            } else {
                encodings.rv32 = of.get("RV32").and_then(|it| Encoding::read(it, found));
                encodings.rv64 = of.get("RV64").and_then(|it| Encoding::read(it, found));
            }
        } else if let Some(format) = record.get("format") {
            encodings.any = Encoding::of_format(format, found);
        }
        let access = record.get("access").and_then(Record::of).map(|of| {
            let of_mode = |(key, value): (&Node, &Node)| {
                Some(Access {
                    mode: text(key)?.to_owned(),
                    word: text(value)?.to_owned(),
                    span: value.span,
                })
            };
            of.entries().filter_map(of_mode).collect()
        });
        Some(Self {
            defined_by: record.get("definedBy").and_then(Condition::read),
            encodings,
            access: access.unwrap_or_default(),
            operation: record.code("operation()"),
            name,
        })
    }
}

impl Encoding {
    fn read(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let pattern = record.needed("match", found)?;
        let lengths = [16, 32, 48, 64];
        if pattern.it.contains(|c| !"01-".contains(c)) || !lengths.contains(&pattern.it.len()) {
            let message = "an encoding has 16, 32, 48 or 64 of 0, 1 and -";
            found.push(Diagnostic::error("U004", pattern.span, message));
            return None;
        }
        let variables = record.get("variables").map(items).unwrap_or_default();
        let variables = variables.iter().map(|it| {
            let of = Record::of(it)?;
            Variable::read(of.needed("name", found)?, &of, found)
        });
        let variables = variables.collect::<Option<Vec<_>>>()?;
        let length = pattern.it.len() as u32;
        for variable in &variables {
            if variable.pieces.iter().any(|(high, _)| *high >= length) {
                let message = format!("`{}` lies outside the encoding", variable.name.it);
                found.push(Diagnostic::error("U004", variable.name.span, message));
                return None;
            }
        }
        Some(Self { pattern: pattern.it, variables })
    }

    /// The encoding that opcodes and variables with places make, where inherited parts are there.
    fn of_format(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let mut pattern = vec!['-'; 32];
        for (_, opcode) in Record::of(record.get("opcodes")?)?.entries() {
            let of = Record::of(opcode)?;
            let (high, low) = range(&of.word("location")?.it)?;
            let value = of.number("value", found)?;
            for bit in low..=high.min(31) {
                pattern[31 - bit as usize] = if value >> (bit - low) & 1 == 1 { '1' } else { '0' };
            }
        }
        let mut variables = Vec::new();
        for (key, variable) in Record::of(record.get("variables")?)?.entries() {
            let name = Name { it: text(key)?.to_owned(), span: key.span };
            variables.push(Variable::read(name, &Record::of(variable)?, found)?);
        }
        Some(Self { pattern: pattern.into_iter().collect(), variables })
    }
}

impl Variable {
    fn read(name: Name, record: &Record<'_>, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let location = record.needed("location", found)?;
        let pieces: Option<Vec<_>> = location.it.split('|').map(range).collect();
        let Some(pieces) = pieces else {
            let error = Diagnostic::error("U004", location.span, "this is no place in an encoding");
            found.push(error.help("write `31-20`, `7` or `31|7|30-25`"));
            return None;
        };
        let not = record.get("not").map(items).unwrap_or_default();
        Some(Self {
            name,
            pieces,
            signed: record.word("sign_extend").is_some_and(|it| it.it == "true"),
            shift: record.number("left_shift", found).unwrap_or(0) as u32,
            not: not.iter().filter_map(|it| text(it).and_then(number)).collect(),
        })
    }
}

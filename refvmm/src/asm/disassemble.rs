//! Decoded instructions to text.

use model::isa::Isa;
use model::state::number;

use super::syntax::{Form, Part, text};
use crate::decode::{Decoded, join};
use crate::engine::instruction;

/// The instruction that begins at a cell, with its length, if one is listed. `read` hands over
/// cells in order of address, and `None` past the end of storage; nothing is mapped.
pub fn instruction_at(
    isa: &Isa,
    cell: u128,
    read: impl Fn(u128) -> Option<u128>,
) -> Option<(Decoded, u128)> {
    let decoded = instruction(isa, |fetch| {
        let cells: Option<Vec<u128>> = (0..fetch.length).map(|i| read(cell + i)).collect();
        cells.map(|cells| join(isa, &cells)).ok_or(())
    });
    let decoded = decoded.ok().flatten()?;
    let length = isa.classes[decoded.class].length;
    Some((decoded, length))
}

/// An instruction as the specification writes it, with its operands; registers by name where the
/// operand indexes one file only. The text assembles to an instruction that decodes to the same.
pub fn disassemble(isa: &Isa, decoded: &Decoded) -> String {
    let class = &isa.classes[decoded.class];
    let Some(form) = Form::of(isa, class) else { return text(class) };
    let operand = |index: usize| {
        let value = class.operands[index].fixed.unwrap_or(decoded.operands[index]);
        let mut files = form.files[index].iter().map(|id| isa.register(*id));
        match (files.next(), files.next()) {
            (Some(file), None) if value < u128::from(file.len()) => {
                format!("{}{value}", file.name)
            }
            _ => number(value),
        }
    };
    form.parts.iter().fold(form.mnemonic.clone(), |line, (before, part)| match part {
        Part::Literal(word) => line + before + word,
        Part::Operand(index) => line + before + &operand(*index),
    })
}

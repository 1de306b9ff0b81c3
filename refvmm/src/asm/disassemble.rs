//! Decoded instructions to text.

use model::isa::Isa;
use model::state::number;

use super::syntax::{Form, Part, text};
use crate::decode::Decoded;

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

//! Instruction words to decode classes and operands, and back.

use model::interp::operand_condition;
use model::isa::{Class, Endian, Isa};

/// A decoded instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its class, as an index into [`Isa::classes`].
    pub class: usize,
    /// Its operands, in the order of [`Class::operands`].
    pub operands: Vec<u128>,
}

/// Finds the class of an instruction of `width` bits.
/// Encodings do not overlap and cases exclude each other, so there is at most one.
pub fn decode(isa: &Isa, word: u128, width: u32) -> Option<Decoded> {
    isa.classes.iter().enumerate().find_map(|(class, it)| {
        let pattern = it.pattern.as_ref().filter(|p| p.width == width && p.matches(word))?;
        let operands: Vec<u128> =
            it.operands.iter().map(|o| pattern.extract(&o.name, word)).collect();
        belongs(it, &operands).then_some(Decoded { class, operands })
    })
}

/// Whether operands are those of the class.
fn belongs(class: &Class, operands: &[u128]) -> bool {
    let held =
        class.operands.iter().zip(operands).all(|(o, v)| o.fixed.is_none_or(|fixed| fixed == *v));
    held && class.when.as_ref().is_none_or(|condition| operand_condition(condition, operands))
}

/// The word of an instruction, with don't-care bits zero; `None` for a class without encoding.
pub fn encode(class: &Class, operands: &[u128]) -> Option<u128> {
    let pattern = class.pattern.as_ref()?;
    let value = |name: &str| {
        let position = class.operands.iter().position(|o| o.name == name);
        position.map_or(0, |i| class.operands[i].fixed.unwrap_or(operands[i]))
    };
    let pieces = pattern.pieces.iter().map(|piece| {
        let bits = value(&piece.operand) >> piece.operand_low & model::bits::mask(piece.width);
        bits << piece.low
    });
    Some(pieces.fold(pattern.value, |word, bits| word | bits))
}

/// The cells of an instruction, in order of address; `None` for a class without encoding.
/// A word of several cells is stored like any other access of several, as `endian` says.
pub fn encode_cells(isa: &Isa, class: &Class, operands: &[u128]) -> Option<Vec<u128>> {
    let width = class.pattern.as_ref()?.width;
    encode(class, operands).map(|word| split(isa, word, width / isa.storage.width))
}

/// The low `count` cells of a word, in order of address.
pub fn split(isa: &Isa, word: u128, count: u32) -> Vec<u128> {
    let width = isa.storage.width;
    let cell = |i: u32| word.checked_shr(i * width).unwrap_or(0) & model::bits::mask(width);
    match isa.endian {
        Endian::Little => (0..count).map(cell).collect(),
        Endian::Big => (0..count).rev().map(cell).collect(),
    }
}

/// The word of cells, given in order of address.
pub(crate) fn join(isa: &Isa, cells: &[u128]) -> u128 {
    let append = |word: u128, cell: &u128| word.checked_shl(isa.storage.width).unwrap_or(0) | cell;
    match isa.endian {
        Endian::Little => cells.iter().rev().fold(0, append),
        Endian::Big => cells.iter().fold(0, append),
    }
}

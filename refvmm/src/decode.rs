//! Instruction words to decode classes and operands, and back.

use model::bits::mask;
use model::interp::operand_condition;
use model::isa::{Class, Endian, Fetch, Isa};

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
    (0..isa.classes.len()).find_map(|class| decode_as(isa, class, word, width))
}

/// The instruction of `width` bits, if it is of the class.
pub fn decode_as(isa: &Isa, class: usize, word: u128, width: u32) -> Option<Decoded> {
    let it = &isa.classes[class];
    let pattern = it.pattern.as_ref().filter(|p| p.width == width && p.matches(word))?;
    let operands: Vec<u128> = it.operands.iter().map(|o| pattern.extract(&o.name, word)).collect();
    belongs(it, &operands).then_some(Decoded { class, operands })
}

/// Whether some longer instruction begins like a word of `width` bits.
pub(crate) fn goes_on(isa: &Isa, word: u128, width: u32) -> bool {
    isa.classes.iter().filter_map(|c| c.pattern.as_ref()).any(|p| {
        let begins = |bits: u128| match isa.endian {
            Endian::Big => bits >> p.width.saturating_sub(width),
            Endian::Little => bits & mask(width),
        };
        p.width > width && (word ^ begins(p.value)) & begins(p.mask) == 0
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

/// Bits of a word by which classes are looked up.
const INDEX: u32 = 10;

/// Finds classes by the stretch of bits that most encodings fix.
#[derive(Debug)]
pub(crate) struct Decoder {
    lengths: Vec<Length>,
}

/// Encodings of one length.
#[derive(Debug)]
struct Length {
    width: u32,
    /// The lowest bit of the stretch.
    low: u32,
    /// Encodings that have some bits there, in the order of their classes.
    table: Vec<Vec<u16>>,
    encodings: Vec<Encoding>,
}

/// How operands stand in a word.
#[derive(Debug)]
struct Encoding {
    class: usize,
    mask: u128,
    value: u128,
    /// Operand, lowest bit in the word and in the operand, and mask there.
    pieces: Vec<(usize, u32, u32, u128)>,
    /// Whether each operand is one stretch of 64 bits.
    plain: bool,
    /// Whether the class has further conditions.
    conditional: bool,
}

impl Decoder {
    /// Looks at all encodings once.
    pub(crate) fn new(isa: &Isa) -> Self {
        Self { lengths: isa.fetches.iter().map(|fetch| Length::new(isa, fetch)).collect() }
    }

    /// Fetches and decodes an instruction as [`crate::engine::instruction`] does; its operands are
    /// put into a list.
    pub(crate) fn instruction<E>(
        &self,
        isa: &Isa,
        operands: &mut Vec<u128>,
        mut read: impl FnMut(usize) -> Result<u128, E>,
    ) -> Result<Option<usize>, E> {
        for (i, length) in self.lengths.iter().enumerate() {
            let word = read(i)?;
            let found = length.find(isa, word, operands);
            if found.is_some() || i + 1 == self.lengths.len() || !goes_on(isa, word, length.width) {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl Length {
    fn new(isa: &Isa, fetch: &Fetch) -> Self {
        let width = fetch.word.width;
        let mut encodings = Vec::new();
        for (class, it) in isa.classes.iter().enumerate() {
            let Some(pattern) = it.pattern.as_ref().filter(|p| p.width == width) else { continue };
            let mut pieces = Vec::new();
            for (operand, o) in it.operands.iter().enumerate() {
                let mine = pattern.pieces.iter().filter(|p| p.operand == o.name);
                pieces.extend(mine.map(|p| (operand, p.low, p.operand_low, mask(p.width))));
            }
            let conditional = it.when.is_some() || it.operands.iter().any(|o| o.fixed.is_some());
            let one = |(i, (operand, _, at, _)): (usize, &(usize, u32, u32, u128))| {
                i == *operand && *at == 0
            };
            let plain = width <= 64
                && pieces.len() == it.operands.len()
                && pieces.iter().enumerate().all(one);
            let (mask, value) = (pattern.mask, pattern.value);
            encodings.push(Encoding { class, mask, value, pieces, plain, conditional });
        }
        let fixed = |low: &u32| -> u32 {
            let bits = mask(INDEX) << low;
            encodings.iter().map(|e| (e.mask & bits).count_ones()).sum()
        };
        let low = (0..=width.saturating_sub(INDEX)).max_by_key(fixed).unwrap_or(0);
        let may_have = |index: u128| {
            let fits = |e: &Encoding| (e.value >> low ^ index) & e.mask >> low & mask(INDEX) == 0;
            (0..).zip(&encodings).filter(|(_, e)| fits(e)).map(|(i, _)| i).collect()
        };
        let table = (0..1 << INDEX).map(may_have).collect();
        Self { width, low, table, encodings }
    }

    fn find(&self, isa: &Isa, word: u128, operands: &mut Vec<u128>) -> Option<usize> {
        let index = (word >> self.low & mask(INDEX)) as usize;
        self.table[index].iter().find_map(|i| {
            let encoding = &self.encodings[usize::from(*i)];
            let class = &isa.classes[encoding.class];
            if word & encoding.mask != encoding.value {
                return None;
            }
            operands.clear();
            if encoding.plain {
                // Most often an operand is one stretch of a short word.
                let piece = |&(_, low, _, bits): &(usize, u32, u32, u128)| {
                    u128::from(word as u64 >> (low & 63) & bits as u64)
                };
                operands.extend(encoding.pieces.iter().map(piece));
            } else {
                operands.resize(class.operands.len(), 0);
                for (operand, low, at, bits) in &encoding.pieces {
                    operands[*operand] |= (word >> low & bits) << at;
                }
            }
            (!encoding.conditional || belongs(class, operands)).then_some(encoding.class)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::engine::tests::{Stream, layout, operands};
    use model::bits::mask;

    #[test]
    fn looked_up_or_searched_it_is_the_same_class() {
        for name in ["g3", "pdp10", "pdp10-ka10", "m68000", "m68010"] {
            let layout = layout(name);
            let isa = &layout.isa;
            let mut stream = Stream(3);
            let mut found = Vec::new();
            for round in 0..20_000 {
                let class = &isa.classes[stream.below(isa.classes.len() as u64) as usize];
                let chosen = operands(class, 200, &mut stream).unwrap_or_default();
                let any = u128::from(stream.bits()) << 64 | u128::from(stream.bits());
                let word = encode(class, &chosen).filter(|_| round % 4 > 0).unwrap_or(any);
                let read = |i: usize| Ok::<_, ()>(word & mask(isa.fetches[i].word.width));
                let looked_up = layout.decoder.instruction(isa, &mut found, read);
                let searched = crate::engine::instruction(isa, |fetch| {
                    Ok::<_, ()>(word & mask(fetch.word.width))
                });
                let searched = searched.map(|it| it.map(|it| (it.class, it.operands)));
                assert_eq!(looked_up.map(|it| it.map(|class| (class, found.clone()))), searched);
            }
        }
    }
}

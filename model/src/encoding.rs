//! Instruction encodings: patterns of fixed, free and field bits, and how they cover the opcodes.

/// An encoding, most significant bit first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Bits in all, at most 128.
    pub width: u32,
    /// Bits that are fixed.
    pub mask: u128,
    /// Their values.
    pub value: u128,
    /// Where the operands stand.
    pub pieces: Vec<Piece>,
}

/// A stretch of an operand inside an encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The operand's name.
    pub operand: String,
    /// Lowest bit of the operand that stands here.
    pub operand_low: u32,
    /// Lowest bit of the encoding where it stands.
    pub low: u32,
    /// Bits.
    pub width: u32,
}

/// How much of the opcode space a set of encodings covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Fraction of the opcode space that some instruction lists, 0 to 1.
    pub fraction: f64,
}

impl Pattern {
    /// Reads `0111 ---- r[3] imm[7:0]`. The error says which token is wrong and why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = Self { width: 0, mask: 0, value: 0, pieces: Vec::new() };
        let mut whole: Vec<(String, u32)> = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            match first {
                '0' | '1' | '-' => {
                    pattern.push(1)?;
                    if first != '-' {
                        pattern.mask |= 1;
                        pattern.value |= u128::from(first == '1');
                    }
                    rest = &rest[1..];
                }
                c if c.is_ascii_alphabetic() => {
                    let (token, after) = rest
                        .find(']')
                        .map(|end| rest.split_at(end + 1))
                        .ok_or_else(|| format!("`{rest}` has no `]`"))?;
                    let (name, high, low, is_whole) = field(token)?;
                    pattern.push(high - low + 1)?;
                    if is_whole {
                        whole.push((name.clone(), high + 1));
                    }
                    pattern.pieces.push(Piece {
                        operand: name,
                        operand_low: low,
                        low: 0,
                        width: high - low + 1,
                    });
                    rest = after;
                }
                other => return Err(format!("`{other}` is neither a bit nor a field")),
            }
            rest = rest.trim_start_matches([' ', '_', '\n']);
        }
        if pattern.width == 0 {
            return Err("the encoding is empty".into());
        }
        pattern.check_pieces(&whole)?;
        Ok(pattern)
    }

    fn push(&mut self, bits: u32) -> Result<(), String> {
        if self.width + bits > 128 {
            return Err("the encoding has more than 128 bits".into());
        }
        self.width += bits;
        self.mask = self.mask.checked_shl(bits).unwrap_or(0);
        self.value = self.value.checked_shl(bits).unwrap_or(0);
        for piece in &mut self.pieces {
            piece.low += bits;
        }
        Ok(())
    }

    /// A field is given whole once, or in pieces that make it up without gap or overlap.
    fn check_pieces(&self, whole: &[(String, u32)]) -> Result<(), String> {
        for (name, width) in self.operands() {
            let mut seen = 0u128;
            for piece in self.pieces.iter().filter(|p| p.operand == name) {
                let bits = crate::bits::mask(piece.width) << piece.operand_low;
                if seen & bits != 0 {
                    return Err(format!("bits of `{name}` stand twice"));
                }
                seen |= bits;
            }
            if seen != crate::bits::mask(width) {
                return Err(format!("bits of `{name}` are missing below bit {width}"));
            }
            if whole.iter().any(|(n, w)| *n == name && *w != width) {
                return Err(format!("`{name}` is given whole and in pieces"));
            }
        }
        Ok(())
    }

    /// Operands and their widths, in order of appearance.
    pub fn operands(&self) -> Vec<(String, u32)> {
        let mut all: Vec<(String, u32)> = Vec::new();
        for piece in &self.pieces {
            let width = piece.operand_low + piece.width;
            match all.iter_mut().find(|(n, _)| *n == piece.operand) {
                Some((_, w)) => *w = width.max(*w),
                None => all.push((piece.operand.clone(), width)),
            }
        }
        all
    }

    /// Whether some word matches both; patterns of different widths are compared from the top.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ((m1, v1), (m2, v2)) = (self.aligned(), other.aligned());
        (v1 ^ v2) & m1 & m2 == 0
    }

    /// Whether every word that matches this pattern matches the other one too.
    pub fn is_within(&self, other: &Self) -> bool {
        let ((m1, _), (m2, _)) = (self.aligned(), other.aligned());
        self.overlaps(other) && m2 & !m1 == 0
    }

    /// Mask and value moved to the top of 128 bits.
    fn aligned(&self) -> (u128, u128) {
        let shift = 128 - self.width;
        (self.mask << shift, self.value << shift)
    }

    /// Whether a word of this pattern's width matches.
    pub fn matches(&self, word: u128) -> bool {
        word & self.mask == self.value
    }

    /// An operand's value in a word.
    pub fn extract(&self, operand: &str, word: u128) -> u128 {
        self.pieces
            .iter()
            .filter(|p| p.operand == operand)
            .map(|p| (word >> p.low & crate::bits::mask(p.width)) << p.operand_low)
            .fold(0, |all, bits| all | bits)
    }
}

/// Reads `name[5]` or `name[11:5]`: name, highest bit, lowest bit, whether it is the whole field.
fn field(token: &str) -> Result<(String, u32, u32, bool), String> {
    let fail = || format!("`{token}` is no field: write name[width] or name[high:low]");
    let (name, range) = token.strip_suffix(']').and_then(|t| t.split_once('[')).ok_or_else(fail)?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(fail());
    }
    let parse = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n < 128);
    let (high, low, whole) = match range.split_once(':') {
        Some((high, low)) => (parse(high), parse(low), false),
        None => (parse(range).and_then(|n| n.checked_sub(1)), Some(0), true),
    };
    match (high, low) {
        (Some(high), Some(low)) if high >= low => Ok((name.to_owned(), high, low, whole)),
        _ => Err(fail()),
    }
}

/// Coverage of encodings that do not overlap.
pub(crate) fn coverage(patterns: &[&Pattern]) -> Coverage {
    let fraction = patterns.iter().map(|p| 0.5f64.powi(p.mask.count_ones() as i32)).sum();
    Coverage { fraction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_pieces_are_found() {
        let p = Pattern::parse("01 a[2] - b[3:2] 1 b[1:0]").expect("a pattern");
        assert_eq!((p.width, p.mask, p.value), (10, 0b11_0000_0100, 0b01_0000_0100));
        assert_eq!(p.operands(), [("a".to_owned(), 2), ("b".to_owned(), 4)]);
        let word = 0b01_1001_1101;
        assert!(p.matches(word));
        assert_eq!((p.extract("a", word), p.extract("b", word)), (0b10, 0b1101));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for text in ["", "01 a[2", "a[0]", "a[3:2]", "a[2] a[1:0]", "2", "a[64] b[64] c[64]"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn overlap_is_symmetric_and_containment_is_not() {
        let wide = Pattern::parse("01 a[6]").expect("a pattern");
        let narrow = Pattern::parse("01 000 b[3]").expect("a pattern");
        let other = Pattern::parse("1 c[7]").expect("a pattern");
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide));
        assert!(narrow.is_within(&wide) && !wide.is_within(&narrow));
        assert!(!wide.overlaps(&other));
    }
}

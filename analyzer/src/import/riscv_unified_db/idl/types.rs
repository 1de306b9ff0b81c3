//! Types of IDL, and how wide the result of an operator is.

use super::ast::{Binary, LiteralWidth, Number};

/// Widest value that can be translated.
pub(crate) const MAX_WIDTH: u32 = 128;

/// The type of a bit string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Width {
    pub(crate) bits: u32,
    pub(crate) signed: bool,
}

impl Width {
    pub(crate) const fn unsigned(bits: u32) -> Self {
        Self { bits, signed: false }
    }

    /// The value with all bits set.
    pub(crate) const fn mask(self) -> u128 {
        mask(self.bits)
    }
}

/// `bits` ones.
pub(crate) const fn mask(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

/// Bits that a value needs, 1 for 0.
pub(crate) const fn bits_for(value: u128) -> u32 {
    let bits = 128 - value.leading_zeros();
    if bits == 0 { 1 } else { bits }
}

/// The type of a literal; the error says what does not fit.
pub(crate) fn of_literal(number: Number, xlen: u32) -> Result<Width, String> {
    let needed = bits_for(number.value);
    let bits = match number.width {
        LiteralWidth::Least => {
            return Ok(Width { bits: needed + u32::from(number.signed), signed: number.signed });
        }
        LiteralWidth::Xlen => xlen,
        LiteralWidth::Bits(bits) => bits,
    };
    if needed > bits {
        return Err(format!("{} does not fit {bits} bits", number.value));
    }
    Ok(Width { bits, signed: number.signed })
}

/// The type of the result of an operator, but for comparisons, which are boolean, and `` `<< ``, whose width depends
/// on the amount.
pub(crate) fn of_binary(operator: Binary, left: Width, right: Width) -> Width {
    let (wider, signed) = (left.bits.max(right.bits), left.signed && right.signed);
    match operator {
        Binary::Shl | Binary::WideShl | Binary::Shr | Binary::Sar => left,
        Binary::WideAdd | Binary::WideSub => Width::unsigned(wider + 1),
        Binary::WideMul => Width::unsigned(wider * 2),
        Binary::Mul
        | Binary::Div
        | Binary::Rem
        | Binary::Add
        | Binary::Sub
        | Binary::And
        | Binary::Xor
        | Binary::Or
        | Binary::Lt
        | Binary::Gt
        | Binary::Le
        | Binary::Ge
        | Binary::Eq
        | Binary::Ne
        | Binary::AndThen
        | Binary::OrElse => Width { bits: wider, signed },
    }
}

/// A value of one type as a value of another, wider or narrower: extended by its own sign, or cut.
pub(crate) fn convert(value: u128, from: Width, to: u32) -> u128 {
    let negative = from.signed && value >> (from.bits - 1) & 1 == 1;
    let wide = if negative { value | !from.mask() } else { value };
    wide & mask(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_follow_the_reference() {
        let (a, b) = (Width::unsigned(4), Width { bits: 2, signed: true });
        assert_eq!(of_binary(Binary::Add, a, b), Width::unsigned(4));
        assert_eq!(of_binary(Binary::WideAdd, a, b), Width::unsigned(5));
        assert_eq!(of_binary(Binary::WideMul, a, b), Width::unsigned(8));
        assert_eq!(of_binary(Binary::Shl, b, a), b);
        assert_eq!(of_binary(Binary::Mul, b, b), b);
    }

    #[test]
    fn values_are_extended_by_their_own_sign() {
        let signed = Width { bits: 2, signed: true };
        assert_eq!(convert(3, signed, 4), 0xf);
        assert_eq!(convert(3, Width::unsigned(2), 4), 3);
        assert_eq!(convert(0x1f, Width::unsigned(5), 4), 0xf);
        assert_eq!(convert(1, signed, 128), 1);
    }

    #[test]
    fn a_literal_has_to_fit() {
        let number = |value, width, signed| Number { value, width, signed };
        assert_eq!(of_literal(number(15, LiteralWidth::Least, false), 64), Ok(Width::unsigned(4)));
        assert_eq!(
            of_literal(number(13, LiteralWidth::Least, true), 64),
            Ok(Width { bits: 5, signed: true })
        );
        assert_eq!(of_literal(number(0, LiteralWidth::Least, false), 64), Ok(Width::unsigned(1)));
        assert_eq!(of_literal(number(1, LiteralWidth::Xlen, false), 32), Ok(Width::unsigned(32)));
        assert!(of_literal(number(255, LiteralWidth::Bits(4), false), 64).is_err());
    }
}

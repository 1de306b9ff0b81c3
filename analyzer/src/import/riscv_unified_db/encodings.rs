//! Encodings side by side: which lie within others.

use super::database::Instruction;

/// The fixed bits of a pattern, and their values.
fn fixed(pattern: &str) -> (u64, u64) {
    let one = |(mask, value): (u64, u64), c: char| match c {
        '0' => (mask << 1 | 1, value << 1),
        '1' => (mask << 1 | 1, value << 1 | 1),
        _ => (mask << 1, value << 1),
    };
    pattern.chars().fold((0, 0), one)
}

/// For each instruction, why its encoding cannot be given, if it cannot: opcodes of another are also opcodes of it, and
/// belong to the more special of the two; or it has another length than most.
pub(super) fn within(all: &[&Instruction], xlen: u32) -> Vec<Option<String>> {
    let patterns: Vec<Option<(usize, u64, u64)>> = (all.iter())
        .map(|it| {
            it.encodings.of(xlen).map(|of| {
                let (mask, value) = fixed(&of.pattern);
                (of.pattern.len(), mask, value)
            })
        })
        .collect();
    let mut result: Vec<Option<String>> = vec![None; all.len()];
    let other = |length: usize| {
        format!(
            "Its encoding has {length} bits. Our language tells lengths by the first bits of an opcode, this machine by the last."
        )
    };
    for (of, pattern) in result.iter_mut().zip(&patterns) {
        *of = pattern.filter(|(length, ..)| *length != 32).map(|(length, ..)| other(length));
    }
    for (i, a) in patterns.iter().enumerate() {
        for (j, b) in patterns.iter().enumerate().skip(i + 1) {
            let (Some((m, mask, value)), Some((n, other, its))) = (a, b) else { continue };
            if m != n
                || (value ^ its) & mask & other != 0
                || result[i].is_some()
                || result[j].is_some()
            {
                continue;
            }
            let (general, special) =
                if mask.count_ones() < other.count_ones() { (i, j) } else { (j, i) };
            let special = &all[special].name.it;
            result[general] =
                Some(format!("Its encoding without that of {special}, which is more special."));
        }
    }
    result
}

//! Functions of the specification that the importer writes itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::database::{Domain, Parameter};
use super::machine::{EXCEPTIONS, STORE_PAGE_FAULT};
use super::translate::Translator;

pub(super) fn exception(translator: &Translator<'_>, number: u128, default: &str) -> String {
    let found = translator.exceptions.iter().find(|(_, it)| **it == number);
    found.map_or_else(|| default.to_owned(), |(name, _)| name.clone())
}

/// Functions that reach storage and the mapping, and what the numbers of CSRs say.
pub(super) fn native_functions(translator: &mut Translator<'_>, data_mode: &str) -> String {
    let (xlen, moded) = (translator.xlen(), translator.modes.len() > 1);
    let wide = xlen + 2;
    let unaligned = "MISALIGNED_LDST";
    let boolean = translator.database.parameters.get(unaligned) == Some(&Domain::Boolean);
    if boolean && !translator.configuration.parameters.contains_key(unaligned) {
        translator.open.insert(unaligned.to_owned());
    }
    let name = |number: u128| {
        let all = EXCEPTIONS.iter().chain(std::iter::once(&STORE_PAGE_FAULT));
        let default = all
            .clone()
            .find(|(it, _)| *it == number)
            .map_or("IllegalInstruction", |(_, name)| name);
        exception(translator, number, default)
    };
    let misaligned = |number: u128| {
        let when = match translator.configuration.parameters.get(unaligned) {
            Some(Parameter::Bool(true)) => return String::new(),
            None if boolean => "misaligned_ldst || ",
            Some(_) | None => "",
        };
        format!(
            "    require {when}(zext(a, {wide}) & (n - 1)) == 0 else trap({}, a);\n",
            name(number)
        )
    };
    let mut out = String::from("functions: |\n");
    let _ = write!(out, "  fn set(r: 5, w: {xlen}) {{\n    if r != 0 {{ x[r] = w; }}\n  }}\n");
    if moded {
        let mapped = mapped(translator, "mode");
        let bits = translator.mode_bits();
        let _ = write!(
            out,
            "  // Whether a mode finds storage at base and bound.\n  fn mapped(mode: {bits}) -> 1 {{\n    return {mapped};\n  }}\n\
             \x20 // Whether n cells from a on are storage in a mode.\n  fn inside(a: {xlen}, n: {wide}, mode: {bits}) -> 1 {{\n    \
             let end = zext(a, {wide}) + n;\n    let most = mapped(mode) ? bound : cells(mem);\n    \
             let first = mapped(mode) ? base : 0;\n    \
             return end <= zext(most, {wide}) && zext(first, {wide}) + end <= cells(mem);\n  }}\n"
        );
        let _ = write!(
            out,
            "  fn load_address(a: {xlen}, n: {wide}) -> {xlen} {{\n{}    return a;\n  }}\n",
            misaligned(4)
        );
        let _ = write!(
            out,
            "  fn store_address(a: {xlen}, n: {wide}) -> {xlen} {{\n{}    let mode = {data_mode};\n    \
             if !inside(a, n, mode) {{\n      if mapped(mode) {{ trap({}, a); }}\n      trap({}, a);\n    }}\n    \
             return a;\n  }}\n",
            misaligned(6),
            name(15),
            name(7)
        );
        let _ = write!(
            out,
            "  // Where the instruction at a is: what mode loads are made in does not matter.\n  \
             fn fetch_address(a: {xlen}, n: {wide}) -> {} {{\n    if !inside(a, n, prv) {{\n      \
             if mapped(prv) {{ trap({}, a); }}\n      trap({}, a);\n    }}\n    \
             return mapped(prv) ? base +^ a : zext(a, {});\n  }}\n",
            xlen + 1,
            name(12),
            name(1),
            xlen + 1
        );
        let bytes = xlen / 8;
        let _ = write!(
            out,
            "  fn map_everything() {{\n    base = 0;\n    bound = cells(mem);\n  }}\n  \
             fn map_table(root: {xlen}) {{\n    base = phys[root; {bytes}];\n    bound = phys[root + {bytes}; {bytes}];\n  }}\n"
        );
    } else {
        let _ = write!(
            out,
            "  fn load_address(a: {xlen}, n: {wide}) -> {xlen} {{\n{}    return a;\n  }}\n  \
             fn store_address(a: {xlen}, n: {wide}) -> {xlen} {{\n{}    \
             require zext(a, {wide}) + n <= cells(mem) else trap({}, a);\n    return a;\n  }}\n",
            misaligned(4),
            misaligned(6),
            name(7)
        );
    }
    out + &number_functions(translator)
}

/// Whether a mode finds storage at base and bound: all but M and S mode do.
pub(super) fn mapped(translator: &Translator<'_>, mode: &str) -> String {
    let all = translator.modes.iter().filter(|(name, ..)| !matches!(*name, "M" | "S"));
    let all: Vec<String> = all.map(|(_, name, _)| format!("{mode} == {name}")).collect();
    if all.is_empty() { "false".into() } else { all.join(" || ") }
}

fn number_functions(translator: &Translator<'_>) -> String {
    let bits = translator.mode_bits();
    let numbered: Vec<(usize, u128)> = translator
        .registers
        .keys()
        .filter_map(|it| translator.database.csrs[*it].address.map(|address| (*it, address)))
        .collect();
    let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<u128> {
        numbered.iter().filter(|(it, _)| wanted(*it)).map(|(_, n)| *n).collect()
    };
    let mut out = String::new();
    let _ = write!(
        out,
        "  // What the number of a CSR says.\n  fn csr_exists(n: 12) -> 1 {{\n    return {};\n  }}\n  \
         fn csr_writable(n: 12) -> 1 {{\n    return {};\n  }}\n",
        ranges(of(&|_| true)),
        ranges(of(&|it| translator.database.csrs[it].writable))
    );
    let mut by_mode: BTreeMap<u128, Vec<u128>> = BTreeMap::new();
    for (index, n) in &numbered {
        by_mode.entry(translator.mode_of(*index)).or_default().push(*n);
    }
    let _ = writeln!(out, "  fn csr_mode(n: 12) -> {bits} {{");
    for (mode, numbers) in by_mode {
        if mode != 3 {
            let _ = writeln!(out, "    if {} {{ return {mode}; }}", ranges(numbers));
        }
    }
    out.push_str("    return 3;\n  }\n");
    let virtual_numbers = translator.virtual_numbers();
    if !virtual_numbers.is_empty() {
        out.push_str("  // In VS mode the numbers of supervisor CSRs name those of the virtual supervisor.\n");
        out.push_str("  fn csr_number(n: 12) -> 12 {\n    if prv == virtual_supervisor {\n");
        for (seen, meant) in virtual_numbers {
            let _ = writeln!(out, "      if n == 0x{seen:x} {{ return 0x{meant:x}; }}");
        }
        out.push_str("    }\n    return n;\n  }\n");
    }
    out
}

/// Numbers as ranges: `(n >= 3 && n <= 7) || n == 9`.
fn ranges(mut numbers: Vec<u128>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    let mut runs: Vec<(u128, u128)> = Vec::new();
    for n in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            _ => runs.push((n, n)),
        }
    }
    let one = |(first, last): &(u128, u128)| {
        if first == last {
            format!("n == 0x{first:x}")
        } else {
            format!("(n >= 0x{first:x} && n <= 0x{last:x})")
        }
    };
    if runs.is_empty() {
        "false".into()
    } else {
        runs.iter().map(one).collect::<Vec<_>>().join(" || ")
    }
}

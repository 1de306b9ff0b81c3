//! What surrounds the instructions: components, traps, the mapping, and functions that IDL cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::database::{Parameter, Reset};
use super::functions::{exception, mapped, native_functions};
use super::translate::registers::Kept;
use super::translate::value::{Bits, Term, Truth, Value, number};
use super::translate::{Line, Translator, printed};

/// Exceptions that the mapping raises, by number, with the names that are taken where the database has none.
pub(super) const EXCEPTIONS: [(u128, &str); 9] = [
    (0, "InstructionAddressMisaligned"),
    (1, "InstructionAccessFault"),
    (2, "IllegalInstruction"),
    (4, "LoadAddressMisaligned"),
    (5, "LoadAccessFault"),
    (6, "StoreAmoAddressMisaligned"),
    (7, "StoreAmoAccessFault"),
    (12, "InstructionPageFault"),
    (13, "LoadPageFault"),
];
pub(super) const STORE_PAGE_FAULT: (u128, &str) = (15, "StoreAmoPageFault");

/// The number of an exception that nobody gave one.
const MEMORY: [u128; 9] = [1, 5, 7, 12, 13, 15, 20, 21, 23];
const PRIVILEGE: [u128; 2] = [2, 22];

/// The parts of a specification around its instructions, as YAML.
pub(super) struct Surroundings {
    pub(super) state: String,
    pub(super) views: String,
    pub(super) functions: String,
    pub(super) machine: String,
    pub(super) assumptions: String,
}

/// A function of the prelude, called with these values; what it does, and its value.
fn performed(
    translator: &mut Translator<'_>,
    name: &str,
    arguments: Vec<Value>,
) -> Option<(Vec<Line>, Value)> {
    translator.perform_function(name, arguments).ok()
}

/// Makes them; `instructions` is their text, which says what is used.
pub(super) fn surroundings(translator: &mut Translator<'_>, instructions: &str) -> Surroundings {
    let xlen = translator.xlen();
    let moded = translator.modes.len() > 1;
    let term = |text: &str| Value::Bits(Bits::term(Term::primary(text), xlen));
    let views = views(translator, instructions);
    // Calls of the environment are one trap.
    let calls = moded && translator.exceptions.values().any(|it| *it == 8);
    let cause = if calls {
        format!("code == 8 ? 8 + zext(prv[1:0], {xlen}) : code")
    } else {
        "code".into()
    };
    let entry = performed(translator, "trap_entry", vec![term(&cause), term("arg")]);
    let reset = performed(translator, "reset_state", Vec::new());
    let data_mode = match performed(translator, "effective_ldst_mode", Vec::new()) {
        Some((_, Value::Member(of, bits))) if moded => translator.member_text(&of, &bits),
        _ => "prv".into(),
    };
    let assumptions = assumptions(translator);
    let mut functions = native_functions(translator, &data_mode);
    for made in &translator.made {
        let mut body = String::new();
        printed(&made.lines, 4, &mut body);
        let _ = write!(functions, "  fn {}{} {{\n{}  }}\n", made.name, made.head, tidy(&body));
    }
    let machine = machine(translator, entry.map(|it| it.0), reset.map(|it| it.0), &data_mode);
    let functions = needed(&functions, &[instructions, &views, &machine, &assumptions].concat());
    let all = [instructions, &views, &functions, &machine, &assumptions].concat();
    Surroundings { state: state(translator, &all), views, functions, machine, assumptions }
}

/// The functions that something names, with the comments before them.
fn needed(functions: &str, by: &str) -> String {
    let (head, rest) = functions.split_once('\n').unwrap_or((functions, ""));
    let mut all: Vec<(&str, String)> = Vec::new();
    let mut text = String::new();
    for line in rest.lines() {
        text.push_str(line);
        text.push('\n');
        if line == "  }" {
            let from = text.find("  fn ").map_or(0, |it| it + 5);
            let name = text[from..].split('(').next().unwrap_or_default().to_owned();
            let at = rest.find(&format!("  fn {name}(")).map_or(0, |it| it + 5);
            all.push((&rest[at..at + name.len()], std::mem::take(&mut text)));
        }
    }
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    loop {
        let used = |name: &str| {
            names(by).contains(name)
                || all.iter().any(|(of, text)| {
                    kept.contains(of) && *of != name && names(text).contains(name)
                })
        };
        let more: Vec<&str> =
            all.iter().map(|(name, _)| *name).filter(|it| !kept.contains(it) && used(it)).collect();
        if more.is_empty() {
            break;
        }
        kept.extend(more);
    }
    let texts: Vec<&str> =
        all.iter().filter(|(name, _)| kept.contains(name)).map(|(_, text)| text.as_str()).collect();
    format!("{head}\n{}", texts.concat())
}

/// Statements with `_` before the locals that nothing reads.
pub(super) fn tidy(text: &str) -> String {
    let mut out = text.to_owned();
    let locals: BTreeSet<&str> = text
        .lines()
        .filter_map(|it| it.trim_start().strip_prefix("let ")?.split(' ').next())
        .collect();
    for local in locals.into_iter().filter(|it| !it.starts_with('_')) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        // Where it is set alone it is not read.
        let read = text.lines().any(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("let ").unwrap_or(line);
            let line = line.strip_prefix(local).filter(|it| it.starts_with(" = ")).unwrap_or(line);
            line.split(|c: char| !is_name(c)).any(|it| it == local)
        });
        if !read {
            let lines: Vec<String> = out
                .lines()
                .map(|line| {
                    let indent = line.len() - line.trim_start().len();
                    let (space, rest) = line.split_at(indent);
                    let (keyword, rest) =
                        rest.strip_prefix("let ").map_or(("", rest), |it| ("let ", it));
                    let sets = rest.strip_prefix(local).is_some_and(|it| it.starts_with(" = "));
                    format!("{space}{keyword}{}{rest}\n", if sets { "_" } else { "" })
                })
                .collect();
            out = lines.concat();
        }
    }
    out
}

// ---- State ----

fn state(translator: &mut Translator<'_>, text: &str) -> String {
    let xlen = translator.xlen();
    // The bound of user mode's storage is a register that holds the number of all cells.
    let most = (xlen - u32::from(translator.modes.len() > 1)).min(56);
    let physical = match translator.configuration.parameters.get("PHYS_ADDR_WIDTH") {
        Some(Parameter::Number(bits)) => (*bits as u32).clamp(16, most),
        _ => most,
    };
    let mut out = String::new();
    let mut add = |line: String| {
        let _ = writeln!(out, "  {line}");
    };
    add(format!(
        "mem: {{role: E, width: 8, cells: {}, notes: \"{physical} bits of physical address\"}}",
        1u128 << physical
    ));
    add(format!(
        "x: {{role: E, width: {xlen}, count: 32, notes: \"x0 reads as 0 and is never written\"}}"
    ));
    add(format!("pc: {{role: P, width: {xlen}}}"));
    if translator.modes.len() > 1 {
        let values: Vec<String> =
            translator.modes.iter().map(|(_, name, value)| format!("{name}: {value}")).collect();
        let bits = translator.mode_bits();
        add(format!(
            "prv: {{role: M, width: {bits}, values: {{{}}}, notes: privilege mode}}",
            values.join(", ")
        ));
        add(format!(
            "base: {{role: R, kind: relocation, width: {xlen}, notes: where user mode finds storage}}"
        ));
        add(format!("bound: {{role: R, kind: bounds, width: {xlen}}}"));
    }
    let used = |name: &str| names(text).contains(name);
    if used("reserved") {
        let notes = "what a load reserved, as the program sees it; 1, which is no aligned address, is nothing";
        add(format!("reserved: {{role: E, width: {xlen}, notes: \"{notes}\"}}"));
    }
    if used("mtime") {
        add("mtime: {role: R, kind: time, width: 64, notes: the timer of the platform}".into());
    }
    if used("hartid") {
        add(format!("hartid: {{role: R, kind: identity, width: {xlen}}}"));
    }
    for name in translator.open.clone() {
        let notes =
            "a parameter of the database that is open: the verdict holds for each of its values";
        add(format!("{}: {{role: E, width: 1, notes: \"{notes}\"}}", name.to_lowercase()));
    }
    for index in translator.registers.keys().copied().collect::<Vec<_>>() {
        if let Some(component) =
            component(translator, index).filter(|_| used(&translator.registers[&index].name))
        {
            add(component);
        }
    }
    out
}

/// The names in a text.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect()
}

/// A CSR as a component, if some of its fields are kept in it.
fn component(translator: &mut Translator<'_>, index: usize) -> Option<String> {
    let fields = translator.registers[&index].fields.clone();
    let kept: Vec<_> = (fields.iter())
        .filter(|bit| matches!(translator.kept(index, bit.field), Ok(Kept::State { .. })))
        .cloned()
        .collect();
    let top = kept.iter().map(|it| it.high).max()?;
    let csr = &translator.database.csrs[index];
    let (name, title) = (translator.registers[&index].name.clone(), csr.title.clone());
    let address = csr.address.unwrap_or(0x300);
    let role = match address {
        0xb00..=0xb9f => "R, kind: time",
        0xf00..=0xfff => "R, kind: identity",
        // What user mode may write is its own.
        _ if (address >> 8).is_multiple_of(4) && address >> 10 != 3 => "E",
        _ => "R, kind: trap-vector",
    };
    let mut fields = String::new();
    if !(kept.len() == 1 && translator.is_whole(index, &kept[0])) {
        let each = kept.iter().map(|bit| {
            let name = translator.field_name(index, bit);
            let place = if bit.high == bit.low {
                bit.high.to_string()
            } else {
                format!("\"{}:{}\"", bit.high, bit.low)
            };
            format!("{name}: {place}")
        });
        fields = format!(", fields: {{{}}}", each.collect::<Vec<_>>().join(", "));
    }
    Some(format!("{name}: {{role: {role}, width: {}, notes: {}{fields}}}", top + 1, quoted(&title)))
}

/// A text in quotation marks.
pub(super) fn quoted(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""))
}

// ---- CSRs by number ----

/// The view of all CSRs by number, and what their numbers say, where some instruction looks one up.
fn views(translator: &mut Translator<'_>, instructions: &str) -> String {
    if !instructions.contains("csrs[") && !instructions.contains("csr_exists(") {
        return String::new();
    }
    let xlen = translator.xlen();
    let mut out = format!("views:\n  csrs:\n    index: 12\n    width: {xlen}\n    entries:\n");
    for index in translator.registers.keys().copied().collect::<Vec<_>>() {
        let Some(address) = translator.database.csrs[index].address else { continue };
        let (read, write) = translator.entry(index);
        let _ = writeln!(
            out,
            "      0x{address:03x}: {{read: {}, write: {}}}",
            quoted(&read),
            quoted(&write)
        );
    }
    out.push_str("    default: \"unknown;\"\n\n");
    out
}

// ---- The machine ----

fn machine(
    translator: &mut Translator<'_>,
    entry: Option<Vec<Line>>,
    reset: Option<Vec<Line>>,
    data_mode: &str,
) -> String {
    let (xlen, moded) = (translator.xlen(), translator.modes.len() > 1);
    let name = |number: u128, default: &str| exception(translator, number, default);
    let load_fault = name(5, "LoadAccessFault");
    let mut out = String::from("machine:\n");
    let has = |mode: &str| translator.modes.iter().any(|(name, ..)| *name == mode);
    let mut pairs = Vec::new();
    for (supervisor, mode) in [("machine", "M"), ("supervisor", "S")] {
        if has("U") && has(mode) {
            pairs.push(format!("{{supervisor: {supervisor}, user: user}}"));
        }
    }
    let _ = writeln!(out, "  modes: [{}]", pairs.join(", "));
    if moded {
        let _ = write!(
            out,
            "  address: |\n    let mode = {data_mode};\n    if !inside(a, size, mode) {{\n      \
             if mapped(mode) {{ trap({}, a); }}\n      trap({load_fault}, a);\n    }}\n    \
             return phys[mapped(mode) ? base +^ a : zext(a, {})];\n  \
             window: {{base: \"{2} ? base : 0\", size: \"{2} ? bound : cells(mem)\"}}\n  \
             fetch: \"phys[fetch_address(pc, length); length]\"\n",
            name(13, "LoadPageFault"),
            xlen + 1,
            mapped(translator, "prv")
        );
    } else {
        let _ = write!(
            out,
            "  address: |\n    require zext(a, {0}) + size <= cells(mem) else trap({load_fault}, a);\n    return phys[a];\n",
            xlen + 2
        );
    }
    let _ = writeln!(out, "  address-width: {xlen}\n  trap-argument: {xlen}\n  traps:");
    let mut traps: BTreeMap<u128, String> = BTreeMap::new();
    for (number, default) in EXCEPTIONS.iter().chain(std::iter::once(&STORE_PAGE_FAULT)) {
        traps.insert(*number, exception(translator, *number, default));
    }
    for raised in &translator.raised {
        if let Some(number) = translator.exceptions.get(raised) {
            traps.insert(*number, raised.clone());
        }
    }
    for (number, name) in &traps {
        let kind = match number {
            _ if MEMORY.contains(number) => "memory",
            _ if PRIVILEGE.contains(number) => "privilege",
            _ => "program",
        };
        let _ = writeln!(out, "    {name}: {{kind: {kind}, saves: this, code: {number}}}");
    }
    out.push_str("  on-trap: |\n");
    printed(&entry.unwrap_or_default(), 4, &mut out);
    let _ =
        writeln!(out, "  unlisted: \"trap({})\"", exception(translator, 2, "IllegalInstruction"));
    out.push_str("  reset: |\n");
    if moded {
        out.push_str("    prv = machine;\n    bound = cells(mem);\n");
    }
    out.push_str("    pc = 0x1000;\n");
    for line in resets(translator) {
        let _ = writeln!(out, "    {line}");
    }
    printed(&reset.unwrap_or_default(), 4, &mut out);
    out
}

/// Fields that a reset sets to a number.
fn resets(translator: &mut Translator<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for index in translator.registers.keys().copied().collect::<Vec<_>>() {
        for bit in translator.registers[&index].fields.clone() {
            let reset = translator.database.csrs[index].fields[bit.field].reset.clone();
            if let (Ok(Kept::State { .. }), Reset::Number(value @ 1..)) =
                (translator.kept(index, bit.field), reset)
            {
                all.push(format!("{} = {};", translator.place(index, &bit), number(value)));
            }
        }
    }
    all
}

fn assumptions(translator: &mut Translator<'_>) -> String {
    let mut out = String::from("assume:\n  x0: {that: \"x[0] == 0\", why: x0 is wired to 0.}\n");
    if translator.modes.len() > 1 {
        let reserved: Vec<String> = (0..1u128 << translator.mode_bits())
            .filter(|n| !translator.modes.iter().any(|(_, _, it)| it == n))
            .map(|n| format!("prv != {n}"))
            .collect();
        if !reserved.is_empty() {
            let that = reserved.join(" && ");
            let _ = writeln!(
                out,
                "  reserved-mode: {{that: \"{that}\", why: No mode has this number.}}"
            );
        }
    }
    for (name, why) in translator.assumed() {
        if let Some((lines, Value::Bool(Truth::Term(term)))) =
            performed(translator, &name, Vec::new())
            && lines.is_empty()
        {
            let name = name.trim_start_matches("assume_").replace('_', "-");
            let _ =
                writeln!(out, "  {name}: {{that: {}, why: {}}}", quoted(&term.text), quoted(&why));
        }
    }
    out
}

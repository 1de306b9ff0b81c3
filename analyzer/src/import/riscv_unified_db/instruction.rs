//! One instruction of the database as one of ours.
// An error ends the instruction.
#![allow(clippy::result_large_err)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::diagnostic::Diagnostic;

use super::census;
use super::database::{Encoding, Instruction, Variable};
use super::declared::{Declared, outcomes};
use super::idl;
use super::idl::types::Width;
use super::machine::{quoted, tidy};
use super::translate::value::{Bits, Is, Term, Value, tight};
use super::translate::{Operand, Stop, Translated, Translator, printed};

/// What `access:` of an instruction means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reading {
    /// It says nothing: the code alone counts.
    #[default]
    Code,
    /// Where it says `never`, the instruction traps before its code.
    Declared,
}

/// An instruction as text.
pub(super) struct Made {
    pub(super) text: String,
    /// Why it is unknown, where its code is not supported.
    pub(super) why: Option<Diagnostic>,
    /// What is declared of it.
    pub(super) declared: Vec<Declared>,
}

/// Makes it: encoding, semantics, and its cases where it names CSRs by number.
pub(super) fn made(
    translator: &mut Translator<'_>,
    it: &Instruction,
    reading: Reading,
    within: Option<&str>,
) -> Made {
    let statements = match it
        .operation
        .map(|code| idl::statements(translator.database.sources.slice(code), code))
    {
        Some(Ok(statements)) => Some(statements),
        Some(Err(why)) => return unknown(translator, it, Some(why), within),
        None => return unknown(translator, it, None, within),
    };
    let statements = statements.unwrap_or_default();
    let encoding = it.encodings.of(translator.xlen());
    let layout = match encoding.map(|it| layout(it, translator)) {
        Some(Ok(layout)) => layout,
        Some(Err(why)) => return unknown(translator, it, Some(why), within),
        None => {
            let registers: BTreeSet<String> = census::registers(&statements);
            let text = registers.iter().map(|it| format!("{it}: 5")).collect::<Vec<_>>().join(", ");
            let text = format!(
                "    operands: {{{text}}}\n    length: 4\n    notes: its encoding is not in the folder\n"
            );
            let operand = |name: &String| Operand {
                name: name.clone(),
                value: Value::Bits(Bits::term(Term::primary(name), 5)),
            };
            let operands = registers.iter().map(operand).collect();
            Layout {
                text,
                fields: Vec::new(),
                operands,
                guards: Vec::new(),
                conditions: Vec::new(),
                term: None,
                bytes: 4,
            }
        }
    };
    let translated = match translator.operation(
        &statements,
        &layout.operands,
        layout.bytes,
        layout.term.clone(),
    ) {
        Ok(translated) => translated,
        Err(Stop::Because(why)) => return unknown(translator, it, Some(*why), within),
        Err(Stop::Open) => {
            let span = it.operation.unwrap_or(it.name.span);
            let why = Diagnostic::error(
                "U021",
                span,
                "this depends on the state in a way that is not supported",
            );
            return unknown(translator, it, Some(why), within);
        }
    };
    let mut text = opened(translator, it);
    text.push_str(&layout.head(within));
    text.push_str("    semantics: |\n");
    for guard in &layout.guards {
        let _ = writeln!(text, "      {guard}");
    }
    if reading == Reading::Declared {
        for access in it.access.iter().filter(|it| it.word == "never") {
            let mode =
                translator.modes.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&access.mode));
            if let Some((_, mode, _)) = mode.filter(|_| translator.modes.len() > 1) {
                let _ = writeln!(
                    text,
                    "      require prv != {mode} else trap({});",
                    illegal(translator)
                );
            }
        }
    }
    let before = text.len();
    let mut body = String::new();
    printed(&translated.lines, 6, &mut body);
    text.push_str(&tidy(&body));
    if text.len() == before && text.ends_with("|\n") {
        text.truncate(text.len() - "    semantics: |\n".len());
        text.push_str("    semantics: \"\"\n");
    }
    let mut declared = Vec::new();
    if reading == Reading::Code && translated.numbers.is_empty() {
        let traps = text[before..].contains("trap(") || text[before..].contains('(');
        declared = outcomes(translator, it, traps, &layout.conditions);
        if !declared.is_empty() {
            text.push_str("    expect:\n");
            for it in &declared {
                let _ = writeln!(text, "      - {}", quoted(it.expectation()));
            }
        }
    }
    cases(translator, &translated, &layout, &mut text);
    Made { text, why: None, declared }
}

fn illegal(translator: &Translator<'_>) -> String {
    let found = translator.exceptions.iter().find(|(_, it)| **it == 2);
    found.map_or_else(|| "IllegalInstruction".into(), |(name, _)| name.clone())
}

/// The name, and where it comes from.
fn opened(translator: &Translator<'_>, it: &Instruction) -> String {
    let path = &translator.database.sources.files[it.name.span.file as usize].path;
    let path =
        path.strip_prefix(&translator.database.folder).unwrap_or(path).trim_start_matches('/');
    format!("  {}:\n    sources: [{}]\n", it.name.it, quoted(path))
}

/// An instruction that says nothing.
fn unknown(
    translator: &Translator<'_>,
    it: &Instruction,
    why: Option<Diagnostic>,
    within: Option<&str>,
) -> Made {
    let mut text = opened(translator, it);
    match it.encodings.of(translator.xlen()).map(|it| layout(it, translator)) {
        Some(Ok(layout)) => text.push_str(&layout.head(within)),
        _ => text.push_str("    length: 4\n"),
    }
    let reason = why.as_ref().map_or("the database has no code for it", |it| it.message.as_str());
    let note = format!("Unknown: {reason}.");
    let _ = writeln!(text, "    # {}\n    semantics: \"unknown;\"", note.replace('\n', " "));
    Made { text, why, declared: Vec::new() }
}

/// An encoding in our language.
struct Layout {
    text: String,
    /// The operands in it, with their widths.
    fields: Vec<(String, u32)>,
    operands: Vec<Operand>,
    /// What keeps values away that belong to other instructions.
    guards: Vec<String>,
    /// The same as conditions.
    conditions: Vec<String>,
    /// The encoding as a value, if every bit of it is fixed or an operand's.
    term: Option<Term>,
    bytes: u32,
}

impl Layout {
    /// Encoding, or operands and length where the opcodes of another instruction lie within it.
    fn head(&self, within: Option<&str>) -> String {
        let Some(note) = within else { return self.text.clone() };
        let fields: Vec<String> =
            self.fields.iter().map(|(name, width)| format!("{name}: {width}")).collect();
        let operands = if fields.is_empty() {
            String::new()
        } else {
            format!("    operands: {{{}}}\n", fields.join(", "))
        };
        format!(
            "{operands}    length: {}\n    notes: {}\n",
            self.bytes,
            quoted(&format!("{note} So only its operands are given."))
        )
    }
}

fn layout(it: &Encoding, translator: &Translator<'_>) -> Result<Layout, Diagnostic> {
    let length = it.pattern.len() as u32;
    // For each bit, the variable and the bit of it.
    let mut owners: Vec<Option<(usize, u32)>> = vec![None; length as usize];
    for (i, variable) in it.variables.iter().enumerate() {
        let mut bit = variable.width();
        for (high, low) in &variable.pieces {
            for place in (*low..=*high).rev() {
                bit -= 1;
                let fixed = it.pattern.as_bytes()[(length - 1 - place) as usize] != b'-';
                if fixed || owners[place as usize].is_some() {
                    let message = format!(
                        "bit {place} belongs to `{}` and to something else",
                        variable.name.it
                    );
                    return Err(Diagnostic::error("U004", variable.name.span, message));
                }
                owners[place as usize] = Some((i, bit));
            }
        }
    }
    let names: Vec<String> =
        it.variables.iter().map(|it| operand_name(translator, &it.name.it)).collect();
    let mut text = String::new();
    let (mut parts, mut run): (Vec<String>, String) = (Vec::new(), String::new());
    let flush = |run: &mut String, parts: &mut Vec<String>| {
        if !run.is_empty() {
            parts.push(format!("0b{run}u{}", run.len()));
            run.clear();
        }
    };
    let mut place = length;
    while place > 0 {
        place -= 1;
        match owners[place as usize] {
            None => {
                let bit = it.pattern.as_bytes()[(length - 1 - place) as usize] as char;
                text.push(bit);
                run.push(bit);
            }
            Some((i, high)) => {
                flush(&mut run, &mut parts);
                let mut low = high;
                while place > 0 && low > 0 && owners[place as usize - 1] == Some((i, low - 1)) {
                    place -= 1;
                    low -= 1;
                }
                let whole = high + 1 == it.variables[i].width() && low == 0;
                let bits = if whole { format!("{}", high + 1) } else { format!("{high}:{low}") };
                let space = if text.is_empty() || text.ends_with(' ') { "" } else { " " };
                let _ = write!(text, "{space}{}[{bits}] ", names[i]);
                let bits =
                    if high == low { format!("[{high}]") } else { format!("[{high}:{low}]") };
                parts.push(if whole { names[i].clone() } else { format!("{}{bits}", names[i]) });
            }
        }
    }
    flush(&mut run, &mut parts);
    let whole = !parts.iter().any(|it| it.starts_with("0b") && it.contains('-'));
    let tightness = if parts.len() == 1 { tight::PRIMARY } else { tight::CONCAT };
    let term = whole.then(|| Term { text: parts.join(" :: "), tight: tightness });
    let operands = it.variables.iter().zip(&names).map(|(it, name)| operand(it, name)).collect();
    let (mut guards, mut all) = (Vec::new(), Vec::new());
    for (variable, name) in it.variables.iter().zip(&names) {
        let values: BTreeSet<u128> = variable.not.iter().map(|it| it >> variable.shift).collect();
        let conditions: Vec<String> = values.iter().map(|it| format!("{name} != {it}")).collect();
        if !conditions.is_empty() {
            guards.push(format!(
                "require {} else trap({});",
                conditions.join(" && "),
                illegal(translator)
            ));
            all.extend(conditions);
        }
    }
    let text = format!("    encoding: \"{}\"\n", text.trim());
    let fields = names.into_iter().zip(it.variables.iter().map(Variable::width)).collect();
    Ok(Layout { text, fields, operands, guards, conditions: all, term, bytes: length / 8 })
}

/// An operand's name, where nothing else of the machine has it.
fn operand_name(translator: &Translator<'_>, name: &str) -> String {
    let clean: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut text = clean;
    while translator.is_taken(&text) {
        text.push('_');
    }
    text
}

/// An operand as the code sees it: shifted, and signed where its sign is extended.
fn operand(it: &Variable, name: &str) -> Operand {
    let width = Width { bits: it.width() + it.shift, signed: it.signed };
    let term = if it.shift == 0 {
        Term::primary(name)
    } else {
        Term { text: format!("{name} :: 0u{}", it.shift), tight: tight::CONCAT }
    };
    Operand { name: it.name.it.clone(), value: Value::Bits(Bits { width, is: Is::Term(term) }) }
}

/// One case for each CSR where an operand is the number of one.
fn cases(translator: &Translator<'_>, translated: &Translated, layout: &Layout, text: &mut String) {
    let operand = layout.operands.iter().find_map(|it| match &it.value {
        Value::Bits(bits) if bits.width.bits == 12 => {
            translated.numbers.contains(&bits.plain().text).then(|| bits.plain().text)
        }
        _ => None,
    });
    let Some(operand) = operand else { return };
    text.push_str("    cases:\n");
    for index in translator.registers.keys() {
        let csr = &translator.database.csrs[*index];
        if let Some(address) = csr.address {
            let _ = writeln!(text, "      {}: {{fix: {{{operand}: 0x{address:x}}}}}", csr.name.it);
        }
    }
}

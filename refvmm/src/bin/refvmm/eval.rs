//! `refvmm eval`: single steps for other programs, a JSON object a line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use model::bits::mask;
use model::diagnostic::{Sources, did_you_mean};
use model::interp::{self, Fetched, Outcome as Step};
use model::isa::{Class, Isa, Part};
use model::state::State;
use refvmm::decode::{Decoded, decode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::Eval;
use refvmm::specification::{locate, open};

use crate::load::refused;
use crate::{Exit, Outcome};

/// Longest line, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// A state, and what to execute in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The decode class; without it the instruction is the one at P.
    class: Option<String>,
    #[serde(default)]
    operands: BTreeMap<String, Value>,
    /// By register or `register.field`; a number, or those of a file as a list or by index. The rest is zero.
    #[serde(default)]
    registers: BTreeMap<String, Value>,
    /// By physical cell; the rest is zero.
    #[serde(default)]
    storage: BTreeMap<String, Value>,
    /// Physical cells; default: as many as the machine has.
    cells: Option<Value>,
    /// What everything takes that the architecture leaves open.
    undefined: Option<Value>,
}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Reply<'i> {
    Completes {
        class: &'i str,
        #[serde(flatten)]
        changes: Changes<'i>,
    },
    /// The state is the one behind the trap sequence.
    Traps {
        class: Option<&'i str>,
        trap: &'i str,
        #[serde(flatten)]
        changes: Changes<'i>,
    },
    /// The architecture leaves it open.
    Unpredictable {
        class: Option<&'i str>,
    },
    /// The specification does not say.
    Unknown {
        class: Option<&'i str>,
    },
    Error {
        error: String,
    },
}

/// The registers and cells that have another value now, with this value.
#[derive(Debug, Serialize)]
struct Changes<'i> {
    registers: BTreeMap<&'i str, Value>,
    storage: BTreeMap<String, u64>,
}

pub(crate) fn eval(it: &Eval) -> Outcome<Exit> {
    if it.spec == "-" {
        return Err("states come from standard input: name the specification".to_owned().into());
    }
    let mut sources = Sources::default();
    let loaded = model::load(&locate(&it.spec), &open, &mut sources)
        .map_err(|errors| refused(&errors, &sources, &it.spec))?;
    let isa = loaded.isa;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut exit = Exit::Fine;
    loop {
        let mut line = Vec::new();
        let read = io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(exit);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let request = serde_json::from_slice(&line).map_err(|error| error.to_string());
        let reply = request.and_then(|request| answer(&isa, &request)).unwrap_or_else(|error| {
            exit = Exit::CouldNotRun;
            Reply::Error { error }
        });
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

fn answer<'i>(isa: &'i Isa, request: &Request) -> Result<Reply<'i>, String> {
    let cells = request.cells.as_ref().map_or(Ok(isa.storage.cells), number)?;
    if cells > isa.storage.cells {
        return Err(format!("the machine has {} cells at most", isa.storage.cells));
    }
    let mut state = State::zero(isa, cells);
    for (name, value) in &request.registers {
        set(isa, &mut state, name, value)?;
    }
    for (cell, value) in &request.storage {
        let (cell, value) = (number(&Value::from(cell.as_str()))?, number(value)?);
        if cell >= cells || value > mask(isa.storage.width) {
            return Err(format!("there is no cell {cell}, or {value} does not fit into it"));
        }
        state.store(cell, value);
    }
    let open = request.undefined.as_ref().map_or(Ok(0), number)?;
    let decoded = match &request.class {
        Some(name) => named(isa, name, &request.operands)?,
        None => match fetched(isa, &state)? {
            Ok(decoded) => decoded,
            Err(outcome) => return Ok(reply(isa, None, &state, outcome)),
        },
    };
    let class = &isa.classes[decoded.class];
    let undefined = |id: model::isa::ChoiceId| {
        open & mask(class.body.choices.get(id.index()).map_or(1, |choice| choice.width))
    };
    let outcome = interp::step(isa, class, &decoded.operands, &state, &undefined);
    Ok(reply(isa, Some(class), &state, outcome))
}

/// A class by name, with its operands.
fn named(isa: &Isa, name: &str, given: &BTreeMap<String, Value>) -> Result<Decoded, String> {
    let names = || isa.classes.iter().map(|class| class.name.as_str());
    let Some(class) = names().position(|it| it == name) else {
        let help = did_you_mean(name, names()).unwrap_or_default();
        return Err(format!("there is no class `{name}`; {help}")
            .trim_end_matches("; ")
            .to_owned());
    };
    let all = &isa.classes[class].operands;
    if let Some(unknown) = given.keys().find(|name| all.iter().all(|it| it.name != **name)) {
        return Err(format!("{name} has no operand `{unknown}`"));
    }
    let mut operands = Vec::new();
    for operand in all {
        let value = given.get(&operand.name).map(number).transpose()?;
        let value = value.or(operand.fixed).unwrap_or(0);
        if value > mask(operand.width) || operand.fixed.is_some_and(|fixed| fixed != value) {
            return Err(format!("{value} is no operand `{}` of {name}", operand.name));
        }
        operands.push(value);
    }
    let class_of = &isa.classes[class];
    if class_of.when.as_ref().is_some_and(|when| !interp::operand_condition(when, &operands)) {
        return Err(format!("these operands are not those of {name}"));
    }
    Ok(Decoded { class, operands })
}

/// The instruction at P, or what fetching it comes to.
fn fetched(isa: &Isa, state: &State) -> Result<Result<Decoded, Step>, String> {
    if isa.fetches.is_empty() {
        return Err("the instructions of this machine have no encoding: `class` is needed".into());
    }
    for fetch in &isa.fetches {
        match interp::fetch(fetch, state) {
            Fetched::Word(word) => {
                let width = u32::try_from(fetch.length).unwrap_or(0) * isa.storage.width;
                if let Some(decoded) = decode(isa, word, width) {
                    return Ok(Ok(decoded));
                }
            }
            Fetched::Trap(raised) => {
                let outcome = interp::take_trap(isa, raised.trap, raised.argument, raised.state);
                return Ok(Err(outcome));
            }
            _ => return Ok(Err(Step::Unpredictable)),
        }
    }
    Err("no class has this encoding".into())
}

fn reply<'i>(isa: &'i Isa, class: Option<&'i Class>, before: &State, outcome: Step) -> Reply<'i> {
    let class = class.map(|class| class.name.as_str());
    match outcome {
        Step::Step(after) => {
            Reply::Completes { class: class.unwrap_or(""), changes: changes(isa, before, &after) }
        }
        Step::Trap(trap, after) => {
            let changes = changes(isa, before, &after);
            Reply::Traps { class, trap: &isa.trap(trap).name, changes }
        }
        Step::Unpredictable => Reply::Unpredictable { class },
        Step::Unknown => Reply::Unknown { class },
    }
}

fn changes<'i>(isa: &'i Isa, before: &State, after: &State) -> Changes<'i> {
    let narrow = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    let mut registers = BTreeMap::new();
    for (id, register) in isa.register_ids() {
        let [was, is] = [before, after].map(|state| &state.registers[id.index()]);
        let changed = (0..is.len()).filter(|i| was[*i] != is[*i]);
        let value = if register.count.is_some() {
            let all = changed.map(|i| (i.to_string(), narrow(is[i]).into()));
            let all: serde_json::Map<String, Value> = all.collect();
            (!all.is_empty()).then_some(Value::Object(all))
        } else {
            (was != is).then(|| narrow(is[0]).into())
        };
        registers.extend(value.map(|value| (register.name.as_str(), value)));
    }
    let cells = before.storage.keys().chain(after.storage.keys());
    let changed = cells.filter(|cell| before.load(**cell) != after.load(**cell));
    let storage = changed.map(|cell| (cell.to_string(), narrow(after.load(*cell)))).collect();
    Changes { registers, storage }
}

/// Sets a register, a field of one, or some of a file.
fn set(isa: &Isa, state: &mut State, name: &str, value: &Value) -> Result<(), String> {
    let (register, field) = name.split_once('.').map_or((name, None), |(r, f)| (r, Some(f)));
    let Some((id, it)) = isa.register_ids().find(|(_, it)| it.name == register) else {
        let names = isa.registers.iter().map(|it| it.name.as_str());
        let help = did_you_mean(register, names).unwrap_or_default();
        return Err(format!("there is no register `{register}`; {help}")
            .trim_end_matches("; ")
            .to_owned());
    };
    let fits = |value: u128, width: u32| {
        let message = || format!("{value:#x} does not fit into the {width} bits of {name}");
        if value > mask(width) { Err(message()) } else { Ok(value) }
    };
    match (value, field) {
        (value, Some(field)) => {
            let known = it.fields.iter().find(|it| it.name == field);
            let known = known.ok_or_else(|| format!("{register} has no field `{field}`"))?;
            let part = Part { register: id, low: known.low, width: known.width };
            state.set_part(part, fits(number(value)?, known.width)?);
        }
        (Value::Array(all), None) => {
            for (i, value) in (0..).zip(all) {
                element(state, (id, it.len()), i, fits(number(value)?, it.width)?, name)?;
            }
        }
        (Value::Object(some), None) => {
            for (index, value) in some {
                let i = number(&Value::from(index.as_str()))?;
                element(state, (id, it.len()), i, fits(number(value)?, it.width)?, name)?;
            }
        }
        (value, None) => state.set_element(id, 0, fits(number(value)?, it.width)?),
    }
    Ok(())
}

fn element(
    state: &mut State,
    (id, len): (model::isa::RegisterId, u32),
    index: u128,
    value: u128,
    name: &str,
) -> Result<(), String> {
    if index >= len.into() {
        return Err(format!("{name} has {len} registers"));
    }
    state.set_element(id, index, value);
    Ok(())
}

/// A number, or one in a string: decimal, or hexadecimal behind `0x`.
fn number(value: &Value) -> Result<u128, String> {
    let parsed = match value {
        Value::Number(it) => it.as_u64().map(u128::from),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    };
    parsed.ok_or_else(|| format!("{value} is no number"))
}

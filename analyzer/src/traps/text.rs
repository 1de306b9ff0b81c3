//! The table of traps as text.

use std::fmt::Write as _;

use super::{Case, InstructionTraps, ModeTraps, TrapTable};

/// Columns of the text.
const WIDTH: usize = 100;

/// Renders a table for a terminal: instructions that do the same stand together, and so do modes.
pub fn render(it: &TrapTable) -> String {
    let mut out = format!("{} — {}\n", it.isa, it.title);
    for (names, modes) in together(&it.instructions) {
        let _ = writeln!(out, "\n{}", wrapped(&names, 2));
        let width = modes.iter().map(|(modes, _)| modes.chars().count()).max().unwrap_or(0);
        for (modes, lines) in modes {
            for (i, line) in lines.iter().enumerate() {
                let modes = if i == 0 { modes.as_str() } else { "" };
                let _ =
                    writeln!(out, "{}", wrapped(&format!("  {modes:<width$}  {line}"), width + 6));
            }
        }
    }
    if it.is_open() {
        out.push_str("\nSomething is undecided or unknown.\n");
    }
    out
}

/// A line broken at spaces, with an indent in front of what follows.
fn wrapped(line: &str, indent: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let width = word.trim_end().chars().count();
        if column + width > WIDTH && column > indent {
            out.truncate(out.trim_end().len());
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
        }
        out.push_str(word);
        column += word.chars().count();
    }
    out
}

/// Modes that have the same lines, by name, with the lines.
pub(crate) type Modes = Vec<(String, Vec<String>)>;

/// Instructions that do the same in every mode, by name, with what they do.
pub(crate) fn together(all: &[InstructionTraps]) -> Vec<(String, Modes)> {
    let mut groups: Vec<(Vec<&str>, Modes)> = Vec::new();
    for it in all {
        let modes = by_lines(&it.modes);
        match groups.iter_mut().find(|(_, same)| *same == modes) {
            Some((names, _)) => names.push(&it.name),
            None => groups.push((vec![&it.name], modes)),
        }
    }
    groups.into_iter().map(|(names, modes)| (listed(&names), modes)).collect()
}

/// `mret, csrrs[mie, mip], csrrc[mie]`.
fn listed(names: &[&str]) -> String {
    let mut out = String::new();
    let mut last = None;
    for name in names {
        let (instruction, case) = name.split_once('[').map_or((*name, None), |(a, b)| (a, Some(b)));
        if let (true, Some(case)) = (last == Some(instruction), case) {
            out.truncate(out.len() - 1);
            let _ = write!(out, ", {case}");
            continue;
        }
        let separator = if out.is_empty() { "" } else { ", " };
        let _ = write!(out, "{separator}{name}");
        last = case.map(|_| instruction);
    }
    out
}

/// Modes with the same lines in one; those in which no state is admitted are left out.
fn by_lines(modes: &[ModeTraps]) -> Modes {
    let mut groups: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for mode in modes.iter().filter(|mode| !mode.cases.is_empty()) {
        let lines = lines(mode);
        match groups.iter_mut().find(|(_, same)| *same == lines) {
            Some((names, _)) => names.push(&mode.mode),
            None => groups.push((vec![&mode.mode], lines)),
        }
    }
    groups.into_iter().map(|(names, lines)| (names.join(", "), lines)).collect()
}

/// What happens in a mode, a line for each case; that of all other states comes last.
fn lines(mode: &ModeTraps) -> Vec<String> {
    let rest = rest(mode);
    let mut all = Vec::new();
    for (_, case) in mode.cases.iter().enumerate().filter(|(i, _)| rest != Some(*i)) {
        let mut line = outcomes(case);
        match &case.when {
            Some(when) if when.iter().all(Vec::is_empty) => {}
            Some(when) => {
                let all: Vec<String> = when.iter().map(|all| all.join(" && ")).collect();
                let _ = write!(line, " where {}", all.join(", or "));
            }
            None => {
                let _ = write!(line, ", depending on {}", case.depends_on.join(", "));
            }
        }
        all.push(line + &open(case));
    }
    if let Some(rest) = rest {
        let case = &mode.cases[rest];
        all.push(format!("{} otherwise{}", outcomes(case), open(case)));
    }
    if mode.memory_traps.is_empty() {
        return all;
    }
    let memory = mode.memory_traps.join(", ");
    match &mut all[..] {
        [one] if mode.cases[0].outcomes.is_empty() => *one = format!("{one} ({memory})"),
        [one] => *one = format!("{one}; may memory-trap ({memory})"),
        _ => all.push(format!("may memory-trap ({memory})")),
    }
    all
}

/// The case that needs the most conditions, where there are several cases and all others are written out.
fn rest(mode: &ModeTraps) -> Option<usize> {
    let size = |case: &Case| {
        case.when.as_ref().map_or(usize::MAX, |when| when.iter().map(|all| all.len() + 1).sum())
    };
    let (last, _) = mode.cases.iter().enumerate().max_by_key(|(i, case)| (size(case), *i))?;
    let mut others = mode.cases.iter().enumerate().filter(|(i, _)| *i != last);
    (mode.cases.len() > 1 && others.all(|(_, case)| case.when.is_some())).then_some(last)
}

/// `completes or traps (np, gp)`.
fn outcomes(case: &Case) -> String {
    let traps =
        |it: &String| it.strip_prefix("traps (").map(|it| it.trim_end_matches(')').to_owned());
    let names: Vec<String> = case.outcomes.iter().filter_map(traps).collect();
    let mut words: Vec<String> =
        case.outcomes.iter().filter(|it| traps(it).is_none()).cloned().collect();
    if !names.is_empty() {
        let at = words.iter().position(|it| it != "completes").unwrap_or(words.len());
        words.insert(at, format!("traps ({})", names.join(", ")));
    }
    if !case.undecided.is_empty() {
        words.push(format!("perhaps {} (undecided)", case.undecided.join(", ")));
    }
    if words.is_empty() { "memory-traps".into() } else { words.join(" or ") }
}

/// What else may decide, where several things can happen.
fn open(case: &Case) -> String {
    if case.may_depend_on.is_empty() {
        return String::new();
    }
    format!(", which may depend on {}", case.may_depend_on.join(", "))
}

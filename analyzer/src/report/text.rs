//! What `page` leaves out, and the other texts for a terminal.

use std::fmt::Write as _;

use model::isa::{Profile, Verdict};
use model::property::Property;
use model::rule::Rule;
use model::theorem::Theorem;

use super::diagram::PROVED;
use crate::prove::answer::Answer;
use crate::report::findings::{Baseline, Finding};
use crate::report::{
    Evidence, GuestReport, InstructionReport, PairReport, Report, TheoremReport, Theorems,
    WitnessReport,
};

/// How much to print.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail {
    /// Every instruction and every witness, not only those that matter.
    pub all: bool,
    /// Terminal escapes for colour.
    pub color: bool,
}

/// Everything that the page leaves out: all instructions, all witnesses, what shows each refutation, and the effort.
pub fn rest(report: &Report, detail: Detail) -> String {
    let mut out = String::new();
    for pair in &report.pairs {
        rest_of_pair(&mut out, pair, detail);
    }
    let reasons: Vec<_> = report.assumptions.iter().filter(|a| !a.why.is_empty()).collect();
    if !reasons.is_empty() {
        out.push_str("\nWhy the specification may assume what it does\n");
        for a in reasons {
            let _ = writeln!(out, "  {}: {}", a.name, a.why.trim());
        }
    }
    effort(&mut out, report);
    out
}

/// A baseline is looked at.
pub(crate) fn gated(report: &Report) -> bool {
    report.findings.iter().any(|it| it.baseline.is_some())
}

/// What was asked for and does not hold, what a baseline does not know, and what is allowed without need; the rest
/// follows from what a report says.
pub(crate) fn is_shown(it: &Finding, gated: bool) -> bool {
    match it.rule {
        Rule::Expectation => false,
        Rule::Required | Rule::StaleAllow | Rule::Declared => true,
        _ => gated && it.counts(),
    }
}

/// A finding in a line.
pub(crate) fn finding(report: &Report, it: &Finding) -> String {
    let new = if it.baseline == Some(Baseline::New) { "new: " } else { "" };
    let at = it.at.as_ref().map_or(String::new(), |at| format!("{at}: "));
    let pair = it.pair.as_deref().map_or(String::new(), |pair| format!(" {pair}"));
    let (isa, code) = (&report.isa, it.rule.code());
    format!("{at}{new}{} ({isa}{pair}) [{code}]", it.message)
}

/// How many findings a baseline knows, or the specification allows.
pub(crate) fn hidden(report: &Report) -> String {
    let hidden = report.findings.iter().filter(|it| !it.counts()).count();
    let (findings, are) = if hidden == 1 { ("finding", "is") } else { ("findings", "are") };
    format!("{hidden} {findings} {are} known or allowed.")
}

fn render_findings(out: &mut String, report: &Report) {
    let gated = gated(report);
    for it in report.findings.iter().filter(|it| is_shown(it, gated)) {
        let _ = writeln!(out, "{}", finding(report, it));
    }
    if gated {
        let _ = writeln!(out, "{}", hidden(report));
    }
}

fn paint(text: &str, style: anstyle::Style, detail: Detail) -> String {
    if detail.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

fn verdict(word: Verdict, detail: Detail) -> String {
    use anstyle::AnsiColor::{Cyan, Green, Red, Yellow};
    let (color, text) = match word {
        Verdict::Holds => (Green, "holds"),
        Verdict::Refuted => (Red, "refuted"),
        Verdict::Undecided => (Yellow, "undecided"),
        Verdict::Vacuous => (Cyan, "vacuous"),
        Verdict::NotApplicable => (Cyan, "not applicable"),
    };
    paint(text, anstyle::Style::new().bold().fg_color(Some(color.into())), detail)
}

fn rest_of_pair(out: &mut String, pair: &PairReport, detail: Detail) {
    let t = &pair.theorems;
    let _ = writeln!(out, "\n{} -> {}, in full", pair.supervisor, pair.user);
    for (name, t) in named(t) {
        for escape in &t.escapes {
            let _ = writeln!(
                out,
                "  {name} otherwise: {} {} ({})",
                escape.name.replace('-', " "),
                verdict(escape.verdict, detail),
                escape.assumption
            );
        }
    }
    for trap in pair.traps.iter().filter(|t| t.enters != Answer::Yes) {
        if let Some(Evidence::Witness(witness)) = &trap.evidence {
            let _ = writeln!(
                out,
                "  Trap {}: two guests, with the same of the monitor's, whose trap leads to different places:",
                trap.name
            );
            out.push_str(&witness_table(witness, detail));
        }
    }
    for it in pair.instructions.iter().filter(|i| !i.safe_if.is_empty()) {
        let conditions = it.safe_if.join(", or ");
        let _ = writeln!(
            out,
            "  {} is safe to run directly if the monitor keeps {conditions}",
            it.name
        );
    }
    out.push_str("\nAll instructions\n");
    out.push_str(&table(&pair.instructions.iter().collect::<Vec<_>>(), detail));
    for instruction in &pair.instructions {
        witnesses(out, instruction, detail);
    }
    for (name, t) in named(t) {
        if let Some(it) = &t.refutation {
            let _ = writeln!(
                out,
                "\n{name} is refuted by {} in virtual {} mode, {}: {}",
                it.instruction,
                it.mode,
                it.witness.outcomes.join(", "),
                it.broken.join("; ")
            );
            out.push_str(&witness_table(&it.witness, detail));
        }
        if let Some(it) = &t.guest {
            guest(out, name, it);
        }
        if let Some(it) = &t.collision {
            let _ = writeln!(
                out,
                "\n{name}: no one-one map exists: in virtual {} mode {} (i1) and {} (i2) end differently, and yet {} for {}",
                it.mode, it.instructions[0], it.instructions[1], it.witness.outcomes[1], it.maps
            );
            out.push_str(&witness_table(&it.witness, detail));
        }
    }
    for (name, t) in named(t) {
        if let Some(it) = t.diagram.as_ref().and_then(|d| d.loss.as_ref()) {
            let _ = writeln!(
                out,
                "\n{name}: behind the trap of {} in virtual {} mode the monitor does not find the guest, {}: {}",
                it.instruction,
                it.mode,
                it.witness.outcomes.join(", "),
                it.broken.join("; ")
            );
            out.push_str(&witness_table(&it.witness, detail));
        }
    }
}

/// The theorems about monitors, by name.
fn named(theorems: &Theorems) -> impl Iterator<Item = (&'static str, &TheoremReport)> {
    theorems.monitors().into_iter().map(|(theorem, report)| (theorem.name(), report))
}

/// A program that a guest can run to find out, what it sees, and how to repeat it.
fn guest(out: &mut String, theorem: &str, it: &GuestReport) {
    const SHOWN: usize = 8;
    let _ = writeln!(out, "\n{theorem}: a guest finds out by {}:", it.instruction);
    for line in &it.program {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "  the real machine {}; under the monitor it {}", it.ends[0], it.ends[1]);
    for [name, real, monitored] in it.differs.iter().take(SHOWN) {
        let _ = writeln!(out, "    {name:<12} {real:<12} {monitored}");
    }
    if it.differs.len() > SHOWN {
        let _ = writeln!(out, "    and {} more", it.differs.len() - SHOWN);
    }
    let _ = writeln!(out, "  `--emit guest=FILE` writes it, and this runs it again:");
    let _ = writeln!(out, "  {}", it.command);
}

/// ` if the monitor keeps cr4.tsd = 1 while userio == 0`.
pub(crate) fn on_condition(conditions: &[String]) -> String {
    let (keeps, watched): (Vec<&String>, Vec<&String>) =
        conditions.iter().partition(|c| c.starts_with("the monitor keeps "));
    let mut text = String::new();
    for kept in keeps {
        let _ = write!(text, " if {kept}");
    }
    for (i, condition) in watched.iter().enumerate() {
        let word = if i == 0 { " while" } else { " and" };
        let _ = write!(text, "{word} {condition}");
    }
    text
}

/// Marks for the columns of the table.
fn mark(answer: Option<Answer>) -> &'static str {
    match answer {
        Some(Answer::Yes) => "yes",
        Some(Answer::No) => "·",
        Some(Answer::Vacuous) => "vacuous",
        Some(Answer::Undecided) => "?",
        None => "",
    }
}

/// The title of a property's column; none if it follows from others.
const fn column(property: Property) -> Option<&'static str> {
    Some(match property {
        Property::Privileged => "privileged",
        Property::ControlSensitive => "control",
        Property::LocationSensitive => "location",
        Property::ModeSensitive => "mode",
        Property::ResourceSensitive => "resource",
        Property::ExtentSensitive => "extent",
        Property::TimeSensitive => "time",
        Property::TrapMasked => "masked",
        Property::TrapVisible => "visible",
        Property::UserSensitive => "user",
        Property::Statewise => "direct",
        Property::BehaviourSensitive
        | Property::Sensitive
        | Property::Innocuous
        | Property::Unconfined => return None,
    })
}

fn table(rows: &[&InstructionReport], detail: Detail) -> String {
    use Property::{ControlSensitive, Privileged, Statewise, UserSensitive};
    let always = [Privileged, ControlSensitive, UserSensitive, Statewise];
    // A column says something only if some row does.
    let says_something = |(property, _): &(Property, &str)| {
        always.contains(property) || rows.iter().any(|row| row.is(*property) != Answer::No)
    };
    let titles = Property::ALL.into_iter().filter_map(|it| Some((it, column(it)?)));
    let columns: Vec<(Property, &str)> = titles.filter(says_something).collect();
    let mut header = vec![Cell::plain("instruction")];
    header.extend(columns.iter().map(|(_, title)| Cell::plain(*title)));
    let mut lines = vec![header];
    for row in rows {
        let mut cells = vec![Cell::plain(row.name.as_str())];
        for (property, _) in &columns {
            let answer = row.property(*property);
            let text = match (property, answer) {
                (Statewise, Some(Answer::Yes)) => "safe".to_owned(),
                (Statewise, Some(Answer::No)) => "breaks".to_owned(),
                _ => match row.modes.get(property.key()).map(Vec::as_slice) {
                    Some([one]) => one.clone(),
                    _ => mark(answer).to_owned(),
                },
            };
            let strong = answer == Some(Answer::Yes) && *property != Statewise;
            cells.push(Cell { text, strong });
        }
        lines.push(cells);
    }
    aligned(&lines, detail)
}

/// A cell of a table.
pub(crate) struct Cell {
    text: String,
    strong: bool,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), strong: false }
    }
}

/// Lines of cells in columns, indented by two.
pub(crate) fn aligned(lines: &[Vec<Cell>], detail: Detail) -> String {
    let length = |cell: &Cell| cell.text.chars().count();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |i: usize| lines.iter().filter_map(|l| l.get(i)).map(length).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let bold = anstyle::Style::new().bold();
            let shown =
                if cell.strong { paint(&cell.text, bold, detail) } else { cell.text.clone() };
            text.push_str("  ");
            text.push_str(&shown);
            text.push_str(&" ".repeat(width - length(cell)));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

fn witnesses(out: &mut String, it: &InstructionReport, detail: Detail) {
    let order = [
        Property::ControlSensitive,
        Property::LocationSensitive,
        Property::ModeSensitive,
        Property::BehaviourSensitive,
        Property::ResourceSensitive,
        Property::ExtentSensitive,
        Property::TimeSensitive,
        Property::TrapMasked,
        Property::TrapVisible,
        Property::Statewise,
        Property::Privileged,
    ];
    let mut shown = 0;
    for property in order {
        if let Some(Evidence::Witness(witness)) = it.evidence.get(property.key())
            && (detail.all || shown == 0)
        {
            let claim = match property {
                Property::Statewise => "is not safe to run directly".to_owned(),
                Property::Privileged => "is not privileged".to_owned(),
                other => format!("is {}", other.word().replace('-', " ")),
            };
            let _ = writeln!(out, "\n{} {claim}: {}", it.name, witness.outcomes.join(", "));
            out.push_str(&witness_table(witness, detail));
            shown += 1;
        }
    }
    if shown > 0 && !it.notes.is_empty() {
        for note in &it.notes {
            let _ = writeln!(out, "  Note: {}", note.trim().replace('\n', "\n        "));
        }
    }
    for (key, evidence) in &it.evidence {
        if let Evidence::Open { reason } = evidence {
            let _ =
                writeln!(out, "\n{}: {} is undecided: {reason}", it.name, key.replace('_', " "));
        }
    }
}

/// The states side by side; what differs between them is highlighted.
pub fn witness_table(witness: &WitnessReport, detail: Detail) -> String {
    let mut header = vec![Cell::plain(witness.instruction.as_str()), Cell::plain("")];
    header.extend(witness.columns.iter().map(|c| Cell::plain(c.as_str())));
    let mut lines = vec![header];
    for row in &witness.rows {
        let mut cells = vec![Cell::plain(row.name.as_str()), Cell::plain(row.role.as_str())];
        for value in &row.values {
            let strong = row.differs && *value != row.values[0];
            // Without colour a star marks what differs from the first column.
            let text = if strong && !detail.color { format!("{value} *") } else { value.clone() };
            cells.push(Cell { text, strong });
        }
        lines.push(cells);
    }
    aligned(&lines, detail)
}

fn effort(out: &mut String, report: &Report) {
    let c = &report.summary.counts;
    let _ = writeln!(
        out,
        "\nSettled by dependency {}, rewriting {}, evaluation {}, SAT {} ({} conflicts).",
        c.by_dependency, c.by_rewriting, c.by_evaluation, c.by_sat, c.conflicts
    );
}

/// Where a trap leads that is not known to lead to the monitor.
pub(crate) fn entry(enters: Answer) -> &'static str {
    match enters {
        Answer::No => "never leads to the monitor",
        Answer::Yes | Answer::Vacuous | Answer::Undecided => {
            "that it leads to the monitor is not shown"
        }
    }
}

/// One line per theorem.
pub fn concise(report: &Report) -> String {
    let mut out = String::new();
    for pair in &report.pairs {
        let t = &pair.theorems;
        // The default profile is not named: lines are the same as before there were others.
        let profile = match report.profile {
            Profile::Refined => String::new(),
            other => format!(" {}", other.word()),
        };
        let of = format!("{} {}:{}{profile}", report.isa, pair.supervisor, pair.user);
        for theorem in Theorem::ALL {
            let (name, premise, word) = (theorem.key(), t.premise(theorem), t.verdict(theorem));
            let theorem = t.monitor(theorem);
            let verdict = verdict(word, Detail::default());
            let condition = theorem.map(|t| on_condition(&t.conditions)).unwrap_or_default();
            let gap = if theorem.is_some_and(|t| t.gap) { ", a gap" } else { "" };
            let _ = writeln!(
                out,
                "{of} {name}: {verdict}{condition} (premise {}{gap})",
                premise.word()
            );
            for obstacle in theorem.iter().flat_map(|t| &t.obstacles) {
                let _ = writeln!(out, "{of} {name}: {obstacle}");
            }
            let diagram = theorem.and_then(|t| t.diagram.as_ref());
            if let Some(diagram) = diagram.filter(|d| d.equivalence != PROVED) {
                let _ = writeln!(out, "{of} {name}: the diagram {}", diagram.equivalence);
            }
        }
        for trap in pair.traps.iter().filter(|t| t.enters != Answer::Yes) {
            let _ = writeln!(out, "{of} trap {}: {}", trap.name, entry(trap.enters));
        }
    }
    if report.pairs.is_empty() {
        let _ = writeln!(out, "{}: not applicable", report.isa);
    }
    render_findings(&mut out, report);
    for unmet in &report.unmet {
        let at = unmet.at.as_ref().map_or(String::new(), |at| format!(" ({at})"));
        let (expected, found) = (&unmet.expected, &unmet.found);
        let _ = writeln!(out, "{}: expected {expected}, found {found}{at}", report.isa);
    }
    out
}

/// Where the profiles disagree: theorem by theorem, then property by property.
pub fn disagreements(reports: &[Report]) -> String {
    let mut out = String::from("\nWhere the profiles disagree\n");
    let mut lines = vec![
        std::iter::once("")
            .chain(reports.iter().map(|r| r.profile.word()))
            .map(Cell::plain)
            .collect(),
    ];
    let pairs = reports.first().map_or(0, |r| r.pairs.len());
    for pair in 0..pairs {
        for theorem in Theorem::MONITORS {
            let of = |r: &Report| {
                let t = &r.pairs[pair].theorems;
                let (verdict, premise) = (t.verdict(theorem), t.premise(theorem));
                format!(
                    "{} (premise {})",
                    self::verdict(verdict, Detail::default()),
                    premise.word()
                )
            };
            let words = reports.iter().map(of).collect();
            push_if_different(&mut lines, theorem.name().into(), words);
        }
        for (i, it) in reports[0].pairs[pair].instructions.iter().enumerate() {
            for property in Property::ALL {
                let of = |r: &Report| r.pairs[pair].instructions[i].property(property);
                let answers: Vec<Option<Answer>> = reports.iter().map(of).collect();
                if answers.iter().all(Option::is_some) {
                    let words =
                        answers.into_iter().flatten().map(|a| a.word().to_owned()).collect();
                    let name = format!("{} {}", it.name, property.word());
                    push_if_different(&mut lines, name, words);
                }
            }
        }
    }
    if lines.len() == 1 {
        return "\nThe profiles agree.\n".into();
    }
    out.push_str(&aligned(&lines, Detail::default()));
    out
}

fn push_if_different(lines: &mut Vec<Vec<Cell>>, name: String, words: Vec<String>) {
    if words.windows(2).any(|pair| pair[0] != pair[1]) {
        lines.push(std::iter::once(name).chain(words).map(Cell::plain).collect());
    }
}

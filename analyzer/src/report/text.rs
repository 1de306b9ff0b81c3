//! The report as text for a terminal.

use std::fmt::Write as _;

use model::isa::{Premise, Profile, Verdict};
use model::property::Property;
use model::rule::Rule;
use model::theorem::Theorem;

use super::diagram::PROVED;
use crate::prove::answer::Answer;
use crate::report::findings::{Baseline, Finding};
use crate::report::{
    DiagramReport, Evidence, GuestReport, InstructionReport, PairReport, RecursiveReport, Report,
    TheoremReport, Theorems, Unmet, WitnessReport,
};
use crate::theorems::theorem::brief;

/// How much to print.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail {
    /// Every instruction and every witness, not only those that matter.
    pub all: bool,
    /// Terminal escapes for colour.
    pub color: bool,
}

/// Renders a report.
pub fn render(report: &Report, detail: Detail) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} — {} (profile {})", report.isa, report.title, report.profile.word());
    if report.pairs.is_empty() {
        let _ = writeln!(out, "\nThe machine has no modes: the theorems are not applicable.");
    }
    for pair in &report.pairs {
        render_pair(&mut out, pair, detail);
    }
    if !report.assumptions.is_empty() {
        out.push_str("\nAssumptions of the specification\n");
        for a in &report.assumptions {
            let _ = writeln!(out, "  {}: {}", a.name, a.that);
            if !a.why.is_empty() {
                let _ = writeln!(out, "    {}", a.why.trim());
            }
            let _ = writeln!(out, "    {}", a.maintained);
        }
    }
    render_expectations(&mut out, report, detail);
    render_findings(&mut out, report);
    render_summary(&mut out, report);
    out
}

/// What was asked for and does not hold, what a baseline does not know, and what is allowed without need; the rest is
/// said above.
fn render_findings(out: &mut String, report: &Report) {
    let gated = report.findings.iter().any(|it| it.baseline.is_some());
    let shown = |it: &&Finding| match it.rule {
        Rule::Expectation => false,
        Rule::Required | Rule::StaleAllow => true,
        _ => gated && it.counts(),
    };
    for it in report.findings.iter().filter(shown) {
        let new = if it.baseline == Some(Baseline::New) { "new: " } else { "" };
        let at = it.at.as_ref().map_or(String::new(), |at| format!("{at}: "));
        let pair = it.pair.as_deref().map_or(String::new(), |pair| format!(" {pair}"));
        let (isa, code) = (&report.isa, it.rule.code());
        let _ = writeln!(out, "{at}{new}{} ({isa}{pair}) [{code}]", it.message);
    }
    let hidden = report.findings.iter().filter(|it| !it.counts()).count();
    if gated {
        let (findings, are) = if hidden == 1 { ("finding", "is") } else { ("findings", "are") };
        let _ = writeln!(out, "{hidden} {findings} {are} known or allowed.");
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

fn render_pair(out: &mut String, pair: &PairReport, detail: Detail) {
    let t = &pair.theorems;
    let open = |may: fn(&InstructionReport) -> bool| pair.instructions.iter().any(may);
    let _ = writeln!(
        out,
        "\nSupervisor mode {}, user mode {}: {} instructions\n",
        pair.supervisor,
        pair.user,
        pair.instructions.len()
    );
    for it in Theorem::ALL {
        let text = match it {
            Theorem::Vmm => {
                theorem(&t.vmm, "sensitive", open(InstructionReport::may_offend), detail)
            }
            Theorem::Recursive => recursive(&t.recursive, detail),
            Theorem::Hvmm => {
                let open = open(InstructionReport::may_offend_in_user_mode);
                theorem(&t.hvmm, "user sensitive", open, detail)
            }
        };
        let _ = writeln!(out, "  {}  {:<41}  {text}", it.name(), it.claim());
    }
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
        for obstacle in &t.obstacles {
            let _ = writeln!(out, "  {name} is undecided: {obstacle}");
        }
        if t.gap {
            let _ = writeln!(
                out,
                "  {name}: the premise holds, and yet direct execution goes wrong for {}: a gap in the definitions",
                t.refuting.join(", ")
            );
        }
    }
    for trap in pair.traps.iter().filter(|t| t.enters != Answer::Yes) {
        let _ = writeln!(out, "  Trap {}: {}", trap.name, entry(trap.enters));
        if let Some(Evidence::Witness(witness)) = &trap.evidence {
            out.push_str("  Two guests, with the same of the monitor's, whose trap leads to different places:\n");
            out.push_str(&witness_table(witness, detail));
        }
    }
    render_diagrams(out, t, detail);
    for it in pair.instructions.iter().filter(|i| !i.safe_if.is_empty()) {
        let conditions = it.safe_if.join(", or ");
        let _ = writeln!(
            out,
            "  {} is safe to run directly if the monitor keeps {conditions}",
            it.name
        );
    }
    let matters = |i: &&InstructionReport| {
        (i.is(Property::Sensitive) != Answer::No
            || i.is(Property::Statewise) != Answer::Yes
            || i.is(Property::UserSensitive) != Answer::No)
            && !i.is(Property::Privileged).is_yes()
    };
    let offending: Vec<&InstructionReport> = pair.instructions.iter().filter(matters).collect();
    if !offending.is_empty() {
        out.push_str("\nNot privileged, and sensitive or not safe to run directly\n");
        out.push_str(&table(&offending, detail));
    }
    if detail.all {
        out.push_str("\nAll instructions\n");
        out.push_str(&table(&pair.instructions.iter().collect::<Vec<_>>(), detail));
    } else {
        let privileged = |i: &InstructionReport| i.is(Property::Privileged);
        let innocuous = |i: &InstructionReport| i.is(Property::Innocuous);
        list(out, "Privileged", pair, privileged, |i| privileged(i).is_yes());
        let only_innocuous = |i: &InstructionReport| {
            innocuous(i).is_yes() && !privileged(i).is_yes() && !matters(&i)
        };
        list(out, "Innocuous", pair, innocuous, only_innocuous);
    }
    for instruction in if detail.all { pair.instructions.iter().collect() } else { offending } {
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
    let mut assumed: Vec<&String> = t.vmm.assumptions.iter().chain(&t.hvmm.assumptions).collect();
    assumed.sort();
    assumed.dedup();
    if !assumed.is_empty() {
        out.push_str("\nThe verdicts assume\n");
        for assumption in assumed {
            let _ = writeln!(out, "  {assumption}");
        }
    }
    if let Some(diagram) = t.vmm.diagram.as_ref().or(t.hvmm.diagram.as_ref()) {
        out.push_str("\nEquivalence assumes besides\n");
        for assumption in &diagram.assumptions {
            let _ = writeln!(out, "  {assumption}");
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

/// One line for the commuting diagram; the hybrid monitor's only where it says something new.
fn render_diagrams(out: &mut String, theorems: &Theorems, detail: Detail) {
    let proved = |d: &DiagramReport| d.equivalence == PROVED;
    for (theorem, t) in theorems.monitors() {
        let hybrid = theorem.is_hybrid();
        let Some(diagram) = &t.diagram else { continue };
        // The hybrid monitor's squares are among those of Theorem 1.
        let says_the_same = |d: &DiagramReport| proved(d) || d.equivalence == diagram.equivalence;
        if hybrid && theorems.vmm.diagram.as_ref().is_some_and(says_the_same) {
            continue;
        }
        if !proved(diagram) {
            let what = if diagram.failing.is_empty() {
                diagram.equivalence.clone()
            } else {
                format!("the diagram {}", diagram.equivalence)
            };
            let strong = anstyle::Style::new().bold();
            let _ = writeln!(
                out,
                "  Equivalence ({}): {}",
                theorem.name(),
                paint(&what, strong, detail)
            );
            continue;
        }
        let n = &diagram.squares;
        let though = match (t.premise, t.offending.as_slice()) {
            (Premise::Fails, [one]) => format!(", though the premise fails for {one}"),
            (Premise::Fails, many) => {
                format!(", though the premise fails for {} instructions", many.len())
            }
            _ => String::new(),
        };
        let whose = if hybrid { "hybrid virtual machine" } else { "virtual machine" };
        let _ = writeln!(
            out,
            "  Equivalence: every square commutes (direct {}, trapped {}, trap sequences {}, allocator {}), so by induction on sequences the {whose} is the real one{though}",
            n.direct, n.trapped, n.traps, n.allocator
        );
    }
}

/// `open`: some instruction may be offending, and this is not settled.
fn theorem(it: &TheoremReport, sensitive: &str, open: bool, detail: Detail) -> String {
    let least = if open { "at least " } else { "" };
    let why = match (it.premise, it.by.as_str()) {
        (Premise::Holds, _) => {
            let although = if it.verdict == Verdict::Refuted { "although " } else { "" };
            format!("{although}every {sensitive} instruction is privileged")
        }
        (Premise::Fails, "statewise") => {
            let kept = if it.keeps.is_empty() { "" } else { " with these bits kept" };
            format!(
                "the premise fails ({least}{} {sensitive} and not privileged), but every unprivileged instruction is safe to run directly{kept}",
                count(&it.offending)
            )
        }
        (Premise::Fails, _) => {
            format!(
                "the premise fails: {least}{} {sensitive} and not privileged",
                count(&it.offending)
            )
        }
        (premise, _) => format!("premise {}", premise.word()),
    };
    format!("{}{}: {why}", verdict(it.verdict, detail), on_condition(&it.conditions))
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

fn count(names: &[String]) -> String {
    match names {
        [one] => format!("{one} is"),
        many => format!("{} instructions are", many.len()),
    }
}

fn recursive(it: &RecursiveReport, detail: Detail) -> String {
    let premises: Vec<String> = it.premises.iter().map(|(n, p)| format!("{n} {p}")).collect();
    let mut text = format!("{}: premises {}", verdict(it.verdict, detail), premises.join(", "));
    if let Some(it) = &it.dispatcher {
        let of = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("\n             {what} {}", brief(names)),
        };
        let what = "behind a trap no single instruction, changing nothing else, saves a guest's";
        text += &of(what, &it.lost);
        text += &of("whether an instruction saves these is undecided:", &it.undecided);
        text += &of("no instruction that enters user mode gives back a guest's", &it.unresumed);
        let open = "whether an instruction that enters user mode gives these back is undecided:";
        text += &of(open, &it.resuming_undecided);
    }
    text
}

fn list(
    out: &mut String,
    title: &str,
    pair: &PairReport,
    answer: impl Fn(&InstructionReport) -> Answer,
    wanted: impl Fn(&InstructionReport) -> bool,
) {
    let names: Vec<&str> =
        pair.instructions.iter().filter(|i| wanted(i)).map(|i| i.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let open = pair.instructions.iter().any(|i| answer(i) == Answer::Undecided);
    let least = if open { "at least " } else { "" };
    let _ = writeln!(out, "\n{title} ({least}{})", names.len());
    let mut line = String::from(" ");
    for name in names {
        if line.len() + name.len() > 98 {
            let _ = writeln!(out, "{line}");
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(name);
    }
    let _ = writeln!(out, "{line}");
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

fn render_expectations(out: &mut String, report: &Report, detail: Detail) {
    use anstyle::AnsiColor::{Green, Red, Yellow};
    if report.expectations == 0 {
        return;
    }
    out.push('\n');
    if report.unmet.is_empty() {
        let style = anstyle::Style::new().fg_color(Some(Green.into()));
        let text = format!(
            "All {} expectations of the specification for profile {} hold.",
            report.expectations,
            report.profile.word()
        );
        let _ = writeln!(out, "{}", paint(&text, style, detail));
        return;
    }
    let (open, failed): (Vec<&Unmet>, Vec<&Unmet>) = report.unmet.iter().partition(|u| u.undecided);
    let of = report.expectations;
    let least = if open.is_empty() { "" } else { "at least " };
    let fail = format!("{least}{} of {of} expectations of the specification fail", failed.len());
    let undecided =
        format!("{} of {of} expectations of the specification are undecided", open.len());
    for (all, text, color) in [(failed, fail, Red), (open, undecided, Yellow)] {
        if all.is_empty() {
            continue;
        }
        let style = anstyle::Style::new().bold().fg_color(Some(color.into()));
        let _ = writeln!(out, "{}", paint(&text, style, detail));
        for unmet in all {
            let at = unmet.at.as_ref().map_or(String::new(), |at| format!("{at}: "));
            let _ = writeln!(out, "  {at}expected {}, found {}", unmet.expected, unmet.found);
        }
    }
}

fn render_summary(out: &mut String, report: &Report) {
    let c = &report.summary.counts;
    if let Some(fraction) = report.opcode_coverage {
        let rest =
            report.unlisted.as_ref().map_or(String::new(), |what| format!("; the others {what}"));
        let _ =
            writeln!(out, "The encodings cover {:.1} % of the opcodes{rest}.", 100.0 * fraction);
    }
    let _ = writeln!(
        out,
        "{} obligations: {} proved, {} witnessed, {} undecided; settled by dependency {}, rewriting {}, \
         evaluation {}, SAT {} ({} conflicts).",
        c.obligations,
        c.proved,
        c.witnessed,
        c.undecided,
        c.by_dependency,
        c.by_rewriting,
        c.by_evaluation,
        c.by_sat,
        c.conflicts
    );
}

/// Where a trap leads that is not known to lead to the monitor.
fn entry(enters: Answer) -> &'static str {
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

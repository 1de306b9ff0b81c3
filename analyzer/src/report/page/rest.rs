//! What stands at the foot of a page: ways around, repair, assumptions, counts, letters, what to type next.

use std::fmt::Write as _;

use anstyle::AnsiColor::Green;
use model::isa::Verdict;

use super::layout::{Page, bright};
use super::{PairReport, Report, TheoremReport, listed, monitors, verdicts};
use crate::report::{Escape, shell};

pub(super) fn of_pair(page: &mut Page, report: &Report, pair: &PairReport) {
    page.gap();
    for remark in remarks(report, pair) {
        page.text(0, 2, &remark);
    }
}

/// Ways around, kept bits, repair and assumptions of a pair.
pub(in crate::report) fn remarks(report: &Report, pair: &PairReport) -> Vec<String> {
    let mut all_remarks = Vec::new();
    let remarks = &mut all_remarks;
    let tried = |it: &TheoremReport| it.escapes.iter().map(escape).collect::<Vec<_>>();
    let [(_, vmm), (_, hvmm)] = monitors(pair);
    let (one, three) = (refuted(vmm).map(tried), refuted(hvmm).map(tried));
    let mut say = |which: &str, all: &[String]| {
        remarks.push(format!("Ways around {which}, tried: {}.", all.join("; ")));
    };
    match (one, three) {
        // The ways around Theorem 3 are among those around Theorem 1.
        (Some(one), Some(three)) if three.iter().all(|it| one.contains(it)) => {
            say("Theorems 1 and 3", &one);
        }
        (one, three) => {
            for (theorem, all) in [("Theorem 1", one), ("Theorem 3", three)] {
                if let Some(all) = all {
                    say(theorem, &all);
                }
            }
        }
    }
    kept(remarks, pair);
    verdicts::dispatcher(remarks, pair);
    if refuted(vmm).or(refuted(hvmm)).is_some() {
        let what = "Repair, the fewest instructions that would have to trap";
        remarks.push(format!("{what}: analyze repair {}", shell::path(report.argument())));
    }
    assumptions(remarks, report, pair);
    all_remarks
}

fn refuted(it: &TheoremReport) -> Option<&TheoremReport> {
    Some(it).filter(|it| it.verdict == Verdict::Refuted && !it.escapes.is_empty())
}

/// A way around, and what became of it.
fn escape(it: &Escape) -> String {
    let what = match it.name.as_str() {
        "single-unrelocated-guest" => "a single guest at k = 0",
        "hybrid-monitor" => "a hybrid monitor",
        "monitor-fixed-bits" => "bits of the monitor's own kept at a value",
        "partial-traps" => "traps where it matters",
        other => other,
    };
    let became = match it.verdict {
        Verdict::Holds => "yes",
        Verdict::Refuted => "no",
        Verdict::Undecided => "open",
        Verdict::Vacuous => "leaves no guest",
        Verdict::NotApplicable => "not applicable",
    };
    format!("{what}: {became}")
}

/// Bits that make single instructions safe, where the verdict does not speak of them.
fn kept(remarks: &mut Vec<String>, pair: &PairReport) {
    if pair.theorems.vmm.verdict == Verdict::Holds {
        return;
    }
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for it in pair.instructions.iter().filter(|it| !it.safe_if.is_empty()) {
        let bits = it.safe_if.join(", or ");
        match groups.iter_mut().find(|(other, _)| *other == bits) {
            Some((_, all)) => all.push(&it.name),
            None => groups.push((bits, vec![&it.name])),
        }
    }
    let group =
        |(bits, all): (String, Vec<&str>)| format!("{bits} ({})", listed(all.into_iter(), " "));
    let all: Vec<String> = groups.into_iter().map(group).collect();
    if !all.is_empty() {
        remarks.push(format!("Safe if the monitor keeps: {}.", all.join("; ")));
    }
}

fn assumptions(remarks: &mut Vec<String>, report: &Report, pair: &PairReport) {
    let t = &pair.theorems;
    let of_specification: Vec<String> =
        report.assumptions.iter().map(|a| format!("{}: {}", a.name, a.that)).collect();
    let diagram = t.vmm.diagram.as_ref().or(t.hvmm.diagram.as_ref());
    let mut all: Vec<&String> = t.vmm.assumptions.iter().chain(&t.hvmm.assumptions).collect();
    all.extend(diagram.iter().flat_map(|d| &d.assumptions));
    all.retain(|it| !of_specification.contains(it));
    let mut known: Vec<&String> = Vec::new();
    for it in all {
        if !known.contains(&it) {
            known.push(it);
        }
    }
    if known.is_empty() && report.assumptions.is_empty() {
        return;
    }
    for it in &report.assumptions {
        remarks.push(format!("Assumed, {}: {} ({})", it.name, it.that, it.maintained));
    }
    let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
    if !known.is_empty() {
        remarks.push(format!("Assumed: {}.", known.join("; ")));
    }
}

/// Counts, expectations, letters, and what to type next.
pub(super) fn of_report(page: &mut Page, report: &Report) {
    let c = &report.summary.counts;
    let mut text = format!(
        "{} questions: {} proved, {} shown by states that were run, {} open.",
        c.obligations, c.proved, c.witnessed, c.undecided
    );
    if let Some(fraction) = report.opcode_coverage {
        let rest =
            report.unlisted.as_ref().map_or(String::new(), |what| format!("; the others {what}"));
        let _ =
            write!(text, " The encodings cover {:.1} % of the opcodes{rest}.", 100.0 * fraction);
    }
    if !report.pairs.is_empty() {
        page.text(0, 2, &text);
    }
    if report.expectations > 0 && report.unmet.is_empty() {
        let text = format!(
            "All {} expectations of the specification for profile {} hold.",
            report.expectations,
            report.profile.word()
        );
        page.painted(0, 2, &text, anstyle::Style::new().fg_color(bright(Green).get_fg_color()));
    }
    if !report.pairs.is_empty() {
        page.text(
            0,
            2,
            "S = <E, M, P, R>: storage and registers, mode, program counter, resources. i(S): after instruction i. \
             f(S): S under a monitor, from cell k on, in user mode, with an R of the monitor's.",
        );
    }
    let spec = shell::path(report.argument());
    let shown = report.pairs.first().and_then(|pair| {
        let t = &pair.theorems;
        let refuted = [&t.vmm, &t.hvmm].into_iter().find_map(|t| t.refutation.as_ref());
        let example = [&t.vmm, &t.hvmm].into_iter().find_map(|t| t.example.as_ref());
        refuted.map(|it| it.instruction.as_str()).or(example.map(|it| it.instruction.as_str()))
    });
    let explain =
        shown.map_or(String::new(), |name| format!("{}; ", shell::explain(&report.file, name)));
    page.text(0, 2, &format!("Next: {explain}analyze check {spec} --all; analyze definitions"));
}

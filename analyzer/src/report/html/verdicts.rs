//! Verdict cards: what nobody may miss, each theorem with its answer and why, what is assumed, and the effort.

use std::fmt::Write as _;

use model::isa::Verdict;
use model::theorem::Theorem;

use super::markup::Markup;
use super::names::counted;
use super::{Machine, Side};
use crate::report::page::verdicts::{WITHOUT_MODES, claim, why, word};
use crate::report::page::{rest, warnings};
use crate::report::text::{finding, gated, is_shown};
use crate::report::{Report, TheoremReport};

/// The class of a verdict's style.
pub(super) const fn style(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "yes",
        Verdict::Refuted => "no",
        Verdict::Undecided => "open",
        Verdict::Vacuous | Verdict::NotApplicable => "none",
    }
}

/// Expectations that are not met, errors and gates; a machine without modes says so.
pub(super) fn of_report(page: &mut Markup, report: &Report) {
    let mut alarms: Vec<String> = Vec::new();
    for it in &report.unmet {
        let at = it.at.as_ref().map_or(String::new(), |at| format!(" ({at})"));
        let what = if it.undecided { "undecided" } else { "not met" };
        alarms
            .push(format!("Expectation {what}: expected {}, found {}{at}", it.expected, it.found));
    }
    let gated = gated(report);
    let shown = report.findings.iter().filter(|it| report.is_unreadable() || is_shown(it, gated));
    alarms.extend(shown.map(|it| finding(report, it)));
    self::alarms(page, &alarms);
    if report.pairs.is_empty() && !report.is_unreadable() {
        page.element("div", &[("class", "verdicts")], |page| {
            for theorem in Theorem::ALL {
                card(page, theorem, Verdict::NotApplicable, "the machine has no modes", |_| {});
            }
        });
        page.paragraph(WITHOUT_MODES);
    }
}

fn alarms(page: &mut Markup, all: &[String]) {
    if all.is_empty() {
        return;
    }
    page.element("ul", &[("class", "alarms")], |page| {
        for text in all {
            page.leaf("li", &[], text);
        }
    });
}

/// The theorems of a pair.
pub(super) fn render(page: &mut Markup, side: Side<'_>) {
    let Side { machine, pair, number } = side;
    let several = machine.report.pairs.len() > 1;
    let modes = format!("supervisor mode {}, user mode {}", pair.supervisor, pair.user);
    let title = if several { format!("Verdicts: {modes}") } else { "Verdicts".to_owned() };
    section(page, &machine.anchors.part(&format!("p{number}-verdicts")), &title, |page| {
        if !several {
            page.leaf("p", &[("class", "note")], &format!("For the pair of modes: {modes}."));
        }
        alarms(page, &warnings::about(pair));
        page.element("div", &[("class", "verdicts")], |page| {
            for theorem in Theorem::ALL {
                let verdict = pair.theorems.verdict(theorem);
                card(page, theorem, verdict, &why(pair, theorem), |page| {
                    if let Some(it) = pair.theorems.monitor(theorem) {
                        offenders(page, side, it);
                    }
                });
            }
        });
        let remarks = rest::remarks(machine.report, pair);
        if !remarks.is_empty() {
            page.element("details", &[("class", "remarks")], |page| {
                page.leaf("summary", &[], "Ways around, and what is assumed");
                page.element("ul", &[], |page| {
                    for remark in remarks {
                        page.leaf("li", &[], &remark);
                    }
                });
            });
        }
    });
}

/// A part of a page under a heading.
pub(super) fn section(
    page: &mut Markup,
    anchor: &str,
    title: &str,
    inside: impl FnOnce(&mut Markup),
) {
    let heading = format!("{anchor}-h");
    page.element("section", &[("id", anchor), ("aria-labelledby", &heading)], |page| {
        page.leaf("h2", &[("id", &heading)], title);
        inside(page);
    });
}

fn card(
    page: &mut Markup,
    theorem: Theorem,
    verdict: Verdict,
    why: &str,
    more: impl FnOnce(&mut Markup),
) {
    let class = format!("verdict {}", style(verdict));
    page.element("div", &[("class", &class)], |page| {
        page.leaf("p", &[("class", "answer")], word(verdict));
        page.leaf("h3", &[], &format!("{}: {}", theorem.name(), lower(claim(theorem))));
        page.leaf("p", &[], &sentence(why));
        more(page);
    });
}

fn lower(text: &str) -> String {
    crate::report::explain::lower(text)
}

/// With a full stop. What begins with the name of an instruction keeps it as it is.
pub(super) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', ':', '!', '?']) { "" } else { "." };
    format!("{text}{stop}")
}

/// The instructions that stand against a theorem, each with its card; the first ones.
fn offenders(page: &mut Markup, side: Side<'_>, it: &TheoremReport) {
    const SHOWN: usize = 8;
    let mut all: Vec<&String> = it.offending.iter().chain(&it.refuting).collect();
    let mut seen: Vec<&String> = Vec::new();
    all.retain(|name| {
        !seen.contains(name) && {
            seen.push(name);
            true
        }
    });
    let shown = it.refutation.as_ref().map(|it| &it.instruction);
    all.sort_by_key(|name| Some(*name) != shown);
    if all.is_empty() {
        return;
    }
    page.element("p", &[("class", "chips")], |page| {
        for name in all.iter().take(SHOWN) {
            chip(page, side, name);
            page.text(" ");
        }
        if all.len() > SHOWN {
            let sets = side.machine.anchors.part(&format!("p{}-sets", side.number));
            let more = format!("and {} more", all.len() - SHOWN);
            page.leaf("a", &[("href", &format!("#{sets}"))], &more);
        }
    });
}

/// The name of an instruction, which opens its card.
pub(super) fn chip(page: &mut Markup, side: Side<'_>, name: &str) {
    let found = side.pair.instructions.iter().find(|it| it.name == name);
    match (side.card_of(name), found) {
        (Some(card), Some(it)) => {
            let class = format!("chip {}", super::names::Standing::of(side.pair, it).style());
            page.leaf("a", &[("class", &class), ("href", &format!("#{card}"))], name);
        }
        _ => page.leaf("span", &[("class", "chip")], name),
    }
}

/// What the report is worth: questions, coverage, expectations, and how to check it.
pub(super) fn effort(page: &mut Markup, it: Machine<'_>) {
    let report = it.report;
    let c = &report.summary.counts;
    if report.pairs.is_empty() {
        return;
    }
    page.element("footer", &[], |page| {
        let mut text = format!(
            "{} about all states: {} proved, {} shown by states that were run in the interpreter, {} open.",
            counted(usize::try_from(c.obligations).unwrap_or(usize::MAX), "question"),
            c.proved,
            c.witnessed,
            c.undecided
        );
        if let Some(fraction) = report.opcode_coverage {
            let rest = report.unlisted.as_ref();
            let rest = rest.map_or(String::new(), |what| format!("; the others {what}"));
            let _ = write!(text, " The encodings cover {:.1} % of the opcodes{rest}.", 100.0 * fraction);
        }
        if report.expectations > 0 && report.unmet.is_empty() {
            let n = usize::try_from(report.expectations).unwrap_or(usize::MAX);
            let _ = write!(text, " {} of the specification: all hold.", counted(n, "expectation"));
        }
        page.paragraph(&text);
        page.paragraph(
            "S = ⟨E, M, P, R⟩: storage and registers, mode, program counter, resources. i(S): after instruction i. \
             f(S): S under a monitor, from cell k on, in user mode, with an R of the monitor’s.",
        );
        let (file, profile) = (&report.file, report.profile.word());
        page.paragraph("To check every answer without trusting the solver:");
        page.leaf("pre", &[], &format!(
            "analyze prove {file} --certificate DIR --profile {profile}\nanalyze verify DIR {file} --profile {profile}"
        ));
    });
}

//! `analyze check`.

use std::io::Write;
use std::path::Path;

use analyzer::report::Report;
use analyzer::text::{self, Detail};
use analyzer::{Options, analyze, smtlib};
use model::Loaded;
use model::diagnostic::Sources;
use model::isa::{Premise, Profile, Verdict};
use refvmm::files;

use crate::arguments::{Check, Emit, Format};
use crate::terminal::{Exit, color, complain, known_pair, load_with_advice, print, progress};

const NO_GUEST: &str =
    "no guest program was found that tells the real machine from a monitored one";

pub(crate) fn run(check: &Check) -> Exit {
    let mut exit = Exit::Fine;
    let mut reports = Vec::new();
    if check.emit.is_some() && (check.specs.len() > 1 || check.profile.profiles().len() > 1) {
        let _ = writeln!(std::io::stderr(), "--emit takes one specification and one profile");
        return Exit::CouldNotRun;
    }
    for (i, spec) in check.specs.iter().enumerate() {
        if analyzer::stopped() {
            let _ = writeln!(std::io::stderr(), "{spec}: interrupted, nothing was analyzed");
            exit = exit.worse(Exit::Undecided);
            continue;
        }
        let mut sources = Sources::default();
        let Some(Loaded { isa, advice, .. }) = load_with_advice(spec, &mut sources) else {
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        };
        if check.strict && !advice.is_empty() {
            complain(&advice, &sources);
            exit = exit.worse(Exit::Unmet);
        }
        if let Err(error) = known_pair(&isa, check.pair.as_deref()) {
            let _ = writeln!(std::io::stderr(), "{spec}: {error}");
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        }
        let judge = |profile: &Profile| {
            let options =
                Options { profile: *profile, pair: check.pair.as_deref(), timeout: check.timeout };
            let failed = |to: &Path, error: std::io::Error| {
                format!("cannot write {}: {error}", to.display())
            };
            if let Some(Emit::Smt2(to)) = &check.emit {
                return smtlib::emit(&isa, &sources, options, to, &progress())
                    .map_err(|error| failed(to, error));
            }
            let report = analyze(&isa, &sources, options, &progress());
            let (to, text) = match &check.emit {
                Some(Emit::Classification(to)) => {
                    (to, report.classification(&isa, &sources).text())
                }
                Some(Emit::Guest(to)) => (to, report.guest().ok_or(NO_GUEST)?),
                Some(Emit::Smt2(_)) | None => return Ok(report),
            };
            files::write_whole(to, text.as_bytes()).map_err(|error| failed(to, error))?;
            Ok(report)
        };
        let judged: Result<Vec<Report>, String> =
            check.profile.profiles().iter().map(judge).collect();
        let judged = match judged {
            Ok(judged) => judged,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "{error}");
                return Exit::CouldNotRun;
            }
        };
        exit = judged.iter().fold(exit, |exit, report| exit.worse(exit_of(report)));
        let printed = match check.format {
            Format::Json => {
                reports.extend(judged);
                continue;
            }
            Format::Text => {
                let separator = if i > 0 { "\n" } else { "" };
                let detail = Detail { all: check.all, color: color() };
                let differences =
                    if judged.len() > 1 { text::disagreements(&judged) } else { String::new() };
                format!("{separator}{}{differences}", text::render(&judged[0], detail))
            }
            Format::Concise => judged.iter().map(text::concise).collect(),
        };
        exit = exit.worse(print(&printed));
    }
    if check.format == Format::Json && !reports.is_empty() {
        let json = match reports.as_slice() {
            [one] => serde_json::to_string_pretty(one),
            many => serde_json::to_string_pretty(many),
        };
        match json {
            Ok(json) => exit = exit.worse(print(&(json + "\n"))),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot write the report: {error}");
                exit = Exit::CouldNotRun;
            }
        }
    }
    exit
}

fn exit_of(report: &Report) -> Exit {
    if report.unmet.iter().any(|u| !u.undecided) {
        return Exit::Unmet;
    }
    let undecided = report.pairs.iter().any(|p| {
        let open =
            |premise, verdict| premise == Premise::Undecided || verdict == Verdict::Undecided;
        p.theorems.monitors().into_iter().any(|(_, it)| open(it.premise, it.verdict))
    });
    // What can be saved is part of Theorem 2, which counts where something is expected of it.
    let saving = report.pairs.iter().filter_map(|p| p.theorems.recursive.dispatcher.as_ref());
    let saving: u64 = saving.map(|it| it.open).sum();
    if undecided || !report.unmet.is_empty() || report.summary.counts.undecided > saving {
        return Exit::Undecided;
    }
    Exit::Fine
}

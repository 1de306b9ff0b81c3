//! `analyze check`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use analyzer::answer::Answer;
use analyzer::report::baseline::{Baseline, Requirement, require};
use analyzer::report::findings::{Baseline as Known, of_diagnostics};
use analyzer::report::html::{self, Exhibit};
use analyzer::report::{Report, SCHEMA, github, junit, latex, markdown, page, sarif};
use analyzer::text::{self, Detail};
use analyzer::{Options, analyze, smtlib};
use model::Loaded;
use model::diagnostic::Sources;
use model::isa::{Premise, Profile, Verdict};
use model::rule::Rule;
use refvmm::files;
use refvmm::specification::open;

use crate::arguments::{Check, CheckFormat, Emit};
use crate::database::Beside;
use crate::progress::progress;
use crate::terminal::{Exit, complain, could_not_run, known_pair, load_with_advice, print, style};

const NO_GUEST: &str =
    "no guest program was found that tells the real machine from a monitored one";

pub(crate) fn run(check: &Check) -> Exit {
    if check.emit.is_some() && (check.specs.len() > 1 || check.profile.profiles().len() > 1) {
        let _ = writeln!(std::io::stderr(), "--emit takes one specification and one profile");
        return Exit::CouldNotRun;
    }
    let baseline =
        match check.baseline.as_deref().map(|path| read_baseline(check, path)).transpose() {
            Ok(baseline) => baseline,
            Err(exit) => return exit,
        };
    let mut exit = Exit::Fine;
    let mut reports = Vec::new();
    let mut exhibits = Vec::new();
    for (i, spec) in check.specs.iter().enumerate() {
        if analyzer::stopped() {
            let _ = writeln!(std::io::stderr(), "{spec}: interrupted, nothing was analyzed");
            exit = exit.worse(Exit::Undecided);
            continue;
        }
        let (judged, judging) = judge(check, spec, baseline.as_ref(), &mut exhibits);
        exit = exit.worse(judging);
        if judging != Exit::CouldNotRun {
            exit = judged.iter().fold(exit, |exit, report| exit.worse(exit_of(check, report)));
        }
        exit = exit.worse(print(&rendered(check, &judged, i > 0)));
        reports.extend(judged);
    }
    if let Some(baseline) = &baseline {
        for gone in baseline.gone(&reports) {
            let _ = writeln!(std::io::stderr(), "the baseline knows {gone}, which is not found");
        }
    }
    // Half of the findings would be no baseline.
    if let Some(path) = check.write_baseline.as_deref()
        && exit != Exit::CouldNotRun
        && let Err(error) = write_baseline(path, &Baseline::of(&reports))
    {
        exit = exit.worse(failed(check, path, &error));
    }
    exit.worse(print(&joined(check, &reports, &exhibits)))
}

/// Says why nothing came of it, also to who reads annotations only.
fn failed(check: &Check, what: &str, why: &str) -> Exit {
    if check.format == CheckFormat::Github {
        print(&github::could_not_run(what, why));
    }
    could_not_run(what, why)
}

fn read_baseline(check: &Check, path: &str) -> Result<Baseline, Exit> {
    let missing = !Path::new(path).exists();
    let help = if missing { format!("; --write-baseline {path} makes one") } else { String::new() };
    let read = open(path).map_err(|error| error + &help);
    read.and_then(|text| Baseline::parse(&text)).map_err(|error| failed(check, path, &error))
}

/// Writes a baseline, over an older one but over nothing else.
fn write_baseline(path: &str, baseline: &Baseline) -> Result<(), String> {
    if Path::new(path).is_file() {
        let known = open(path).and_then(|text| Baseline::parse(&text));
        known.map_err(|error| format!("{error}; nothing was written over it"))?;
    }
    files::write_whole(Path::new(path), baseline.text().as_bytes()).map_err(|e| e.to_string())
}

/// The reports on a specification in the profiles asked for, and what its reading came to. For a page to look at, what
/// it shows beside each report joins the exhibits.
fn judge(
    check: &Check,
    spec: &str,
    baseline: Option<&Baseline>,
    exhibits: &mut Vec<Option<Exhibit>>,
) -> (Vec<Report>, Exit) {
    let (mut sources, mut beside) = (Sources::default(), Beside::default());
    let Loaded { isa, advice, .. } =
        match load_with_advice(spec, &check.database, &mut sources, &mut beside) {
            Ok(loaded) => loaded,
            Err(errors) => {
                let findings = of_diagnostics(&errors, spec, &sources);
                let report = Report::unreadable(spec, check.profile.profiles()[0], findings);
                exhibits.push(None);
                return (vec![report], Exit::CouldNotRun);
            }
        };
    let mut exit = beside.exit();
    if check.strict && !advice.is_empty() {
        complain(&advice, &sources);
        exit = Exit::Unmet;
    }
    if let Err(error) = known_pair(&isa, check.pair.as_deref()) {
        return (Vec::new(), failed(check, spec, &error));
    }
    let mut one = |profile: &Profile| {
        let begun = Instant::now();
        let options =
            Options { profile: *profile, pair: check.pair.as_deref(), timeout: check.timeout };
        let failed =
            |to: &Path, error: std::io::Error| format!("cannot write {}: {error}", to.display());
        let mut report = if let Some(Emit::Smt2(to)) = &check.emit {
            smtlib::emit(&isa, &sources, options, to, &progress())
                .map_err(|error| failed(to, error))?
        } else {
            analyze(&isa, &sources, options, &progress())
        };
        let emitted = match &check.emit {
            Some(Emit::Classification(to)) => {
                Some((to, report.classification(&isa, &sources).text()))
            }
            Some(Emit::Guest(to)) => Some((to, report.guest().ok_or(NO_GUEST)?)),
            Some(Emit::Smt2(_)) | None => None,
        };
        if let Some((to, text)) = emitted {
            files::write_whole(to, text.as_bytes()).map_err(|error| failed(to, error))?;
        }
        beside.add(&mut report, &sources);
        for requirement in requirements(check) {
            require(&mut report, requirement);
        }
        if let Some(baseline) = baseline {
            baseline.mark(&mut report);
        }
        exhibits.push((check.format == CheckFormat::Html).then(|| {
            let timeout = check.timeout.map(|it| it.saturating_sub(begun.elapsed()));
            Exhibit::gather(&isa, &sources, &report, &Options { timeout, ..options }, &progress())
        }));
        Ok(report)
    };
    let judged: Result<Vec<Report>, String> =
        check.profile.profiles().iter().map(&mut one).collect();
    match judged {
        Ok(judged) => (judged, exit),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            (Vec::new(), Exit::CouldNotRun)
        }
    }
}

/// What is printed of one specification before the next is read.
fn rendered(check: &Check, judged: &[Report], later: bool) -> String {
    let Some(first) = judged.first() else { return String::new() };
    match check.format {
        // What is wrong stands on standard error.
        CheckFormat::Text | CheckFormat::Concise if first.is_unreadable() => String::new(),
        CheckFormat::Text => {
            let separator = if later { "\n" } else { "" };
            let style = style();
            let mut all = page::render(first, style);
            if check.all {
                let rest = text::rest(first, Detail { all: true, color: style.color });
                all += &if style.ascii { page::ascii(&rest) } else { rest };
            }
            if judged.len() > 1 {
                all += &text::disagreements(judged);
            }
            format!("{separator}{all}")
        }
        CheckFormat::Concise => judged.iter().map(text::concise).collect(),
        CheckFormat::Github => judged.iter().map(github::render).collect(),
        CheckFormat::Markdown => judged.iter().map(markdown::render).collect(),
        CheckFormat::Json
        | CheckFormat::Reports
        | CheckFormat::Sarif
        | CheckFormat::Junit
        | CheckFormat::Latex
        | CheckFormat::Html => String::new(),
    }
}

/// What is printed of all specifications together.
fn joined(check: &Check, reports: &[Report], exhibits: &[Option<Exhibit>]) -> String {
    let read: Vec<&Report> = reports.iter().filter(|it| !it.is_unreadable()).collect();
    match (check.format, read.as_slice()) {
        (CheckFormat::Json, []) => String::new(),
        (CheckFormat::Json, [one]) => format!("{:#}\n", serde_json::json!(one)),
        (CheckFormat::Json, many) => format!("{:#}\n", serde_json::json!(many)),
        (CheckFormat::Reports, _) => {
            format!("{:#}\n", serde_json::json!({"schema": SCHEMA, "reports": reports}))
        }
        (CheckFormat::Sarif, _) => format!("{:#}\n", sarif::render(reports)),
        (CheckFormat::Junit, _) => junit::render(reports),
        (CheckFormat::Latex, _) => latex::render(reports),
        (CheckFormat::Html, _) => {
            let subjects = reports.iter().zip(exhibits.iter().map(Option::as_ref));
            html::render(&subjects.collect::<Vec<_>>())
        }
        _ => String::new(),
    }
}

/// The theorems that have to hold.
fn requirements(check: &Check) -> impl Iterator<Item = Requirement> {
    let unconditional = check.unconditional;
    check.require.iter().map(move |theorem| Requirement { theorem: *theorem, unconditional })
}

fn exit_of(check: &Check, report: &Report) -> Exit {
    if report.unmet.iter().any(|u| !u.undecided) {
        return Exit::Unmet;
    }
    let required = |answer: Answer| {
        let mut all = requirements(check);
        all.any(|it| report.pairs.iter().any(|pair| it.met(&pair.theorems) == answer))
    };
    let missing = required(Answer::No) || report.pairs.is_empty() && !check.require.is_empty();
    let new = |wanted: fn(Rule) -> bool| {
        let mut all = report.findings.iter();
        all.any(|it| it.baseline == Some(Known::New) && it.counts() && wanted(it.rule))
    };
    if missing || new(|rule| !matches!(rule, Rule::Undecided | Rule::Required)) {
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
    if undecided
        || !report.unmet.is_empty()
        || report.summary.counts.undecided > saving
        || required(Answer::Undecided)
    {
        return Exit::Undecided;
    }
    Exit::Fine
}

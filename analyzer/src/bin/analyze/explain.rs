//! `analyze explain`.

use analyzer::report::Report;
use analyzer::report::explain::{explain, html, latex, markdown, proof, text};
use analyzer::{Options, analyze, repair};
use model::code;
use model::diagnostic::{Sources, did_you_mean};
use model::isa::Isa;
use refvmm::specification::{locate, open};

use crate::arguments::{DatabaseArguments, Explain, ProofFormat};
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, load_of, print, print_text};

pub(crate) fn run(it: &Explain) -> Exit {
    let spec = &it.subject;
    match &it.instruction {
        None if it.proof => {
            let Some((isa, sources)) = loaded(spec, &it.database) else { return Exit::CouldNotRun };
            let report = analyzed(&isa, &sources, it);
            let document = proof::document(&isa, &sources, &report);
            let text = match it.format {
                ProofFormat::Markdown => markdown::render(&document),
                ProofFormat::Latex => latex::render(&document),
                ProofFormat::Html => html::render(&document),
            };
            exit().worse(print(&text))
        }
        None => of_code(spec),
        Some(name) => {
            let Some((isa, sources)) = loaded(spec, &it.database) else { return Exit::CouldNotRun };
            match named(&isa, name) {
                None => {
                    let names = isa.classes.iter().map(|it| it.name.as_str());
                    let help = did_you_mean(name, names)
                        .unwrap_or_else(|| format!("`analyze check --all {spec}` lists them"));
                    could_not_run(spec, &format!("there is no instruction `{name}`; {help}"))
                }
                Some(Named::One(class)) => one(it, &isa, &sources, class),
                Some(Named::Cases(classes)) => {
                    let report = analyzed(&isa, &sources, it);
                    let cases: Vec<_> = classes
                        .iter()
                        .map(|class| explain(&isa, &sources, &report, *class))
                        .collect();
                    exit().worse(print_text(&text::cases(name, &cases)))
                }
            }
        }
    }
}

/// What a name stands for.
enum Named {
    One(usize),
    Cases(Vec<usize>),
}

/// The class of a name, or the cases of a mnemonic; as it is written, else whatever the case of letters.
fn named(isa: &Isa, name: &str) -> Option<Named> {
    let same = |it: &str| it.eq_ignore_ascii_case(name);
    let classes = || isa.classes.iter().map(|it| it.name.as_str());
    let one = classes().position(|it| it == name).or_else(|| classes().position(same));
    let is_case = |it: &str| it.split_once('[').is_some_and(|(mnemonic, _)| same(mnemonic));
    one.map(Named::One).or_else(|| {
        let cases: Vec<usize> =
            classes().enumerate().filter(|(_, it)| is_case(it)).map(|(i, _)| i).collect();
        (!cases.is_empty()).then_some(Named::Cases(cases))
    })
}

fn one(it: &Explain, isa: &Isa, sources: &Sources, class: usize) -> Exit {
    let spec = &it.subject;
    let report = analyzed(isa, sources, it);
    let name = &isa.classes[class].name;
    let offends =
        report.pairs.iter().flat_map(|pair| pair.theorems.monitors()).any(|(_, it)| {
            it.offending.iter().chain(&it.refuting).any(|offending| offending == name)
        });
    let repaired = offends.then(|| {
        let spec = locate(spec);
        let (path, extends) =
            (&format!("{spec} (repaired)"), spec.rsplit('/').next().unwrap_or(&spec));
        let place = repair::Place { path, extends };
        match repair::repair(isa, &report, place, &open, &progress()) {
            Ok(repair) => repair.about(name),
            Err(why) => format!("There is no overlay that makes it trap: {why}"),
        }
    });
    let explanation = explain(isa, sources, &report, class);
    exit().worse(print_text(&text::render(&explanation, repaired.as_deref())))
}

fn of_code(code: &str) -> Exit {
    if let Some(it) = code::find(code) {
        return print_text(&it.render());
    }
    let is_code = |word: &str| {
        word.len() == 4
            && word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    if is_code(code) {
        return could_not_run(
            code,
            "there is no such code; codes look like V001, C013, K020 or S010",
        );
    }
    could_not_run(
        code,
        "which instruction? `analyze explain SPEC INSTRUCTION`, or `--proof` for the theorems",
    )
}

fn loaded(spec: &str, database: &DatabaseArguments) -> Option<(Isa, Sources)> {
    let mut sources = Sources::default();
    let isa = load_of(spec, database, &mut sources)?;
    Some((isa, sources))
}

fn analyzed(isa: &Isa, sources: &Sources, it: &Explain) -> Report {
    let options = Options { profile: it.profile, pair: None, timeout: None };
    analyze(isa, sources, options, &progress())
}

/// What was interrupted is undecided.
fn exit() -> Exit {
    if analyzer::stopped() { Exit::Undecided } else { Exit::Fine }
}

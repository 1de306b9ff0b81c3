//! `analyze explain`.

use std::io::Write;

use analyzer::text::{self, Detail};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;

use crate::progress::progress;
use crate::terminal::{Exit, color, load, print};

pub(crate) fn run(spec: &str, instruction: &str, profile: Profile) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(spec, &mut sources) else { return Exit::CouldNotRun };
    if isa.class(instruction).is_none() {
        let names = || isa.classes.iter().map(|c| c.name.as_str());
        let case = |name: &&str| name.split('[').next() == Some(instruction);
        let cases: Vec<&str> = names().filter(case).collect();
        let help = if cases.is_empty() {
            model::diagnostic::did_you_mean(instruction, names())
                .unwrap_or_else(|| format!("`analyze --all {spec}` lists them"))
        } else {
            format!("its cases are judged one by one: {}", cases.join(", "))
        };
        let _ =
            writeln!(std::io::stderr(), "{spec}: there is no instruction `{instruction}`; {help}");
        return Exit::CouldNotRun;
    }
    let options = Options { profile, pair: None, timeout: None };
    let report = analyze(&isa, &sources, options, &progress());
    let exit = if analyzer::stopped() { Exit::Undecided } else { Exit::Fine };
    exit.worse(print(&text::explain(&report, instruction, Detail { all: true, color: color() })))
}

//! `analyze diff`.

use std::io::Write;

use analyzer::difference::{compare, github, text};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;

use crate::arguments::{Diff, DiffFormat};
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, known_pair, load_of, print, print_text};

pub(crate) fn run(diff: &Diff) -> Exit {
    let options =
        Options { profile: diff.profile, pair: diff.pair.as_deref(), timeout: diff.timeout };
    let mut sides = Vec::new();
    for spec in [&diff.old, &diff.new] {
        let mut sources = Sources::default();
        let Some(isa) = load_of(spec, &diff.database, &mut sources) else {
            return Exit::CouldNotRun;
        };
        if let Err(error) = known_pair(&isa, diff.pair.as_deref()) {
            return could_not_run(spec, &error);
        }
        let report = analyze(&isa, &sources, options, &progress());
        sides.push((isa, report));
    }
    let [(old, before), (new, after)] = &sides[..] else { return Exit::CouldNotRun };
    let difference = compare((old, before), (new, after), options, &progress());
    let printed = match diff.format {
        DiffFormat::Github => github::render(&difference, after, diff.identical),
        DiffFormat::Text => text::render(&difference, diff.all),
        DiffFormat::Json => match serde_json::to_string_pretty(&difference) {
            Ok(json) => json + "\n",
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot write the difference: {error}");
                return Exit::CouldNotRun;
            }
        },
    };
    let unmet = !difference.regressions.is_empty() || diff.identical && !difference.is_empty();
    let exit = match (unmet, difference.is_open() || analyzer::stopped()) {
        (true, _) => Exit::Unmet,
        (false, true) => Exit::Undecided,
        (false, false) => Exit::Fine,
    };
    let print = if diff.format == DiffFormat::Text { print_text } else { print };
    exit.worse(print(&printed))
}

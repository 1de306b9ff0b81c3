//! `analyze grade`.

use analyzer::grade::{grade, grading, read, text};
use analyzer::report::PairReport;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use refvmm::specification::open;

use crate::arguments::{Grade, GradeFormat};
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, known_pair, load, print};

pub(crate) fn run(it: &Grade) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(&it.key, &mut sources) else { return Exit::CouldNotRun };
    if let Err(error) = known_pair(&isa, it.pair.as_deref()) {
        return could_not_run(&it.key, &error);
    }
    let options = Options { profile: it.profile, pair: it.pair.as_deref(), timeout: None };
    let report = analyze(&isa, &sources, options, &progress());
    let pair = match report.pairs.as_slice() {
        [one] => one,
        [] => {
            return could_not_run(
                &it.key,
                "the machine has no modes, so there is nothing to claim",
            );
        }
        many => {
            let all: Vec<String> = many.iter().map(PairReport::name).collect();
            let why =
                format!("--pair has to say which pair the claims are about: {}", all.join(", "));
            return could_not_run(&it.key, &why);
        }
    };
    let mut all = grading(&report, pair);
    for file in &it.students {
        let claims = match open(file) {
            Ok(text) => read(file, &text, pair),
            Err(error) => Err(vec![format!("{file}: {error}")]),
        };
        all.students.push(grade(&report, pair, file, claims, &it.ask));
    }
    let printed = match it.format {
        GradeFormat::Text => text::render(&all),
        GradeFormat::Json => format!("{:#}\n", serde_json::json!(all)),
    };
    let broken = all.students.iter().any(|it| !it.errors.is_empty());
    let open = all.students.iter().any(|it| it.open > 0) || analyzer::stopped();
    let exit = if broken {
        Exit::CouldNotRun
    } else if open {
        Exit::Undecided
    } else {
        Exit::Fine
    };
    exit.worse(print(&printed))
}

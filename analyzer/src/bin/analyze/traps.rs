//! `analyze traps`.

use std::io::Write;

use analyzer::Options;
use analyzer::traps::{latex, markdown, text, trap_table};
use model::diagnostic::{Sources, did_you_mean};
use model::isa::{Isa, Profile};

use crate::arguments::{Traps, TrapsFormat};
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, load_of, print, print_text};

pub(crate) fn run(traps: &Traps) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load_of(&traps.spec, &traps.database, &mut sources) else {
        return Exit::CouldNotRun;
    };
    let mut chosen = Vec::new();
    for name in &traps.instructions {
        let found = named(&isa, name);
        if found.is_empty() {
            let names = isa.classes.iter().flat_map(|c| [c.name.as_str(), instruction(&c.name)]);
            let help = did_you_mean(name, names).map_or_else(String::new, |it| format!("; {it}"));
            return could_not_run(&traps.spec, &format!("there is no instruction `{name}`{help}"));
        }
        chosen.extend(found);
    }
    // The table does not depend on a reading of the definitions.
    let options = Options { profile: Profile::Refined, pair: None, timeout: traps.timeout };
    let table = trap_table(&isa, &chosen, &options, &progress());
    let printed = match traps.format {
        TrapsFormat::Text => text::render(&table),
        TrapsFormat::Markdown => markdown::render(&table),
        TrapsFormat::Latex => latex::render(&table),
        TrapsFormat::Json => match serde_json::to_string_pretty(&table) {
            Ok(json) => json + "\n",
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot write the table: {error}");
                return Exit::CouldNotRun;
            }
        },
    };
    let open = table.is_open() || analyzer::stopped();
    let exit = if open { Exit::Undecided } else { Exit::Fine };
    let print = if traps.format == TrapsFormat::Text { print_text } else { print };
    exit.worse(print(&printed))
}

/// The class of a name, or all cases of an instruction of that name.
fn named<'i>(isa: &'i Isa, name: &str) -> Vec<&'i str> {
    let all = || isa.classes.iter().map(|c| c.name.as_str());
    let exact: Vec<&str> = all().filter(|it| *it == name).collect();
    if exact.is_empty() { all().filter(|it| instruction(it) == name).collect() } else { exact }
}

/// `csrrs[cycle]` is a case of `csrrs`.
fn instruction(class: &str) -> &str {
    class.split('[').next().unwrap_or(class)
}

//! `analyze graph`.

use analyzer::Options;
use analyzer::graph::mode_graph;
use model::diagnostic::Sources;
use model::isa::Profile;

use crate::arguments::GraphFormat;
use crate::progress::progress;
use crate::terminal::{Exit, load, print, print_text};

pub(crate) fn run(spec: &str, format: GraphFormat) -> Exit {
    let Some(isa) = load(spec, &mut Sources::default()) else { return Exit::CouldNotRun };
    // The graph does not depend on a reading of the definitions.
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let graph = mode_graph(&isa, &options, &progress());
    let printed = match format {
        GraphFormat::Text => graph.text(),
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Json => format!("{:#}\n", graph.json()),
    };
    let open = graph.is_open() || analyzer::stopped();
    let exit = if open { Exit::Undecided } else { Exit::Fine };
    let print = if format == GraphFormat::Text { print_text } else { print };
    exit.worse(print(&printed))
}

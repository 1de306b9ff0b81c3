//! Regressions as workflow commands of GitHub Actions, at the lines of the new specification.

use super::Difference;
use crate::report::Report;
use crate::report::findings::Place;
use crate::report::github::annotation;

/// An error for each regression, at the instruction where it is one's; with `identical` also one for each instruction
/// or trap that is not the same. What is undecided is a warning. A notice where there is none of them.
pub fn render(it: &Difference, after: &Report, identical: bool) -> String {
    let start = Place::start(&after.file);
    let mut out = String::new();
    for regression in &it.regressions {
        // `supervisor:user: popf is sensitive and not privileged`.
        let own = |pair: &str, subject: &str| {
            regression.strip_prefix(&format!("{pair}: {subject} ")).is_some()
        };
        let mut findings = after.findings.iter();
        let found = findings.find(|f| f.pair.as_deref().is_some_and(|pair| own(pair, &f.subject)));
        let at = found.and_then(|f| f.at.as_ref()).unwrap_or(&start);
        out.push_str(&annotation("error", Some(at), "regression", regression));
    }
    for part in it.parts().filter(|part| part.change != "same") {
        let message = format!("{}: {} ({} → {})", part.name, part.change, it.old, it.new);
        let level = match part.change {
            "undecided" => "warning",
            _ if identical => "error",
            _ => continue,
        };
        out.push_str(&annotation(level, Some(&start), "difference", &message));
    }
    if out.is_empty() {
        let message = format!("{} → {}: no regression", it.old, it.new);
        out.push_str(&annotation("notice", Some(&start), "no regression", &message));
    }
    out
}

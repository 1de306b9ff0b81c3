//! `analyze prove` and `analyze verify`.

use analyzer::{Options, certificate};
use model::diagnostic::Sources;

use crate::arguments::{Prove, Verify};
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, known_pair, load, print};

pub(crate) fn prove(it: &Prove) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Exit::CouldNotRun };
    if let Err(error) = known_pair(&isa, it.pair.as_deref()) {
        return could_not_run(&it.spec, &error);
    }
    let profile = it.profile;
    let options = Options { profile, pair: it.pair.as_deref(), timeout: it.timeout };
    match certificate::prove(&isa, &sources, options, &it.certificate, it.dimacs, &progress()) {
        Err(error) => could_not_run(&it.certificate.display().to_string(), &error.to_string()),
        Ok(proved) => {
            let place = it.certificate.display();
            let exit = print(&format!("{}: certificate in {place}\n{proved}\n", isa.name));
            if proved.open > 0 { exit.worse(Exit::Undecided) } else { exit }
        }
    }
}

pub(crate) fn verify(it: &Verify) -> Exit {
    use std::fmt::Write as _;
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Exit::CouldNotRun };
    if let Err(error) = known_pair(&isa, it.pair.as_deref()) {
        return could_not_run(&it.spec, &error);
    }
    let profile = it.profile;
    let options = Options { profile, pair: it.pair.as_deref(), timeout: None };
    let checked = certificate::verify(&isa, &sources, options, &it.certificate, &progress());
    let verified = match checked {
        Err(error) => return could_not_run(&it.spec, &error),
        Ok(verified) => verified,
    };
    let name = &isa.name;
    if !verified.wrong.is_empty() {
        const SHOWN: usize = 20;
        let all = verified.wrong.len();
        let mut text = format!(
            "{name}: the certificate is rejected, {all} finding{}\n",
            if all == 1 { "" } else { "s" }
        );
        for why in verified.wrong.iter().take(SHOWN) {
            let _ = writeln!(text, "  {why}");
        }
        if all > SHOWN {
            let _ = writeln!(text, "  and {} more", all - SHOWN);
        }
        return print(&text).worse(Exit::Unmet);
    }
    let which = format!("profile {}", profile.word());
    let mut text = format!("{name}: the certificate is right ({which})\n{}\n", verified.proved);
    for (pair, theorem, premise, verdict) in &verified.follows {
        let _ = writeln!(text, "  {pair} {theorem}: {verdict} (premise {premise})");
    }
    let exit = print(&text);
    if verified.proved.open > 0 { exit.worse(Exit::Undecided) } else { exit }
}

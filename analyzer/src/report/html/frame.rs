//! The frame of a page: head, policy, style and script, the heading of a machine and its contents.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Machine;
use super::markup::Markup;
use super::names::Anchors;
use crate::report::Report;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A whole page.
pub(super) fn page(title: &str, inside: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::default();
    page.verbatim("<!DOCTYPE html>\n");
    page.element("html", &[("lang", "en")], |page| {
        page.element("head", &[], |page| head(page, title));
        page.element("body", &[], |page| {
            page.leaf("a", &[("class", "skip"), ("href", "#main")], "Skip to the verdicts");
            page.element("main", &[("id", "main"), ("tabindex", "-1")], inside);
            page.element("script", &[], |page| page.verbatim(SCRIPT));
        });
    });
    page.finish()
}

fn head(page: &mut Markup, title: &str) {
    // Before anything that the policy speaks of.
    page.empty("meta", &[("charset", "utf-8")]);
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    let width = "width=device-width, initial-scale=1";
    page.empty("meta", &[("name", "viewport"), ("content", width)]);
    page.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    page.leaf("title", &[], title);
    page.element("style", &[], |page| page.verbatim(STYLE));
}

/// The hash by which a policy names an inline script or style: SHA-256 in base 64.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = LETTERS[(bits >> shift & 63) as usize];
            out.push(if i > group.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

/// The heading of a machine; `above` leads to an index.
pub(super) fn heading(
    page: &mut Markup,
    report: &Report,
    anchors: Anchors<'_>,
    above: Option<&str>,
) {
    page.element("header", &[], |page| {
        if let Some(above) = above {
            page.element("p", &[("class", "above")], |page| {
                page.leaf("a", &[("href", above)], "All machines");
            });
        }
        page.leaf("h1", &[("id", &anchors.part("title"))], &report.isa);
        page.leaf("p", &[("class", "subtitle")], &report.title);
        let mut facts = format!("{} · profile {}", report.file, report.profile.word());
        if let Some(year) = report.year {
            let _ = write!(facts, " · {year}");
        }
        if let Some(base) = &report.extends {
            let _ = write!(facts, " · extends {base}");
        }
        if let Some(pair) = report.pairs.first() {
            let _ = write!(facts, " · {} instructions", pair.instructions.len());
        }
        page.leaf("p", &[("class", "facts")], &facts);
    });
}

/// The contents of a machine's part of a page.
pub(super) fn contents(page: &mut Markup, it: Machine<'_>) {
    let link = |page: &mut Markup, part: &str, text: &str| {
        page.element("li", &[], |page| {
            page.leaf("a", &[("href", &format!("#{}", it.anchors.part(part)))], text);
        });
    };
    page.element("nav", &[("aria-label", &format!("Contents of {}", it.report.isa))], |page| {
        page.element("ul", &[], |page| {
            let several = it.report.pairs.len() > 1;
            for side in it.sides() {
                let n = side.number;
                let first = if several {
                    format!("{} → {}:", side.pair.supervisor, side.pair.user)
                } else {
                    String::new()
                };
                if several {
                    page.leaf("li", &[("class", "pair")], &first);
                }
                link(page, &format!("p{n}-verdicts"), "Verdicts");
                link(page, &format!("p{n}-sets"), "Sets");
                if super::step::exists(side) {
                    link(page, &format!("p{n}-why"), "Why");
                }
                link(page, &format!("p{n}-instructions"), "Instructions");
                link(page, &format!("p{n}-proof"), "Proof");
            }
            if several {
                page.leaf("li", &[("class", "pair")], "All pairs:");
            }
            link(page, "modes", "Modes");
            link(page, "traps", "Traps");
            link(page, "source", "Source");
        });
    });
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}

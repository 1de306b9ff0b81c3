//! Pages to look at: their structure, that nothing in a specification or a report breaks them, and how they behave in a
//! browser, where the machine has one.

mod browser;
mod markup;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use analyzer::report::html::{Exhibit, render, site};
use analyzer::report::{Evidence, Report};
use analyzer::{Options, analyze};
use browser::Browser;
use model::diagnostic::Sources;
use model::isa::Profile;
use serde_json::json;

/// A machine with one instruction that shows a resource without a trap.
const SMALL: &str = "\
pgisa: 1
isa: small
title: Three instructions, one of them sensitive
extends: base.yaml
year: 2000
instructions:
  lw: {patch: remove}
  setctl: {patch: remove}
  getctl:
    patch: replace
    operands: {d: 3}
    semantics: |
      r[d] = ctl;
    notes: It shows ctl in user mode, too.
  tick: {operands: {d: 3}, semantics: \"r[d] = r[d] + 1;\"}
expect: {}
";

/// The report on a specification in the folder of the cases, and what a page shows beside it.
fn exhibit(text: &str) -> (Report, Exhibit) {
    let path = "tests/cases/this.yaml";
    let open = |p: &str| {
        let file = || std::fs::read_to_string(p).map_err(|e| e.to_string());
        if p == path { Ok(text.to_owned()) } else { file() }
    };
    let mut sources = Sources::default();
    let loaded = model::load(path, &open, &mut sources);
    let isa = loaded.unwrap_or_else(|e| panic!("it does not load: {e:?}")).isa;
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let report = analyze(&isa, &sources, options, &|_, _| {});
    let exhibit = Exhibit::gather(&isa, &sources, &report, &options, &|_, _| {});
    (report, exhibit)
}

fn analyze_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pages-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

fn faults(page: &str) -> Vec<String> {
    match markup::read(page) {
        Ok(page) => page.faults(),
        Err(error) => vec![error],
    }
}

/// The reader finds what is wrong, so that its silence says something.
#[test]
fn the_reader_of_pages_is_strict() {
    let page = |body: &str| format!("<!DOCTYPE html>\n<html>{body}</html>\n");
    for right in
        ["<p id=\"a\">&lt;</p><a href=\"#a\">x</a>", "<br/>", "<script>a < b && c</script>"]
    {
        assert_eq!(faults(&page(right)), Vec::<String>::new(), "{right}");
    }
    for wrong in [
        "<p>",
        "<p></b>",
        "<p a=b></p>",
        "<p>a & b</p>",
        "<p>a > b</p>",
        "<p>&nbsp;</p>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<a href=\"#b\">x</a>",
        "<a href=\"https://example.org\">x</a>",
        "<img src=\"x\"/>",
        "<p onclick=\"x\"></p>",
        "<p style=\"x\"></p>",
        "<p>\u{1}</p>",
    ] {
        assert!(!faults(&page(wrong)).is_empty(), "{wrong}");
    }
}

/// The page of a small machine; style and script, which are files of their own, are left out.
#[test]
fn the_page_of_a_small_machine() {
    let (report, exhibit) = exhibit(SMALL);
    let page = render(&[(&report, Some(&exhibit))]);
    assert_eq!(faults(&page), Vec::<String>::new());
    let body = page.split_once("<body>").expect("a body").1;
    let body = body.split_once("<script>").expect("a script").0;
    insta::assert_snapshot!("page-small", body);
}

/// What is shown is what is found: verdicts, the offender, each instruction, each line of the source.
#[test]
fn a_page_says_what_the_report_says() {
    let (report, exhibit) = exhibit(SMALL);
    let page = render(&[(&report, Some(&exhibit))]);
    let read = markup::read(&page).expect("it is well-formed");
    for text in [
        "getctl: sensitive, not privileged.",
        "must be empty for",
        "It shows ctl in user mode, too.",
        "Theorem 1: refuted",
        "V002",
    ] {
        assert!(read.text.contains(text), "{text}");
    }
    for line in SMALL.lines() {
        assert!(read.text.contains(line), "{line}");
    }
    let cards = read
        .elements
        .iter()
        .filter(|it| it.attributes.get("class").is_some_and(|class| class.starts_with("card ")));
    assert_eq!(cards.count(), report.pairs[0].instructions.len());
    // Theorem 1 fails: the page and its parts are red where they should be.
    assert!(
        page.contains("<div class=\"verdict no\">") && page.contains("set sensitive offending")
    );
    let held = std::fs::read_to_string("tests/cases/base.yaml").expect("it is there");
    let (report, exhibit) = self::exhibit(&held);
    let page = render(&[(&report, Some(&exhibit))]);
    assert!(
        page.contains("<div class=\"verdict yes\">") && !page.contains("set sensitive offending")
    );
    assert_eq!(faults(&page), Vec::<String>::new());
}

const HOSTILE: &str = "</script></title><img src=x onerror=\"alert('1')\">&lt;\u{202e}\u{7}]]>--><a href='javascript:alert(2)'>";

fn spoil(text: &mut String) {
    text.push_str(HOSTILE);
}

/// A report in which every text that an author can write is hostile.
fn spoiled(report: &mut Report) {
    let whole = [&mut report.isa, &mut report.title, &mut report.file];
    whole.into_iter().for_each(spoil);
    report.extends = Some(HOSTILE.into());
    for finding in &mut report.findings {
        [&mut finding.message, &mut finding.subject].into_iter().for_each(spoil);
    }
    for pair in &mut report.pairs {
        spoil(&mut pair.supervisor);
        pair.traps.iter_mut().for_each(|trap| spoil(&mut trap.name));
        for theorem in [&mut pair.theorems.vmm, &mut pair.theorems.hvmm] {
            let lists = [&mut theorem.obstacles, &mut theorem.assumptions, &mut theorem.conditions];
            for list in lists {
                list.push(HOSTILE.into());
            }
            if let Some(it) = &mut theorem.refutation {
                [&mut it.mode, &mut it.witness.instruction].into_iter().for_each(spoil);
                it.broken.iter_mut().chain(&mut it.witness.outcomes).for_each(spoil);
                it.lesson.source.iter_mut().flat_map(|it| &mut it.text).for_each(spoil);
                for row in &mut it.lesson.rows {
                    spoil(&mut row.name);
                    row.values.iter_mut().for_each(spoil);
                }
            }
        }
        for it in &mut pair.instructions {
            spoil(&mut it.name);
            it.notes.push(HOSTILE.into());
            it.safe_if.push(HOSTILE.into());
            for evidence in it.evidence.values_mut() {
                let Evidence::Witness(witness) = evidence else { continue };
                witness.outcomes.iter_mut().chain(&mut witness.columns).for_each(spoil);
                for row in &mut witness.rows {
                    spoil(&mut row.name);
                    row.values.iter_mut().for_each(spoil);
                }
            }
        }
    }
}

#[test]
fn hostile_texts_are_only_shown() {
    // JSON strings are YAML.
    let quoted = serde_json::Value::from(HOSTILE.replace(['\u{202e}', '\u{7}'], "")).to_string();
    let written = SMALL
        .replacen(
            "title: Three instructions, one of them sensitive",
            &format!("title: {quoted}"),
            1,
        )
        .replacen("notes: It shows ctl in user mode, too.", &format!("notes: {quoted}"), 1);
    let (report, exhibit) = exhibit(&written);
    let page = render(&[(&report, Some(&exhibit))]);
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(
        !page.contains("<img")
            && markup::read(&page).expect("it is well-formed").text.contains("<img")
    );
    let (mut report, _) = self::exhibit(SMALL);
    spoiled(&mut report);
    let site = site(&[(&report, Some(&exhibit)), (&report, Some(&exhibit)), (&report, None)]);
    let joined = render(&[(&report, Some(&exhibit)), (&report, None)]);
    for page in site.files.iter().map(|(_, page)| page).chain([&joined]) {
        assert_eq!(faults(page), Vec::<String>::new());
        assert!(!page.contains("<img"));
        assert_eq!(page.matches("<script>").count(), 1);
    }
}

/// Several machines are one page with an index; what cannot be analyzed is there, too.
#[test]
fn several_machines_are_one_page() {
    let folder = folder("several");
    std::fs::write(folder.join("broken.yaml"), "pgisa: 1\nisa: [").expect("the folder is writable");
    let specs = ["g3", "avr", "g3-popf", "broken.yaml"];
    let output = analyze_in(&folder, &[&["check", "--format", "html"], &specs[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    let page = String::from_utf8(output.stdout).expect("it is UTF-8");
    assert_eq!(faults(&page), Vec::<String>::new());
    let read = markup::read(&page).expect("it is well-formed");
    let anchors = read.anchors().expect("they are unique");
    assert!(anchors.contains("index") && anchors.contains("m3-top"));
    assert!(
        read.text.contains("cannot be analyzed") && read.text.contains("no modes: not applicable")
    );
    let one = analyze_in(&folder, &["check", "g3", "--format", "html"]);
    assert_eq!(one.status.code(), Some(0));
    assert_eq!(faults(&String::from_utf8_lossy(&one.stdout)), Vec::<String>::new());
    // Every profile has its page.
    let all = analyze_in(&folder, &["check", "g3", "--profile", "all", "--format", "html"]);
    let page = String::from_utf8_lossy(&all.stdout).into_owned();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(page.contains("m2-top") && !page.contains("m3-top"));
}

/// The same input gives the same bytes.
#[test]
fn pages_do_not_change_by_themselves() {
    let page = || {
        let (report, exhibit) = exhibit(SMALL);
        render(&[(&report, Some(&exhibit))])
    };
    assert_eq!(page(), page());
}

/// The largest machine but one: its page is small, and all its links lead somewhere.
#[test]
fn a_large_machine_has_a_small_page() {
    let output = analyze_in(Path::new(".."), &["check", "x86-legacy", "--format", "html"]);
    let page = String::from_utf8(output.stdout).expect("it is UTF-8");
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

/// The atlas is a directory that is written whole or not at all.
#[test]
fn the_atlas_is_a_site() {
    let folder = folder("atlas");
    let machines = ["g3", "g3-popf", "m68000", "m68010", "avr"];
    let atlas = [&["atlas", "--html", "site"], &machines[..]].concat();
    let output = analyze_in(&folder, &atlas);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "site/index.html");
    let page = |name: &str| {
        let text = std::fs::read_to_string(folder.join("site").join(name)).expect("it is written");
        assert_eq!(faults(&text), Vec::<String>::new(), "{name}");
        markup::read(&text).expect("it is well-formed")
    };
    let index = page("index.html");
    for machine in machines {
        assert!(index.links().any(|href| href == format!("{machine}.html")), "{machine}");
    }
    for href in index.links().filter(|href| !href.starts_with('#')) {
        assert!(page(href).links().any(|back| back == "index.html"));
    }
    // Repairs and overlays are joined to what they change.
    let derived = index
        .elements
        .iter()
        .filter(|it| it.attributes.get("class").is_some_and(|class| class == "derived"));
    assert_eq!(derived.count(), 2);
    let again = analyze_in(&folder, &atlas);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
    let files = std::fs::read_dir(&folder).expect("it is there").count();
    assert_eq!(files, 1, "nothing is left behind");
}

/// Everything that is wider than the window; what scrolls by itself may be.
const OVERFLOW: &str = "(() => {
  const wide = document.documentElement.clientWidth, all = [];
  if (document.documentElement.scrollWidth > wide) all.push('the page');
  for (const it of document.querySelectorAll('body *')) {
    const frame = it.closest('.scroll');
    if (it.matches('.skip') || (frame && frame !== it)) continue;
    const { width, right } = it.getBoundingClientRect();
    if (width && right > wide + 1) all.push(it.tagName + ': ' + it.textContent.slice(0, 40));
  }
  return all;
})()";

/// Texts whose contrast with what is behind them is below 4.5 (WCAG 2.1, 1.4.3).
const CONTRAST: &str = "(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = (color) => {
    const [r, g, b] = color.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3]));
  const behind = (it) => {
    const all = [];
    for (; it; it = it.parentElement) all.push(parse(getComputedStyle(it).backgroundColor));
    return all.reverse().reduce((below, color) => over(color, below), [255, 255, 255]);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), weak = new Set();
  while (texts.nextNode()) {
    const it = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !it.getClientRects().length || it.closest('svg, script')) continue;
    const back = behind(it), two = [light(back), light(over(parse(getComputedStyle(it).color), back))];
    if ((Math.max(...two) + 0.05) / (Math.min(...two) + 0.05) < 4.5) weak.add(it.tagName + '.' + it.className);
  }
  return [...weak];
})()";

const OPEN_ALL: &str = "document.querySelectorAll('details').forEach((it) => { it.open = true; })";

#[test]
fn pages_work_in_a_browser() {
    // Where there is none, there is nothing to try it in.
    let Some(program) = browser::program() else { return };
    let folder = folder("browser");
    for machine in ["g3-popf", "pdp10"] {
        let output = analyze_in(&folder, &["check", machine, "--format", "html"]);
        std::fs::write(folder.join(format!("{machine}.html")), output.stdout)
            .expect("it is writable");
    }
    analyze_in(&folder, &["atlas", "--html", "site", "g3", "g3-popf", "m68000", "m68010", "avr"]);
    let mut browser = Browser::start(&program);
    for file in ["g3-popf.html", "pdp10.html", "site/index.html"] {
        for (width, dark) in [(360, false), (1280, false), (1280, true)] {
            browser.open(&folder.join(file), width, dark);
            for opened in [false, true] {
                if opened {
                    browser.value(OPEN_ALL);
                }
                assert_eq!(browser.value(OVERFLOW), json!([]), "{file} at {width}");
                assert_eq!(browser.value(CONTRAST), json!([]), "{file} at {width}");
            }
            assert!(browser.complaints.is_empty(), "{file} at {width}: {:?}", browser.complaints);
        }
    }
    for width in [360, 1280] {
        clicks(&mut browser, &folder.join("g3-popf.html"), width);
        steps(&mut browser, &folder.join("pdp10.html"), width);
    }
    prints(&mut browser, &folder.join("pdp10.html"));
}

/// A chip in the drawing that is shown opens its card, and brings it into view.
fn clicks(browser: &mut Browser, page: &Path, width: u32) {
    browser.open(page, width, false);
    let card = "[...document.querySelectorAll('.card')].find((it) => it.querySelector('b').textContent === 'popf')";
    assert_eq!(browser.value(&format!("{card}.open")), false);
    let at = browser.value(
        "(() => {
          const chips = [...document.querySelectorAll('svg a.chip')].filter((it) => it.textContent === 'popf');
          const shown = chips.find((it) => it.getClientRects().length);
          shown.scrollIntoView({ block: 'center' });
          const { x, y, width, height } = shown.getBoundingClientRect();
          return [x + width / 2, y + height / 2];
        })()",
    );
    for kind in ["mousePressed", "mouseReleased"] {
        let press =
            json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", &press);
    }
    browser.value("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.value(&format!("{card}.open")), true, "at {width}");
    let top = browser.value(&format!("{card}.getBoundingClientRect().top"));
    assert!(top.as_f64().is_some_and(|top| (-1.0..800.0).contains(&top)), "{top} at {width}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    // What is looked for stays, the rest goes.
    let found = browser.value(
        "(() => {
          const field = document.querySelector('input[type=search]');
          field.value = 'Sensitive (CONTROL)';
          field.dispatchEvent(new Event('input'));
          return [...document.querySelectorAll('.card')].filter((it) => !it.hidden).map((it) => it.querySelector('b').textContent);
        })()",
    );
    assert!(
        found
            .as_array()
            .is_some_and(|all| all.contains(&json!("popf")) && !all.contains(&json!("add"))),
        "{found}"
    );
}

/// A square is stepped through, forwards and backwards, and is whole at the end.
fn steps(browser: &mut Browser, page: &Path, width: u32) {
    browser.open(page, width, false);
    let press = |text: &str| {
        format!(
            "[...document.querySelector('.square').querySelectorAll('button')].find((it) => it.textContent === '{text}').click()"
        )
    };
    let seen = "[...document.querySelector('.square').querySelectorAll('svg [data-at]')].filter((it) => getComputedStyle(it).visibility === 'visible').length";
    let whole = browser.value(seen).as_u64().expect("a number");
    assert_eq!(whole, 8);
    browser.value(&press("From the start"));
    assert_eq!(browser.value(seen), 1);
    let mut before = 1;
    for step in 2..=5 {
        browser.value(&press("Next"));
        let now = browser.value(seen).as_u64().expect("a number");
        assert!(now > before, "step {step}");
        before = now;
    }
    assert_eq!(before, whole);
    browser.value(&press("Back"));
    assert!(browser.value(seen).as_u64() < Some(whole));
    let said = browser.value("document.querySelector('.square output').textContent");
    assert_eq!(said, "Step 4 of 5");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

/// A page prints as pages: light, without what is pressed, and nothing is cut off.
fn prints(browser: &mut Browser, page: &Path) {
    browser.open(page, 1280, true);
    browser.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    let hidden = "[...document.querySelectorAll('nav, .bar')].every((it) => getComputedStyle(it).display === 'none')";
    assert_eq!(browser.value(hidden), true);
    assert_eq!(
        browser.value("getComputedStyle(document.body).backgroundColor"),
        "rgb(255, 255, 255)"
    );
    // A4 without its margins.
    let paper = json!({"width": 680, "height": 1009, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", &paper);
    browser.value(OPEN_ALL);
    assert_eq!(browser.value("document.documentElement.scrollWidth <= 681"), true);
    let printed = browser.call("Page.printToPDF", &json!({"printBackground": true}));
    assert!(printed["data"].as_str().is_some_and(|data| data.len() > 20_000));
}

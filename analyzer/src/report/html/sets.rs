//! The sets of the paper as overlapping regions: what is sensitive has to lie within what is privileged.
//!
//! Two drawings of each picture: one for a wide window, where the regions stand side by side, one for a narrow window,
//! where they stand one below the other. The style shows one of them.

use model::isa::Verdict;
use model::property::Property;
use model::theorem::Theorem;

use super::Side;
use super::flow::{Chip, draw, frame, height, place};
use super::markup::Markup;
use super::names::{Standing, counted};
use super::verdicts::section;
use crate::report::page::sets::{is_open, is_privileged};

/// A region: its instructions and what stands above them.
struct Region {
    count: usize,
    caption: Vec<String>,
    chips: Vec<Chip>,
    /// The class of its style.
    style: &'static str,
}

/// The regions of a picture.
struct Picture {
    /// `sensitive` or `user sensitive`.
    set: &'static str,
    privileged: Region,
    both: Region,
    /// What a theorem wants empty.
    offending: Region,
    neither: Region,
    open: Region,
}

/// The pictures of Theorems 1 and 3.
pub(super) fn render(page: &mut Markup, side: Side<'_>) {
    let anchor = side.machine.anchors.part(&format!("p{}-sets", side.number));
    section(page, &anchor, "The sets", |page| {
        page.leaf(
            "p",
            &[("class", "note")],
            "What is sensitive but not privileged shows or changes the machine without a trap. Each name opens its card.",
        );
        legend(page);
        for (theorem, property, set) in [
            (Theorem::Vmm, Property::Sensitive, "sensitive"),
            (Theorem::Hvmm, Property::UserSensitive, "user sensitive"),
        ] {
            let picture = picture(side, theorem, property, set);
            let caption = format!(
                "{}: every {set} instruction has to be privileged. {}",
                theorem.name(),
                finding(&picture, side.pair.theorems.verdict(theorem))
            );
            page.element("figure", &[("class", "sets")], |page| {
                page.leaf("figcaption", &[], &caption);
                let key = format!("{anchor}-{}", theorem.key());
                wide(page, &key, &picture, &caption);
                narrow(page, &key, &picture, &caption);
            });
        }
    });
}

/// What the picture shows, in a sentence.
fn finding(picture: &Picture, verdict: Verdict) -> String {
    let least = if picture.open.count > 0 { "At least " } else { "" };
    match (picture.offending.count, verdict) {
        (0, _) if picture.open.count > 0 => "None is known that is not.".to_owned(),
        (0, _) => "Each is.".to_owned(),
        (n, Verdict::Holds) => {
            format!("{} not, and yet each is safe to run directly.", are(least, n))
        }
        (n, _) => format!("{} not: the red region.", are(least, n)),
    }
}

fn are(least: &str, n: usize) -> String {
    format!("{least}{} {}", counted(n, "instruction"), if n == 1 { "is" } else { "are" })
}

/// What the colours mean.
fn legend(page: &mut Markup) {
    page.element("ul", &[("class", "legend")], |page| {
        for standing in Standing::ALL {
            page.element("li", &[], |page| {
                let class = format!("swatch {}", standing.style());
                page.leaf("span", &[("class", &class), ("aria-hidden", "true")], " ");
                page.text(standing.words());
            });
        }
    });
}

fn picture(side: Side<'_>, theorem: Theorem, property: Property, set: &'static str) -> Picture {
    let region = |style, caption: Vec<String>, wanted: &dyn Fn(usize) -> bool| {
        let members: Vec<usize> =
            (0..side.pair.instructions.len()).filter(|i| wanted(*i)).collect();
        Region { count: members.len(), caption, chips: chips(side, &members), style }
    };
    let of = |i: usize| &side.pair.instructions[i];
    let is = |i: usize, privileged: bool, inside: bool| {
        !is_open(of(i))
            && is_privileged(of(i)) == Some(privileged)
            && of(i).is(property).is_yes() == inside
    };
    let empty = !(0..side.pair.instructions.len()).any(|i| is(i, false, true));
    let open = side.pair.instructions.iter().any(is_open);
    let (style, says) = match (empty, open, side.pair.theorems.verdict(theorem)) {
        (true, true, _) => ("undecided", ["empty so far", theorem.name()]),
        (true, false, _) => ("empty", ["empty, as", theorem.name()]),
        (false, _, Verdict::Holds) => ("safe", ["not empty, but safe:", theorem.name()]),
        (false, ..) => ("offending", ["must be empty for", theorem.name()]),
    };
    let [first, second] = says.map(str::to_owned);
    let asks = if style == "empty" { format!("{second} asks") } else { second };
    let lines = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    Picture {
        set,
        privileged: region("plain", lines(&["privileged,", &format!("not {set}")]), &|i| {
            is(i, true, false)
        }),
        both: region("both", lines(&[set, "and privileged"]), &|i| is(i, true, true)),
        offending: region(style, vec![first, asks], &|i| is(i, false, true)),
        neither: region("plain", lines(&["neither: nothing is asked of them"]), &|i| {
            is(i, false, false)
        }),
        open: region("undecided", lines(&["in no set yet: something is undecided"]), &|i| {
            is_open(of(i))
        }),
    }
}

/// Chips of instructions; many cases of one instruction are one chip.
fn chips(side: Side<'_>, members: &[usize]) -> Vec<Chip> {
    const LISTED: usize = 4;
    let name = |i: &usize| side.pair.instructions[*i].name.as_str();
    let instruction = |i: &usize| name(i).split('[').next().unwrap_or_default();
    let standing = |i: &usize| Standing::of(side.pair, &side.pair.instructions[*i]);
    let chip = |all: &[usize], text: String| Chip {
        title: all.iter().map(name).collect::<Vec<_>>().join(" "),
        text,
        card: side.card(all[0]),
        style: standing(&all[0]).style(),
    };
    let groups = members.chunk_by(|a, b| {
        name(a).contains('[') && instruction(a) == instruction(b) && standing(a) == standing(b)
    });
    let of_group = |all: &[usize]| {
        if all.len() > LISTED {
            vec![chip(all, format!("{}[{} cases]", instruction(&all[0]), all.len()))]
        } else {
            all.iter().map(|i| chip(&[*i], name(i).to_owned())).collect()
        }
    };
    groups.flat_map(of_group).collect()
}

/// Space above the chips of a region: its number and two lines.
const HEAD: u32 = 78;

/// A region's number, caption and chips from a corner on.
fn region(page: &mut Markup, it: &Region, (x, y): (u32, u32), width: u32) {
    place(page, (x, y + 26), &format!("count {}", it.style), &it.count.to_string());
    for (line, at) in it.caption.iter().zip([44, 60]) {
        place(page, (x, y + at), &format!("caption {}", it.style), line);
    }
    draw(page, &it.chips, (x, y + HEAD - 8), width);
}

/// A line of text and chips below it.
fn strip(page: &mut Markup, it: &Region, (x, y): (u32, u32), width: u32) -> u32 {
    if it.count == 0 {
        return 0;
    }
    place(
        page,
        (x, y + 14),
        &format!("caption {}", it.style),
        &format!("{} {}", it.count, it.caption[0]),
    );
    draw(page, &it.chips, (x, y + 24), width);
    height(&it.chips, width) + 40
}

fn drawing(
    page: &mut Markup,
    (key, class): (&str, &str),
    [width, height]: [u32; 2],
    texts: [&str; 2],
    inside: impl FnOnce(&mut Markup),
) {
    let (title, about) = (format!("{key}-{class}-t"), format!("{key}-{class}-d"));
    let (class, label) = (format!("drawing {class}"), format!("{title} {about}"));
    let room = format!("0 0 {width} {height}");
    let all = [
        ("viewBox", room.as_str()),
        ("class", &class),
        ("role", "group"),
        ("aria-labelledby", &label),
    ];
    page.element("svg", &all, |page| {
        page.leaf("title", &[("id", &title)], texts[0]);
        page.leaf("desc", &[("id", &about)], texts[1]);
        inside(page);
    });
}

/// The regions side by side.
fn wide(page: &mut Markup, key: &str, it: &Picture, about: &str) {
    const WIDTH: u32 = 1000;
    let [left, middle, right] = widths(it, WIDTH - 120);
    let columns = [(&it.privileged, left), (&it.both, middle), (&it.offending, right)];
    let tall =
        columns.map(|(region, width)| height(&region.chips, width)).into_iter().max().unwrap_or(0)
            + HEAD
            + 16;
    let below = 46 + tall + 34;
    let rest = [&it.neither, &it.open]
        .map(|region| if region.count == 0 { 0 } else { height(&region.chips, WIDTH - 64) + 40 });
    let whole = below + rest.iter().sum::<u32>() + 12;
    let title = format!("Privileged and {} instructions as sets", it.set);
    drawing(page, (key, "wide"), [WIDTH, whole], [&title, about], |page| {
        frame(page, [1, 1, WIDTH - 2, whole - 2], 18, "universe");
        let (first, second, third) = (32, 32 + left + 28, 32 + left + 28 + middle + 28);
        frame(page, [16, 34, second + middle + 14 - 16, tall + 14], 36, "set privileged");
        let from = second - 14;
        frame(
            page,
            [from, 44, third + right + 16 - from, tall + 18],
            36,
            &format!("set sensitive {}", it.offending.style),
        );
        place(page, (52, 26), "name privileged", "privileged");
        place(page, (third + right, 26), "name end", it.set);
        for ((region, width), x) in columns.into_iter().zip([first, second, third]) {
            self::region(page, region, (x, 52), width);
        }
        let y = strip(page, &it.neither, (32, below), WIDTH - 64) + below;
        strip(page, &it.open, (32, y), WIDTH - 64);
    });
}

/// The widths of the columns for which the picture is lowest.
fn widths(it: &Picture, room: u32) -> [u32; 3] {
    const LEAST: u32 = 170;
    const STEP: u32 = 30;
    let regions = [&it.privileged, &it.both, &it.offending];
    let tall = |all: &[u32; 3]| {
        regions.iter().zip(all).map(|(region, width)| height(&region.chips, *width)).max()
    };
    let choices =
        (0..=room / STEP).flat_map(|a| (0..=room / STEP).map(move |b| [a * STEP, b * STEP]));
    let fits = choices.filter_map(|[a, b]| Some([a, b, room.checked_sub(a + b)?]));
    let even = |all: &[u32; 3]| all.iter().max().copied().unwrap_or(0);
    let best = fits
        .filter(|all| all.iter().all(|width| *width >= LEAST))
        .min_by_key(|all| (tall(all), even(all)));
    best.unwrap_or([room / 3; 3])
}

/// The regions one below the other.
fn narrow(page: &mut Markup, key: &str, it: &Picture, about: &str) {
    const WIDTH: u32 = 344;
    let inner = WIDTH - 80;
    let tall = |region: &Region| height(&region.chips, inner) + HEAD + 10;
    let (first, second, third) = (tall(&it.privileged), tall(&it.both), tall(&it.offending));
    let top = 34;
    let (both, offending) = (top + first + 12, top + first + 12 + second + 12);
    let below = offending + third + 22;
    let strips = [&it.neither, &it.open]
        .map(|region| if region.count == 0 { 0 } else { height(&region.chips, WIDTH - 32) + 40 });
    let whole = below + strips.iter().sum::<u32>() + 10;
    let title = format!("Privileged and {} instructions as sets", it.set);
    drawing(page, (key, "narrow"), [WIDTH, whole], [&title, about], |page| {
        frame(page, [1, 1, WIDTH - 2, whole - 2], 14, "universe");
        frame(page, [12, top, WIDTH - 38, both + second + 6 - top], 26, "set privileged");
        frame(
            page,
            [26, both - 6, WIDTH - 38, offending + third + 6 - both + 6],
            26,
            &format!("set sensitive {}", it.offending.style),
        );
        place(page, (24, 24), "name privileged", "privileged");
        place(page, (WIDTH - 24, offending + third - 6), "name end", it.set);
        for (region, y) in [(&it.privileged, top + 4), (&it.both, both), (&it.offending, offending)]
        {
            self::region(page, region, (40, y), inner);
        }
        let y = strip(page, &it.neither, (16, below), WIDTH - 32) + below;
        strip(page, &it.open, (16, y), WIDTH - 32);
    });
}

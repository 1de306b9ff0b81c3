//! Chips in rows within a width, for drawings: a name in a frame, which opens the card of an instruction.
//!
//! Lengths are in units of the drawing; letters are monospaced, 12 units high and 7.3 wide.

use super::markup::Markup;

/// One or more instructions in a drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chip {
    /// What stands in it.
    pub(super) text: String,
    /// All that it stands for.
    pub(super) title: String,
    /// The anchor of a card.
    pub(super) card: String,
    /// The class of its style.
    pub(super) style: &'static str,
}

const HEIGHT: u32 = 21;
const GAP: u32 = 5;

/// The width of a text in a chip.
fn wide(text: &str) -> u32 {
    12 + (text.chars().count() as u32 * 73).div_ceil(10)
}

/// A text that fits.
fn cut(text: &str, width: u32) -> String {
    if wide(text) <= width {
        return text.to_owned();
    }
    let room = (width.saturating_sub(12) * 10 / 73).saturating_sub(1) as usize;
    text.chars().take(room.max(1)).chain(['…']).collect()
}

/// Where each chip stands, from the upper left corner on, and the height of all.
fn places(chips: &[Chip], width: u32) -> (Vec<(u32, u32)>, u32) {
    let (mut x, mut y, mut all) = (0, 0, Vec::new());
    for chip in chips {
        let own = wide(&chip.text).min(width);
        if x > 0 && x + own > width {
            (x, y) = (0, y + HEIGHT + GAP);
        }
        all.push((x, y));
        x += own + GAP;
    }
    let height = if chips.is_empty() { 0 } else { y + HEIGHT };
    (all, height)
}

/// How high chips are within a width.
pub(super) fn height(chips: &[Chip], width: u32) -> u32 {
    places(chips, width).1
}

/// Draws chips from a corner on.
pub(super) fn draw(page: &mut Markup, chips: &[Chip], (left, top): (u32, u32), width: u32) {
    for (chip, (x, y)) in chips.iter().zip(places(chips, width).0) {
        let own = wide(&chip.text).min(width);
        let (href, class) = (format!("#{}", chip.card), format!("chip {}", chip.style));
        page.element("a", &[("href", &href), ("class", &class)], |page| {
            if chip.title != chip.text {
                page.leaf("title", &[], &chip.title);
            }
            let (x, y) = (left + x, top + y);
            frame(page, [x, y, own, HEIGHT], 5, "");
            place(page, (x + 6, y + 15), "", &cut(&chip.text, own));
        });
    }
}

/// A text at a place.
pub(super) fn place(page: &mut Markup, (x, y): (u32, u32), class: &str, text: &str) {
    let (x, y) = (x.to_string(), y.to_string());
    let all = [("x", x.as_str()), ("y", y.as_str()), ("class", class)];
    page.leaf("text", if class.is_empty() { &all[..2] } else { &all[..] }, text);
}

/// A frame: left, top, width and height.
pub(super) fn frame(page: &mut Markup, sizes: [u32; 4], round: u32, class: &str) {
    let [x, y, width, height] = sizes.map(|n| n.to_string());
    let round = round.to_string();
    let all = [
        ("x", x.as_str()),
        ("y", y.as_str()),
        ("width", width.as_str()),
        ("height", height.as_str()),
        ("rx", round.as_str()),
        ("class", class),
    ];
    page.empty("rect", if class.is_empty() { &all[..5] } else { &all[..] });
}

#[cfg(test)]
mod tests {
    use super::{Chip, GAP, HEIGHT, cut, places, wide};

    fn chip(text: &str) -> Chip {
        Chip { text: text.into(), title: text.into(), card: "c".into(), style: "traps" }
    }

    #[test]
    fn chips_stand_within_the_width_and_apart() {
        let chips: Vec<Chip> =
            ["lpsw", "a", "halt", "very-long-name-of-an-instruction"].map(chip).into();
        for width in [60, 100, 400] {
            let (places, height) = places(&chips, width);
            for (i, (x, y)) in places.iter().enumerate() {
                let own = wide(&chips[i].text).min(width);
                assert!(x + own <= width && y + HEIGHT <= height);
                let clear = |(j, (left, top)): (usize, &(u32, u32))| {
                    j == i
                        || top != y
                        || left + wide(&chips[j].text).min(width) + GAP <= *x
                        || x + own + GAP <= *left
                };
                assert!(places.iter().enumerate().all(clear));
            }
        }
        assert!(wide(&cut("very-long-name-of-an-instruction", 60)) <= 60);
        assert_eq!(cut("lpsw", 60), "lpsw");
    }
}

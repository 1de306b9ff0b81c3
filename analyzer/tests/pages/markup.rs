//! A reader of pages as strict as one of XML: every element is closed, every attribute quoted, nothing escapes.

use std::collections::{BTreeMap, BTreeSet};

/// An element as it begins.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) tag: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// The elements of a page in order, and all its text; script and style are left out of the text.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) elements: Vec<Element>,
    pub(crate) text: String,
}

/// Reads a page, or says what is wrong with it and where.
pub(crate) fn read(page: &str) -> Result<Page, String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").ok_or("no document type")?;
    let (mut open, mut elements, mut text) = (Vec::<String>::new(), Vec::new(), String::new());
    while let Some(at) = rest.find('<') {
        text.push_str(&plain(&rest[..at])?);
        rest = &rest[at + 1..];
        if let Some(closed) = rest.strip_prefix('/') {
            let end = closed.find('>').ok_or("an end tag has no end")?;
            let expected = open.pop();
            if expected.as_deref() != Some(&closed[..end]) {
                return Err(format!("</{}> closes {expected:?}", &closed[..end]));
            }
            rest = &closed[end + 1..];
            continue;
        }
        let (element, closed, after) = start(rest)?;
        rest = after;
        let tag = element.tag.clone();
        elements.push(element);
        if closed {
            continue;
        }
        // What is inside is no markup, and ends with the first end tag.
        if tag == "script" || tag == "style" {
            let end = rest.find("</").ok_or("no end of a script or style")?;
            rest = &rest[end..];
        }
        open.push(tag);
    }
    if !open.is_empty() || !rest.trim().is_empty() {
        return Err(format!("at the end {open:?} are open, and there is {rest:?}"));
    }
    Ok(Page { elements, text })
}

/// A start tag: its element, whether it is closed at once, and what follows.
fn start(text: &str) -> Result<(Element, bool, &str), String> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let end = text.find(|c| !name(c)).ok_or("a tag has no end")?;
    let (tag, mut rest) = text.split_at(end);
    if tag.is_empty() {
        return Err(format!("`<` before {:?}", &text[..text.len().min(20)]));
    }
    let mut attributes = BTreeMap::new();
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok((Element { tag: tag.into(), attributes }, true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((Element { tag: tag.into(), attributes }, false, after));
        }
        let wrong = || format!("in <{tag}: {:?}", rest.chars().take(30).collect::<String>());
        rest = rest.strip_prefix(' ').ok_or_else(wrong)?;
        let (key, after) = rest.split_once("=\"").ok_or_else(wrong)?;
        let (value, after) = after.split_once('"').ok_or_else(wrong)?;
        if !key.chars().all(|c| name(c) || c == 'B') || value.contains('<') {
            return Err(wrong());
        }
        if attributes.insert(key.to_owned(), plain(value)?).is_some() {
            return Err(format!("{key} twice in <{tag}"));
        }
        rest = after;
    }
}

/// A text without its escapes; a bare `&` or `>` is wrong, and so is a character that no page may hold.
fn plain(text: &str) -> Result<String, String> {
    if let Some(c) = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '>') {
        return Err(format!("{c:?} in a text"));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (entity, after) = rest[at + 1..].split_once(';').ok_or("a bare &")?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => return Err(format!("&{other};")),
        });
        rest = after;
    }
    Ok(out + rest)
}

impl Page {
    fn values<'p>(&'p self, key: &'p str) -> impl Iterator<Item = &'p str> {
        self.elements.iter().filter_map(move |it| it.attributes.get(key)).map(String::as_str)
    }

    /// Its anchors; an error where one is there twice.
    pub(crate) fn anchors(&self) -> Result<BTreeSet<&str>, String> {
        let mut known = BTreeSet::new();
        let twice = self.values("id").find(|id| !known.insert(*id));
        twice.map_or(Ok(known), |id| Err(format!("the anchor {id} is there twice")))
    }

    /// Where its links lead.
    pub(crate) fn links(&self) -> impl Iterator<Item = &str> {
        self.values("href")
    }

    /// Everything that is wrong about what it refers to: labels and links within it have to be there, and nothing may
    /// be loaded.
    pub(crate) fn faults(&self) -> Vec<String> {
        let anchors = match self.anchors() {
            Ok(anchors) => anchors,
            Err(error) => return vec![error],
        };
        let labels = self.values("aria-labelledby").flat_map(str::split_whitespace);
        let inside = self.links().filter_map(|href| href.strip_prefix('#'));
        let missing = labels.chain(inside).filter(|id| !anchors.contains(id));
        let mut faults: Vec<String> = missing.map(|id| format!("there is no {id}")).collect();
        let loads = ["src", "srcset", "action", "formaction", "data", "style", "poster"];
        for element in &self.elements {
            for (key, value) in &element.attributes {
                if loads.contains(&key.as_str()) || key.starts_with("on") {
                    faults.push(format!("<{} {key}={value:?}>", element.tag));
                }
            }
            if ["link", "img", "iframe", "object", "embed", "base", "form"]
                .contains(&element.tag.as_str())
            {
                faults.push(format!("<{}>", element.tag));
            }
        }
        faults.extend(
            self.links().filter(|href| href.contains(':')).map(|it| format!("it leads to {it}")),
        );
        faults
    }
}

//! Markup that is well-formed by construction: every element is closed, and every text is escaped.

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A page, or a part of one, while it is written.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// An element with what is inside it.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.start(tag, attributes);
        self.out.push('>');
        inside(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
        if is_block(tag) {
            self.out.push('\n');
        }
    }

    /// An element that holds a text.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, |it| it.text(text));
    }

    /// An element that holds nothing.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes);
        self.out.push_str("/>");
    }

    /// Text in which nothing is markup.
    pub(super) fn text(&mut self, text: &str) {
        escape_into(&mut self.out, text);
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.leaf("p", &[], text);
    }

    /// Script or style of ours, in which nothing is escaped, or the first line of a page.
    pub(super) fn verbatim(&mut self, ours: &'static str) {
        self.out.push_str(ours);
    }

    fn start(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape_into(&mut self.out, value);
            self.out.push('"');
        }
    }
}

/// Elements behind which a line ends, so that a page can be read and compared.
fn is_block(tag: &str) -> bool {
    const BLOCKS: [&str; 22] = [
        "html", "head", "body", "title", "style", "script", "nav", "main", "header", "footer",
        "section", "h1", "h2", "h3", "p", "ul", "li", "table", "tr", "figure", "details", "svg",
    ];
    BLOCKS.contains(&tag)
}

/// Text in which nothing is markup; control characters, which no page may hold, become spaces.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut out = String::new();
    escape_into(&mut out, text);
    out
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() || turns(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push(' ');
            }
            c => out.push(c),
        }
    }
}

/// Characters that turn the direction of what is shown, so that a line reads otherwise than it is.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Markup, escape};

    #[test]
    fn nothing_that_is_written_is_markup() {
        let hostile = "</script><img src=x onerror='alert(1)'>\u{202e}\u{1}&amp;\"";
        let escaped = escape(hostile);
        assert_eq!(
            escaped,
            "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;  &amp;amp;&quot;"
        );
        let mut page = Markup::default();
        page.element("p", &[("title", hostile)], |it| it.text(hostile));
        assert_eq!(page.finish(), format!("<p title=\"{escaped}\">{escaped}</p>\n"));
    }
}

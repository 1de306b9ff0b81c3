//! A written document as plain data; each renderer escapes whatever comes from a specification.

/// A table. The first column names the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Titles of the columns.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A part of a document.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading, 1 being the title.
    Heading(usize, String),
    /// A paragraph; what leads it is set in bold.
    Paragraph(String, String),
    /// Points, each led by what is set in bold.
    List(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// Lines as they are.
    Lines(Vec<String>),
}

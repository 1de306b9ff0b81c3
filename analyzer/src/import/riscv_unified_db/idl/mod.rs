//! The ISA description language of the database: text to trees, and its rules of types and widths.
//!
//! The rules are those of the database's own reference (`doc/idl.adoc`) and of its compiler: C-style literals have
//! the least width, Verilog-style ones the width they say (without one, MXLEN); an operator extends its narrower
//! operand, and its result is as wide as the wider one; a shift is as wide as its left side.

// An error ends the text it is in: there is one at most, and how large it is does not matter.
#![allow(clippy::result_large_err)]

pub(crate) mod ast;
mod function;
mod grammar;
mod lexer;
mod parser;
pub(crate) mod types;

pub(crate) use function::functions;
pub(crate) use grammar::statements;

//! Numbers that are said relative to a guest, so that they meet its edges.

use std::fmt;

use model::bits::mask;

use crate::Stream;

/// A number, mostly relative to the guest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// As it is.
    Number(u64),
    /// The end of storage, w + d.
    Storage(i8),
    /// What storage has left behind the window's begin, w − l + d.
    Room(i8),
    /// The bound, b + d.
    Bound(i8),
    /// The largest number less d.
    Top(u8),
    /// The sign bit + d.
    Sign(i8),
    /// The virtual address of the program's n-th instruction.
    Code(u8),
    /// The virtual address of the n-th PSW.
    Frame(u8),
    /// The virtual address of the handler.
    Handler,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n:#x}"),
            Self::Storage(d) => write!(f, "w{d:+}"),
            Self::Room(d) => write!(f, "w-l{d:+}"),
            Self::Bound(d) => write!(f, "b{d:+}"),
            Self::Top(d) => write!(f, "top-{d}"),
            Self::Sign(d) => write!(f, "sign{d:+}"),
            Self::Code(n) => write!(f, "code {n}"),
            Self::Frame(n) => write!(f, "psw {n}"),
            Self::Handler => write!(f, "handler"),
        }
    }
}

impl Value {
    /// Some value: at an edge, small, or anything.
    pub fn random(stream: &mut Stream) -> Self {
        let d = stream.below(5) as i8 - 2;
        match stream.below(20) {
            0..=2 => Self::Number(stream.below(4)),
            3 | 4 => Self::Number(stream.below(48)),
            5 | 6 => Self::Storage(d),
            7 | 8 => Self::Room(d),
            9 | 10 => Self::Bound(d),
            11 | 12 => Self::Top(stream.below(5) as u8),
            13 => Self::Sign(d),
            14 => Self::Code(stream.below(4) as u8),
            15 | 16 => Self::Frame(stream.below(2) as u8),
            17 => Self::Handler,
            _ => Self::Number(stream.bits() >> stream.below(64)),
        }
    }

    /// Where a window or storage ends.
    pub fn edge(stream: &mut Stream) -> Self {
        let d = stream.below(3) as i8 - 1;
        match stream.below(6) {
            0 => Self::random(stream),
            1 => Self::Storage(d),
            2 | 3 => Self::Bound(d),
            _ => Self::Room(d),
        }
    }

    /// The number it stands for, in some bits.
    pub(super) fn of(self, place: &Geometry, width: u32) -> u64 {
        let all = mask(width) as u64;
        let from = |base: u64, d: i8| base.wrapping_add_signed(i64::from(d));
        let value = match self {
            Self::Number(n) => n,
            Self::Storage(d) => from(place.cells, d),
            Self::Room(d) => from(place.cells.wrapping_sub(place.window), d),
            Self::Bound(d) => from(place.bounds, d),
            Self::Top(d) => all.wrapping_sub(u64::from(d)),
            Self::Sign(d) => from(1 << (width - 1), d),
            Self::Code(n) => (place.code + u64::from(n) * place.unit).wrapping_sub(place.window),
            Self::Frame(n) => {
                (place.frames + u64::from(n) * place.frame).wrapping_sub(place.window)
            }
            Self::Handler => place.handler.wrapping_sub(place.window),
        };
        value & all
    }
}

/// What values are relative to.
#[derive(Default)]
pub(super) struct Geometry {
    pub(super) cells: u64,
    pub(super) unit: u64,
    pub(super) frame: u64,
    /// Begin of the window E|r.
    pub(super) window: u64,
    pub(super) bounds: u64,
    /// Physical cells.
    pub(super) code: u64,
    pub(super) frames: u64,
    pub(super) handler: u64,
}

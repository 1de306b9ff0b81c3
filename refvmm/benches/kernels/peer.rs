//! The peer: g3 by hand, decoded by a match on every step, over registers of 32 bits, with the same
//! checks of bounds and relocation.

/// A machine.
pub(crate) struct Peer {
    pub(crate) r: [u32; 8],
    pub(crate) user: bool,
    pub(crate) pc: u32,
    pub(crate) base: u32,
    pub(crate) bound: u32,
    pub(crate) halted: bool,
    waiting: bool,
    printed: u32,
    pub(crate) memory: Vec<u32>,
    pub(crate) taken: u64,
}

impl Peer {
    pub(crate) fn new(memory: Vec<u32>) -> Self {
        let bound = memory.len() as u32;
        Self {
            r: [0; 8],
            user: false,
            pc: 0,
            base: 0,
            bound,
            halted: false,
            waiting: false,
            printed: 0,
            memory,
            taken: 0,
        }
    }

    #[inline]
    fn place(&self, address: u32, size: u64) -> Option<usize> {
        let end = u64::from(address) + size;
        let inside =
            end <= u64::from(self.bound) && u64::from(self.base) + end <= self.memory.len() as u64;
        inside.then(|| self.base as usize + address as usize)
    }

    fn trap(&mut self, code: u32, argument: u32, pc: u32) {
        self.memory[0] = u32::from(self.user) << 31 | code << 16 | argument;
        self.memory[1] = pc;
        self.memory[2] = self.base;
        self.memory[3] = self.bound;
        self.load_psw(4);
        self.waiting = false;
        self.taken += 1;
    }

    fn load_psw(&mut self, at: usize) {
        self.user = self.memory[at] >> 31 == 1;
        self.pc = self.memory[at + 1];
        self.base = self.memory[at + 2];
        self.bound = self.memory[at + 3];
    }

    /// Runs so many instructions.
    pub(crate) fn run(&mut self, fuel: u64) -> u64 {
        let mut steps = 0;
        while steps < fuel && !self.halted {
            steps += 1;
            let this = self.pc;
            let Some(place) = self.place(this, 1) else {
                self.trap(1, 0, this);
                continue;
            };
            let word = self.memory[place];
            let next = this.wrapping_add(1);
            self.pc = next;
            let d = (word >> 21 & 7) as usize;
            let s = (word >> 18 & 7) as usize;
            let t = (word >> 15 & 7) as usize;
            let low = word & 0xffff;
            let immediate = low as u16 as i16 as u32;
            let r = &mut self.r;
            match word >> 24 {
                1 => match self.place(self.r[s].wrapping_add(immediate), 1) {
                    Some(at) => self.r[d] = self.memory[at],
                    None => self.trap(1, 0, this),
                },
                2 => match self.place(self.r[s].wrapping_add(immediate), 1) {
                    Some(at) => self.memory[at] = self.r[d],
                    None => self.trap(1, 0, this),
                },
                3 => r[d] = immediate,
                4 => r[d] = low << 16,
                5 => r[d] = r[s] | low,
                6 => r[d] = r[s],
                7 => r[d] = r[s].wrapping_add(r[t]),
                8 => r[d] = r[s].wrapping_add(immediate),
                9 => r[d] = r[s].wrapping_sub(r[t]),
                10 => r[d] = r[s].wrapping_mul(r[t]),
                11 => match r[s].checked_div(r[t]) {
                    Some(quotient) => r[d] = quotient,
                    None => self.trap(4, 0, next),
                },
                12 => match r[s].checked_rem(r[t]) {
                    Some(rest) => r[d] = rest,
                    None => self.trap(4, 0, next),
                },
                13 => r[d] = r[s] & r[t],
                14 => r[d] = r[s] | r[t],
                15 => r[d] = r[s] ^ r[t],
                16 => r[d] = r[s] << (r[t] & 31),
                17 => r[d] = r[s] >> (r[t] & 31),
                18 => r[d] = (r[s] as i32 >> (r[t] & 31)) as u32,
                19 => r[d] = u32::from((r[s] as i32) < r[t] as i32),
                20 => r[d] = u32::from(r[s] < r[t]),
                21 if r[s] == r[d] => self.pc = next.wrapping_add(immediate),
                22 if r[s] != r[d] => self.pc = next.wrapping_add(immediate),
                23 if (r[s] as i32) < r[d] as i32 => self.pc = next.wrapping_add(immediate),
                21..=23 => {}
                24 => self.pc = low,
                25 => self.pc = r[s],
                26 => {
                    r[d] = next;
                    self.pc = low;
                }
                27 => self.trap(3, low, next),
                28..=34 if self.user => self.trap(2, 0, this),
                28 => match self.place(self.r[s].wrapping_add(immediate), 4) {
                    Some(at) => self.load_psw(at),
                    None => self.trap(1, 0, this),
                },
                29 => (self.base, self.bound) = (r[s], r[t]),
                30 => {
                    r[d] = self.base;
                    r[s] = self.bound;
                }
                31 => r[d] = u32::from(self.user),
                32 => self.halted = true,
                33 => self.printed += 1,
                34 => self.waiting = true,
                _ => self.trap(5, 0, this),
            }
        }
        steps
    }
}

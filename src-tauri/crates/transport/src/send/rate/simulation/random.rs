//! Numbers that look random and are the same in every run.

/// A linear congruential generator (Knuth's MMIX constants).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Seeds that differ by one shall not begin with like numbers.
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Another generator, whose numbers follow from this one's.
    pub fn split(&mut self) -> Self {
        self.next();
        Self(self.0.rotate_left(32))
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.next();
        (self.0 >> 33) as f64 / f64::from(1u32 << 31)
    }

    fn next(&mut self) {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }
}

//! Digits of 5×7 dots, a colon and a point.

/// How many dots a digit is high.
pub const HEIGHT: usize = 7;
/// How many dots lie between the left edges of two digits.
pub const ADVANCE: usize = 6;
/// The number of the colon's glyph.
pub const COLON: u8 = 10;
/// The number of the point's glyph.
pub const POINT: u8 = 11;

/// A row a byte, the leftmost dot in bit 4.
const GLYPHS: [[u8; HEIGHT]; 12] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
    [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
    [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100],
];

/// The dots of a glyph as (column, row) from its top left corner; none for a number that has no glyph.
pub fn dots(glyph: u8) -> impl Iterator<Item = (usize, usize)> {
    let rows = GLYPHS.get(usize::from(glyph)).copied().unwrap_or_default();
    rows.into_iter()
        .enumerate()
        .flat_map(|(row, bits)| (0..5).filter(move |column| bits & (0b10000 >> column) != 0).map(move |column| (column, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seven_has_a_roof_and_a_stem() {
        let seven: Vec<_> = dots(7).collect();
        assert_eq!(seven[..5], [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]);
        assert_eq!(seven.last(), Some(&(1, 6)));
    }

    #[test]
    fn a_number_without_a_glyph_has_no_dots() {
        assert_eq!(dots(12).count(), 0);
    }
}

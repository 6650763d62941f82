//! What a receiver report says about one SSRC (RFC 3550 §6.4 and appendix A).

/// A report block's contents, without the SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; clamped to 24 bits signed.
    pub total_lost: i32,
    /// Highest sequence number, extended by its cycles.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 if none.
    pub last_sr: u32,
    /// Since that report, in 1/65,536 s.
    pub delay_since: u32,
}

//! Reports and requests as RTCP packets.

use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use crate::receive::report::Block;
use crate::send::report::SenderInfo;

/// One RTCP packet of any type.
pub(crate) type Packet = Box<dyn rtc::rtcp::Packet>;

/// What an RTCP packet from the other end asks or tells, as far as it concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Packets of `ssrc` to send again.
    Nack { ssrc: u32, sequences: Vec<u16> },
    /// PLI or FIR: `ssrc` needs a keyframe.
    Keyframe { ssrc: u32 },
    /// One receiver report block.
    Block { ssrc: u32, block: Block },
    /// The sender's clock for `ssrc`.
    Sender { ssrc: u32, ntp: u64, timestamp: u32 },
}

/// Reads one packet; unknown ones give nothing.
pub(crate) fn read(packet: &Packet) -> Vec<Message> {
    let any = packet.as_any();
    if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
        let sequences = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
        vec![Message::Nack { ssrc: nack.media_ssrc, sequences }]
    } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
        vec![Message::Keyframe { ssrc: pli.media_ssrc }]
    } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
        fir.fir.iter().map(|entry| Message::Keyframe { ssrc: entry.ssrc }).collect()
    } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
        report.reports.iter().map(block).collect()
    } else if let Some(report) = any.downcast_ref::<SenderReport>() {
        let sender = Message::Sender { ssrc: report.ssrc, ntp: report.ntp_time, timestamp: report.rtp_time };
        std::iter::once(sender).chain(report.reports.iter().map(block)).collect()
    } else {
        Vec::new()
    }
}

/// What a message of transport-wide feedback tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Feedback {
    /// The first transport-wide number, and how many follow from there.
    pub base: u16,
    pub count: u16,
    /// Which of those arrived, from the first on; what is missing at the end did not.
    pub arrived: Vec<bool>,
}

impl Feedback {
    /// Whether it says that the packet of this number arrived.
    pub(crate) fn has(&self, number: u16) -> bool {
        self.arrived.get(usize::from(number.wrapping_sub(self.base))).is_some_and(|arrived| *arrived)
    }
}

/// Reads transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
pub(crate) fn feedback(packet: &Packet) -> Option<Feedback> {
    let feedback = packet.as_any().downcast_ref::<TransportLayerCc>()?;
    let (base, count) = (feedback.base_sequence_number, feedback.packet_status_count);
    let symbols = feedback.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => vec![run.packet_status_symbol; run.run_length.into()],
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    });
    let arrived = symbols.take(count.into()).map(|symbol| symbol != SymbolTypeTcc::PacketNotReceived).collect();
    Some(Feedback { base, count, arrived })
}

fn block(report: &ReceptionReport) -> Message {
    // 24 bits, signed (RFC 3550 §6.4.1); the library reads them unsigned.
    let total_lost = ((report.total_lost << 8) as i32) >> 8;
    let block = Block {
        fraction_lost: report.fraction_lost,
        total_lost,
        highest_sequence: report.last_sequence_number,
        jitter: report.jitter,
        last_sr: report.last_sender_report,
        delay_since: report.delay,
    };
    Message::Block { ssrc: report.ssrc, block }
}

/// Asks for packets of `media` again (RFC 4585 §6.2.1).
pub(crate) fn nack(sender: u32, media: u32, sequences: &[u16]) -> Packet {
    let nacks = nack_pairs_from_sequence_numbers(sequences);
    Box::new(TransportLayerNack { sender_ssrc: sender, media_ssrc: media, nacks })
}

/// Asks for a keyframe of `media` (RFC 4585 §6.3.1).
pub(crate) fn keyframe_request(sender: u32, media: u32) -> Packet {
    Box::new(PictureLossIndication { sender_ssrc: sender, media_ssrc: media })
}

/// A receiver report on each source in `blocks`.
pub(crate) fn receiver_report(sender: u32, blocks: impl IntoIterator<Item = (u32, Block)>) -> Packet {
    let reports = blocks.into_iter().map(|(ssrc, block)| ReceptionReport {
        ssrc,
        fraction_lost: block.fraction_lost,
        total_lost: block.total_lost as u32 & 0x00ff_ffff,
        last_sequence_number: block.highest_sequence,
        jitter: block.jitter,
        last_sender_report: block.last_sr,
        delay: block.delay_since,
    });
    Box::new(ReceiverReport { ssrc: sender, reports: reports.collect(), ..ReceiverReport::default() })
}

/// A sender report of `ssrc`.
pub(crate) fn sender_report(ssrc: u32, info: SenderInfo) -> Packet {
    Box::new(SenderReport {
        ssrc,
        ntp_time: info.ntp,
        rtp_time: info.timestamp,
        packet_count: info.packets,
        octet_count: info.octets,
        ..SenderReport::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over the wire and back.
    fn passed(packet: Packet) -> Vec<Message> {
        let mut wire = rtc::rtcp::packet::marshal(&[packet]).expect("a valid packet");
        rtc::rtcp::packet::unmarshal(&mut wire).expect("the same packet").iter().flat_map(read).collect()
    }

    #[test]
    fn a_nack_carries_its_sequence_numbers_across_the_wrap() {
        let sequences = vec![65_534, 65_535, 3, 40];
        assert_eq!(passed(nack(1, 2, &sequences)), [Message::Nack { ssrc: 2, sequences }]);
    }

    #[test]
    fn a_report_block_carries_a_negative_loss() {
        let block = Block { fraction_lost: 3, total_lost: -2, highest_sequence: 70_000, jitter: 9, last_sr: 7, delay_since: 8 };
        assert_eq!(passed(receiver_report(1, [(2, block)])), [Message::Block { ssrc: 2, block }]);
    }

    #[test]
    fn a_sender_report_carries_its_clock() {
        let info = SenderInfo { ntp: 1 << 40, timestamp: 5, packets: 6, octets: 7 };
        assert_eq!(passed(sender_report(4, info)), [Message::Sender { ssrc: 4, ntp: 1 << 40, timestamp: 5 }]);
    }

    #[test]
    fn pli_and_fir_ask_for_a_keyframe() {
        assert_eq!(passed(keyframe_request(1, 2)), [Message::Keyframe { ssrc: 2 }]);
        let entry = rtc::rtcp::payload_feedbacks::full_intra_request::FirEntry { ssrc: 2, sequence_number: 1 };
        let fir = FullIntraRequest { sender_ssrc: 1, media_ssrc: 2, fir: vec![entry] };
        assert_eq!(passed(Box::new(fir)), [Message::Keyframe { ssrc: 2 }]);
    }
}

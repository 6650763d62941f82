//! What a call amounts to in numbers.

use session::ConnectionState;
use signal::Uid;

use crate::RemoteStream;
use crate::local::Outgoing;

/// Everything an overlay or a report shows of a call, at one moment. Counters are cumulative.
#[derive(Clone, Debug)]
pub struct CallStats {
    pub state: ConnectionState,
    pub uid: Option<Uid>,
}

impl CallStats {
    /// Collects from all streams. `rtt_ms` is that of the channel service's connection, if one was measured.
    pub(crate) fn collect(state: ConnectionState, uid: Option<Uid>, _local: &[Outgoing], _remote: &[RemoteStream]) -> Self {
        Self { state, uid }
    }
}

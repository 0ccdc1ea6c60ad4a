import Containers
import SIPMessages
import SIPTransactions

/// A call that came, as plain data.
///
///     waiting ──180, then 200──▶ answered ──ACK──▶ up ──BYE──▶ over
///        └──CANCEL, refusal──▶ over    └──64*T1──▶ over
struct AnsweredCall: BitwiseCopyable {
    enum State: UInt8, BitwiseCopyable {
        /// The INVITE waits for its final answer.
        case waiting
        /// 200 is sent again until its ACK comes.
        case answered
        case up
    }

    var state: State = .waiting
    /// The use of the slot; 0 when it is over.
    var generation: UInt32
    /// The INVITE's transaction.
    var transaction: TransactionID = .none
    /// When the INVITE came.
    var began: MonotonicInstant
    var hasRung = false
    /// The 200.
    var response: PooledOctets = .none
    /// The way of the 200.
    var flow: Flow
    /// How long it is until the 200 is sent again, and when that ends.
    var interval: TimeSpan = .zero
    var giveUpAt: MonotonicInstant = .never
    var timer: Int32 = -1
}

import SIPMessages
import SIPRouting
import SIPTransactions

/// Something that the desk does over and over: asking a target whether it is there, or registering.
struct TrunkTask {
    enum Phase {
        /// The timer says when it is due.
        case idle
        /// The DNS is asked where the target is; the timer ends it.
        case resolving
        /// A request is under way; the timer ends a probe.
        case waiting
    }

    let trunk: String
    /// Which target is asked; `nil` registers.
    let target: Int?
    /// The target's URI: what is asked, or where the REGISTER is sent.
    let uri: [UInt8]
    var phase = Phase.idle
    var timer: Int32 = -1
    var client = TransactionID.none
    var selection: ServerSelection?
    var server: ServerAddress?
    let callID: [UInt8]
    let tag: UInt64
    var cseq: UInt32 = 0

    // Of a registration.
    var answer: ChallengeAnswer?
    /// How often the request at hand was challenged.
    var challenges = 0
    /// What is asked for, in seconds; it grows with 423.
    var expires: UInt32 = 0
    var isRegistered = false
    /// Attempts that failed in a row.
    var failures = 0

    /// How long to wait after a failure: 30 s, twice as long after each further one, half an hour at most; of that between
    /// a half and the whole, so that many do not come back at once (RFC 5626 §4.5).
    func pause(random: UInt64) -> TimeSpan {
        let seconds = Swift.min(30 << Int64(Swift.min(self.failures, 6)), 1800)
        return .milliseconds(Int64(seconds) * (500 + Int64(random % 501)))
    }
}

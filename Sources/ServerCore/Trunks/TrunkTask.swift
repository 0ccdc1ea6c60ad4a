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

    var trunk: String
    /// Which target is asked; `nil` registers.
    var target: Int?
    /// The target's URI: what is asked, or where the REGISTER is sent.
    let uri: [UInt8]
    /// How it registers; `nil` asks.
    var registration: TrunkSettings.Registration?
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
    /// Whether the registration is being taken back; then the task ends.
    var isLeaving = false
    /// Attempts that failed in a row.
    var failures = 0

    /// Whether the registrar may have a binding of ours: it has answered so, or has not answered yet.
    var mayBeRegistered: Bool { self.target == nil && (self.isRegistered || !self.client.isNone) }

    /// Whether it can go on as that other one, with its Call-ID: it has the same subject, and only the terms differ.
    func isContinued(by other: TrunkTask) -> Bool {
        guard !self.isLeaving, self.uri == other.uri, (self.target == nil) == (other.target == nil) else {
            return false
        }
        return self.target == nil
            ? self.registration?.user == other.registration?.user
                && self.registration?.domain == other.registration?.domain
            : self.trunk == other.trunk
    }

    /// How long to wait after a failure: 30 s, twice as long after each further one, half an hour at most; of that between
    /// a half and the whole, so that many do not come back at once (RFC 5626 §4.5).
    func pause(random: UInt64) -> TimeSpan {
        let seconds = Swift.min(30 << Int64(Swift.min(self.failures, 6)), 1800)
        return .milliseconds(Int64(seconds) * (500 + Int64(random % 501)))
    }
}

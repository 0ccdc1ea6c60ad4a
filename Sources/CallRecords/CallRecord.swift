public import SIPMessages

/// What is kept of one call when it is over: who called whom, when, and how it ended.
///
/// A call that rang at several devices is one record, and so is one that failed. All times are milliseconds since 1970,
/// UTC; those after the first are that one plus what a monotonic clock has measured, so that a clock that is set does
/// not make a call longer.
public struct CallRecord: Hashable, Sendable {
    /// What ended a call.
    public struct Ending: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The word that stands for it in the database and in all output.
        public let rawValue: String
        /// The ending of this word.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The caller hung up: a BYE from that side (RFC 3261 §15).
        public static let callerHungUp = Ending(rawValue: "caller")
        /// The callee hung up.
        public static let calleeHungUp = Ending(rawValue: "callee")
        /// The caller gave up before anybody answered (RFC 3261 §9).
        public static let cancelled = Ending(rawValue: "cancelled")
        /// It was never answered: `status` says why.
        public static let failed = Ending(rawValue: "failed")
        /// The session was not refreshed in time: both sides are gone, or the BYE was lost (RFC 4028 §10).
        public static let sessionExpired = Ending(rawValue: "sessionExpired")
        /// No BYE came in the longest time that a call may take.
        public static let lost = Ending(rawValue: "lost")
        /// The server was stopped while the call went on; what came later is not known.
        public static let serverStopped = Ending(rawValue: "serverStopped")
        /// The server ended without a farewell while the call went on, and was started again: the call may have gone on
        /// without it.
        public static let serverRestarted = Ending(rawValue: "serverRestarted")

        /// The word.
        public var description: String { self.rawValue }
    }

    /// When the INVITE came.
    public var started: Int64
    /// When a device began to ring, or sent early media: the first of 180 to 183.
    public var rang: Int64?
    /// When the first 2xx went to the caller.
    public var answered: Int64?
    /// When the call was over.
    public var ended: Int64
    /// What ended it.
    public var ending: Ending
    /// The final status that the caller was given; 0 when it has none yet.
    public var status: UInt16
    /// The Reason of BYE, CANCEL or final response, as it came; empty when there is none (RFC 3326, 6432).
    public var reason: [UInt8]
    /// The URI of From.
    public var caller: [UInt8]
    /// The URI that was dialled: the Request-URI as it came.
    public var callee: [UInt8]
    /// The Call-ID.
    public var callID: [UInt8]
    /// The tag of the caller.
    public var fromTag: [UInt8]
    /// The tag of the device that answered; empty when none did.
    public var toTag: [UInt8]
    /// The Contact of the device that answered; empty when none did.
    public var target: [UInt8]
    /// The branch by which that device was reached: the parameter of our Via (RFC 3261 §8.1.1.7).
    public var branch: [UInt8]
    /// Where the INVITE came from.
    public var source: SocketAddress
    /// Where the answer came from.
    public var answeredBy: SocketAddress?
    /// The transport of the INVITE.
    public var transport: TransportProtocol

    /// A record; parts that are not known are empty.
    public init(
        started: Int64, rang: Int64? = nil, answered: Int64? = nil, ended: Int64, ending: Ending, status: UInt16,
        reason: [UInt8] = [], caller: [UInt8], callee: [UInt8], callID: [UInt8], fromTag: [UInt8],
        toTag: [UInt8] = [], target: [UInt8] = [], branch: [UInt8] = [], source: SocketAddress,
        answeredBy: SocketAddress? = nil, transport: TransportProtocol
    ) {
        (self.started, self.rang, self.answered, self.ended) = (started, rang, answered, ended)
        (self.ending, self.status, self.reason) = (ending, status, reason)
        (self.caller, self.callee) = (caller, callee)
        (self.callID, self.fromTag, self.toTag) = (callID, fromTag, toTag)
        (self.target, self.branch) = (target, branch)
        (self.source, self.answeredBy, self.transport) = (source, answeredBy, transport)
    }

    /// How long the two sides could speak, in milliseconds; 0 when nobody answered.
    public var duration: Int64 { self.answered.map { Swift.max(0, self.ended - $0) } ?? 0 }
}

/// How calls are recorded.
public struct CallRecordPolicy: Hashable, Sendable {
    /// Whether calls are recorded at all. Those that are being recorded come to their end in any case.
    public var isOn: Bool
    /// The longest time from the INVITE to the end of a call whose BYE never comes.
    public var longestCall: TimeSpan
    /// Calls that one shard records at a time; further ones are counted, and not recorded.
    public var openCalls: Int

    /// A policy; a call that nobody refreshes or ends counts as lost after twelve hours.
    public init(isOn: Bool = false, longestCall: TimeSpan = .seconds(43_200), openCalls: Int = 100_000) {
        (self.isOn, self.longestCall, self.openCalls) = (isOn, longestCall, openCalls)
    }
}

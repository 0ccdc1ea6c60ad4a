public import SIPMessages

/// The base values from which every timer of RFC 3261 §17 (table 4) and RFC 6026 is made.
public struct TransactionTimers: Hashable, Sendable {
    /// An estimate of the round trip: 500 ms.
    public var t1: TimeSpan = .milliseconds(500)
    /// The longest time between retransmissions of a non-INVITE request or an INVITE response: 4 s.
    public var t2: TimeSpan = .seconds(4)
    /// The longest time a message stays in the network: 5 s.
    public var t4: TimeSpan = .seconds(5)
    /// How long an INVITE client transaction absorbs retransmitted responses over UDP: at least 32 s.
    public var d: TimeSpan = .seconds(32)
    /// How long a transaction user that promised to answer an INVITE soon may take before 100 is sent: 200 ms (§17.2.1).
    public var promise: TimeSpan = .milliseconds(200)

    /// The values of the RFCs.
    public init() {}

    /// 64*T1: timers B, F, H, J, L and M.
    @inlinable public var timeout: TimeSpan { self.t1 * 64 }
}

/// What a transaction machine wants done, in this order: send, acknowledge, deliver, end.
public struct TransactionEffects: OptionSet, Hashable, Sendable {
    /// The number that stands for it inside the program.
    public let rawValue: UInt8
    /// What the number stands for.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Send the request of a client transaction, or the last response of a server transaction, once more or first.
    @inlinable public static var send: TransactionEffects { TransactionEffects(rawValue: 1) }
    /// Send an ACK for the response at hand (§17.1.1.3).
    @inlinable public static var sendACK: TransactionEffects { TransactionEffects(rawValue: 2) }
    /// Give the message at hand to the transaction user.
    @inlinable public static var deliver: TransactionEffects { TransactionEffects(rawValue: 4) }
    /// The transaction is over.
    @inlinable public static var terminate: TransactionEffects { TransactionEffects(rawValue: 8) }
    /// It ended because no answer came in time: the transaction user is told.
    @inlinable public static var timedOut: TransactionEffects { TransactionEffects(rawValue: 16) }
    /// It ended because the transport failed: the transaction user is told.
    @inlinable public static var transportFailed: TransactionEffects { TransactionEffects(rawValue: 32) }
    /// Send 100 (Trying), made from the request.
    @inlinable public static var sendTrying: TransactionEffects { TransactionEffects(rawValue: 64) }
}

/// The two timers that a transaction can have at one time: when it sends again, and when it ends.
public struct TransactionClock: BitwiseCopyable, Hashable, Sendable {
    /// Timer A, E or G; while a server transaction has no response yet, when 100 is due.
    public var retransmitAt: MonotonicInstant = .never
    /// Timer B, D, F, H, I, J, K, L or M.
    public var endAt: MonotonicInstant = .never
    /// The present interval of retransmission.
    public var interval: TimeSpan = .zero

    /// The values of the RFCs.
    @inlinable
    public init() {}

    /// When the transaction must be woken.
    @inlinable public var wakeAt: MonotonicInstant { Swift.min(self.retransmitAt, self.endAt) }

    @inlinable
    mutating func stop() { (self.retransmitAt, self.endAt) = (.never, .never) }

    /// Doubles the interval up to `maximum` and schedules the next retransmission.
    @inlinable
    mutating func backOff(at now: MonotonicInstant, maximum: TimeSpan = TimeSpan(nanoseconds: .max)) {
        self.interval = Swift.min(self.interval * 2, maximum)
        self.retransmitAt = now.advanced(by: self.interval)
    }
}

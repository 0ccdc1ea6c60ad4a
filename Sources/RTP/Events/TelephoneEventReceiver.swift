public import SIPMessages

/// Makes key presses of the packets of events: each one exactly once, whatever is lost, repeated or comes late
/// (RFC 4733 §2.5.2).
///
/// An event is known by its timestamp. What is not newer than the newest event is a repetition of it or of an older one.
public struct TelephoneEventReceiver: Sendable {
    /// What has happened.
    public enum Happening: Hashable, Sendable {
        /// An event has begun, or is known of for the first time.
        case began(code: UInt8)
        /// It has ended, after so many ticks.
        case ended(code: UInt8, duration: UInt32)
    }

    /// How long after its last packet an event counts as ended when its end is lost.
    public static let patience = TimeSpan.milliseconds(250)

    private struct Current: BitwiseCopyable {
        var code: UInt8
        var timestamp: UInt32
        var duration: UInt16
        /// Ticks of segments before this one.
        var before: UInt32
        var hasEnded: Bool
    }

    private let clockRate: UInt32
    private var ssrc: UInt32?
    private var current: Current?
    private var lastPacket = MonotonicInstant.start

    /// A receiver that has heard nothing.
    public init(clockRate: UInt32) { self.clockRate = clockRate }

    /// Takes a packet of events.
    ///
    /// - Parameter happenings: What has happened is appended.
    public mutating func receive(
        _ header: RTPHeader, _ packet: Span<UInt8>, at now: MonotonicInstant, into happenings: inout [Happening]
    ) {
        if self.ssrc != header.ssrc {
            self.finish(into: &happenings)
            (self.ssrc, self.current) = (header.ssrc, nil)
        }
        var timestamp = header.timestamp
        var i = 0
        while let event = TelephoneEvent(i, of: header, in: packet) {
            self.receive(event, timestamp, isMarked: header.hasMarker && i == 0, now, &happenings)
            timestamp &+= UInt32(event.duration)
            i += 1
        }
    }

    /// Lets an event end whose end has been lost.
    public mutating func wake(at now: MonotonicInstant, into happenings: inout [Happening]) {
        guard let current, !current.hasEnded, now.since(self.lastPacket) > Self.patience else { return }
        self.finish(into: &happenings)
    }

    /// Whether an event is going on, so that `wake` has to be called.
    public var isActive: Bool { self.current.map { !$0.hasEnded } == true }

    private mutating func receive(
        _ event: TelephoneEvent, _ timestamp: UInt32, isMarked: Bool, _ now: MonotonicInstant,
        _ happenings: inout [Happening]
    ) {
        guard var known = self.current else { return self.begin(event, timestamp, now, &happenings) }
        let age = SequenceOrder.distance(from: known.timestamp, to: timestamp)
        if age < 0 { return }
        if age > 0, !self.isContinuation(event, age, isMarked, of: known) {
            self.finish(into: &happenings)
            return self.begin(event, timestamp, now, &happenings)
        }
        if known.hasEnded { return }
        if age > 0 {
            // The next segment of a long event, or a peer that moves the timestamp within one.
            known.before &+= UInt32(truncatingIfNeeded: age)
            known.timestamp = timestamp
            known.duration = event.duration
        } else if event.code != known.code {
            return
        } else {
            known.duration = Swift.max(known.duration, event.duration)
        }
        self.lastPacket = now
        self.current = known
        if event.isEnd { self.finish(into: &happenings) }
    }

    /// Whether an event with a newer timestamp goes on with the one that is known: the same key without a mark, and no
    /// pause between, as keys that are pressed twice have one.
    private func isContinuation(_ event: TelephoneEvent, _ age: Int, _ isMarked: Bool, of known: Current) -> Bool {
        !isMarked && event.code == known.code && !known.hasEnded
            && age <= Int(known.duration) + Int(self.clockRate / 50)
    }

    private mutating func begin(
        _ event: TelephoneEvent, _ timestamp: UInt32, _ now: MonotonicInstant, _ happenings: inout [Happening]
    ) {
        self.current = Current(
            code: event.code, timestamp: timestamp, duration: event.duration, before: 0, hasEnded: false)
        self.lastPacket = now
        happenings.append(.began(code: event.code))
        if event.isEnd { self.finish(into: &happenings) }
    }

    private mutating func finish(into happenings: inout [Happening]) {
        guard var known = self.current, !known.hasEnded else { return }
        known.hasEnded = true
        self.current = known
        happenings.append(.ended(code: known.code, duration: known.before &+ UInt32(known.duration)))
    }
}

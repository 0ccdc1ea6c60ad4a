/// Sends events one after the other: the packets, their marks and timestamps, the repetitions of the last one and the
/// pause behind it (RFC 4733 §2.5.1).
///
/// It is asked once for each packet that the stream would send. While it has something to send, that goes out instead of
/// sound, with the next sequence number.
public struct TelephoneEventSender: Sendable {
    /// A packet of an event.
    public struct Packet: BitwiseCopyable, Hashable, Sendable {
        /// Whether the marker is set: on the first packet of an event.
        public var hasMarker: Bool
        /// The timestamp: that of the beginning of the event, or of its segment.
        public var timestamp: UInt32
        /// The payload.
        public var event: TelephoneEvent
    }

    /// How often the last packet of an event is sent (RFC 4733 §2.5.1.4).
    public static let repetitions = 3
    /// Events that may wait; beyond them none is taken.
    public static let capacity = 128

    private struct Order: BitwiseCopyable {
        var code: UInt8
        var volume: UInt8
        var duration: UInt32
        var pause: UInt32
    }

    private enum State {
        case idle
        /// `start` is that of the segment, `elapsed` of the whole event.
        case sending(Order, start: UInt32, isFirst: Bool, elapsed: UInt32, segment: UInt32)
        case ending(Order, start: UInt32, duration: UInt16, left: Int)
        case pausing(until: UInt32)
    }

    private var state = State.idle
    private var orders: [Order] = []
    private let clockRate: UInt32

    /// A sender of nothing so far.
    public init(clockRate: UInt32) { self.clockRate = clockRate }

    /// Whether nothing is being sent, and nothing waits.
    public var isIdle: Bool {
        if case .idle = self.state { return self.orders.isEmpty }
        return false
    }

    /// Orders an event.
    ///
    /// - Parameters:
    ///   - milliseconds: How long it lasts; at least 40, as a receiver has to know a tone (ITU-T Q.24).
    ///   - pause: How long nothing follows, in milliseconds; at least 40.
    /// - Returns: Whether there was room for it.
    public mutating func send(_ code: UInt8, volume: UInt8 = 10, milliseconds: UInt32 = 100, pause: UInt32 = 60) -> Bool
    {
        guard self.orders.count < Self.capacity else { return false }
        let ticks = Swift.max(1, self.clockRate / 1_000)
        let length = Swift.max(40, Swift.min(60_000, milliseconds)) &* ticks
        self.orders.append(
            Order(
                code: code, volume: volume & 0x3F, duration: length,
                pause: Swift.max(40, Swift.min(60_000, pause)) &* ticks))
        return true
    }

    /// The packet to send now; `nil` when sound is to be sent.
    ///
    /// - Parameters:
    ///   - timestamp: The timestamp that a packet of sound would have.
    ///   - ticks: How much of time a packet covers.
    public mutating func next(timestamp: UInt32, ticks: UInt32) -> Packet? {
        if case .pausing(let until) = self.state, SequenceOrder.distance(from: until, to: timestamp) >= 0 {
            self.state = .idle
        }
        switch self.state {
        case .pausing: return nil
        case .idle:
            guard !self.orders.isEmpty else { return nil }
            let order = self.orders.removeFirst()
            self.state = .sending(order, start: timestamp, isFirst: true, elapsed: 0, segment: 0)
            return self.update(timestamp, ticks)
        case .sending: return self.update(timestamp, ticks)
        case .ending(let order, let start, let duration, let left):
            self.state =
                left > 1
                ? .ending(order, start: start, duration: duration, left: left - 1)
                : .pausing(until: timestamp &+ ticks &+ order.pause)
            return self.packet(order, start: start, isFirst: false, duration: duration, isEnd: true)
        }
    }

    private mutating func update(_ timestamp: UInt32, _ ticks: UInt32) -> Packet? {
        guard case .sending(let order, var start, let isFirst, let before, var segment) = self.state else { return nil }
        if segment == 0xFFFF {
            // The duration has no room for more: a new segment begins where the last one ended (RFC 4733 §2.5.1.3).
            start = start &+ 0xFFFF
            segment = 0
        }
        let step = Swift.min(ticks, order.duration &- before, 0xFFFF &- segment)
        let elapsed = before &+ step
        segment &+= step
        let duration = UInt16(truncatingIfNeeded: segment)
        guard elapsed >= order.duration else {
            self.state = .sending(order, start: start, isFirst: false, elapsed: elapsed, segment: segment)
            return self.packet(order, start: start, isFirst: isFirst, duration: duration, isEnd: false)
        }
        self.state = .ending(order, start: start, duration: duration, left: Self.repetitions - 1)
        return self.packet(order, start: start, isFirst: isFirst, duration: duration, isEnd: true)
    }

    private func packet(
        _ order: Order, start: UInt32, isFirst: Bool, duration: UInt16, isEnd: Bool
    ) -> Packet {
        Packet(
            hasMarker: isFirst, timestamp: start,
            event: TelephoneEvent(code: order.code, isEnd: isEnd, volume: order.volume, duration: duration))
    }
}

public import SIPMessages
import Synchronization

/// A message that passed: the octets, the way, and when.
public struct TappedMessage: Hashable, Sendable {
    /// Which way it went.
    public enum Direction: Hashable, Sendable { case received, sent }

    /// Counts the messages of a tap; a gap shows how many were overwritten before they were read.
    public var serial: UInt64
    /// Milliseconds since 1970, UTC.
    public var wall: Int64
    /// Which way it went.
    public var direction: Direction
    /// Our end point, the connection and the other side.
    public var flow: Flow
    /// The message: what came out of TLS and framing, or what went into it.
    public var octets: [UInt8]
}

/// Offers every message of a server, in and out, to whoever wants to see it: a ring that overwrites its oldest messages.
///
/// While it is off, a message costs the look at one flag; nothing is copied and no lock is taken.
public final class MessageTap: Sendable {
    private struct Ring {
        var messages: [TappedMessage?]
        /// The serial of the next message.
        var next: UInt64 = 0
        /// The oldest message that is still there.
        var oldest: UInt64 = 0
        var octets = 0
    }

    private let isOpen = Atomic(false)
    private let ring: Mutex<Ring>
    private let octetLimit: Int

    /// A tap that is off.
    ///
    /// - Parameters:
    ///   - messages: How many messages it holds.
    ///   - octets: How many octets of messages it holds; a larger message is not offered.
    public init(messages: Int = 4096, octets: Int = 16 << 20) {
        self.ring = Mutex(Ring(messages: [TappedMessage?](repeating: nil, count: Swift.max(1, messages))))
        self.octetLimit = octets
    }

    /// Whether messages are taken. Turning it off drops those that are there.
    public var isOn: Bool {
        get { self.isOpen.load(ordering: .relaxed) }
        set {
            self.isOpen.store(newValue, ordering: .relaxed)
            if !newValue {
                self.ring.withLock { ring in
                    while ring.oldest < ring.next { Self.dropOldest(&ring) }
                }
            }
        }
    }

    /// Takes a copy of a message.
    func offer(_ octets: Span<UInt8>, _ direction: TappedMessage.Direction, _ flow: Flow, wall: Int64) {
        guard octets.count <= self.octetLimit else { return }
        let copy = octets.octets(0..<octets.count)
        self.ring.withLock { ring in
            let capacity = UInt64(ring.messages.count)
            while ring.next - ring.oldest >= capacity || ring.octets + copy.count > self.octetLimit {
                Self.dropOldest(&ring)
            }
            ring.messages[Int(ring.next % capacity)] = TappedMessage(
                serial: ring.next, wall: wall, direction: direction, flow: flow, octets: copy)
            ring.octets += copy.count
            ring.next += 1
        }
    }

    private static func dropOldest(_ ring: inout Ring) {
        let place = Int(ring.oldest % UInt64(ring.messages.count))
        ring.octets -= ring.messages[place]?.octets.count ?? 0
        ring.messages[place] = nil
        ring.oldest += 1
    }

    /// The messages since one, the oldest first.
    ///
    /// - Parameters:
    ///   - serial: That of the first message wanted; 0 at first, then one more than that of the last one read.
    ///   - limit: How many at most.
    public func messages(from serial: UInt64 = 0, limit: Int = 256) -> [TappedMessage] {
        self.ring.withLock { ring in
            var found: [TappedMessage] = []
            var position = Swift.max(serial, ring.oldest)
            while position < ring.next, found.count < limit {
                if let message = ring.messages[Int(position % UInt64(ring.messages.count))] { found.append(message) }
                position += 1
            }
            return found
        }
    }
}

public import SIPMessages

/// Makes one stream of key presses of what comes by telephone-event, by INFO and in band: each press once, whatever
/// mixture a peer sends.
///
/// Some peers send a key in two ways at once, or let the beginning of its tone through before they cut it out. Each way
/// tells a press at most once; so a report of a key that another way has told of shortly before is the same press, unless
/// its own way has told of that one already.
public struct KeyPressMerger: Sendable {
    /// How a press was told.
    public enum Way: UInt8, Hashable, Sendable {
        /// Packets of events (RFC 4733).
        case telephoneEvent = 1
        /// A request with the key in its body (RFC 6086 and older).
        case info = 2
        /// The tone in the sound.
        case inBand = 4
    }

    /// A press.
    public struct Press: Hashable, Sendable {
        /// The key.
        public var key: Character
        /// The way that told of it first.
        public var way: Way
    }

    /// How much later one way may tell of a press than another: an INFO is sent when the key is released.
    public static let window = TimeSpan.milliseconds(600)
    /// Presses that are remembered.
    static let capacity = 32

    private struct Known {
        var key: Character
        var at: MonotonicInstant
        var ways: UInt8
    }

    private var known: [Known] = []

    /// A merger that has heard of nothing.
    public init() {}

    /// Takes a report of a press.
    ///
    /// - Returns: The press, when it is new.
    public mutating func report(_ key: Character, by way: Way, at now: MonotonicInstant) -> Press? {
        self.known.removeAll { now.since($0.at) > Self.window }
        if let i = self.known.firstIndex(where: { $0.key == key && $0.ways & way.rawValue == 0 }) {
            self.known[i].ways |= way.rawValue
            return nil
        }
        if self.known.count == Self.capacity { self.known.removeFirst() }
        self.known.append(Known(key: key, at: now, ways: way.rawValue))
        return Press(key: key, way: way)
    }
}

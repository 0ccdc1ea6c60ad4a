public import SIPMessages

/// Makes one stream of key presses of what comes by telephone-event, by INFO and in band: each press once, whatever
/// mixture a peer sends.
///
/// Some peers send a key in two ways at once, or let the beginning of its tone through before they cut it out. Each way
/// tells a press at most once; so a report of a key that another way has told of shortly before is the same press, unless
/// its own way has told of that one already. Of several that it could be, it is the one nearest in time.
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

    /// How far apart two ways may tell of a press.
    public static let window = TimeSpan.milliseconds(600)
    /// How much later an INFO may tell of it: it is sent when the key is released, is not lost, but may be sent again
    /// after half a second, a second and two (timer E, RFC 3261 §17.1.2.2).
    public static let requestWindow = TimeSpan.milliseconds(4_100)
    /// Presses that are remembered.
    static let capacity = 64

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
    /// - Parameter now: When the key went down, as far as the way can tell; for an INFO, when it came.
    /// - Returns: The press, when it is new.
    public mutating func report(_ key: Character, by way: Way, at now: MonotonicInstant) -> Press? {
        self.known.removeAll { now.since($0.at) > Self.requestWindow }
        var (found, nearest) = (-1, Int64.max)
        for (i, press) in self.known.enumerated() where press.key == key && press.ways & way.rawValue == 0 {
            let distance = now.since(press.at)
            let latest = way == .info ? Self.requestWindow : Self.window
            // What an INFO told of first may lie as far back as the other way tells.
            let earliest = press.ways == Way.info.rawValue ? Self.requestWindow : Self.window
            guard distance <= latest, TimeSpan.zero - distance <= earliest else { continue }
            // INFO comes in the order of the presses; the others know their time.
            let rank = way == .info ? Int64(i) : Int64(bitPattern: distance.nanoseconds.magnitude)
            if rank < nearest { (found, nearest) = (i, rank) }
        }
        if found >= 0 {
            self.known[found].ways |= way.rawValue
            return nil
        }
        if self.known.count == Self.capacity { self.known.removeFirst() }
        self.known.append(Known(key: key, at: now, ways: way.rawValue))
        return Press(key: key, way: way)
    }
}

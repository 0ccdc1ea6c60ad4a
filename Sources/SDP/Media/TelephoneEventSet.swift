/// A set of event codes, as `a=fmtp` of a telephone-event format lists them (RFC 4733 §2.4.1).
public struct TelephoneEventSet: Hashable, Sendable, CustomStringConvertible {
    private var words: InlineWords = InlineWords()

    private struct InlineWords: Hashable, Sendable {
        var a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0, d: UInt64 = 0

        subscript(i: UInt8) -> UInt64 {
            get {
                switch i {
                case 0: self.a
                case 1: self.b
                case 2: self.c
                default: self.d
                }
            }
            set {
                switch i {
                case 0: self.a = newValue
                case 1: self.b = newValue
                case 2: self.c = newValue
                default: self.d = newValue
                }
            }
        }
    }

    /// The empty set.
    public init() {}

    /// The sixteen keys 0-9, *, #, A-D: what a format without `a=fmtp` stands for (RFC 4733 §2.4.1).
    public static let keys: TelephoneEventSet = {
        var set = TelephoneEventSet()
        for event: UInt8 in 0...15 { set.insert(event) }
        return set
    }()

    /// Parses a list such as `0-15,66,70`; `nil` when it is none.
    public init?(_ list: String) {
        var reader = LineReader(list)
        repeat {
            reader.skipSpace()
            guard let first = try? reader.number(maximum: 255) else { return nil }
            var last = first
            if reader.skip(0x2D) {
                guard let end = try? reader.number(maximum: 255), end >= first else { return nil }
                last = end
            }
            for event in first...last { self.insert(UInt8(truncatingIfNeeded: event)) }
            reader.skipSpace()
        } while reader.skip(0x2C)
        guard reader.isAtEnd else { return nil }
    }

    /// The events of a format; those of the keys when it says none.
    public init(of format: MediaFormat) {
        self = format.parameters.flatMap { TelephoneEventSet($0) } ?? .keys
    }

    /// Adds an event.
    public mutating func insert(_ event: UInt8) { self.words[event >> 6] |= 1 << UInt64(event & 63) }

    /// Whether an event is in the set.
    public func contains(_ event: UInt8) -> Bool { self.words[event >> 6] >> UInt64(event & 63) & 1 == 1 }

    /// The events of both sets.
    public func intersection(_ other: TelephoneEventSet) -> TelephoneEventSet {
        var set = TelephoneEventSet()
        for i: UInt8 in 0..<4 { set.words[i] = self.words[i] & other.words[i] }
        return set
    }

    /// Whether there is no event in it.
    public var isEmpty: Bool { self == TelephoneEventSet() }

    /// The list, with ranges.
    public var description: String {
        var parts: [String] = []
        var event = 0
        while event < 256 {
            guard self.contains(UInt8(event)) else {
                event += 1
                continue
            }
            let first = event
            while event < 255, self.contains(UInt8(event + 1)) { event += 1 }
            parts.append(first == event ? "\(first)" : "\(first)-\(event)")
            event += 1
        }
        return parts.joined(separator: ",")
    }
}

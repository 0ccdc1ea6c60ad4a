public import SIPMessages

/// Which messages get work done while more comes than can be done (RFC 3261 §21.5.4, RFC 5390 §4).
///
/// Time is cut into windows of a tenth of a second. The driver says for each how busy its thread was. As long as that is
/// less than all the time, every message is served. Else a `budget` is set: how many messages one source may have served
/// in a window. It is found by filling the capacity source by source, so that who sends little keeps all of it and who
/// floods pays for what he does; then it is lowered and raised until the thread has some air again.
///
///              served ≤ budget    ≤ 4 × budget            beyond
///     new work      served        503 with Retry-After    dropped
///     the rest      served        served                  dropped
///
/// *New work* is what begins something: an INVITE, MESSAGE, OPTIONS or SUBSCRIBE outside a dialog, a REGISTER without
/// credentials. The rest belongs to what has been begun: a server that answers new calls and forgets the running ones
/// does neither.
///
/// Sources are counted in a table of fixed size by a hash of their address that nobody can predict. Two may share a
/// place, and then a budget.
public struct Admission: Sendable {
    /// What is done with a message, by its source alone.
    public enum Standing: Hashable, Sendable {
        /// It is served.
        case within
        /// It is served unless it is new work.
        case beyond
        /// It is dropped.
        case farBeyond
    }

    /// One source's messages in this window.
    private struct Cell: BitwiseCopyable {
        var offered: UInt32 = 0
        var served: UInt32 = 0
    }

    /// How long a window is.
    public static let window: TimeSpan = .milliseconds(100)
    /// From when on a window counts as full: what is missing from 1 goes into looking at the clock.
    static let fullLoad = 0.98
    /// How many sources are counted apart.
    static let cellCount = 4096
    /// How many budgets a source may use up with what is no new work, and with refusals.
    static let patience: UInt32 = 4
    /// The least capacity, in messages of a window: below that a thread cannot be overloaded by what it serves.
    static let leastCapacity = 64.0
    /// Windows of full load, one after the other, after which there is a budget: one alone may be a program that stood
    /// still and not one that has too much to do.
    static let fullWindows = 3
    /// Windows with a budget that nobody reached, after which there is none any more.
    static let calmWindows = 20

    private var cells: [Cell]
    private let multiplier: UInt64
    /// What one source may have served in this window; the highest number where there is no limit.
    private(set) var budget = UInt32.max
    /// How much is served in a window, all sources together, while there is a budget.
    private var capacity = 0.0
    private var full = 0
    private var calm = 0

    /// The sources under a sanction. They are few, and mostly there is none.
    public var sanctions: [IPAddress: Sanction] = [:]
    /// How many messages of a limited source are served in a window.
    static let limitedShare: UInt32 = 1

    /// Messages that were refused with 503 for lack of time.
    public private(set) var refused: UInt64 = 0
    /// Messages that were dropped for lack of time.
    public private(set) var dropped: UInt64 = 0
    /// Messages of sources under a sanction that were dropped.
    public private(set) var sanctioned: UInt64 = 0

    /// Admits everything at first.
    ///
    /// - Parameter seed: 64 bits that no peer can know.
    public init(seed: UInt64 = 0) {
        self.cells = Array(repeating: Cell(), count: Self.cellCount)
        self.multiplier = (seed ^ 0x9E37_79B9_7F4A_7C15) | 1
    }

    /// Whether more comes than can be done.
    public var isOverloaded: Bool { self.budget != .max }

    /// Counts a message.
    ///
    /// - Parameter source: Where it came from.
    public mutating func note(from source: IPAddress) -> Standing {
        let place = self.place(of: source)
        self.cells[place].offered &+= 1
        if !self.sanctions.isEmpty, let sanction = self.sanctions[source.customer] {
            guard sanction == .limited, self.cells[place].offered <= Self.limitedShare else {
                self.sanctioned &+= 1
                return .farBeyond
            }
        }
        guard self.isOverloaded else { return .within }
        let cell = self.cells[place]
        if cell.served < self.budget {
            self.cells[place].served &+= 1
            return .within
        }
        // Refusals count as well: they cost a message too.
        let (limit, isHigher) = self.budget.multipliedReportingOverflow(by: Self.patience)
        guard isHigher || cell.served < limit else {
            self.dropped &+= 1
            return .farBeyond
        }
        self.cells[place].served &+= 1
        return .beyond
    }

    /// Counts a message of new work that `note` found beyond the budget, and that is refused for that.
    public mutating func refuse() { self.refused &+= 1 }

    /// Ends a window.
    ///
    /// - Parameter busy: The part of the window in which the thread had something to do, from 0 to 1.
    public mutating func endWindow(busy: Double) {
        defer { for place in self.cells.indices { self.cells[place] = Cell() } }
        self.full = busy >= Self.fullLoad ? self.full + 1 : 0
        if !self.isOverloaded {
            guard self.full >= Self.fullWindows else { return }
            self.capacity = Double(self.cells.reduce(0) { $0 + UInt64($1.offered) })
            self.calm = 0
        }
        // What was served at full load is about what can be; a little less leaves air for what refusals cost.
        let factor = busy >= Self.fullLoad ? 0.9 : busy >= 0.96 ? 0.98 : busy >= 0.92 ? 1 : 1.05
        self.capacity = Swift.max(self.capacity * factor, Self.leastCapacity)
        let isReached = self.cells.contains { $0.offered > self.budget }
        self.calm = isReached || busy >= 0.92 ? 0 : self.calm + 1
        if self.calm > Self.calmWindows {
            self.budget = .max
            return
        }
        self.budget = self.share()
    }

    /// What each source may have so that all together have the capacity: sources with less keep what they have, and the
    /// rest is divided equally.
    private func share() -> UInt32 {
        var share = 0.0
        // Each round finds more sources that have less than the share; a few rounds suffice.
        for _ in 0..<8 {
            var (small, large) = (0.0, 0.0)
            for cell in self.cells where cell.offered > 0 {
                if Double(cell.offered) <= share { small += Double(cell.offered) } else { large += 1 }
            }
            let next = large > 0 ? (self.capacity - small) / large : self.capacity
            if next <= share { break }
            share = next
        }
        return UInt32(Swift.max(1, Swift.min(share, Double(UInt32.max - 1))))
    }

    private func place(of source: IPAddress) -> Int {
        let number = source.isIPv6 ? source.high : source.low &+ 1 &<< 32  // IPv6 by customer.
        return Int(truncatingIfNeeded: (number &* self.multiplier) &>> 52)
    }
}

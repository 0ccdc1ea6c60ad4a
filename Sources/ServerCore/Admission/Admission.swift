public import SIPMessages

/// Which messages get work done while more comes than can be done (RFC 3261 §21.5.4, RFC 5390 §4).
///
/// Time is cut into windows of a tenth of a second. The driver says for each how long messages waited at least before the
/// thread took them. As long as that is short, every message is served. Else there is a budget: how much new work may begin
/// in a window. It is shared source by source, so that who wants little gets all of it and who floods pays for what he
/// does; and it is lowered and raised until hardly anything waits.
///
///                  within a source's share     beyond
///     new work     served                      503 with Retry-After
///     the rest     served                      served
///
/// Where that is not enough, messages of those who send most are dropped unread, found in the same way.
///
/// *New work* is what begins something: an INVITE, MESSAGE, OPTIONS or SUBSCRIBE outside a dialog, a REGISTER without
/// credentials. The rest belongs to what has been begun: a server that answers new calls and forgets the running ones
/// does neither. What a window may begin is let in as the window goes by: else all that follows from it would come at once.
///
/// Sources are counted in a table of fixed size by a hash of their address that nobody can predict. Two may share a
/// place, and then a share.
public struct Admission: Sendable {
    /// One source's messages in this window.
    private struct Cell: BitwiseCopyable {
        var offered: UInt32 = 0
        var taken: UInt32 = 0
        /// New work that it wanted to begin, and that it was let begin.
        var wanted: UInt32 = 0
        var begun: UInt32 = 0
        /// Whether it wanted more than its share in the window before.
        var isGreedy = false
    }

    /// How long a window is.
    public static let window: TimeSpan = .milliseconds(100)
    /// Messages that wait so long at least are too many.
    public static let longWait: TimeSpan = .milliseconds(10)
    /// A wait at which there is air for more.
    static let shortWait: TimeSpan = .milliseconds(3)
    /// How many sources are counted apart.
    static let cellCount = 4096
    /// The least budget: below that a thread cannot be overloaded by what it begins.
    static let leastBudget = 16.0
    /// The highest one: ten times what any thread can begin.
    static let mostBudget = 1_000_000.0
    /// The part of the budget that one source may begin at any time of a window.
    static let burst = 0.02
    /// Windows of long waits, one after the other, after which there is a budget: one alone may be a program that stood
    /// still and not one that has too much to do.
    static let fullWindows = 3
    /// As many more after which to refuse is not enough: messages are dropped.
    static let patience = 10
    /// Windows in which all that was wanted could begin, after which there is no budget any more.
    static let calmWindows = 20

    /// How long the messages at hand have waited. While that is long nothing begins of those who wanted more than their
    /// share: the queue becomes short at once, and what has begun is not kept waiting.
    public var wait: TimeSpan = .zero

    private var cells: [Cell]
    private let multiplier: UInt64
    /// Whether more comes than can be done.
    public private(set) var isOverloaded = false
    /// Whether it matters who begins how much: more comes than can be done, or it seems so.
    var countsWork: Bool { self.isOverloaded || self.full > 0 }
    /// How much new work may begin in a window, all sources together; how much of one source, and at any time of it.
    private(set) var budget = 0.0
    private(set) var share: UInt32 = .max
    private var leastShare: UInt32 = .max
    /// How many messages are looked at in a window, all sources together, and how many of one source.
    private var messages = Double.infinity
    private var limit: UInt32 = .max
    private var windowBegan = MonotonicInstant.start
    private var lastWait: TimeSpan = .zero
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

    /// Whether a source is kept out.
    public func isBanned(_ source: IPAddress) -> Bool {
        !self.sanctions.isEmpty && self.sanctions[source.customer] == .banned
    }

    /// Counts a message.
    ///
    /// - Parameter source: Where it came from.
    /// - Returns: whether it is looked at; `false` when it is dropped.
    public mutating func note(from source: IPAddress) -> Bool {
        let place = self.place(of: source)
        if !self.sanctions.isEmpty, let sanction = self.sanctions[source.customer] {
            // They are kept out for what they have done, not for lack of time: of a load they say nothing.
            guard sanction == .limited, self.cells[place].taken < Self.limitedShare else {
                self.sanctioned &+= 1
                return false
            }
        }
        self.cells[place].offered &+= 1
        guard self.cells[place].taken < self.limit else {
            self.dropped &+= 1
            return false
        }
        self.cells[place].taken &+= 1
        return true
    }

    /// Counts new work.
    ///
    /// - Parameters:
    ///   - source: Who wants to begin it.
    ///   - now: When.
    /// - Returns: whether it may begin; `false` when it is refused.
    public mutating func begins(from source: IPAddress, at now: MonotonicInstant) -> Bool {
        let place = self.place(of: source)
        self.cells[place].wanted &+= 1
        let isLate = self.wait >= Self.longWait && self.cells[place].isGreedy
        guard !isLate, self.cells[place].begun < self.share(at: now) else {
            self.refused &+= 1
            return false
        }
        self.cells[place].begun &+= 1
        return true
    }

    /// How much new work one source may have begun until a moment of this window.
    private func share(at now: MonotonicInstant) -> UInt32 {
        let elapsed = Swift.max(0, now.since(self.windowBegan).nanoseconds)
        guard elapsed < Self.window.nanoseconds else { return self.share }
        let part = UInt64(self.share) &* UInt64(elapsed) / UInt64(Self.window.nanoseconds)
        return UInt32(clamping: Swift.min(UInt64(self.share), part + UInt64(self.leastShare)))
    }

    /// Ends a window.
    ///
    /// - Parameters:
    ///   - now: When it ends, and the next one begins.
    ///   - wait: How long messages waited at least before they were taken.
    public mutating func endWindow(at now: MonotonicInstant, wait: TimeSpan) {
        self.full = wait >= Self.longWait ? self.full + 1 : 0
        if self.isOverloaded {
            self.adjust(to: wait)
        } else if self.full >= Self.fullWindows {
            (self.isOverloaded, self.calm) = (true, 0)
            self.budget = Swift.max(0.9 * Double(self.cells.reduce(0) { $0 + UInt64($1.begun) }), Self.leastBudget)
        }
        (self.windowBegan, self.lastWait) = (now, wait)
        guard self.isOverloaded, self.isNeeded(wait) else {
            for place in self.cells.indices { self.cells[place] = Cell() }
            return
        }
        let wanted = self.cells.map { $0.wanted }
        self.leastShare = UInt32(Swift.max(1, self.budget * Self.burst))
        self.share = Self.share(of: self.budget, among: wanted)
        self.limit = self.messages.isFinite ? Self.share(of: self.messages, among: self.cells.map { $0.offered }) : .max
        for place in self.cells.indices { self.cells[place] = Cell(isGreedy: wanted[place] > self.share) }
    }

    /// Whether the budget is needed still; without one everything is served again.
    private mutating func isNeeded(_ wait: TimeSpan) -> Bool {
        let isRefused = self.cells.contains { $0.wanted > $0.begun || $0.offered > $0.taken }
        self.calm = isRefused || wait >= Self.shortWait ? 0 : self.calm + 1
        guard self.calm > Self.calmWindows else { return true }
        (self.isOverloaded, self.share, self.leastShare) = (false, .max, .max)
        (self.messages, self.limit) = (.infinity, .max)
        return false
    }

    /// Lowers and raises what may begin, and what is looked at. Where messages are dropped it is these that are too many:
    /// what may begin is lowered only when it is the most of what is looked at.
    private mutating func adjust(to wait: TimeSpan) {
        if wait >= Self.longWait {
            // What has waited less than what came before it is the rest of a queue that becomes shorter.
            guard wait >= self.lastWait else { return }
            if self.budget > self.messages / 2 || !self.messages.isFinite {
                self.budget = Swift.max(self.budget * 0.85, Self.leastBudget)
            }
            guard self.messages.isFinite || self.full > Self.fullWindows + Self.patience else { return }
            let taken = Double(self.cells.reduce(0) { $0 + UInt64($1.taken) })
            self.messages = Swift.max(Swift.min(self.messages, taken) * 0.8, Self.leastBudget)
        } else if wait < Self.shortWait, self.lastWait < Self.shortWait {
            self.budget = Swift.min(self.budget * 1.05, Self.mostBudget)
            if self.messages.isFinite { self.messages = Swift.min(self.messages * 1.05, Self.mostBudget) }
        }
    }

    /// What each source may have so that all together have the capacity: sources with less keep what they have, and the
    /// rest is divided equally.
    private static func share(of capacity: Double, among counts: [UInt32]) -> UInt32 {
        var share = 0.0
        // Each round finds more sources that have less than the share; a few rounds suffice.
        for _ in 0..<8 {
            var (small, large) = (0.0, 0.0)
            for count in counts where count > 0 {
                if Double(count) <= share { small += Double(count) } else { large += 1 }
            }
            let next = large > 0 ? (capacity - small) / large : capacity
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

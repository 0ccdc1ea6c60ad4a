import SIPMessages
import ServerCore

/// How long messages have waited in one socket before its thread took them, while more comes than it can do.
///
/// A thread that is busy all the time may have just as much to do as it can; a queue that never becomes empty, and in which
/// even the last one that was taken has waited long, says that it has more. So the least wait of a window counts, which a
/// burst does not raise (as in CoDel, RFC 8289 §3.2). It holds too where the thread stood still because others had the
/// processor: the queue grew meanwhile.
struct Backlog {
    private var least: TimeSpan?
    private var lost: UInt32 = 0
    /// When the queue was empty last.
    private var wasEmpty = MonotonicInstant.start
    /// A queue that has been empty within that time is none that stays.
    static let interval: TimeSpan = .milliseconds(50)

    /// Notes a batch of messages.
    ///
    /// - Parameters:
    ///   - age: How long ago the last one of it came; zero where nothing was left behind it.
    ///   - now: When it was taken.
    /// - Returns: how long its messages have waited in a queue that stays; zero where it was empty a moment ago.
    mutating func note(age: TimeSpan, at now: MonotonicInstant) -> TimeSpan {
        self.least = self.least.map { Swift.min($0, age) } ?? age
        if age == .zero { self.wasEmpty = now }
        return now.since(self.wasEmpty) < Self.interval ? .zero : age
    }

    /// Ends a window; returns how long messages have waited at least.
    ///
    /// - Parameter lost: How many messages the system has ever dropped since its queue was full. Where the number has grown
    ///   the wait is as long as the queue lets it become, whatever it was.
    mutating func endWindow(lost: UInt32) -> TimeSpan {
        defer { (self.least, self.lost) = (nil, lost) }
        let least = self.least ?? .zero
        return lost != self.lost && least > .zero ? Swift.max(least, Admission.longWait) : least
    }
}

import SIPMessages
import ServerCore

/// How busy a thread is: the part of its time in which it does not wait for anything, or all of it where most messages had
/// to wait for their turn.
///
/// Time alone does not tell where other programs have the processor: the thread stands still then, in the middle of
/// waiting too.
struct Occupancy {
    private var began = MonotonicInstant.start
    private var waited: TimeSpan = .zero
    private var (messages, late) = (0, 0)

    /// Notes that the thread has waited.
    mutating func wait(from start: MonotonicInstant, to end: MonotonicInstant) {
        self.waited = TimeSpan(nanoseconds: self.waited.nanoseconds + end.since(start).nanoseconds)
    }

    /// Notes that messages were taken from a socket, as many as are taken at a time, or all that were there.
    mutating func take(_ count: Int, thereWereMore: Bool) {
        self.messages += count
        if thereWereMore { self.late += count }
    }

    /// The busy part of a window that is over, from 0 to 1; `nil` while it lasts.
    mutating func endWindow(at now: MonotonicInstant) -> Double? {
        let length = now.since(self.began)
        guard length >= Admission.window else { return nil }
        defer { (self.began, self.waited, self.messages, self.late) = (now, .zero, 0, 0) }
        if self.late * 2 > self.messages { return 1 }
        return 1 - Swift.min(Double(self.waited.nanoseconds) / Double(length.nanoseconds), 1)
    }
}

import SIPMessages
import ServerCore

/// How busy a thread is: the part of its time in which it does not wait for anything.
struct Occupancy {
    private var began = MonotonicInstant.start
    private var waited: TimeSpan = .zero

    /// Notes that the thread has waited.
    mutating func wait(from start: MonotonicInstant, to end: MonotonicInstant) {
        self.waited = TimeSpan(nanoseconds: self.waited.nanoseconds + end.since(start).nanoseconds)
    }

    /// The busy part of a window that is over, from 0 to 1; `nil` while it lasts.
    mutating func endWindow(at now: MonotonicInstant) -> Double? {
        let length = now.since(self.began)
        guard length >= Admission.window else { return nil }
        defer { (self.began, self.waited) = (now, .zero) }
        return 1 - Swift.min(Double(self.waited.nanoseconds) / Double(length.nanoseconds), 1)
    }
}

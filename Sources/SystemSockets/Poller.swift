public import CLinuxIO
import Glibc
public import SIPMessages

/// Lets one thread wait for descriptors and for the time, and any other thread wake it.
public final class Poller: Sendable {
    private let epoll: Int32
    private let alarm: Int32

    /// The number of the event that `wake` leads to.
    public static var wakeNumber: UInt64 { .max }

    /// A poller without descriptors; `nil` when the system has none to give, with the cause in `errno`.
    public init?() {
        self.epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        self.alarm = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard self.epoll >= 0, self.alarm >= 0 else { return nil }
        self.watch(self.alarm, as: Self.wakeNumber)
    }

    deinit {
        let cause = errno
        close(self.epoll)
        close(self.alarm)
        errno = cause
    }

    /// Waits for a descriptor, too.
    ///
    /// - Parameters:
    ///   - number: What its events are numbered.
    ///   - tellsOnce: Whether it is told of once, each time that something comes, and not as long as something is there.
    public func watch(_ descriptor: Int32, as number: UInt64, tellsOnce: Bool = false) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (tellsOnce ? EPOLLET.rawValue : 0)
        event.data.u64 = number
        epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    /// Waits for a descriptor no longer.
    public func forget(_ descriptor: Int32) { epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, nil) }

    /// Wakes the thread. Any thread may call it.
    public func wake() {
        var one: UInt64 = 1
        write(self.alarm, &one, 8)
    }

    /// Takes note of having been woken: until the next `wake` there is no such event.
    public func noteWake() {
        var count: UInt64 = 0
        read(self.alarm, &count, 8)
    }

    /// Waits until something has come.
    ///
    /// - Parameter span: How long at most; `nil` for ever.
    /// - Returns: how many of `events` have been written.
    public func wait(_ events: inout [epoll_event], for span: TimeSpan? = nil) -> Int {
        let nanoseconds = span.map { Swift.max(0, $0.nanoseconds) } ?? -1
        return Int(Swift.max(0, cio_epoll_wait(self.epoll, &events, Int32(events.count), nanoseconds)))
    }
}

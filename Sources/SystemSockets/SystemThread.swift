import Glibc
import Synchronization

/// A thread of the system, for what waits in system calls: nothing else gets stuck with it.
public final class SystemThread: Sendable {
    private let handle = Mutex<pthread_t?>(nil)

    /// A thread that has not started.
    public init() {}

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts it. What `body` captures lives until it returns.
    ///
    /// - Returns: 0, or why it could not be started (`errno`).
    @discardableResult
    public func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { @Sendable raw in
                if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        guard result == 0 else {
            work.release()
            return result
        }
        self.handle.withLock { [thread] in $0 = thread }
        return 0
    }

    /// Waits until it has ended, if it has started and nobody has waited for it.
    public func join() {
        let thread = self.handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }
}

import Foundation
import SIPMessages

/// Tells the service manager how the server is, where it asked for that: systemd's `Type=notify` names a socket of the
/// Unix domain in NOTIFY_SOCKET, which takes lines in each datagram (sd_notify(3)).
struct ServiceManager: Sendable {
    /// A state.
    enum State: Hashable, Sendable {
        /// It serves, from the start on or by a new configuration.
        case ready
        /// It reads its configuration again; the moment is that of CLOCK_MONOTONIC.
        case reloading(MonotonicInstant)
        /// It ends.
        case stopping
        /// It does its work.
        case alive

        /// The lines that say so.
        var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let instant): "RELOADING=1\nMONOTONIC_USEC=\(instant.nanoseconds / 1000)"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    private let path: String?
    /// How often it wants to be told that the server does its work: twice in the time after which it takes it for dead
    /// (sd_watchdog_enabled(3)). `nil` where it does not want to be told.
    let pulse: Duration?

    /// The one that the environment names.
    init(environment: [String: String] = ProcessInfo.processInfo.environment, processID: Int32 = getpid()) {
        let path = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        self.path = path
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(processID) } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        self.pulse = path != nil && isForUs && limit > 0 ? .microseconds(Swift.max(1, limit / 2)) : nil
    }

    /// Tells a state; nothing happens where nobody asked.
    func tell(_ state: State) {
        guard let path = self.path else { return }
        var name = Array(path.utf8)
        // The name of an abstract socket begins with a zero octet.
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        var address = sockaddr_un()
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + name.count } ?? 0)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let octets = Array(state.text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }

    /// Tells again and again that the server does its work, until the task is cancelled; one that hangs is told of no more,
    /// and started again by the service manager.
    ///
    /// - Parameter check: Calls what it is given when the server has shown that it works.
    func watch(_ check: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) -> Task<Void, Never>? {
        guard let pulse = self.pulse else { return nil }
        return Task {
            while !Task.isCancelled {
                check { self.tell(.alive) }
                try? await Task.sleep(for: pulse)
            }
        }
    }
}

import NIOConcurrencyHelpers
public import SIPMessages
public import ServerCore

/// What happened on the wire that an operator may want to know of: one line says what, and to whom.
public enum TransportEvent: Hashable, Sendable, CustomStringConvertible {
    /// What of a connection took too long.
    public enum Delay: Hashable, Sendable { case handshake, firstMessage, message, silence }

    /// A connection was closed as soon as it came, since there were as many as there may be.
    case tooManyConnections(SocketAddress, limit: Int)
    /// The same, since as many had come from its address as may.
    case tooManyFromSource(SocketAddress, limit: Int)
    /// A connection was closed, since something took longer than it may.
    case tooSlow(SocketAddress, TransportProtocol, Delay)
    /// A connection that we opened was closed: the certificate is not for whom it must be for (RFC 5922 §7.3).
    case wrongCertificate(SocketAddress, expected: Host, shown: [String])
    /// A connection was closed, since its TLS handshake failed; the text is the TLS library's.
    case handshakeFailed(SocketAddress, String)
    /// The files with the certificate have changed and are of no use; what they held before stays.
    case uselessCertificate(String)
    /// A device has registered that says it is elsewhere: it sits behind a NAT box.
    case behindNAT(SocketAddress, claimed: SocketAddress)
    /// A thread has more to do than it can: it refuses new work until `overloadEnded`.
    case overloadBegan
    /// A source is kept out for some time.
    case sanctioned(SanctionedSource, for: TimeSpan)
    /// A thread can do again what is asked; so much it has refused and dropped since the start.
    case overloadEnded(refused: UInt64, dropped: UInt64)

    /// A listener on all local addresses was reached at one that has come up since the start; it serves that one too.
    case newAddress(TransportProtocol, SocketAddress)
    /// An address of the machine has gone, and with it the way to all who are reached from it.
    case addressGone(IPAddress)
    /// It is back.
    case addressBack(IPAddress)

    /// How much it matters.
    public enum Weight: Hashable, Sendable {
        /// A sign of trouble.
        case warning
        /// Everyday life.
        case info
        /// Everyday life that tells who uses the server.
        case debug
    }

    /// How much it matters.
    public var weight: Weight {
        switch self {
        case .tooManyConnections, .tooManyFromSource, .wrongCertificate, .uselessCertificate: .warning
        case .overloadBegan, .overloadEnded, .sanctioned, .addressGone: .warning
        case .tooSlow, .handshakeFailed, .newAddress, .addressBack: .info
        case .behindNAT: .debug
        }
    }

    /// One line.
    public var description: String {
        switch self {
        case .tooManyConnections(let remote, let limit):
            "connection from \(remote) closed: there are \(limit), as many as may be"
        case .tooManyFromSource(let remote, let limit):
            "connection from \(remote) closed: \(limit) have come from \(remote.ip), as many as may"
        case .tooSlow(let remote, let transport, let delay):
            "\(transport) connection with \(remote) closed: \(Self.text(delay))"
        case .wrongCertificate(let remote, let expected, let shown):
            "TLS connection to \(remote) closed: its certificate is for "
                + "\(shown.isEmpty ? "nobody" : shown.joined(separator: ", ")), not for \(expected)"
        case .handshakeFailed(let remote, let reason):
            "TLS connection with \(remote) closed: \(reason)"
        case .uselessCertificate(let reason): "the certificate that was there before is kept: \(reason)"
        case .behindNAT(let remote, let claimed):
            "the device that has registered from \(remote) says it is \(claimed): it is behind a NAT box"
        case .overloadBegan: "more comes than can be done: new work is refused with 503"
        case .sanctioned(let source, let time): Self.text(source, time)
        case .newAddress(let transport, let local):
            "\(transport):\(local) is served too: this address has come up since the start"
        case .addressGone(let ip):
            "\(ip) is no address of this machine any more: devices that registered at it cannot be reached until it is back"
        case .addressBack(let ip): "\(ip) is an address of this machine again"
        case .overloadEnded(let refused, let dropped):
            "the overload is over; \(refused) requests were refused and \(dropped) messages dropped since the start"
        }
    }

    private static func text(_ source: SanctionedSource, _ time: TimeSpan) -> String {
        let address = source.source.isIPv6 ? "\(source.source)/64" : "\(source.source)"
        let how = source.sanction == .banned ? "banned" : "limited to a few messages a second"
        return "\(address) is \(how) for \(time.nanoseconds / 1_000_000_000) s after too many \(source.offence.text);"
            + " biloxi bans --lift \(source.source) ends that"
    }

    private static func text(_ delay: Delay) -> String {
        switch delay {
        case .handshake: "its handshake did not come to an end"
        case .firstMessage: "no message came over it"
        case .message: "a message did not come to its end"
        case .silence: "it was silent for too long"
        }
    }

    /// What is counted together, so that one who makes trouble does not fill the log.
    fileprivate var kind: Int {
        switch self {
        case .tooManyConnections: 0
        case .tooManyFromSource: 1
        case .tooSlow: 2
        case .wrongCertificate: 3
        case .handshakeFailed: 4
        case .behindNAT: 5
        case .uselessCertificate: 6
        case .overloadBegan: 7
        case .overloadEnded: 8
        case .sanctioned: 9
        case .newAddress: 10
        case .addressGone: 11
        case .addressBack: 12
        }
    }
}

/// Hands on events, of each kind no more than some a minute.
final class EventReporter: @unchecked Sendable {
    // Invariant: `counts` and `minute` are touched under `lock`.
    private let lock = NIOLock()
    private let body: @Sendable (TransportEvent, _ withheld: Int) -> Void
    private var counts = [Int](repeating: 0, count: 13)
    private var withheld = [Int](repeating: 0, count: 13)
    private var minute: Int64 = 0

    static let perMinute = 10

    init(_ body: @escaping @Sendable (TransportEvent, _ withheld: Int) -> Void) { self.body = body }

    func report(_ event: TransportEvent, at now: MonotonicInstant = SystemClock.now()) {
        let before: Int? = self.lock.withLock {
            let minute = now.nanoseconds / 60_000_000_000
            if minute != self.minute {
                self.minute = minute
                for kind in self.counts.indices { self.counts[kind] = 0 }
            }
            self.counts[event.kind] += 1
            guard self.counts[event.kind] <= Self.perMinute else {
                self.withheld[event.kind] += 1
                return nil
            }
            defer { self.withheld[event.kind] = 0 }
            return self.withheld[event.kind]
        }
        if let before { self.body(event, before) }
    }
}

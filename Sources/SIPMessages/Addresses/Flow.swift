/// A transport protocol of SIP (RFC 3261 §18, RFC 4168, RFC 7118).
public struct TransportProtocol: BitwiseCopyable, RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number that stands for it inside the program.
    public let rawValue: UInt8
    /// What the number stands for.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// UDP (RFC 3261 §18).
    @inlinable public static var udp: TransportProtocol { TransportProtocol(rawValue: 0) }
    /// TCP (RFC 3261 §18).
    @inlinable public static var tcp: TransportProtocol { TransportProtocol(rawValue: 1) }
    /// TLS over TCP (RFC 3261 §26.2).
    @inlinable public static var tls: TransportProtocol { TransportProtocol(rawValue: 2) }
    /// SCTP (RFC 4168).
    @inlinable public static var sctp: TransportProtocol { TransportProtocol(rawValue: 3) }
    /// SCTP below TLS (RFC 4168).
    @inlinable public static var tlsSCTP: TransportProtocol { TransportProtocol(rawValue: 4) }
    /// WebSocket (RFC 7118).
    @inlinable public static var ws: TransportProtocol { TransportProtocol(rawValue: 5) }
    /// WebSocket over TLS (RFC 7118).
    @inlinable public static var wss: TransportProtocol { TransportProtocol(rawValue: 6) }
    /// A protocol whose name we do not know.
    @inlinable public static var other: TransportProtocol { TransportProtocol(rawValue: 7) }

    /// Whether the transport delivers in order and without loss, so that nothing is retransmitted over it.
    @inlinable public var isReliable: Bool { self.rawValue != 0 }
    /// Whether what is sent over it is encrypted.
    @inlinable public var isSecure: Bool { self == .tls || self == .wss || self == .tlsSCTP }
    /// 5061 over TLS, 80 and 443 for WebSocket, 5060 for the rest (RFC 3261 §18.1.1, RFC 7118 §5.1).
    public var defaultPort: UInt16 {
        switch self {
        case .tls, .tlsSCTP: 5061
        case .ws: 80
        case .wss: 443
        default: 5060
        }
    }
    /// The name in a Via: `UDP`.
    public var viaName: StaticString {
        switch self {
        case .udp: "UDP"
        case .tcp: "TCP"
        case .tls: "TLS"
        case .sctp: "SCTP"
        case .tlsSCTP: "TLS-SCTP"
        case .ws: "WS"
        case .wss: "WSS"
        default: "OTHER"
        }
    }
    /// The name in a `transport` parameter: `udp`.
    public var parameterName: StaticString {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .tls: "tls"
        case .sctp: "sctp"
        case .tlsSCTP: "tls-sctp"
        case .ws: "ws"
        case .wss: "wss"
        default: "other"
        }
    }
    /// `udp`, `tcp` …
    public var description: String { String(describing: self.parameterName) }

    /// The transport whose name lies in `range`, in any case.
    public init(_ octets: Span<UInt8>, _ range: Range<Int>) {
        var number: UInt8 = 0
        while number < Self.other.rawValue {
            if octets.equals(range, ignoringCase: TransportProtocol(rawValue: number).viaName) { break }
            number += 1
        }
        self.init(rawValue: number)
    }

    /// The transport of this name, in any case.
    public init(_ name: String) {
        let octets = Array(name.utf8)
        self.init(octets.span, 0..<octets.count)
    }
}

/// The way a message came, and the way to answer or reach its sender: one of our local end points, the remote address
/// and, on a stream, the connection (RFC 5626 §3.1).
public struct Flow: BitwiseCopyable, Hashable, Sendable {
    /// Which of our local addresses: a number that the driver gave to listener and local address.
    public var endpoint: UInt16
    /// The transport of the end point.
    public var transport: TransportProtocol
    /// The connection's number, never used twice while the program runs; 0 over UDP, and where a stream connection is to be
    /// opened or found.
    public var connection: UInt32
    /// The other side.
    public var remote: SocketAddress
    /// Whether a new connection to `remote` may take the place of one that is gone (RFC 3261 §18.2.2); not where `remote`
    /// is only the end of a connection that the other side opened, as behind a NAT (RFC 5626 §5.3).
    public var mayConnect = true
    /// Whether there is another way, so that a new connection is given up after `trialPatience`: the request would go by
    /// UDP but for its size (RFC 3261 §18.1.1).
    public var isTrial = false

    /// How long a connection may take that is only tried.
    @inlinable public static var trialPatience: TimeSpan { .seconds(2) }

    /// A connection number that no connection ever has: that of a flow which was lost with an earlier run.
    @inlinable public static var lostConnection: UInt32 { .max }

    /// A flow; without a connection number it is UDP, or a stream that is yet to be opened.
    @inlinable
    public init(endpoint: UInt16, transport: TransportProtocol, connection: UInt32 = 0, remote: SocketAddress) {
        self.endpoint = endpoint
        self.transport = transport
        self.connection = connection
        self.remote = remote
    }
}

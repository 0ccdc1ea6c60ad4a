public import SIPMessages

/// How connections are treated: limits, times, and what TLS and WebSocket listeners need.
public struct StreamSettings: Sendable {
    /// Connections at once, in and out; one more is closed as soon as it is accepted.
    public var connections = 100_000
    /// Connections at once that came from one IPv4 address, or one /64 of IPv6; one more is closed as soon as it is
    /// accepted.
    public var connectionsPerSource = 2000
    /// Octets that wait for a slow reader before its connection is closed.
    public var pendingOctets = 2 << 20
    /// What one message may hold.
    public var messages = MessageLimits.standard
    /// How long a connection may be silent in both directions.
    public var idle: TimeSpan = .seconds(600)
    /// The same for a connection that a REGISTER came over, since its user is reached by it.
    public var idleRegistered: TimeSpan = .seconds(7800)
    /// How long a TLS or WebSocket handshake may take.
    public var handshake: TimeSpan = .seconds(10)
    /// How long a connection that came may take until its first whole message or keep-alive.
    public var firstMessage: TimeSpan = .seconds(30)
    /// How long a message may take from its first octet to its last.
    public var message: TimeSpan = .seconds(30)
    /// How long opening a connection may take; less than timer B, so that other targets get their turn.
    public var connect: TimeSpan = .seconds(5)
    /// Certificates, for listeners of TLS and secure WebSocket, and for TLS connections that the server opens.
    public var tls: TLSSettings?
    /// Whether messages may gather while many come: not for who measures how long they take.
    public var letsMessagesGather = true
    /// The pages from which browsers may connect.
    public var webSocketOrigins = WebSocketOrigins()

    /// Which addresses the machine has; `nil` where the system does not tell.
    var localAddresses: @Sendable () -> [IPAddress]? = { LocalAddresses.complete }

    /// Settings with the values that stand beside each.
    public init() {}

    /// What one WebSocket message may hold.
    var webSocketMessageOctets: Int { self.messages.headerOctets + self.messages.bodyOctets }

    /// How often connections are looked at: often enough for the shortest of the times.
    var sweepInterval: TimeSpan {
        let times = [self.idle, self.idleRegistered, self.handshake, self.firstMessage, self.message]
        let shortest = times.map(\.nanoseconds).min() ?? 0
        return TimeSpan(nanoseconds: Swift.max(10_000_000, Swift.min(1_000_000_000, shortest / 4)))
    }
}

public import SIPMessages

/// One place to send a request or response to.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The transport to use.
    public var transport: TransportProtocol
    /// The IP address and port.
    public var address: SocketAddress
    /// The domain or address that the certificate must be for, over TLS (RFC 5922 §7.3).
    public var identity: Host
    /// The name that the address was found under: the target of an SRV record, or the host itself; `nil` when the
    /// address stood in the URI.
    public var serverName: DomainName?

    /// A place of these parts.
    public init(
        _ transport: TransportProtocol, _ address: SocketAddress, identity: Host, serverName: DomainName? = nil
    ) {
        (self.transport, self.address, self.identity, self.serverName) = (transport, address, identity, serverName)
    }

    /// Whether what is sent to the other arrives at the same place, whatever name led there.
    func isSamePlace(as other: ServerAddress) -> Bool {
        self.transport == other.transport && self.address == other.address
    }

    /// `tls:192.0.2.1:5061 (example.com)`
    public var description: String { "\(self.transport):\(self.address) (\(self.identity))" }
}

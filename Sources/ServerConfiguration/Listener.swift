public import SIPMessages

/// An address at which the server listens: `udp:127.0.0.1:5060`.
public struct Listener: Hashable, Sendable, CustomStringConvertible {
    /// The transport.
    public let transport: TransportProtocol
    /// The local address; unspecified (0.0.0.0, ::) for all of the machine's. Port 0 lets the system choose.
    public let address: SocketAddress
    /// The host by which others reach it, where that is another one than for the rest; `nil` where it is the same.
    public var advertise: String?

    /// A listener on this address.
    public init(transport: TransportProtocol, address: SocketAddress) {
        self.transport = transport
        self.address = address
    }

    /// The listener in this text; the port may be left out. `nil` when it is none.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let name = text[..<colon]
        let transport = TransportProtocol(String(name))
        guard [.udp, .tcp, .tls, .ws, .wss].contains(transport) else { return nil }
        let rest = text[text.index(after: colon)...]
        if let ip = Self.address(rest) {
            self.init(transport: transport, address: SocketAddress(ip, transport.defaultPort))
            return
        }
        guard let portColon = rest.lastIndex(of: ":"), let ip = Self.address(rest[..<portColon]) else { return nil }
        let port = rest[rest.index(after: portColon)...]
        guard !port.isEmpty, port.utf8.allSatisfy({ $0.isDigit }), let port = UInt16(port) else { return nil }
        self.init(transport: transport, address: SocketAddress(ip, port))
    }

    private static func address(_ text: Substring) -> IPAddress? {
        guard text.hasPrefix("["), text.hasSuffix("]") else {
            return text.contains(":") ? nil : IPAddress(text)
        }
        guard let ip = IPAddress(text.dropFirst().dropLast()), ip.isIPv6 else { return nil }
        return ip
    }

    /// `udp:127.0.0.1:5060`
    public var description: String { "\(self.transport):\(self.address)" }
}

/// A host and a port at which something listens: `127.0.0.1:8080`.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A host name or IP address, without brackets.
    public let host: String
    /// The port.
    public let port: UInt16

    /// The end point in this text; `nil` when it is none.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard let ip = IPAddress(host), ip.isIPv6 else { return nil }
        } else if host.contains(":") || !TextForm.isHost(String(host)) {
            return nil
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0.isDigit }), let port = UInt16(digits) else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// `127.0.0.1:8080`
    public var description: String { (self.host.contains(":") ? "[\(self.host)]" : self.host) + ":\(self.port)" }
}

/// A status code, or a class of them: `503`, `5xx`.
public struct StatusPattern: Hashable, Sendable, CustomStringConvertible {
    /// The codes.
    public let codes: ClosedRange<UInt16>

    /// The pattern in this text; `nil` when it is none.
    public init?(_ text: String) {
        let octets = Array(text.utf8)
        guard octets.count == 3, let first = octets[0].decimalDigitValue, (1...6).contains(first) else { return nil }
        if text.lowercased().hasSuffix("xx") {
            self.codes = UInt16(first) * 100...UInt16(first) * 100 + 99
        } else if octets.allSatisfy({ $0.isDigit }), let code = UInt16(text) {
            self.codes = code...code
        } else {
            return nil
        }
    }

    /// `503` or `5xx`
    public var description: String {
        self.codes.count == 1 ? "\(self.codes.lowerBound)" : "\(self.codes.lowerBound / 100)xx"
    }
}

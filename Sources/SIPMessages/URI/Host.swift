/// The `host` of a URI or Via: a domain name or an IP address (RFC 3261 §25.1, RFC 5954).
///
/// Names compare in any case, addresses by value.
public struct Host: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The host as it was written, an IPv6 address without its brackets.
    public let name: String
    /// The address, where the host is one.
    public let address: IPAddress?

    /// The host with this name, or with the address in this text, with or without brackets.
    public init(_ text: String) {
        if text.hasPrefix("["), text.hasSuffix("]") {
            self.name = String(text.dropFirst().dropLast())
        } else {
            self.name = text
        }
        self.address = IPAddress(self.name)
    }

    /// The host that the text names.
    public init(stringLiteral text: String) { self.init(text) }

    /// The host at this address.
    public init(_ address: IPAddress) { (self.name, self.address) = (address.description, address) }

    /// Whether both are the same address, or the same name in any case.
    public static func == (left: Host, right: Host) -> Bool {
        if left.address != nil || right.address != nil { return left.address == right.address }
        return left.name.equals(ignoringCase: right.name)
    }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) {
        if let address { hasher.combine(address) } else { hasher.combine(self.name.asciiLowercased) }
    }

    /// The host as it stands in a URI, an IPv6 address in brackets.
    public var description: String { self.address?.isIPv6 == true ? "[\(self.name)]" : self.name }

    /// Appends the host as it stands in a URI.
    public func write(to output: inout [UInt8]) { output.append(text: self.description) }
}

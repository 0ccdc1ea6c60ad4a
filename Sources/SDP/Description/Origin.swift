public import SIPMessages

/// The `o=` line: who made the description, and which version of which session it is (RFC 8866 §5.2).
public struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// The user's name on the host, or `-`.
    public var username: String
    /// The number of the session; 63 bits (RFC 3264 §5).
    public var sessionID: UInt64
    /// The version of the description, one more with every change (RFC 3264 §8).
    public var version: UInt64
    /// `IN`, or another type of network.
    public var networkType: String
    /// `IP4`, `IP6`, or another type of address.
    public var addressType: String
    /// The address or name of the host.
    public var address: String

    /// The origin of a description of our own.
    ///
    /// - Parameter username: A name without spaces; `-` where there is none.
    public init(username: String = "-", sessionID: UInt64, version: UInt64, host: Host) {
        self.username = username
        self.sessionID = sessionID
        self.version = version
        self.networkType = "IN"
        self.addressType = host.address?.isIPv6 == true ? "IP6" : "IP4"
        self.address = host.name
    }

    init(parsing value: [UInt8]) throws(SDPParseError.Problem) {
        var reader = LineReader(value)
        guard let username = reader.word() else { throw .init(.subfields) }
        self.username = username
        reader.skipSpace()
        self.sessionID = try reader.number()
        reader.skipSpace()
        self.version = try reader.number()
        guard let networkType = reader.word(), let addressType = reader.word(), let address = reader.word() else {
            throw .init(.subfields)
        }
        (self.networkType, self.addressType, self.address) = (networkType, addressType, address)
        try reader.expectEnd()
    }

    /// Whether both name the same session of the same originator: all but the version is equal (RFC 8866 §5.2).
    public func isSameSession(as other: Origin) -> Bool {
        self.sessionID == other.sessionID && self.username == other.username && self.address == other.address
            && self.networkType == other.networkType && self.addressType == other.addressType
    }

    /// The value of the line.
    public var description: String {
        "\(self.username) \(self.sessionID) \(self.version) \(self.networkType) \(self.addressType) \(self.address)"
    }
}

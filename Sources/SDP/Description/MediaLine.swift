/// An `m=` line: what medium, at which port, over which protocol, in which formats (RFC 8866 §5.14).
public struct MediaLine: Hashable, Sendable, CustomStringConvertible {
    /// `audio`, `video`, `text`, `application`, `message`, `image`, or another.
    public var type: String
    /// The port; 0 says that the medium is not wanted (RFC 3264 §5.1).
    public var port: UInt16
    /// How many ports, where the line says so.
    public var portCount: UInt32?
    /// `RTP/AVP`, `RTP/SAVP`, `udptl`, or another.
    public var transport: String
    /// The formats in order of preference; for RTP, payload types.
    public var formats: [String]

    /// A line.
    public init(_ type: String, port: UInt16, transport: String, formats: [String]) {
        (self.type, self.port, self.transport, self.formats) = (type, port, transport, formats)
    }

    init(parsing value: [UInt8], limits: SDPLimits) throws(SDPParseError.Problem) {
        var reader = LineReader(value)
        guard let type = reader.token() else { throw .init(.token) }
        self.type = type
        guard reader.skip(0x20) else { throw .init(.subfields) }
        reader.skipSpace()
        self.port = UInt16(truncatingIfNeeded: try reader.number(maximum: 65_535))
        if reader.skip(0x2F) {
            let count = try reader.number(maximum: UInt64(UInt32.max))
            guard count > 0 else { throw .init(.number) }
            self.portCount = UInt32(truncatingIfNeeded: count)
        }
        guard reader.skip(0x20), let transport = reader.word() else { throw .init(.subfields) }
        guard transport.utf8.allSatisfy({ $0.isSDPToken || $0 == 0x2F }) else { throw .init(.token) }
        self.transport = transport
        self.formats = []
        while let format = reader.word() {
            guard self.formats.count < limits.formats else { throw .init(.tooManyFormats) }
            self.formats.append(format)
        }
        guard !self.formats.isEmpty else { throw .init(.subfields) }
    }

    /// Whether the formats are payload types of RTP.
    public var isRTP: Bool { self.transport.utf8.starts(with: "RTP/".utf8) || self.transport.contains("/RTP/") }

    /// The value of the line.
    public var description: String {
        let ports = self.portCount.map { "\(self.port)/\($0)" } ?? "\(self.port)"
        return "\(self.type) \(ports) \(self.transport) \(self.formats.joined(separator: " "))"
    }
}

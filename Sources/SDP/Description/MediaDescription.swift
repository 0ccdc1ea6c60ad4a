public import SIPMessages

/// One medium of a session description: the `m=` line and what belongs to it (RFC 8866 §5.14).
public struct MediaDescription: Hashable, Sendable, SDPSection {
    /// The letters of its lines in their order.
    public static let order: StaticString = "icbka"

    /// The `m=` line as it came, while `line` is what it says.
    private var original: SDPLine?
    /// The `m=` line.
    public var line: MediaLine { didSet { if self.line != oldValue { self.original = nil } } }
    /// The lines behind it.
    public var lines: [SDPLine]

    init(_ original: SDPLine, _ line: MediaLine) {
        (self.original, self.line, self.lines) = (original, line, [])
    }

    /// A medium with nothing but its `m=` line.
    public init(_ line: MediaLine) { (self.line, self.lines) = (line, []) }

    func write(to output: inout [UInt8], isLast: Bool) {
        (self.original ?? SDPLine("m", self.line.description))
            .write(to: &output, isLast: isLast && self.lines.isEmpty)
        for (i, line) in self.lines.enumerated() {
            line.write(to: &output, isLast: isLast && i == self.lines.count - 1)
        }
    }

    // MARK: Typed access

    /// What each payload type of an RTP medium means, in order of preference. A payload type that is neither mapped nor
    /// static is left out, and so is one that occurs again.
    public var formats: [MediaFormat] {
        guard self.line.isRTP else { return [] }
        let maps = self.attributeValues("rtpmap").compactMap { RTPMap($0) }
        let parameters = self.attributeValues("fmtp")
        var seen: Set<UInt8> = []
        return self.line.formats.compactMap { text in
            guard let type = UInt8(text), type < 128, seen.insert(type).inserted,
                let map = maps.first(where: { $0.payloadType == type }) ?? RTPMap.static(type)
            else { return nil }
            return MediaFormat(map, parameters: Self.parameters(of: text, in: parameters))
        }
    }

    /// The parameters of a format (`a=fmtp`), without the format; `nil` when there are none.
    public func parameters(of format: String) -> String? {
        Self.parameters(of: format, in: self.attributeValues("fmtp"))
    }

    private static func parameters(of format: String, in values: [String]) -> String? {
        for value in values {
            var reader = LineReader(value)
            if reader.word() == format { return reader.rest() }
        }
        return nil
    }

    /// The time that one packet covers, as its receiver wishes it, in milliseconds (`a=ptime`, RFC 8866 §6.4).
    public var packetTime: UInt16? { self.milliseconds("ptime") }
    /// The longest time that one packet may cover, in milliseconds (`a=maxptime`, RFC 8866 §6.5).
    public var maximumPacketTime: UInt16? { self.milliseconds("maxptime") }

    private func milliseconds(_ name: String) -> UInt16? {
        guard let value = self.attribute(name)?.value else { return nil }
        var reader = LineReader(value)
        reader.skipSpace()
        guard let number = try? reader.number(maximum: 60_000), number > 0 else { return nil }
        return UInt16(truncatingIfNeeded: number)
    }

    /// Whether RTP and RTCP share one port (`a=rtcp-mux`, RFC 5761).
    public var hasRTCPMux: Bool { self.hasAttribute("rtcp-mux") }

    /// The identification of the medium (`a=mid`, RFC 5888 §4).
    public var identification: String? { self.attribute("mid")?.value }

    /// Where RTCP goes when that is not the port above RTP (`a=rtcp`, RFC 3605).
    public var rtcp: RTCPAttribute? { self.attribute("rtcp")?.value.flatMap { RTCPAttribute($0) } }
}

/// The `a=rtcp` attribute: a port, and an address where it differs (RFC 3605 §2.1).
public struct RTCPAttribute: Hashable, Sendable {
    /// The port.
    public var port: UInt16
    /// The address; `nil` when it is that of the medium.
    public var address: ConnectionData?

    init?(_ value: String) {
        var reader = LineReader(value)
        guard let port = try? reader.number(maximum: 65_535), port > 0 else { return nil }
        self.port = UInt16(truncatingIfNeeded: port)
        let rest = reader.rest()
        if !rest.isEmpty {
            guard let address = try? ConnectionData(parsing: Array(rest.utf8)) else { return nil }
            self.address = address
        }
    }
}

/// Where the packets of a medium go.
public struct MediaDestination: Hashable, Sendable {
    /// A host with a port. The host may be a name that has to be looked up.
    public struct Place: Hashable, Sendable {
        /// The host.
        public var host: Host
        /// The port.
        public var port: UInt16
        /// Both as an address; `nil` for a name.
        public var address: SocketAddress? { self.host.address.map { SocketAddress($0, self.port) } }
    }

    /// Where RTP goes.
    public var rtp: Place
    /// Where RTCP goes unless both share a port.
    public var rtcp: Place
    /// Whether nothing may be sent there: the address is 0.0.0.0 (RFC 3264 §8.4).
    public var isBlackHole: Bool
    /// Whether it is a group of receivers.
    public var isMulticast: Bool

    init(_ connection: ConnectionData, _ medium: MediaDescription) {
        let host = Host(connection.address)
        self.rtp = Place(host: host, port: medium.line.port)
        self.rtcp = Place(host: host, port: medium.line.port == 65_535 ? 0 : medium.line.port + 1)
        if let rtcp = medium.rtcp {
            self.rtcp = Place(host: rtcp.address.map { Host($0.address) } ?? host, port: rtcp.port)
        }
        self.isBlackHole = connection.isUnspecified
        self.isMulticast = connection.isMulticast
    }
}

import SIPMessages

/// What a UAC learns from the 2xx that establishes its dialog (RFC 3261 §12.1.2): remote target, route set and the fields
/// that all requests in it share, as octets that are ready to be sent.
struct DialogReader {
    /// The remote target, the Route lines, and the lines of From, To and Call-ID.
    private(set) var octets: [UInt8] = []
    private(set) var text = DialogText()
    /// The hash of the remote tag.
    private(set) var remoteTag: UInt64 = 0
    /// Where requests go: the first of the route, or the remote target; `nil` where that is a name.
    private(set) var hop: SocketAddress?
    private var routes: [OctetRange] = []

    /// The most that a dialog may take, in octets.
    static let limit = 16_384

    init() {
        self.octets.reserveCapacity(1024)
        self.routes.reserveCapacity(16)
    }

    /// Reads a response.
    ///
    /// - Returns: `false` where it has no remote target, or is too long.
    mutating func read(_ response: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        self.octets.removeAll(keepingCapacity: true)
        self.hop = nil
        guard let contact = index.value(.contact),
            let target = AddressIndex(firstOf: response, in: contact.range, field: .contact), !target.uri.isEmpty
        else { return false }
        self.collectRoutes(response, index)
        // To a strict router the request is addressed itself, and the remote target goes last (§12.2.1.1).
        let first = self.routes.last
        let isStrict = first.map { Self.isStrict($0, response) } ?? false
        let addressed = isStrict ? Self.uri(in: first ?? target.uri, response) ?? target.uri : target.uri
        self.octets.append(response, addressed.range)
        let targetEnd = self.octets.count
        for route in self.routes.reversed().dropFirst(isStrict ? 1 : 0) {
            self.octets.append("Route: ")
            self.octets.append(response, route.range)
            self.octets.append("\r\n")
        }
        if isStrict {
            self.octets.append("Route: <")
            self.octets.append(response, target.uri.range)
            self.octets.append(">\r\n")
        }
        let routesEnd = self.octets.count
        guard let from = index.first(.from), let to = index.first(.to), let callID = index.first(.callID) else {
            return false
        }
        index.writeField(from, of: response, into: &self.octets)
        index.writeField(to, of: response, into: &self.octets)
        index.writeField(callID, of: response, into: &self.octets)
        guard self.octets.count <= Self.limit else { return false }
        self.text = DialogText(target: UInt16(targetEnd), routes: UInt16(routesEnd - targetEnd))
        self.remoteTag = Self.remoteTag(response, index)
        let next = first.flatMap { Self.uri(in: $0, response) } ?? target.uri
        self.hop = Self.address(of: next, response)
        return true
    }

    /// The values of Record-Route in their order; those of one line are apart.
    private mutating func collectRoutes(_ response: Span<UInt8>, _ index: borrowing MessageIndex) {
        self.routes.removeAll(keepingCapacity: true)
        var position = index.first(.recordRoute)
        while let found = position {
            let value = index.fields[found].value
            var start: Int? = value.lower
            while let from = start {
                var address = AddressIndex()
                do {
                    start = try AddressIndex.parse(
                        response, in: from..<value.upper, field: .recordRoute, into: &address)
                } catch { break }
                self.routes.append(address.whole)
            }
            position = index.next(.recordRoute, from: found + 1)
        }
    }

    /// The URI of an address.
    private static func uri(in address: OctetRange, _ octets: Span<UInt8>) -> OctetRange? {
        AddressIndex(firstOf: octets, in: address.range, field: .route)?.uri
    }

    private static func isStrict(_ route: OctetRange, _ octets: Span<UInt8>) -> Bool {
        guard let uri = URIIndex(firstAddressOf: octets, in: route.range, field: .route) else { return false }
        return uri.parameter("lr", in: octets) == nil
    }

    /// The address and port that a URI names; `nil` where it is a name.
    static func address(of uri: OctetRange, _ octets: Span<UInt8>) -> SocketAddress? {
        guard let index = try? URIIndex(parsing: octets, in: uri.range), let ip = index.hostAddress(in: octets) else {
            return nil
        }
        return SocketAddress(ip, index.port == 0 ? 5060 : index.port)
    }

    /// A hash that tells the remote tags of one call apart (FNV-1a): a peer who makes two of them the same harms his own
    /// calls.
    static func remoteTag(_ response: Span<UInt8>, _ index: borrowing MessageIndex) -> UInt64 {
        guard let value = index.value(.to), let to = AddressIndex(firstOf: response, in: value.range, field: .to) else {
            return 0
        }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in to.tag.range { hash = (hash ^ UInt64(response[i])) &* 0x100_0000_01B3 }
        return hash
    }
}

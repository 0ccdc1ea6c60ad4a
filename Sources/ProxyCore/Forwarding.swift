public import SIPMessages

/// Writing a request as it goes on: RFC 3261 §16.6 steps 1 to 8, in one pass over what came.
package struct Forwarding: ~Escapable {
    /// The request, with routes preprocessed.
    let octets: Span<UInt8>
    /// The new Request-URI.
    let target: Span<UInt8>
    let targetRange: OctetRange
    /// Route values to push, which lie in `target` too; may be empty.
    let route: OctetRange
    /// Where the request came from.
    let source: SocketAddress
    /// What the request has come with, or 60 (RFC 5393 §5.3.3).
    let maxBreadth: UInt32
    /// The first Route value and its URI, where that is a strict router: one without `lr` (§16.6 step 6).
    private let strictRoute: (value: OctetRange, uri: OctetRange)?
    /// Whether it lies in `target`, being pushed, and not in `octets`.
    private let isStrictRoutePushed: Bool
    /// Whether the asserted identity of the caller stays behind (RFC 3325 §7).
    private let hidesIdentity: Bool
    /// Whether the CSeq is raised by one.
    private let raisesCSeq: Bool

    @_lifetime(copy octets, copy target)
    package init(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, target: Span<UInt8>, _ targetRange: OctetRange,
        route: OctetRange,
        source: SocketAddress, maxBreadth: UInt32, isTrusted: Bool = false, raisesCSeq: Bool = false
    ) {
        self.raisesCSeq = raisesCSeq
        self.hidesIdentity = !isTrusted && index.wantsPrivateIdentity(octets)
        self.octets = octets
        self.target = target
        self.targetRange = targetRange
        self.route = route
        self.source = source
        self.maxBreadth = maxBreadth
        self.isStrictRoutePushed = !route.isEmpty
        let first = route.isEmpty ? index.value(.route) : route
        self.strictRoute = first.flatMap { Self.strictRouter(route.isEmpty ? octets : target, $0) }
    }

    /// The first of some Route values, if it is a strict router.
    private static func strictRouter(
        _ octets: Span<UInt8>, _ values: OctetRange
    ) -> (value: OctetRange, uri: OctetRange)? {
        var address = AddressIndex()
        guard (try? AddressIndex.parse(octets, in: values.range, field: .route, into: &address)) != nil,
            let uri = try? URIIndex(parsing: octets, in: address.uri.range, field: .route),
            uri.parameter("lr", in: octets) == nil
        else { return nil }
        return (address.whole, address.uri)
    }

    /// Appends the request line and our Via up to its branch, which the caller writes next.
    package func writeStart(_ index: borrowing MessageIndex, _ endpoint: borrowing Endpoint, into output: inout [UInt8])
    {
        output.append(self.octets, index.methodName.range)
        output.append(0x20)
        if let strictRoute {
            output.append(self.isStrictRoutePushed ? self.target : self.octets, strictRoute.uri.range)
        } else {
            output.append(self.target, self.targetRange.range)
        }
        output.append(" SIP/2.0\r\nVia: SIP/2.0/")
        output.append(endpoint.transport.viaName)
        output.append(0x20)
        output.append(contentsOf: endpoint.sentBy)
        if endpoint.offersAlias { output.append(";alias") }
        output.append(";branch=")
    }

    /// Appends all that follows our Via and the Record-Route fields that the caller pushes.
    ///
    /// - Parameters:
    ///   - via: The topmost Via of the request.
    ///   - fields: Whole lines to add.
    package func writeRest(
        _ index: borrowing MessageIndex, via: ViaIndex, adding fields: [UInt8] = [], into output: inout [UInt8]
    ) {
        if !self.route.isEmpty {
            self.writeRoute(self.target, self.route, into: &output)
        }
        // Between the fields that change, what came is copied as it is.
        var copied = index.fields.first?.name.lower ?? index.headerOctets
        for i in index.fields.indices {
            let field = index.fields[i]
            switch field.id {
            case .via where via.whole.lower == field.value.lower:
                output.append(self.octets, copied..<field.value.lower)
                via.write(self.octets, source: self.source, into: &output)
                copied = via.whole.upper
            case .route where !self.isStrictRoutePushed && self.strictRoute?.value.lower == field.value.lower:
                output.append(self.octets, copied..<field.name.lower)
                self.writeRoute(self.octets, field.value, into: &output)
                copied = i + 1 < index.fields.count ? index.fields[i + 1].name.lower : index.headerOctets - 2
            case .pAssertedIdentity where self.hidesIdentity:
                output.append(self.octets, copied..<field.name.lower)
                copied = i + 1 < index.fields.count ? index.fields[i + 1].name.lower : index.headerOctets - 2
            case .cseq where self.raisesCSeq:
                output.append(self.octets, copied..<field.value.lower)
                copied = self.octets.appendNumber(at: field.value.lower, field.value.upper, plus: 1, to: &output)
            case .rack where self.raisesCSeq:
                // The response that it names has the raised CSeq (RFC 3262 §7.2).
                let number = self.octets.secondWord(of: field.value)
                output.append(self.octets, copied..<number)
                copied = self.octets.appendNumber(at: number, field.value.upper, plus: 1, to: &output)
            case .maxForwards:
                output.append(self.octets, copied..<field.value.lower)
                output.append(decimal: self.octets.maxForwards(field.value) &- 1)
                copied = field.value.upper
            case .maxBreadth:
                output.append(self.octets, copied..<field.value.lower)
                output.append(decimal: self.maxBreadth)
                copied = field.value.upper
            default:
                break
            }
        }
        let headerEnd = Swift.max(copied, index.headerOctets - 2)
        output.append(self.octets, copied..<headerEnd)
        if self.strictRoute != nil {
            output.append("Route: <")
            output.append(self.target, self.targetRange.range)
            output.append(">\r\n")
        }
        output.append(contentsOf: fields)
        if !index.has(.maxForwards) { output.append("Max-Forwards: 70\r\n") }
        if !index.has(.maxBreadth) {
            output.append("Max-Breadth: ")
            output.append(decimal: self.maxBreadth)
            output.append("\r\n")
        }
        if index.contentLength == nil {
            output.append("Content-Length: ")
            output.append(decimal: UInt64(index.body.count))
            output.append("\r\n")
        }
        output.append("\r\n")
        output.append(self.octets, index.body.range)
    }

    /// Appends Route values, without the first where that has become the Request-URI.
    private func writeRoute(_ octets: Span<UInt8>, _ values: OctetRange, into output: inout [UInt8]) {
        var start = values.lower
        if let strictRoute {
            start = strictRoute.value.upper
            while start < values.upper, octets[start].isLinearWhitespace || octets[start] == 0x2C { start += 1 }
        }
        guard start < values.upper else { return }
        output.append("Route: ")
        output.append(octets, start..<values.upper)
        output.append("\r\n")
    }
}

extension MessageIndex {
    /// Whether the sender does not want everybody to know his asserted identity: Privacy names `id` (RFC 3325 §9.3).
    func wantsPrivateIdentity(_ octets: Span<UInt8>) -> Bool {
        guard self.has(.pAssertedIdentity), let value = self.value(.privacy) else { return false }
        return (try? Privacy(parsing: octets, in: value.range, field: .privacy))?.contains("id") ?? true
    }

    /// Appends a response without its topmost Via, which is ours (§16.7 step 3).
    ///
    /// - Parameters:
    ///   - via: That Via.
    ///   - statusLine: What to write instead of the status line; `nil` leaves it.
    ///   - leavingOutChallenges: Whether challenges are left out, to be written anew.
    ///   - hidingIdentity: Whether P-Asserted-Identity is left out (RFC 3325 §5, §7).
    ///   - raisesCSeq: Whether the CSeq of the request was raised by one, which is undone for the client.
    ///   - restored: Via fields to write in its place, for a response that has lost those below it.
    func writeRelayed(
        _ octets: Span<UInt8>, via: ViaIndex, statusLine: StaticString? = nil, leavingOutChallenges: Bool = false,
        hidingIdentity: Bool, raisesCSeq: Bool = false, restored: [UInt8], into output: inout [UInt8]
    ) {
        guard let first = self.fields.first else { return }
        // Empty lines before the start line stay behind (§7.5).
        var copied = self.startOfMessage
        if let statusLine {
            output.append(statusLine)
            copied = first.name.lower
        }
        for i in self.fields.indices {
            let field = self.fields[i]
            let next = i + 1 < self.fields.count ? self.fields[i + 1].name.lower : self.headerOctets - 2
            if field.id == .via, via.whole.lower == field.value.lower {
                output.append(octets, copied..<field.name.lower)
                output.append(contentsOf: restored)
                copied = next
                if via.whole.upper < field.value.upper {
                    var rest = via.whole.upper
                    while rest < field.value.upper, octets[rest].isLinearWhitespace || octets[rest] == 0x2C {
                        rest += 1
                    }
                    output.append("Via: ")
                    copied = rest
                }
            } else if field.id == .cseq, raisesCSeq {
                output.append(octets, copied..<field.value.lower)
                copied = octets.appendNumber(at: field.value.lower, field.value.upper, plus: -1, to: &output)
            } else if (leavingOutChallenges && (field.id == .wwwAuthenticate || field.id == .proxyAuthenticate))
                || (hidingIdentity && field.id == .pAssertedIdentity)
            {
                output.append(octets, copied..<field.name.lower)
                copied = next
            }
        }
        output.append(octets, copied..<Swift.max(copied, self.headerOctets - 2))
        if self.contentLength == nil {
            output.append("Content-Length: ")
            output.append(decimal: UInt64(self.body.count))
            output.append("\r\n")
        }
        output.append("\r\n")
        output.append(octets, self.body.range)
    }
}

extension Span where Element == UInt8 {
    /// The value of Max-Forwards; beyond 255 it counts as 255 (RFC 3261 §20.22).
    public func maxForwards(_ value: OctetRange) -> UInt32 {
        var number: UInt32 = 0
        for i in value.range {
            guard let digit = self[i].decimalDigitValue else { break }
            number = Swift.min(number * 10 + UInt32(digit), 255)
        }
        return number
    }
}

extension Span where Element == UInt8 {
    /// Appends the number that stands at `start`, changed by `difference`; what is no number, or would be none, stays.
    ///
    /// - Returns: where it ends.
    fileprivate func appendNumber(at start: Int, _ limit: Int, plus difference: Int64, to output: inout [UInt8]) -> Int
    {
        var number: Int64 = 0
        var position = start
        while position < limit, let digit = self[position].decimalDigitValue, number <= Int64(UInt32.max) {
            number = number * 10 + Int64(digit)
            position += 1
        }
        guard position > start, let changed = UInt32(exactly: number + difference) else { return start }
        output.append(decimal: changed)
        return position
    }

    /// Where the second word of a field begins; its end where there is none.
    fileprivate func secondWord(of value: OctetRange) -> Int {
        var position = value.lower
        while position < value.upper, !self[position].isLinearWhitespace { position += 1 }
        while position < value.upper, self[position].isLinearWhitespace { position += 1 }
        return position
    }
}

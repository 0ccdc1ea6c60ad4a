import SIPMessages

extension Benchmark {
    /// Reading a message: its index alone, and every field made typed.
    static var parsing: [Benchmark] {
        [
            Benchmark("index-parse") {
                let octets = SampleMessages.invite
                let box = Box(MessageIndex())
                return { times in
                    for _ in 0..<times {
                        do { try box.value.parse(octets.span) } catch { use(error) }
                        use(box.value.body)
                    }
                }
            },
            Benchmark("index-parse-and-routing-fields") {
                // What a proxy reads of a request: Via, Max-Forwards, To, Request-URI.
                let octets = SampleMessages.invite
                let box = Box(MessageIndex())
                try check(Self.readRoutingFields(octets, &box.value) != 0, "the fields are not read")
                return { times in
                    for _ in 0..<times { use(Self.readRoutingFields(octets, &box.value)) }
                }
            },
            Benchmark("typed-parse") {
                let octets = SampleMessages.invite
                // The Request-URI, 7 methods, 3 option tags and one value of each of the other 12 fields.
                try check(Self.readEveryField(octets) == 23, "a field is not read")
                return { times in
                    for _ in 0..<times { use(Self.readEveryField(octets)) }
                }
            },
            Benchmark("validate") {
                let octets = SampleMessages.invite
                let box = Box(MessageIndex())
                return { times in
                    for _ in 0..<times {
                        do {
                            try box.value.parse(octets.span)
                            try box.value.validate(octets.span)
                        } catch { use(error) }
                    }
                }
            },
        ]
    }

    private static func readRoutingFields(_ octets: [UInt8], _ index: inout MessageIndex) -> UInt32 {
        let span = octets.span
        var via = ViaIndex()
        do {
            try index.parse(span)
            guard let field = index.value(.via), let to = index.value(.to) else { return 0 }
            _ = try ViaIndex.parse(span, in: field.range, into: &via)
            let address = try AddressIndex(parsing: span, in: to.range, field: .to)
            let uri = try URIIndex(parsing: span, in: index.requestURI.range)
            return via.host.start ^ address.tag.start ^ uri.host.start
        } catch { return 0 }
    }

    private static func readEveryField(_ octets: [UInt8]) -> Int {
        guard let message = try? SIPMessage(parsing: octets) else { return 0 }
        var count = message.requestURI == nil ? 0 : 1
        count += message.all(.via).count
        count += message.first(.maxForwards) == nil ? 0 : 1
        count += message.first(.to) == nil ? 0 : 1
        count += message.first(.from) == nil ? 0 : 1
        count += message.first(.callID) == nil ? 0 : 1
        count += message.first(.cseq) == nil ? 0 : 1
        count += message.all(.contact).count
        count += message.all(.allow).count
        count += message.all(.supported).count
        count += message.first(.sessionExpires) == nil ? 0 : 1
        count += message.first(.minSE) == nil ? 0 : 1
        count += message.first(.userAgent) == nil ? 0 : 1
        count += message.first(.contentType) == nil ? 0 : 1
        count += message.first(.contentLength) == nil ? 0 : 1
        return count
    }
}

/// A value that closures share.
final class Box<Value: ~Copyable> {
    var value: Value

    init(_ value: consuming Value) { self.value = value }
}

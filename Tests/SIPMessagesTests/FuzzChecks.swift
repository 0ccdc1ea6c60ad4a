// What must hold for any octets. The fuzz targets and the tests that replay what they found call the same functions;
// compiled with the sources for a fuzz target, and with the tests here.

#if canImport(SIPMessages)
    @testable import SIPMessages
#endif

/// Stops a fuzzer, and fails a test, when a rule does not hold.
func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// Indexing stays within the octets, and so does everything that reads by the index.
func fuzzIndex(_ octets: [UInt8]) {
    for framing in [MessageIndex.Framing.datagram, .streamHeader, .fragment, .part] {
        var index = MessageIndex()
        do throws(SIPParseError) {
            try index.parse(octets.span, framing: framing)
        } catch {
            require(error.offset >= 0 && error.offset <= octets.count, "an error lies within the octets")
            continue
        }
        require(index.body.upper <= octets.count, "the body lies within the octets")
        for field in index.fields {
            require(field.value.upper <= octets.count, "a value lies within the octets")
            require(field.name.upper <= field.value.lower, "a name lies before its value")
            var via = ViaIndex()
            _ = try? ViaIndex.parse(octets.span, in: field.value.range, into: &via)
            guard let address = try? AddressIndex(parsing: octets.span, in: field.value.range, field: field.id),
                let uri = try? URIIndex(parsing: octets.span, in: address.uri.range)
            else { continue }
            _ = uri.hostAddress(in: octets.span)
            _ = uri.parameter("transport", in: octets.span)
            _ = octets.span.parameter("tag", in: address.parameters)
        }
        if (try? index.validate(octets.span, .everything)) != nil {
            require((try? index.validate(octets.span, .essential)) != nil, "a full check includes the essential one")
        }
    }
}

/// What parses is written so that it parses to the same.
func fuzzFields(_ octets: [UInt8]) {
    guard let message = try? SIPMessage(parsing: octets) else { return }
    for field in message.index.fields { try? field.validateTyped(message.octets.span) }
    fuzzKey(.from, message)
    fuzzKey(.contact, message)
    fuzzKey(.via, message)
    fuzzKey(.cseq, message)
    fuzzKey(.callID, message)
    fuzzKey(.accept, message)
    fuzzKey(.allow, message)
    fuzzKey(.supported, message)
    fuzzKey(.subject, message)
    fuzzKey(.alertInfo, message)
    fuzzKey(.acceptLanguage, message)
    fuzzKey(.wwwAuthenticate, message)
    fuzzKey(.authorization, message)
    fuzzKey(.authenticationInfo, message)
    fuzzKey(.contentDisposition, message)
    fuzzKey(.date, message)
    fuzzKey(.retryAfter, message)
    fuzzKey(.timestamp, message)
    fuzzKey(.warning, message)
    fuzzKey(.rack, message)
    fuzzKey(.event, message)
    fuzzKey(.subscriptionState, message)
    fuzzKey(.privacy, message)
    fuzzKey(.reason, message)
    fuzzKey(.securityClient, message)
    fuzzKey(.acceptContact, message)
    fuzzKey(.replaces, message)
    fuzzKey(.targetDialog, message)
    fuzzKey(.sessionExpires, message)
    fuzzKey(.resourcePriority, message)
    fuzzKey(.identity, message)
    fuzzKey(.historyInfo, message)
    fuzzKey(.pVisitedNetworkID, message)
    fuzzKey(.pChargingVector, message)
    fuzzKey(.sessionID, message)
    fuzzKey(.contentID, message)
    guard message.fault == nil, (try? message.validate()) != nil else { return }
    guard let copy = try? MessageBuilder(message).message() else {
        return require(false, "a valid message can be built again")
    }
    require(copy.body == message.body, "a copy has the same body")
    require((try? copy.validate()) != nil, "a copy of a valid message is valid")
}

private func fuzzKey<Value>(_ key: FieldKey<Value>, _ message: SIPMessage) {
    for value in message.all(key) {
        guard let read = try? Value(parsing: value.text, field: key.id) else {
            return require(false, "what is written can be read")
        }
        require(read == value, "what is written reads back equal")
        var builder = MessageBuilder(200)
        builder.add(key, value)
        guard let built = try? builder.message() else { return require(false, "a value can be put into a message") }
        // A control character outside a quoted string breaks framing, and is a space when it is written.
        guard Value.self != FieldText.self, message.fault == nil else { continue }
        require(built.all(key) == [value], "a value in a message reads back equal")
    }
}

/// What parses is written so that it parses to the same, and is equivalent to itself.
func fuzzURI(_ octets: [UInt8]) {
    guard let uri = try? URI(parsing: octets.span, in: 0..<octets.count) else { return }
    guard let read = try? URI(uri.description) else { return require(false, "what is written can be read") }
    require(read == uri, "what is written reads back equal")
    require(uri.isEquivalent(to: uri), "a URI is equivalent to itself")
    guard let sip = uri.sip else { return }
    var copy = sip
    copy.user = sip.user
    require(copy.user == sip.user, "a user part that was unescaped and escaped again is the same")
    require(sip.addressOfRecord.isEquivalent(to: sip.addressOfRecord), "an address of record is equivalent to itself")
}

/// The first octet says how the rest is cut; the events are those of the uncut stream.
func fuzzFramer(_ octets: [UInt8]) {
    guard let first = octets.first else { return }
    let stream = Array(octets.dropFirst())
    let whole = fuzzFrames(stream, pieces: stream.count, first & 0x80 == 0 ? .pings : .pongs)
    let cut = fuzzFrames(stream, pieces: Int(first & 0x7F) + 1, first & 0x80 == 0 ? .pings : .pongs)
    require(whole.events == cut.events, "events do not depend on how a stream is cut")
    require(whole.messages == cut.messages, "messages do not depend on how a stream is cut")
}

private func fuzzFrames(
    _ octets: [UInt8], pieces: Int, _ keepAlive: StreamFramer.KeepAlive
) -> (events: [StreamFramer.Event], messages: [[UInt8]]) {
    var framer = StreamFramer(
        keepAlive: keepAlive, limits: MessageLimits(headerOctets: 1000, fields: 8, bodyOctets: 100))
    var (events, messages): ([StreamFramer.Event], [[UInt8]]) = ([], [])
    var position = 0
    while position < octets.count {
        let end = min(position + max(pieces, 1), octets.count)
        framer.append(octets.span.extracting(position..<end))
        while let event = framer.next() {
            events.append(event)
            require(framer.index.body.upper <= 1100, "an index lies within the limits")
            guard let message = framer.ownedMessage else { continue }
            require(message.index.body.upper == message.octets.count, "a message ends with its body")
            messages.append(message.octets)
        }
        position = end
    }
    return (events, messages)
}

/// The boundary is `b`. The parts that are found can be written and found again.
func fuzzMultipart(_ octets: [UInt8]) {
    let type = MediaType("multipart", "mixed", parameters: ["boundary": "b"])
    guard let multipart = try? Multipart(parsing: octets, type: type) else { return }
    require(!multipart.parts.isEmpty, "a multipart body has parts")
    let (body, newType) = multipart.write(boundary: "b")
    guard let read = try? Multipart(parsing: body, type: newType) else {
        return require(false, "what is written can be read")
    }
    require(read.parts == multipart.parts, "what is written reads back equal")
    for part in multipart.parts { _ = try? multipart.nested(in: part) }
}

/// A fragment keeps its octets, and its fields can be asked for.
func fuzzFragment(_ octets: [UInt8]) {
    guard let fragment = try? SIPFragment(parsing: octets) else { return }
    require(fragment.octets == octets, "a fragment keeps its octets")
    require(fragment.index.hasStartLine || !fragment.index.fields.isEmpty, "a fragment holds something")
    _ = fragment.all(.via)
    _ = fragment.first(.contact)
    _ = fragment.method
    _ = fragment.status
}

/// What is found in credentials and challenges lies within them.
func fuzzCredentials(_ octets: [UInt8]) {
    let whole = 0..<octets.count
    var parts: [OctetRange] = []
    if let credentials = try? CredentialsIndex(parsing: octets.span, in: whole) {
        parts += [
            credentials.scheme, credentials.username, credentials.extendedUsername, credentials.realm,
            credentials.nonce, credentials.uri, credentials.response, credentials.algorithm, credentials.cnonce,
            credentials.nc, credentials.qop, credentials.opaque,
        ]
    }
    if let challenge = try? ChallengeIndex(parsing: octets.span, in: whole) {
        parts += [
            challenge.scheme, challenge.realm, challenge.nonce, challenge.algorithm, challenge.qop, challenge.opaque,
            challenge.domain,
        ]
    }
    for part in parts { require(part.lower <= part.upper && part.upper <= octets.count, "a part lies within") }
    _ = try? AuthenticationInfoIndex(parsing: octets.span, in: whole)
}

/// An address or a block of them that can be read is written so that it reads back equal.
func fuzzAddress(_ octets: [UInt8]) {
    let text = String(decoding: octets, as: UTF8.self)
    if let address = IPAddress(text) {
        require(IPAddress(address.description) == address, "an address reads back equal")
    }
    if let block = AddressBlock(text) {
        require(AddressBlock(block.description) == block, "a block reads back equal")
        require(block.contains(block.address), "a block contains its own address")
    }
}

/// A STUN message is answered with one that can be read, of the same transaction.
func fuzzSTUN(_ octets: [UInt8]) {
    guard let message = try? STUNMessage(parsing: octets.span) else { return }
    require(octets.count >= 20 && octets.count % 4 == 0, "a STUN message has a header and whole attributes")
    for source in [SocketAddress(IPAddress(v4: 0xC000_0201), 5060), SocketAddress(IPAddress(v6: 1, 2), 0)] {
        var answer: [UInt8] = []
        guard message.writeAnswer(to: source, into: &answer) else { continue }
        guard let read = try? STUNMessage(parsing: answer.span) else {
            return require(false, "an answer can be read")
        }
        require(read.transactionID == message.transactionID, "an answer is of the same transaction")
        require(read.hasFingerprint == message.hasFingerprint, "an answer has a fingerprint where its request has")
        require(read.kind == (message.unknownAttributes.isEmpty ? .success : .error), "an answer is one or the other")
        require(read.mappedAddress == (read.kind == .success ? source : nil), "a success tells where it came from")
    }
}

/// Whatever a certificate says, its domains are names.
func fuzzCertificate(_ octets: [UInt8]) {
    guard let identities = CertificateIdentities(certificate: octets.span) else { return }
    for domain in identities.domains {
        require(identities.prove(Host(domain)) || Host(domain).address != nil, "a certificate proves its own domains")
        require(domain.utf8.count <= 253, "a domain has the length of one")
    }
    for address in identities.addresses {
        require(identities.prove(Host(address)), "a certificate proves its addresses")
    }
}

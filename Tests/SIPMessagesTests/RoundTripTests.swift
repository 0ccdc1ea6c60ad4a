import Testing

@testable import SIPMessages

@Suite("What is written reads back equal")
struct RoundTripTests {
    static let seeds: Range<UInt64> = 0..<200

    /// Writes the value, as a builder does, and reads it.
    func check<Value>(_ key: FieldKey<Value>, _ value: Value, _ location: SourceLocation = #_sourceLocation) throws {
        let read = try Value(parsing: value.text, field: key.id)
        #expect(read == value, sourceLocation: location)
        #expect(read.text == value.text, sourceLocation: location)
        // In a message, between others of its kind.
        var builder = MessageBuilder(.options, .other("urn:x"))
        builder.add(key, value)
        if key.isList { builder.add(key, value) }
        let message = try builder.message()
        #expect(try message.requireAll(key) == (key.isList ? [value, value] : [value]), sourceLocation: location)
        guard key.isList else { return }
        // And in one line with a comma.
        let line = try SIPMessage("OPTIONS urn:x SIP/2.0\r\n\(key.name): \(value.text) ,\(value.text)\r\n\r\n")
        #expect(try line.requireAll(key) == [value, value], sourceLocation: location)
    }

    @Test("URIs", arguments: Self.seeds)
    func uris(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let uri = generator.uri()
        #expect(try URI(uri.description) == uri)
        #expect(uri.isEquivalent(to: uri))
    }

    @Test("Addresses", arguments: Self.seeds)
    func addresses(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        try self.check(.from, generator.nameAddress())
        try self.check(.route, generator.nameAddress())
        try self.check(.contact, generator.chance(90) ? .address(generator.nameAddress().withoutQ) : .wildcard)
        try self.check(.alertInfo, URIReference(generator.uri(), parameters: generator.parameters()))
        var history = HistoryInfo(generator.uri(), index: "1.\(generator.number(1...9)).2", origin: .mapped(from: "1"))
        history.reason = .sip(StatusCode(UInt16(generator.number(300...699))), text: generator.anyText())
        history.privacy = ["history"]
        try self.check(.historyInfo, history)
    }

    @Test("Via, CSeq, Call-ID, RAck", arguments: Self.seeds)
    func transactionFields(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        try self.check(.via, generator.via())
        try self.check(.cseq, generator.cseq())
        try self.check(.callID, generator.callID())
        try self.check(.inReplyTo, generator.callID())
        try self.check(.rack, RAck(generator.uint32(), generator.cseq()))
        try self.check(.maxForwards, generator.uint32())
        try self.check(.allow, generator.method())
    }

    @Test("Dialog references", arguments: Self.seeds)
    func dialogReferences(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let (left, right) = (generator.token(), generator.token())
        try self.check(
            .replaces, Replaces(generator.callID(), toTag: left, fromTag: right, isEarlyOnly: generator.chance(50)))
        try self.check(.join, Join(generator.callID(), toTag: left, fromTag: right))
        try self.check(
            .targetDialog,
            TargetDialog(generator.callID(), localTag: generator.maybe { $0.token() }, remoteTag: right))
    }

    @Test("Authentication", arguments: Self.seeds)
    func authentication(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        var challenge = Challenge(
            realm: generator.anyText(), nonce: generator.anyText(),
            algorithm: generator.maybe { $0.pick(["MD5", "SHA-256", "SHA-512-256"]) },
            qop: generator.pick([[], ["auth"], ["auth", "auth-int"]]), opaque: generator.maybe { $0.anyText() },
            isStale: generator.chance(50))
        if generator.chance(50) { challenge.parameters["x" + generator.name()] = generator.anyText() }
        try self.check(.wwwAuthenticate, challenge)
        var credentials = Credentials(scheme: "Digest")
        for name in ["username", "realm", "nonce", "uri", "response", "cnonce", "opaque", "qop", "nc"]
        where generator.chance(80) {
            credentials.parameters[name] = generator.anyText()
        }
        credentials.parameters["algorithm"] = "SHA-256"
        try self.check(.authorization, credentials)
        try self.check(.authorization, Credentials(scheme: "Bearer", token68: generator.hex(20) + "=="))
        var information = AuthenticationInfo()
        information.nextNonce = generator.anyText()
        information.qop = "auth"
        information.nc = generator.hex(8)
        try self.check(.authenticationInfo, information)
    }

    @Test("Tokens with parameters", arguments: Self.seeds)
    func tokens(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        var media = MediaType(generator.token(), generator.token(), parameters: generator.parameters())
        try self.check(.accept, media)
        media.parameters = [:]
        try self.check(.contentType, media)
        try self.check(.supported, Token(generator.token()))
        try self.check(.acceptLanguage, ParameterizedToken("en-gb", parameters: generator.parameters()))
        try self.check(.recvInfo, ParameterizedToken(generator.token(), parameters: generator.parameters()))
        try self.check(.contentDisposition, ContentDisposition(generator.token(), isOptional: generator.chance(50)))
        try self.check(.event, EventType(generator.token(), id: generator.maybe { $0.anyText() }))
        try self.check(
            .subscriptionState,
            SubscriptionState(
                generator.pick(["active", "pending", "terminated"]), expires: generator.maybe { $0.uint32() },
                reason: generator.maybe { $0.token() }, retryAfter: generator.maybe { $0.uint32() }))
        try self.check(.reason, Reason(generator.token(), cause: 486, text: generator.maybe { $0.anyText() }))
        try self.check(.securityClient, SecurityMechanism(generator.token(), q: QValue(thousandths: 125)))
        try self.check(.acceptContact, FeatureSet(generator.parameters()))
        try self.check(.privacy, Privacy((0...generator.number(0...3)).map { _ in generator.token() }))
        try self.check(.resourcePriority, ResourcePriority(generator.name(), generator.name()))
        try self.check(.pVisitedNetworkID, NetworkID(generator.anyText(), parameters: generator.parameters()))
        try self.check(
            .pChargingVector,
            ChargingParameters(["icid-value": generator.anyText(), "orig-ioi": generator.token()]))
    }

    @Test("Numbers, times and identifiers", arguments: Self.seeds)
    func numbers(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        try self.check(
            .sessionExpires, SessionExpires(generator.uint32(), refresher: generator.pick([.uac, .uas, nil])))
        try self.check(.minSE, DeltaSeconds(generator.uint32(), parameters: generator.parameters()))
        var retry = RetryAfter(generator.uint32(), duration: generator.maybe { $0.uint32() })
        retry.comment = generator.maybe { "in (\($0.name())) a while" }
        try self.check(.retryAfter, retry)
        try self.check(
            .timestamp, Timestamp("\(generator.uint32()).5", delay: generator.pick([nil, ".25", "1.", "0"])))
        try self.check(
            .warning,
            Warning(UInt16(generator.number(100...999)), agent: "[2001:db8::1]:5060", phrase: generator.anyText()))
        try self.check(.sessionID, SessionID(local: generator.hex(32), remote: generator.maybe { $0.hex(32) }))
        try self.check(.contentID, ContentID(generator.name() + "@" + generator.name()))
        try self.check(.pMediaAuthorization, HexToken(generator.hex(generator.number(1...40))))
        try self.check(.mimeVersion, MIMEVersion(generator.uint32(), 0))
        try self.check(.subject, FieldText(generator.name() + "  " + generator.name() + " \"; ,<"))
        let identity = Identity(
            generator.hex(8) + ".." + generator.hex(20), info: "https://example.org/cert;a,b", algorithm: "ES256",
            type: generator.maybe { _ in "shaken" })
        try self.check(.identity, identity)
        let seconds = Int64(truncatingIfNeeded: generator.next() >> 1) % 253_402_300_800
        try self.check(.date, SIPDate(secondsSince1970: seconds - (generator.chance(20) ? 62_167_219_200 : 0)))
    }

    @Test("Whole messages", arguments: Self.seeds)
    func messages(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let method = generator.method()
        var builder =
            generator.chance(50)
            ? MessageBuilder(method, generator.uri())
            : MessageBuilder(StatusCode(UInt16(generator.number(100...699))), reasonPhrase: generator.anyText())
        let vias = (0...generator.number(0...3)).map { _ in generator.via() }
        let (from, to) = (generator.nameAddress(), generator.nameAddress())
        let (callID, cseq) = (generator.callID(), CSeq(generator.uint32(), method))
        builder.add(.via, vias)
        builder.add(.from, from)
        builder.add(.to, to)
        builder.add(.callID, callID)
        builder.add(.cseq, cseq)
        builder.add(named: "X-Anything", generator.anyText())
        let body = Array(generator.anyText().utf8)
        builder.setBody(body, type: .plainText)
        let message = try builder.message()
        #expect(try SIPMessage(parsing: message.octets) == message)
        #expect(try message.requireAll(.via) == vias)
        #expect(try message.require(.from) == from)
        #expect(try message.require(.to) == to)
        #expect(try message.require(.callID) == callID)
        #expect(try message.require(.cseq) == cseq)
        #expect(message.body == body)
        #expect(try MessageBuilder(message).message().octets.count == message.octets.count)
        #expect(FramedStream(message.octets, pieces: 3).messages == [message.octets])
    }

    @Test("A mutated message may be refused, and never traps", arguments: 0..<100 as Range<UInt64>)
    func mutations(seed: UInt64) {
        var generator = Generator(seed: seed)
        for valid in TortureMessage.files {
            var octets = valid
            for _ in 0...generator.number(0...6) where !octets.isEmpty {
                let position = generator.number(0...(octets.count - 1))
                switch generator.number(0...3) {
                case 0: octets[position] = UInt8(truncatingIfNeeded: generator.next())
                case 1: octets.remove(at: position)
                case 2: octets.insert(generator.pick(Array(" ,;<>\"\\=%:@\r\n\0".utf8)), at: position)
                default: octets.removeSubrange(position..<min(position + generator.number(1...40), octets.count))
                }
            }
            let isIndexed = (try? SIPMessage(parsing: octets)) != nil
            if let message = try? SIPMessage(parsing: octets) {
                for field in message.index.fields { try? field.validateTyped(message.octets.span) }
                try? message.validate()
                _ = try? message.multipart()
                #expect(message.octets.count <= octets.count)
            }
            _ = try? SIPFragment(parsing: octets)
            #expect(isIndexed || TortureTests.verdict(octets) != nil)
        }
    }
}

extension NameAddress {
    /// A Contact's `q` must be a weight.
    fileprivate var withoutQ: NameAddress {
        var copy = self
        copy.parameters.remove("q")
        return copy
    }
}

import SIPMessages
import Testing

@testable import SDP

@Suite("The exchanges of RFC 3264 §10, RFC 4317 and the handbook, by two machines")
struct ExchangeTests {
    /// An exchange in which an agent does what is allowed but not recommended: it answers with a payload type of its
    /// own (RFC 4317 §2.3), or lists a format that was not offered (§3.2).
    static func isUnusual(_ exchange: Exchange) -> Bool {
        exchange.testDescription.contains("2.3 Audio") || exchange.testDescription.contains("3.2 Hold")
    }

    /// What a description says its author wants.
    static func wanted(_ description: SessionDescription) -> [LocalStream?] {
        description.media.map { medium in
            guard medium.line.port != 0, let connection = description.connection(of: medium) else { return nil }
            return LocalStream(
                medium.line.type, transport: medium.line.transport, host: Host(connection.address),
                port: medium.line.port, formats: medium.formats, direction: description.direction(of: medium))
        }
    }

    /// The text without what an author may leave out: attributes of media with port 0, `sendrecv`, a `c=` that repeats
    /// the session's, and maps of static payload types.
    static func normal(_ description: SessionDescription) -> String {
        var description = description
        for i in description.media.indices {
            if description.media[i].line.port == 0 {
                description.media[i].lines = []
                description.media[i].line.formats = [description.media[i].line.formats[0]]
            }
            if description.media[i].connection == description.connection { description.media[i].connection = nil }
            let maps = description.media[i].attributeValues("rtpmap").compactMap { RTPMap($0) }
            description.media[i].removeAttributes("rtpmap")
            description.media[i].removeAttributes("sendrecv")
            for map in maps where map.payloadType >= 96 {
                description.media[i].addAttribute("rtpmap", map.description)
            }
        }
        return String(decoding: description.octets, as: UTF8.self)
    }

    struct Party {
        var machine: OfferAnswer

        init(_ first: SessionDescription) {
            self.machine = OfferAnswer(
                identity: DescriptionIdentity(
                    username: first.origin.username, sessionID: first.origin.sessionID,
                    firstVersion: first.origin.version, host: Host(first.origin.address),
                    sessionName: first.name ?? "-"))
        }
    }

    @Test("Each side makes the text of the document and takes the other's without complaint", arguments: Exchange.all)
    func reproduces(exchange: Exchange) throws {
        let descriptions = try exchange.descriptions.map { try $0.parsed() }
        var parties: [String: Party] = [:]
        for description in descriptions where parties[description.origin.username] == nil {
            parties[description.origin.username] = Party(description)
        }
        var offerer = ""
        for (i, description) in descriptions.enumerated() {
            let author = description.origin.username
            var party = try #require(parties[author])
            let isOffer = exchange.descriptions[i].isOffer
            if isOffer { offerer = author }
            let made =
                isOffer
                ? try party.machine.makeOffer(Self.wanted(description))
                : try party.machine.makeAnswer(Self.wanted(description))
            parties[author] = party
            if !Self.isUnusual(exchange) {
                #expect(Self.normal(made) == Self.normal(try exchange.descriptions[i].parsed(named: made.name)))
            }
            for other in parties.keys where other != author {
                var party = try #require(parties[other])
                let problems =
                    isOffer
                    ? try party.machine.receiveOffer(description)
                    : other == offerer ? try party.machine.receiveAnswer(description) : []
                // RFC 4317 §3.2 ends with an answer of sendrecv to an offer of sendonly, which RFC 3264 §6.1 forbids.
                let isForbidden = i == 3 && exchange.testDescription.contains("3.2 Hold")
                #expect(problems == (isForbidden ? [OfferAnswerError(.direction, medium: 0)] : []))
                parties[other] = party
            }
        }
        guard descriptions.count.isMultiple(of: 2), parties.count == 2 else { return }
        let machines = parties.values.map(\.machine)
        #expect(machines.map(\.state) == [.stable, .stable])
        for (left, right) in zip(machines[0].streams, machines[1].streams) {
            #expect(left.direction == right.direction.reversed)
            #expect(left.isActive == right.isActive)
            guard left.isActive, !Self.isUnusual(exchange) else { continue }
            for (sender, receiver) in [(left, right), (right, left)] {
                let format = try #require(sender.sendFormats.first)
                #expect(
                    receiver.receiveFormats.contains {
                        $0.payloadType == format.payloadType && $0.isSameEncoding(as: format)
                    })
            }
        }
    }

    @Test("Handbook 3.6: the offer of PCMU, G.723 and G.729 at port 49172 is answered with PCMU at port 3456")
    func handbook36() throws {
        var alice = OfferAnswer(identity: DescriptionIdentity(username: "alice", sessionID: 1, host: "atlanta.example"))
        var bob = OfferAnswer(identity: DescriptionIdentity(username: "bob", sessionID: 2, host: "biloxi.example"))
        let offer = try alice.makeOffer([
            LocalStream(
                host: "192.0.2.1", port: 49_172,
                formats: [MediaFormat(0, "PCMU"), MediaFormat(4, "G723"), MediaFormat(18, "G729")])
        ])
        #expect(try bob.receiveOffer(SessionDescription(offer.octets)) == [])
        let answer = try bob.makeAnswer([
            LocalStream(host: "192.0.2.2", port: 3_456, formats: [MediaFormat(0, "PCMU")])
        ])
        #expect(String(decoding: answer.octets, as: UTF8.self).contains("m=audio 3456 RTP/AVP 0\r\n"))
        #expect(try alice.receiveAnswer(SessionDescription(answer.octets)) == [])
        #expect(alice.streams[0].sendFormat?.map.encoding == "PCMU")
        #expect(alice.streams[0].destination?.rtp.address == SocketAddress(IPAddress(v4: 0xC000_0202), 3_456))
        #expect(bob.streams[0].sendFormats == [MediaFormat(0, "PCMU")])
    }

    @Test("RFC 4317 §5.2: c=0.0.0.0 holds, and the real address resumes (RFC 3264 §8.4)")
    func blackHole() throws {
        let exchange = try #require(Exchange.all.first { $0.testDescription.contains("5.2 Hold") })
        let texts = try exchange.descriptions.map { try $0.parsed() }
        var bob = Party(texts[1]).machine
        _ = try bob.receiveOffer(texts[0])
        _ = try bob.makeAnswer(Self.wanted(texts[1]))
        #expect(bob.streams[0].isHeldByPeer)
        #expect(!bob.streams[0].sends)
        #expect(bob.streams[0].direction == .sendrecv)
        _ = try bob.receiveOffer(texts[2])
        _ = try bob.makeAnswer(Self.wanted(texts[3]))
        #expect(bob.streams[0].sends)
    }
}

extension Example {
    /// The description with the session name that our side writes.
    func parsed(named name: String?) throws -> SessionDescription {
        var description = try self.parsed()
        if description.name == nil { description.name = name }
        return description
    }
}

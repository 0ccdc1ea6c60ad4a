import CallRouting
import LocationService
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

/// The flows of the handbook's chapters 1, 5 and 6 in which a proxy, a registrar or a redirect server has a part; that of
/// 5.10 is in `ServiceRouteTests`. Its messages are those printed, but for the misprints that are named.
@Suite("Flows of the handbook, chapters 1, 5 and 6")
struct HandbookFlowTests {
    /// atlanta.com and biloxi.com as in its figures, with a server each.
    struct Figure {
        let stage = Stage()
        let cast: Cast
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        /// - Parameters:
        ///   - hasAtlanta: Whether Alice has a proxy of her own, or sends to Bob's.
        ///   - records: Whether the proxies stay on the path.
        init(
            hasAtlanta: Bool = false, records: Bool = true, over transport: TransportProtocol = .udp,
            edit: (inout ServerSettings) -> Void = { _ in }
        ) throws {
            self.cast = Cast(self.stage)
            if hasAtlanta {
                self.stage.namedServer("bigbox3", "bigbox3.site3.atlanta.com", at: "192.0.2.2", "atlanta.com") {
                    $0.proxy.recordRoute = records
                }
            }
            self.stage.namedServer("server10", "server10.biloxi.com", at: "192.0.2.3", "biloxi.com", over: transport) {
                $0.proxy.recordRoute = records
                edit(&$0)
            }
            let proxy = hasAtlanta ? "192.0.2.2" : "192.0.2.3"
            self.alice = try self.cast.add(
                "alice", at: "192.0.2.1", "sip:alice@atlanta.com", host: "pc33.atlanta.com", over: transport, by: proxy)
            self.bob = try self.cast.add(
                "bob", at: "192.0.2.4", "sip:bob@biloxi.com", host: "192.0.2.4", over: transport, by: "192.0.2.3")
        }

        /// Registers Bob, after which the flow begins.
        func bobIsHere() throws {
            try self.bob.isRegistered(["<sip:bob@192.0.2.4>"])
            self.cast.begins()
        }

        /// Bob takes Alice's call.
        func connect() throws {
            try self.alice.invites("sip:bob@biloxi.com")
            try self.bob.expects(.invite)
            try self.bob.sends(180)
            try self.alice.expects(180)
            try self.bob.sends(200)
            try self.alice.expects(200)
        }

        /// What was sent since the flow began.
        var flow: [String] { self.stage.flow(from: self.cast.start) }

        /// Another telephone of Bob's.
        func telephone(_ name: String, at address: String, _ uri: String = "sip:bob@biloxi.com") throws -> ScriptedPeer
        {
            try self.cast.add(name, at: address, uri, host: address, by: "192.0.2.3")
        }

        /// Says how a message that was sent differs from a printed one in these fields.
        func differences(_ way: String, _ start: String, _ text: String, in fields: Set<String>) throws -> [String] {
            let ends = way.split(separator: ">").map(String.init)
            let printed = MessageFacts(MessageText(text), from: ends[0], to: ends[1])
            let ladder = self.stage.world.ladder
            let sent = ladder.lines.dropFirst(self.cast.start).compactMap { line -> MessageFacts? in
                guard let receiver = line.receiver else { return nil }
                let text = MessageText(String(decoding: line.octets, as: UTF8.self))
                return MessageFacts(text, from: ladder.hosts[line.sender], to: ladder.hosts[receiver])
            }
            let facts = try #require(sent.first { $0.way == way && $0.start.hasPrefix(start) })
            return zip(printed.lines, facts.lines).filter { fields.contains($0.0.name) && $0.0.value != $0.1.value }
                .map { "\($0.0.name): printed \($0.0.value), sent \($0.1.value)" }
        }
    }

    @Test("Figure 1: the trapezoid, where proxies that do not record-route see neither ACK nor BYE (1.2)")
    func trapezoid() throws {
        let figure = try Figure(hasAtlanta: true, records: false)
        try figure.bobIsHere()
        try figure.connect()
        (figure.alice.outboundProxy, figure.bob.outboundProxy) = (nil, nil)
        try figure.alice.sends(.ack)
        try figure.bob.expects(.ack)
        try figure.bob.sends(.bye)
        try figure.alice.expects(.bye)
        try figure.alice.sends(200)
        try figure.bob.expects(200)
        try figure.stage.world.end()
        let invite = """
            INVITE sip:bob@biloxi.com SIP/2.0
            Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhs
            Max-Forwards: 70
            To: Bob <sip:bob@biloxi.com>
            From: Alice <sip:alice@atlanta.com>;tag=1928301774
            Contact: <sip:alice@pc33.atlanta.com>
            """
        let fields: Set = ["start line", "Via", "Max-Forwards", "To", "From", "Contact", "tag of To", "Record-Route"]
        #expect(try figure.differences("alice>bigbox3", "INVITE", invite, in: fields) == [])
        let success = """
            SIP/2.0 200 OK
            Via: SIP/2.0/UDP server10.biloxi.com;branch=z9hG4bKnashds8;received=192.0.2.3
            Via: SIP/2.0/UDP bigbox3.site3.atlanta.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2
            Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds ;received=192.0.2.1
            To: Bob <sip:bob@biloxi.com>;tag=a6c85cf
            From: Alice <sip:alice@atlanta.com>;tag=1928301774
            Contact: <sip:bob@192.0.2.4>
            """
        #expect(try figure.differences("bob>server10", "200", success, in: fields) == [])
        #expect(
            figure.flow == [
                "alice>bigbox3 INVITE 1", "bigbox3>alice 100 Trying INVITE 1", "bigbox3>server10 INVITE 1",
                "server10>bigbox3 100 Trying INVITE 1", "server10>bob INVITE 1", "bob>server10 180 Ringing INVITE 1",
                "server10>bigbox3 180 Ringing INVITE 1", "bigbox3>alice 180 Ringing INVITE 1",
                "bob>server10 200 OK INVITE 1", "server10>bigbox3 200 OK INVITE 1", "bigbox3>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "bob>alice BYE 1", "alice>bob 200 OK BYE 1",
            ])
    }

    @Test(
        "One proxy, which stays on the path for ACK and BYE where it record-routes (5.4, 5.5)",
        arguments: [false, true])
    func oneProxy(records: Bool) throws {
        let figure = try Figure(records: records, over: records ? .tcp : .udp)
        try figure.bobIsHere()
        try figure.connect()
        if !records { (figure.alice.outboundProxy, figure.bob.outboundProxy) = (nil, nil) }
        try figure.alice.sends(.ack)
        try figure.bob.expects(.ack)
        try figure.alice.sends(.bye)
        try figure.bob.expects(.bye)
        try figure.bob.sends(200)
        try figure.alice.expects(200)
        try figure.stage.world.end()
        // Misprints: the Request-URI has no `/TCP`, and Record-Route is a name-addr with `lr` (RFC 3261 §20.30). Alice is
        // at 10.1.3.33 there, and her Contact does not say that it is for TCP. The Request-URI is that of Bob's device.
        let invite = """
            INVITE sip:bob@192.0.2.4 SIP/2.0
            Via: SIP/2.0/TCP server10.biloxi.com;branch=z9hG4bK4b43c2ff8.1
            Via: SIP/2.0/TCP pc33.atlanta.com;branch=z9hG4bK776asdhds ;received=192.0.2.1
            Max-Forwards: 69
            To: Bob <sip:bob@biloxi.com>
            From: Alice <sip:alice@atlanta.com>;tag=1928301774
            Record-Route: <sip:server10.biloxi.com;transport=tcp;lr>
            Contact: <sip:alice@pc33.atlanta.com;transport=tcp>
            """
        if records {
            let fields: Set = [
                "start line", "Via", "Max-Forwards", "To", "From", "Contact", "tag of To", "Record-Route",
            ]
            #expect(try figure.differences("server10>bob", "INVITE", invite, in: fields) == [])
        }
        let setUp = [
            "alice>server10 INVITE 1", "server10>alice 100 Trying INVITE 1", "server10>bob INVITE 1",
            "bob>server10 180 Ringing INVITE 1", "server10>alice 180 Ringing INVITE 1",
            "bob>server10 200 OK INVITE 1", "server10>alice 200 OK INVITE 1",
        ]
        let direct = ["alice>bob ACK 1", "alice>bob BYE 2", "bob>alice 200 OK BYE 2"]
        let relayed = [
            "alice>server10 ACK 1", "server10>bob ACK 1", "alice>server10 BYE 2", "server10>bob BYE 2",
            "bob>server10 200 OK BYE 2", "server10>alice 200 OK BYE 2",
        ]
        #expect(figure.flow == setUp + (records ? relayed : direct))
    }

    @Test("CANCEL goes on hop by hop, and the INVITE ends with 487 (5.6)")
    func cancel() throws {
        let figure = try Figure()
        try figure.bobIsHere()
        try figure.alice.invites("sip:bob@biloxi.com")
        let invite = try figure.bob.expects(.invite)
        try figure.bob.sends(180)
        try figure.alice.expects(180)
        try figure.alice.sends(.cancel)
        try figure.alice.expects(200, for: .cancel)
        let cancel = try figure.bob.expects(.cancel)
        // Misprints: CSeq, From and To are those of the INVITE, and there is no Contact (RFC 3261 §9.1).
        #expect(cancel.first(.cseq)?.number == invite.first(.cseq)?.number)
        #expect(cancel.first(.from) == invite.first(.from) && cancel.first(.to) == invite.first(.to))
        #expect(!cancel.has(.contact))
        try figure.bob.sends(200, to: .cancel)
        try figure.bob.sends(487, to: .invite)
        try figure.alice.expects(487)
        try figure.stage.world.end()
        #expect(
            figure.flow == [
                "alice>server10 INVITE 1", "server10>alice 100 Trying INVITE 1", "server10>bob INVITE 1",
                "bob>server10 180 Ringing INVITE 1", "server10>alice 180 Ringing INVITE 1",
                "alice>server10 CANCEL 1", "server10>alice 200 OK CANCEL 1", "server10>bob CANCEL 1",
                "bob>server10 200 OK CANCEL 1", "bob>server10 487 Request Terminated INVITE 1",
                "server10>alice 487 Request Terminated INVITE 1", "server10>bob ACK 1", "alice>server10 ACK 1",
            ])
    }

    @Test("Parallel forking to three telephones: who has answered cancels the others, who learn why (5.7)")
    func parallelForking() throws {
        let figure = try Figure()
        let desk = try figure.telephone("desk", at: "192.0.2.20")
        let mobile = try figure.telephone("mobile", at: "192.0.2.21")
        for telephone in [desk, mobile] { try telephone.isRegistered() }
        try figure.bobIsHere()
        try figure.alice.invites("sip:bob@biloxi.com")
        for telephone in [figure.bob, desk, mobile] {
            try telephone.expects(.invite)
            try telephone.sends(180)
            try figure.alice.expects(180)
        }
        try desk.sends(200)
        try figure.alice.expects(200)
        try figure.alice.sends(.ack)
        for telephone in [figure.bob, mobile] {
            let cancel = try telephone.expects(.cancel)
            // As printed, but for the misprints: From is the caller's (RFC 3261 §9.1).
            let facts = MessageFacts(MessageText(cancel.description), from: "server10", to: "")
            #expect(facts.reasons == ["sip;cause=200;text=\"callcompletedelsewhere\""])
            #expect(
                facts.from == "sip:alice@atlanta.com" && facts.vias == ["udp server10.biloxi.com received=192.0.2.3"])
            try telephone.sends(200, to: .cancel)
            try telephone.sends(487, to: .invite)
        }
        try desk.expects(.ack)
        try figure.stage.world.end()
        #expect(figure.flow.filter { $0.hasPrefix("server10>alice") && $0.contains("487") }.isEmpty)
        #expect(figure.flow.filter { $0.contains("CANCEL") && $0.hasPrefix("server10>") }.count == 2)
    }

    @Test("Sequential forking to three telephones: the next one rings when the one before has refused (5.7)")
    func sequentialForking() throws {
        let figure = try Figure()
        let telephones = try [
            ("desk", "192.0.2.20", "0.9"), ("home", "192.0.2.21", "0.6"), ("mobile", "192.0.2.22", "0.3"),
        ]
        .map { name, address, q in
            let telephone = try figure.telephone(name, at: address)
            try telephone.isRegistered(["<sip:bob@\(address)>;q=\(q)"])
            return telephone
        }
        figure.cast.begins()
        try figure.alice.invites("sip:bob@biloxi.com")
        for telephone in telephones.dropLast() {
            try telephone.expects(.invite)
            try telephone.sends(480)
        }
        try telephones[2].expects(.invite)
        try telephones[2].sends(200)
        try figure.alice.expects(200)
        try figure.alice.sends(.ack)
        try telephones[2].expects(.ack)
        try figure.stage.world.end()
        #expect(
            figure.flow == [
                "alice>server10 INVITE 1", "server10>alice 100 Trying INVITE 1", "server10>desk INVITE 1",
                "desk>server10 480 Temporarily Unavailable INVITE 1", "server10>desk ACK 1", "server10>home INVITE 1",
                "home>server10 480 Temporarily Unavailable INVITE 1", "server10>home ACK 1", "server10>mobile INVITE 1",
                "mobile>server10 200 OK INVITE 1", "server10>alice 200 OK INVITE 1", "alice>server10 ACK 1",
                "server10>mobile ACK 1",
            ])
    }

    @Test("OPTIONS asks Bob's telephone what it can, and nothing rings (5.8)")
    func options() throws {
        let figure = try Figure()
        try figure.bobIsHere()
        let offer = Array("v=0\r\n".utf8)
        try figure.alice.sends(.options, to: try URI("sip:bob@biloxi.com")) {
            $0.add(named: "Allow", "INVITE, ACK, OPTIONS, BYE, CANCEL, REFER, SUBSCRIBE, NOTIFY, MESSAGE, UPDATE")
            // `application/pdf+xml` is a misprint.
            $0.add(named: "Accept", "application/sdp, application/pidf+xml")
        }
        let options = try figure.bob.expects(.options)
        #expect(options.values(named: "Accept").joined(separator: ",").contains("application/pidf+xml"))
        try figure.bob.sends(200) {
            $0.add(named: "Contact", "<sip:bob_home@biloxi.com>")
            $0.add(named: "Accept-Language", "en, fr")
            $0.setBody(offer, type: MediaType("application", "sdp"))
        }
        let answer = try figure.alice.expects(200)
        #expect(answer.contacts == ["<sip:bob@192.0.2.4>", "<sip:bob_home@biloxi.com>"])
        #expect(answer.values(named: "Accept-Language").joined(separator: ",").hasPrefix("en"))
        #expect(answer.body == offer)
        try figure.stage.world.end()
        #expect(
            figure.flow == [
                "alice>server10 OPTIONS 1", "server10>bob OPTIONS 1", "bob>server10 200 OK OPTIONS 1",
                "server10>alice 200 OK OPTIONS 1",
            ])
    }

    @Test("REGISTER asks for 21600 s and is granted 3600; the answer lists every binding and Service-Route (1.3, 5.9)")
    func register() throws {
        let stage = Stage()
        let cast = Cast(stage)
        stage.namedServer("server19", "server19.atlanta.com", at: "10.1.3.1", "atlanta.com", over: .tcp) {
            $0.registrar.maxExpires = 3600
            $0.registrar.serviceRoute = Array("<sip:bigbox3.atlanta.com;lr>".utf8)
        }
        let other = try cast.add(
            "cm9013", at: "10.1.3.34", "sip:alice@atlanta.com", host: "cm9013.atlanta.com", over: .tcp, by: "10.1.3.1")
        let alice = try cast.add(
            "alice", at: "10.1.3.33", "sip:alice@atlanta.com", host: "pc33.atlanta.com", over: .tcp, by: "10.1.3.1")
        try other.isRegistered(["<sip:alice@cm9013.atlanta.com>"])
        cast.begins()
        try alice.sends(.register, to: try URI("sip:server19.atlanta.com")) {
            $0.set(.to, NameAddress(alice.uri))
            $0.set(.cseq, CSeq(31862, .register))
            $0.remove(.contact)
            $0.add(named: "Contact", "<sip:alice@pc33.atlanta.com>")
            $0.set(.expires, 21600)
        }
        let answer = try alice.expects(200)
        #expect(
            Set(answer.all(.contact).compactMap { $0.uri?.description }) == [
                "sip:alice@pc33.atlanta.com", "sip:alice@cm9013.atlanta.com",
            ])
        let own = answer.all(.contact).first { $0.uri?.description == "sip:alice@pc33.atlanta.com" }
        // The time is told with each Contact (RFC 3261 §10.3 step 8).
        #expect(own?.expires == 3600)
        #expect(answer.values(named: "Service-Route") == ["<sip:bigbox3.atlanta.com;lr>"])
        #expect(answer.first(.via)?.received == IPAddress("10.1.3.33"))
        try stage.world.end()
        #expect(
            stage.flow(from: cast.start) == ["alice>server19 REGISTER 31862", "server19>alice 200 OK REGISTER 31862"])
    }
}

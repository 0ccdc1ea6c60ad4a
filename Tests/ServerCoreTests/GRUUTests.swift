import Foundation
import LocationService
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Globally routable user agent URIs (RFC 5627)")
struct GRUUTests {
    static let instance = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    static let device = ";+sip.instance=\"<\(instance)>\""

    /// The GRUUs in the 200 to a REGISTER.
    struct GRUUs: Equatable {
        let pub: String
        let temp: String

        init?(_ response: SIPMessage) {
            guard let contact = response.contacts.last(where: { $0.contains("pub-gruu") }) else { return nil }
            func value(_ name: String) -> String? {
                let parts = contact.components(separatedBy: "\(name)=\"")
                return parts.count == 2 ? String(parts[1].prefix { $0 != "\"" }) : nil
            }
            guard let pub = value("pub-gruu"), let temp = value("temp-gruu") else { return nil }
            (self.pub, self.temp) = (pub, temp)
        }
    }

    /// Registers a device and gives its GRUUs.
    static func register(
        _ peer: ScriptedPeer, call: String = "registration", _ number: UInt32 = 1, instance: String = Self.instance,
        contact: String? = nil, expires: UInt32 = 3600
    ) throws -> GRUUs? {
        let contact = contact ?? "sip:bob@\(peer.place.listeners[0].address.ip)"
        try peer.registers(["<\(contact)>;+sip.instance=\"<\(instance)>\";expires=\(expires)"]) {
            $0.set(.callID, CallID(call))
            $0.set(.cseq, CSeq(number, .register))
            $0.add(named: "Supported", "gruu")
        }
        let response = try peer.expects(200, for: .register)
        return expires == 0 ? nil : GRUUs(response)
    }

    /// Alice, Bob's device and another one of his.
    struct Office {
        let stage: Stage
        let server: SimulatedServer
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        init(shards: Int = 1, _ edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage = Stage(shards: shards)
            self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain], edit)
            (self.alice, self.bob) = (try self.stage.alice(), try self.stage.bob())
        }

        /// Whether a request to a URI reaches the device.
        func reaches(_ uri: String) throws {
            try self.alice.sends(.options, to: try URI(uri))
            try self.bob.expects(.options)
            try self.bob.sends(200)
            try self.alice.expects(200)
        }

        func fails(_ uri: String, _ status: StatusCode) throws {
            try self.alice.sends(.options, to: try URI(uri))
            try self.alice.expects(status)
        }
    }

    @Test("The 200 names a public GRUU, which is the AOR with gr, and a temporary one (§5.2, §5.4)")
    func minted() throws {
        let office = try Office()
        let gruus = try #require(try Self.register(office.bob))
        #expect(gruus.pub.hasPrefix("sip:bob@biloxi.example.com;gr=\(Self.instance)"))
        let temporary = try #require(try URI(gruus.temp).sip)
        #expect(temporary.parameters["gr"]?.isEmpty == true && temporary.host.name == Place.domain)
        #expect(temporary.user?.count == 57)
        try office.stage.world.end()
    }

    @Test("A client that does not know GRUUs is shown none, and none that it made up itself (§5.1, §5.2)")
    func unsupported() throws {
        let office = try Office()
        let own = ";pub-gruu=\"sip:x@y;gr=1\";temp-gruu=\"sip:z@y;gr\""
        try office.bob.registers(["<sip:bob@192.0.2.201>\(Self.device)\(own)"])
        #expect(try office.bob.expects(200).contacts.allSatisfy { !$0.contains("gruu") })
        try office.stage.world.end()
    }

    @Test("Both lead to that device and no other, with its Contact as Request-URI (§6.1)", arguments: [1, 64])
    func routed(shards: Int) throws {
        let office = try Office(shards: shards)
        let desk = try office.stage.bob("desk", at: "192.0.2.203")
        try desk.isRegistered()
        let gruus = try #require(try Self.register(office.bob))
        for uri in [gruus.pub, gruus.temp] {
            try office.alice.invites(uri)
            #expect(try office.bob.expects(.invite).requestURI?.description == "sip:bob@192.0.2.201")
            try office.bob.sends(486)
            try office.alice.expects(486)
        }
        try desk.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("Every refresh makes another temporary GRUU, and the older ones hold (§5.1)")
    func refreshed() throws {
        let office = try Office()
        let first = try #require(try Self.register(office.bob))
        office.stage.world.run(for: .seconds(60))
        let second = try #require(try Self.register(office.bob, 2))
        #expect(first.pub == second.pub && first.temp != second.temp)
        try office.reaches(first.temp)
        try office.reaches(second.temp)
        try office.stage.world.end()
    }

    @Test("A registration with another Call-ID ends the temporary GRUUs of before: 404 (§5.1)")
    func otherCall() throws {
        let office = try Office()
        let first = try #require(try Self.register(office.bob))
        let second = try #require(try Self.register(office.bob, call: "after a restart"))
        try office.fails(first.temp, 404)
        try office.reaches(second.temp)
        try office.reaches(first.pub)
        try office.stage.world.end()
    }

    @Test(
        "With the last binding of the device they end for good; the public one stays, 480 (§5.3)",
        arguments: [false, true])
    func ended(isExpired: Bool) throws {
        let office = try Office()
        let first = try #require(try Self.register(office.bob, expires: 60))
        if isExpired {
            office.stage.world.run(for: .seconds(61))
        } else {
            _ = try Self.register(office.bob, 2, expires: 0)
        }
        try office.fails(first.temp, 404)
        try office.fails(first.pub, 480)
        // The same Call-ID brings nothing back.
        let second = try #require(try Self.register(office.bob, 3))
        try office.fails(first.temp, 404)
        try office.reaches(second.temp)
        try office.reaches(first.pub)
        try office.stage.world.end()
    }

    @Test("A second flow of the device changes nothing for its temporary GRUUs, and neither does the end of one (§5.3)")
    func flows() throws {
        let office = try Office()
        func register(_ flow: Int, _ number: UInt32, expires: Int) throws -> SIPMessage {
            try office.bob.registers(
                ["<sip:bob@192.0.2.201;flow=\(flow)>\(Self.device);reg-id=\(flow);expires=\(expires)"]
            ) {
                $0.set(.callID, CallID("flows"))
                $0.set(.cseq, CSeq(number, .register))
                $0.add(named: "Supported", "gruu, outbound, path")
            }
            return try office.bob.expects(200)
        }
        let first = try #require(GRUUs(try register(1, 1, expires: 3600)))
        _ = try register(2, 2, expires: 3600)
        try office.reaches(first.temp)
        _ = try register(1, 3, expires: 0)
        try office.reaches(first.temp)
        try office.stage.world.end()
    }

    @Test(
        "A gr that was not made here is answered with 404, whether its user is known or not (§6.1)",
        arguments: [
            "sip:bob@biloxi.example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "sip:bob@biloxi.example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6~0000000000000000",
            "sip:bob@biloxi.example.com;gr", "sip:nobody@biloxi.example.com;gr=urn:x",
            "sip:tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@biloxi.example.com;gr",
            "sip:tgruu.@biloxi.example.com;gr",
        ])
    func foreign(uri: String) throws {
        let office = try Office()
        _ = try Self.register(office.bob)
        try office.fails(uri, 404)
        try office.stage.world.end()
    }

    @Test("The GRUU of one user is none of another (§5.4)")
    func otherUser() throws {
        let office = try Office()
        let gruus = try #require(try Self.register(office.bob))
        try office.fails(gruus.pub.replacingOccurrences(of: "bob@", with: "carol@"), 404)
        try office.stage.world.end()
    }

    @Test("A device that was restarted has two bindings: the newer is tried, the older when that is silent (§6.1)")
    func rebooted() throws {
        let office = try Office()
        let gruus = try #require(
            try Self.register(office.bob, contact: "sip:bob@192.0.2.250"))
        _ = try Self.register(office.bob, call: "2")
        try office.alice.invites(gruus.pub)
        try office.bob.expects(.invite)
        try office.bob.sends(486)
        try office.alice.expects(486)
        try office.stage.world.end()
    }

    @Test("Within a dialog a GRUU finds the device where it is now, also for the ACK (§6.1)", arguments: [1, 64])
    func dialog(shards: Int) throws {
        let office = try Office(shards: shards)
        let old = try DialogFlowTests.device("old", Place.bob, box: "198.51.100.2", in: office.stage, over: .tcp)
        let gruus = try #require(try Self.register(old, call: "1", contact: "sip:bob@old.invalid;transport=tcp"))
        let contact = try URI(gruus.pub)
        try office.alice.invites()
        try old.expects(.invite)
        try old.sends(200) { $0.set(.contact, Contact(contact)) }
        try office.alice.expects(200)
        try office.alice.sends(.ack)
        #expect(try old.expects(.ack).requestURI?.description == "sip:bob@old.invalid;transport=tcp")
        office.stage.world.resetConnections(between: "old", and: "proxy")
        office.stage.world.run(for: .seconds(1))
        _ = try Self.register(office.bob, call: "2")
        try office.alice.sends(.bye)
        #expect(try office.bob.expects(.bye).requestURI?.description == "sip:bob@192.0.2.201")
        try office.bob.sends(200)
        try office.alice.expects(200)
        try office.stage.world.end()
    }

    @Test("After a crash both still lead to the device (§5.4)", arguments: [1, 64])
    func crash(shards: Int) throws {
        let office = try Office(shards: shards) { $0.isDurable = true }
        let gruus = try #require(try Self.register(office.bob))
        let world = office.stage.world
        world.crash("proxy")
        let stored = world.services.stored
        world.restart("proxy", running: office.server.reborn { stored[$0] != nil })
        try office.reaches(gruus.temp)
        try office.reaches(gruus.pub)
        try world.end()
    }

    @Test("A flow that a crash has ended leaves the public GRUU valid: 480, and not 404 (RFC 5626 §7)")
    func lostFlow() throws {
        let office = try Office { $0.isDurable = true }
        let phone = try DialogFlowTests.device("phone", Place.bob, box: "198.51.100.2", in: office.stage, over: .tcp)
        let gruus = try #require(try Self.register(phone))
        let world = office.stage.world
        world.crash("proxy")
        let stored = world.services.stored
        world.restart("proxy", running: office.server.reborn { stored[$0] != nil })
        try office.alice.sends(.options, to: try URI(gruus.pub))
        try office.alice.expects(480, within: .seconds(1))
        try world.end()
    }

    @Test(
        "The Contact of an instance that leads back to the address is refused with 403 (§5.1)",
        arguments: [
            "sip:bob@biloxi.example.com", "sip:bob@BILOXI.example.com;transport=tcp", "mailto:bob@biloxi.example.com",
        ])
    func circle(contact: String) throws {
        let office = try Office()
        try office.bob.registers(["<\(contact)>\(Self.device)"])
        try office.bob.expects(403)
        try office.stage.world.end()
    }

    @Test("So is one that is a GRUU of the address (§5.1)")
    func circleOfGRUU() throws {
        let office = try Office()
        let gruus = try #require(try Self.register(office.bob))
        for uri in [gruus.pub, gruus.temp] {
            try office.bob.registers(["<\(uri)>\(Self.device)"])
            try office.bob.expects(403)
        }
        try office.stage.world.end()
    }

    @Test("Who calls with the GRUU of another user as Contact is refused with 403 (§6.2)")
    func foreignContact() throws {
        let office = try AuthorisationTests.Office()
        try office.carol.registers(["<sip:carol@192.0.2.60>\(Self.device)"])
        let challenge = try office.carol.expects(401)
        let answer = try #require(AuthorisationTests.carol.answer(challenge, .register, "sip:\(Place.domain)"))
        try office.carol.registersAgain(["<sip:carol@192.0.2.60>\(Self.device)"]) {
            $0.add(named: "Authorization", answer)
            $0.add(named: "Supported", "gruu")
        }
        let response = try office.carol.expects(200)
        let gruus = try #require(GRUUs(response))
        for uri in [gruus.pub, gruus.temp] {
            let contact = Contact(try URI(uri))
            try office.bobInvites("sip:carol@biloxi.example.com") { $0.set(.contact, contact) }
            try office.bob.expects(403)
        }
    }
}

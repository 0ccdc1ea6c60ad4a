import LocationService
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Client-initiated connections (RFC 5626 §6, §7)")
struct OutboundTests {
    static let device = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""

    /// Registers one flow of Bob's device.
    static func registers(_ peer: ScriptedPeer, flow: Int, q: String = "") throws {
        try peer.registers(["<sip:bob@\(peer.place.listeners[0].address.ip):5060>\(Self.device);reg-id=\(flow)\(q)"]) {
            $0.add(named: "Supported", "path, outbound")
        }
        try peer.expects(200, for: .register)
    }

    @Test(
        "The 200 says that the binding is a flow, where the client knows what that is (§6)", arguments: [false, true])
    func require(isKnown: Bool) throws {
        let stage = Stage()
        stage.server { $0.registrar.flowTimer = 120 }
        let bob = try stage.bob()
        try bob.registers(["<sip:bob@192.0.2.201>\(Self.device);reg-id=1"]) {
            if isKnown { $0.add(named: "Supported", "path, outbound") }
        }
        let response = try bob.expects(200)
        #expect(response.values(named: "Require") == (isKnown ? ["outbound"] : []))
        #expect(response.values(named: "Flow-Timer") == (isKnown ? ["120"] : []))
        try stage.world.end()
    }

    @Test("Without reg-id nothing is said of outbound (§6)")
    func noRegID() throws {
        let stage = Stage()
        stage.server { $0.registrar.flowTimer = 120 }
        let bob = try stage.bob()
        try bob.registers(["<sip:bob@192.0.2.201>\(Self.device)"]) { $0.add(named: "Supported", "path, outbound") }
        let response = try bob.expects(200)
        #expect(!response.has(.require) && response.values(named: "Flow-Timer").isEmpty)
        try stage.world.end()
    }

    @Test(
        "Behind a first hop that does not say ob, a client that knows outbound gets 439 (§6)",
        arguments: [nil, "<sip:192.0.2.40;lr>", "<sip:192.0.2.40;lr;ob>, <sip:192.0.2.41;lr>"])
    func firstHop(path: String?) throws {
        let stage = Stage()
        stage.server()
        let bob = try stage.bob()
        try bob.registers(["<sip:bob@192.0.2.201>\(Self.device);reg-id=1"]) {
            $0.add(named: "Supported", "path, outbound")
            $0.add(named: "Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfirst")
            if let path { $0.add(named: "Path", path) }
        }
        try bob.expects(439)
        try stage.world.end()
    }

    @Test("For a client that does not know outbound, reg-id counts for nothing there (§6)")
    func ignored() throws {
        let stage = Stage()
        stage.server()
        let bob = try stage.bob()
        for line in 1...2 {
            try bob.registers(["<sip:bob@192.0.2.201;line=\(line)>\(Self.device);reg-id=1"]) {
                $0.add(named: "Supported", "path")
                $0.add(named: "Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfirst")
                $0.add(named: "Path", "<sip:192.0.2.40;lr>")
            }
            let response = try bob.expects(200)
            #expect(response.contacts.count == line && !response.has(.require))
        }
        try stage.world.end()
    }

    @Test("Behind a first hop that says ob, the flow is a binding of its own (§6)")
    func edge() throws {
        let stage = Stage()
        stage.server()
        let bob = try stage.bob()
        for line in 1...2 {
            try bob.registers(["<sip:bob@192.0.2.201;line=\(line)>\(Self.device);reg-id=1"]) {
                $0.add(named: "Supported", "path, outbound")
                $0.add(named: "Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfirst")
                $0.add(named: "Path", "<sip:192.0.2.41;lr>, <sip:192.0.2.40;lr;ob>")
            }
            let response = try bob.expects(200)
            #expect(response.contacts.count == 1 && response.values(named: "Require") == ["outbound"])
        }
        try stage.world.end()
    }

    @Test("A flow is registered with no other contact: 400 (§6)")
    func company() throws {
        let stage = Stage()
        stage.server()
        let bob = try stage.bob()
        try bob.registers(["<sip:bob@192.0.2.201>\(Self.device);reg-id=1", "<sip:bob@192.0.2.202>"])
        try bob.expects(400)
        // One that ends may be named with it.
        try bob.registers(["<sip:bob@192.0.2.201>\(Self.device);reg-id=1", "<sip:bob@192.0.2.202>;expires=0"])
        try bob.expects(200)
        try stage.world.end()
    }

    // MARK: Several flows of one device

    /// A device with two flows, of which the second was refreshed last, and Alice.
    struct TwoFlows {
        let stage = Stage()
        let alice: ScriptedPeer
        let first: ScriptedPeer
        let second: ScriptedPeer

        init(over transport: TransportProtocol = .udp, q: (String, String) = ("", "")) throws {
            self.stage.server()
            self.alice = try self.stage.alice()
            self.first = try self.stage.bob("first", at: "192.0.2.201", over: transport)
            self.second = try self.stage.bob("second", at: "192.0.2.202", over: transport)
            try OutboundTests.registers(self.first, flow: 1, q: q.0)
            try OutboundTests.registers(self.second, flow: 2, q: q.1)
        }
    }

    @Test(
        "Two flows of one device are one target: the one that was refreshed last is tried, and its answer counts (§7)")
    func oneTarget() throws {
        let flows = try TwoFlows()
        try flows.alice.invites()
        try flows.second.expects(.invite)
        try flows.second.sends(486)
        try flows.alice.expects(486)
        try flows.first.expectsNothing(for: .seconds(1))
        try flows.stage.world.end()
    }

    @Test("They are so whatever their q says (§7)")
    func oneTargetOfTwoQ() throws {
        let flows = try TwoFlows(q: (";q=1.0", ";q=0.2"))
        try flows.alice.invites()
        try flows.second.expects(.invite)
        try flows.second.sends(486)
        try flows.alice.expects(486)
        try flows.first.expectsNothing(for: .seconds(1))
        try flows.stage.world.end()
    }

    @Test("When the flow has failed, the other one is tried (§7)", arguments: [430, 408] as [UInt16])
    func failover(status: UInt16) throws {
        let flows = try TwoFlows()
        try flows.alice.invites()
        try flows.second.expects(.invite)
        try flows.second.sends(StatusCode(status))
        try flows.first.expects(.invite)
        try flows.first.sends(486)
        try flows.alice.expects(486)
        try flows.stage.world.end()
    }

    @Test("A flow that is silent is one that has failed (§7)")
    func silence() throws {
        let flows = try TwoFlows()
        flows.stage.world.partition(["second"])
        try flows.alice.invites()
        try flows.first.expects(.invite, within: .seconds(33))
        try flows.first.sends(486)
        try flows.alice.expects(486)
        try flows.stage.world.end()
    }

    @Test("A connection that has ended is passed over at once; when both have, the answer is 480 (§7)")
    func connections() throws {
        let flows = try TwoFlows(over: .tcp)
        flows.stage.world.resetConnections(between: "second", and: "proxy")
        flows.stage.world.run(for: .seconds(1))
        try flows.alice.invites()
        try flows.first.expects(.invite, within: .seconds(1))
        try flows.first.sends(486)
        try flows.alice.expects(486)
        flows.stage.world.resetConnections(between: "first", and: "proxy")
        flows.stage.world.run(for: .seconds(1))
        try flows.alice.invites()
        try flows.alice.expects(480, within: .seconds(1))
        try flows.stage.world.end()
    }

    @Test("Another device of the same user rings beside it")
    func twoDevices() throws {
        let flows = try TwoFlows()
        let desk = try flows.stage.bob("desk", at: "192.0.2.203")
        try desk.isRegistered()
        try flows.alice.invites()
        try flows.second.expects(.invite)
        try desk.expects(.invite)
        try flows.second.sends(430)
        try flows.first.expects(.invite)
        try desk.sends(480)
        try flows.first.sends(486)
        try flows.alice.expects(480)
        try flows.stage.world.end()
    }

    @Test("A call that is cancelled while a flow is tried goes to no other one")
    func cancelled() throws {
        let flows = try TwoFlows()
        try flows.alice.invites()
        try flows.second.expects(.invite)
        try flows.second.sends(180)
        try flows.alice.expects(180)
        try flows.alice.sends(.cancel)
        try flows.alice.expects(200, for: .cancel)
        try flows.second.expects(.cancel)
        try flows.second.sends(200, to: .cancel)
        try flows.second.sends(430, to: .invite)
        try flows.alice.expects(480)
        try flows.first.expectsNothing(for: .seconds(1))
        try flows.stage.world.end()
    }
}

import Foundation
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Requests within a dialog reach clients over their flows (RFC 5626 §5.3)")
struct DialogFlowTests {
    /// A device behind a NAT box of its own, which sends all that has no route to the proxy.
    static func device(
        _ name: String, _ uri: String, box: String, in stage: Stage, over transport: TransportProtocol = .udp
    ) throws -> ScriptedPeer {
        let number = stage.world.addTranslator(at: try #require(IPAddress(box)))
        let peer = stage.world.peer(
            name, at: "10.0.0.5", uri: try URI(uri), transport: transport, behind: number)
        peer.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), transport.defaultPort)
        return peer
    }

    /// A call from one to the other with requests in both directions.
    static func converse(_ caller: ScriptedPeer, _ callee: ScriptedPeer) throws {
        try caller.invites()
        try callee.expects(.invite)
        try callee.sends(200)
        try caller.expects(200)
        try caller.sends(.ack)
        try callee.expects(.ack)
        try callee.sends(.info)
        try caller.expects(.info)
        try caller.sends(200)
        try callee.expects(200)
        try caller.sends(.bye)
        try callee.expects(.bye)
        try callee.sends(200)
        try caller.expects(200)
    }

    @Test("Both ends behind NAT: ACK, INFO and BYE take the mappings", arguments: [1, 64])
    func translators(shards: Int) throws {
        let stage = Stage(shards: shards)
        stage.server()
        let alice = try Self.device("alice", "sip:alice@atlanta.example.com", box: "198.51.100.1", in: stage)
        let bob = try Self.device("bob", Place.bob, box: "198.51.100.2", in: stage)
        try bob.isRegistered()
        try Self.converse(alice, bob)
        try stage.world.end()
    }

    @Test(
        "An end on a connection is reached over it in both directions", arguments: [TransportProtocol.tcp, .tls, .ws])
    func streams(transport: TransportProtocol) throws {
        let stage = Stage()
        stage.server()
        let alice = try Self.device(
            "alice", "sip:alice@atlanta.example.com", box: "198.51.100.1", in: stage, over: transport)
        let bob = try Self.device("bob", Place.bob, box: "198.51.100.2", in: stage, over: transport)
        try bob.isRegistered(["<sip:bob@df7jal23ls0d.invalid;transport=\(transport)>"])
        try Self.converse(alice, bob)
        try stage.world.end()
    }

    @Test("A browser and a phone talk, whoever calls (RFC 7118 §5)", arguments: [false, true])
    func browser(isCallee: Bool) throws {
        let stage = Stage()
        stage.server()
        let browser = try Self.device(
            isCallee ? "bob" : "alice", isCallee ? Place.bob : "sip:alice@atlanta.example.com", box: "198.51.100.1",
            in: stage, over: .ws)
        let phone = isCallee ? try stage.alice() : try stage.bob()
        let callee = isCallee ? browser : phone
        try callee.isRegistered(isCallee ? ["<sip:bob@df7jal23ls0d.invalid;transport=ws>"] : nil)
        try Self.converse(isCallee ? phone : browser, callee)
        try stage.world.end()
    }

    @Test("Ends that everyone can reach are reached at their Contact: its host decides, also when the port is another")
    func reachable() throws {
        let stage = Stage()
        stage.server { $0.requires([.bob]) }
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try Self.register(bob)
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.all(.recordRoute).count == 1)
        let contact = try URI("sip:bob@192.0.2.201:5060;line=2")
        try bob.sends(200) { $0.set(.contact, Contact(contact)) }
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try alice.sends(.bye)
        #expect(try bob.expects(.bye).requestURI?.description == "sip:bob@192.0.2.201:5060;line=2")
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("A connection that has ended within a dialog: 430 at once (§5.3.1)")
    func deadFlow() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let bob = try Self.device("bob", Place.bob, box: "198.51.100.2", in: stage, over: .tcp)
        try bob.isRegistered()
        try Self.establish(alice, bob)
        stage.world.resetConnections(between: "bob", and: "proxy")
        stage.world.run(for: .seconds(1))
        try alice.sends(.bye)
        try alice.expects(430, within: .seconds(1))
        try stage.world.end()
    }

    @Test(
        "After a restart of the server the flow over UDP still holds, and that over TCP is lost",
        arguments: [false, true])
    func restart(isStream: Bool) throws {
        let stage = Stage()
        let server = stage.server()
        let alice = try stage.alice()
        let bob = try Self.device(
            "bob", Place.bob, box: "198.51.100.2", in: stage, over: isStream ? .tcp : .udp)
        try bob.isRegistered()
        try Self.establish(alice, bob)
        stage.world.crash("proxy")
        stage.world.restart("proxy", running: server.reborn { _ in false })
        stage.world.run(for: .seconds(1))
        try alice.sends(.bye)
        if isStream {
            try alice.expects(430, within: .seconds(1))
        } else {
            try bob.expects(.bye)
            try bob.sends(200)
            try alice.expects(200)
        }
        try stage.world.end()
    }

    @Test("A token that was changed, or that is another call's, is answered with 403 (§5.3.1)", arguments: 0..<6)
    func tampered(position: Int) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let bob = try Self.device("bob", Place.bob, box: "198.51.100.2", in: stage, over: .tcp)
        try bob.isRegistered()
        try Self.establish(alice, bob)
        try alice.sends(.info) { request in
            let routes = (try? request.message())?.values(named: "Route") ?? []
            request.remove(.route)
            for route in routes {
                let parts = route.components(separatedBy: ";d=")
                guard parts.count == 2 else { continue }
                // Each part of the token: flags, end point, run, connection, address, proof.
                var token = Array(parts[1])
                let changed = position * 7
                token[changed] = token[changed] == "A" ? "B" : "A"
                request.add(named: "Route", parts[0] + ";d=" + String(token))
            }
        }
        try alice.expects(403)
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }

    // MARK: What a token permits

    /// Registers a user who must prove who he is.
    static func register(_ peer: ScriptedPeer, as account: Account = .bob, _ contacts: [String]? = nil) throws {
        try peer.registers(contacts)
        let challenge = try peer.expects(401)
        let answer = try #require(account.answer(challenge, .register, "sip:\(account.domain)"))
        try peer.registersAgain(contacts) { $0.add(named: "Authorization", answer) }
        try peer.expects(200)
    }

    static func establish(_ caller: ScriptedPeer, _ callee: ScriptedPeer) throws {
        try caller.invites()
        try callee.expects(.invite)
        try callee.sends(200)
        try caller.expects(200)
        try caller.sends(.ack)
        try callee.expects(.ack)
    }

    @Test(
        "The token of one's own dialog opens no way to another address, whatever To tag and Route one invents",
        arguments: [false, true])
    func invented(isRouted: Bool) throws {
        let stage = Stage()
        stage.server { $0.requires([.bob]) }
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try Self.register(bob)
        let victim = try stage.peer("victim", at: "192.0.2.70", "sip:+15550100@192.0.2.70")
        try Self.establish(alice, bob)
        let to = NameAddress(try URI("sip:+15550100@192.0.2.70"), parameters: ["tag": "invented"])
        let target = try URI("sip:+15550100@192.0.2.70")
        try alice.sends(.invite) {
            $0.set(.to, to)
            if isRouted {
                $0.add(named: "Route", "<sip:192.0.2.70;lr>")
            } else {
                $0.retarget(target)
            }
        }
        // It goes to the dialog's own end or nowhere.
        try victim.expectsNothing(for: .seconds(1))
    }
}

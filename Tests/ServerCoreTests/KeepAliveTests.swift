import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Devices behind NAT boxes stay in reach (RFC 4787, RFC 5626 §3.5)")
struct KeepAliveTests {
    /// Bob behind a NAT box that forgets him after a minute, and a server that pings him or does not.
    struct Household {
        let stage = Stage()
        let bob: ScriptedPeer

        init(_ keepAlive: ServerSettings.KeepAlive?, _ edit: (inout AddressTranslator.Behaviour) -> Void = { _ in })
            throws
        {
            self.stage.server { $0.keepAlive = keepAlive }
            var behaviour = AddressTranslator.Behaviour()
            behaviour.timeout = .seconds(60)
            edit(&behaviour)
            let world = self.stage.world
            let box = world.addTranslator(at: try #require(IPAddress("198.51.100.2")), behaviour)
            self.bob = world.peer("bob", at: "10.0.0.5", uri: try URI(Place.bob), behind: box)
            self.bob.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
            try self.bob.registers { $0.set(.expires, 7200) }
            try self.bob.expects(200, for: .register)
        }
    }

    @Test("A phone behind a box that forgets after 60 s is called after an hour, since it is asked for its options")
    func staysReachable() throws {
        let household = try Household(ServerSettings.KeepAlive())
        let (stage, bob) = (household.stage, household.bob)
        // 3600 s at one OPTIONS in 25 to 26.
        for _ in 0..<140 {
            let options = try bob.expects(.options, within: .seconds(26))
            #expect(options.requestURI?.sip?.host.name == "10.0.0.5")
            try bob.sends(200)
        }
        #expect(stage.world.now.since(.start) >= .seconds(3500))
        #expect(stage.world.now.since(.start) <= .seconds(3600))
        try stage.alice().invites()
        try bob.expects(.invite)
    }

    @Test("Without pings the box has forgotten the phone after a minute, so that the test above means something")
    func isForgotten() throws {
        let household = try Household(nil)
        household.stage.world.run(for: .seconds(61))
        try household.stage.alice().invites()
        try household.bob.expectsNothing(for: .seconds(32))
    }

    @Test("Where what comes in keeps a mapping alive, empty lines do")
    func emptyLines() throws {
        let household = try Household(ServerSettings.KeepAlive(method: .emptyLines)) {
            $0.isRefreshedFromOutside = true
        }
        household.stage.world.run(for: .seconds(3600))
        try household.stage.alice().invites()
        try household.bob.expects(.invite)
    }

    @Test("A phone whose Contact names where its REGISTER came from is not pinged, nor is one on a connection")
    func leavesOthersAlone() throws {
        let stage = Stage()
        stage.server { $0.keepAlive = ServerSettings.KeepAlive() }
        let (direct, connected) = (try stage.bob(), try stage.bob("connected", at: "192.0.2.202", over: .tcp))
        try direct.isRegistered()
        try connected.isRegistered(["<sip:bob@df7jal23ls0d.invalid;transport=tcp>"])
        try direct.expectsNothing(for: .seconds(60))
        try connected.expectsNothing(for: .seconds(60))
    }

    @Test("Pings end with the binding", arguments: [1, 64])
    func ends(shards: Int) throws {
        let stage = Stage(shards: shards)
        stage.server { $0.keepAlive = ServerSettings.KeepAlive(method: .emptyLines) }
        let box = stage.world.addTranslator(at: try #require(IPAddress("198.51.100.2")))
        let bob = stage.world.peer("bob", at: "10.0.0.5", uri: try URI(Place.bob), behind: box)
        bob.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        try bob.registers { $0.set(.expires, 120) }
        try bob.expects(200, for: .register)
        try stage.world.end(limit: .seconds(180))
        #expect(stage.world.isAtRest)
    }
}

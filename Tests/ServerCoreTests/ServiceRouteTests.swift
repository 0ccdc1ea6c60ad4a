import LocationService
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

/// The network of chapter 5.10 of the handbook: a client in a visited network, whose proxy P1 passes on to the edge proxy P2
/// of its home, behind which the home service proxy HSP is the registrar. The messages are those printed there; what
/// they leave out (`...`) is not looked at, and Call-ID and CSeq of the INVITE are the client's own.
@Suite("Service-Route and Path from a visited network to the home (RFC 3608 §6.4, RFC 3327 §5.5)")
struct ServiceRouteTests {
    static let home = "home.example.com"
    static let visited = "visited.example.org"
    static let p1 = "192.0.2.11"
    static let p2 = "192.0.2.12"
    static let hsp = "192.0.2.13"

    /// Three servers, and the two clients.
    struct Network {
        let stage = Stage()
        let ua1: ScriptedPeer
        let ua2: ScriptedPeer

        init() throws {
            let home = ServiceRouteTests.home
            Self.server(self.stage, "P1", "p1.\(ServiceRouteTests.visited)", ServiceRouteTests.p1, []) {
                $0.homes = Self.homes("sip:p2.\(home);lr", isOnPath: false)
                $0.requiresAuthentication = true
            }
            Self.server(self.stage, "P2", "p2.\(home)", ServiceRouteTests.p2, []) {
                $0.homes = Self.homes("sip:hsp.\(home);lr", isOnPath: true)
                $0.requiresAuthentication = true
            }
            Self.server(self.stage, "HSP", "hsp.\(home)", ServiceRouteTests.hsp, [home]) {
                $0.registrar.requiresPathSupport = false
                $0.registrar.serviceRoute = Array("<sip:p2.\(home);lr>,<sip:hsp.\(home);lr>".utf8)
            }
            self.ua1 = try self.stage.peer(
                "ua1", at: "192.0.2.21", "sip:UA1@\(home)", by: ServiceRouteTests.p1)
            self.ua2 = try self.stage.peer("ua2", at: "192.0.2.22", "sip:UA2@\(home)", by: ServiceRouteTests.p2)
            for (name, address) in [
                ("uaddr1.\(ServiceRouteTests.visited)", "192.0.2.21"), ("uaddr2.\(home)", "192.0.2.22"),
            ] {
                self.stage.world.services.dns.add(name, .address(try #require(IPAddress(address))))
            }
        }

        private static func homes(_ proxy: String, isOnPath: Bool) -> [HomeDomain] {
            var home = HomeDomain(ServiceRouteTests.home, proxy: proxy)
            // The printed REGISTER says nothing of Path.
            home?.requiresPathSupport = false
            home?.isOnPath = isOnPath
            return home.map { [$0] } ?? []
        }

        private static func server(
            _ stage: Stage, _ name: String, _ host: String, _ address: String, _ domains: [String],
            _ edit: (inout ServerSettings) -> Void
        ) {
            let ip = IPAddress(address) ?? .loopback
            stage.world.services.dns.add(host, .address(ip))
            stage.server(name, at: address, domains) {
                $0.proxy.endpoints = SimulatedListener.standard(ip).map {
                    Endpoint($0.transport, local: $0.address, advertised: Host(host))
                }
                edit(&$0)
            }
        }

        /// Registers UA1 as printed.
        func registerUA1() throws -> SIPMessage {
            try self.ua1.sends(.register, to: try URI("sip:\(ServiceRouteTests.home)")) {
                $0.set(.to, NameAddress(self.ua1.uri, displayName: "Lawyer"))
                $0.set(.callID, CallID("843817637684230@998sdasdh09"))
                $0.set(.cseq, CSeq(1826, .register))
                $0.remove(.contact)
                $0.add(named: "Contact", "<sip:UA1@UADDR1.VISITED.EXAMPLE.ORG>")
            }
            return try self.ua1.expects(200)
        }

        /// Registers UA2 through the edge proxy, which is on its Path.
        func registerUA2() throws -> SIPMessage {
            try self.ua2.registers(["<sip:UA2@UADDR2.HOME.EXAMPLE.COM>"]) { $0.add(named: "Supported", "path") }
            return try self.ua2.expects(200)
        }
    }

    /// The URIs of a field, without the tokens in them and in lower case.
    static func uris(_ key: FieldKey<NameAddress>, of message: SIPMessage) -> [String] {
        message.all(key).map { address in
            var uri = address.uri
            if case .sip(var sip) = uri {
                sip.parameters["d"] = nil
                uri = .sip(sip)
            }
            return uri.description.lowercased()
        }
    }

    @Test("REGISTER: over P1 and P2 to the registrar, which answers with the Service-Route of edge and home proxy")
    func register() throws {
        let network = try Network()
        let response = try network.registerUA1()
        #expect(
            response.values(named: "Service-Route").joined(separator: ",")
                == "<sip:p2.home.example.com;lr>,<sip:hsp.home.example.com;lr>")
        #expect(response.first(.callID)?.value == "843817637684230@998sdasdh09")
        #expect(response.first(.cseq) == CSeq(1826, .register))
        #expect(response.all(.contact).compactMap { $0.uri?.description } == ["sip:UA1@UADDR1.VISITED.EXAMPLE.ORG"])
        #expect(response.first(.to)?.tag != nil && !response.has(.path))
        #expect(response.all(.via).count == 1)
        try network.stage.world.end()
        #expect(
            network.stage.flow() == [
                "ua1>P1 REGISTER 1826", "P1>P2 REGISTER 1826", "P2>HSP REGISTER 1826", "HSP>P2 200 OK REGISTER 1826",
                "P2>P1 200 OK REGISTER 1826", "P1>ua1 200 OK REGISTER 1826",
            ])
    }

    @Test("INVITE with the service route: P1, edge proxy, home service proxy, edge proxy, UA2")
    func invite() throws {
        let network = try Network()
        let response = try network.registerUA1()
        let path = try network.registerUA2()
        #expect(Self.uris(.path, of: path) == ["sip:p2.home.example.com;lr;ob"])
        let start = network.stage.flow().count
        let serviceRoute = response.values(named: "Service-Route")
        let contact = Contact(try URI("sip:UA1@UADDR1.VISITED.EXAMPLE.ORG"))
        try network.ua1.invites("sip:UA2@HOME.EXAMPLE.COM") {
            $0.set(.contact, contact)
            for route in serviceRoute { $0.add(named: "Route", route) }
        }
        let invite = try network.ua2.expects(.invite)
        // The edge proxy is passed twice: the Vias and Record-Routes of the printed message, and its own on top.
        #expect(invite.requestURI?.description == "sip:UA2@UADDR2.HOME.EXAMPLE.COM")
        #expect(
            invite.all(.via).dropFirst().map { "\($0.host.name.lowercased()):\($0.port ?? 0)" } == [
                "hsp.home.example.com:5060", "p2.home.example.com:5060", "p1.visited.example.org:5060",
                "192.0.2.21:5060",
            ])
        #expect(invite.all(.via).allSatisfy { $0.transport == .udp })
        #expect(
            Array(Self.uris(.recordRoute, of: invite).dropFirst()) == [
                "sip:hsp.home.example.com;lr", "sip:p2.home.example.com;lr", "sip:p1.visited.example.org;lr",
            ])
        #expect(!invite.has(.route))
        #expect(invite.all(.contact).compactMap { $0.uri?.description } == ["sip:UA1@UADDR1.VISITED.EXAMPLE.ORG"])
        try network.ua2.sends(200)
        try network.ua1.expects(200)
        try network.ua1.sends(.ack)
        try network.ua2.expects(.ack)
        try network.ua2.sends(.bye)
        try network.ua1.expects(.bye)
        try network.ua1.sends(200)
        try network.ua2.expects(200)
        try network.stage.world.end()
        let calls = network.stage.flow(from: start).filter { !$0.contains(" 100 ") }
        #expect(
            calls == [
                "ua1>P1 INVITE 1", "P1>P2 INVITE 1", "P2>HSP INVITE 1", "HSP>P2 INVITE 1", "P2>ua2 INVITE 1",
                "ua2>P2 200 OK INVITE 1", "P2>HSP 200 OK INVITE 1", "HSP>P2 200 OK INVITE 1",
                "P2>P1 200 OK INVITE 1", "P1>ua1 200 OK INVITE 1", "ua1>P1 ACK 1", "P1>P2 ACK 1", "P2>HSP ACK 1",
                "HSP>P2 ACK 1", "P2>ua2 ACK 1", "ua2>P2 BYE 1", "P2>HSP BYE 1", "HSP>P2 BYE 1", "P2>P1 BYE 1",
                "P1>ua1 BYE 1", "ua1>P1 200 OK BYE 1", "P1>P2 200 OK BYE 1", "P2>HSP 200 OK BYE 1",
                "HSP>P2 200 OK BYE 1", "P2>ua2 200 OK BYE 1",
            ])
    }
}

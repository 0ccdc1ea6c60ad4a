import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import Testing

@Suite("What the server does with the messages of RFC 4475 and RFC 5118")
struct TortureTests {
    /// What the server does with a message that comes over UDP, when it is the registrar and proxy of the domain in its
    /// Request-URI and the user there has one device.
    enum Reaction: Hashable, Sendable {
        /// Nothing at all is sent.
        case discards
        /// It goes on to the user's device.
        case forwards
        /// It is answered with one of these; the first is the one that the RFC prefers.
        case answers([UInt16])
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let file: String
        let section: String
        let reaction: Reaction
        /// The AOR to which the device is bound, where the message names a user.
        let user: String?
        var testDescription: String { "\(self.file) (\(self.section))" }

        init(_ file: String, _ section: String, _ reaction: Reaction, user: String? = nil) {
            (self.file, self.section, self.reaction, self.user) = (file, section, reaction, user)
        }
    }

    /// RFC 4475 §3, in its order.
    static let rfc4475: [Case] = [
        // Two Routes lead elsewhere: services.example.com is a name that nobody here knows.
        Case("wsinv", "3.1.1.1", .answers([404, 480])),
        Case("intmeth", "3.1.1.2", .answers([404, 480, 501])),
        Case("esc01", "3.1.1.3", .forwards, user: "sip:sips%3Auser%40example.com@example.net"),
        Case("escnull", "3.1.1.4", .answers([200])),
        // To no user: the server itself is the endpoint, which does not know the method.
        Case("esc02", "3.1.1.5", .answers([501])),
        Case("lwsdisp", "3.1.1.6", .forwards, user: "sip:user@example.com"),
        Case("longreq", "3.1.1.7", .forwards, user: "sip:user@example.com"),
        Case("dblreq", "3.1.1.8", .answers([200])),
        Case("semiuri", "3.1.1.9", .forwards, user: "sip:user;par=u%40example.net@example.com"),
        Case("transports", "3.1.1.10", .forwards, user: "sip:user@example.com"),
        // By its Route, to a strict router at an address.
        Case("mpart01", "3.1.1.11", .forwards),
        Case("unreason", "3.1.1.12", .discards),
        Case("noreason", "3.1.1.13", .discards),
        Case("badinv01", "3.1.2.1", .answers([400])),
        Case("clerr", "3.1.2.2", .answers([400])),
        Case("ncl", "3.1.2.3", .answers([400])),
        Case("scalar02", "3.1.2.4", .answers([400])),
        Case("scalarlg", "3.1.2.5", .discards),
        Case("quotbal", "3.1.2.6", .answers([400])),
        Case("ltgtruri", "3.1.2.7", .answers([400])),
        Case("lwsruri", "3.1.2.8", .answers([400])),
        Case("lwsstart", "3.1.2.9", .answers([400])),
        Case("trws", "3.1.2.10", .answers([400])),
        Case("escruri", "3.1.2.11", .answers([400])),
        // Rejecting is discouraged where Date does not matter; to a proxy it does not.
        Case("baddate", "3.1.2.12", .forwards, user: "sip:user@example.com"),
        Case("regbadct", "3.1.2.13", .answers([400])),
        Case("badaspec", "3.1.2.14", .answers([400])),
        Case("baddn", "3.1.2.15", .answers([400])),
        Case("badvers", "3.1.2.16", .answers([505])),
        Case("mismatch01", "3.1.2.17", .answers([400])),
        Case("mismatch02", "3.1.2.18", .answers([501, 400])),
        Case("bigcode", "3.1.2.19", .discards),
        Case("badbranch", "3.2.1", .forwards, user: "sip:user@example.com"),
        Case("insuf", "3.3.1", .answers([400])),
        Case("unkscm", "3.3.2", .answers([416])),
        Case("novelsc", "3.3.3", .answers([416])),
        Case("unksm2", "3.3.4", .answers([400])),
        Case("bext01", "3.3.5", .answers([420]), user: "sip:user@example.com"),
        // As a proxy it has no opinion on bodies.
        Case("invut", "3.3.6", .forwards, user: "sip:user@example.com"),
        Case("regaut01", "3.3.7", .answers([200])),
        Case("multi01", "3.3.8", .answers([400])),
        Case("mcl01", "3.3.9", .answers([400])),
        Case("bcast", "3.3.10", .discards),
        Case("zeromf", "3.3.11", .answers([483]), user: "sip:user@example.com"),
        Case("cparam01", "3.3.12", .answers([200])),
        Case("cparam02", "3.3.13", .answers([200])),
        Case("regescrt", "3.3.14", .answers([200])),
        Case("sdp01", "3.3.15", .forwards, user: "sip:user@example.com"),
        Case("inv2543", "3.4.1", .forwards, user: "sip:UserB@example.com"),
    ]

    /// RFC 5118 §4, in its order. The host of each is the server.
    static let rfc5118: [Case] = [
        Case("ipv6-good", "4.1", .answers([200])),
        Case("ipv6-bad", "4.2", .answers([400])),
        Case("port-ambiguous", "4.3", .answers([200])),
        Case("port-unambiguous", "4.4", .answers([200])),
        // BYE to the server itself, which is in no dialog.
        Case("via-received-param-with-delim", "4.5", .answers([481, 405])),
        Case("via-received-param-no-delim", "4.5", .answers([200])),
        Case("ipv6-in-sdp", "4.6", .forwards, user: "sip:user@[2001:db8::10]"),
        Case("mult-ip-in-header", "4.7", .forwards, user: "sip:user@host.example.net"),
        Case("mult-ip-in-sdp", "4.8", .forwards, user: "sip:user@[2001:db8::10]"),
        Case("ipv4-mapped-ipv6", "4.9", .forwards, user: "sip:user@example.com"),
        // Well formed, and an address that no end point of this server reaches.
        Case("ipv6-bug-abnf-3-colons", "4.10", .answers([400, 500])),
        Case("ipv6-correct-abnf-2-colons", "4.10", .answers([500])),
    ]

    /// A server that is responsible for every host in a Request-URI or To of these messages.
    static func server(_ stage: Stage) {
        let domains = [
            "example.com", "example.net", "example.org", "registrar.example.com", "company.com",
            "chair-dnrc.example.com", "host.example.net", "2001:db8::10", "2001:db8::10:5070",
        ]
        stage.server("proxy", at: Place.proxy, domains) { $0.ports = [5070] }
    }

    @Test("Each is treated as its section says", arguments: Self.rfc4475 + Self.rfc5118)
    func reaction(_ torture: Case) throws {
        let stage = Stage()
        Self.server(stage)
        if let user = torture.user {
            let device = try stage.peer("device", at: "192.0.2.201", "sip:device@192.0.2.201")
            try device.sends(.register, to: try URI("sip:example.com")) { request in
                request.remove(named: "To")
                request.add(named: "To", "<\(user)>")
                // To the domain of the user, which is another one than that of the peer.
            }
            try device.expects(200)
        }
        // Where nobody listens an answer would be sent once more, to where sent-by leads (RFC 3263 §5).
        _ = try stage.peer("sender", at: "192.0.2.99", "sip:sender@192.0.2.99")
        let octets = try TortureMessage(torture.file).octets
        let sent = try Self.sent(by: "proxy", after: octets, in: stage.world)
        // What waits for the DNS is answered later.
        let known = stage.world.ladder.lines.count
        stage.world.run(for: .milliseconds(100))
        let later = stage.world.ladder.lines.dropFirst(known).compactMap { UInt16($0.label.prefix(3)) }
        let forwarded = sent.filter { $0.isRequest }
        let statuses = sent.compactMap { $0.status?.number }.filter { $0 > 100 } + (forwarded.isEmpty ? later : [])
        switch torture.reaction {
        case .discards: #expect(sent.isEmpty)
        case .forwards: #expect(forwarded.count == 1 && statuses.isEmpty, "\(sent)")
        case .answers(let allowed):
            #expect(forwarded.isEmpty && statuses.count == 1 && allowed.contains(statuses[0]), "\(sent)")
        }
    }

    /// What a host sends at once when a message comes over UDP.
    static func sent(by host: String, after octets: [UInt8], in world: SimulatedWorld) throws -> [SIPMessage] {
        let sender = SocketAddress(try #require(IPAddress("192.0.2.99")), 5060)
        var sent: [[UInt8]] = []
        world.perform(as: host) { node, outbox in
            let flow = Flow(endpoint: 0, transport: .udp, remote: sender)
            node.receive(octets.span, over: flow, at: world.now, into: &outbox)
            sent = outbox.messages.map { Array(outbox.octets[$0.range.range]) }
        }
        return try sent.map { octets throws in try SIPMessage(parsing: octets) }
    }

    @Test("Every message of the archives is in the table", arguments: ["rfc4475", "rfc5118"])
    func tableIsComplete(folder: String) throws {
        let cases = folder == "rfc4475" ? Self.rfc4475 : Self.rfc5118
        #expect(try TortureMessage.names(of: folder) == cases.map(\.file).sorted())
    }
}

import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("What an endpoint does with the messages of RFC 4475 that ask more of it than of a proxy")
struct EndpointTortureTests {
    /// What it answers at first; `nil` for nothing.
    static let cases: [(file: String, status: UInt16?)] = [
        // Well-formed, but its To has a tag of a dialog that is not there (RFC 3261 §12.2.2).
        ("wsinv", 481),
        // Methods that nobody knows.
        ("intmeth", 501), ("esc02", 501),
        // Require and Proxy-Require name what nobody knows; a UAS looks at the first only.
        ("bext01", 420),
        ("invut", 415),
        ("regaut01", 405),
        // Two Via values: it is not for us (§8.1.3.3).
        ("bcast", nil),
        // Max-Forwards is of no interest to the one whom the request has reached.
        ("zeromf", 200),
        ("sdp01", 406),
    ]

    @Test("Each is treated as its section says", arguments: Self.cases)
    func reaction(file: String, status: UInt16?) throws {
        let world = SimulatedWorld(seed: 1)
        let ip = try #require(IPAddress("192.0.2.201"))
        world.addHost("bob", listening: SimulatedListener.standard(ip), running: SimulatedAgent())
        let sent = try TortureTests.sent(by: "bob", after: try TortureMessage(file).octets, in: world)
        #expect(sent.first?.status?.number == status)
        guard let answer = sent.first else { return }
        switch status {
        case 501, 405: #expect(answer.all(.allow).contains(.invite))
        case 420: #expect(answer.all(.unsupported) == ["nothingSupportsThis", "nothingSupportsThisEither"])
        case 415: #expect(answer.all(.accept).contains(MediaType("application", "sdp")))
        default: break
        }
    }
}

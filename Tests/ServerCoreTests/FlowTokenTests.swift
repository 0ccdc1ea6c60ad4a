import ProxyCore
import SIPMessages
import Testing

@Suite("Flow tokens (RFC 5626 §5.2)")
struct FlowTokenTests {
    static let key = SipHashKey(11, 13)
    static let configuration: ProxyConfiguration = {
        let local = SocketAddress(IPAddress("192.0.2.222") ?? .loopback, 5060)
        var configuration = ProxyConfiguration(
            endpoints: [Endpoint(.udp, local: local), Endpoint(.tcp, local: local)])
        configuration.generation = 7
        return configuration
    }()

    static func flow(_ ip: String, _ endpoint: UInt16 = 0, connection: UInt32 = 0, mayConnect: Bool = false) -> Flow {
        var flow = Flow(
            endpoint: endpoint, transport: endpoint == 0 ? .udp : .tcp, connection: connection,
            remote: SocketAddress(IPAddress(ip) ?? .loopback, 40_000))
        flow.mayConnect = mayConnect
        return flow
    }

    static func side(_ flow: Flow?, pinned: Bool = false, user: Bool = false, hop: UInt32 = 0) -> DialogSide {
        var side = DialogSide()
        (side.flow, side.isPinned, side.isUser, side.hop) = (flow, pinned, user, hop)
        return side
    }

    static let tokens = [
        FlowToken(
            caller: side(flow("198.51.100.1"), pinned: true),
            callee: side(flow("2001:db8::7", 1, connection: 9), pinned: true)),
        FlowToken(caller: side(nil, hop: 5), callee: side(nil, hop: .max)),
        FlowToken(
            caller: side(flow("198.51.100.1", 1, connection: 3, mayConnect: true), pinned: true, user: true, hop: 1),
            callee: side(flow("198.51.100.2"), user: true, hop: 77)),
        FlowToken(caller: side(nil), callee: side(nil)),
    ]

    static func text(_ token: FlowToken, _ configuration: ProxyConfiguration = Self.configuration) -> [UInt8] {
        var text: [UInt8] = []
        token.write(for: 99, configuration, key: self.key, into: &text)
        return text
    }

    static func read(
        _ text: [UInt8], for subject: UInt64 = 99, _ configuration: ProxyConfiguration = Self.configuration,
        key: SipHashKey = Self.key
    ) -> FlowToken? {
        FlowToken(text.span, 0..<text.count, for: subject, configuration, key: key)
    }

    @Test("What is written is read again", arguments: tokens)
    func roundTrip(token: FlowToken) {
        let text = Self.text(token)
        #expect(Self.read(text) == token)
    }

    @Test("Any change of any octet, and another dialog or key, is noticed", arguments: tokens)
    func tampered(token: FlowToken) {
        let text = Self.text(token)
        for i in text.indices {
            var changed = text
            changed[i] = changed[i] == 0x41 ? 0x42 : 0x41
            #expect(Self.read(changed) == nil)
            #expect(Self.read(Array(text[..<i])) == nil)
        }
        #expect(Self.read(text, for: 98) == nil)
        #expect(Self.read(text, key: SipHashKey(11, 14)) == nil)
    }

    @Test("A connection of an earlier run is lost, unless another may take its place")
    func laterRun() throws {
        var later = Self.configuration
        later.generation = 8
        func reread(_ token: FlowToken) throws -> FlowToken {
            let text = Self.text(token)
            return try #require(Self.read(text, later))
        }
        #expect(try reread(Self.tokens[0]).callee.flow?.connection == Flow.lostConnection)
        #expect(try reread(Self.tokens[0]).caller == Self.tokens[0].caller)
        #expect(try reread(Self.tokens[2]).caller.flow?.connection == 0)
    }

    @Test("A token of an address that the server has no more is none")
    func otherAddress() {
        var moved = Self.configuration
        moved.endpoints[1] = Endpoint(.tcp, local: SocketAddress(.loopback, 5060))
        let text = Self.text(Self.tokens[0])
        #expect(Self.read(text, moved) == nil)
        moved.endpoints.removeLast()
        #expect(Self.read(text, moved) == nil)
    }
}

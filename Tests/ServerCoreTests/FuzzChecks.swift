// What must hold for any flow token. The fuzz target and the test that replays its inputs call the same function.

import ProxyCore
import SIPMessages

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

private let key = SipHashKey(11, 13)
private let configuration: ProxyConfiguration = {
    let local = SocketAddress(.loopback, 5060)
    var configuration = ProxyConfiguration(
        endpoints: [Endpoint(.udp, local: local), Endpoint(.tcp, local: local)])
    configuration.generation = 7
    return configuration
}()

/// Octets that we have not written are no token; a token of any two ends reads back equal, and not when an octet of it
/// is another.
func fuzzFlowToken(_ octets: [UInt8]) {
    let stray = FlowToken(octets.span, 0..<octets.count, for: 99, configuration, key: key)
    var position = 0
    func next(_ count: Int) -> UInt64 {
        var number: UInt64 = 0
        for _ in 0..<count where position < octets.count {
            number = number << 8 | UInt64(octets[position])
            position += 1
        }
        return number
    }
    func side() -> DialogSide {
        let flags = next(1)
        var side = DialogSide()
        (side.isPinned, side.isUser) = (flags & 1 != 0, flags & 2 != 0)
        if flags & 4 != 0 { side.hop = UInt32(truncatingIfNeeded: next(4)) }
        // Only the flow of an end that needs one is written.
        guard flags & 8 != 0, flags & 3 != 0 else { return side }
        let isStream = flags & 16 != 0
        let ip = flags & 32 != 0 ? IPAddress(v6: next(8), next(8)) : IPAddress(v4: UInt32(truncatingIfNeeded: next(4)))
        var flow = Flow(
            endpoint: isStream ? 1 : 0, transport: isStream ? .tcp : .udp,
            connection: isStream ? UInt32(truncatingIfNeeded: next(4)) : 0,
            remote: SocketAddress(ip, UInt16(truncatingIfNeeded: next(2))))
        flow.mayConnect = flags & 64 != 0
        side.flow = flow
        return side
    }
    let token = FlowToken(caller: side(), callee: side())
    var text: [UInt8] = []
    token.write(for: 99, configuration, key: key, into: &text)
    require(stray == nil || octets == text, "nobody else writes a token")
    let read = FlowToken(text.span, 0..<text.count, for: 99, configuration, key: key)
    require(read == token, "what is written reads back equal")
    let changed = Int(next(2)) % text.count
    text[changed] = text[changed] == 0x41 ? 0x42 : 0x41
    let forged = FlowToken(text.span, 0..<text.count, for: 99, configuration, key: key)
    require(forged == nil, "a changed token is none")
}

import SIPMessages
import SIPSimulation
import Testing

@Suite("Sessions that are not established, message by message (RFC 3665 §3.8-3.11)")
struct RefusedSessionFlowTests {
    /// Alice, who has been challenged by Proxy 1 before, both proxies and Bob.
    ///
    /// Proxy 1 has one shard: each has its own nonces, so with several it would ask once more, and let the nonce be stale.
    private static func neighbours(over transport: TransportProtocol = .udp) throws -> Neighbours {
        let neighbours = try Neighbours.all(over: transport)
        try neighbours.cast.authenticates("alice", to: Place.bob)
        neighbours.cast.begins()
        return neighbours
    }

    private static func flow(_ section: String, lastACK: String) throws -> PrintedFlow {
        var flow = try PrintedFlow(section)
        flow.amendFailureACK(lastACK, route: "sip:ss1.atlanta.example.com;lr")
        flow.move("F3", before: "F2")
        flow.move("F5", before: "F4")
        return flow
    }

    @Test("Unsuccessful, no answer: Alice cancels (§3.8)")
    func noAnswer() throws {
        let neighbours = try Self.neighbours()
        var flow = try Self.flow("3.8", lastACK: "F20")
        flow.amend(
            "F10", "F12", because: "a 200 has a tag in To, that of a CANCEL too (RFC 3261 §8.2.6.2, §9.2)"
        ) {
            $0.toTag = $0.way
        }
        flow.amend("F11", because: "a CANCEL has the Request-URI of its INVITE (RFC 3261 §9.1): a slip") {
            $0.start = "CANCEL sip:bob@biloxi.example.com"
        }
        let tag = flow["F15"]?.toTag
        flow.amend("F14", because: "Bob's tag is the one of his answer to the INVITE (RFC 3261 §9.2)") {
            $0.toTag = tag
        }
        let branches = flow["F2"].map { [$0.branches[0]] } ?? []
        flow.amend(
            "F18", because: "the Via of an ACK to a failure is the one of its INVITE (RFC 3261 §17.1.1.3): a slip"
        ) {
            $0.vias = ["udp ss1.atlanta.example.com"]
            $0.branches = branches
        }
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }

    @Test("Unsuccessful, busy (§3.9)")
    func busy() throws {
        let neighbours = try Self.neighbours(over: .tcp)
        var flow = try Self.flow("3.9", lastACK: "F11")
        flow.amendRecordRoutes()
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }

    @Test("Unsuccessful, no response from the user agent: seven copies, then 408 (§3.10)")
    func noResponse() throws {
        let neighbours = try Self.neighbours()
        var flow = try Self.flow("3.10", lastACK: "F15")
        // What nobody answers counts as 408 (RFC 3261 §16.9, §16.8), which the RFC that prints 480 is a companion of.
        flow.amend("F12", "F14", because: "silence counts as 408 (RFC 3261 §16.9)") { $0.start = "408" }
        neighbours.cast.silences("bob")
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }

    @Test("Unsuccessful, temporarily unavailable (§3.11)")
    func unavailable() throws {
        let neighbours = try Self.neighbours()
        let flow = try Self.flow("3.11", lastACK: "F14")
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }
}

public import SIPMessages

/// Audio that flows one way only, with the addresses that were seen.
public struct OneWayAudio: Hashable, Sendable, CustomStringConvertible {
    /// Which direction is dead.
    public var finding: FlowWatch.Finding
    /// The address of the peer's description.
    public var described: SocketAddress?
    /// Where its packets come from; `nil` where none has come.
    public var source: SocketAddress?
    /// Where ours go.
    public var destination: SocketAddress?
    /// Where packets come from that are not taken; `nil` where there are none.
    public var elsewhere: SocketAddress?
    /// What is wrong with the protection of the packets; `nil` where nothing is.
    public var problem: String?

    /// What was seen.
    public init(
        finding: FlowWatch.Finding, described: SocketAddress? = nil, source: SocketAddress? = nil,
        destination: SocketAddress? = nil, elsewhere: SocketAddress? = nil, problem: String? = nil
    ) {
        (self.finding, self.described, self.source) = (finding, described, source)
        (self.destination, self.elsewhere, self.problem) = (destination, elsewhere, problem)
    }

    /// What is wrong, in words, with the addresses.
    public var description: String {
        let described = self.described.map { "\($0)" } ?? "nowhere"
        let destination = self.destination.map { "\($0)" } ?? "nowhere"
        var text: String
        switch self.finding {
        case .nothingComes:
            let patience = FlowWatch.patience.nanoseconds / 1_000_000_000
            text =
                self.source.map { "nothing has come from \($0) for \(patience) s" }
                ?? "nothing has come in \(patience) s: the other side says that it is at \(described)"
            text += "; ours goes to \(destination)"
        case .nothingArrives:
            text = "the other side hears nothing of us, by its reports: ours goes to \(destination)"
            if let source { text += ", its comes from \(source)" }
            if destination != described { text += ", and it says that it is at \(described)" }
        }
        if let elsewhere { text += "; packets from \(elsewhere) are not taken" }
        if let problem { text += "; \(problem)" }
        return text
    }
}

import SIPMessages
import Synchronization

/// Which addresses of the machine have gone since they were seen: their interface is down, or they are another's now.
///
/// The system refuses datagrams that should leave from such an address, but takes what is written to a connection, and sends
/// it again and again for a quarter of an hour. What would go over one is therefore as good as lost until the address is back
/// (RFC 5626 §5.3).
final class AddressWatch: Sendable {
    /// How many are remembered.
    static let limit = 256

    private struct State {
        /// Those that were there when they were looked at last.
        var present: Set<IPAddress>
        var gone: Set<IPAddress> = []
    }

    private let isAnyGone = Atomic<Bool>(false)
    private let state: Mutex<State>

    init(_ addresses: [IPAddress]) { self.state = Mutex(State(present: Set(addresses))) }

    /// Whether any address has gone: mostly none has, and there is nothing more to ask.
    var hasGone: Bool { self.isAnyGone.load(ordering: .relaxed) }

    /// Whether an address was there and is not at present. Any thread may ask.
    func isGone(_ ip: IPAddress) -> Bool { self.hasGone && self.state.withLock { $0.gone.contains(ip) } }

    /// Takes note of the addresses that the machine has now.
    ///
    /// - Returns: those that have gone since the last time, and those of the ones that had gone which are back.
    func look(at addresses: [IPAddress]) -> (gone: [IPAddress], back: [IPAddress]) {
        self.state.withLock { state in
            let now = Set(addresses)
            guard now != state.present else { return ([], []) }
            let gone = state.present.subtracting(now).sorted { ($0.high, $0.low) < ($1.high, $1.low) }
                .prefix(Self.limit - Swift.min(Self.limit, state.gone.count))
            let back = state.gone.intersection(now)
            state.present = now
            state.gone.subtract(back)
            state.gone.formUnion(gone)
            self.isAnyGone.store(!state.gone.isEmpty, ordering: .relaxed)
            return (Array(gone), back.sorted { ($0.high, $0.low) < ($1.high, $1.low) })
        }
    }
}

extension AddressWatch {
    /// The same, and says what has changed.
    ///
    /// - Returns: whether anything has.
    func look(at addresses: [IPAddress], _ reporter: EventReporter) -> Bool {
        let (gone, back) = self.look(at: addresses)
        for ip in gone { reporter.report(.addressGone(ip)) }
        for ip in back { reporter.report(.addressBack(ip)) }
        return !gone.isEmpty || !back.isEmpty
    }
}

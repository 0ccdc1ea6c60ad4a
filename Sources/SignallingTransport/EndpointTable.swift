import ProxyCore
import SIPMessages
import Synchronization

/// The end points of a server. A listener on all local addresses (0.0.0.0, ::) is one end point for each of them, and an
/// address that comes up later becomes one with the first message to it.
///
/// The number of an end point stays what it is, since flows name it; there are ever more, up to a limit.
final class EndpointTable: Sendable {
    /// How many end points may be added to those of the start.
    static let growth = 64

    private struct State {
        var endpoints: [Endpoint]
        /// The local addresses of each listener on all of them, by the number of its first end point.
        var wildcards: [UInt16: [LocalAddress]]
    }

    /// Whether something holds; any thread may ask.
    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    private let state: Mutex<State>
    /// Whether each end point is down, those included that may be added: asked about whatever is sent, so without the lock.
    private let down: [Flag]
    /// How many end points there were at the start.
    let initialCount: Int

    init(_ endpoints: [Endpoint], wildcards: [UInt16: [LocalAddress]]) {
        self.initialCount = endpoints.count
        self.down = (0..<endpoints.count + Self.growth).map { _ in Flag() }
        self.state = Mutex(State(endpoints: endpoints, wildcards: wildcards))
    }

    /// All of them, by their numbers.
    var all: [Endpoint] { self.state.withLock { $0.endpoints } }
    var count: Int { self.state.withLock { $0.endpoints.count } }

    /// The listener that an end point belongs to, by the number of its first end point; `nil` where it listens at that
    /// address alone.
    func wildcard(of number: UInt16) -> UInt16? {
        self.state.withLock { state in
            state.wildcards.first { $0.value.contains { $0.endpoint == number } }?.key
        }
    }

    /// Whether the address of an end point was the machine's and is not at present.
    func isDown(_ number: UInt16) -> Bool {
        Int(number) < self.down.count && self.down[Int(number)].isSet.load(ordering: .relaxed)
    }

    /// Notes which end points are down, by their addresses.
    ///
    /// - Returns: the addresses of those that went down, and of those that are up again.
    func note(_ change: AddressWatch.Change) -> (gone: [IPAddress], back: [IPAddress]) {
        self.state.withLock { state in
            var (gone, back): ([IPAddress], [IPAddress]) = ([], [])
            for i in state.endpoints.indices {
                let ip = state.endpoints[i].local.ip
                if change.lost.contains(ip) {
                    state.endpoints[i].isDown = true
                    if !gone.contains(ip) { gone.append(ip) }
                } else if state.endpoints[i].isDown, change.present.contains(ip) {
                    state.endpoints[i].isDown = false
                    if !back.contains(ip) { back.append(ip) }
                }
                self.down[i].isSet.store(state.endpoints[i].isDown, ordering: .relaxed)
            }
            return (gone, back)
        }
    }

    /// The address that connections from an end point are bound to; `nil` where the system is to choose.
    func source(of number: UInt16) -> IPAddress? {
        guard self.wildcard(of: number) == nil else { return nil }
        return self.state.withLock { Int(number) < $0.endpoints.count ? $0.endpoints[Int(number)].local.ip : nil }
    }

    /// The end point of a local address of a listener on all of them, where there is one.
    func known(_ ip: IPAddress, at listener: UInt16) -> UInt16? {
        self.state.withLock { $0.wildcards[listener]?.first { $0.ip == ip }?.endpoint }
    }

    /// The end point of a local address at which a listener was reached, made if there is none yet.
    ///
    /// - Returns: `nil` where the listener is at one address alone, or too many end points have been added.
    func find(_ ip: IPAddress, at listener: UInt16) -> (address: LocalAddress, isNew: Bool)? {
        self.state.withLock { state in
            guard let addresses = state.wildcards[listener] else { return nil }
            if let known = addresses.first(where: { $0.ip == ip }) { return (known, false) }
            guard state.endpoints.count < self.initialCount + Self.growth else { return nil }
            let first = state.endpoints[Int(listener)]
            let address = LocalAddress(ip: ip, endpoint: UInt16(state.endpoints.count))
            state.endpoints.append(first.moved(to: SocketAddress(ip, first.local.port)))
            state.wildcards[listener]?.append(address)
            return (address, true)
        }
    }
}

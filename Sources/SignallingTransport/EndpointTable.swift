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

    private let state: Mutex<State>
    /// How many end points there were at the start.
    let initialCount: Int

    init(_ endpoints: [Endpoint], wildcards: [UInt16: [LocalAddress]]) {
        self.initialCount = endpoints.count
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

    /// Notes which end points are down, by their addresses.
    func noteDown(_ isGone: (IPAddress) -> Bool) {
        self.state.withLock { state in
            for i in state.endpoints.indices { state.endpoints[i].isDown = isGone(state.endpoints[i].local.ip) }
        }
    }

    /// The address of an end point; `nil` where it is all of them, or there is no such end point.
    func address(of number: UInt16) -> IPAddress? {
        let ip = self.state.withLock { Int(number) < $0.endpoints.count ? $0.endpoints[Int(number)].local.ip : nil }
        return ip?.isUnspecified == true ? nil : ip
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

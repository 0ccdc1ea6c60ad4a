import ProxyCore
import SIPMessages

/// The sockets of a server's end points.
struct OpenedSockets {
    /// By thread, and by the number of the end point.
    private(set) var sockets: [[UDPSocket?]]
    private(set) var listeners: [ListeningSocket] = []
    /// The addresses of each listener on all of them, by the number of its first end point.
    private(set) var wildcards: [UInt16: [LocalAddress]] = [:]

    /// Opens a socket for each end point, UDP ones for each thread.
    ///
    /// An end point of all local addresses (0.0.0.0, ::) becomes one of each address, so that what is answered leaves from
    /// the address it came to, and Via and Record-Route name one that can be reached.
    ///
    /// - Parameters:
    ///   - endpoints: Comes back with the ports that the system chose, and with the local addresses.
    ///   - threads: How many threads receive UDP, each with sockets of its own.
    ///   - segmentation: Whether datagrams to one address may leave in one piece that the system divides.
    /// - Throws: `TransportError`.
    init(_ endpoints: inout [Endpoint], threads: Int, segmentation: Bool = true) throws(TransportError) {
        self.sockets = [[UDPSocket?]](repeating: [], count: threads)
        for number in 0..<threads { self.sockets[number] = [UDPSocket?](repeating: nil, count: endpoints.count) }
        for i in endpoints.indices {
            if endpoints[i].transport == .udp {
                try self.openUDP(UInt16(i), &endpoints, threads, segmentation)
            } else {
                let listener = try ListeningSocket(endpoints[i], number: UInt16(i))
                endpoints[i] = endpoints[i].bound(to: listener.local.port)
                self.expand(UInt16(i), &endpoints)
                self.listeners.append(listener)
            }
        }
    }

    private mutating func openUDP(
        _ number: UInt16, _ endpoints: inout [Endpoint], _ threads: Int, _ segmentation: Bool
    ) throws(TransportError) {
        let address = endpoints[Int(number)].local
        // SO_REUSEPORT would hide that another program has the port: the first socket finds it out.
        let free = try UDPSocket.freeAddress(address)
        endpoints[Int(number)] = endpoints[Int(number)].bound(to: free.port)
        let addresses = self.expand(number, &endpoints)
        for thread in 0..<threads {
            let socket = try UDPSocket(
                address: free, endpoint: number, addresses: addresses, sharesPort: threads > 1,
                segmentation: segmentation)
            self.sockets[thread][Int(number)] = socket
            for address in addresses { self.sockets[thread][Int(address.endpoint)] = socket }
        }
    }

    /// Makes an end point of all local addresses one of the first of them, and adds one for each of the others.
    @discardableResult
    private mutating func expand(_ number: UInt16, _ endpoints: inout [Endpoint]) -> [LocalAddress] {
        let endpoint = endpoints[Int(number)]
        guard endpoint.local.ip.isUnspecified else { return [] }
        var addresses: [LocalAddress] = []
        for ip in LocalAddresses.all where ip.isIPv6 == endpoint.local.ip.isIPv6 {
            let concrete = endpoint.moved(to: SocketAddress(ip, endpoint.local.port))
            if addresses.isEmpty {
                endpoints[Int(number)] = concrete
                addresses.append(LocalAddress(ip: ip, endpoint: number))
            } else {
                addresses.append(LocalAddress(ip: ip, endpoint: UInt16(endpoints.count)))
                endpoints.append(concrete)
                for thread in self.sockets.indices { self.sockets[thread].append(nil) }
            }
        }
        self.wildcards[number] = addresses
        return addresses
    }
}

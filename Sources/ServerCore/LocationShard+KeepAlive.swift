import LocationService
import ProxyCore
public import SIPMessages
import SIPTransactions

/// Pings that keep devices behind NAT boxes in reach.
///
/// They are sent without a transaction: whether one is lost does not matter, as the next one follows soon, and an answer
/// has done its work when it has come through the NAT box.
extension LocationShard {
    /// How often the shard goes on with its round.
    static let keepAliveTick: TimeSpan = .milliseconds(500)

    /// When it must be woken for keep-alives; `nil` when no device wants them.
    public var nextWakeUp: MonotonicInstant? {
        self.settings.keepAlive != nil && self.service.hasKeepAlives ? self.nextKeepAlive : nil
    }

    /// Pings the devices whose turn it is.
    mutating func keepAlive(_ workspace: inout Workspace) {
        guard let keepAlive = self.settings.keepAlive else { return }
        // Taken out for the time of the round, which needs the service alone.
        var random = self.random
        let settings = self.settings
        var outbox = Outbox()
        swap(&outbox, &workspace.outbox)
        self.service.keepAlive(every: keepAlive.interval, at: workspace.now, wall: workspace.wall) { binding, block in
            guard Int(binding.flow.endpoint) < settings.proxy.endpoints.count else { return }
            let start = outbox.octets.count
            switch keepAlive.method {
            case .emptyLines: outbox.octets.append("\r\n\r\n")
            case .options: settings.writeOptions(to: block, binding, number: random.next(), into: &outbox.octets)
            }
            outbox.send(from: start, over: binding.flow)
        }
        swap(&outbox, &workspace.outbox)
        self.random = random
    }
}

extension Workspace {
    /// Compares what a REGISTER says of where its sender is, in Via and in Contact, with where it came from.
    mutating func noteClaim(_ octets: Span<UInt8>) {
        let source = self.flow.remote
        if let ip = IPAddress(octets, self.via.host.range), ip != source.ip {
            self.claimedAddress = SocketAddress(
                ip, self.via.port == 0 ? self.via.transport.defaultPort : self.via.port)
        } else if let contact = self.index.value(.contact),
            let uri = URIIndex(firstAddressOf: octets, in: contact.range, field: .contact),
            let ip = uri.hostAddress(in: octets), ip != source.ip
        {
            self.claimedAddress = SocketAddress(ip, uri.port == 0 ? self.flow.transport.defaultPort : uri.port)
        }
    }
}

extension ServerSettings {
    /// Appends an OPTIONS to the device of a binding (RFC 3261 §11.1).
    ///
    /// - Parameter number: 64 bits that nobody can predict.
    fileprivate func writeOptions(
        to block: Span<UInt8>, _ binding: StoredBinding, number: UInt64, into output: inout [UInt8]
    ) {
        output.append("OPTIONS ")
        output.append(block, binding.contact.range)
        output.append(" SIP/2.0\r\nVia: SIP/2.0/")
        let endpoint = self.proxy.endpoints[Int(binding.flow.endpoint)]
        output.append(endpoint.transport.viaName)
        output.append(0x20)
        output.append(contentsOf: endpoint.sentBy)
        output.append(";rport;branch=z9hG4bK")
        output.append(hexadecimal: number)
        output.append("\r\nMax-Forwards: 70\r\nFrom: <sip:")
        output.append(contentsOf: self.domains.first ?? endpoint.sentBy)
        output.append(">;tag=")
        output.append(hexadecimal: number)
        output.append("\r\nTo: <")
        output.append(block, binding.contact.range)
        output.append(">\r\nCall-ID: ")
        output.append(hexadecimal: number)
        output.append("\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    }
}

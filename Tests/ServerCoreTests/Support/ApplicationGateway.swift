import SIPMessages
import SIPSimulation
import SIPTransactions

/// The SIP ALG of RFC 3665 §3.5: it stays on the path of dialogs as a proxy would, and puts an address and ports of its
/// own into the session descriptions that pass.
final class ApplicationGateway: TransactionEndpoint {
    private unowned let world: SimulatedWorld
    /// What stands in place of what in bodies.
    private let replacements: [(String, String)]
    /// The requests that wait for an answer, with their transactions; a client transaction names its position.
    private var waiting: [TransactionID] = []

    /// - Parameters:
    ///   - host: Its name, which leads to it.
    ///   - replacements: The lines of session descriptions that it changes.
    init(_ host: String, replacing replacements: [(String, String)], in world: SimulatedWorld) {
        (self.world, self.replacements) = (world, replacements)
        super.init()
        self.hostName = Host(host)
    }

    override func requestArrived(
        _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let method = request.method, var next = self.forwarded(request) else { return }
        if method == .invite, let host = self.hostName { next.prepend(.recordRoute, Self.route(host)) }
        guard let way = self.way(of: next, over: flow) else { return }
        self.waiting.append(transaction)
        self.send(next, method, over: way, owner: UInt64(self.waiting.count - 1), at: now, into: &outbox)
    }

    override func ackArrived(
        _ ack: SIPMessage, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard let next = self.forwarded(ack), let way = self.way(of: next, over: flow) else { return }
        self.sendStatelessly(next, over: way, into: &outbox)
    }

    override func responseArrived(
        _ response: SIPMessage, in transaction: TransactionID, owner: UInt64, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let status = response.status, status > 100 else { return }
        var next = MessageBuilder(response)
        let vias = response.all(.via)
        next.remove(.via)
        for via in vias.dropFirst().reversed() { next.prepend(.via, via) }
        self.rewriteBody(of: response, in: &next)
        self.respond(next, status, in: self.waiting[Int(owner)], at: now, into: &outbox)
    }

    /// A request as the next element gets it, without our Via and Record-Route.
    private func forwarded(_ request: SIPMessage) -> MessageBuilder? {
        guard let hops = request.first(.maxForwards), hops > 0 else { return nil }
        var next = MessageBuilder(request)
        next.set(.maxForwards, hops - 1)
        let routes = request.all(.route)
        next.remove(.route)
        next.add(.route, routes.dropFirst())
        self.rewriteBody(of: request, in: &next)
        return next
    }

    private func rewriteBody(of message: SIPMessage, in builder: inout MessageBuilder) {
        guard !message.body.isEmpty else { return }
        var text = String(decoding: message.body, as: UTF8.self)
        for (old, new) in self.replacements { text = text.replacing(old, with: new) }
        builder.setBody(Array(text.utf8), type: message.contentType)
    }

    /// Where a request goes: by its first Route or its Request-URI, a domain to the server that the DNS has for it.
    private func way(of request: MessageBuilder, over flow: Flow) -> Flow? {
        guard let message = try? request.message(),
            let uri = (message.first(.route)?.uri ?? message.requestURI)?.sip
        else { return nil }
        let dns = self.world.services.dns
        var host = uri.host
        for record in dns.records("_sip._udp.\(host.name)", .srv) ?? [] {
            if case .srv(_, _, _, let target) = record.data { host = Host(target) }
        }
        guard let address = dns.address(of: host) else { return nil }
        return Flow(endpoint: flow.endpoint, transport: flow.transport, remote: SocketAddress(address, 5060))
    }

    private static func route(_ host: Host) -> NameAddress {
        NameAddress(SIPURI(host: host, parameters: ["lr": nil]))
    }
}

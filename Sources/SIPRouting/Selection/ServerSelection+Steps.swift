import SIPMessages

/// The steps of RFC 3263 §4.1 and §4.2; each returns whether it is done, and replaces itself by what follows from it.
extension ServerSelection {
    /// Decides by what the URI or Via gives where to begin.
    mutating func begin() {
        var named: TransportProtocol?
        if let transport = self.hop.transport {
            guard transport != .other else { return self.end(.unsupportedTransport) }
            guard let usable = SIPService.transport(transport, isSecure: self.hop.isSecure) else {
                return self.end(.insecureTransport)
            }
            named = usable
        }
        let transports = self.transports(named: named)
        guard !transports.isEmpty else { return self.end(.unsupportedTransport) }
        if let address = self.hop.target.address {
            let usable = transports.filter { self.capabilities.canReach(address, over: $0) }
            guard address.isUnicast, !usable.isEmpty else { return self.end(.unusableAddress) }
            for transport in usable.reversed() {
                let port = self.hop.port ?? transport.defaultPort
                self.steps.append(
                    .ready(ServerAddress(transport, SocketAddress(address, port), identity: self.hop.identity)))
            }
            return
        }
        guard let domain = self.domain, domain != .root else { return self.end(.noAddress) }
        if let port = self.hop.port {
            for transport in transports.reversed() { self.steps.append(.server(transport, domain, port: port)) }
        } else if named != nil {
            for transport in transports.reversed() { self.steps.append(.domain(transport)) }
            self.pushServices(transports, of: domain)
        } else {
            // What is used when there are neither NAPTR nor SRV records.
            for transport in transports.reversed() { self.steps.append(.domain(transport)) }
            self.steps.append(.rules(domain, depth: 0))
        }
    }

    /// The transports that come into question without help of the DNS, preferred first (§4.1).
    private func transports(named: TransportProtocol?) -> [TransportProtocol] {
        let usual: TransportProtocol = named ?? (self.hop.isSecure ? .tls : .udp)
        var transports = [usual]
        // RFC 3261 §18.1.1: what is too large for UDP goes over TCP, and over UDP when that is refused.
        if usual == .udp, self.hop.isLarge { transports = [.tcp, .udp] }
        let ours = transports.filter { self.capabilities.has($0) }
        guard ours.isEmpty, named == nil else { return ours }
        // Without the usual transport, what we have is better than nothing ("another MAY be used", §4.1).
        return self.capabilities.ways.map { $0.transport }.filter { self.isAllowed($0) }.prefix(1).map { $0 }
    }

    /// Whether a transport is ours and as secure as the scheme wants it.
    private func isAllowed(_ transport: TransportProtocol) -> Bool {
        self.capabilities.has(transport) && (transport.isSecure || !self.hop.isSecure)
    }

    private mutating func pushServices(_ transports: [TransportProtocol], of domain: DomainName) {
        for transport in transports.reversed() {
            guard let name = SIPService.name(of: transport, in: domain) else { continue }
            self.steps.append(.services(transport, name))
        }
    }

    // MARK: NAPTR

    mutating func readRules(
        _ name: DomainName, depth: Int, at now: MonotonicInstant, memory: inout RoutingMemory,
        into actions: inout [Action]
    ) -> Bool {
        let question = DNSQuestion(.naptr, name)
        guard let answer = self.answer(to: question, at: now, memory: memory, into: &actions) else { return false }
        self.steps.removeLast()
        self.noteFailure(answer)
        let rules = self.rules(in: answer)
        if depth == 0 { self.watchTLS(answer, name, at: now, memory: &memory, into: &actions) }
        guard !rules.isEmpty else {
            if depth == 0 { self.askEveryTransport(at: now, memory: memory, into: &actions) }
            return true
        }
        if depth == 0 {
            // Without SRV records the domain itself is contacted, over the transport that its rules determined (§4.2).
            self.steps.removeAll()
            var transports: [TransportProtocol] = []
            for rule in rules where !transports.contains(rule.transport) { transports.append(rule.transport) }
            for transport in transports.reversed() { self.steps.append(.domain(transport)) }
        }
        for rule in rules.reversed() {
            if rule.isTerminal {
                self.steps.append(.services(rule.transport, rule.next))
            } else if depth + 1 < self.limits.rewritings {
                self.steps.append(.rules(rule.next, depth: depth + 1))
            }
        }
        return true
    }

    private struct Rule {
        var transport: TransportProtocol
        var next: DomainName
        /// Whether SRV records are next, and not NAPTR records.
        var isTerminal: Bool
        var order: UInt16
        var preference: UInt16
    }

    /// The rules that apply, in their order: those of the lowest order that has any (RFC 2915 §2: once one matches,
    /// higher orders MUST NOT be considered).
    private func rules(in answer: DNSAnswer) -> [Rule] {
        guard case .records(let records, _) = answer else { return [] }
        var rules: [Rule] = []
        for case .naptr(let record) in records {
            guard let transport = SIPService.transport(ofService: record.services), self.isAllowed(transport),
                record.regularExpression.isEmpty, record.replacement != .root
            else { continue }
            let isTerminal: Bool
            switch record.flags {
            case "s", "S": isTerminal = true
            case "": isTerminal = false
            default: continue  // Not defined for SIP.
            }
            rules.append(
                Rule(
                    transport: transport, next: record.replacement, isTerminal: isTerminal, order: record.order,
                    preference: record.preference))
        }
        if self.hop.isLarge, rules.contains(where: { $0.transport != .udp }) {
            rules.removeAll { $0.transport == .udp }
        }
        guard let lowest = rules.map({ $0.order }).min() else { return [] }
        return rules.filter { $0.order == lowest }.enumerated()
            .sorted { ($0.element.preference, $0.offset) < ($1.element.preference, $1.offset) }
            .map { $0.element }
    }

    /// "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it supports, and
    /// does a query for each" (§4.1). All are asked at once, so that they cost one round trip together.
    private mutating func askEveryTransport(
        at now: MonotonicInstant, memory: RoutingMemory, into actions: inout [Action]
    ) {
        guard let domain = self.domain else { return }
        // `_sips` is for SIPS URIs, and `_sip` for SIP URIs unless we have nothing but TLS (§4.2).
        let usable = self.capabilities.ways.map { $0.transport }.filter { self.isAllowed($0) }
        var transports = usable.filter { $0.isSecure == self.hop.isSecure }
        if transports.isEmpty { transports = usable }
        if self.hop.isLarge, let udp = transports.firstIndex(of: .udp) { transports.append(transports.remove(at: udp)) }
        self.pushServices(transports, of: domain)
        for transport in transports {
            guard let name = SIPService.name(of: transport, in: domain) else { continue }
            _ = self.answer(to: DNSQuestion(.srv, name), at: now, memory: memory, into: &actions)
        }
    }

    /// Remembers that a domain offers TLS, and warns when it did and does no longer (§7).
    private func watchTLS(
        _ answer: DNSAnswer, _ name: DomainName, at now: MonotonicInstant, memory: inout RoutingMemory,
        into actions: inout [Action]
    ) {
        var offersTLS = false
        switch answer {
        case .failed, .timedOut: return
        case .noRecords: break
        case .records(let records, _):
            for case .naptr(let record) in records
            where SIPService.transport(ofService: record.services)?.isSecure == true { offersTLS = true }
        }
        if memory.noteOffersTLS(offersTLS, name, at: now) { actions.append(.warnTLSWithdrawn(name)) }
    }

    // MARK: SRV

    mutating func readServices(
        _ transport: TransportProtocol, _ name: DomainName, at now: MonotonicInstant, memory: inout RoutingMemory,
        into actions: inout [Action]
    ) -> Bool {
        let question = DNSQuestion(.srv, name)
        guard let answer = self.answer(to: question, at: now, memory: memory, into: &actions) else { return false }
        self.steps.removeLast()
        self.noteFailure(answer)
        guard case .records(let records, _) = answer else { return true }
        var servers: [SRVRecord] = []
        for case .srv(let record) in records {
            self.hasFoundServers = true
            if record.target == .root {
                self.isDenied = true
            } else if record.port != 0 {
                servers.append(record)
            }
        }
        let arranged = SRVOrder.arrange(servers, numbers: &self.numbers)
        for server in arranged.prefix(self.limits.servers).reversed() {
            self.steps.append(.server(transport, server.target, port: server.port))
        }
        return true
    }

    /// "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name" (§4.2). A
    /// domain that has SRV records is not contacted around them.
    mutating func readDomain(
        _ transport: TransportProtocol, at now: MonotonicInstant, memory: inout RoutingMemory,
        into actions: inout [Action]
    ) -> Bool {
        guard !self.hasFoundServers, let domain = self.domain else {
            self.steps.removeLast()
            return true
        }
        return self.readAddresses(
            of: domain, transport, port: transport.defaultPort, at: now, memory: &memory, into: &actions)
    }

    // MARK: A and AAAA

    /// Asks for the addresses of all families we have at once, and waits for all (RFC 7984 §3.1), since the order of
    /// one name's addresses is decided over them together (§4).
    mutating func readAddresses(
        of name: DomainName, _ transport: TransportProtocol, port: UInt16, at now: MonotonicInstant,
        memory: inout RoutingMemory, into actions: inout [Action]
    ) -> Bool {
        var answers: [DNSAnswer] = []
        let types = self.capabilities.addressTypes(for: transport)
        for type in types {
            let question = DNSQuestion(type, name)
            guard let answer = self.answer(to: question, at: now, memory: memory, into: &actions) else { continue }
            answers.append(answer)
        }
        guard answers.count == types.count else { return false }
        self.steps.removeLast()
        var addresses: [IPAddress] = []
        for answer in answers {
            self.noteFailure(answer)
            guard case .records(let records, _) = answer else { continue }
            for case .address(let address) in records where self.capabilities.canReach(address, over: transport) {
                addresses.append(address)
            }
        }
        for address in AddressOrder.arrange(addresses).prefix(self.limits.addresses).reversed() {
            self.steps.append(
                .ready(
                    ServerAddress(
                        transport, SocketAddress(address, port), identity: self.hop.identity, serverName: name)))
        }
        return true
    }

    private mutating func noteFailure(_ answer: DNSAnswer) {
        switch answer {
        case .failed, .timedOut: self.hasFailure = true
        case .records, .noRecords: break
        }
    }
}

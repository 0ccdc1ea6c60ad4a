import Containers
public import SIPMessages
public import SIPTransactions

/// An answer that redirects, whose contacts are to be tried.
public struct FollowedRedirection: Sendable {
    /// The transaction of the request.
    public let server: TransactionID
    /// The contacts as targets without a flow, best `q` first.
    public let targets: [UInt8]
    /// What is known of the request.
    public let traits: RequestTraits
}

/// Trying the contacts of a 3xx: RFC 3261 §16.7 step 4.
extension Proxy {
    /// How often one request follows redirections, and how many targets it has at most.
    static let redirectionLimit: UInt8 = 5
    static let targetLimit: UInt16 = 32

    /// Takes the redirections that are to be followed since the last call: `resume` is owed to each.
    public mutating func takeRedirections() -> [FollowedRedirection] {
        guard !self.redirections.isEmpty else { return [] }
        defer { self.redirections = [] }
        return self.redirections
    }

    /// Goes on with a redirected request.
    ///
    /// - Parameter targets: What the contacts have led to, best first; may be empty.
    public mutating func resume(
        _ server: TransactionID, with targets: [UInt8], transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let owner = transactions.owner(of: server) else { return }
        let number = Int32(truncatingIfNeeded: owner)
        guard owner <= UInt64(Int32.max), self.contexts.isInUse(number), self.contexts[number].server == server else {
            return
        }
        self.contexts[number].pendingCount -= 1
        if targets.isEmpty {
            self.noteFailure(number, 480, "Redirected To Nobody", &transactions, at: now)
        } else {
            // What was tried stays in front, what was not behind: a redirection is more to the point.
            var block: [UInt8] = []
            transactions.pool.append(self.contexts[number].targets, to: &block)
            block.insert(contentsOf: targets, at: Int(self.contexts[number].nextTarget))
            var old = self.contexts[number].targets
            if let kept = transactions.keep(block) {
                transactions.release(&old)
                self.contexts[number].targets = kept
            } else {
                self.noteFailure(number, 503, "No Room For The Request", &transactions, at: now)
            }
        }
        self.tryNext(number, &transactions, at: now, into: &outbox)
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
    }

    /// Notes the contacts of an answer that are to be tried.
    ///
    /// - Returns: whether there are any. The answer then counts for nothing, and its context waits for `resume`.
    mutating func follow(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ slot: Int32,
        _ transactions: borrowing TransactionLayer
    ) -> Bool {
        let number = self.branches[slot].context
        let status = index.statusCode
        // 380 offers another service, which the caller has to choose (§21.3.5).
        guard self.configuration.followsRedirections, [300, 301, 302, 305].contains(status),
            !self.contexts[number].isStopped, !self.contexts[number].isAnswered,
            self.contexts[number].redirectCount < Self.redirectionLimit,
            self.contexts[number].targetCount < Self.targetLimit
        else { return false }
        var tried: [UInt8] = []
        transactions.pool.append(self.contexts[number].targets, to: &tried)
        let asked = Target(tried.span, at: Int(self.branches[slot].target)).uri
        let request = transactions.request(of: self.contexts[number].server)
        do { try self.index.parse(request) } catch { return false }
        let requestURI = self.index.requestURI
        let isSecure =
            (try? URIIndex(parsing: request, in: requestURI.range)).map { $0.scheme == .sips } ?? false

        var found: [(q: UInt16, uri: OctetRange)] = []
        var position = index.first(.contact)
        while let field = position {
            position = index.next(.contact, from: field + 1)
            Self.readContacts(octets, index.fields[field].value, into: &found)
        }
        found.sort { $0.q > $1.q }
        var block: [UInt8] = []
        var count = self.contexts[number].targetCount
        for contact in found where count < Self.targetLimit {
            guard let uri = try? URIIndex(parsing: octets, in: contact.uri.range, field: .contact),
                // A request that must be secure stays so (§16.7 step 4, RFC 5630 §5.3).
                uri.scheme == .sips || (uri.scheme == .sip && !isSecure), uri.headers.isEmpty
            else { continue }
            if status == 305 {
                // The contact is a proxy by which this one request is to go (§21.3.4).
                guard !tried.span.hasTarget(routedBy: octets, contact.uri) else { continue }
                var route: [UInt8] = [0x3C]
                route.append(octets, contact.uri.range)
                if uri.parameter("lr", in: octets) == nil { route.append(";lr") }
                route.append(0x3E)
                Target.append(
                    uri: tried.span, asked.range, route: route.span, 0..<route.count, q: contact.q, flow: nil,
                    to: &block)
            } else {
                guard !tried.span.hasTarget(octets, contact.uri), !block.span.hasTarget(octets, contact.uri),
                    !URIIndex.areEquivalent(octets, contact.uri, request, requestURI)
                else { continue }
                Target.append(
                    uri: octets, contact.uri.range, route: octets, 0..<0, q: contact.q, flow: nil, to: &block)
            }
            count += 1
        }
        guard !block.isEmpty else { return false }
        self.contexts[number].redirectCount += 1
        self.contexts[number].pendingCount += 1
        self.redirections.append(
            FollowedRedirection(
                server: self.contexts[number].server, targets: block, traits: self.contexts[number].traits))
        return true
    }

    private static func readContacts(
        _ octets: Span<UInt8>, _ value: OctetRange, into found: inout [(q: UInt16, uri: OctetRange)]
    ) {
        var address = AddressIndex()
        var position: Int? = value.lower
        while let start = position, found.count < Int(Self.targetLimit) {
            do {
                position = try AddressIndex.parse(octets, in: start..<value.upper, field: .contact, into: &address)
            } catch { return }
            let q = octets.parameter("q", in: address.parameters)?.value.flatMap { QValue(octets.string($0)) }
            found.append(((q ?? .one).thousandths, address.uri))
        }
    }
}

extension Span where Element == UInt8 {
    /// Whether a block of targets has one with an equivalent URI (§16.5: each target is tried once).
    func hasTarget(_ octets: Span<UInt8>, _ uri: OctetRange) -> Bool {
        var position = 0
        while position < self.count {
            let target = Target(self, at: position)
            if target.route.isEmpty, URIIndex.areEquivalent(self, target.uri, octets, uri) { return true }
            position = target.whole.upper
        }
        return false
    }

    /// Whether a block of targets has one that goes by the proxy with this URI.
    func hasTarget(routedBy octets: Span<UInt8>, _ uri: OctetRange) -> Bool {
        var position = 0
        while position < self.count {
            let target = Target(self, at: position)
            let isLongEnough = target.route.count > uri.count
            if isLongEnough, self.equals(target.route.lower + 1..<target.route.lower + 1 + uri.count, octets, uri.range)
            {
                return true
            }
            position = target.whole.upper
        }
        return false
    }
}

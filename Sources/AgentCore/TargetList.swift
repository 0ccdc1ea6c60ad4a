import SIPMessages

/// The addresses that a request of ours is for: those it was redirected to are tried one after the other, each once
/// (RFC 3261 §8.1.3.4).
struct TargetList {
    /// The addresses that are yet to be tried, the next one first.
    private(set) var pending: [URI]
    /// The address that is being tried.
    private(set) var current: URI?
    /// Every address that was tried or is to be.
    private var known: [URI]

    init(_ target: URI) { (self.pending, self.known) = ([target], [target]) }

    /// Goes on to the next address; `nil` when none is left.
    mutating func next() -> URI? {
        guard !self.pending.isEmpty else { return nil }
        self.current = self.pending.removeFirst()
        return self.current
    }

    /// The present address is tried once more, as another one if need be.
    mutating func repeatCurrent(as uri: URI? = nil) {
        guard let target = uri ?? self.current else { return }
        self.pending.insert(target, at: 0)
    }

    /// No other place will do better.
    mutating func giveUp() { self.pending = [] }

    /// Adds Contacts, the preferred first, each once.
    ///
    /// - Returns: whether there was one to add.
    @discardableResult
    mutating func add(_ contacts: [Contact], limit: Int) -> Bool {
        var added: [(uri: URI, q: Int)] = []
        for contact in contacts {
            guard self.known.count < limit, let uri = contact.uri, uri.sip != nil,
                !self.known.contains(where: { $0.isEquivalent(to: uri) })
            else { continue }
            self.known.append(uri)
            added.append((uri, Int(contact.q?.thousandths ?? 1000)))
        }
        // A stable order: by q, then as they came.
        let order = added.indices.sorted { (added[$0].q, $1) > (added[$1].q, $0) }
        self.pending = order.map { added[$0].uri } + self.pending
        return !added.isEmpty
    }
}

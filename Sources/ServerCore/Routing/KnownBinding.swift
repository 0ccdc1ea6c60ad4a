public import LocationService
public import SIPMessages

/// A device that a call to a user would ring, for the operator.
public struct KnownBinding: Hashable, Sendable {
    /// The contact URI.
    public let contact: String
    /// Its preference.
    public let q: QValue
    /// For how many seconds it is registered yet.
    public let seconds: Int64
    /// Where it is reached: `udp 192.0.2.1:5060`.
    public let way: String

    /// What is shown of a stored binding.
    public init(_ record: BindingRecord, wall: Int64) {
        self.contact = String(decoding: record.contact, as: UTF8.self)
        self.q = QValue(thousandths: record.q)
        self.seconds = Swift.max(0, record.expiresAt - wall) / 1000
        self.way = "\(record.flow.transport) \(record.flow.remote)"
    }

    init(_ binding: StoredBinding, _ octets: Span<UInt8>, wall: Int64) {
        self.contact = octets.string(binding.contact)
        self.q = QValue(thousandths: binding.q)
        self.seconds = Swift.max(0, binding.expiresAt - wall) / 1000
        self.way = "\(binding.flow.transport) \(binding.flow.remote)"
    }
}

extension LocationShard {
    /// The devices of a user that can be reached, the preferred first.
    ///
    /// - Parameters:
    ///   - aor: `user@domain` in canonical form.
    ///   - wall: Milliseconds since 1970, UTC.
    public func bindings(of aor: [UInt8], wall: Int64) -> [KnownBinding] {
        let hash = SipHash13.hash(aor.span, 0..<aor.count, key: self.settings.hashKey)
        var block: [UInt8] = []
        _ = self.service.appendTargets(of: aor.span, hash: hash, wall: wall, into: &block)
        var bindings: [KnownBinding] = []
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block.span, at: position)
            bindings.append(KnownBinding(binding, block.span, wall: wall))
            position = binding.whole.upper
        }
        return bindings.sorted { $0.q > $1.q }
    }
}

extension ServerSettings {
    /// The shard that has the bindings of a user.
    public func locationShard(of aor: [UInt8]) -> Int {
        self.shard(of: SipHash13.hash(aor.span, 0..<aor.count, key: self.hashKey))
    }
}

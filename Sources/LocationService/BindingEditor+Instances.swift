import SIPMessages

/// What RFC 5627 §5.1 asks of a Contact that names its instance.
extension BindingEditor {
    /// Refuses the Contact of an instance that would lead in a circle, or is no SIP URI.
    ///
    /// - Throws: `RegisterRefusal` with 403.
    func checkInstance(
        _ contact: RegisterRequest.ContactUpdate, _ octets: Span<UInt8>, _ key: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) throws(RegisterRefusal) {
        guard !contact.instance.isEmpty else { return }
        guard let uri = try? URIIndex(parsing: octets, in: contact.uri.range, field: .contact),
            uri.scheme == .sip || uri.scheme == .sips
        else { throw RegisterRefusal(403, "Contact Of An Instance Is No SIP URI") }
        var aor: [UInt8] = []
        Registrar.appendKey(uri, of: octets, into: &aor)
        let isAOR = uri.port == 0 && aor.span.equals(0..<aor.count, key, 0..<key.count)
        var isGRUU = false
        switch self.gruus.read(uri, octets, aor: aor.span) {
        case .device: isGRUU = aor.span.equals(0..<aor.count, key, 0..<key.count)
        case .temporary(let hash, _, _): isGRUU = hash == circumstances.hash
        case nil: break
        }
        if isAOR || isGRUU { throw RegisterRefusal(403, "Contact Is The Address Itself") }
    }

    /// Since when the instance of a Contact counts as registered: as long as its last binding lives and has the same
    /// Call-ID; from now on otherwise.
    func since(
        _ contact: RegisterRequest.ContactUpdate, _ octets: Span<UInt8>, _ present: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) -> Int64 {
        guard !contact.instance.isEmpty else { return 0 }
        var since = circumstances.wall
        var position = 0
        while position < present.count {
            let binding = StoredBinding(present, at: position)
            position = binding.whole.upper
            guard binding.expiresAt > circumstances.wall,
                present.equals(binding.instance.range, octets, contact.instance.range)
            else { continue }
            // The last one in the block was refreshed last.
            let isSameCall = present.equals(binding.callID.range, octets, self.request.callID.range)
            since = isSameCall ? binding.since : Swift.max(circumstances.wall, binding.since + 1)
        }
        return since
    }

    /// Lets the other flows of an instance count from the same moment, so that what was made before is void with all.
    mutating func renew(
        _ contact: RegisterRequest.ContactUpdate, _ octets: Span<UInt8>, since: Int64, _ key: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) {
        guard !contact.instance.isEmpty else { return }
        var position = 0
        while position < self.block.count {
            let binding = StoredBinding(self.block.span, at: position)
            let start = position
            position = binding.whole.upper
            guard binding.since != since,
                self.block.span.equals(binding.instance.range, octets, contact.instance.range)
            else { continue }
            for i in 0..<8 {
                self.block[start + StoredBinding.sinceOffset + i] = UInt8(truncatingIfNeeded: since >> Int64(8 * i))
            }
            guard self.isDurable else { continue }
            let record = self.record(at: start, key, circumstances)
            self.changes.append((self.token, .store(record)))
        }
    }
}

import Containers
public import SIPMessages
public import SIPTransactions

/// What became of a REGISTER.
public enum RegisterOutcome: Sendable {
    /// It was answered, or absorbed as a retransmission.
    case done
    /// Its changes were appended to `changes`; the answer follows when they are committed.
    case committing
    /// Another REGISTER of the same AOR is being stored: it is to be given again when that is done.
    case busy
}

/// Registering: RFC 3261 §10.3 steps 6 to 8.
extension Registrar {
    /// What a REGISTER brings with it besides its octets.
    public struct Circumstances: Sendable {
        /// The keyed hash of the AOR.
        public var hash: UInt64
        /// The tag of the answer's To: the same whenever the request comes again (RFC 3261 §8.2.7).
        public var tag: UInt64
        /// The way it came.
        public var flow: Flow
        /// The way the answer goes.
        public var replyFlow: Flow
        /// The address the REGISTER came in at, for the store.
        public var local: SocketAddress
        /// The moment on the clock that timers use.
        public var now: MonotonicInstant
        /// Milliseconds since 1970, UTC.
        public var wall: Int64

        /// What a REGISTER needs beside its octets.
        public init(
            hash: UInt64, tag: UInt64, flow: Flow, replyFlow: Flow, local: SocketAddress, now: MonotonicInstant,
            wall: Int64
        ) {
            self.hash = hash
            self.tag = tag
            self.flow = flow
            self.replyFlow = replyFlow
            self.local = local
            self.now = now
            self.wall = wall
        }
    }

    /// Handles a REGISTER that is authorised, for the AOR `key`.
    ///
    /// - Throws: `RegisterRefusal`; then nothing has changed.
    public mutating func register(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, aor key: Span<UInt8>,
        _ circumstances: Circumstances, into outbox: inout Outbox
    ) throws(RegisterRefusal) -> RegisterOutcome {
        try self.editor.request.parse(octets, index, via: via, policy: self.editor.policy)
        let found = self.find(key, circumstances.hash)
        if found >= 0, self.aors[found].pending >= 0 { return .busy }
        let present = found >= 0 ? self.aors[found].block : .none
        let isChanged = try Self.edit(present, in: self.pool, &self.editor, octets, key, circumstances)
        guard isChanged else {
            self.answer(octets, index, via, block: present, key, circumstances, into: &outbox)
            return .done
        }
        guard let slot = self.slot(for: key, circumstances.hash) else {
            self.editor.takeBackChanges()
            throw RegisterRefusal(503, "Location Service Full", retryAfter: 60)
        }
        guard let block = Self.keep(self.editor.block, in: &self.pool) else {
            self.editor.takeBackChanges()
            self.forgetIfEmpty(slot)
            throw RegisterRefusal(503, "Location Service Full", retryAfter: 60)
        }
        if self.isDurable {
            try self.await(octets, index, via, slot, block, circumstances, &outbox)
            return .committing
        }
        self.setBlock(block, of: slot)
        self.answer(octets, index, via, block: block, key, circumstances, into: &outbox)
        return .done
    }

    private static func edit(
        _ present: PooledOctets, in pool: borrowing OctetPool, _ editor: inout BindingEditor, _ octets: Span<UInt8>,
        _ key: Span<UInt8>, _ circumstances: Circumstances
    ) throws(RegisterRefusal) -> Bool {
        try editor.edit(pool.span(present), octets, key, circumstances)
    }

    /// Appends the Contact fields of a 200: all bindings that live, with what is left of them (§10.3 step 8).
    ///
    /// - Parameter gruus: Writes the GRUUs of the AOR's devices; `nil` for a client that does not know them (RFC 5627 §5.2).
    static func writeContacts(
        _ kept: PooledOctets, of gruus: GRUUWriter?, aor: Span<UInt8>, in pool: borrowing OctetPool, wall: Int64,
        into output: inout [UInt8]
    ) {
        let block = pool.span(kept)
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block, at: position)
            position = binding.whole.upper
            guard binding.expiresAt > wall else { continue }
            output.append("Contact: <")
            output.append(block, binding.contact.range)
            output.append(0x3E)
            binding.writeParameters(block, into: &output)
            output.append(";expires=")
            output.append(decimal: UInt64((binding.expiresAt - wall + 999) / 1000))
            if let gruus, !binding.instance.isEmpty {
                gruus.writeParameters(of: binding, block, aor: aor, into: &output)
            }
            output.append("\r\n")
        }
    }

    /// Sends the 200 with the bindings in `block`.
    private func answer(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, block: PooledOctets,
        _ key: Span<UInt8>, _ circumstances: Circumstances, into outbox: inout Outbox
    ) {
        let start = outbox.octets.count
        self.writeResponseStart(octets, index, via, circumstances, into: &outbox.octets)
        let gruus = self.editor.request.supportsGRUU ? self.gruus.writer(hash: circumstances.hash) : nil
        Self.writeContacts(
            block, of: gruus, aor: key, in: self.pool, wall: circumstances.wall, into: &outbox.octets)
        outbox.octets.endHeader()
        outbox.send(from: start, over: circumstances.replyFlow)
    }

    /// Appends the 200 up to its Contacts.
    func writeResponseStart(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ circumstances: Circumstances,
        into output: inout [UInt8]
    ) {
        index.writeResponse(
            200, "OK", to: octets, via: via, source: circumstances.flow.remote, toTag: circumstances.tag,
            into: &output)
        // For devices without a clock (§10.3 step 8).
        output.append("Date: ")
        SIPDate(secondsSince1970: circumstances.wall / 1000).write(to: &output)
        output.append("\r\n")
        if self.editor.request.supportsPath, !self.editor.request.path.isEmpty {
            output.append("Path: ")
            output.append(contentsOf: self.editor.request.path)
            output.append("\r\n")
        }
        if self.editor.request.isOutbound {
            output.append("Require: outbound\r\n")
            if self.editor.policy.flowTimer > 0 {
                output.append("Flow-Timer: ")
                output.append(decimal: self.editor.policy.flowTimer)
                output.append("\r\n")
            }
        }
        if !self.editor.policy.serviceRoute.isEmpty {
            output.append("Service-Route: ")
            output.append(contentsOf: self.editor.policy.serviceRoute)
            output.append("\r\n")
        }
    }
}

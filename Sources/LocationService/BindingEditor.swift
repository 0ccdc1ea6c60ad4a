import SIPMessages

/// Makes the bindings of an AOR as a REGISTER wants them, from those it has: RFC 3261 §10.3 steps 6 and 7.
///
/// Nothing takes effect here: the result is a block, and the list of what is to be stored.
struct BindingEditor: Sendable {
    var policy: RegistrarPolicy
    let isDurable: Bool
    /// The REGISTER, taken apart.
    var request = RegisterRequest()
    /// The bindings as they will be.
    var block: [UInt8] = []
    /// What is to be stored, each with the token of its REGISTER.
    var changes: [(token: UInt64, change: BindingChange)] = []
    /// The token of the REGISTER at hand.
    var token: UInt64
    let gruus: GRUUKeys
    /// Our side of flows, by their end point.
    var locals: [SocketAddress] = []

    init(policy: RegistrarPolicy, isDurable: Bool, firstToken: UInt64, gruus: GRUUKeys) {
        (self.policy, self.isDurable, self.token, self.gruus) = (policy, isDurable, firstToken, gruus)
    }

    /// Takes back what the REGISTER at hand wanted to store.
    mutating func takeBackChanges() { self.changes.removeAll { $0.token == self.token } }

    /// Makes the new block from the present one.
    ///
    /// - Returns: whether anything changes.
    /// - Throws: `RegisterRefusal`; then nothing is to be stored.
    mutating func edit(
        _ present: Span<UInt8>, _ octets: Span<UInt8>, _ key: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) throws(RegisterRefusal) -> Bool {
        self.block.removeAll(keepingCapacity: true)
        if self.isDurable { self.token &+= 1 }
        do throws(RegisterRefusal) {
            let (kept, isChanged) = try self.keepUntouched(present, octets, key, circumstances)
            return try self.addContacts(octets, key, circumstances, present, existing: kept) || isChanged
        } catch {
            self.takeBackChanges()
            throw error
        }
    }

    /// Copies the bindings that the REGISTER does not touch; returns how many, and whether others go.
    private mutating func keepUntouched(
        _ present: Span<UInt8>, _ octets: Span<UInt8>, _ key: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) throws(RegisterRefusal) -> (Int, Bool) {
        var (count, isChanged) = (0, false)
        var position = 0
        while position < present.count {
            let binding = StoredBinding(present, at: position)
            position = binding.whole.upper
            if binding.expiresAt <= circumstances.wall {
                isChanged = true
                self.noteRemoval(binding, present, key, circumstances)
                continue
            }
            let update = self.request.update(of: binding, present, octets)
            if update != nil || self.request.isWildcard {
                let isSameCall = present.equals(binding.callID.range, octets, self.request.callID.range)
                if !isSameCall || self.request.cseq > binding.cseq {
                    isChanged = true
                    let isRemoval = update.map { self.expiry(self.request.contacts[$0]) == 0 } ?? true
                    let isMoved =
                        update.map { !self.request.isStoredInPlace($0, of: binding, present, octets) } ?? false
                    if isRemoval || isMoved { self.noteRemoval(binding, present, key, circumstances) }
                    continue
                }
                guard self.request.cseq == binding.cseq else {
                    throw RegisterRefusal(500, "CSeq Is Lower Than The Last", retryAfter: 1)
                }
                // A retransmission, answered with what it has made: a UAS may be stateless for this (§8.2.7).
                if let update { self.request.drop(update, octets) }
            }
            self.block.append(present, binding.whole.range)
            count += 1
        }
        return (count, isChanged)
    }

    private mutating func noteRemoval(
        _ binding: StoredBinding, _ present: Span<UInt8>, _ key: Span<UInt8>,
        _ circumstances: Registrar.Circumstances
    ) {
        guard self.isDurable else { return }
        let record = BindingRecord(binding, of: present, aor: key.octets(0..<key.count), local: circumstances.local)
        self.changes.append((self.token, .remove(record)))
    }

    /// The expiry that a Contact asks for, in seconds, shortened to what is granted.
    private func expiry(_ contact: RegisterRequest.ContactUpdate) -> UInt32 {
        Swift.min(contact.expires ?? self.request.expires ?? self.policy.defaultExpires, self.policy.maxExpires)
    }

    /// Appends the bindings that the REGISTER makes or refreshes; returns whether there are any.
    private mutating func addContacts(
        _ octets: Span<UInt8>, _ key: Span<UInt8>, _ circumstances: Registrar.Circumstances, _ present: Span<UInt8>,
        existing: Int
    ) throws(RegisterRefusal) -> Bool {
        var count = existing
        var i = 0
        while i < self.request.contacts.count {
            let contact = self.request.contacts[i]
            i += 1
            let expires = self.expiry(contact)
            // An absent URI was a retransmission. The same contact twice in one request: the last one counts.
            if contact.uri.isEmpty || expires == 0 || self.request.isRepeated(contact, after: i, octets) { continue }
            guard expires >= self.policy.minExpires else {
                throw RegisterRefusal(423, "Interval Too Brief", minExpires: self.policy.minExpires)
            }
            guard count < self.policy.maxContacts else {
                throw RegisterRefusal(403, "Too Many Contacts For This Address")
            }
            try self.checkInstance(contact, octets, key, circumstances)
            let since = self.since(contact, octets, present, circumstances)
            self.renew(contact, octets, since: since, key, circumstances)
            let start = self.block.count
            StoredBinding.write(
                StoredBinding.Texts(
                    octets, contact: contact.uri, parameters: contact.parameters, instance: contact.instance,
                    callID: self.request.callID, userAgent: self.request.userAgent),
                path: self.request.path, q: contact.q, cseq: self.request.cseq, regID: contact.regID,
                expiresAt: circumstances.wall + Int64(expires) * 1000, since: since, flow: circumstances.flow,
                into: &self.block)
            count += 1
            if self.isDurable {
                let record = self.record(at: start, key, circumstances)
                self.changes.append((self.token, .store(record)))
            }
        }
        return count > existing
    }

    /// The binding that begins at `start` of the new block, for the store.
    func record(
        at start: Int, _ key: Span<UInt8>, _ circumstances: Registrar.Circumstances
    ) -> BindingRecord {
        let binding = StoredBinding(self.block.span, at: start)
        let endpoint = Int(binding.flow.endpoint)
        return BindingRecord(
            binding, of: self.block.span, aor: key.octets(0..<key.count),
            local: endpoint < self.locals.count ? self.locals[endpoint] : circumstances.local)
    }
}

extension RegisterRequest {
    /// The position of the Contact that updates a binding: the same instance and reg-id (RFC 5626 §6), or an equivalent
    /// URI (RFC 3261 §10.3 step 7); `nil` for none.
    func update(of binding: StoredBinding, _ block: Span<UInt8>, _ octets: Span<UInt8>) -> Int? {
        for i in self.contacts.indices.reversed() where !self.contacts[i].uri.isEmpty {
            let contact = self.contacts[i]
            if contact.regID > 0, binding.regID > 0 {
                if contact.regID == binding.regID, block.equals(binding.instance.range, octets, contact.instance.range)
                {
                    return i
                }
                continue
            }
            if URIIndex.areEquivalent(block, binding.contact, octets, contact.uri) { return i }
        }
        return nil
    }

    /// Whether the store finds the binding again by what the Contact says: it compares octets, not URIs.
    func isStoredInPlace(
        _ position: Int, of binding: StoredBinding, _ block: Span<UInt8>, _ octets: Span<UInt8>
    ) -> Bool {
        let contact = self.contacts[position]
        if contact.regID > 0 || binding.regID > 0 {
            return contact.regID == binding.regID
                && block.equals(binding.instance.range, octets, contact.instance.range)
        }
        return block.equals(binding.contact.range, octets, contact.uri.range)
    }

    /// Whether a later Contact of the request names the same binding.
    func isRepeated(_ contact: ContactUpdate, after position: Int, _ octets: Span<UInt8>) -> Bool {
        for i in position..<self.contacts.count where self.isSame(self.contacts[i], contact, octets) { return true }
        return false
    }

    /// Takes out a Contact, and with it those before that name the same binding, which it has replaced.
    mutating func drop(_ position: Int, _ octets: Span<UInt8>) {
        for i in 0..<position where self.isSame(self.contacts[i], self.contacts[position], octets) {
            self.contacts[i].uri = .absent
        }
        self.contacts[position].uri = .absent
    }

    private func isSame(_ left: ContactUpdate, _ right: ContactUpdate, _ octets: Span<UInt8>) -> Bool {
        if left.regID > 0, right.regID > 0 {
            return left.regID == right.regID && octets.equals(left.instance.range, octets, right.instance.range)
        }
        return !left.uri.isEmpty && URIIndex.areEquivalent(octets, left.uri, octets, right.uri)
    }
}

extension StoredBinding {
    /// Appends the parameters of the Contact but `expires` and the GRUUs, which are written anew.
    func writeParameters(_ block: Span<UInt8>, into output: inout [UInt8]) {
        var position = self.parameters.lower
        while position < self.parameters.upper {
            // From one semicolon to the next outside quotes.
            var end = position + 1
            var isQuoted = false
            while end < self.parameters.upper, isQuoted || block[end] != 0x3B {
                if block[end] == 0x22 { isQuoted.toggle() } else if block[end] == 0x5C, isQuoted { end += 1 }
                end += 1
            }
            end = Swift.min(end, self.parameters.upper)
            var nameEnd = position + 1
            while nameEnd < end, block[nameEnd].isLinearWhitespace { nameEnd += 1 }
            let nameStart = nameEnd
            while nameEnd < end, block[nameEnd].isToken { nameEnd += 1 }
            // A device cannot choose its GRUUs (RFC 5627 §5.1).
            let isOurs =
                block.equals(nameStart..<nameEnd, ignoringCase: "expires")
                || block.equals(nameStart..<nameEnd, ignoringCase: "pub-gruu")
                || block.equals(nameStart..<nameEnd, ignoringCase: "temp-gruu")
            if !isOurs { output.append(block, position..<end) }
            position = end
        }
    }
}

import Containers
import SIPMessages
import SIPTransactions

/// What begins: requests outside dialogs.
extension LoadEngine {
    /// Begins a call, a registration or a message.
    ///
    /// - Parameters:
    ///   - number: Which of the run, from 0 on.
    ///   - intended: When it should begin.
    ///   - source: The number of the source.
    mutating func start(
        _ number: Int, intended: MonotonicInstant, from source: Int, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let scenario = self.plan.scenario else { return }
        var flow = self.server
        flow.endpoint = UInt16(truncatingIfNeeded: source)
        let users = Swift.max(1, self.plan.users)
        var user = self.plan.firstUser + number % users
        var cseq: UInt32 = 1
        if scenario == .registrations {
            // There is one, or as many would be under way as may.
            var own = number / self.share.of % self.registers.count
            while self.registers[own].isBusy { own = own + 1 < self.registers.count ? own + 1 : 0 }
            self.registers[own].isBusy = true
            self.registers[own].number &+= 1
            cseq = self.registers[own].number
            user = self.plan.firstUser + self.share.number + own * self.share.of
        }
        let unit = LoadUnit(
            state: scenario == .calls ? .calling : .asking, generation: self.nextGeneration(),
            user: Int32(clamping: user), intended: intended, cseq: cseq, flow: flow)
        guard let slot = self.units.insert(unit) else { return }
        self.sendOpening(slot, at: now, into: &outbox)
    }

    /// Sends the request that begins it, with credentials where the unit has some.
    mutating func sendOpening(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) {
        guard let scenario = self.plan.scenario,
            let id = self.transactions.openClient(method: scenario.method, owner: self.owner(slot))
        else { return self.finish(slot, .unreachable) }
        self.units[slot].transaction = id
        if scenario == .calls {
            self.units[slot].invite = id
            self.units[slot].inviteNumber = self.units[slot].cseq
        }
        let start = outbox.octets.count
        self.writeOpening(slot, scenario, id, into: &outbox.octets)
        let isSent = self.transactions.sendRequest(
            id, over: self.units[slot].flow, to: self.plan.domain, from: start, at: now, into: &outbox)
        if !isSent { self.finish(slot, .unreachable) }
    }

    // MARK: Names

    /// What the transaction of a unit names it by.
    func owner(_ slot: Int32) -> UInt64 {
        UInt64(self.units[slot].generation) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    /// The unit that a number names, unless it is over.
    func unit(_ owner: UInt64) -> Int32? {
        let slot = Int32(truncatingIfNeeded: owner & 0xFFFF_FFFF)
        guard owner >> 32 != 0, self.units.isInUse(slot), self.units[slot].generation == UInt32(owner >> 32) else {
            return nil
        }
        return slot
    }

    /// The number of the user who sends: of him who registers, or of another than the one who is called.
    func sender(_ user: Int) -> Int {
        guard self.plan.scenario != .registrations else { return user }
        let users = Swift.max(1, self.plan.users)
        return self.plan.firstUser + (user - self.plan.firstUser + Swift.max(1, users / 2)) % users
    }

    // MARK: Writing

    private func writeOpening(
        _ slot: Int32, _ scenario: LoadPlan.Scenario, _ id: TransactionID, into output: inout [UInt8]
    ) {
        let user = Int(self.units[slot].user)
        let source = Int(self.units[slot].flow.endpoint)
        let isRegistration = scenario == .registrations
        output.append(Self.startOfLine(scenario))
        self.plan.target.write(user, to: &output)
        output.append(" SIP/2.0\r\n")
        output.append(contentsOf: self.sources[source].viaStart)
        self.transactions.writeBranch(id, loopHash: self.run, into: &output)
        output.append(";rport\r\nMax-Forwards: 70\r\nFrom: <")
        self.plan.account.write(self.sender(user), to: &output)
        output.append(">;tag=")
        output.append(hexadecimal: self.owner(slot))
        output.append("\r\nTo: <")
        if isRegistration {
            self.plan.account.write(user, to: &output)
        } else {
            self.plan.target.write(user, to: &output)
        }
        output.append(">\r\nCall-ID: ")
        // All REGISTERs of a user have one Call-ID (§10.2.4).
        output.append(hexadecimal: isRegistration ? UInt64(user) : self.owner(slot))
        output.append(hexadecimal: self.run)
        output.append("\r\nCSeq: ")
        output.append(decimal: self.units[slot].cseq)
        output.append(Self.endOfNumber(scenario))
        if scenario != .messages { self.writeContact(user, source, isRegistration, to: &output) }
        self.transactions.pool.append(self.units[slot].credentials, to: &output)
        output.append("User-Agent: ")
        output.append(text: self.plan.product)
        output.append("\r\n")
        self.writeEnd(scenario, source, to: &output)
    }

    private func writeContact(_ user: Int, _ source: Int, _ isRegistration: Bool, to output: inout [UInt8]) {
        output.append("Contact: <")
        if isRegistration, let contact = self.plan.contact {
            contact.write(user, to: &output)
            output.append(0x3E)
        } else {
            output.append("sip:u")
            output.append(decimal: UInt(user.magnitude))
            output.append(contentsOf: self.sources[source].contactEnd)
        }
        if isRegistration {
            output.append(";expires=")
            output.append(decimal: self.plan.expires)
        }
        output.append("\r\n")
    }

    private func writeEnd(_ scenario: LoadPlan.Scenario, _ source: Int, to output: inout [UInt8]) {
        switch scenario {
        case .calls:
            output.append("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\n")
            Self.writeDescription(self.sources[source], to: &output)
        case .messages:
            output.append("Content-Type: text/plain\r\nContent-Length: ")
            output.append(decimal: UInt(self.plan.text.utf8.count))
            output.append("\r\n\r\n")
            output.append(text: self.plan.text)
        case .options:
            output.append("Accept: application/sdp\r\n")
            output.endHeader()
        case .registrations: output.endHeader()
        }
    }

    /// Appends an offer or answer and the fields that belong to it.
    static func writeDescription(_ source: LoadSource, to output: inout [UInt8]) {
        output.append("Content-Type: application/sdp\r\nContent-Length: ")
        output.append(decimal: UInt(source.description.count))
        output.append("\r\n\r\n")
        output.append(contentsOf: source.description)
    }

    private static func startOfLine(_ scenario: LoadPlan.Scenario) -> StaticString {
        switch scenario {
        case .calls: "INVITE "
        case .registrations: "REGISTER "
        case .messages: "MESSAGE "
        case .options: "OPTIONS "
        }
    }

    private static func endOfNumber(_ scenario: LoadPlan.Scenario) -> StaticString {
        switch scenario {
        case .calls: " INVITE\r\n"
        case .registrations: " REGISTER\r\n"
        case .messages: " MESSAGE\r\n"
        case .options: " OPTIONS\r\n"
        }
    }
}

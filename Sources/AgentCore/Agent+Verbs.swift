public import SIPMessages
public import SIPTransactions

/// What the application and the driver say.
extension Agent {
    // MARK: Calls to us

    /// Sends a provisional response to a call that came: 180 Ringing, unless another is asked for.
    public mutating func ring(
        _ call: CallHandle, _ status: StatusCode = 180, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.progress(status, hasMedia: false, &$1) }
    }

    /// Sends a provisional response with a session description, for early media: 183 unless another is asked for.
    public mutating func progress(
        _ call: CallHandle, _ status: StatusCode = 183, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.progress(status, hasMedia: true, &$1) }
    }

    /// Accepts a call that came: 200 as soon as the media has described itself.
    public mutating func accept(
        _ call: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.accept(&$1) }
    }

    /// Refuses a call that came, or sends its caller elsewhere: a 3xx names where in `contacts`.
    public mutating func reject(
        _ call: CallHandle, _ status: StatusCode, reason: String? = nil, contacts: [Contact] = [],
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let status = status.number >= 300 ? status : 480
        self.turn(call, &transactions, at: now, &outbox) { $0.reject(status, reason, contacts: contacts, &$1) }
    }

    // MARK: Calls of ours

    /// Begins a call.
    ///
    /// - Returns: `nil` when there are too many.
    public mutating func call(
        _ plan: CallPlan, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> CallHandle? {
        let user = plan.contactUser ?? plan.from.uri.sip?.user
        guard let handle = self.makeCall(isCaller: true, contactUser: user) else { return nil }
        self.turn(handle, &transactions, at: now, &outbox) { $0.start(plan, &$1) }
        return handle
    }

    // MARK: All calls

    /// Ends a call: CANCEL, BYE or a refusal, as its state asks for. The call is over for the application at once.
    public mutating func hangUp(
        _ call: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.hangUp(&$1) }
    }

    /// Changes the session of a call: the media is asked for a new offer as soon as one may be made.
    public mutating func modify(
        _ call: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.modify(&$1) }
    }

    // MARK: Answers to questions

    /// The media answers `AgentAction.describeMedia`. An answer to a question that is not open any more is none.
    public mutating func described(
        _ call: CallHandle, _ question: UInt32, _ description: MediaDescription,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.described(question, description, &$1) }
    }
}

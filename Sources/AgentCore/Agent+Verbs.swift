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

    /// Sends early media in a session of its own, which a reliable 183 offers (RFC 3959), where the caller knows of such;
    /// otherwise as `progress` does.
    ///
    /// - Parameter answers: Whether the 183 also answers the caller's offer for the regular session.
    public mutating func announce(
        _ call: CallHandle, answers: Bool = true, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.announce(answers: answers, &$1) }
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
        self.call(plan, for: nil, transactions: &transactions, at: now, into: &outbox)
    }

    /// Begins a call that a transfer asks for.
    mutating func call(
        _ plan: CallPlan, for referral: ReferralHandle?, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) -> CallHandle? {
        var plan = plan
        if plan.routes.isEmpty, let account = plan.account { plan.routes = self.grant(of: account)?.serviceRoute ?? [] }
        let user = plan.contactUser ?? plan.from.uri.sip?.user
        guard let handle = self.makeCall(isCaller: true, contactUser: user, account: plan.account) else { return nil }
        self.turn(handle, &transactions, at: now, &outbox) { call, work in
            call.referral = referral
            if plan.isFocus { call.contactParameters = Call.focus }
            call.start(plan, &work)
        }
        return handle
    }

    /// Goes on where a redirection says (`AgentAction.redirected`): to these of its Contacts, the preferred first. With
    /// none of them the call is over.
    public mutating func follow(
        _ call: CallHandle, _ contacts: [Contact], transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.follow(contacts, &$1) }
    }

    /// Media has begun to arrive in a leg of a call of ours, or arrives no more: the tone of the caller's own side follows
    /// that (RFC 3960 §3.2).
    public mutating func mediaArrives(
        _ call: CallHandle, leg: Int, _ isArriving: Bool = true, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { call, work in
            call.setRingback(leg, &work) { $0.media(arrives: isArriving) }
        }
    }

    // MARK: All calls

    /// Ends a call: CANCEL, BYE or a refusal, as its state asks for. The call is over for the application at once.
    public mutating func hangUp(
        _ call: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.hangUp(&$1) }
    }

    /// Ends all calls.
    public mutating func hangUpAll(
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        for slot in self.calls.slots {
            let call = CallHandle(slot: slot, generation: self.calls.generation(of: slot))
            self.hangUp(call, transactions: &transactions, at: now, into: &outbox)
        }
    }

    /// Changes the session of a call: the media is asked for a new offer as soon as one may be made.
    public mutating func modify(
        _ call: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { $0.modify(&$1) }
    }

    /// Sends an INFO in a call: one of a package, or one of the time before packages, as for digits (RFC 6086).
    /// `AgentAction.informationAnswered` or `informationFailed` says what became of it.
    ///
    /// - Returns: whether it was sent: there must be a dialog, and the other side must take the package.
    public mutating func inform(
        _ call: CallHandle, _ body: [UInt8], type: MediaType, package: String? = nil,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        var isSent = false
        self.turn(call, &transactions, at: now, &outbox) { isSent = $0.inform(body, type, package: package, &$1) }
        return isSent
    }

    /// Sends a MESSAGE in a call (RFC 3428 §3), of which is told as of an INFO.
    ///
    /// - Returns: whether it was sent.
    public mutating func message(
        _ call: CallHandle, _ body: [UInt8], type: MediaType, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        var isSent = false
        self.turn(call, &transactions, at: now, &outbox) { isSent = $0.message(body, type, &$1) }
        return isSent
    }

    /// Mixes a call with others from now on, or does not any more: its other side learns by a re-INVITE that we are a
    /// focus (RFC 4579 §5.1, RFC 5359 §2.10).
    public mutating func mix(
        _ call: CallHandle, _ isFocus: Bool = true, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        self.turn(call, &transactions, at: now, &outbox) { call, work in
            call.contactParameters = isFocus ? Call.focus : Parameters()
            call.modify(&work)
        }
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

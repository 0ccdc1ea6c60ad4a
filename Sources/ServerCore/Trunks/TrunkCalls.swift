import SIPMessages

/// The calls of a shard that go by trunks: who holds which line, and until when.
struct TrunkCalls {
    /// One request that began by a trunk, and for an INVITE the dialogs that it made.
    struct Call {
        let trunk: String
        /// The numbers of the trunk's targets in the order in which they are tried.
        let targets: [Int]
        /// Whether it has a line.
        let hasLine: Bool
        let longest: TimeSpan
        let callID: [UInt8]
        /// The tag of the caller.
        let callerTag: [UInt8]
        /// The tags of those who have answered and not hung up.
        var calleeTags: [[UInt8]] = []
        /// The timer by which it is forgotten; -1 for none.
        var timer: Int32 = -1
    }

    private(set) var calls: [UInt64: Call] = [:]
    private var byCallID: [[UInt8]: [UInt64]] = [:]
    private var serial: UInt64 = 0
    /// The most dialogs of one call that are told apart.
    private static let dialogLimit = 16

    var isEmpty: Bool { self.calls.isEmpty }

    subscript(token: UInt64) -> Call? { self.calls[token] }

    /// Adds a call, and returns its token.
    mutating func add(_ call: Call) -> UInt64 {
        self.serial += 1
        self.calls[self.serial] = call
        self.byCallID[call.callID, default: []].append(self.serial)
        return self.serial
    }

    /// Removes a call.
    mutating func remove(_ token: UInt64) -> Call? {
        guard let call = self.calls.removeValue(forKey: token) else { return nil }
        self.byCallID[call.callID]?.removeAll { $0 == token }
        if self.byCallID[call.callID]?.isEmpty ?? false { self.byCallID[call.callID] = nil }
        return call
    }

    /// A dialog was made.
    mutating func noteDialog(_ token: UInt64, calleeTag: [UInt8]) {
        guard let tags = self.calls[token]?.calleeTags, !tags.contains(calleeTag), tags.count < Self.dialogLimit else {
            return
        }
        self.calls[token]?.calleeTags.append(calleeTag)
    }

    mutating func setTimer(_ timer: Int32, of token: UInt64) { self.calls[token]?.timer = timer }

    /// The call that a message within a dialog belongs to, in whichever direction it goes.
    func find(callID: [UInt8], fromTag: [UInt8], toTag: [UInt8]) -> (token: UInt64, calleeTag: [UInt8])? {
        for token in self.byCallID[callID] ?? [] {
            guard let call = self.calls[token] else { continue }
            if call.callerTag == fromTag, call.calleeTags.contains(toTag) { return (token, toTag) }
            if call.callerTag == toTag, call.calleeTags.contains(fromTag) { return (token, fromTag) }
        }
        return nil
    }

    /// A dialog is over.
    ///
    /// - Returns: whether it was the last of its call, which is to be removed then.
    mutating func endDialog(_ token: UInt64, calleeTag: [UInt8]) -> Bool {
        self.calls[token]?.calleeTags.removeAll { $0 == calleeTag }
        return self.calls[token]?.calleeTags.isEmpty ?? false
    }
}

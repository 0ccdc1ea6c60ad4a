public import SIPDialogs
import SIPMessages

/// How an INVITE comes in.
enum Entrance {
    /// As a call of its own.
    case own
    /// In the place of another, which is answered or not yet.
    case replaces(CallHandle, isEarly: Bool)
    /// To be mixed into another.
    case joins(CallHandle)
    case refused(StatusCode, String?)
}

/// Calls that take the place of others, or are mixed into them (RFC 3891, RFC 3911).
extension Agent {
    /// The dialog of a call, as this side sees it: what Replaces and Join of others name with its tags exchanged;
    /// `nil` before there is one.
    public func dialog(of call: CallHandle) -> DialogID? {
        guard self.calls.isLive(call.slot, call.generation), let call = self.calls[call.slot] else { return nil }
        return call.liveLeg.map { call.legs[$0].dialog.id }
    }

    /// How an INVITE comes in, by its Replaces or Join.
    func entrance(of request: SIPMessage) -> Entrance {
        let (replacements, joins) = (request.values(named: "Replaces").count, request.values(named: "Join").count)
        guard replacements + joins > 0 else { return .own }
        // Several, or both, contradict each other (RFC 3891 §3, RFC 3911 §4).
        guard replacements + joins == 1 else { return .refused(400, "Contradictory Replaces And Join") }
        if replacements == 1 {
            guard self.configuration.features.contains(.replacement) else { return .own }
            guard let replaces = request.first(.replaces) else { return .refused(400, "Malformed Replaces") }
            return self.entrance(of: request, replacing: replaces)
        }
        // Who cannot mix says so (RFC 3911 §4).
        guard self.configuration.features.contains(.joining) else { return .refused(488, "No Conferences Here") }
        guard let join = request.first(.join) else { return .refused(400, "Malformed Join") }
        switch self.find(join.callID, toTag: join.toTag, fromTag: join.fromTag, for: request) {
        case .found(let call, _): return .joins(call.handle)
        case .refused(let status, let reason): return .refused(status, reason)
        }
    }

    private func entrance(of request: SIPMessage, replacing replaces: Replaces) -> Entrance {
        switch self.find(replaces.callID, toTag: replaces.toTag, fromTag: replaces.fromTag, for: request) {
        case .refused(let status, let reason): return .refused(status, reason)
        case .found(let call, let leg):
            if call.legs[leg].state == .confirmed {
                return replaces.isEarlyOnly ? .refused(486, "Answered Already") : .replaces(call.handle, isEarly: false)
            }
            // Of early dialogs only those that this side began can be replaced (RFC 3891 §3).
            return call.isCaller ? .replaces(call.handle, isEarly: true) : .refused(481, nil)
        }
    }

    private enum Finding {
        case found(Call, leg: Int)
        case refused(StatusCode, String?)
    }

    /// Finds the dialog that a request names from its own point of view: its To tag is ours.
    private func find(_ callID: CallID, toTag: String, fromTag: String, for request: SIPMessage) -> Finding {
        var ids = [DialogID(callID, localTag: toTag, remoteTag: fromTag)]
        // 0 stands for a tag that a peer of RFC 2543 does not have (RFC 3891 §6.1).
        if fromTag == "0" { ids.append(DialogID(callID, localTag: toTag, remoteTag: "")) }
        for id in ids {
            guard let handle = self.dialogs[id], let call = self.calls[handle.slot], let leg = call.leg(id) else {
                continue
            }
            guard call.legs[leg].hasSession else { return .refused(481, nil) }
            guard call.legs[leg].isLive, !call.isEnded else { return .refused(603, nil) }
            guard self.configuration.mayReplace(request, call.legs[leg].dialog.remote) else {
                return .refused(403, "Not Yours To Replace")
            }
            return .found(call, leg: leg)
        }
        let isOver = ids.contains { self.endedDialogs.contains($0, at: self.work.now) }
        return .refused(isOver ? 603 : 481, nil)
    }
}

extension Call {
    /// What the Contact of one who mixes says (RFC 4579 §5.1).
    static let focus = Parameters([Parameter("isfocus")])

    /// The new call stands: the old one may go. One that is only ringing goes as soon as the new one is answered, so that
    /// nobody answers it meanwhile; one that stands lives until the new one stands for sure.
    mutating func takePlace(isAcknowledged: Bool, _ work: inout CallWork) {
        guard let (other, isEarly) = self.replaced, isEarly || isAcknowledged else { return }
        self.replaced = nil
        work.effects.append(.post(other, .replaced(by: self.handle)))
    }

    /// Tells how the call came in; one that takes the place of another is accepted at once (RFC 3891 §3).
    mutating func enter(_ entrance: Entrance, _ work: inout CallWork) {
        guard !self.isEnded else { return }
        switch entrance {
        case .own, .refused: break
        case .replaces(let other, let isEarly):
            self.replaced = (other, isEarly)
            work.tell(.replaces(self.handle, other: other))
            self.accept(&work)
        case .joins(let other):
            self.contactParameters = Self.focus
            work.tell(.joins(self.handle, other: other))
        }
    }
}

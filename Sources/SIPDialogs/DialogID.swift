public import SIPMessages

/// What tells a dialog from every other at one UA: Call-ID, local tag and remote tag (RFC 3261 §12).
///
/// A peer of RFC 2543 may have no tag; its tag is empty then (§12.1.1, §12.1.2).
public struct DialogID: Hashable, Sendable, CustomStringConvertible {
    /// The Call-ID.
    public var callID: CallID
    /// The tag on this side.
    public var localTag: String
    /// The tag of the other side; empty when it has none.
    public var remoteTag: String

    /// The dialog with this Call-ID and these tags.
    public init(_ callID: CallID, localTag: String, remoteTag: String) {
        (self.callID, self.localTag, self.remoteTag) = (callID, localTag, remoteTag)
    }

    /// The dialog that a request names, as the one who receives it sees it; `nil` when it has no To tag and so names none.
    public init?(request: SIPMessage) {
        guard let callID = request.first(.callID), let from = request.first(.from), let to = request.first(.to),
            let localTag = to.tag, !localTag.isEmpty
        else { return nil }
        self.init(callID, localTag: localTag, remoteTag: from.tag ?? "")
    }

    /// The dialog that a response names, as the one who receives it sees it; `nil` without a From tag.
    public init?(response: SIPMessage) {
        guard let callID = response.first(.callID), let from = response.first(.from), let to = response.first(.to),
            let localTag = from.tag
        else { return nil }
        self.init(callID, localTag: localTag, remoteTag: to.tag ?? "")
    }

    /// Call-ID and tags, for people.
    public var description: String { "\(self.callID);local=\(self.localTag);remote=\(self.remoteTag)" }
}

import SIPMessages

/// What a recorder reads of a message: where its dialog's names lie.
///
/// It sees every message of every call, so it looks for what it needs and reads no field as a whole; that was done when
/// the message came in.
struct SeenMessage: BitwiseCopyable {
    var method: Method.Code
    /// 0 in a request.
    var status: UInt16
    var callID: OctetRange
    var fromTag: OctetRange
    var toTag: OctetRange
    /// The topmost Via, with what follows it in its field.
    var via: OctetRange

    /// Reads the fields that every message has; `nil` when one is missing.
    init?(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) {
        guard let callID = index.value(.callID), let from = index.value(.from), let to = index.value(.to),
            let cseq = index.value(.cseq), let via = index.value(.via)
        else { return nil }
        (self.callID, self.via, self.status) = (callID, via, index.statusCode)
        self.fromTag = Self.parameter("tag", of: octets, in: from)
        self.toTag = Self.parameter("tag", of: octets, in: to)
        self.method = index.method
        if !index.isRequest {
            var start = cseq.upper
            while start > cseq.lower, octets[start &- 1].isToken { start &-= 1 }
            self.method = Method.Code(octets, start..<cseq.upper)
        }
    }

    /// A keyed hash of the branch in the topmost Via (RFC 3261 §8.1.1.7).
    func branch(_ octets: Span<UInt8>, key: SipHashKey) -> UInt64 {
        SipHash13.hash(octets, Self.parameter("branch", of: octets, in: self.via).range, key: key)
    }

    /// The value of a parameter of the first value in a field; parameters stand after quotes and brackets. Absent when
    /// there is none.
    private static func parameter(_ name: StaticString, of octets: Span<UInt8>, in field: OctetRange) -> OctetRange {
        var position = field.lower
        let end = field.upper
        while position < end {
            switch octets[position] {
            case 0x22:  // A quoted string, in which a backslash takes the meaning from what follows.
                position &+= 1
                while position < end, octets[position] != 0x22 { position &+= octets[position] == 0x5C ? 2 : 1 }
            case 0x3C:
                while position < end, octets[position] != 0x3E { position &+= 1 }
            case 0x2C: return .absent
            case 0x3B:
                var start = position &+ 1
                while start < end, octets[start].isLinearWhitespace { start &+= 1 }
                var last = start
                while last < end, octets[last].isToken { last &+= 1 }
                if last &- start == name.utf8CodeUnitCount, octets.equals(start..<last, ignoringCase: name) {
                    return Self.value(of: octets, after: last, end)
                }
                position = last
                continue
            default: break
            }
            position &+= 1
        }
        return .absent
    }

    private static func value(of octets: Span<UInt8>, after name: Int, _ end: Int) -> OctetRange {
        var position = name
        while position < end, octets[position].isLinearWhitespace { position &+= 1 }
        guard position < end, octets[position] == 0x3D else { return .absent }
        position &+= 1
        while position < end, octets[position].isLinearWhitespace { position &+= 1 }
        let start = position
        while position < end, octets[position].isToken { position &+= 1 }
        return OctetRange(start, position)
    }
}

/// What dynamic payload types mean in each medium: once said, for the rest of the session (RFC 3264 §8.3.2).
struct PayloadTypeBindings: Sendable {
    private var ours: [[UInt8: MediaFormat]] = []
    private var theirs: [[UInt8: MediaFormat]] = []

    /// Learns what the peer's payload types mean.
    ///
    /// - Returns: An error for each medium in which one means something else than before; the new meaning holds.
    mutating func learn(_ description: SessionDescription) -> [OfferAnswerError] {
        var problems: [OfferAnswerError] = []
        for (i, medium) in description.media.enumerated() where medium.line.port != 0 {
            while self.theirs.count <= i { self.theirs.append([:]) }
            var isChanged = false
            for format in medium.formats where format.payloadType >= 96 {
                let known = self.theirs[i].updateValue(format, forKey: format.payloadType)
                isChanged = isChanged || known.map { !$0.isSameEncoding(as: format) } == true
            }
            if isChanged { problems.append(OfferAnswerError(.payloadTypeChanged, medium: i)) }
        }
        return problems
    }

    /// Gives each format of an offer its payload type: the one it has had, or the one that is wanted where it is free.
    /// What finds none is left out.
    mutating func assign(_ formats: [MediaFormat], at i: Int) -> [MediaFormat] {
        while self.ours.count <= i { self.ours.append([:]) }
        var used: Set<UInt8> = []
        var result: [MediaFormat] = []
        for format in formats {
            guard let type = self.payloadType(for: format, at: i, used) else { continue }
            used.insert(type)
            var assigned = format
            assigned.map.payloadType = type
            if type >= 96 { self.ours[i][type] = assigned }
            result.append(assigned)
        }
        return result
    }

    /// Remembers the payload types of an answer of ours, which are those of the offer.
    mutating func bind(_ formats: [MediaFormat], at i: Int) {
        while self.ours.count <= i { self.ours.append([:]) }
        for format in formats where format.payloadType >= 96 { self.ours[i][format.payloadType] = format }
    }

    private func payloadType(for format: MediaFormat, at i: Int, _ used: Set<UInt8>) -> UInt8? {
        let wanted = format.payloadType
        if wanted < 96 { return used.contains(wanted) ? nil : wanted }
        if let known = self.ours[i].filter({ $0.value.isSameEncoding(as: format) && !used.contains($0.key) })
            .keys.min(by: { left, right in left == wanted || (right != wanted && left < right) })
        {
            return known
        }
        let candidates = [wanted] + Array(96...127)
        return candidates.first { !used.contains($0) && self.isFree($0, for: format, at: i) }
    }

    private func isFree(_ type: UInt8, for format: MediaFormat, at i: Int) -> Bool {
        guard self.ours[i][type] == nil else { return false }
        let meaning = i < self.theirs.count ? self.theirs[i][type] : nil
        return meaning.map { $0.isSameEncoding(as: format) } ?? true
    }
}

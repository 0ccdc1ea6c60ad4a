import SIPMessages

// The descriptions that the machine makes.

extension OfferAnswer {
    /// A medium of an offer.
    mutating func offered(_ stream: LocalStream, at i: Int) -> MediaDescription {
        let formats = self.bindings.assign(stream.formats, at: i)
        var medium = Self.medium(stream, formats)
        // Back from hold the direction is said, also where it is the default.
        let before = self.local.flatMap { i < $0.media.count ? $0.media[i].ownDirection : nil }
        if stream.direction != .sendrecv || before != nil { medium.ownDirection = stream.direction }
        if stream.allowsRTCPMux { medium.addAttribute("rtcp-mux") }
        return medium
    }

    /// A medium of an answer; `nil` when there is no format in common or the medium was offered as ended.
    mutating func accepted(
        _ stream: LocalStream, _ medium: MediaDescription, in offer: SessionDescription
    ) -> MediaDescription? {
        guard medium.line.port != 0 else { return nil }
        let formats = self.commonFormats(medium.formats, stream.formats)
        guard !formats.isEmpty else { return nil }
        var stream = stream
        (stream.type, stream.transport) = (medium.line.type, medium.line.transport)
        let wanted = offer.direction(of: medium)
        let direction = stream.direction.limited(to: wanted.reversed)
        var answer = Self.medium(stream, formats)
        if direction != .sendrecv || medium.ownDirection != nil { answer.ownDirection = direction }
        if stream.allowsRTCPMux, medium.hasRTCPMux { answer.addAttribute("rtcp-mux") }
        if let mid = medium.identification { answer.addAttribute("mid", mid) }
        return answer
    }

    /// The formats of an answer, with the payload types of the offer.
    private func commonFormats(_ offered: [MediaFormat], _ own: [MediaFormat]) -> [MediaFormat] {
        var common: [MediaFormat] = []
        if self.style.usesOwnOrder {
            for format in own {
                for candidate in offered where !common.contains(where: { $0.payloadType == candidate.payloadType }) {
                    if let answer = FormatAgreement.answer(to: candidate, own: format) {
                        common.append(answer)
                        break
                    }
                }
            }
        } else {
            for candidate in offered {
                for format in own {
                    if let answer = FormatAgreement.answer(to: candidate, own: format) {
                        common.append(answer)
                        break
                    }
                }
            }
        }
        // Events and comfort noise alone are no agreement where something else was offered.
        if offered.contains(where: { $0.isPrimary }), !common.contains(where: { $0.isPrimary }) { return [] }
        guard self.style.listsOneEncoding, let first = common.first(where: { $0.isPrimary }) else { return common }
        return common.filter {
            $0.payloadType == first.payloadType || (!$0.isPrimary && $0.map.clockRate == first.map.clockRate)
        }
    }

    private static func medium(_ stream: LocalStream, _ formats: [MediaFormat]) -> MediaDescription {
        var medium = MediaDescription(
            MediaLine(
                stream.type, port: stream.port, transport: stream.transport,
                formats: formats.map { "\($0.payloadType)" }))
        medium.connection = ConnectionData(stream.host)
        for format in formats {
            medium.addAttribute("rtpmap", format.map.description)
            if let parameters = format.parameters, !parameters.isEmpty {
                medium.addAttribute("fmtp", "\(format.payloadType) \(parameters)")
            }
        }
        if let packetTime = stream.packetTime { medium.addAttribute("ptime", "\(packetTime)") }
        if let port = stream.rtcpPort, UInt32(port) != UInt32(stream.port) + 1 {
            medium.addAttribute("rtcp", "\(port)")
        }
        for attribute in stream.attributes { medium.addAttribute(attribute.name, attribute.value) }
        return medium
    }

    /// A medium that ended or is refused: port 0 and one format (RFC 3264 §6, §8.2).
    static func disabled(_ line: MediaLine) -> MediaDescription {
        MediaDescription(
            MediaLine(line.type, port: 0, transport: line.transport, formats: Array(line.formats.prefix(1))))
    }

    /// The groups of an offer with the members that were accepted (RFC 5888 §9.1). `BUNDLE` is left out: it would say
    /// that we take several media at one port (RFC 9143 §7.3).
    static func groups(_ offer: SessionDescription, _ media: [MediaDescription]) -> [MediaGroup] {
        let accepted = Set(media.filter { $0.line.port != 0 }.compactMap(\.identification))
        return offer.groups.compactMap { group in
            guard group.semantics != "BUNDLE" else { return nil }
            let members = group.members.filter { accepted.contains($0) }
            return members.isEmpty ? nil : MediaGroup(group.semantics, members)
        }
    }

    /// Puts a description together; its version goes up when it differs from what we sent last.
    mutating func finish(
        _ media: [MediaDescription], timing: Timing, groups: [MediaGroup] = []
    ) -> SessionDescription {
        let identity = self.identity
        var origin = Origin(
            username: identity.username, sessionID: identity.sessionID, version: identity.firstVersion,
            host: identity.host)
        if let lastSent { origin.version = lastSent.origin.version }
        var description = SessionDescription(origin: origin)
        description.name = identity.sessionName
        description.timing = timing
        for group in groups { description.addAttribute("group", group.description) }
        description.media = media
        // What most media share stands once, for the session.
        let hosts = media.filter { $0.line.port != 0 }.compactMap(\.connection)
        let shared = hosts.first ?? ConnectionData(identity.host)
        description.connection = shared
        for i in description.media.indices where description.media[i].connection == shared {
            description.media[i].connection = nil
        }
        if let lastSent, lastSent != description { description.origin.version &+= 1 }
        self.lastSent = description
        return description
    }
}

extension SessionDescription {
    /// A description of what we can do, for a 200 to OPTIONS and for a 488 (RFC 3264 §9): every port is 0.
    public init(capabilities: [StreamCapability], identity: DescriptionIdentity) {
        self.init(
            origin: Origin(
                username: identity.username, sessionID: identity.sessionID, version: identity.firstVersion,
                host: identity.host))
        self.name = identity.sessionName
        self.connection = ConnectionData(identity.host)
        for capability in capabilities {
            for transport in capability.transports {
                var medium = MediaDescription(
                    MediaLine(
                        capability.type, port: 0, transport: transport,
                        formats: capability.formats.map { "\($0.payloadType)" }))
                for format in capability.formats {
                    medium.addAttribute("rtpmap", format.map.description)
                    if let parameters = format.parameters, !parameters.isEmpty {
                        medium.addAttribute("fmtp", "\(format.payloadType) \(parameters)")
                    }
                }
                self.media.append(medium)
            }
        }
    }
}

import MediaKeying
import SDP
import SIPMessages

/// Offer and answer of the one stream that an end point has, and of what protects it; descriptions go in and out as octets,
/// as a dialog carries them.
struct Negotiation: Sendable {
    private(set) var machine: OfferAnswer
    private(set) var keying: KeyingExchange
    private let capability: StreamCapability
    /// What we say that we can do: the protocols that we would offer.
    private let described: StreamCapability
    private let fingerprint: Fingerprint?

    private static let secure = ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"]

    /// A negotiation of audio in these formats.
    ///
    /// - Parameters:
    ///   - host: What the peer reads as our address.
    ///   - isIPv6: Of which family our address is.
    ///   - keying: What is to protect it.
    ///   - fingerprint: Of our certificate for handshakes.
    init(
        _ formats: [MediaFormat], host: Host, isIPv6: Bool, keying: KeyingPolicy = .whenOffered,
        fingerprint: Fingerprint? = nil
    ) {
        (self.keying, self.fingerprint) = (KeyingExchange(keying), fingerprint)
        self.capability = StreamCapability(
            transports: ["RTP/AVP", "RTP/AVPF"] + Self.secure, formats: formats, hasIPv4: !isIPv6, hasIPv6: isIPv6)
        self.described = StreamCapability(
            transports: [keying.transport, keying.transport + "F"], formats: formats, hasIPv4: !isIPv6,
            hasIPv6: isIPv6)
        self.machine = OfferAnswer(
            identity: DescriptionIdentity(
                sessionID: UInt64.random(in: 1..<1 << 62), firstVersion: 1, host: host))
    }

    /// What the end point can do, for a 200 to OPTIONS and the body of a 488 (RFC 3264 §9).
    var capabilities: [UInt8] {
        SessionDescription(capabilities: [self.described], identity: self.machine.identity).octets
    }

    /// The audio that is agreed on; `nil` where none is.
    var stream: NegotiatedStream? { self.machine.streams.first { $0.isActive && $0.type == "audio" } }

    /// What protects it.
    var keys: MediaKeys { self.keying.keys ?? .clear }

    private var source: KeyingExchange.Source {
        KeyingExchange.Source(fingerprint: self.fingerprint) { count in
            // The generator of the system is one for keys.
            (0..<count).map { _ in UInt8.random(in: .min ... .max) }
        }
    }

    /// What a description says of the keys of a medium.
    private static func keyingLines(
        _ medium: SDP.MediaDescription, in description: SessionDescription
    ) -> KeyingLines {
        let own = medium.attributeValues("fingerprint")
        return KeyingLines(
            medium.line.transport, crypto: medium.attributeValues("crypto"),
            fingerprints: (own.isEmpty ? description.attributeValues("fingerprint") : own).compactMap {
                Fingerprint($0)
            },
            setup: medium.attribute("setup")?.value ?? description.attribute("setup")?.value)
    }

    /// Answers an offer.
    ///
    /// - Parameter local: Makes what we want, with a port for it.
    mutating func answer(
        _ octets: [UInt8], _ local: () throws(MediaError) -> LocalStream
    ) -> DescriptionOutcome {
        let offer: SessionDescription
        switch Self.parse(octets) {
        case .success(let description): offer = description
        case .failure(let error): return .malformed(error.description)
        }
        let plan = OfferPlan(offer, [self.capability]) { medium in
            self.keying.problem(Self.keyingLines(medium, in: offer), self.source).map { error in
                OfferRefusal(warning: 302, phrase: "Incompatible transport protocol: \(error)")
            }
        }
        if let refusal = plan.refusal { return .refused(refusal, capabilities: self.capabilities) }
        do throws(OfferAnswerError) {
            _ = try self.machine.receiveOffer(offer)
        } catch {
            if error.rule == .glare || error.rule == .offerPending { return .glare }
            return .refused(
                OfferRefusal(warning: 399, phrase: error.description), capabilities: self.capabilities)
        }
        do {
            var wanted: [LocalStream?] = []
            var keying = self.keying
            for (verdict, medium) in zip(plan.verdicts, offer.media) {
                guard case .accept = verdict else {
                    wanted.append(nil)
                    continue
                }
                var stream = try local()
                let lines = try keying.receiveOffer(Self.keyingLines(medium, in: offer), self.source)
                stream.attributes += lines.map { SDPAttribute($0.name, $0.value) }
                wanted.append(stream)
            }
            let answer = try self.machine.makeAnswer(wanted)
            self.keying = keying
            return .description(answer.octets)
        } catch let error as MediaError {
            self.machine.rejectOffer()
            return .unavailable(error)
        } catch let error as KeyingError {
            self.machine.rejectOffer()
            return .unavailable(MediaError(error.description))
        } catch {
            self.machine.rejectOffer()
            return .glare
        }
    }

    /// Makes an offer: for an INVITE without one, or an INVITE of ours.
    ///
    /// - Parameters:
    ///   - limits: What the peer could agree to, by the body of its 488.
    ///   - local: Makes what we want, with a port for it.
    mutating func offer(
        limits: [UInt8]? = nil, _ local: () throws(MediaError) -> LocalStream
    ) -> DescriptionOutcome {
        do {
            var stream = try local()
            let lines = try self.keying.makeOffer(self.source)
            stream.transport = lines.transport
            stream.attributes += lines.attributes.map { SDPAttribute($0.name, $0.value) }
            if let limits, case .success(let description) = Self.parse(limits) {
                guard let limited = stream.limited(to: description) else {
                    return .unavailable(MediaError("the other side takes none of our encodings"))
                }
                stream = limited
                self.machine.offerRejected()
            }
            return .description(try self.machine.makeOffer([stream]).octets)
        } catch let error as MediaError {
            return .unavailable(error)
        } catch let error as KeyingError {
            return .unavailable(MediaError(error.description))
        } catch {
            return .glare
        }
    }

    /// Takes the answer to our offer; returns why it cannot be used, or `nil`.
    mutating func accept(answer octets: [UInt8]) -> String? {
        switch Self.parse(octets) {
        case .failure(let error): return error.description
        case .success(let answer):
            do throws(OfferAnswerError) {
                _ = try self.machine.receiveAnswer(answer)
            } catch {
                return error.description
            }
            guard let i = self.machine.streams.firstIndex(where: { $0.isActive && $0.type == "audio" }) else {
                self.keying.offerWasRefused()
                return nil
            }
            do throws(KeyingError) {
                try self.keying.receiveAnswer(Self.keyingLines(answer.media[i], in: answer))
                return nil
            } catch {
                return error.description
            }
        }
    }

    /// Our offer was rejected: what was agreed on before holds on.
    mutating func offerRejected() {
        self.machine.offerRejected()
        self.keying.offerWasRefused()
    }

    private static func parse(_ octets: [UInt8]) -> Result<SessionDescription, SDPParseError> {
        Result { () throws(SDPParseError) in try SessionDescription(octets) }
    }
}

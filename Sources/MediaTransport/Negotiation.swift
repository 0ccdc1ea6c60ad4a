import SDP
import SIPMessages

/// Offer and answer of the one stream that an end point has; descriptions go in and out as octets, as a dialog carries
/// them.
struct Negotiation: Sendable {
    private(set) var machine: OfferAnswer
    private let capability: StreamCapability

    /// A negotiation of audio in these formats.
    ///
    /// - Parameters:
    ///   - host: What the peer reads as our address.
    ///   - isIPv6: Of which family our address is.
    init(_ formats: [MediaFormat], host: Host, isIPv6: Bool) {
        self.capability = StreamCapability(formats: formats, hasIPv4: !isIPv6, hasIPv6: isIPv6)
        self.machine = OfferAnswer(
            identity: DescriptionIdentity(
                sessionID: UInt64.random(in: 1..<1 << 62), firstVersion: 1, host: host))
    }

    /// What the end point can do, for a 200 to OPTIONS and the body of a 488 (RFC 3264 §9).
    var capabilities: [UInt8] {
        SessionDescription(capabilities: [self.capability], identity: self.machine.identity).octets
    }

    /// The audio that is agreed on; `nil` where none is.
    var stream: NegotiatedStream? { self.machine.streams.first { $0.isActive && $0.type == "audio" } }

    /// Whether an offer of ours waits for its answer.
    var hasOffered: Bool { self.machine.state == .offered }

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
        let plan = OfferPlan(offer, [self.capability])
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
            for verdict in plan.verdicts {
                if case .accept = verdict { wanted.append(try local()) } else { wanted.append(nil) }
            }
            return .description(try self.machine.makeAnswer(wanted).octets)
        } catch let error as MediaError {
            self.machine.rejectOffer()
            return .unavailable(error)
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
                return nil
            } catch {
                return error.description
            }
        }
    }

    /// Our offer was rejected: what was agreed on before holds on.
    mutating func offerRejected() { self.machine.offerRejected() }

    private static func parse(_ octets: [UInt8]) -> Result<SessionDescription, SDPParseError> {
        Result { () throws(SDPParseError) in try SessionDescription(octets) }
    }
}

/// Why two sides do not agree on SRTP (RFC 4568 §5.1).
public enum CryptoExchangeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer's description has no `a=crypto`.
    case missing
    /// None of the offered lines can be used: the reasons, line by line.
    case unacceptable([CryptoAttributeError])
    /// The answer has more than one line (§5.1.2).
    case severalAnswers
    /// The tag and suite of the answer are none of those offered (§5.1.3).
    case notOffered
    /// The peer's key is ours (§7.1.2).
    case sameKey
    /// An answer came without an offer.
    case noOffer

    /// One line for people.
    public var description: String {
        switch self {
        case .missing: "the media is RTP/SAVP, but has no a=crypto line"
        case .unacceptable(let reasons):
            "no a=crypto line can be used: " + reasons.map(\.description).joined(separator: "; ")
        case .severalAnswers: "the answer has more than one a=crypto line"
        case .notOffered: "the a=crypto line of the answer has a tag or suite that was not offered"
        case .sameKey: "the peer uses our key"
        case .noOffer: "an a=crypto answer came without an offer"
        }
    }
}

/// Offer and answer of keys in descriptions, for one medium (RFC 4568 §5.1, §7.1).
///
/// Each side makes the key of what it sends. Keys stay through later offers while the addresses do, so that no packet
/// is lost to a change that nobody wants; a new address gets a new key (§7.1.4).
public struct CryptoExchange: Sendable {
    /// Makes this many octets that nobody can guess.
    public typealias RandomOctets = (_ count: Int) -> [UInt8]

    /// What is in force; `nil` before the first agreement.
    public private(set) var agreement: SRTPAgreement?
    private let suites: [SRTPSuite]
    private let accepted: [SRTPSuite]
    private var offered: [CryptoAttribute] = []
    private var tag: UInt32 = 1

    /// An exchange that offers suites, in their order.
    ///
    /// - Parameter accepted: Those that it accepts, where they are others: each that is offered costs octets, of which a
    ///   datagram has room for few.
    public init(
        suites: [SRTPSuite] = [.aeadAES256GCM, .aeadAES128GCM, .aes128CMSHA1Tag80, .aes128CMSHA1Tag32],
        accepted: [SRTPSuite]? = nil
    ) {
        (self.suites, self.accepted) = (suites, accepted ?? suites)
    }

    /// The values of `a=crypto` for an offer of ours: all suites at first, later the one in force.
    ///
    /// - Parameter hasMoved: Whether the medium has got another address or port since the last agreement.
    public mutating func makeOffer(hasMoved: Bool = false, random: RandomOctets) -> [String] {
        if let agreement, !hasMoved {
            self.offered = [CryptoAttribute(tag: self.tag, agreement.suite, key: agreement.local)]
        } else {
            self.offered = self.suites.enumerated().map { i, suite in
                CryptoAttribute(tag: UInt32(i + 1), suite, key: Self.newKey(suite, random))
            }
        }
        return self.offered.map(\.value)
    }

    /// Takes the `a=crypto` lines of the answer to our offer. What was in force stays so when it throws.
    public mutating func receiveAnswer(_ values: [String]) throws(CryptoExchangeError) -> SRTPAgreement {
        guard !self.offered.isEmpty else { throw .noOffer }
        guard let value = values.first else { throw .missing }
        guard values.count == 1 else { throw .severalAnswers }
        let answer: CryptoAttribute
        do { answer = try CryptoAttribute(value) } catch { throw .unacceptable([error]) }
        guard let own = self.offered.first(where: { $0.tag == answer.tag && $0.suite == answer.suite }) else {
            throw .notOffered
        }
        guard own.key.octets != answer.key.octets else { throw .sameKey }
        let agreement = SRTPAgreement(own.suite, local: own.key, remote: answer.key)
        (self.agreement, self.tag, self.offered) = (agreement, own.tag, [])
        return agreement
    }

    /// Our offer was refused: what was in force stays (§7.1.4).
    public mutating func offerWasRefused() { self.offered = [] }

    /// Takes the `a=crypto` lines of an offer: the first that we can use is taken (§5.1.2).
    ///
    /// - Parameter hasMoved: Whether our address or port changes with the answer.
    /// - Returns: The value of `a=crypto` for the answer. When it throws, the medium is to be refused.
    public mutating func receiveOffer(
        _ values: [String], hasMoved: Bool = false, random: RandomOctets
    ) throws(CryptoExchangeError) -> String {
        guard !values.isEmpty else { throw .missing }
        var reasons: [CryptoAttributeError] = []
        for value in values {
            let line: CryptoAttribute
            do { line = try CryptoAttribute(value) } catch {
                reasons.append(error)
                continue
            }
            guard self.accepted.contains(line.suite) else {
                reasons.append(.unknownSuite(line.suite.rawValue))
                continue
            }
            var local = Self.newKey(line.suite, random)
            if let agreement, agreement.suite == line.suite, !hasMoved { local = agreement.local }
            guard local.octets != line.key.octets else { throw .sameKey }
            self.agreement = SRTPAgreement(line.suite, local: local, remote: line.key)
            (self.tag, self.offered) = (line.tag, [])
            return CryptoAttribute(tag: line.tag, line.suite, key: local).value
        }
        throw .unacceptable(reasons)
    }

    private static func newKey(_ suite: SRTPSuite, _ random: RandomOctets) -> SRTPMasterKey {
        SRTPMasterKey(random(suite.keyOctets + suite.saltOctets))
    }
}

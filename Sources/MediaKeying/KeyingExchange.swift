/// What a medium of a description says of keys (RFC 4568, RFC 5763, RFC 8122).
public struct KeyingLines: Hashable, Sendable {
    /// The protocol of its `m=` line: `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF` …
    public var transport: String
    /// The values of `a=crypto`.
    public var crypto: [String]
    /// The fingerprints that could be read, of the medium or else of the session.
    public var fingerprints: [Fingerprint]
    /// The value of `a=setup`.
    public var setup: String?

    /// What a medium says.
    public init(_ transport: String, crypto: [String] = [], fingerprints: [Fingerprint] = [], setup: String? = nil) {
        (self.transport, self.crypto, self.fingerprints, self.setup) = (transport, crypto, fingerprints, setup)
    }

    /// Whether media over this protocol is protected (RFC 3711 §12, RFC 5124, RFC 5764 §8).
    public var isSecure: Bool { self.transport.contains("RTP/SAVP") }
    /// Whether the protocol says that keys come of a handshake.
    public var isOverTLS: Bool { self.transport.hasPrefix("UDP/TLS/") }
}

/// How one wants keys to be agreed on.
public enum KeyingPolicy: Hashable, Sendable {
    /// One offers media in the clear, and accepts keys of whoever offers a secure protocol with them.
    case whenOffered
    /// Media has to be protected; one offers keys in the description (RFC 4568).
    case descriptions
    /// Media has to be protected; one offers a handshake on the path of the media (RFC 5763).
    case handshake

    /// The protocol of a first offer.
    public var transport: String {
        switch self {
        case .whenOffered: "RTP/AVP"
        case .descriptions: "RTP/SAVP"
        case .handshake: "UDP/TLS/RTP/SAVP"
        }
    }
}

/// What protects the media.
public enum MediaKeys: Hashable, Sendable {
    /// Nothing.
    case clear
    /// Keys that were exchanged in descriptions.
    case agreed(SRTPAgreement)
    /// Keys that a handshake will make: whether we begin it, and by which fingerprints the peer's certificate is known.
    case handshake(isClient: Bool, fingerprints: [Fingerprint])
}

/// Why a medium cannot be protected as it has to be.
public enum KeyingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It would go in the clear, and that is not wanted.
    case insecure(String)
    /// Its protocol is secure, but it has no keys and no fingerprint that can be used.
    case missing(String)
    /// Its keys cannot be used.
    case crypto(CryptoExchangeError)
    /// Who begins the handshake is not said in a way that fits.
    case setup(String)
    /// We have no certificate for a handshake.
    case noCertificate

    /// One line for people; no key is in it.
    public var description: String {
        switch self {
        case .insecure(let transport): "\(transport) is not encrypted, and SRTP is required here"
        case .missing(let transport):
            "\(transport) has neither an a=crypto line nor an a=fingerprint of SHA-256 or better"
        case .crypto(let error): error.description
        case .setup(let value): "a=setup:\(value) does not fit"
        case .noCertificate: "there is no certificate for the DTLS handshake"
        }
    }
}

/// Offer and answer of what protects one medium: nothing, keys in the descriptions, or a handshake (RFC 4568 §5.1,
/// RFC 5763 §5). Keys without a secure protocol are taken where protection is required (RFC 8643 §3).
///
/// It is a value: a UAC whose INVITE forks copies it for each early dialog. What throws changes nothing.
public struct KeyingExchange: Sendable {
    /// What only the outside can give.
    public struct Source {
        /// Makes this many octets that nobody can guess.
        public var random: CryptoExchange.RandomOctets
        /// The fingerprint of our certificate; `nil` where there is none.
        public var fingerprint: Fingerprint?

        /// A source.
        public init(fingerprint: Fingerprint?, random: @escaping CryptoExchange.RandomOctets) {
            (self.fingerprint, self.random) = (fingerprint, random)
        }
    }

    private enum Method { case none, descriptions, handshake }

    /// What is wanted.
    public let policy: KeyingPolicy
    /// What protects the media by what was agreed on last; `nil` before the first agreement.
    public private(set) var keys: MediaKeys?
    private var crypto = CryptoExchange(accepted: SRTPSuite.allCases)
    private var method: Method
    private var transport: String

    /// An exchange that has not begun.
    public init(_ policy: KeyingPolicy) {
        (self.policy, self.transport) = (policy, policy.transport)
        self.method = policy == .whenOffered ? .none : policy == .descriptions ? .descriptions : .handshake
    }

    /// A line of a description: a name and a value.
    public typealias Attribute = (name: String, value: String)

    private static func handshakeLines(_ setup: SetupRole, _ source: Source) throws(KeyingError) -> [Attribute] {
        guard let fingerprint = source.fingerprint else { throw .noCertificate }
        return [("fingerprint", fingerprint.description), ("setup", setup.rawValue)]
    }

    // MARK: We offer

    /// The protocol and the attributes of an offer of ours: as the policy says at first, later as it was agreed on.
    public mutating func makeOffer(_ source: Source) throws(KeyingError) -> (transport: String, attributes: [Attribute])
    {
        switch self.method {
        case .none: return (self.transport, [])
        case .descriptions:
            return (self.transport, self.crypto.makeOffer(random: source.random).map { ("crypto", $0) })
        case .handshake: return (self.transport, try Self.handshakeLines(.actpass, source))
        }
    }

    /// Takes the answer to our offer.
    public mutating func receiveAnswer(_ lines: KeyingLines) throws(KeyingError) {
        switch self.method {
        case .none: self.keys = .clear
        case .descriptions:
            do { self.keys = .agreed(try self.crypto.receiveAnswer(lines.crypto)) } catch { throw .crypto(error) }
        case .handshake:
            let fingerprints = Fingerprint.deciding(lines.fingerprints)
            guard !fingerprints.isEmpty else { throw .missing(lines.transport) }
            // Who says nothing waits (RFC 4145 §4: the offerer is active then).
            let setup = lines.setup ?? SetupRole.passive.rawValue
            guard let role = SetupRole(rawValue: setup.lowercased()),
                let isClient = SetupRole.isClient(offered: .actpass, answered: role)
            else { throw .setup(setup) }
            self.keys = .handshake(isClient: isClient, fingerprints: fingerprints)
        }
    }

    /// Our offer was refused: what was in force stays.
    public mutating func offerWasRefused() { self.crypto.offerWasRefused() }

    // MARK: The peer offers

    /// Why an offered medium could not be accepted; `nil` when it could.
    public func problem(_ lines: KeyingLines, _ source: Source) -> KeyingError? {
        var trial = self
        do {
            _ = try trial.receiveOffer(lines, source)
            return nil
        } catch {
            return error
        }
    }

    /// Takes an offer.
    ///
    /// - Returns: The attributes of the answer. When it throws, the medium is to be refused.
    public mutating func receiveOffer(_ lines: KeyingLines, _ source: Source) throws(KeyingError) -> [Attribute] {
        let isWanted = lines.isSecure || self.policy != .whenOffered
        let fingerprints = Fingerprint.deciding(lines.fingerprints)
        let hasHandshake = isWanted && !fingerprints.isEmpty
        let hasKeys = isWanted && !lines.crypto.isEmpty && !lines.isOverTLS
        let attributes: [Attribute]
        if hasHandshake, !hasKeys || self.policy == .handshake {
            attributes = try self.answerHandshake(lines, fingerprints, source)
            self.method = .handshake
        } else if hasKeys {
            do {
                attributes = [("crypto", try self.crypto.receiveOffer(lines.crypto, random: source.random))]
            } catch {
                throw .crypto(error)
            }
            self.keys = self.crypto.agreement.map { .agreed($0) }
            self.method = .descriptions
        } else if lines.isSecure {
            throw .missing(lines.transport)
        } else if isWanted {
            throw .insecure(lines.transport)
        } else {
            (attributes, self.keys, self.method) = ([], .clear, .none)
        }
        self.transport = lines.transport
        return attributes
    }

    private mutating func answerHandshake(
        _ lines: KeyingLines, _ fingerprints: [Fingerprint], _ source: Source
    ) throws(KeyingError) -> [Attribute] {
        // An offer that says nothing is active (RFC 4145 §4).
        let setup = lines.setup ?? SetupRole.active.rawValue
        var current: SetupRole?
        // The connection stays where its certificate does (RFC 8842 §5.3).
        if case .handshake(let isClient, fingerprints)? = self.keys { current = isClient ? .active : .passive }
        guard let offered = SetupRole(rawValue: setup.lowercased()), offered != .holdconn,
            let role = SetupRole.answer(to: offered, current: current)
        else { throw .setup(setup) }
        let attributes = try Self.handshakeLines(role, source)
        self.keys = .handshake(isClient: role == .active, fingerprints: fingerprints)
        return attributes
    }
}

/// How SRTP encrypts and authenticates (RFC 4568 §6.2, RFC 6188, RFC 7714), strongest first.
public enum SRTPSuite: String, Hashable, Sendable, CaseIterable {
    /// AES-GCM with a key of 256 bits.
    case aeadAES256GCM = "AEAD_AES_256_GCM"
    /// AES-GCM with a key of 128 bits.
    case aeadAES128GCM = "AEAD_AES_128_GCM"
    /// AES in counter mode with 256 bits, HMAC-SHA1 cut to 80 bits.
    case aes256CMSHA1Tag80 = "AES_256_CM_HMAC_SHA1_80"
    /// AES in counter mode with 256 bits, HMAC-SHA1 cut to 32 bits.
    case aes256CMSHA1Tag32 = "AES_256_CM_HMAC_SHA1_32"
    /// AES in counter mode with 128 bits, HMAC-SHA1 cut to 80 bits.
    case aes128CMSHA1Tag80 = "AES_CM_128_HMAC_SHA1_80"
    /// AES in counter mode with 128 bits, HMAC-SHA1 cut to 32 bits.
    case aes128CMSHA1Tag32 = "AES_CM_128_HMAC_SHA1_32"

    /// The suite with a name, in any case (RFC 4568 §4).
    public init?(named name: String) {
        guard let suite = Self.allCases.first(where: { $0.rawValue == name.uppercased() }) else { return nil }
        self = suite
    }

    /// Whether encryption authenticates too.
    public var isAEAD: Bool { self == .aeadAES128GCM || self == .aeadAES256GCM }

    /// Octets of the master key, and of the session keys of encryption.
    public var keyOctets: Int {
        switch self {
        case .aeadAES256GCM, .aes256CMSHA1Tag80, .aes256CMSHA1Tag32: 32
        case .aeadAES128GCM, .aes128CMSHA1Tag80, .aes128CMSHA1Tag32: 16
        }
    }

    /// Octets of the salts.
    public var saltOctets: Int { self.isAEAD ? 12 : 14 }

    /// Octets that authenticate a packet of RTP.
    public var tagOctets: Int {
        switch self {
        case .aeadAES256GCM, .aeadAES128GCM: 16
        case .aes256CMSHA1Tag80, .aes128CMSHA1Tag80: 10
        case .aes256CMSHA1Tag32, .aes128CMSHA1Tag32: 4
        }
    }

    /// Octets that authenticate a packet of RTCP: never cut to 32 bits (RFC 3711 §5.2).
    public var controlTagOctets: Int { self.isAEAD ? 16 : 10 }

    /// The name of the protection profile in DTLS-SRTP as OpenSSL knows it; `nil` where DTLS has none (RFC 5764 §4.1.2,
    /// RFC 7714 §14.2).
    public var profileName: String? {
        switch self {
        case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aes128CMSHA1Tag80: "SRTP_AES128_CM_SHA1_80"
        case .aes128CMSHA1Tag32: "SRTP_AES128_CM_SHA1_32"
        case .aes256CMSHA1Tag80, .aes256CMSHA1Tag32: nil
        }
    }
}

/// A master key with its salt, for what one side sends.
public struct SRTPMasterKey: Hashable, Sendable, CustomStringConvertible {
    /// The key, and the salt behind it.
    public var octets: [UInt8]
    /// What stands behind each packet to tell keys apart (MKI, RFC 3711 §3.1); empty without one.
    public var identifier: [UInt8]
    /// Packets that may be protected with it; `nil` for as many as the suite allows.
    public var lifetime: UInt64?

    /// A key.
    public init(_ octets: [UInt8], identifier: [UInt8] = [], lifetime: UInt64? = nil) {
        (self.octets, self.identifier, self.lifetime) = (octets, identifier, lifetime)
    }

    /// Says nothing of the key: it may end in a log.
    public var description: String { "master key of \(self.octets.count) octets" }
}

/// What two sides have agreed on.
public struct SRTPAgreement: Hashable, Sendable {
    /// The suite, in both directions.
    public var suite: SRTPSuite
    /// The key of what we send, and of what the peer sends.
    public var local: SRTPMasterKey, remote: SRTPMasterKey

    /// An agreement.
    public init(_ suite: SRTPSuite, local: SRTPMasterKey, remote: SRTPMasterKey) {
        (self.suite, self.local, self.remote) = (suite, local, remote)
    }
}

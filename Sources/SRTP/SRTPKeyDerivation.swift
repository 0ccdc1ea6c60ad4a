import COpenSSL
import MediaKeying

/// Session keys out of a master key (RFC 3711 §4.3, RFC 6188 §2, RFC 7714 §11): at a rate of 0, so once.
struct SRTPKeyDerivation {
    /// What a key is for.
    enum Label: UInt8 {
        case encryption = 0
        case authentication, salt, controlEncryption, controlAuthentication, controlSalt
    }

    private let key: [UInt8]
    private let salt: [UInt8]

    /// Key and salt of a suite; a salt of 96 bits has 16 zeros behind it.
    init(_ master: [UInt8], _ suite: SRTPSuite) {
        self.key = Array(master.prefix(suite.keyOctets))
        let salt = master.dropFirst(suite.keyOctets).prefix(14)
        self.salt = salt + [UInt8](repeating: 0, count: 14 - salt.count)
    }

    /// A key for one purpose.
    func key(_ label: Label, octets: Int) throws(SRTPError) -> [UInt8] {
        var counter = self.salt + [0, 0]
        counter[7] ^= label.rawValue
        var output = [UInt8](repeating: 0, count: octets)
        let cipher = try CounterCipher(self.key)
        output.withUnsafeMutableBufferPointer { cipher.apply(counter, to: $0.baseAddress, octets) }
        return output
    }
}

/// AES in counter mode (RFC 3711 §4.1.1).
///
/// Invariant: its owner calls from one thread at a time, and nobody else has `context`.
final class CounterCipher: @unchecked Sendable {
    private let context: OpaquePointer

    init(_ key: [UInt8]) throws(SRTPError) {
        guard let context = EVP_CIPHER_CTX_new() else { throw .library("cipher") }
        self.context = context
        let cipher = key.count == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr()
        guard EVP_EncryptInit_ex(context, cipher, nil, key, nil) == 1 else { throw .library("AES-CTR") }
    }

    deinit { EVP_CIPHER_CTX_free(self.context) }

    /// Encrypts or decrypts octets where they are.
    func apply(_ counter: [UInt8], to octets: UnsafeMutablePointer<UInt8>?, _ count: Int) {
        var written: Int32 = 0
        EVP_EncryptInit_ex(self.context, nil, nil, nil, counter)
        EVP_EncryptUpdate(self.context, octets, &written, octets, Int32(truncatingIfNeeded: count))
    }
}

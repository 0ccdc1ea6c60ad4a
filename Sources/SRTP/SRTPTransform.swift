import COpenSSL
import MediaKeying

/// Encryption and authentication with the session keys of one direction, of RTP or of RTCP.
///
/// Nothing is allocated per packet. Invariant: its owner calls from one thread at a time, and nobody else has the
/// contexts.
final class SRTPTransform: @unchecked Sendable {
    /// Octets that authenticate a packet.
    let tagOctets: Int
    let isAEAD: Bool

    private let counterCipher: CounterCipher?
    private let sealing: OpaquePointer?
    private let opening: OpaquePointer?
    private let mac: OpaquePointer?
    private let salt: [UInt8]
    private var vector = [UInt8](repeating: 0, count: 16)
    private var digest = [UInt8](repeating: 0, count: 20)

    /// A transform with session keys.
    init(
        _ suite: SRTPSuite, encryption: [UInt8], authentication: [UInt8], salt: [UInt8], tagOctets: Int
    ) throws(SRTPError) {
        (self.tagOctets, self.isAEAD, self.salt) = (tagOctets, suite.isAEAD, salt)
        if suite.isAEAD {
            (self.counterCipher, self.mac) = (nil, nil)
            let cipher = encryption.count == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm()
            (self.sealing, self.opening) = (EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new())
            guard let sealing, let opening, EVP_EncryptInit_ex(sealing, cipher, nil, encryption, nil) == 1,
                EVP_DecryptInit_ex(opening, cipher, nil, encryption, nil) == 1
            else { throw .library("AES-GCM") }
        } else {
            (self.sealing, self.opening) = (nil, nil)
            self.counterCipher = try CounterCipher(encryption)
            self.mac = cossl_hmac_sha1(authentication, authentication.count)
            guard self.mac != nil else { throw .library("HMAC-SHA1") }
        }
    }

    /// The transforms of RTP and of RTCP for a master key.
    static func pair(
        _ suite: SRTPSuite, _ master: SRTPMasterKey
    ) throws(SRTPError) -> (media: SRTPTransform, control: SRTPTransform) {
        let derivation = SRTPKeyDerivation(master.octets, suite)
        let media = try SRTPTransform(
            suite, encryption: derivation.key(.encryption, octets: suite.keyOctets),
            authentication: derivation.key(.authentication, octets: 20),
            salt: derivation.key(.salt, octets: suite.saltOctets), tagOctets: suite.tagOctets)
        let control = try SRTPTransform(
            suite, encryption: derivation.key(.controlEncryption, octets: suite.keyOctets),
            authentication: derivation.key(.controlAuthentication, octets: 20),
            salt: derivation.key(.controlSalt, octets: suite.saltOctets), tagOctets: suite.controlTagOctets)
        return (media, control)
    }

    deinit {
        EVP_CIPHER_CTX_free(self.sealing)
        EVP_CIPHER_CTX_free(self.opening)
        EVP_MAC_CTX_free(self.mac)
    }

    /// Encrypts or decrypts in counter mode: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16 (RFC 3711 §4.1.1).
    func crypt(_ octets: UnsafeMutablePointer<UInt8>, _ count: Int, ssrc: UInt32, index: UInt64) {
        for i in 0..<14 { self.vector[i] = self.salt[i] }
        (self.vector[14], self.vector[15]) = (0, 0)
        for i in 0..<4 { self.vector[4 + i] ^= UInt8(truncatingIfNeeded: ssrc >> UInt32(24 - 8 * i)) }
        for i in 0..<6 { self.vector[8 + i] ^= UInt8(truncatingIfNeeded: index >> UInt64(40 - 8 * i)) }
        self.counterCipher?.apply(self.vector, to: octets, count)
    }

    /// The tag of octets and of a number behind them (RFC 3711 §4.2): the first `tagOctets` of `tag` are it.
    func authenticate(_ octets: UnsafePointer<UInt8>, _ count: Int, rollOver: UInt32?, tag: UnsafeMutablePointer<UInt8>)
    {
        var length = 0
        EVP_MAC_init(self.mac, nil, 0, nil)
        EVP_MAC_update(self.mac, octets, count)
        if let rollOver {
            var order = rollOver.bigEndian
            withUnsafeBytes(of: &order) {
                _ = EVP_MAC_update(self.mac, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4)
            }
        }
        EVP_MAC_final(self.mac, &self.digest, &length, 20)
        for i in 0..<self.tagOctets { tag[i] = self.digest[i] }
    }

    /// Whether the tag behind octets is theirs; as fast for any wrong one.
    func isAuthentic(
        _ octets: UnsafePointer<UInt8>, _ count: Int, rollOver: UInt32?, tag: UnsafePointer<UInt8>
    ) -> Bool {
        var computed = InlineArray<20, UInt8>(repeating: 0)
        var span = computed.mutableSpan
        return span.withUnsafeMutableBufferPointer { buffer in
            guard let address = buffer.baseAddress else { return false }
            self.authenticate(octets, count, rollOver: rollOver, tag: address)
            var difference: UInt8 = 0
            for i in 0..<self.tagOctets { difference |= address[i] ^ tag[i] }
            return difference == 0
        }
    }

    /// The IV of AES-GCM: two zeros, the SSRC, and six octets of index, XOR the salt (RFC 7714 §8.1, §9.1).
    private func setVector(ssrc: UInt32, index: UInt64) {
        for i in 0..<12 { self.vector[i] = self.salt[i] }
        for i in 0..<4 { self.vector[2 + i] ^= UInt8(truncatingIfNeeded: ssrc >> UInt32(24 - 8 * i)) }
        for i in 0..<6 { self.vector[6 + i] ^= UInt8(truncatingIfNeeded: index >> UInt64(40 - 8 * i)) }
    }

    /// Encrypts octets where they are; the tag goes behind them.
    func seal(
        _ octets: UnsafeMutablePointer<UInt8>, _ count: Int, associated: UnsafeBufferPointer<UInt8>,
        trailer: UInt32? = nil, ssrc: UInt32, index: UInt64
    ) {
        var written: Int32 = 0
        self.setVector(ssrc: ssrc, index: index)
        EVP_EncryptInit_ex(self.sealing, nil, nil, nil, self.vector)
        EVP_EncryptUpdate(
            self.sealing, nil, &written, associated.baseAddress, Int32(truncatingIfNeeded: associated.count))
        if let trailer {
            var order = trailer.bigEndian
            withUnsafeBytes(of: &order) {
                _ = EVP_EncryptUpdate(
                    self.sealing, nil, &written, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4)
            }
        }
        EVP_EncryptUpdate(self.sealing, octets, &written, octets, Int32(truncatingIfNeeded: count))
        EVP_EncryptFinal_ex(self.sealing, octets + count, &written)
        EVP_CIPHER_CTX_ctrl(self.sealing, EVP_CTRL_AEAD_GET_TAG, Int32(self.tagOctets), octets + count)
    }

    /// Decrypts octets where they are, if the tag behind them is theirs.
    ///
    /// - Parameter count: Without the tag.
    func open(
        _ octets: UnsafeMutablePointer<UInt8>, _ count: Int, associated: UnsafeBufferPointer<UInt8>,
        trailer: UInt32? = nil, ssrc: UInt32, index: UInt64
    ) -> Bool {
        var written: Int32 = 0
        self.setVector(ssrc: ssrc, index: index)
        EVP_DecryptInit_ex(self.opening, nil, nil, nil, self.vector)
        EVP_DecryptUpdate(
            self.opening, nil, &written, associated.baseAddress, Int32(truncatingIfNeeded: associated.count))
        if let trailer {
            var order = trailer.bigEndian
            withUnsafeBytes(of: &order) {
                _ = EVP_DecryptUpdate(
                    self.opening, nil, &written, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4)
            }
        }
        EVP_DecryptUpdate(self.opening, octets, &written, octets, Int32(truncatingIfNeeded: count))
        EVP_CIPHER_CTX_ctrl(self.opening, EVP_CTRL_AEAD_SET_TAG, Int32(self.tagOctets), octets + count)
        return EVP_DecryptFinal_ex(self.opening, octets + count, &written) == 1
    }
}

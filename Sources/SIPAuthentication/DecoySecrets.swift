public import SIPMessages

/// Secrets for users that do not exist, so that an answer and its time do not tell who does.
///
/// The decoy of a name is always the same while the key is, and nobody without the key can know it.
public struct DecoySecrets: Sendable {
    private let key: SipHashKey

    /// Decoys from a random key.
    public init(key: SipHashKey) { self.key = key }

    /// The decoy of a user name, as it stands in credentials, in a realm.
    public func secret(
        _ algorithm: DigestAlgorithm, in octets: Span<UInt8>, username: OctetRange, realm: OctetRange
    ) -> DigestSecret {
        var prepared = SipHash24(key: self.key)
        prepared.combine(UInt64(username.count))
        prepared.combine(octets, username.range)
        prepared.combine(octets, realm.range)
        var words = InlineArray<4, UInt64>(repeating: 0)
        for i in 0..<(algorithm.digestOctets / 8) {
            var hasher = prepared
            hasher.combine(octet: UInt8(i))
            words[i] = hasher.finish()
        }
        return DigestSecret(DigestValue(words: words, count: algorithm.digestOctets), algorithm: algorithm)
    }
}

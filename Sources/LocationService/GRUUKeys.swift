public import SIPMessages

/// GRUUs that need no table: what they say is in them, proved with the server's key (RFC 5627 §5.4, appendix A).
///
/// A public GRUU is the AOR with `;gr=` and the instance id, and after `~` a proof that it was made here: so a device that
/// has ever registered is known from one that never has, for as long as the AOR is valid.
///
///     sip:bob@biloxi.example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6~6a1f0c3e5b7d9a42
///
/// A temporary one has a user part of 57 characters:
///
///     tgruu. || base64url(N || E || A)        E = (hash of the AOR || hash of the instance || since) ^ keystream of N
///
/// N is different for every refresh, the keystream is SipHash-2-4 of N and a counter under a key of its own, the proof A is
/// SipHash-2-4 of N and E under another. Without the keys nobody can tell whether two belong to the same device. `since`
/// is when the device's registration began: it must still be the same when a request comes, so that all temporary GRUUs
/// of a device are void once its last binding has ended or its Call-ID has changed (§5.1, §5.3), and none before.
public struct GRUUKeys: Sendable {
    private let instances: SipHashKey
    private let proof: SipHashKey
    private let nonce: SipHashKey
    private let keystream: SipHashKey

    /// What a Request-URI with `gr` means.
    public enum Target: BitwiseCopyable, Hashable, Sendable {
        /// A public GRUU: the keyed hash of its instance. The AOR is in the URI.
        case device(UInt64)
        /// A temporary GRUU: the keyed hash of its AOR, that of its instance, and since when it must have been registered.
        case temporary(aor: UInt64, instance: UInt64, since: Int64)
    }

    private static let temporaryOctets = 38
    private static let temporaryUser: StaticString = "tgruu."

    /// The keys that follow from the server's.
    public init(of key: SipHashKey) {
        self.instances = key.derived(for: "gruu instance")
        self.proof = key.derived(for: "gruu proof")
        self.nonce = key.derived(for: "gruu nonce")
        self.keystream = key.derived(for: "gruu keystream")
    }

    /// What the URI means; `nil` when it is no GRUU that was made here.
    ///
    /// - Parameter aor: The canonical form of the AOR that the URI names without `gr`.
    public func read(_ uri: URIIndex, _ octets: Span<UInt8>, aor: Span<UInt8>) -> Target? {
        guard uri.scheme == .sip || uri.scheme == .sips, let value = uri.parameter("gr", in: octets) else { return nil }
        return value.isEmpty ? self.readTemporary(uri, octets) : self.readPublic(octets, value, aor)
    }

    private func readPublic(_ octets: Span<UInt8>, _ value: OctetRange, _ aor: Span<UInt8>) -> Target? {
        guard value.count > 17, octets[value.upper - 17] == 0x7E else { return nil }
        let instance = octets.unescaped(value.lower..<value.upper - 17)
        var written: [UInt8] = []
        written.append(hexadecimal: self.publicProof(aor, instance.span, 0..<instance.count))
        guard octets.equals(value.upper - 16..<value.upper, written.span, 0..<16) else { return nil }
        return .device(self.hash(instance.span, 0..<instance.count))
    }

    private func readTemporary(_ uri: URIIndex, _ octets: Span<UInt8>) -> Target? {
        let prefix = Self.temporaryUser.utf8CodeUnitCount
        guard uri.user.count > prefix, uri.user.count < 128,
            octets.equals(uri.user.lower..<uri.user.lower + prefix, ignoringCase: Self.temporaryUser),
            let sealed = octets.base64URLDecoded(uri.user.lower + prefix..<uri.user.upper),
            sealed.count == Self.temporaryOctets
        else { return nil }
        func number(_ octets: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
            var number: UInt64 = 0
            for i in 0..<count { number |= UInt64(octets[start + i]) << UInt64(8 * i) }
            return number
        }
        guard SipHash24.hash(sealed.span, 0..<30, key: self.proof) == number(sealed, 30, 8) else { return nil }
        var plain = Array(sealed[8..<30])
        self.apply(number(sealed, 0, 8), to: &plain)
        return .temporary(
            aor: number(plain, 0, 8), instance: number(plain, 8, 8), since: Int64(number(plain, 16, 6)))
    }

    /// Whether a binding is one that a selection wants.
    func selects(_ selection: Registrar.Selection, _ binding: StoredBinding, _ block: Span<UInt8>) -> Bool {
        switch selection {
        case .all: true
        case .device(let instance):
            !binding.instance.isEmpty && self.hash(block, binding.instance.range) == instance
        case .temporary(let instance, let since):
            !binding.instance.isEmpty && binding.since == since
                && self.hash(block, binding.instance.range) == instance
        }
    }

    /// What writes the GRUUs of the devices of the AOR with this keyed hash.
    func writer(hash: UInt64) -> GRUUWriter { GRUUWriter(keys: self, aorHash: hash) }

    // MARK: Making

    fileprivate func hash(_ octets: Span<UInt8>, _ instance: Range<Int>) -> UInt64 {
        SipHash24.hash(octets, instance, key: self.instances)
    }

    fileprivate func publicProof(_ aor: Span<UInt8>, _ octets: Span<UInt8>, _ instance: Range<Int>) -> UInt64 {
        var hasher = SipHash24(key: self.proof)
        hasher.combine(aor)
        hasher.combine(octet: 0)
        hasher.combine(octets, instance)
        return hasher.finish()
    }

    /// The nonce of a binding as it was last refreshed: the GRUU that was made then is given as long as no newer one is.
    fileprivate func nonce(of binding: StoredBinding, _ block: Span<UInt8>, aor: UInt64) -> UInt64 {
        var hasher = SipHash24(key: self.nonce)
        hasher.combine(aor)
        hasher.combine(UInt64(binding.cseq) << 32 | UInt64(binding.regID))
        hasher.combine(UInt64(bitPattern: binding.expiresAt))
        hasher.combine(UInt64(bitPattern: binding.since))
        hasher.combine(block, binding.instance.range)
        hasher.combine(octet: 0)
        hasher.combine(block, binding.callID.range)
        return hasher.finish()
    }

    /// Encrypts or decrypts.
    fileprivate func apply(_ nonce: UInt64, to octets: inout [UInt8]) {
        for i in octets.indices {
            var hasher = SipHash24(key: self.keystream)
            hasher.combine(nonce)
            hasher.combine(UInt64(i / 8))
            octets[i] ^= UInt8(truncatingIfNeeded: hasher.finish() >> UInt64(8 * (i % 8)))
        }
    }

    fileprivate func seal(_ nonce: UInt64, _ plain: [UInt8], into output: inout [UInt8]) {
        var encrypted = plain
        self.apply(nonce, to: &encrypted)
        var sealed: [UInt8] = []
        sealed.append(littleEndian: nonce)
        sealed += encrypted
        sealed.append(littleEndian: SipHash24.hash(sealed.span, 0..<sealed.count, key: self.proof))
        output.append(Self.temporaryUser)
        output.append(base64URL: sealed.span, 0..<sealed.count)
    }
}

/// Writes the GRUUs of an AOR's devices into the Contacts of a 200 (RFC 5627 §5.2).
struct GRUUWriter {
    let keys: GRUUKeys
    let aorHash: UInt64

    /// Appends `pub-gruu` and `temp-gruu`.
    func writeParameters(of binding: StoredBinding, _ block: Span<UInt8>, aor: Span<UInt8>, into output: inout [UInt8])
    {
        guard let at = (0..<aor.count).last(where: { aor[$0] == 0x40 }) else { return }
        output.append(";pub-gruu=\"sip:")
        output.append(escaping: aor, 0..<at, isUser: true)
        output.append(aor, at..<aor.count)
        output.append(";gr=")
        output.append(escaping: block, binding.instance.range, isUser: false)
        output.append(0x7E)
        output.append(hexadecimal: self.keys.publicProof(aor, block, binding.instance.range))
        output.append("\";temp-gruu=\"sip:")
        var plain: [UInt8] = []
        plain.append(littleEndian: self.aorHash)
        plain.append(littleEndian: self.keys.hash(block, binding.instance.range))
        for i in 0..<6 { plain.append(UInt8(truncatingIfNeeded: binding.since >> Int64(8 * i))) }
        self.keys.seal(self.keys.nonce(of: binding, block, aor: self.aorHash), plain, into: &output)
        output.append(aor, at..<aor.count)
        output.append(";gr\"")
    }
}

extension Array where Element == UInt8 {
    /// Appends octets with escapes where they may not stand in the user part of a URI, or in a parameter (RFC 3261 §25.1).
    fileprivate mutating func append(escaping octets: Span<UInt8>, _ range: Range<Int>, isUser: Bool) {
        let digits: StaticString = "0123456789ABCDEF"
        for i in range {
            let octet = octets[i]
            let isPlain =
                octet.isAlpha || octet.isDigit || octet == 0x2D || octet == 0x2E || octet == 0x5F || octet == 0x2B
                || octet == 0x2F || (octet == 0x3A && !isUser)
            if isPlain {
                self.append(octet)
            } else {
                self.append(0x25)
                self.append(digits.utf8Start[Int(octet >> 4)])
                self.append(digits.utf8Start[Int(octet & 15)])
            }
        }
    }
}

extension Span where Element == UInt8 {
    /// The octets in `range` with their escapes undone.
    fileprivate func unescaped(_ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        var i = range.lowerBound
        while i < range.upperBound {
            if self[i] == 0x25, i + 2 < range.upperBound, let high = self[i + 1].hexDigitValue,
                let low = self[i + 2].hexDigitValue
            {
                output.append(high << 4 | low)
                i += 3
            } else {
                output.append(self[i])
                i += 1
            }
        }
        return output
    }
}

import MediaKeying
import Testing

@testable import SRTP

/// Octets of hexadecimal digits.
func octets(_ digits: String) -> [UInt8] {
    let digits = digits.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).compactMap { i in
        let start = digits.index(digits.startIndex, offsetBy: i)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
    }
}

@Suite("Test vectors of RFC 3711 and RFC 7714")
struct VectorTests {
    @Test("Keystream of AES in counter mode (RFC 3711 B.2)")
    func counterMode() throws {
        let cipher = try CounterCipher(octets("2B7E151628AED2A6ABF7158809CF4F3C"))
        var stream = [UInt8](repeating: 0, count: 48)
        stream.withUnsafeMutableBufferPointer {
            cipher.apply(octets("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), to: $0.baseAddress, 48)
        }
        #expect(
            stream
                == octets(
                    "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"
                ))
    }

    @Test("Session keys out of the master key (RFC 3711 B.3)")
    func derivation() throws {
        let master = octets("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
        let derivation = SRTPKeyDerivation(master, .aes128CMSHA1Tag80)
        #expect(try derivation.key(.encryption, octets: 16) == octets("C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(try derivation.key(.salt, octets: 14) == octets("30CBBC08863D8C85D49DB34A9AE1"))
        #expect(
            try derivation.key(.authentication, octets: 94)
                == octets(
                    """
                    CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098
                    6371C10C9A369AC2F94A8C5FBCDDDC25 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2
                    """))
    }

    static let header = octets("8040f17b 8041f8d3 5501a0b2")
    static let payload = octets(
        "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573")
    static let salt = octets("51756964 2070726f 2071756f")

    @Test(
        "A packet of RTP sealed by AES-GCM (RFC 7714 §16.1.1, §16.2.1), and opened again; a changed one is not",
        arguments: [
            (
                SRTPSuite.aeadAES128GCM,
                """
                f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
                36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce
                """
            ),
            (
                .aeadAES256GCM,
                """
                32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
                1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13
                """
            ),
        ])
    func sealed(suite: SRTPSuite, expected: String) throws {
        let transform = try SRTPTransform(
            suite, encryption: (0..<UInt8(suite.keyOctets)).map { $0 }, authentication: [], salt: Self.salt,
            tagOctets: 16)
        var text = Self.payload + [UInt8](repeating: 0, count: 16)
        let header = Self.header
        func run(_ body: (UnsafeMutablePointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
            header.withUnsafeBufferPointer { header in
                text.withUnsafeMutableBufferPointer { text in text.baseAddress.map { body($0, header) } ?? false }
            }
        }
        _ = run {
            transform.seal($0, 38, associated: $1, ssrc: 0x5501_a0b2, index: 0xf17b)
            return true
        }
        #expect(text == octets(expected))
        #expect(run { transform.open($0, 38, associated: $1, ssrc: 0x5501_a0b2, index: 0xf17b) })
        #expect(Array(text.prefix(38)) == Self.payload)
        #expect(!run { transform.open($0, 38, associated: $1, ssrc: 0x5501_a0b2, index: 0xf17b) })
    }

    @Test("A datagram of RTCP sealed by AES-GCM (RFC 7714 §17.1)")
    func sealedControl() throws {
        let transform = try SRTPTransform(
            .aeadAES128GCM, encryption: (0..<16).map { $0 }, authentication: [], salt: Self.salt, tagOctets: 16)
        let header = octets("81c8000d 4d617273")
        var text = octets(
            "4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef")
        text += [UInt8](repeating: 0, count: 16)
        header.withUnsafeBufferPointer { header in
            text.withUnsafeMutableBufferPointer { text in
                guard let address = text.baseAddress else { return }
                transform.seal(
                    address, 44, associated: header, trailer: 0x8000_05d4, ssrc: 0x4d61_7273, index: 0x5d4)
            }
        }
        #expect(
            text
                == octets(
                    """
                    63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
                    4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade
                    """))
    }
}

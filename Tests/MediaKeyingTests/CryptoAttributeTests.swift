import Testing

@testable import MediaKeying

@Suite("Keys in descriptions (RFC 4568)")
struct CryptoAttributeTests {
    static let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

    @Test("The lines of the examples are read (§4.1, §6.1, §7.1.5)")
    func examples() throws {
        let first = try CryptoAttribute("1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|2^20|1:4 FEC_ORDER=FEC_SRTP")
        #expect(first.tag == 1)
        #expect(first.suite == .aes128CMSHA1Tag80)
        #expect(first.key.octets == Array("YS___semctl () {\t220;}\n}\nunles".utf8))
        #expect(first.key.lifetime == 1 << 20)
        #expect(first.key.identifier == [0, 0, 0, 1])
        let second = try CryptoAttribute(
            "2 aes_cm_128_hmac_sha1_32 INLINE:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4 WSH=128 -x=y")
        #expect(second.key.octets == Array("aBCdefghiJKLmoPQrsTuVwyz123456".utf8))
        #expect(second.key.identifier == [0, 0, 4, 42])
        #expect(second.key.lifetime == nil)
        #expect(second.windowSize == 128)
        #expect(try CryptoAttribute(second.value).key == second.key)
    }

    @Test(
        "A line that breaks a rule is refused with its reason",
        arguments: [
            ("1 AES_CM_128_HMAC_SHA1_80", .malformed), ("01 AES_CM_128_HMAC_SHA1_80 inline:\(key)", .malformed),
            ("1234567890 AES_CM_128_HMAC_SHA1_80 inline:\(key)", .malformed),
            ("1 F8_128_HMAC_SHA1_80 inline:\(key)", .unknownSuite("F8_128_HMAC_SHA1_80")),
            ("1 AES_CM_128_HMAC_SHA1_80 uri:\(key)", .malformed),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)A", .malformedKey),
            ("1 AEAD_AES_128_GCM inline:\(key)", .malformedKey),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|0", .malformedLifetime),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^49", .malformedLifetime),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1:129", .malformedIdentifier),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|256:1", .malformedIdentifier),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1:4;inline:\(key)|2:4", .severalKeys),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key) UNENCRYPTED_SRTP", .parameter("UNENCRYPTED_SRTP")),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key) UNAUTHENTICATED_SRTP", .parameter("UNAUTHENTICATED_SRTP")),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key) KDR=1", .parameter("KDR")),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key) NEW", .parameter("NEW")),
        ] as [(String, CryptoAttributeError)])
    func refuses(value: String, error: CryptoAttributeError) {
        #expect(throws: error) { try CryptoAttribute(value) }
    }

    @Test("Base64 of every length comes back, and what is none is refused", arguments: 0..<50)
    func base64(count: Int) {
        let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
        #expect(Base64.decode(Base64.encode(octets)) == octets)
        #expect(Base64.decode("AB-D") == nil)
        #expect(Base64.decode("A") == nil)
        #expect(Base64.decode("QQ") == [0x41])
    }

    @Test("No key is in what a log would show")
    func logs() throws {
        let line = try CryptoAttribute("1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)")
        #expect(!"\(line) \(line.key)".contains("WVNf"))
    }
}

@Suite("Offer and answer of keys (RFC 4568 §5.1, §7.1)")
struct CryptoExchangeTests {
    /// Octets that differ from call to call.
    final class Source {
        var next: UInt8 = 0

        func octets(_ count: Int) -> [UInt8] {
            self.next &+= 1
            return [UInt8](repeating: self.next, count: count)
        }
    }

    @Test("The answer takes the first line it can use, with a key of its own; both sides then know both keys")
    func agrees() throws {
        let source = Source()
        var offerer = CryptoExchange()
        var answerer = CryptoExchange(suites: [.aes128CMSHA1Tag80, .aes128CMSHA1Tag32])
        let offer = offerer.makeOffer(random: source.octets)
        #expect(offer.count == 4)
        #expect(offer.map { $0.prefix(1) } == ["1", "2", "3", "4"])
        let answer = try answerer.receiveOffer(offer, random: source.octets)
        #expect(answer.hasPrefix("3 AES_CM_128_HMAC_SHA1_80 inline:"))
        let agreement = try offerer.receiveAnswer([answer])
        #expect(agreement.suite == .aes128CMSHA1Tag80)
        #expect(agreement.local == answerer.agreement?.remote)
        #expect(agreement.remote == answerer.agreement?.local)
        #expect(agreement.local != agreement.remote)
    }

    @Test("Later offers keep suite and keys, unless the address changes (§7.1.4)")
    func again() throws {
        let source = Source()
        var (offerer, answerer) = (CryptoExchange(), CryptoExchange())
        let first = try offerer.receiveAnswer([
            answerer.receiveOffer(offerer.makeOffer(random: source.octets), random: source.octets)
        ])
        let offer = offerer.makeOffer(random: source.octets)
        #expect(offer.count == 1)
        #expect(try offerer.receiveAnswer([answerer.receiveOffer(offer, random: source.octets)]) == first)
        // The other side offers.
        let reverse = answerer.makeOffer(random: source.octets)
        let answer = try offerer.receiveOffer(reverse, random: source.octets)
        #expect(try answerer.receiveAnswer([answer]).remote == first.local)
        let moved = offerer.makeOffer(hasMoved: true, random: source.octets)
        #expect(moved.count == 4)
        let second = try offerer.receiveAnswer([answerer.receiveOffer(moved, random: source.octets)])
        #expect(second.local != first.local)
        #expect(second.remote == first.remote)
    }

    @Test("An answer that was not offered, has no key, or ours, fails; what was in force stays")
    func refuses() throws {
        let source = Source()
        var offerer = CryptoExchange(suites: [.aes128CMSHA1Tag80])
        #expect(throws: CryptoExchangeError.noOffer) { try offerer.receiveAnswer([]) }
        let offer = offerer.makeOffer(random: source.octets)
        #expect(throws: CryptoExchangeError.missing) { try offerer.receiveAnswer([]) }
        #expect(throws: CryptoExchangeError.sameKey) { try offerer.receiveAnswer(offer) }
        #expect(throws: CryptoExchangeError.severalAnswers) { try offerer.receiveAnswer(offer + offer) }
        let other = offer[0].replacing("1 AES", with: "2 AES")
        #expect(throws: CryptoExchangeError.notOffered) { try offerer.receiveAnswer([other]) }
        #expect(offerer.agreement == nil)
        var answerer = CryptoExchange(suites: [.aeadAES128GCM])
        #expect(throws: CryptoExchangeError.unacceptable([.unknownSuite("AES_CM_128_HMAC_SHA1_80")])) {
            try answerer.receiveOffer(offer, random: source.octets)
        }
        #expect(throws: CryptoExchangeError.missing) { try answerer.receiveOffer([], random: source.octets) }
    }
}

@Suite("Fingerprints and roles of DTLS (RFC 8122, RFC 5763)")
struct FingerprintTests {
    @Test("A fingerprint is read in either case, and written in upper case (RFC 8122 §5)")
    func reads() throws {
        let digits = (0..<32).map { _ in "aB" }.joined(separator: ":")
        let fingerprint = try #require(Fingerprint("SHA-256 \(digits)"))
        #expect(fingerprint.octets == [UInt8](repeating: 0xAB, count: 32))
        #expect(fingerprint.description == "sha-256 " + digits.uppercased())
    }

    @Test("What is none is refused", arguments: ["sha-256", "sha-256 AB:CD", "sha-1 A", "x +1:+2", "sha-256 ", "x 0G"])
    func refuses(value: String) { #expect(Fingerprint(value) == nil) }

    @Test("Of several the strongest hash decides, and MD5 and SHA-1 decide nothing (RFC 8122 §5.1)")
    func decides() {
        let weak = Fingerprint(hash: "sha-1", octets: [1])
        let (good, better) = (Fingerprint(hash: "sha-256", octets: [2]), Fingerprint(hash: "sha-512", octets: [3]))
        #expect(Fingerprint.deciding([weak, good, better]) == [better])
        #expect(Fingerprint.deciding([weak]).isEmpty)
    }

    @Test(
        "The answer begins where it may; who begins follows from both (RFC 4145 §4.1, RFC 5763 §5)",
        arguments: [
            (.actpass, .active, false), (.active, .passive, true), (.passive, .active, false),
            (.holdconn, .holdconn, nil),
        ] as [(SetupRole, SetupRole, Bool?)])
    func roles(offered: SetupRole, answered: SetupRole, isClient: Bool?) {
        #expect(SetupRole.answer(to: offered) == answered)
        #expect(SetupRole.isClient(offered: offered, answered: answered) == isClient)
        #expect(SetupRole.answer(to: .actpass, current: .passive) == .passive)
        #expect(SetupRole.isClient(offered: .active, answered: .active) == nil)
    }
}

@Suite("Numbers of protected packets (RFC 3711 §3.3)")
struct SRTPSequenceTests {
    @Test("The roll-over counter follows the numbers, in order or not (§3.3.1)")
    func rollOver() {
        var sequence = SRTPSequence()
        for number: UInt16 in [65_000, 65_535, 2] { sequence.note(sequence.index(of: number)) }
        #expect(sequence.index(of: 3) == 65_536 + 3)
        #expect(sequence.index(of: 65_534) == 65_534)
        for number: UInt16 in [20_000, 40_000, 60_000, 65_535, 0] { sequence.note(sequence.index(of: number)) }
        #expect(sequence.index(of: 1) == 2 * 65_536 + 1)
    }

    @Test("A number comes once; one older than the window never (§3.3.2)")
    func replays() {
        var sequence = SRTPSequence()
        sequence.note(1_000)
        #expect(sequence.isReplayed(1_000))
        #expect(!sequence.isReplayed(999))
        sequence.note(999)
        #expect(sequence.isReplayed(999))
        #expect(!sequence.isReplayed(1_000 - 127))
        #expect(sequence.isReplayed(1_000 - 128))
        sequence.note(1_100)
        #expect(sequence.isReplayed(999))
        #expect(!sequence.isReplayed(1_001))
        sequence.note(5_000)
        #expect(sequence.isReplayed(4_000))
        #expect(!sequence.isReplayed(4_999))
    }
}

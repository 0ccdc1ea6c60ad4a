import Testing

@testable import MediaKeying

@Suite("What protects a medium, by offer and answer (RFC 4568, RFC 5763)")
struct KeyingExchangeTests {
    static let ours = Fingerprint(hash: "sha-256", octets: [UInt8](repeating: 1, count: 32))
    static let theirs = Fingerprint(hash: "sha-256", octets: [UInt8](repeating: 2, count: 32))
    static let weak = Fingerprint(hash: "sha-1", octets: [UInt8](repeating: 2, count: 20))

    /// A source whose octets count up from a number.
    static func source(_ first: UInt8, _ fingerprint: Fingerprint? = ours) -> KeyingExchange.Source {
        KeyingExchange.Source(fingerprint: fingerprint) { count in (0..<count).map { first &+ UInt8($0) } }
    }

    static func crypto(_ octet: UInt8, _ suite: SRTPSuite = .aes128CMSHA1Tag80, tag: UInt32 = 1) -> String {
        let key = SRTPMasterKey([UInt8](repeating: octet, count: suite.keyOctets + suite.saltOctets))
        return CryptoAttribute(tag: tag, suite, key: key).value
    }

    @Test("Keys in descriptions: both sides end with the same, each with its own for what it sends (RFC 4568 §5.1)")
    func descriptions() throws {
        var (alice, bob) = (KeyingExchange(.descriptions), KeyingExchange(.whenOffered))
        let offer = try alice.makeOffer(Self.source(1))
        #expect(offer.transport == "RTP/SAVP")
        #expect(offer.attributes.map(\.name) == ["crypto", "crypto", "crypto", "crypto"])
        let lines = KeyingLines(offer.transport, crypto: offer.attributes.map(\.value))
        let answer = try bob.receiveOffer(lines, Self.source(100))
        #expect(answer.count == 1)
        try alice.receiveAnswer(KeyingLines(offer.transport, crypto: answer.map(\.value)))
        guard case .agreed(let one)? = alice.keys, case .agreed(let other)? = bob.keys else {
            Issue.record("no agreement")
            return
        }
        #expect(one.suite == .aeadAES256GCM && other.suite == one.suite)
        #expect(one.local == other.remote && one.remote == other.local && one.local != one.remote)
        // A later offer of the other side keeps protocol, suite and keys (§7.1.4).
        let later = try bob.makeOffer(Self.source(200))
        #expect(later.transport == "RTP/SAVP" && later.attributes.map(\.value) == answer.map(\.value))
    }

    @Test("A handshake: the offer leaves open who begins, and the answer begins (RFC 5763 §5)")
    func handshake() throws {
        var (alice, bob) = (KeyingExchange(.handshake), KeyingExchange(.whenOffered))
        let offer = try alice.makeOffer(Self.source(1))
        #expect(offer.transport == "UDP/TLS/RTP/SAVP")
        #expect(offer.attributes.map(\.name) == ["fingerprint", "setup"])
        #expect(offer.attributes[1].value == "actpass")
        let lines = KeyingLines(offer.transport, fingerprints: [Self.ours], setup: "actpass")
        let answer = try bob.receiveOffer(lines, Self.source(1, Self.theirs))
        #expect(answer[1].value == "active")
        #expect(bob.keys == .handshake(isClient: true, fingerprints: [Self.ours]))
        try alice.receiveAnswer(KeyingLines(offer.transport, fingerprints: [Self.theirs], setup: "active"))
        #expect(alice.keys == .handshake(isClient: false, fingerprints: [Self.theirs]))
        // A later offer of the one that waits: roles stay where the certificate does (RFC 8842 §5.3).
        let again = try bob.receiveOffer(lines, Self.source(1, Self.theirs))
        #expect(again[1].value == "active")
        let back = try alice.receiveOffer(
            KeyingLines("UDP/TLS/RTP/SAVP", fingerprints: [Self.theirs], setup: "actpass"), Self.source(1))
        #expect(back[1].value == "passive")
    }

    @Test("Where nothing is asked for, plain media stays plain, keys in it or not")
    func plain() throws {
        var exchange = KeyingExchange(.whenOffered)
        #expect(try exchange.makeOffer(Self.source(1)).attributes.isEmpty)
        #expect(try exchange.receiveOffer(KeyingLines("RTP/AVP", crypto: [Self.crypto(9)]), Self.source(1)).isEmpty)
        #expect(exchange.keys == .clear)
    }

    @Test("Where protection is required, keys over a plain protocol are taken (RFC 8643 §3.1)")
    func opportunistic() throws {
        var exchange = KeyingExchange(.descriptions)
        let answer = try exchange.receiveOffer(KeyingLines("RTP/AVP", crypto: [Self.crypto(9)]), Self.source(1))
        #expect(answer.first?.name == "crypto")
        let later = try exchange.makeOffer(Self.source(2))
        #expect(later.transport == "RTP/AVP" && later.attributes.count == 1)
    }

    @Test(
        "What cannot be protected is refused with the reason",
        arguments: [
            (KeyingPolicy.descriptions, KeyingLines("RTP/AVP"), KeyingError.insecure("RTP/AVP")),
            (.handshake, KeyingLines("RTP/AVPF"), .insecure("RTP/AVPF")),
            (.whenOffered, KeyingLines("RTP/SAVP"), .missing("RTP/SAVP")),
            (.whenOffered, KeyingLines("RTP/SAVPF", fingerprints: [weak]), .missing("RTP/SAVPF")),
            (
                .whenOffered, KeyingLines("UDP/TLS/RTP/SAVP", crypto: [crypto(9)]), .missing("UDP/TLS/RTP/SAVP")
            ),
            (
                .whenOffered, KeyingLines("RTP/SAVP", crypto: ["1 F8_128_HMAC_SHA1_80 inline:AAAA"]),
                .crypto(.unacceptable([.unknownSuite("F8_128_HMAC_SHA1_80")]))
            ),
            (
                .whenOffered, KeyingLines("UDP/TLS/RTP/SAVP", fingerprints: [theirs], setup: "holdconn"),
                .setup("holdconn")
            ),
            (.whenOffered, KeyingLines("UDP/TLS/RTP/SAVP", fingerprints: [theirs], setup: "maybe"), .setup("maybe")),
        ])
    func refuses(policy: KeyingPolicy, lines: KeyingLines, error: KeyingError) throws {
        var exchange = KeyingExchange(policy)
        #expect(exchange.problem(lines, Self.source(1)) == error)
        #expect(throws: error) { try exchange.receiveOffer(lines, Self.source(1)) }
        #expect(exchange.keys == nil)
        #expect(!error.description.contains("inline"))
    }

    @Test("An answer without what was offered cannot be used (RFC 4568 §5.1.3, RFC 5763 §5)")
    func uselessAnswers() throws {
        var descriptions = KeyingExchange(.descriptions)
        _ = try descriptions.makeOffer(Self.source(1))
        #expect(throws: KeyingError.crypto(.missing)) { try descriptions.receiveAnswer(KeyingLines("RTP/SAVP")) }
        var handshake = KeyingExchange(.handshake)
        _ = try handshake.makeOffer(Self.source(1))
        let lines = KeyingLines("UDP/TLS/RTP/SAVP", fingerprints: [Self.theirs], setup: "actpass")
        #expect(throws: KeyingError.setup("actpass")) { try handshake.receiveAnswer(lines) }
        #expect(throws: KeyingError.missing("UDP/TLS/RTP/SAVP")) {
            try handshake.receiveAnswer(KeyingLines("UDP/TLS/RTP/SAVP", setup: "active"))
        }
        #expect(throws: KeyingError.noCertificate) { try handshake.makeOffer(Self.source(1, nil)) }
    }
}

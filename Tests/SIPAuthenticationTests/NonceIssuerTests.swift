import SIPMessages
import Testing

@testable import SIPAuthentication

@Suite("Nonces and their counts (RFC 7616 §3.3, §3.4, §5.4, §5.5)")
struct NonceIssuerTests {
    static let second: Int64 = 1_000_000_000
    static let client = IPAddress(v4: 0xC000_0201)

    static func issuer(secret: UInt8 = 1, capacity: Int = 1024, serial: UInt64 = 0) throws -> NonceIssuer {
        try #require(
            NonceIssuer(
                secret: [UInt8](repeating: secret, count: 32), lifetime: .seconds(60), serial: serial,
                capacity: capacity))
    }

    static func text(_ nonce: Nonce) -> [UInt8] {
        var octets: [UInt8] = []
        nonce.write(to: &octets)
        return octets
    }

    static func read(_ octets: [UInt8]) -> Nonce? { Nonce(octets.span, OctetRange(0, octets.count)) }

    @Test("A nonce is 48 hexadecimal digits, which are read back as the same nonce")
    func roundTrip() throws {
        var issuer = try Self.issuer()
        let nonce = issuer.issue(at: 5 * Self.second, binding: 7, to: Self.client)
        let octets = Self.text(nonce)
        #expect(octets.count == Nonce.octets && octets.allSatisfy { $0.isHexDigit && $0 == $0.lowercased })
        #expect(Self.read(octets) == nonce)
    }

    @Test("A nonce has one spelling: upper case, other lengths and other octets are not ours")
    func oneSpelling() throws {
        var issuer = try Self.issuer()
        let octets = Self.text(issuer.issue(at: 0, binding: 0, to: Self.client))
        var upper = octets
        upper[47] = UInt8(ascii: "A")
        #expect(Self.read(upper) == nil)
        #expect(Self.read(Array(octets.dropLast())) == nil)
        #expect(Self.read(octets + [0x30]) == nil)
        var other = octets
        other[0] = UInt8(ascii: "g")
        #expect(Self.read(other) == nil)
    }

    @Test("No two nonces are alike, though issued at the same time for the same binding")
    func unique() throws {
        var issuer = try Self.issuer()
        var seen: Set<Nonce> = []
        for _ in 0..<10_000 { seen.insert(issuer.issue(at: 0, binding: 0, to: Self.client)) }
        #expect(seen.count == 10_000)
    }

    @Test(
        "A nonce is valid until the end of its lifetime, and stale after it or before its issue",
        arguments: [
            (0, NonceIssuer.Verdict.stale), (9_000, .stale), (10_000, .valid), (69_999, .valid), (70_000, .valid),
            (70_001, .stale), (1_000_000, .stale),
        ] as [(Int64, NonceIssuer.Verdict)])
    func ages(milliseconds: Int64, verdict: NonceIssuer.Verdict) throws {
        var issuer = try Self.issuer()
        let nonce = issuer.issue(at: 10 * Self.second, binding: 7, to: Self.client)
        #expect(issuer.check(nonce, at: milliseconds * 1_000_000, binding: 7) == verdict)
    }

    @Test("Whichever digit is changed, a nonce is no longer ours", arguments: 0..<48)
    func forged(position: Int) throws {
        var issuer = try Self.issuer()
        var octets = Self.text(issuer.issue(at: 10 * Self.second, binding: 7, to: Self.client))
        octets[position] = octets[position] == 0x30 ? 0x31 : 0x30
        let nonce = try #require(Self.read(octets))
        #expect(issuer.check(nonce, at: 10 * Self.second, binding: 7) == .forged)
        #expect(issuer.use(nonce, count: 1, at: 10 * Self.second, binding: 7) == .forged)
        #expect(issuer.rememberedUses == 0)
    }

    @Test("A nonce of another key or for another binding is forged")
    func otherKey() throws {
        var issuer = try Self.issuer()
        let other = try Self.issuer(secret: 2)
        let nonce = issuer.issue(at: 0, binding: 7, to: Self.client)
        #expect(issuer.check(nonce, at: 0, binding: 7) == .valid)
        #expect(issuer.check(nonce, at: 0, binding: 8) == .forged)
        #expect(other.check(nonce, at: 0, binding: 7) == .forged)
    }

    @Test("An issuer with the same key knows a nonce of another place, and whom to ask about its counts")
    func elsewhere() throws {
        func issuer(_ place: UInt8) throws -> NonceIssuer {
            try #require(NonceIssuer(secret: [UInt8](repeating: 1, count: 32), capacity: 1024, place: place))
        }
        var (here, there) = (try issuer(3), try issuer(200))
        var places: Set<UInt64> = []
        for _ in 0..<100 {
            let nonce = there.issue(at: 0, binding: 7, to: Self.client)
            places.insert(nonce.unique >> 56)
            #expect(here.check(nonce, at: 0, binding: 7) == .valid)
            #expect(here.use(nonce, count: 1, at: 0, binding: 7) == .elsewhere(200))
            #expect(here.use(nonce, count: 1, at: 0, binding: 8) == .forged)
            #expect(here.use(nonce, count: 1, at: 1000 * Self.second, binding: 7) == .stale)
            #expect(there.use(nonce, count: 1, at: 0, binding: 7) == .accepted)
            #expect(there.use(nonce, count: 1, at: 0, binding: 7) == .replayed)
        }
        #expect(here.rememberedUses == 0)
        // Who sees nonces cannot tell which of them are of one place: the octet that says so is veiled.
        #expect(places.count > 50)
        // Issuers at two places make no nonce twice.
        var all: Set<Nonce> = []
        for _ in 0..<1000 {
            all.insert(here.issue(at: 0, binding: 7, to: Self.client))
            all.insert(there.issue(at: 0, binding: 7, to: Self.client))
        }
        #expect(all.count == 2000)
    }

    @Test("Who names a nonce from the address that it was sent to has proved to be there, until it is too old")
    func provesAddress() throws {
        var issuer = try Self.issuer()
        let nonce = issuer.issue(at: 10 * Self.second, binding: 7, to: Self.client)
        func isProof(_ address: IPAddress, seconds: Int64 = 10, binding: UInt64 = 7, of nonce: Nonce = nonce) -> Bool {
            issuer.wasSent(nonce, to: address, at: seconds * Self.second, binding: binding)
        }
        #expect(isProof(Self.client) && isProof(Self.client, seconds: 70))
        #expect(!isProof(Self.client, seconds: 71) && !isProof(Self.client, binding: 8))
        #expect(!isProof(IPAddress(v4: 0xC000_0202)))
        // The same bits in the other family are another address.
        #expect(!isProof(IPAddress(v6: Self.client.high, Self.client.low)))
        let other = try Self.issuer(secret: 2)
        #expect(!other.wasSent(nonce, to: Self.client, at: 10 * Self.second, binding: 7))
        // It serves from anywhere all the same: a phone may have changed its network.
        #expect(issuer.use(nonce, count: 1, at: 10 * Self.second, binding: 7) == .accepted)
    }

    @Test("Of ten thousand nonces that were sent to one address none passes for proof of another one")
    func guessesNoAddress() throws {
        var issuer = try Self.issuer()
        let victim = IPAddress(v4: 0xC000_0202)
        let nonces = (0..<10_000).map { _ in issuer.issue(at: 0, binding: 0, to: Self.client) }
        // One in 2^24 is to be expected.
        #expect(!nonces.contains { issuer.wasSent($0, to: victim, at: 0, binding: 0) })
    }

    @Test("Fewer than 32 octets make no key")
    func shortKey() {
        #expect(NonceIssuer(secret: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(NonceIssuer(secret: []) == nil)
    }

    @Test("Times below zero and lifetimes beyond all bounds do no harm")
    func extremes() throws {
        var issuer = try #require(
            NonceIssuer(secret: [UInt8](repeating: 1, count: 32), lifetime: .seconds(Int64.max), capacity: 0))
        let nonce = issuer.issue(at: .min, binding: .max, to: Self.client)
        #expect(issuer.use(nonce, count: .max, at: .max, binding: .max) == .accepted)
        #expect(issuer.use(nonce, count: .max, at: .max, binding: .max) == .replayed)
    }

    @Test("Each count is taken once, in any order within 64 of the highest; those further behind are not")
    func window() throws {
        var issuer = try Self.issuer()
        let nonce = issuer.issue(at: 0, binding: 0, to: Self.client)
        func use(_ count: UInt32) -> NonceIssuer.Use { issuer.use(nonce, count: count, at: 0, binding: 0) }
        #expect([1, 3, 2, 2, 3, 1].map(use) == [.accepted, .accepted, .accepted, .replayed, .replayed, .replayed])
        #expect(use(0) == .replayed)  // The first is 1.
        #expect(use(100) == .accepted)
        #expect(use(37) == .accepted)  // 63 behind: the last that is remembered.
        #expect(use(37) == .replayed)
        #expect(use(36) == .replayed)  // 64 behind: nobody knows.
        #expect(use(3) == .replayed)
        #expect(use(99) == .accepted)
        #expect(use(101) == .accepted)
        #expect(use(38) == .accepted)
        #expect(use(37) == .replayed)
        #expect(use(.max) == .accepted)
        #expect(use(.max) == .replayed)
        #expect(use(102) == .replayed)
        #expect(issuer.rememberedUses == 1)
    }

    @Test("Without a count a nonce serves once, and not with a count after that")
    func withoutCount() throws {
        var issuer = try Self.issuer()
        let nonce = issuer.issue(at: 0, binding: 0, to: Self.client)
        #expect(issuer.use(nonce, count: nil, at: 0, binding: 0) == .accepted)
        #expect(issuer.use(nonce, count: nil, at: 0, binding: 0) == .replayed)
        #expect(issuer.use(nonce, count: 1, at: 0, binding: 0) == .replayed)
        #expect(issuer.use(nonce, count: .max, at: 0, binding: 0) == .replayed)
        let counted = issuer.issue(at: 0, binding: 0, to: Self.client)
        #expect(issuer.use(counted, count: 1, at: 0, binding: 0) == .accepted)
        #expect(issuer.use(counted, count: nil, at: 0, binding: 0) == .replayed)
    }

    @Test("At the bound the nonce used first is forgotten and is stale from then on; one more is still remembered")
    func forgets() throws {
        var issuer = try Self.issuer(capacity: 4)
        let nonces = (0..<5).map { issuer.issue(at: Int64($0) * Self.second, binding: 0, to: Self.client) }
        let now = 5 * Self.second
        for nonce in nonces[0..<4] { #expect(issuer.use(nonce, count: 1, at: now, binding: 0) == .accepted) }
        #expect(issuer.use(nonces[0], count: 1, at: now, binding: 0) == .replayed)
        #expect(issuer.use(nonces[4], count: 1, at: now, binding: 0) == .accepted)
        #expect(issuer.rememberedUses == 4)
        #expect(issuer.use(nonces[0], count: 1, at: now, binding: 0) == .stale)
        #expect(issuer.use(nonces[0], count: 2, at: now, binding: 0) == .stale)
        #expect(issuer.use(nonces[1], count: 1, at: now, binding: 0) == .replayed)
        #expect(issuer.use(nonces[1], count: 2, at: now, binding: 0) == .accepted)
        // Issued with a forgotten one, in the same millisecond: it cannot be told from it, and is stale too.
        let twin = issuer.issue(at: 0, binding: 0, to: Self.client)
        #expect(issuer.use(twin, count: 1, at: now, binding: 0) == .stale)
        let fresh = issuer.issue(at: now, binding: 0, to: Self.client)
        #expect(issuer.use(fresh, count: 1, at: now, binding: 0) == .accepted)
    }

    @Test("Whatever the order of uses, a small memory accepts no pair of nonce and count twice", arguments: 0..<64)
    func neverTwice(seed: Int) throws {
        struct Pair: Hashable {
            var nonce: Nonce
            var count: UInt32
        }
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        var issuer = try Self.issuer(capacity: 8, serial: UInt64(seed) << 32)
        var nonces: [Nonce] = []
        var accepted: Set<Pair> = []
        var acceptances = 0
        for step in 0..<2_000 {
            let now = Int64(step) * 10_000_000
            if nonces.isEmpty || random(4) == 0 { nonces.append(issuer.issue(at: now, binding: 0, to: Self.client)) }
            let recent = Swift.min(nonces.count, 16)
            let nonce = nonces[nonces.count - 1 - random(random(8) == 0 ? nonces.count : recent)]
            let count = UInt32(1 + random(100))
            if issuer.use(nonce, count: count, at: now, binding: 0) == .accepted {
                acceptances += 1
                accepted.insert(Pair(nonce: nonce, count: count))
            }
            #expect(issuer.rememberedUses <= 8)
        }
        #expect(acceptances == accepted.count)
        #expect(acceptances > 100)
    }
}

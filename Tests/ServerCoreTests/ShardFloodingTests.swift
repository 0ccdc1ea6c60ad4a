import SIPMessages
import Testing

@testable import ServerCore

@Suite("Flooding of one shard by chosen Call-IDs")
struct ShardFloodingTests {
    private static let shards = 64
    private static let count = 1024

    /// How many requests of these Call-IDs each shard of a server gets that hashes with a key.
    private static func load(of callIDs: [String], key: SipHashKey) -> [Int] {
        var settings = Stage(shards: Self.shards).settings([Place.domain], at: Place.proxy)
        settings.hashKey = key
        let reception = Reception(settings: settings)
        var load = Array(repeating: 0, count: Self.shards)
        for callID in callIDs {
            var workspace = Workspace()
            let request = Array(
                ("OPTIONS sip:bob@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKx\r\n"
                    + "From: <sip:a@y.example>;tag=1\r\nTo: <sip:bob@biloxi.example.com>\r\nCall-ID: \(callID)\r\n"
                    + "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").utf8)
            reception.receive(
                request.span,
                over: Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0242), 5060)),
                into: &workspace)
            if case .calls(let shard) = workspace.next { load[shard] += 1 }
        }
        return load
    }

    /// Call-IDs that have one shard where a hash is what somebody takes it for.
    private static func callIDs(crowding hash: (Span<UInt8>) -> UInt64) -> [String] {
        var (found, number): ([String], Int) = ([], 0)
        while found.count < Self.count {
            let callID = "x\(number)"
            let octets = Array(callID.utf8)
            if hash(octets.span) & UInt64(Self.shards - 1) == 7 { found.append(callID) }
            number += 1
        }
        return found
    }

    private static func fnv(_ octets: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in octets.indices { hash = (hash ^ UInt64(octets[i])) &* 0x100_0000_01B3 }
        return hash
    }

    private static func times33(_ octets: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 5381
        for i in octets.indices { hash = hash &* 33 &+ UInt64(octets[i]) }
        return hash
    }

    private static func sipHash(_ octets: Span<UInt8>, key: SipHashKey) -> UInt64 {
        SipHash13.hash(octets, 0..<octets.count, key: key)
    }

    @Test("A thousand Call-IDs of one shard by a hash without key, or by another server's key, spread over all")
    func spreads() {
        let guessed = SipHashKey(0, 0)
        let crowds = [
            Self.callIDs { Self.fnv($0) }, Self.callIDs { Self.times33($0) },
            Self.callIDs { Self.sipHash($0, key: guessed) },
        ]
        // Who knew the key would have them in one.
        let known = Self.load(of: crowds[2], key: guessed)
        #expect(known[7] == Self.count)
        for crowd in crowds {
            let load = Self.load(of: crowd, key: SipHashKey(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))
            // Sixteen each, give or take four standard deviations of four.
            #expect(load.allSatisfy { (1...40).contains($0) })
        }
    }
}

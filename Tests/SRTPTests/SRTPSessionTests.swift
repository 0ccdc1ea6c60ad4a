import CSRTP
import MediaKeying
import RTP
import Testing

@testable import SRTP

@Suite("SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714)")
struct SRTPSessionTests {
    static func key(_ suite: SRTPSuite, _ seed: UInt8, identifier: [UInt8] = []) -> SRTPMasterKey {
        SRTPMasterKey(
            (0..<UInt8(suite.keyOctets + suite.saltOctets)).map { $0 &* 7 &+ seed }, identifier: identifier)
    }

    /// Two ends of one session.
    static func pair(_ suite: SRTPSuite, identifier: [UInt8] = []) throws -> (SRTPSession, SRTPSession) {
        let (left, right) = (Self.key(suite, 1, identifier: identifier), Self.key(suite, 100))
        return (
            try SRTPSession(SRTPAgreement(suite, local: left, remote: right)),
            try SRTPSession(SRTPAgreement(suite, local: right, remote: left))
        )
    }

    static func packet(_ number: UInt16, ssrc: UInt32 = 9, count: Int = 160) -> [UInt8] {
        var octets: [UInt8] = []
        RTPHeader(payloadType: 0, sequenceNumber: number, timestamp: 160 &* UInt32(number), ssrc: ssrc)
            .append(to: &octets)
        return octets + (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    }

    @Test(
        "A new key for one direction leaves the other where it is: no key stream is used twice (RFC 3711 §9.1)",
        arguments: [SRTPSuite.aes128CMSHA1Tag80, .aeadAES128GCM])
    func renewed(suite: SRTPSuite) throws {
        let (sender, receiver) = try Self.pair(suite)
        for number in [UInt16.max, 0] {
            var packet = Self.packet(number)
            try sender.protect(&packet)
            try receiver.unprotect(&packet)
        }
        let (local, fresh) = (sender.agreement.local, Self.key(suite, 55))
        try sender.renew(SRTPAgreement(suite, local: local, remote: fresh))
        try receiver.renew(SRTPAgreement(suite, local: fresh, remote: local))
        // The roll-over counter is 1 on both sides still.
        var (packet, back) = (Self.packet(1), Self.packet(77, ssrc: 10))
        try sender.protect(&packet)
        try receiver.unprotect(&packet)
        #expect(packet == Self.packet(1))
        try receiver.protect(&back)
        try sender.unprotect(&back)
        #expect(back == Self.packet(77, ssrc: 10))
    }

    static let control: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 202, 0, 2, 0, 0, 0, 9, 1, 1, 0x61, 0]

    @Test(
        "What is protected is unprotected as it was, whatever it holds", arguments: SRTPSuite.allCases,
        [[], [0, 0, 4, 42]])
    func roundTrip(suite: SRTPSuite, identifier: [UInt8]) throws {
        let (sender, receiver) = try Self.pair(suite, identifier: identifier)
        for number: UInt16 in 0..<20 {
            // With a contributing source and an extension from the fifth on.
            var plain = Self.packet(number, count: Int(number) * 11)
            if number > 5 {
                plain[0] = 0x91
                plain.insert(contentsOf: [0, 0, 0, 5, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4], at: 12)
            }
            var packet = plain
            try sender.protect(&packet)
            #expect(packet.count == plain.count + suite.tagOctets + identifier.count)
            #expect(packet != plain)
            #expect(packet.prefix(12) == plain.prefix(12))
            try receiver.unprotect(&packet)
            #expect(packet == plain)
            var control = Self.control
            try sender.protectControl(&control)
            #expect(control.count == Self.control.count + 4 + suite.controlTagOctets + identifier.count)
            #expect(control.prefix(8) == Self.control.prefix(8))
            #expect(control != Self.control)
            try receiver.unprotectControl(&control)
            #expect(control == Self.control)
        }
    }

    @Test(
        "A packet that was changed anywhere, or cut off, is not believed, and changes nothing",
        arguments: SRTPSuite.allCases)
    func changed(suite: SRTPSuite) throws {
        let (sender, receiver) = try Self.pair(suite)
        var packet = Self.packet(7, count: 20)
        try sender.protect(&packet)
        for place in packet.indices where place != 0 {
            var forged = packet
            forged[place] ^= 0x20
            #expect(throws: SRTPError.self) { try receiver.unprotect(&forged) }
        }
        for count in 0..<packet.count {
            var cut = Array(packet.prefix(count))
            #expect(throws: SRTPError.self) { try receiver.unprotect(&cut) }
        }
        var control = Self.control
        try sender.protectControl(&control)
        for place in control.indices {
            var forged = control
            forged[place] ^= 0x40
            #expect(throws: SRTPError.self) { try receiver.unprotectControl(&forged) }
        }
        try receiver.unprotect(&packet)
        try receiver.unprotectControl(&control)
    }

    @Test("A packet comes once; numbers wrap around with packets lost and late (RFC 3711 §3.3)")
    func replay() throws {
        let (sender, receiver) = try Self.pair(.aes128CMSHA1Tag80)
        var late: [UInt8] = []
        for step in 0..<140_000 where step % 3 != 1 {
            var packet = Self.packet(UInt16(truncatingIfNeeded: 30_000 + step), count: 4)
            try sender.protect(&packet)
            if step % 65_534 == 0 {
                late = packet
                continue
            }
            var again = packet
            try receiver.unprotect(&packet)
            if step % 1_000 == 0 { #expect(throws: SRTPError.replayed) { try receiver.unprotect(&again) } }
            if step % 65_534 >= 100, !late.isEmpty {
                try receiver.unprotect(&late)
                late = []
            }
        }
        var repeated = Self.packet(UInt16(truncatingIfNeeded: 30_000 + 139_998), count: 4)
        #expect(throws: SRTPError.replayed) { try sender.protect(&repeated) }
    }

    @Test("Sources are bounded, and a key ends with its lifetime (RFC 3711 §9.2)")
    func bounds() throws {
        let suite = SRTPSuite.aes128CMSHA1Tag80
        var key = Self.key(suite, 1)
        key.lifetime = 2
        let sender = try SRTPSession(SRTPAgreement(suite, local: key, remote: Self.key(suite, 2)))
        for number: UInt16 in 0..<2 {
            var packet = Self.packet(number)
            try sender.protect(&packet)
        }
        var packet = Self.packet(3)
        #expect(throws: SRTPError.keyExhausted) { try sender.protect(&packet) }
        for source in 10..<UInt32(9 + SRTPSession.maximumSources) {
            var packet = Self.packet(0, ssrc: source)
            try sender.protect(&packet)
        }
        var last = Self.packet(0, ssrc: 1_000)
        #expect(throws: SRTPError.tooManySources) { try sender.protect(&last) }
    }

    /// libsrtp is told to begin once.
    static let hasLibrary = srtp_init() == srtp_err_status_ok

    @Test("libsrtp reads what we write, and we what it writes", .serialized, arguments: SRTPSuite.allCases)
    func foreign(suite: SRTPSuite) throws {
        try #require(Self.hasLibrary)
        func policy(_ policy: inout srtp_policy_t) {
            switch suite {
            case .aeadAES256GCM:
                srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
                srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
            case .aeadAES128GCM:
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
            case .aes256CMSHA1Tag80, .aes256CMSHA1Tag32:
                srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp)
                if suite == .aes256CMSHA1Tag32 { srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp) }
                srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
            case .aes128CMSHA1Tag80, .aes128CMSHA1Tag32:
                srtp_crypto_policy_set_rtp_default(&policy.rtp)
                if suite == .aes128CMSHA1Tag32 { srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp) }
                srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
            }
        }
        var key = Self.key(suite, 1).octets
        let session = try SRTPSession(SRTPAgreement(suite, local: Self.key(suite, 1), remote: Self.key(suite, 1)))
        var (reader, writer): (srtp_t?, srtp_t?)
        key.withUnsafeMutableBufferPointer { key in
            var settings = srtp_policy_t()
            policy(&settings)
            settings.key = key.baseAddress
            settings.ssrc.type = ssrc_any_inbound
            #expect(srtp_create(&reader, &settings) == srtp_err_status_ok)
            settings.ssrc.type = ssrc_any_outbound
            #expect(srtp_create(&writer, &settings) == srtp_err_status_ok)
        }
        defer {
            srtp_dealloc(reader)
            srtp_dealloc(writer)
        }
        for number: UInt16 in 1..<50 {
            let plain = Self.packet(number, ssrc: 1)
            var packet = plain
            try session.protect(&packet)
            var count = Int32(packet.count)
            #expect(srtp_unprotect(reader, &packet, &count) == srtp_err_status_ok)
            #expect(Array(packet.prefix(Int(count))) == plain)
            var theirs = Self.packet(number, ssrc: 2) + [UInt8](repeating: 0, count: 64)
            count = 172
            #expect(srtp_protect(writer, &theirs, &count) == srtp_err_status_ok)
            var received = Array(theirs.prefix(Int(count)))
            try session.unprotect(&received)
            #expect(received == Self.packet(number, ssrc: 2))
            var control = Self.control
            try session.protectControl(&control)
            count = Int32(control.count)
            #expect(srtp_unprotect_rtcp(reader, &control, &count) == srtp_err_status_ok)
            #expect(Array(control.prefix(Int(count))) == Self.control)
            var foreign = Self.control + [UInt8](repeating: 0, count: 64)
            count = Int32(Self.control.count)
            #expect(srtp_protect_rtcp(writer, &foreign, &count) == srtp_err_status_ok)
            var heard = Array(foreign.prefix(Int(count)))
            try session.unprotectControl(&heard)
            #expect(heard == Self.control)
        }
    }
}

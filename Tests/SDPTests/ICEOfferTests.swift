import SIPMessages
import Testing

@testable import SDP

@Suite("ICE in an offer to an agent that has none (RFC 8839 §4.2.5, RFC 8445 §5.4)")
struct ICEOfferTests {
    /// The offer of RFC 8839 §3.1, with its lines unfolded and another component for RTCP.
    private static let offer = """
        v=0\r
        o=jdoe 2890844526 2890842807 IN IP4 203.0.113.141\r
        s=\r
        c=IN IP4 192.0.2.3\r
        t=0 0\r
        a=ice-options:ice2\r
        a=ice-pacing:50\r
        a=ice-pwd:asd88fgpdd777uzjYhagZg\r
        a=ice-ufrag:8hhY\r
        m=audio 45664 RTP/AVP 0\r
        b=RS:0\r
        b=RR:0\r
        a=rtpmap:0 PCMU/8000\r
        a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host\r
        a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998\r
        a=remote-candidates:1 192.0.2.1 3478\r
        a=end-of-candidates\r\n
        """

    private static func machine() -> OfferAnswer {
        OfferAnswer(identity: DescriptionIdentity(sessionID: 1, firstVersion: 1, host: "192.0.2.1"))
    }

    private static let ours = LocalStream(host: "192.0.2.1", port: 3_478, formats: [MediaFormat(0, "PCMU")])

    @Test("Its lines are kept, octet by octet")
    func kept() throws {
        let description = try SessionDescription(Array(Self.offer.utf8))
        #expect(String(decoding: description.octets, as: UTF8.self) == Self.offer)
        #expect(description.attributeValues("ice-ufrag") == ["8hhY"])
        #expect(description.media.first?.attributeValues("candidate").count == 2)
    }

    @Test("The answer says nothing of ICE, and media goes to the default destination (RFC 3264)")
    func answered() throws {
        var bob = Self.machine()
        #expect(try bob.receiveOffer(SessionDescription(Array(Self.offer.utf8))) == [])
        let answer = try bob.makeAnswer([Self.ours])
        let text = String(decoding: answer.octets, as: UTF8.self)
        for word in ["ice-", "candidate"] { #expect(!text.contains(word)) }
        #expect(text.contains("m=audio 3478 RTP/AVP 0\r\n"))
        let destination = try #require(bob.streams.first?.destination)
        #expect(destination.rtp.address == SocketAddress(try #require(IPAddress("192.0.2.3")), 45_664))
    }

    @Test("A later offer of ours says nothing of it either")
    func offeredAnew() throws {
        var bob = Self.machine()
        _ = try bob.receiveOffer(SessionDescription(Array(Self.offer.utf8)))
        _ = try bob.makeAnswer([Self.ours])
        let offer = String(decoding: try bob.makeOffer([Self.ours]).octets, as: UTF8.self)
        for word in ["ice-", "candidate"] { #expect(!offer.contains(word)) }
    }

    @Test("A default destination of 0.0.0.0 and port 9 is no failure: nothing is sent there until media has come")
    func withoutDestination() throws {
        let text = Self.offer.replacing("c=IN IP4 192.0.2.3", with: "c=IN IP4 0.0.0.0")
            .replacing("m=audio 45664", with: "m=audio 9")
        var bob = Self.machine()
        #expect(try bob.receiveOffer(SessionDescription(Array(text.utf8))) == [])
        _ = try bob.makeAnswer([Self.ours])
        let stream = try #require(bob.streams.first)
        #expect(stream.isActive)
        #expect(stream.direction.receives)
        #expect(!stream.sends)
    }
}

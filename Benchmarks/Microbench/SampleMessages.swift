/// The messages that are measured.
enum SampleMessages {
    /// An INVITE of 708 octets with 14 header fields and a session description: what a phone sends through a proxy.
    static let invite: [UInt8] = Self.octets(
        """
        INVITE sip:bob@biloxi.example SIP/2.0
        Via: SIP/2.0/UDP pc33.atlanta.example:5060;branch=z9hG4bK776asdhds;rport
        Max-Forwards: 70
        To: Bob <sip:bob@biloxi.example>
        From: Alice <sip:alice@atlanta.example>;tag=1928301774
        Call-ID: a84b4c76e66710@pc33.atlanta.example
        CSeq: 314159 INVITE
        Contact: <sip:alice@pc33.atlanta.example:5060>
        Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE, PRACK
        Supported: 100rel, timer, replaces
        Session-Expires: 1800
        Min-SE: 90
        User-Agent: Tele
        Content-Type: application/sdp
        Content-Length: 172

        v=0
        o=alice 2890844526 2890844526 IN IP4 192.0.2.101
        s=-
        c=IN IP4 192.0.2.101
        t=0 0
        m=audio 49172 RTP/AVP 0 8
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=sendrecv

        """)

    /// A MESSAGE whose branch ends in 16 digits, which `RequestSource` writes over.
    static let message: [UInt8] = Self.octets(
        """
        MESSAGE sip:bob@biloxi.example SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK0000000000000000;rport
        Max-Forwards: 70
        To: <sip:bob@biloxi.example>
        From: <sip:alice@biloxi.example>;tag=1928301774
        Call-ID: a84b4c76e66710@192.0.2.101
        CSeq: 1 MESSAGE
        Content-Type: text/plain
        Content-Length: 5

        Hello
        """)

    static func octets(_ text: String) -> [UInt8] {
        var octets: [UInt8] = []
        for octet in text.utf8 {
            if octet == 0x0A { octets.append(0x0D) }
            octets.append(octet)
        }
        return octets
    }
}

/// A request that gets another branch each time, and so begins another transaction.
struct RequestSource {
    /// The request as it is now.
    private(set) var octets = SampleMessages.message
    private var number: UInt64 = 0
    private let digits: Int

    init() {
        let cookie = Array("z9hG4bK".utf8)
        let starts = SampleMessages.message.indices.dropLast(cookie.count)
        let found = starts.first { SampleMessages.message[$0..<$0 + cookie.count].elementsEqual(cookie) }
        self.digits = (found ?? 0) + cookie.count
    }

    /// Writes the next branch.
    mutating func advance() {
        self.number += 1
        for i in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: self.number >> UInt64(60 - 4 * i) & 15)
            self.octets[self.digits + i] = digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }
}

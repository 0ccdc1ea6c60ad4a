import Testing

@testable import SIPMessages

@Suite("Where responses go (RFC 3261 §18.2.2, RFC 3581 §4)")
struct ReplyAddressTests {
    private func address(_ via: String, from source: String = "192.0.2.1", isReliable: Bool = false) throws -> String {
        let octets = Array(via.utf8)
        var index = ViaIndex()
        #expect(try ViaIndex.parse(octets.span, in: 0..<octets.count, into: &index) == nil)
        let source = SocketAddress(try #require(IPAddress(source)), 41000)
        return index.replyAddress(source: source, isReliable: isReliable).description
    }

    @Test(
        "Over UDP: to maddr with the port of sent-by, else with rport to the source, else to the port of sent-by",
        arguments: [
            ("SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa", "192.0.2.1:5070"),
            ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa", "192.0.2.1:5060"),
            ("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bKa", "192.0.2.1:41000"),
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=192.0.2.7;branch=z9hG4bKa", "192.0.2.7:5070"),
            ("SIP/2.0/UDP 10.0.0.1;MADDR=192.0.2.7;rport;branch=z9hG4bKa", "192.0.2.7:5060"),
            // A name would have to be looked up, an address of the other family cannot be sent to from there.
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=example.com;branch=z9hG4bKa", "192.0.2.1:5070"),
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=[2001:db8::7];branch=z9hG4bKa", "192.0.2.1:5070"),
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=0.0.0.0;branch=z9hG4bKa", "192.0.2.1:5070"),
        ])
    func datagrams(via: String, expected: String) throws { #expect(try self.address(via) == expected) }

    @Test("Over IPv6 maddr stands in brackets or without", arguments: ["[2001:db8::7]", "2001:db8::7"])
    func version6(maddr: String) throws {
        let via = "SIP/2.0/UDP [2001:db8::1]:5070;maddr=\(maddr);branch=z9hG4bKa"
        #expect(try self.address(via, from: "2001:db8::1") == "[2001:db8::7]:5070")
    }

    @Test("Over a stream that is gone: to the source with the port of sent-by, whatever maddr and rport say")
    func streams() throws {
        let via = "SIP/2.0/TCP 10.0.0.1;maddr=192.0.2.7;rport;branch=z9hG4bKa"
        #expect(try self.address(via, isReliable: true) == "192.0.2.1:5060")
        #expect(try self.address("SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKa", isReliable: true) == "192.0.2.1:5061")
    }
}

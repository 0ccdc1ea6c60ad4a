import LocationService
import SIPMessages
import SIPTransactions
import Testing

@testable import Persistence

@Suite("The rows that a registrar's changes leave")
struct RegistrarRowTests {
    private static let key = Array("bob@example.test".utf8)

    /// Registers, and stores what the registrar wants stored.
    private func register(
        _ contact: String, cseq: Int, at service: inout Registrar, in database: ServerDatabase
    ) throws {
        let text = """
            REGISTER sip:example.test SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK\(cseq)
            To: <sip:bob@example.test>
            From: <sip:bob@example.test>;tag=1
            Call-ID: 1@192.0.2.1
            CSeq: \(cseq) REGISTER
            Contact: \(contact)
            Expires: 3600
            Supported: outbound, path
            Content-Length: 0


            """
        let octets = Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
        var index = MessageIndex()
        try index.parse(octets.span)
        var via = ViaIndex()
        let field = try #require(index.fields.first { $0.id == .via })
        _ = try ViaIndex.parse(octets.span, in: field.value.range, into: &via)
        let remote = SocketAddress(IPAddress(v4: 0xC000_0201), 5062)
        let flow = Flow(endpoint: 0, transport: .udp, remote: remote)
        let circumstances = Registrar.Circumstances(
            hash: 7, tag: 7, flow: flow, replyFlow: flow, local: SocketAddress(.loopback, 5060), now: .start, wall: 0)
        var outbox = Outbox()
        let outcome = try service.register(
            octets.span, index, via: via, aor: Self.key.span, circumstances, into: &outbox)
        guard case .committing = outcome else {
            Issue.record("not to be stored: \(outcome)")
            return
        }
        let changes = service.takeChanges()
        let token = try #require(changes.first?.token)
        let completions = Completions()
        let store = try BindingStore(database: database) { completions.append($0, $1) }
        #expect(store.submit(changes.map(\.change), token: token))
        store.close()
        #expect(completions.committed == [token])
        let isAwaited = service.committed(token, wall: 0, into: &outbox)
        #expect(isAwaited)
    }

    @Test(
        "A refresh leaves one row, however the same contact is written (RFC 3261 §19.1.4, RFC 5626 §6)",
        arguments: [
            ["<sip:bob@phone.example.test>", "<sip:bob@PHONE.example.test>"],
            ["<sip:bob@phone.example.test>", "<SIP:bob@phone.example.test>", "<sip:%62ob@phone.example.test>"],
            [
                "<sip:bob@phone.example.test>",
                "<sip:bob@phone.example.test>;+sip.instance=\"<urn:uuid:0-1>\";reg-id=1",
                "<sip:bob@other.example.test>;+sip.instance=\"<urn:uuid:0-1>\";reg-id=1",
            ],
        ])
    func leavesOneRow(contacts: [String]) throws {
        let directory = try TemporaryDirectory()
        let database = try directory.database()
        var service = Registrar(
            policy: RegistrarPolicy(), shard: 0, isDurable: true, hashKey: SipHashKey(1, 2), capacity: 10)
        for (index, contact) in contacts.enumerated() {
            try self.register(contact, cseq: index + 1, at: &service, in: database)
        }
        let rows = try database.bindings()
        #expect(rows.map(\.cseq) == [UInt32(contacts.count)])
    }
}

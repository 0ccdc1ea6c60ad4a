import SIPDialogs
import SIPMessages
import Testing

@Suite("Dialogs (RFC 3261 §12)")
struct DialogTests {
    private static let routes = ("Record-Route", "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")

    @Test("The caller's route set is the Record-Route of the response in reverse order (§12.1.2)")
    func callerRouteSet() throws {
        let invite = try Messages.invite()
        let dialog = try #require(
            Dialog(request: invite, response: try Messages.response(180, to: invite, fields: [Self.routes])))
        #expect(dialog.state == .early)
        #expect(dialog.routeSet.map { $0.uri.description } == ["sip:p2.example.com;lr", "sip:p1.example.com;lr"])
        #expect(dialog.remoteTarget == (try URI("sip:bob@192.0.2.4")))
        #expect(dialog.localSequence == 314159)
        #expect(dialog.remoteSequence == nil)
        #expect(dialog.id == DialogID("a84b4c76e66710", localTag: "1928301774", remoteTag: "a6c85cf"))
    }

    @Test("The callee's route set is the Record-Route of the request in its order (§12.1.1)")
    func calleeRouteSet() throws {
        let invite = try Messages.invite(fields: [Self.routes])
        let dialog = try #require(Dialog(request: invite, localTag: "a6c85cf"))
        #expect(dialog.routeSet.map { $0.uri.description } == ["sip:p1.example.com;lr", "sip:p2.example.com;lr"])
        #expect(dialog.remoteTarget == (try URI("sip:alice@pc33.atlanta.com")))
        #expect(dialog.remoteSequence == 314159)
        #expect(dialog.localSequence == nil)
        #expect(dialog.id == DialogID("a84b4c76e66710", localTag: "a6c85cf", remoteTag: "1928301774"))
    }

    @Test("Both sides name the same dialog, each from its own side")
    func bothSides() throws {
        let invite = try Messages.invite()
        let response = try Messages.response(200, to: invite)
        let caller = try #require(Dialog(request: invite, response: response))
        var callee = try #require(Dialog(request: invite, localTag: "a6c85cf"))
        let bye = try callee.request(.bye).message()
        #expect(DialogID(request: bye) == caller.id)
        #expect(bye.first(.cseq)?.number == 1)
        #expect(bye.requestURI?.description == "sip:alice@pc33.atlanta.com")
        #expect(bye.first(.from)?.tag == "a6c85cf")
        #expect(bye.first(.to)?.tag == "1928301774")
    }

    @Test("A peer of RFC 2543 has no tag, and its dialog an empty one (§12.1.1)")
    func noTag() throws {
        var builder = MessageBuilder(try Messages.invite())
        builder.set(.from, try NameAddress(parsing: "<sip:alice@atlanta.com>"))
        let dialog = try #require(Dialog(request: try builder.message(), localTag: "x"))
        #expect(dialog.id.remoteTag == "")
    }

    @Test("The Record-Route of the 2xx takes the place of that of the 180, once (§13.2.2.4)")
    func confirmationRecomputesRoutes() throws {
        let invite = try Messages.invite()
        var dialog = try #require(
            Dialog(request: invite, response: try Messages.response(180, to: invite, fields: [Self.routes])))
        dialog.confirm(
            by: try Messages.response(
                200, to: invite, contact: "<sip:bob@192.0.2.5>", fields: [("Record-Route", "<sip:p3.example.com;lr>")]))
        #expect(dialog.state == .confirmed)
        #expect(dialog.routeSet.map { $0.uri.description } == ["sip:p3.example.com;lr"])
        #expect(dialog.remoteTarget.description == "sip:bob@192.0.2.5")
        // A later 2xx, to a re-INVITE, changes the target and never the route set (§12.2.1.2).
        dialog.confirm(by: try Messages.response(200, to: invite, contact: "<sip:bob@192.0.2.6>"))
        #expect(dialog.routeSet.count == 1)
        #expect(dialog.remoteTarget.description == "sip:bob@192.0.2.6")
    }

    @Test("Through loose routers the Request-URI is the remote target (§12.2.1.1)")
    func looseRouting() throws {
        let invite = try Messages.invite()
        var dialog = try #require(
            Dialog(request: invite, response: try Messages.response(200, to: invite, fields: [Self.routes])))
        let bye = try dialog.request(.bye).message()
        #expect(bye.requestURI?.description == "sip:bob@192.0.2.4")
        #expect(bye.all(.route).map { $0.uri.description } == ["sip:p2.example.com;lr", "sip:p1.example.com;lr"])
        #expect(bye.first(.cseq) == CSeq(314160, .bye))
        #expect(dialog.nextHop.description == "sip:p2.example.com;lr")
    }

    @Test("A strict router gets its own URI, and the remote target ends the route (§12.2.1.1)")
    func strictRouting() throws {
        let invite = try Messages.invite()
        let record = [("Record-Route", "<sip:p1.example.com;lr>, <sip:p2.example.com?Subject=x>")]
        var dialog = try #require(
            Dialog(request: invite, response: try Messages.response(200, to: invite, fields: record)))
        let bye = try dialog.request(.bye).message()
        #expect(bye.requestURI?.description == "sip:p2.example.com")
        #expect(bye.all(.route).map { $0.uri.description } == ["sip:p1.example.com;lr", "sip:bob@192.0.2.4"])
    }

    @Test("An ACK has the number of its INVITE and counts nothing (§13.2.2.4)")
    func acknowledgement() throws {
        let invite = try Messages.invite()
        var dialog = try #require(Dialog(request: invite, response: try Messages.response(200, to: invite)))
        #expect(try dialog.acknowledgement(of: 314159).message().first(.cseq) == CSeq(314159, .ack))
        let bye = try dialog.request(.bye).message()
        #expect(bye.first(.cseq)?.number == 314160)
    }

    @Test(
        "Numbers may have gaps but not go back (§12.2.2)",
        arguments: [
            (UInt32(314158), Dialog.Order.outOfOrder), (314159, .outOfOrder), (314160, .inOrder), (400000, .inOrder),
        ])
    func order(number: UInt32, expected: Dialog.Order) throws {
        var dialog = try #require(Dialog(request: try Messages.invite(), localTag: "x"))
        #expect(dialog.receive(CSeq(number, .bye)) == expected)
    }

    @Test("The first request that the other side sends to a caller may have any number (§12.2.2)")
    func firstRemoteNumber() throws {
        let invite = try Messages.invite()
        var dialog = try #require(Dialog(request: invite, response: try Messages.response(200, to: invite)))
        #expect(dialog.receive(CSeq(0, .bye)) == .inOrder)
        #expect(dialog.receive(CSeq(0, .bye)) == .outOfOrder)
    }
}

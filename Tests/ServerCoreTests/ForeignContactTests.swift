import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Contacts that are no SIP URIs (RFC 3261 §10.2.1, §10.3, §16.5, §21.3)")
struct ForeignContactTests {
    static let page = "<http://biloxi.example.com/~bob>"
    static let mailbox = "<mailto:bob@biloxi.example.com>"

    @Test("They are stored and listed as all others are, and removed by the same URI")
    func stored() throws {
        let office = try RegistrarTests.Office()
        try office.bob.registers(["<sip:bob@192.0.2.201>", "\(Self.page);q=0.2", "\(Self.mailbox);q=0.1"])
        #expect(
            try office.bob.expects(200).contacts == [
                "<sip:bob@192.0.2.201>;expires=3600", "\(Self.page);q=0.2;expires=3600",
                "\(Self.mailbox);q=0.1;expires=3600",
            ])
        try office.bob.registers(["\(Self.page);expires=0"])
        #expect(try office.bob.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("A call rings at the devices only, whatever the q of the others", arguments: [false, true])
    func ringing(isStateless: Bool) throws {
        let office = try RegistrarTests.Office { $0.proxy.isStateless = isStateless }
        try office.bob.isRegistered(["\(Self.mailbox);q=1.0", "<sip:bob@192.0.2.201>;q=0.1", Self.page])
        let alice = try office.stage.alice()
        try alice.sends(.message, to: try URI(Place.bob))
        #expect(try office.bob.expects(.message).requestURI?.description == "sip:bob@192.0.2.201")
        try office.bob.sends(404)
        try alice.expects(404)
        try office.bob.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test(
        "A user who has no device is not called: the caller is told of the page and the mailbox",
        arguments: [false, true])
    func redirected(isStateless: Bool) throws {
        let office = try RegistrarTests.Office { $0.proxy.isStateless = isStateless }
        try office.bob.isRegistered(["\(Self.mailbox);q=0.1", "\(Self.page);q=0.2"])
        let alice = try office.stage.alice()
        try alice.invites()
        let answer = try alice.expects(302)
        #expect(answer.contacts.map { $0.prefix { $0 != ";" } } == [Self.mailbox[...], Self.page[...]])
        #expect(answer.contacts.allSatisfy { $0.contains(";expires=") })
        try office.bob.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("They are never pinged, since nobody answers there")
    func pings() throws {
        let office = try RegistrarTests.Office { $0.keepAlive = .init() }
        try office.bob.isRegistered([Self.mailbox, Self.page])
        try office.bob.expectsNothing(for: .seconds(120))
        try office.stage.world.end()
    }
}

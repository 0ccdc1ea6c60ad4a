import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("An invented dialog opens no way to anywhere (RFC 3261 §16.12, §26.1, RFC 5626 §5.2)")
struct SpoofedDialogTests {
    /// What a stranger may do to send a request of a dialog that there is not.
    enum Trick: CaseIterable {
        /// He invents the tag of To.
        case tag
        /// The same, with a Route through this server.
        case route
        /// The same, with a Route that leads on to the victim.
        case routeOn
        /// The same, by the name of one of our users.
        case name
        /// The same, with the mark of a dialog that he has with a user of ours.
        case mark
        /// The same, with the tags turned round.
        case turned
    }

    static func address(_ user: String, _ host: String, tag: String) -> NameAddress {
        NameAddress(SIPURI(user: user, host: Host(host)), parameters: ["tag": tag])
    }

    @Test(
        "A stranger reaches nobody by it who is no user of ours, with any method",
        arguments: Trick.allCases, [.bye, .info, .invite, .message, .options, .refer] as [Method])
    func elsewhere(trick: Trick, method: Method) throws {
        let office = try AuthorisationTests.Office()
        let stranger = try office.stage.alice()
        _ = try office.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        // He has a call with Bob, and knows what this server has written into it.
        try stranger.invites()
        let invite = try office.bob.expects(.invite)
        let marks = invite.values(named: "Record-Route")
        try office.bob.sends(200)
        try stranger.expects(200)
        try stranger.sends(.ack)
        try office.bob.expects(.ack)
        let call = try #require(invite.first(.callID))
        let tag = try #require(invite.first(.from)?.tag)
        let to = NameAddress(try URI("sip:victim@192.0.2.70"), parameters: ["tag": "invented"])
        try stranger.sends(method, to: try URI("sip:victim@192.0.2.70")) { request in
            request.set(.to, to)
            if method == .refer { request.add(named: "Refer-To", "<sip:victim@192.0.2.70>") }
            switch trick {
            case .tag: break
            case .route: request.add(named: "Route", "<sip:\(Place.proxy);lr>")
            case .routeOn: request.add(named: "Route", "<sip:\(Place.proxy);lr>, <sip:192.0.2.70;lr>")
            case .name: request.set(.from, Self.address("bob", Place.domain, tag: "1"))
            case .mark, .turned:
                let tags = trick == .mark ? (tag, "invented") : ("invented", tag)
                request.set(.callID, call)
                request.set(.from, Self.address("alice", "192.0.2.101", tag: tags.0))
                request.set(.to, Self.address("victim", "192.0.2.70", tag: tags.1))
                for mark in marks { request.add(named: "Route", mark) }
            }
        }
        office.stage.world.run(for: .seconds(2))
        let flow = office.stage.flow()
        #expect(!flow.contains { $0.hasPrefix("proxy>victim") }, "\(flow)")
    }
}

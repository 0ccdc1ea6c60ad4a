import ProxyCore
import SIPMessages
import ServerCore
import Testing

@testable import SignallingTransport

@Suite("SIP over UDP")
struct UDPTests {
    @Test("A destination that is reported unreachable fails at once (RFC 3261 §16.9, §18.4)", arguments: [1, 4])
    func reportsUnreachable(threads: Int) throws {
        let server = try TestServer([.udp], threads: threads)
        let caller = try Peer(udpTo: server.address(.udp))
        let gone = try Peer(udpTo: server.address(.udp))
        try caller.send(Text.register("bob", contact: "sip:bob@\(gone.local)", from: caller.local, over: .udp))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        try gone.closeAndWait()
        try caller.send(Text.request("INVITE", to: "bob", from: caller.local, over: .udp, call: "c1"))
        // Timer B, which would end it otherwise, takes 32 seconds.
        let heard = try caller.inbox.messages(until: "SIP/2.0 5")
        #expect(heard.map(Text.startLine).first == "SIP/2.0 100 Trying")
    }

    @Test("A listener of all addresses answers from the one that was asked", arguments: [1, 2])
    func answersFromTheSameAddress(threads: Int) throws {
        let server = try TestServer([.udp], ip: IPAddress(v4: 0), threads: threads)
        let port = server.address(.udp).port
        for ip in LocalAddresses.all where !ip.isIPv6 {
            let peer = try Peer(udpTo: SocketAddress(ip, port), localIP: ip)
            try peer.send(
                Text.request(
                    "OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .udp, call: "o"))
            #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
            #expect(peer.lastSource == SocketAddress(ip, port))
        }
    }

    @Test(
        "An address that comes up later is served as those of the start: answers leave from it, and Via names it",
        arguments: [1, 2])
    func newAddress(threads: Int) throws {
        let reports = Reports()
        let server = try TestServer([.udp, .tcp], ip: IPAddress(v4: 0), threads: threads, report: reports.take)
        let known = server.server.settings.proxy.endpoints.count
        // All of 127.0.0.0/8 is this machine's, and no interface lists this one.
        let late = SocketAddress(IPAddress(v4: 0x7F00_0909), server.address(.udp).port)
        try #require(!LocalAddresses.all.contains(late.ip))
        let callee = try Peer(udpTo: late)
        try callee.send(Text.register("bob", contact: "sip:bob@\(callee.local)", from: callee.local, over: .udp))
        #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
        #expect(callee.lastSource == late)
        #expect(server.server.endpoints.all.dropFirst(known).map(\.local) == [late])
        // And what goes to the device leaves from there, whoever has sent it, and over whatever thread.
        for number in 0..<8 {
            let caller = try Peer(udpTo: late)
            try caller.send(
                Text.request("MESSAGE", to: "bob", from: caller.local, over: .udp, call: "m\(number)"))
            let message = try callee.inbox.message()
            #expect(Text.field("Via", of: message)?.hasPrefix("SIP/2.0/UDP \(late);") == true)
            #expect(callee.lastSource == late)
            try callee.send(Text.response("200 OK", to: message))
            #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
            #expect(caller.lastSource == late)
        }
        let connected = SocketAddress(late.ip, server.address(.tcp).port)
        let stream = try Peer(connectingTo: connected)
        try stream.send(
            Text.register("carol", contact: "sip:carol@\(stream.local);transport=tcp", from: stream.local, over: .tcp))
        #expect(Text.startLine(try stream.inbox.message()) == "SIP/2.0 200 OK")
        try callee.send(Text.request("MESSAGE", to: "carol", from: callee.local, over: .udp, call: "stream"))
        let via = Text.field("Via", of: try stream.inbox.message())
        #expect(via?.hasPrefix("SIP/2.0/TCP \(connected);") == true)
        #expect(reports.all.map(\.description).contains { $0.hasPrefix("udp:\(late) is served too") })
        #expect(server.server.endpoints.all.dropFirst(known).map(\.local) == [late, connected])
    }

    @Test("Only so many addresses are added; what comes to further ones is answered all the same")
    func manyNewAddresses() throws {
        let server = try TestServer([.udp], ip: IPAddress(v4: 0))
        let known = server.server.settings.proxy.endpoints.count
        for number in 0..<EndpointTable.growth + 4 {
            let late = SocketAddress(
                IPAddress(v4: 0x7F01_0000 + UInt32(number)), server.address(.udp).port)
            let peer = try Peer(udpTo: late)
            try peer.send(
                Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .udp, call: "o\(number)"))
            #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        }
        #expect(server.server.endpoints.count == known + EndpointTable.growth)
    }

    @Test("A listener of all addresses stands as an end point of each, with that address in Via")
    func expandsAddresses() throws {
        let server = try TestServer([.udp, .tcp], ip: IPAddress(v4: 0))
        let endpoints = server.server.settings.proxy.endpoints
        let ips = LocalAddresses.all.filter { !$0.isIPv6 }
        #expect(endpoints.count == 2 * ips.count)
        for transport in [TransportProtocol.udp, .tcp] {
            let locals = endpoints.filter { $0.transport == transport }.map(\.local)
            #expect(Set(locals.map(\.ip)) == Set(ips))
            #expect(Set(locals.map(\.port)).count == 1)
        }
        let peer = try Peer(connectingTo: SocketAddress(.loopback, server.address(.tcp).port))
        let callee = try Peer(udpTo: SocketAddress(.loopback, server.address(.udp).port))
        try callee.send(Text.register("bob", contact: "sip:bob@\(callee.local)", from: callee.local, over: .udp))
        #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
        try peer.send(Text.request("MESSAGE", to: "bob", from: peer.local, over: .tcp, call: "m"))
        let via = Text.field("Via", of: try callee.inbox.message()) ?? ""
        #expect(via.hasPrefix("SIP/2.0/UDP 127.0.0.1:\(server.address(.udp).port);"))
    }

    @Test("A port that another program has is refused with a reason", arguments: [1, 2])
    func refusesUsedPorts(threads: Int) throws {
        let first = try TestServer([.udp, .tcp], threads: threads)
        defer { withExtendedLifetime(first) {} }
        #expect(throws: TransportError.self) {
            try TestServer([.udp], port: first.address(.udp).port, threads: threads)
        }
        #expect(throws: TransportError.self) {
            try TestServer([.tcp], port: first.address(.tcp).port, threads: threads)
        }
    }

    @Test("A device that says it is elsewhere than its REGISTER came from is noted as behind NAT, another is not")
    func notesTranslators() throws {
        let reports = Reports()
        let server = try TestServer([.udp], report: reports.take)
        let peer = try Peer(udpTo: server.address(.udp))
        let elsewhere = SocketAddress(IPAddress(v4: 0x0A00_0005), 5060)
        try peer.send(
            Text.register("bob", contact: "sip:bob@\(peer.local)", from: peer.local, over: .udp))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        #expect(reports.all.isEmpty)
        try peer.send(
            Text.register("carol", contact: "sip:carol@\(elsewhere)", from: peer.local, over: .udp))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        let next = Text.register("dave", contact: "sip:dave@\(elsewhere)", from: elsewhere, over: .udp)
        try peer.send(next.replacing(";branch", with: ";rport;branch"))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        #expect(reports.all.first == .behindNAT(peer.local, claimed: elsewhere))
    }

    @Test("New settings change what the server does, not where it listens")
    func appliesSettings() throws {
        let server = try TestServer([.udp], ip: IPAddress(v4: 0))
        var settings = server.server.settings
        settings.domains = [Array("other.test".utf8)]
        // As a configuration names it: one end point of all addresses, its port open.
        settings.proxy.endpoints = [Endpoint(.udp, local: SocketAddress(IPAddress(v4: 0), 0))]
        server.server.apply(settings)
        let peer = try Peer(udpTo: SocketAddress(.loopback, server.address(.udp).port))
        // An address is ours whatever the domains; its end point is none of those that the settings name.
        let register = Text.request(
            "REGISTER", to: "bob", uri: "sip:other.test", from: peer.local, over: .udp, call: "r1")
        try peer.send(register.replacing("@sip.test", with: "@other.test"))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
    }
}

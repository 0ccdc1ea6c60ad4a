import DNSTestServer
import NIOSSL
import SIPMessages
import SIPRouting
import ServerCore
import Testing

@testable import SignallingTransport

@Suite("Whom a TLS connection is with (RFC 5922, RFC 5923)")
struct TLSIdentityTests {
    private func settings(
        _ certificate: Certificate, trusting: Certificate? = nil,
        _ clients: TLSSettings.ClientCertificates = .notRequested
    ) -> StreamSettings {
        var tls = certificate.settings
        tls.trustRootsFile = (trusting ?? certificate).certificateFile
        tls.clientCertificates = clients
        var settings = StreamSettings()
        settings.tls = tls
        return settings
    }

    private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

    /// Records that lead `_sips._tcp` of each domain to this port of `host.far.test`.
    private func dns(_ domains: [String], port: UInt16) throws -> DNSTestServer {
        let dns = try #require(DNSTestServer())
        let server = SRVRecord(priority: 0, weight: 0, port: port, target: try self.name("host.far.test"))
        for domain in domains {
            dns.set(.srv, "_sips._tcp.\(domain)", .answer(.records([.srv(server)], seconds: 60)))
        }
        dns.set(.a, "host.far.test", .answer(.records(.address(.loopback), seconds: 60)))
        return dns
    }

    /// What a caller hears who sends an OPTIONS to this domain over TLS, by a server that trusts `shown`, when a server
    /// answers for it that shows `shown`.
    private func relay(to domain: String, showing shown: Certificate, _ reports: Reports = Reports()) throws -> String {
        let far = try TestServer([.tls], streams: self.settings(shown), edit: { $0.domains.append(Array(domain.utf8)) })
        let dns = try self.dns([domain], port: far.address(.tls).port)
        defer { dns.stop() }
        let near = try TestServer([.udp, .tls], streams: self.settings(shown), dns: dns.address, report: reports.take)
        let caller = try Peer(udpTo: near.address(.udp))
        try caller.send(
            Text.request(
                "OPTIONS", to: "", uri: "sip:\(domain);transport=tls", from: caller.local, over: .udp, call: "o"))
        return Text.startLine(try caller.inbox.message())
    }

    @Test("A server is spoken to when its certificate is for the domain that was asked for (RFC 5922 §7.3)")
    func provesDomain() throws {
        let certificate = try Certificate(domains: ["far.test"], addresses: [])
        #expect(try self.relay(to: "far.test", showing: certificate) == "SIP/2.0 200 OK")
    }

    @Test(
        "One whose certificate is for what the DNS made of it, or for another domain, is not, and it is reported (§7.3)",
        arguments: ["host.far.test", "other.test", "*.test", "sub.far.test"])
    func refusesOthers(domain: String) throws {
        let certificate = try Certificate(domains: [domain])
        let reports = Reports()
        #expect(try self.relay(to: "far.test", showing: certificate, reports).hasPrefix("SIP/2.0 5"))
        guard case .wrongCertificate(_, let expected, let shown)? = reports.all.first else {
            Issue.record("\(reports.all)")
            return
        }
        #expect(expected == "far.test")
        #expect(shown == [domain, "127.0.0.1"])
    }

    @Test("Two domains at one place have a connection each, the same domain one (RFC 5923 §9.3)")
    func separatesDomains() throws {
        let certificate = try Certificate(domains: ["one.test"], addresses: [])
        let other = try Certificate(domains: ["two.test"], addresses: [])
        let far = try TestServer(
            [.tls], streams: self.settings(certificate), edit: { $0.domains.append(Array("one.test".utf8)) })
        let dns = try self.dns(["one.test", "two.test"], port: far.address(.tls).port)
        defer { dns.stop() }
        let near = try TestServer(
            [.udp, .tls], streams: self.settings(other, trusting: certificate), dns: dns.address)
        let caller = try Peer(udpTo: near.address(.udp))
        func options(_ domain: String, _ call: String) throws -> String {
            try caller.send(
                Text.request(
                    "OPTIONS", to: "", uri: "sip:\(domain);transport=tls", from: caller.local, over: .udp, call: call))
            return Text.startLine(try caller.inbox.message())
        }
        #expect(try options("one.test", "o1") == "SIP/2.0 200 OK")
        #expect(try options("one.test", "o2") == "SIP/2.0 200 OK")
        #expect(near.server.streams.table.connectionCount == 1)
        // The connection that is there does not prove this one, nor does a new one.
        #expect(try options("two.test", "o3").hasPrefix("SIP/2.0 5"))
        #expect(try options("one.test", "o4") == "SIP/2.0 200 OK")
    }

    @Test("A gateway is known by its certificate wherever it calls from, and a client without one is not (§7.4)")
    func knowsGateways() throws {
        let own = try Certificate()
        let gateway = try Certificate(domains: ["gateway.test"], addresses: [])
        let server = try TestServer(
            [.udp, .tls], streams: self.settings(own, trusting: gateway, .verifiedIfShown),
            edit: {
                $0.requiresAuthentication = true
                $0.inbound = .trusted
                $0.trustedDomains = ["gateway.test"]
            })
        func call(_ context: NIOSSLContext) throws -> String {
            let peer = try Peer(connectingTo: server.address(.tls), tls: context)
            try peer.send(
                Text.request(
                    "MESSAGE", to: "bob", from: peer.local, over: .tls, call: "m",
                    fields: ["P-Asserted-Identity: <sip:+123@gateway.test>"]
                ).replacing("From: <sip:alice@sip.test>", with: "From: <sip:+123@gateway.test>"))
            return Text.startLine(try peer.inbox.message())
        }
        // Bob is not there; but whether he is, is told to the gateway alone.
        #expect(try call(own.clientContext(showing: gateway)).hasPrefix("SIP/2.0 480 "))
        #expect(try call(own.clientContext()).hasPrefix("SIP/2.0 403 "))
    }

    @Test(
        "A connection is used for requests to where its client listens when it asks with alias and has proved the domain",
        arguments: [true, false])
    func aliases(showsCertificate: Bool) throws {
        let own = try Certificate()
        let gateway = try Certificate(domains: ["gateway.test"], addresses: [])
        // Nobody listens at the port that the gateway names: only its connection can bring anything to it.
        let dns = try self.dns(["gateway.test"], port: 9)
        defer { dns.stop() }
        let server = try TestServer(
            [.udp, .tls], streams: self.settings(own, trusting: gateway, .verifiedIfShown), dns: dns.address)
        let peer = try Peer(
            connectingTo: server.address(.tls),
            tls: showsCertificate ? try own.clientContext(showing: gateway) : try own.clientContext())
        try peer.send(
            Text.request(
                "OPTIONS", to: "", uri: "sip:sip.test", from: SocketAddress(.loopback, 9), over: .tls, call: "o",
                branch: "z9hG4bKo;alias"))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(
            Text.request(
                "MESSAGE", to: "bob", uri: "sip:bob@gateway.test;transport=tls", from: caller.local, over: .udp,
                call: "m"))
        guard showsCertificate else {
            #expect(Text.startLine(try caller.inbox.message()).hasPrefix("SIP/2.0 5"))
            return
        }
        let request = try peer.inbox.message()
        #expect(Text.startLine(request).hasPrefix("MESSAGE "))
        try peer.send(Text.response("200 OK", to: request))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
    }
}

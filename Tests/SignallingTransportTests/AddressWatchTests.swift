import Glibc
import NIOConcurrencyHelpers
import ProxyCore
import SIPMessages
import ServerCore
import Synchronization
import Testing

@testable import SignallingTransport

@Suite("Addresses of the machine that go and come back (RFC 5626 §5.3)")
struct AddressWatchTests {
    private let first = IPAddress(v4: 0xC000_0205)
    private let second = IPAddress(v4: 0xC000_0206)

    private func endpoints(_ addresses: IPAddress...) -> [Endpoint] {
        addresses.map { Endpoint(.udp, local: SocketAddress($0, 5060)) }
    }

    @Test(
        "What was there and is not is lost; what was never there is not, nor is anything where the system does not tell"
    )
    func looks() {
        let watch = AddressWatch([self.first])
        #expect(watch.look(at: [self.first]) == nil)
        #expect(watch.look(at: nil) == nil)
        #expect(watch.look(at: [self.first, self.second]) == .init(lost: [], present: [self.first, self.second]))
        #expect(watch.look(at: [self.first]) == .init(lost: [self.second], present: [self.first]))
        #expect(watch.look(at: []) == .init(lost: [self.first], present: []))
        #expect(watch.look(at: [self.first, self.second]) == .init(lost: [], present: [self.first, self.second]))
        let late = AddressWatch(nil)
        #expect(late.look(at: [self.first]) == .init(lost: [], present: [self.first]))
    }

    @Test("An end point is down from when its address is lost until that is back, and no other is")
    func changes() {
        let third = IPAddress(v4: 0xC000_0207)
        let table = EndpointTable(self.endpoints(self.first, self.second, self.first, IPAddress(v4: 0)), wildcards: [:])
        func down() -> [Bool] { (0..<5).map { table.isDown($0) } }
        // Not one of its addresses was ever seen: all of 127.0.0.0/8 can be listened at, for one.
        #expect(table.note(.init(lost: [], present: [third])) == ([], []))
        #expect(table.note(.init(lost: [third], present: [])) == ([], []))
        #expect(down() == [false, false, false, false, false])
        #expect(table.note(.init(lost: [self.first], present: [self.second])) == ([self.first], []))
        #expect(down() == [true, false, true, false, false])
        #expect(table.all.map(\.isDown) == [true, false, true, false])
        #expect(table.note(.init(lost: [self.second], present: [third])) == ([self.second], []))
        #expect(down() == [true, true, true, false, false])
        #expect(
            table.note(.init(lost: [third], present: [self.first, self.second])) == ([], [self.first, self.second]))
        #expect(down() == [false, false, false, false, false])
    }

    @Test("Who hears something at an address has it again, with all of its end points")
    func raises() {
        let table = EndpointTable(self.endpoints(self.first, self.second, self.first), wildcards: [:])
        _ = table.note(.init(lost: [self.first, self.second], present: []))
        #expect(table.raise(2) == self.first)
        #expect((0..<3).map { table.isDown($0) } == [false, true, false])
        #expect(table.all.map(\.isDown) == [false, true, false])
        #expect(table.raise(0) == nil && table.raise(3) == nil)
        // Also where the system does not list it.
        #expect(table.note(.init(lost: [], present: [])) == ([], []))
        #expect(!table.isDown(0))
    }

    @Test("The addresses of this machine are told whole")
    func complete() throws {
        #expect(Set(try #require(LocalAddresses.complete)) == Set(LocalAddresses.all))
    }

    @Test("What may leave from several addresses leaves from one that is there, if any is")
    func choice() {
        var proxy = ProxyConfiguration(
            endpoints: self.endpoints(self.first, self.second))
        func chosen(_ preferred: UInt16) -> UInt16? {
            proxy.endpoint(for: .udp, to: IPAddress(v4: 0xC633_6401), preferred: preferred)
        }
        #expect([chosen(0), chosen(1), chosen(9)] == [0, 1, 0])
        proxy.endpoints[0].isDown = true
        #expect([chosen(0), chosen(1), chosen(9)] == [1, 1, 1])
        proxy.endpoints[1].isDown = true
        #expect([chosen(0), chosen(1), chosen(9)] == [0, 1, 0])
    }

    @Test("The server learns it as soon as the log says so")
    func server() throws {
        let present = NIOLockedValueBox([IPAddress.loopback])
        var settings = StreamSettings()
        settings.localAddresses = { present.withLockedValue { $0 } }
        settings.message = .milliseconds(400)
        let reports = Reports()
        let server = try TestServer([.udp], streams: settings, report: reports.take)
        func wait(isDown: Bool) throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while server.server.present.withLock({ $0.proxy.endpoints[0].isDown }) != isDown {
                guard ContinuousClock.now < deadline else { throw TimedOut() }
                sched_yield()
            }
        }
        present.withLockedValue { $0 = [] }
        try wait(isDown: true)
        present.withLockedValue { $0 = [.loopback] }
        try wait(isDown: false)
        try reports.wait(for: .addressBack(.loopback))
        #expect(reports.all == [.addressGone(.loopback), .addressBack(.loopback)])
    }

    @Test(
        "A device that is reached from an address which has gone is told to be away at once, and reached when it is back",
        arguments: [TransportProtocol.udp, .tcp])
    func device(transport: TransportProtocol) throws {
        let present = NIOLockedValueBox([IPAddress.loopback])
        var settings = StreamSettings()
        settings.localAddresses = { present.withLockedValue { $0 } }
        settings.message = .milliseconds(400)
        let reports = Reports()
        let server = try TestServer(
            [.udp, .tcp], ip: IPAddress(v4: 0), streams: settings, report: reports.take)
        let port = server.address(transport).port
        let place = SocketAddress(.loopback, port)
        let bob = try transport == .udp ? Peer(udpTo: place) : Peer(connectingTo: place)
        try bob.send(
            Text.register(
                "bob", contact: "sip:bob@\(bob.local);transport=\(transport)", from: bob.local, over: transport))
        #expect(Text.startLine(try bob.inbox.message()) == "SIP/2.0 200 OK")
        // All of 127.0.0.0/8 is this machine's: she is reached from another address.
        let alice = try Peer(udpTo: SocketAddress(IPAddress(v4: 0x7F00_0909), server.address(.udp).port))
        func message(_ call: String) throws {
            try alice.send(Text.request("MESSAGE", to: "bob", from: alice.local, over: .udp, call: call))
        }

        present.withLockedValue { $0 = [] }
        try reports.wait(for: .addressGone(.loopback))
        try message("gone")
        #expect(Text.startLine(try alice.inbox.message()) == "SIP/2.0 480 Flow Failed")
        present.withLockedValue { $0 = [.loopback] }
        try reports.wait(for: .addressBack(.loopback))
        try message("back")
        let received = try bob.inbox.message()
        #expect(Text.field("Call-ID", of: received) == "back")
        try bob.send(Text.response("200 OK", to: received))
        #expect(Text.startLine(try alice.inbox.message()) == "SIP/2.0 200 OK")
    }
}

extension AddressWatchTests {
    @Test("What comes over a connection before the address is looked for again is answered")
    func heard() throws {
        let present = NIOLockedValueBox([IPAddress.loopback])
        var settings = StreamSettings()
        settings.localAddresses = { present.withLockedValue { $0 } }
        settings.message = .milliseconds(400)
        let reports = Reports()
        let server = try TestServer([.tcp], streams: settings, report: reports.take)
        let peer = try Peer(connectingTo: server.address(.tcp))
        present.withLockedValue { $0 = [] }
        try reports.wait(for: .addressGone(.loopback))
        try peer.send(
            Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .tcp, call: "o"))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        #expect(reports.all == [.addressGone(.loopback), .addressBack(.loopback)])
    }

    @Test("A connection of our own that an address has gone from under is closed, and opened again")
    func ownConnection() throws {
        let present = NIOLockedValueBox([IPAddress.loopback])
        var settings = StreamSettings()
        settings.localAddresses = { present.withLockedValue { $0 } }
        settings.message = .milliseconds(400)
        let reports = Reports()
        let server = try TestServer([.udp, .tcp], streams: settings, report: reports.take)
        let callee = try ListeningPeer()
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(
            Text.register("bob", contact: "sip:bob@\(callee.local);transport=tcp", from: caller.local, over: .udp))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        for call in ["before", "after"] {
            try caller.send(Text.request("MESSAGE", to: "bob", from: caller.local, over: .udp, call: call))
            let message = try callee.inbox.message()
            #expect(Text.field("Call-ID", of: message) == call)
            try callee.send(Text.response("200 OK", to: message))
            #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
            guard call == "before" else { break }
            present.withLockedValue { $0 = [] }
            #expect(try callee.inbox.next() == .closed)
            present.withLockedValue { $0 = [.loopback] }
            try reports.wait(for: .addressBack(.loopback))
        }
        #expect(callee.connectionCount == 2)
    }
}

extension Reports {
    /// Waits until something was reported; ten seconds at most.
    func wait(for event: TransportEvent) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while !self.all.contains(event) {
            guard ContinuousClock.now < deadline else { throw TimedOut() }
            sched_yield()
        }
    }
}

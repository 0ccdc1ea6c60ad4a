import Glibc
import LoadCore
import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("A load generator over connections", .timeLimit(.minutes(1)))
struct LoadHostTests {
    @Test("What begins takes turns over as many connections as are wanted")
    func connections() throws {
        let server = try TestServer([.tcp])
        var plan = LoadPlan(
            .options, target: NumberedText("sip:sip.test"), account: NumberedText("sip:load@127.0.0.1"),
            // One at a time, so that no two begin in one turn.
            schedule: ArrivalSchedule(rate: nil, duration: .seconds(40)), concurrency: 1)
        plan.count = 30
        var settings = LoadHost.Settings(server: server.address(.tcp), local: SocketAddress(.loopback, 0))
        (settings.transport, settings.connections) = (.tcp, 3)
        let host = try LoadHost(plan, settings)
        try host.start()
        let deadline = ContinuousClock.now + .seconds(40)
        while !host.isDone, ContinuousClock.now < deadline { sched_yield() }
        try server.waitForConnections(3)
        host.stop()
        let seconds = host.takeSeconds()
        #expect(seconds.reduce(0) { $0 + $1.succeeded } == 30)
        #expect(seconds.allSatisfy { $0.failed == 0 })
        try server.waitForConnections(0)
    }
}

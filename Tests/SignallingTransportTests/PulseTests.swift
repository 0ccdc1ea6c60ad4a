import Glibc
import NIOConcurrencyHelpers
import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("Whether a server does its work")
struct PulseTests {
    @Test("Every thread, event loop and shard answers; none while one shard cannot be entered", arguments: [1, 2])
    func hangs(threads: Int) throws {
        let server = try TestServer([.udp, .tcp], threads: threads)
        let pulses = NIOLockedValueBox(0)
        func wait(until isTrue: () -> Bool) throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while !isTrue() {
                guard ContinuousClock.now < deadline else { throw TimedOut() }
                sched_yield()
            }
        }
        server.server.pulse { pulses.withLockedValue { $0 += 1 } }
        try wait(until: { pulses.withLockedValue { $0 } == 1 })

        let hung = server.server.calls[5].lock
        hung.acquire()
        server.server.pulse { pulses.withLockedValue { $0 += 1 } }
        // A thread is there now, with its round of the shards or for the pulse, and goes no further.
        try wait(until: { server.server.waiting.isAny })
        #expect(pulses.withLockedValue { $0 } == 1)
        hung.release()
        try wait(until: { pulses.withLockedValue { $0 } == 2 })
    }
}

import CallRecords
import SIPMessages
import Testing

@testable import Persistence

@Suite("Records of calls that wait to be written")
struct CallQueueTests {
    private static func call(_ number: Int64) -> CallRecord {
        var call = CallRecord(
            started: number, ended: number + 1, ending: .callerHungUp, status: 200, caller: [0x61], callee: [0x62],
            callID: Array("call \(number)".utf8), fromTag: [0x61],
            source: SocketAddress(IPAddress(v4: 0xC000_0201), 5060), transport: .udp)
        call.answered = number
        return call
    }

    @Test(
        "At the limit one more of each kind finds no room, also when what was taken comes back unwritten, again and again"
    )
    func isBounded() {
        var queue = CallQueue(limit: 4)
        var number: Int64 = 0
        func next(_ count: Int64) -> [CallRecord] {
            number += count
            return (number - count..<number).map(Self.call)
        }
        queue.begin(next(4))
        queue.end(next(4))
        #expect(queue.lost == 0)
        queue.begin(next(1))
        queue.end(next(1))
        #expect(queue.lost == 1)
        for _ in 0..<5 {
            let batch = queue.take()
            #expect(batch.answered.count == 4 && batch.closed.count == 4 && batch.ended.count == 4)
            // While the disk fails others begin and end.
            queue.begin(next(3))
            queue.end(next(3))
            queue.hold(batch)
        }
        // What is new comes first, then what has been held longest.
        let last = queue.take()
        #expect(last.ended.count == 4 && last.ended.first?.started == 4)
        queue.retry()
        #expect(!queue.hasNew)
    }

    @Test("A call whose answer was not written when it ended needs no mark of its end")
    func needsNoMark() {
        var queue = CallQueue(limit: 4)
        queue.begin([Self.call(1)])
        queue.end([Self.call(1)])
        let batch = queue.take()
        #expect(batch.answered.isEmpty && batch.closed.isEmpty && batch.ended.map(\.started) == [1])
    }
}

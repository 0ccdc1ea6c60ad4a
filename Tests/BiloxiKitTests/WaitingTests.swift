import Testing

@testable import BiloxiKit

@Suite("Waiting", .timeLimit(.minutes(5)))
struct WaitingTests {
    @Test("A promise is kept once, and everybody who waits hears of it")
    func promise() async {
        let promise = Promise<Int>()
        async let first = promise.value()
        async let second = promise.value()
        #expect(promise.keep(1))
        #expect(!promise.keep(2))
        #expect(await [first, second, promise.value()] == [1, 1, 1])
    }

    @Test("A task that is cancelled waits no longer, before it begins to or after")
    func cancellation() async {
        let promise = Promise<Int>()
        let waiting = Task { await promise.value() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        let channel = Channel<Int>(limit: 4)
        let listening = Task { await channel.next() }
        listening.cancel()
        #expect(await listening.value == nil)
        channel.send(7)
        #expect(await channel.next() == 7)
    }

    @Test("Of too many elements the oldest is dropped; after the end what waits is still heard")
    func channel() async {
        let channel = Channel<Int>(limit: 2)
        #expect(channel.send(1))
        #expect(channel.send(2))
        #expect(!channel.send(3))
        channel.close()
        #expect(!channel.send(4))
        var heard: [Int] = []
        for await element in channel.sequence { heard.append(element) }
        #expect(heard == [2, 3])
    }

    @Test("What takes too long is given up")
    func limit() async {
        let promise = Promise<Int>()
        #expect(await within(.milliseconds(1), { await promise.value() }) == nil)
        promise.keep(1)
        #expect(await within(.seconds(60), { await promise.value() }) == 1)
    }
}

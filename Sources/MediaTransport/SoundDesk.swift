import MediaEngine
import Synchronization

/// What sounds in a call, and who listens to it. It stays the same while streams come and go.
final class SoundDesk: Sendable {
    private struct State: Sendable {
        var sources: [UInt64: SoundSource] = [:]
        var waiting: Set<UInt64> = []
        var listeners: [UInt64: @Sendable ([Int16], Int) -> Void] = [:]
        /// Who listens to what is sent.
        var ownListeners: [UInt64: @Sendable ([Int16], Int) -> Void] = [:]
        var lastNumber: UInt64 = 0
        /// The one sound that is to be heard; the others wait.
        var alone: UInt64?
    }

    private let state = Mutex(State())

    /// Lets something sound; returns its number.
    func add(_ source: SoundSource) -> UInt64 {
        self.state.withLock { state in
            state.lastNumber += 1
            state.sources[state.lastNumber] = source
            return state.lastNumber
        }
    }

    /// Lets one sound be heard alone, while the others wait; `nil` lets them go on.
    func playAlone(_ number: UInt64?) { self.state.withLock { $0.alone = number } }

    /// Ends a sound.
    func remove(_ number: UInt64) { self.state.withLock { _ = $0.sources.removeValue(forKey: number) } }

    /// Writes to a stream of sound; `false` when it has enough and will tell when it has room.
    func write(_ samples: [Int16], to number: UInt64) -> Bool {
        self.state.withLock { state in
            state.sources[number]?.write(samples)
            guard let source = state.sources[number], source.queued > AudioSession.roomSamples else { return true }
            state.waiting.insert(number)
            return false
        }
    }

    /// Ends a stream of sound with what it has.
    func close(_ number: UInt64) { self.state.withLock { $0.sources[number]?.close() } }

    /// Lets somebody listen to what is heard, or to what is sent; returns a number for `removeListener`. The listener runs
    /// on the media thread, and must not block.
    func addListener(toOwn isOwn: Bool, _ listener: @escaping @Sendable ([Int16], Int) -> Void) -> UInt64 {
        self.state.withLock { state in
            state.lastNumber += 1
            if isOwn {
                state.ownListeners[state.lastNumber] = listener
            } else {
                state.listeners[state.lastNumber] = listener
            }
            return state.lastNumber
        }
    }

    func removeListener(_ number: UInt64) {
        self.state.withLock { state in
            state.listeners[number] = nil
            state.ownListeners[number] = nil
        }
    }

    // MARK: On the thread

    func hear(_ samples: [Int16], rate: Int) {
        let listeners = self.state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener(samples, rate) }
    }

    /// Shows what is sent to those who want to hear it.
    func send(_ samples: [Int16], rate: Int) {
        let listeners = self.state.withLock { Array($0.ownListeners.values) }
        for listener in listeners { listener(samples, rate) }
    }

    func mix(into mix: inout [Int32], rate: Int, _ events: inout [AudioEvent]) {
        self.state.withLock { state in
            for number in state.sources.keys.sorted() where state.alone == nil || state.alone == number {
                if state.sources[number]?.add(to: &mix, rate: rate) != true {
                    state.sources[number] = nil
                    events.append(.played(number))
                }
                if state.waiting.contains(number), state.sources[number]?.queued ?? 0 <= AudioSession.roomSamples / 2 {
                    state.waiting.remove(number)
                    events.append(.hasRoom(number))
                }
            }
        }
    }
}

import MediaEngine
import MediaTransport

/// Playing, sending keys, collecting keys.
extension Call {
    /// Plays a sound, together with what is played already.
    ///
    /// Returns when its last sample was sent. When the task is cancelled the sound ends at once.
    ///
    /// - Parameters:
    ///   - sound: What to play.
    ///   - loops: Whether it begins again after its end, until the task is cancelled or the call is over.
    /// - Throws: `SIPError`: `media` when there is no such file, `ended` when the call is over; `CancellationError`.
    public func play(_ sound: Sound, loops: Bool = false) async throws {
        if let error = self.core.end.current { throw error }
        let number = self.audio.play(try sound.source(loops: loops))
        switch await self.core.endOfSound(number).value() {
        case .success?: return
        case .failure(let error)?: throw error
        case nil:
            self.audio.endSound(number)
            throw CancellationError()
        }
    }

    /// Sends keys one after the other, as events where the other side takes them (RFC 4733), else as tones. Returns when
    /// the last one was sent.
    ///
    /// - Parameters:
    ///   - digits: 0-9, *, #, A-D; spaces and dashes are left out.
    ///   - duration: How long each is pressed; at least 40 ms.
    ///   - pause: How long nothing follows; at least 40 ms.
    /// - Throws: `SIPError`: `invalid` when one is no key, `ended` when the call is over.
    public func send(
        digits: String, duration: Duration = .milliseconds(100), pause: Duration = .milliseconds(60)
    ) async throws {
        if let error = self.core.end.current { throw error }
        let keys = digits.filter { !$0.isWhitespace && $0 != "-" }.map { Character($0.uppercased()) }
        guard keys.allSatisfy({ "0123456789*#ABCD".contains($0) }) else {
            throw SIPError(.invalid, "\"\(digits)\" holds what no key sends: use 0-9, *, #, A-D")
        }
        guard !keys.isEmpty else { return }
        let sent = self.core.keysSent()
        let tones = self.audio.send(
            keys: keys, milliseconds: UInt32(clamping: duration.nanoseconds / 1_000_000),
            pause: UInt32(clamping: pause.nanoseconds / 1_000_000))
        if let tones {
            sent.keep(())
            if case .failure(let error)? = await self.core.endOfSound(tones).value() { throw error }
        } else if await sent.value() == nil {
            throw CancellationError()
        }
        if let error = self.core.end.current { throw error }
    }

    /// Collects keys from the other side.
    ///
    /// - Parameters:
    ///   - count: How many at most.
    ///   - timeout: How long to wait for the first, and then for each further one, counted from the end of the prompt or
    ///     the key before.
    ///   - prompt: Played first; the first key ends it.
    ///   - terminator: A key that ends the input and is not part of it; `nil` for none.
    /// - Returns: The keys; fewer, or none, when no more were pressed in time.
    /// - Throws: `SIPError` when the call is over; `CancellationError`.
    public func collect(
        _ count: Int, timeout: Duration = .seconds(5), playing prompt: Sound? = nil, terminator: Character? = "#"
    ) async throws -> String {
        var keys = ""
        if let prompt {
            guard let first = try await self.digit(during: prompt, thenFor: timeout) else { return "" }
            if first == terminator { return "" }
            keys.append(first)
        }
        while keys.count < count {
            let digits = self.core.digits
            let key = await within(timeout) { await digits.next()?.key }
            try Task.checkCancellation()
            guard let key, key != terminator else { break }
            keys.append(key)
        }
        if keys.isEmpty, let error = self.core.end.current { throw error }
        return keys
    }

    /// The first key that is pressed while a prompt plays or within some time after it.
    private func digit(during prompt: Sound, thenFor timeout: Duration) async throws -> Character? {
        let digits = self.core.digits
        return try await withThrowingTaskGroup(of: Character?.self) { group in
            group.addTask { await digits.next()?.key }
            group.addTask {
                try await self.play(prompt)
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}

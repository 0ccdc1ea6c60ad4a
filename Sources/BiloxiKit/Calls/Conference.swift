/// Calls whose other sides hear each other, and all that is played to them: mixed here, so that they need not know of it.
///
///     let bob = try await ua.call("sip:bob@example.test")
///     let carol = try await ua.call("sip:carol@example.test")
///     await conference(bob, carol)
///
/// Returns when only one of the calls is left, or the task is cancelled; nobody is hung up.
public func conference(_ calls: Call...) async { await conference(calls) }

/// The same with calls in a list.
public func conference(_ calls: [Call]) async {
    let rate = 16_000
    await withTaskGroup(of: Void.self) { group in
        for (i, speaker) in calls.enumerated() {
            // Each hears each other one by a stream of its own; what sounds in a call is mixed with all else that does.
            let outputs = calls.enumerated().filter { $0.offset != i }.map { $0.element.audioOutput(sampleRate: rate) }
            group.addTask {
                for await frame in speaker.audio(sampleRate: rate) {
                    // Who is gone hears nothing; the others go on.
                    for output in outputs { try? await output.write(frame.samples) }
                }
                for output in outputs { output.stop() }
            }
        }
        for _ in 0..<Swift.max(0, calls.count - 1) { await group.next() }
        group.cancelAll()
    }
}

import CallRecords
import SIPMessages
import SIPTransactions

/// What the recorder of calls is shown.
extension CallShard {
    /// Shows the recorder what leaves since `first`.
    mutating func recordCalls(from first: Int, _ workspace: inout Workspace) {
        guard self.recorder.isWatching else { return }
        defer { self.recorder.isPassing = false }
        // Taken out, since the octets are borrowed from the workspace meanwhile.
        var ended: [CallRecord] = []
        swap(&ended, &workspace.endedCalls)
        defer { swap(&ended, &workspace.endedCalls) }
        Self.show(&self.recorder, workspace.outbox, from: first, at: workspace.now, into: &ended)
        self.recorder.takeAnswered(into: &workspace.answeredCalls)
    }

    private static func show(
        _ recorder: inout CallRecorder, _ outbox: borrowing Outbox, from first: Int, at now: MonotonicInstant,
        into ended: inout [CallRecord]
    ) {
        let octets = outbox.octets.span
        for i in first..<outbox.messages.count {
            recorder.sent(octets.extracting(outbox.messages[i].range.range), at: now, into: &ended)
        }
    }

    /// Ends the record of every call that is open, since the server stops.
    public mutating func endCalls(_ workspace: inout Workspace) {
        self.recorder.endAll(at: workspace.now, into: &workspace.endedCalls)
    }
}

import SIPMessages
import ServerCore

/// What an event loop works with.
final class LoopWorker: @unchecked Sendable {
    // Invariant: `worker` is touched on the event loop only.
    var worker: Worker
    /// What the loop has received and sent.
    let counters: TrafficCounters

    init(_ worker: Worker) { (self.worker, self.counters) = (worker, worker.counters) }
}

/// Messages of connections, on their event loops.
extension SignallingServer {
    func receive(_ octets: Span<UInt8>, over connection: StreamConnection) {
        let loop = self.loopWorkers[connection.loop.number]
        loop.worker.setTime()
        self.receive(octets, over: connection.flow, from: connection.identities, &loop.worker)
        if loop.worker.workspace.index.isRequest, loop.worker.workspace.index.method == .register {
            connection.hasRegistered = true
        }
        if let alias = loop.worker.workspace.alias, let identities = connection.identities {
            self.streams.table.addAlias(connection, at: alias, proving: identities)
        }
        self.finish(&loop.worker)
        let source = connection.flow.remote.ip
        // What the message itself has led to the loop does not know yet.
        let isBanned =
            loop.worker.workspace.offence != nil
            ? self.sourceGuard.isBanned(source) : loop.worker.workspace.admission.isBanned(source)
        if isBanned { connection.closeAfterFlush() }
    }

    func refuse(_ header: Span<UInt8>, _ error: SIPParseError, over connection: StreamConnection) {
        let loop = self.loopWorkers[connection.loop.number]
        loop.worker.setTime()
        loop.worker.reception.refuse(header: header, error, over: connection.flow, into: &loop.worker.workspace)
        self.finish(&loop.worker)
    }

    func endpoint(of ip: IPAddress, at listener: UInt16, _ loop: StreamLoop) -> UInt16 {
        let worker = self.loopWorkers[loop.number]
        worker.worker.setTime()
        defer { self.finish(&worker.worker) }
        return self.endpoint(of: ip, at: listener, &worker.worker).endpoint
    }

    func admits(_ source: IPAddress) -> Bool { !self.sourceGuard.isBanned(source) }

    func swept(_ loop: StreamLoop) {
        let worker = self.loopWorkers[loop.number]
        // What a connection does not take waits at its other end.
        worker.worker.workspace.admission.endWindow(at: worker.worker.workspace.now, wait: .zero)
        worker.counters.note(worker.worker.workspace.admission)
    }

    func ended(_ connection: StreamConnection, unsent: [Unreached]) {
        guard !unsent.isEmpty else { return }
        let loop = self.loopWorkers[connection.loop.number]
        loop.worker.setTime()
        loop.worker.unreached += unsent
        self.finish(&loop.worker)
    }
}

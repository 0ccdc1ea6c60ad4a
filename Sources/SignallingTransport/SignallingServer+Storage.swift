import CallRecords
public import LocationService
import NIOCore
import ProxyCore
import SIPMessages
import SIPTransactions
public import ServerCore
import Synchronization

/// What the store and the operator tell a running server.
extension SignallingServer {
    /// Takes a binding that an earlier run has stored. Call it before `start`.
    public func restore(_ record: BindingRecord) {
        let hash = SipHash13.hash(record.aor.span, 0..<record.aor.count, key: self.settings.hashKey)
        self.locations[self.settings.shard(of: hash)].run { $0.restore(record, hash: hash) }
    }

    /// Tells that the changes with these tokens are stored, or never will be. Any thread may call it.
    public func complete(_ tokens: [UInt64], isStored: Bool) {
        self.udpThreads.first?.leave(.stored(tokens, isStored))
    }

    /// Lets the server go on with new settings; requests in progress keep what they have. Any thread may call it.
    ///
    /// The end points stay those that were opened, since flows count them, and so does the number of this run.
    public func apply(_ settings: ServerSettings) {
        self.present.withLock { present in
            let isStopping = present.isStopping
            present = settings
            present.isStopping = isStopping
            present.proxy.endpoints = self.endpoints.all
            present.proxy.generation = self.settings.proxy.generation
            present.shardCount = self.settings.shardCount
            self.distribute(present)
        }
    }

    /// Begins nothing new from now on; what is in progress goes on. Any thread may call it.
    public func beginStopping() {
        self.present.withLock { $0.isStopping = true }
        for shard in self.calls { shard.run { $0.beginStopping() } }
        for shard in self.locations { shard.run { $0.settings.isStopping = true } }
    }

    /// Hands changes to the store; what it cannot take is refused at once.
    func storeChanges(_ worker: inout Worker) {
        var changes: [(token: UInt64, change: BindingChange)] = []
        swap(&changes, &worker.workspace.changes)
        var refused: [UInt64] = []
        var first = 0
        while first < changes.count {
            let token = changes[first].token
            var last = first
            while last < changes.count, changes[last].token == token { last += 1 }
            if !self.store(changes[first..<last].map(\.change), token) { refused.append(token) }
            first = last
        }
        self.complete(refused, isStored: false, &worker)
    }

    /// Completes REGISTERs and receives those that have waited for them.
    func complete(_ tokens: [UInt64], isStored: Bool, _ worker: inout Worker) {
        var deferred: [DeferredRequest] = []
        for token in tokens {
            // A token carries the number of its shard in its upper 8 bits.
            let shard = Int(token >> 56)
            guard shard < self.locations.count else { continue }
            self.enter(self.locations[shard], &worker) { deferred += $0.complete(token, isStored: isStored, &$1) }
        }
        if !worker.workspace.changes.isEmpty { self.storeChanges(&worker) }
        for request in deferred { self.receive(request.octets.span, over: request.flow, &worker) }
    }

    /// Hands the records of ended calls to the store.
    func recordCalls(_ worker: inout Worker) {
        self.record(worker.workspace.endedCalls)
        worker.workspace.endedCalls.removeAll(keepingCapacity: true)
    }

    /// Ends the records of all calls, when no thread runs any more.
    func endCalls() {
        var workspace = Workspace()
        workspace.now = SystemClock.now()
        for shard in self.calls { shard.run { $0.endCalls(&workspace) } }
        if !workspace.endedCalls.isEmpty { self.record(workspace.endedCalls) }
    }
}

import LocationService
import NIOCore
import ProxyCore
import SIPMessages
import ServerCore
import Synchronization

/// Addresses of the machine that come up, go and come back while the server runs.
extension SignallingServer {
    /// The end point of a local address at which a listener on all of them was reached. One that has come up since the start
    /// becomes one in all shards, before the message is read.
    ///
    /// - Parameters:
    ///   - ip: An address of this machine.
    ///   - listener: The number of the listener's first end point.
    func endpoint(of ip: IPAddress, at listener: UInt16, _ worker: inout Worker) -> LocalAddress {
        guard let (address, isNew) = self.endpoints.find(ip, at: listener) else {
            return LocalAddress(ip: ip, endpoint: listener)
        }
        guard isNew || Int(address.endpoint) >= worker.reception.settings.proxy.endpoints.count else { return address }
        // At once, whoever comes first to change the settings.
        if isNew { for thread in self.udpThreads { thread.socket(listener)?.sender.mayLeave(from: address) } }
        // Who keeps shards must not wait for others.
        self.send(&worker)
        worker.reception.settings = self.present.withLock { present in
            if Int(address.endpoint) >= present.proxy.endpoints.count {
                present.proxy.endpoints = self.endpoints.all
                self.distribute(present)
            }
            return present
        }
        if isNew {
            let endpoint = worker.reception.settings.proxy.endpoints[Int(address.endpoint)]
            self.streams.reporter.report(.newAddress(endpoint.transport, endpoint.local))
        }
        return address
    }

    /// Something has come to an end point: its address is the machine's, also before it is looked for again, and the answer
    /// must not stay here.
    func heard(at endpoint: UInt16) {
        guard self.endpoints.isDown(endpoint), let ip = self.endpoints.raise(endpoint) else { return }
        self.addressesChanged()
        self.streams.reporter.report(.addressBack(ip))
    }

    /// Lets what may leave from several addresses leave from one that is there.
    func addressesChanged() {
        self.present.withLock { present in
            present.proxy.endpoints = self.endpoints.all
            self.distribute(present)
        }
    }

    /// Lets all shards and threads go on with these settings.
    func distribute(_ settings: ServerSettings) {
        for shard in self.calls { shard.run { $0.apply(settings) } }
        for shard in self.locations {
            var changes: [(token: UInt64, change: BindingChange)] = []
            shard.run { changes = $0.apply(settings) }
            // What the store cannot take now it finds gone: who removes a user removes the bindings in the database too.
            if let token = changes.first?.token { _ = self.store(changes.map(\.change), token) }
        }
        self.sourceGuard.apply(settings.offences)
        for thread in self.udpThreads { thread.leave(.settings(settings)) }
        for loop in self.streams.loops {
            let worker = self.loopWorkers[loop.number]
            loop.eventLoop.execute { [settings] in worker.worker.reception.settings = settings }
        }
    }
}

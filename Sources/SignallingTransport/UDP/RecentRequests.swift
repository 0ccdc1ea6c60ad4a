import SIPMessages
import SIPTransactions

/// The requests that a socket has sent last, to find those that an ICMP error is about: it names only an address.
///
/// An error comes within a round trip. What has been pushed out by then is told by the timers of its transaction.
struct RecentRequests {
    static let capacity = 1024

    private var requests: [Unreached] = []
    private var next = 0

    /// Notes a request that is being sent.
    mutating func add(_ message: Outbox.Message) {
        guard let request = Unreached(message) else { return }
        if self.requests.count < Self.capacity {
            self.requests.append(request)
        } else {
            self.requests[self.next] = request
            self.next = (self.next + 1) % Self.capacity
        }
    }

    /// Hands out the requests to an address and forgets them.
    mutating func take(to remote: SocketAddress, _ body: (Unreached) -> Void) {
        for i in self.requests.indices where self.requests[i].client >= 0 && self.requests[i].remote == remote {
            body(self.requests[i])
            self.requests[i].client = -1
        }
    }
}

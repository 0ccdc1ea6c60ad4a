import SIPMessages
import SIPTransactions

/// The messages of transactions that a socket has sent last, to find those that an ICMP error is about: it names only an address.
///
/// An error comes within a round trip. What has been pushed out by then is told by the timers of its transaction.
struct RecentMessages {
    static let capacity = 1024

    private var messages: [Unreached] = []
    private var next = 0

    /// Notes a message that is being sent.
    mutating func add(_ message: Outbox.Message) {
        guard let noted = Unreached(message) else { return }
        if self.messages.count < Self.capacity {
            self.messages.append(noted)
        } else {
            self.messages[self.next] = noted
            self.next = (self.next + 1) % Self.capacity
        }
    }

    /// Hands out the messages to an address and forgets them.
    mutating func take(to remote: SocketAddress, _ body: (Unreached) -> Void) {
        for i in self.messages.indices where self.messages[i].remote == remote {
            guard self.messages[i].sender != .nobody else { continue }
            body(self.messages[i])
            self.messages[i].sender = .nobody
        }
    }
}

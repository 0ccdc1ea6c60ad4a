import SIPMessages
import Synchronization

/// The addresses of the machine from one look to the next.
///
/// The system refuses datagrams that should leave from an address which is gone, but takes what is written to a connection,
/// and sends it again and again for a quarter of an hour. What would go over one is therefore as good as lost until the
/// address is back (RFC 5626 §5.3).
final class AddressWatch: Sendable {
    /// What has changed since the last look.
    struct Change: Equatable {
        /// The addresses that were there and are not any more: their interface is down, or they are another machine's.
        var lost: Set<IPAddress>
        /// Those that are there.
        var present: Set<IPAddress>
    }

    private let present: Mutex<Set<IPAddress>>

    init(_ addresses: [IPAddress]?) { self.present = Mutex(Set(addresses ?? [])) }

    /// Takes note of the addresses that the machine has.
    ///
    /// - Parameter addresses: All of them. `nil` where the system does not tell: then what held last goes on to hold.
    /// - Returns: `nil` when nothing has changed.
    func look(at addresses: [IPAddress]?) -> Change? {
        guard let addresses else { return nil }
        return self.present.withLock { present in
            let now = Set(addresses)
            guard now != present else { return nil }
            defer { present = now }
            return Change(lost: present.subtracting(now), present: now)
        }
    }
}

import SIPMessages
import ServerCore
import Synchronization

/// What one thread has received and sent, as counts since the start.
///
/// Only its thread counts, so that counting is a load, an addition and a store: no locked instruction, and no cache line
/// that two threads write. Any thread may read; it sees each count as it was a moment ago.
final class TrafficCounters: @unchecked Sendable {
    // Invariant: the cells are written by the thread that owns the worker, and read by any; each is atomic by itself.
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// What is counted, by the place of its first cell.
    enum Place {
        static let requestsReceived = 0
        static let requestsSent = 16
        static let responsesReceived = 32
        static let responsesSent = 40
        static let messagesReceived = 48
        static let messagesSent = 56
        static let dropped = 64
        static let unsent = 65
        static let overloadRefused = 66
        static let overloadDropped = 67
        static let overloaded = 68
        static let sanctioned = 69
        static let count = 72
    }

    init() {
        self.cells = .allocate(capacity: Place.count)
        for i in 0..<Place.count { (self.cells + i).initialize(to: Atomic(0)) }
    }

    deinit {
        self.cells.deinitialize(count: Place.count)
        self.cells.deallocate()
    }

    subscript(place: Int) -> UInt64 { self.cells[place].load(ordering: .relaxed) }

    /// Counts one more. Only the thread that owns the worker may call it.
    func add(_ place: Int) {
        let next = self.cells[place].load(ordering: .relaxed) &+ 1
        self.cells[place].store(next, ordering: .relaxed)
    }

    /// Takes over what admission has counted, and whether the thread is overloaded.
    func note(_ admission: borrowing Admission) {
        self.cells[Place.overloadRefused].store(admission.refused, ordering: .relaxed)
        self.cells[Place.overloadDropped].store(admission.dropped, ordering: .relaxed)
        self.cells[Place.sanctioned].store(admission.sanctioned, ordering: .relaxed)
        self.cells[Place.overloaded].store(admission.isOverloaded ? 1 : 0, ordering: .relaxed)
    }

    /// Counts the message at hand.
    func received(_ index: borrowing MessageIndex, over transport: TransportProtocol) {
        self.add(Place.messagesReceived + Int(transport.rawValue & 7))
        if index.isRequest {
            self.add(Place.requestsReceived + Int(index.method.rawValue & 15))
        } else {
            self.add(Place.responsesReceived + Int(index.statusCode / 100 & 7))
        }
    }

    /// Counts a message of ours, whose start line is as we write it.
    func sent(_ octets: Span<UInt8>, over transport: TransportProtocol) {
        self.add(Place.messagesSent + Int(transport.rawValue & 7))
        guard octets.count > 12 else { return }
        if octets[0] == 0x53, octets[3] == 0x2F {  // SIP/2.0 200
            return self.add(Place.responsesSent + Int(octets[8] & 7))
        }
        var end = 0
        while end < octets.count, octets[end] != 0x20 { end &+= 1 }
        self.add(Place.requestsSent + Int(Method.Code(octets, 0..<end).rawValue & 15))
    }
}

/// The number of a call, good as long as the call lives and never confused with a later one.
public struct CallHandle: BitwiseCopyable, Hashable, Sendable {
    /// The slot, used again.
    public let slot: Int32
    /// The number of the use, below 2^23.
    public let generation: UInt32

    init(slot: Int32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }
}

/// The number of a request of ours that waits for something.
public struct RequestHandle: BitwiseCopyable, Hashable, Sendable {
    let slot: Int32
    let generation: UInt32

    init(slot: Int32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }
}

/// The number of a registration, good as long as it is kept.
public struct RegistrationHandle: BitwiseCopyable, Hashable, Sendable {
    let slot: Int32
    let generation: UInt32

    init(slot: Int32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }
}

/// The number of a subscription, good as long as it is kept.
public struct SubscriptionHandle: BitwiseCopyable, Hashable, Sendable {
    let slot: Int32
    let generation: UInt32

    init(slot: Int32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }
}

/// A transfer that we asked for, good until `AgentAction.transferDone`.
public struct TransferHandle: BitwiseCopyable, Hashable, Sendable {
    let call: CallHandle
    let number: UInt32
}

/// A transfer that the other side asks us for, good until it is refused or the call that it asks for has its outcome.
public struct ReferralHandle: BitwiseCopyable, Hashable, Sendable {
    let call: CallHandle
    let number: UInt32
}

/// How an agent's own transactions and timers are told from those of a proxy that shares the transaction layer: bit 55
/// is set and none above; below, the generation in 23 bits, two bits for whose timer it is, and the slot in 30.
enum AgentMark {
    /// Whose a timer is.
    enum Kind: UInt64 { case call, registration, request, subscription }

    static let generations: UInt32 = 1 << 23

    static func number(_ kind: Kind = .call, slot: Int32, generation: UInt32) -> UInt64 {
        1 << 55 | UInt64(generation) << 32 | kind.rawValue << 30 | UInt64(UInt32(bitPattern: slot))
    }

    static func kind(_ number: UInt64) -> Kind? { Kind(rawValue: number >> 30 & 3) }

    static func isMarked(_ number: UInt64) -> Bool { number >> 55 == 1 }

    static func parts(_ number: UInt64) -> (slot: Int32, generation: UInt32) {
        (
            Int32(truncatingIfNeeded: number & 0x3FFF_FFFF),
            UInt32(truncatingIfNeeded: number >> 32) & (Self.generations - 1)
        )
    }
}

/// Values in numbered slots that are used again, each use with a number of its own.
struct SlotTable<Element> {
    private var elements: [Element?] = []
    private var generations: [UInt32] = []
    private var free: [Int32] = []
    /// How many values there are.
    private(set) var count = 0
    /// How many there may be.
    let capacity: Int

    init(capacity: Int) { self.capacity = Swift.min(capacity, 1 << 30) }

    /// The slot and generation that the next value gets; `nil` when there are too many.
    func next() -> (slot: Int32, generation: UInt32)? {
        guard self.count < self.capacity else { return nil }
        guard let slot = self.free.last else { return (Int32(self.elements.count), 1) }
        return (slot, self.generations[Int(slot)])
    }

    /// Puts a value where `next` said.
    mutating func insert(_ element: Element) {
        self.count += 1
        if let slot = self.free.popLast() {
            self.elements[Int(slot)] = element
        } else {
            self.elements.append(element)
            self.generations.append(1)
        }
    }

    /// Gives a slot back, whether its value is in it or was taken out.
    mutating func remove(_ slot: Int32) {
        self.elements[Int(slot)] = nil
        self.generations[Int(slot)] = Swift.max(1, (self.generations[Int(slot)] + 1) & (AgentMark.generations - 1))
        self.free.append(slot)
        self.count -= 1
    }

    /// Takes a value out of its slot, which stays its own, so that changing it copies nothing.
    mutating func take(_ slot: Int32, _ generation: UInt32) -> Element? {
        guard self.isLive(slot, generation) else { return nil }
        return self.elements[Int(slot)].take()
    }

    func isLive(_ slot: Int32, _ generation: UInt32) -> Bool {
        slot >= 0 && Int(slot) < self.elements.count && self.generations[Int(slot)] == generation
            && self.elements[Int(slot)] != nil
    }

    /// The number of the present use of a slot.
    func generation(of slot: Int32) -> UInt32 { self.generations[Int(slot)] }

    /// The slots that hold a value.
    var slots: [Int32] { self.elements.indices.filter { self.elements[$0] != nil }.map { Int32($0) } }

    /// The value in a slot, changed in place.
    subscript(slot: Int32) -> Element? {
        _read { yield self.elements[Int(slot)] }
        _modify { yield &self.elements[Int(slot)] }
    }
}

import Containers
public import SIPMessages

/// Keeping devices behind NAT boxes in reach: what is sent to them keeps the mapping alive by which they are reached.
extension StoredBinding {
    /// Whether a NAT box lies between the device and us: its Contact names another place than the REGISTER came from.
    ///
    /// - Parameter block: The block that the binding lies in.
    public func isBehindNAT(_ block: Span<UInt8>) -> Bool {
        guard let uri = try? URIIndex(parsing: block, in: self.contact.range, field: .contact), uri.scheme != .other
        else { return false }
        return uri.hostAddress(in: block) != self.flow.remote.ip
    }

    /// Whether its NAT box forgets the device unless something is sent: connections keep themselves alive (RFC 5626 §3.5).
    func wantsKeepAlive(_ block: Span<UInt8>) -> Bool {
        !self.flow.transport.isReliable && self.path.isEmpty && self.isBehindNAT(block)
    }
}

extension Registrar {
    /// Whether there are bindings that want keep-alives.
    public var hasKeepAlives: Bool { self.keepAliveCount > 0 }

    /// Goes on with a round through all bindings that want keep-alives; one round takes `interval`, so that they are
    /// spread over it.
    ///
    /// - Parameters:
    ///   - wall: Milliseconds since 1970, UTC.
    ///   - ping: Called with each binding whose turn it is, and the block it lies in.
    public mutating func keepAlive(
        every interval: TimeSpan, at now: MonotonicInstant, wall: Int64,
        _ ping: (StoredBinding, Span<UInt8>) -> Void
    ) {
        guard self.hasKeepAlives else {
            self.keepAliveRound = nil
            return
        }
        let start = self.keepAliveRound ?? now
        self.keepAliveRound = start
        // In milliseconds, so that the product stays within 64 bits.
        let whole = Swift.max(1, interval.nanoseconds / 1_000_000)
        let elapsed = Swift.max(0, Swift.min(now.since(start).nanoseconds / 1_000_000, whole))
        let end = Int32(Int64(self.aors.extent) * elapsed / whole)
        while self.keepAlivePosition < end {
            let slot = self.keepAlivePosition
            self.keepAlivePosition += 1
            guard self.aors.isInUse(slot), self.aors[slot].wantsKeepAlive else { continue }
            let block = self.pool.span(self.aors[slot].block)
            var position = 0
            while position < block.count {
                let binding = StoredBinding(block, at: position)
                position = binding.whole.upper
                if binding.expiresAt > wall, binding.wantsKeepAlive(block) { ping(binding, block) }
            }
        }
        guard elapsed == whole else { return }
        self.keepAliveRound = now
        self.keepAlivePosition = 0
    }

    /// Notes whether any of an AOR's bindings wants keep-alives.
    mutating func noteKeepAlive(_ slot: Int32) {
        let wants = Self.wantsKeepAlive(self.aors[slot].block, in: self.pool)
        guard wants != self.aors[slot].wantsKeepAlive else { return }
        self.aors[slot].wantsKeepAlive = wants
        self.keepAliveCount += wants ? 1 : -1
    }

    private static func wantsKeepAlive(_ kept: PooledOctets, in pool: borrowing OctetPool) -> Bool {
        let block = pool.span(kept)
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block, at: position)
            if binding.wantsKeepAlive(block) { return true }
            position = binding.whole.upper
        }
        return false
    }
}

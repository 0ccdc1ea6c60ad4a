import Containers
public import SIPMessages
import SIPTransactions

/// The registrar and the location service for the addresses-of-record of one shard: RFC 3261 §10.
///
/// Bindings lie in memory. With `isDurable`, what a REGISTER changes is given out as `changes` with a token, and both
/// the 200 and the binding wait for `committed`; without, they take effect at once.
public struct Registrar: ~Copyable {
    /// An AOR with bindings, or with a change on its way to the store.
    struct AOR: BitwiseCopyable {
        var hash: UInt64
        var key: PooledOctets
        var block: PooledOctets = .none
        /// The change that is being stored; -1 for none.
        var pending: Int32 = -1
        /// Whether the user was removed while it was.
        var isRemoved = false
        /// Whether one of its bindings is to be kept in reach by keep-alives.
        var wantsKeepAlive = false
    }

    /// A REGISTER whose changes are being stored.
    struct Pending: BitwiseCopyable {
        var aor: Int32
        var token: UInt64
        /// The bindings as they will be.
        var block: PooledOctets
        /// The 200 up to its Contacts.
        var response: PooledOctets
        var flow: Flow
        var cseq: UInt32
        var callID: PooledOctets
        var deadline: MonotonicInstant
        /// Whether the 200 names GRUUs.
        var supportsGRUU: Bool
        /// Whether the 100 of RFC 4320 §4.1 has been sent.
        var isTryingSent = false
    }

    private let inPlace = InPlace()
    let isDurable: Bool
    let hashKey: SipHashKey
    let gruus: GRUUKeys
    var pool: OctetPool
    var table = KeyTable(capacity: 256)
    var aors: Slab<AOR>
    var pendings: Slab<Pending>
    /// The REGISTERs that wait for the store, by the token of their changes.
    var pendingByToken: [UInt64: Int32] = [:]
    var editor: BindingEditor
    var scratch: [UInt8] = []
    var sweepPosition: Int32 = 0
    /// AORs that want keep-alives, when the round through them began, and how far it is.
    var keepAliveCount = 0
    var keepAliveRound: MonotonicInstant?
    var keepAlivePosition: Int32 = 0

    /// An empty service.
    ///
    /// - Parameters:
    ///   - shard: The number of the shard, 0-255, which tokens carry in their upper 8 bits.
    ///   - isDurable: Whether changes are stored before they are acknowledged.
    ///   - hashKey: 128 bits that no peer can know.
    public init(
        policy: RegistrarPolicy, shard: UInt8, isDurable: Bool, hashKey: SipHashKey, capacity: Int = 4_000_000,
        octets: Int = 1 << 32
    ) {
        self.isDurable = isDurable
        self.hashKey = hashKey
        self.gruus = GRUUKeys(of: hashKey)
        self.pool = OctetPool(limit: octets)
        self.aors = Slab(capacity: capacity)
        self.pendings = Slab(capacity: 100_000)
        self.editor = BindingEditor(
            policy: policy, isDurable: isDurable, firstToken: UInt64(shard) << 56,
            gruus: self.gruus)
    }

    /// What the registrar grants.
    public var policy: RegistrarPolicy {
        get { self.editor.policy }
        set { self.editor.policy = newValue }
    }

    /// Our side of flows, by their end point, for what is stored.
    public var locals: [SocketAddress] {
        get { self.editor.locals }
        set { self.editor.locals = newValue }
    }

    /// Takes the changes that are to be carried to the store, each with the token of its REGISTER.
    public mutating func takeChanges() -> [(token: UInt64, change: BindingChange)] {
        guard !self.editor.changes.isEmpty else { return [] }
        defer { self.editor.changes = [] }
        return self.editor.changes
    }

    /// How many AORs have bindings.
    public var aorCount: Int { self.aors.count }

    // MARK: Finding

    /// Appends the canonical form by which an AOR is known: user part with its escapes undone, `@`, domain in lower
    /// case. Port and parameters do not count (§10.3 step 5).
    public static func appendKey(_ uri: URIIndex, of octets: Span<UInt8>, into key: inout [UInt8]) {
        var i = uri.user.lower
        while i < uri.user.upper {
            if octets[i] == 0x25, i + 2 < uri.user.upper, let high = octets[i + 1].hexDigitValue,
                let low = octets[i + 2].hexDigitValue
            {
                key.append(high << 4 | low)
                i += 3
            } else {
                key.append(octets[i])
                i += 1
            }
        }
        key.append(0x40)
        for i in uri.host.range { key.append(octets[i].lowercased) }
    }

    func find(_ key: Span<UInt8>, _ hash: UInt64) -> Int32 {
        self.table.find(hash) { slot in
            let kept = self.pool.span(self.aors[slot].key)
            return kept.equals(0..<kept.count, key, 0..<key.count)
        }
    }

    /// Which bindings of an AOR are wanted.
    public enum Selection: BitwiseCopyable, Hashable, Sendable {
        /// All.
        case all
        /// Those of the instance whose id has this keyed hash: a public GRUU (RFC 5627 §6.1).
        case device(UInt64)
        /// The same, if what was registered at a moment is still: a temporary GRUU (§5.1, §5.3).
        case temporary(UInt64, since: Int64)
    }

    /// Appends the bindings of an AOR that can be reached, one after the other, as `StoredBinding` reads them.
    ///
    /// - Parameters:
    ///   - key: The AOR in canonical form; `nil` where only its hash is known, as with a temporary GRUU.
    ///   - hash: Its keyed hash, by which it also found its shard.
    ///   - wall: Milliseconds since 1970, UTC.
    /// - Returns: how many were appended.
    public func appendTargets(
        of key: Span<UInt8>?, hash: UInt64, _ selection: Selection = .all, wall: Int64, into output: inout [UInt8]
    ) -> Int {
        if let key { return self.appendTargets(of: self.find(key, hash), selection, wall: wall, into: &output) }
        let slot = self.table.find(hash) { self.aors[$0].hash == hash }
        return self.appendTargets(of: slot, selection, wall: wall, into: &output)
    }

    /// The same for an AOR whose canonical form lies in the output already.
    public func appendTargets(
        ofKeyAt key: Range<Int>, hash: UInt64, _ selection: Selection, wall: Int64, into output: inout [UInt8]
    ) {
        let slot = self.find(output.span.extracting(key), hash)
        _ = self.appendTargets(of: slot, selection, wall: wall, into: &output)
    }

    private func appendTargets(
        of slot: Int32, _ selection: Selection, wall: Int64, into output: inout [UInt8]
    ) -> Int {
        guard slot >= 0 else { return 0 }
        let block = self.pool.span(self.aors[slot].block)
        var position = 0
        var count = 0
        while position < block.count {
            let binding = StoredBinding(block, at: position)
            if binding.expiresAt > wall, self.gruus.selects(selection, binding, block) {
                output.append(block, binding.whole.range)
                count += 1
            }
            position = binding.whole.upper
        }
        return count
    }

    /// Whether the AOR has ever a binding that lives, reachable or not.
    public func isRegistered(_ key: Span<UInt8>, hash: UInt64) -> Bool { self.find(key, hash) >= 0 }

    // MARK: Blocks

    /// Makes the AOR's bindings those in `block`, and forgets an AOR that has none.
    mutating func setBlock(_ block: PooledOctets, of slot: Int32) {
        self.pool.release(self.aors[slot].block)
        self.aors[slot].block = block
        self.noteKeepAlive(slot)
        self.forgetIfEmpty(slot)
    }

    mutating func forgetIfEmpty(_ slot: Int32) {
        guard self.aors[slot].block.isNone, self.aors[slot].pending < 0 else { return }
        self.table.remove(self.aors[slot].hash, slot)
        self.pool.release(self.aors[slot].key)
        self.aors.remove(slot)
    }

    /// The AOR's slot, made when there is none; `nil` when there are too many.
    mutating func slot(for key: Span<UInt8>, _ hash: UInt64) -> Int32? {
        let found = self.find(key, hash)
        if found >= 0 { return found }
        guard let kept = self.pool.keep(key) else { return nil }
        guard let slot = self.aors.insert(AOR(hash: hash, key: kept)) else {
            self.pool.release(kept)
            return nil
        }
        self.table.insert(hash, slot)
        return slot
    }

    /// Takes a binding that was stored by an earlier run.
    ///
    /// - Parameter flow: The flow as it is known now; a lost one has a connection that does not exist.
    public mutating func restore(_ record: BindingRecord, hash: UInt64, flow: Flow) {
        guard let slot = self.slot(for: record.aor.span, hash) else { return }
        self.scratch.removeAll(keepingCapacity: true)
        self.pool.append(self.aors[slot].block, to: &self.scratch)
        record.write(flow: flow, into: &self.scratch)
        if let kept = Self.keep(self.scratch, in: &self.pool) { self.setBlock(kept, of: slot) }
    }

    static func keep(_ octets: [UInt8], in pool: inout OctetPool) -> PooledOctets? {
        octets.isEmpty ? PooledOctets.none : pool.keep(octets.span)
    }

    /// Drops expired bindings of some AORs, going round all of them with repeated calls.
    public mutating func sweep(wall: Int64, count: Int = 1024) {
        guard self.aors.count > 0 else { return }
        for _ in 0..<Swift.min(count, Int(self.aors.extent)) {
            if !self.aors.isPlausible(self.sweepPosition) { self.sweepPosition = 0 }
            self.dropExpired(self.sweepPosition, wall: wall)
            self.sweepPosition += 1
        }
    }

    private mutating func dropExpired(_ slot: Int32, wall: Int64) {
        guard self.aors.isInUse(slot), self.aors[slot].pending < 0 else { return }
        let kept = self.aors[slot].block
        Self.appendLiving(kept, in: self.pool, wall: wall, to: &self.scratch)
        guard self.scratch.count < kept.count, let rest = Self.keep(self.scratch, in: &self.pool) else { return }
        self.setBlock(rest, of: slot)
    }

    private static func appendLiving(
        _ kept: PooledOctets, in pool: borrowing OctetPool, wall: Int64, to output: inout [UInt8]
    ) {
        output.removeAll(keepingCapacity: true)
        let block = pool.span(kept)
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block, at: position)
            if binding.expiresAt > wall { output.append(block, binding.whole.range) }
            position = binding.whole.upper
        }
    }

    /// Every binding that lives, for `restore`, listings and the store.
    public func records(of key: Span<UInt8>, hash: UInt64, endpoints: (UInt16) -> SocketAddress) -> [BindingRecord] {
        let slot = self.find(key, hash)
        guard slot >= 0 else { return [] }
        let block = self.pool.span(self.aors[slot].block)
        var records: [BindingRecord] = []
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block, at: position)
            records.append(
                BindingRecord(
                    binding, of: block, aor: key.octets(0..<key.count), local: endpoints(binding.flow.endpoint)))
            position = binding.whole.upper
        }
        return records
    }
}

extension BindingRecord {
    init(_ binding: StoredBinding, of block: Span<UInt8>, aor: [UInt8], local: SocketAddress) {
        self.init(
            aor: aor, contact: block.octets(binding.contact.range),
            parameters: block.octets(binding.parameters.range), instanceID: block.octets(binding.instance.range),
            regID: binding.regID, callID: block.octets(binding.callID.range), cseq: binding.cseq, q: binding.q,
            expiresAt: binding.expiresAt, path: block.octets(binding.path.range),
            userAgent: block.octets(binding.userAgent.range),
            flow: StoredFlow(transport: binding.flow.transport, local: local, remote: binding.flow.remote))
        self.since = binding.since
    }

    /// Appends the binding to a block, with the flow as it is known now.
    func write(flow: Flow, into block: inout [UInt8]) {
        var octets: [UInt8] = []
        func add(_ text: [UInt8]) -> OctetRange {
            octets += text
            return OctetRange(octets.count - text.count, octets.count)
        }
        let (contact, parameters) = (add(self.contact), add(self.parameters))
        let (instance, callID, userAgent) = (add(self.instanceID), add(self.callID), add(self.userAgent))
        StoredBinding.write(
            StoredBinding.Texts(
                octets.span, contact: contact, parameters: parameters, instance: instance, callID: callID,
                userAgent: userAgent),
            path: self.path, q: self.q, cseq: self.cseq, regID: self.regID, expiresAt: self.expiresAt,
            since: self.since, flow: flow, into: &block)
    }
}

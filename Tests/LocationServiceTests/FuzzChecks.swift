// What must hold for any REGISTER. The fuzz target and the test that replays its inputs call the same function.

import SIPMessages
import SIPTransactions

@testable import LocationService

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// A REGISTER leaves bindings that can be read and stored, and nothing else when it comes again; where it is refused
/// nothing changes.
func fuzzStoredBinding(_ octets: [UInt8]) {
    var (index, via) = (MessageIndex(), ViaIndex())
    guard (try? index.parse(octets.span)) != nil, index.fault == nil, let field = index.value(.via),
        (try? ViaIndex.parse(octets.span, in: field.range, into: &via)) != nil
    else { return }
    var location = FuzzedLocation()
    let isAccepted = location.register(octets, index, via)
    let block = location.block
    require(isAccepted || block.isEmpty, "a refusal changes nothing")
    checkBindings(block)
    _ = location.register(octets, index, via)
    require(location.block == block, "a REGISTER that comes again changes nothing")
    var restored = FuzzedLocation()
    for record in location.records { restored.restore(record) }
    require(restored.block == block, "what is stored and restored is the same")
}

/// The registrar with the bindings of one AOR.
private struct FuzzedLocation: ~Copyable {
    private static let flow = Flow(endpoint: 1, transport: .tcp, connection: 7, remote: SocketAddress(.loopback, 5062))
    private static let key = Array("bob@biloxi.example".utf8)
    private var registrar: Registrar

    init() {
        var policy = RegistrarPolicy()
        policy.minExpires = 1
        self.registrar = Registrar(policy: policy, shard: 0, isDurable: false, hashKey: SipHashKey(1, 2))
    }

    /// Its bindings, one after the other.
    var block: [UInt8] {
        var block: [UInt8] = []
        _ = self.registrar.appendTargets(of: Self.key.span, hash: 3, wall: 0, into: &block)
        return block
    }

    var records: [BindingRecord] {
        self.registrar.records(of: Self.key.span, hash: 3) { _ in SocketAddress(.loopback, 5060) }
    }

    mutating func register(_ octets: [UInt8], _ index: MessageIndex, _ via: ViaIndex) -> Bool {
        var outbox = Outbox()
        let circumstances = Registrar.Circumstances(
            hash: 3, tag: 4, flow: Self.flow, replyFlow: Self.flow, local: SocketAddress(.loopback, 5060), now: .start,
            wall: 0)
        let outcome = try? self.registrar.register(
            octets.span, index, via: via, aor: Self.key.span, circumstances, into: &outbox)
        return outcome != nil
    }

    mutating func restore(_ record: BindingRecord) { self.registrar.restore(record, hash: 3, flow: Self.flow) }
}

/// Every binding lies in the block, with its texts one after the other, and names a URI.
private func checkBindings(_ block: [UInt8]) {
    var position = 0
    while position < block.count {
        let binding = StoredBinding(block.span, at: position)
        require(binding.whole.lower == position && binding.whole.upper <= block.count, "a binding lies in its block")
        var start = position + StoredBinding.headerOctets
        let texts = [
            binding.contact, binding.parameters, binding.instance, binding.callID, binding.path, binding.userAgent,
        ]
        for text in texts {
            require(text.lower == start && text.upper <= binding.whole.upper, "the texts lie in the binding")
            start = text.upper
        }
        require(start == binding.whole.upper, "the texts fill the binding")
        require(binding.q <= 1000 && binding.expiresAt > 0, "q and expiry are in their ranges")
        let uri = try? URIIndex(parsing: block.span, in: binding.contact.range)
        require(uri != nil, "a contact is a URI")
        position = binding.whole.upper
    }
}

import Containers
import SIPMessages

/// Removing the bindings of users who are none any more.
extension Registrar {
    /// Removes all bindings of the AORs that `isRemoved` names, and notes what is to be stored of that.
    ///
    /// A REGISTER of such an AOR that waits for the store is refused when that is done, and what was stored is removed.
    public mutating func removeBindings(where isRemoved: ([UInt8]) -> Bool) {
        if self.isDurable { self.editor.token &+= 1 }
        var slot: Int32 = 0
        while self.aors.isPlausible(slot) {
            defer { slot += 1 }
            guard self.aors.isInUse(slot) else { continue }
            let key = Self.octets(self.aors[slot].key, in: self.pool)
            guard isRemoved(key) else { continue }
            self.noteRemovals(of: self.aors[slot].block, key)
            self.aors[slot].isRemoved = self.aors[slot].pending >= 0
            self.setBlock(.none, of: slot)
        }
    }

    /// Notes the removal of all bindings in a block, under the newest token.
    mutating func noteRemovals(of kept: PooledOctets, _ key: [UInt8]) {
        guard self.isDurable else { return }
        let block = Self.octets(kept, in: self.pool)
        var position = 0
        while position < block.count {
            let binding = StoredBinding(block.span, at: position)
            position = binding.whole.upper
            // The store finds it by what it is a binding of; the flow is of no interest.
            let record = BindingRecord(binding, of: block.span, aor: key, local: binding.flow.remote)
            self.editor.changes.append((self.editor.token, .remove(record)))
        }
    }

    static func octets(_ kept: PooledOctets, in pool: borrowing OctetPool) -> [UInt8] {
        var octets: [UInt8] = []
        pool.append(kept, to: &octets)
        return octets
    }
}

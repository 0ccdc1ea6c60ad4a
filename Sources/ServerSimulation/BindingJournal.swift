public import LocationService

/// What a simulated server has given to the storage of the world, which outlives its crashes.
///
/// The storage itself keeps a key for each write and decides whether it was carried out; what the key stands for is
/// kept here.
public final class BindingJournal {
    private var writes: [(key: String, changes: [BindingChange])] = []

    /// A journal without writes.
    public init() {}

    /// Adds a write.
    ///
    /// - Returns: The key under which the storage keeps it.
    func add(_ changes: [BindingChange]) -> String {
        // Of one width, so that keys read in the order of the writes.
        let number = String(self.writes.count)
        let key = "binding write " + String(repeating: "0", count: Swift.max(0, 9 - number.count)) + number
        self.writes.append((key, changes))
        return key
    }

    /// The bindings that the writes make which the storage has carried out.
    ///
    /// - Parameter isStored: Whether the storage holds a key.
    public func bindings(where isStored: (String) -> Bool) -> [BindingRecord] {
        var bindings: [BindingRecord] = []
        for write in self.writes where isStored(write.key) {
            for change in write.changes {
                switch change {
                case .remove(let record): bindings.removeAll { Self.isSame($0, record) }
                case .store(let record):
                    bindings.removeAll { Self.isSame($0, record) }
                    bindings.append(record)
                }
            }
        }
        return bindings
    }

    /// Whether one replaces the other: as `BindingChange.store` says.
    private static func isSame(_ left: BindingRecord, _ right: BindingRecord) -> Bool {
        guard left.aor == right.aor else { return false }
        if left.regID > 0 || right.regID > 0 {
            return left.regID == right.regID && left.instanceID == right.instanceID
        }
        return left.contact == right.contact
    }
}

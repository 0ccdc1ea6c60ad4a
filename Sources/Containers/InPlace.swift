import Synchronization

/// Makes the struct that has it one that is only ever used where it lies.
///
/// To lend a struct to a function that reads it, the compiler copies it, unless its type forbids that. A shard's state is
/// thousands of octets, and a message makes dozens of such calls: their copies cost more time than its parsing. A value of
/// this type among the fields of the struct forbids it.
public struct InPlace: ~Copyable, Sendable {
    // An atomic value has an address; nothing is ever stored in it.
    private let place = Atomic<Bool>(false)

    /// A mark.
    public init() {}
}

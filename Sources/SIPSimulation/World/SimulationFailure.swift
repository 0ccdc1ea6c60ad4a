/// A simulation that did not go as it should: what was expected, the seed, the rules that were broken and the ladder.
public struct SimulationFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, in one line.
    public let reason: String
    /// The seed, with which the run can be had again.
    public let seed: UInt64
    /// The ladder as a diagram.
    public let ladder: String

    /// Reason, seed and ladder.
    public var description: String { "\(self.reason)\n\(self.ladder)" }
}

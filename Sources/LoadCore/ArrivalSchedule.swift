public import SIPMessages

/// When each call, registration or message should begin: an open loop, which the server cannot slow down.
///
/// The rate grows evenly during the ramp and stays then. Above 2000 a second what is due within half a millisecond begins
/// together, at its end: a generator that woke for each would spend its time on waking.
public struct ArrivalSchedule: Hashable, Sendable {
    /// How many should begin in a second; `nil` for as many as may be under way at once.
    public var rate: Double?
    /// How long the rate grows.
    public var ramp: TimeSpan
    /// How long it stays, after the ramp.
    public var duration: TimeSpan

    /// A schedule.
    public init(rate: Double?, ramp: TimeSpan = .zero, duration: TimeSpan) {
        (self.rate, self.ramp, self.duration) = (rate, ramp, duration)
    }

    /// What is due within this time begins together, where there is much.
    static let grid: TimeSpan = .microseconds(500)
    private static let gridRate = 2000.0

    /// The second from which on it is counted: the first that has nothing of the ramp.
    public var firstCountedSecond: Int {
        Int((Swift.max(0, self.ramp.nanoseconds) + 999_999_999) / 1_000_000_000)
    }

    /// How long it is until nothing begins any more.
    public var length: TimeSpan { self.ramp + self.duration }

    /// When one should begin, counted from the beginning of the run; `nil` when the run is over then.
    ///
    /// - Parameter number: Which, from 0 on.
    public func moment(of number: Int) -> TimeSpan? {
        guard let rate = self.rate, rate > 0 else { return nil }
        let ramp = Double(self.ramp.nanoseconds) / 1e9
        // In the ramp t seconds have seen rate * t² / (2 * ramp) of them.
        let inRamp = rate * ramp / 2
        let number = Double(number)
        let seconds =
            number < inRamp ? (2 * number * ramp / rate).squareRoot() : ramp + (number - inRamp) / rate
        guard seconds < Double(self.length.nanoseconds) / 1e9 else { return nil }
        var nanoseconds = Int64(seconds * 1e9)
        if rate > Self.gridRate {
            let grid = Self.grid.nanoseconds
            nanoseconds = (nanoseconds + grid - 1) / grid * grid
        }
        return TimeSpan(nanoseconds: nanoseconds)
    }
}

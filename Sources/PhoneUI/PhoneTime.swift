/// The time, as a telephone needs it: how long something has taken, and what the clock on the wall says.
public struct PhoneTime: Hashable, Sendable {
    /// Milliseconds of a clock that only goes forward.
    public var uptime: Int64
    /// Seconds since 1970, UTC.
    public var wall: Int64
    /// Seconds that the clock on the wall is ahead of UTC.
    public var offset: Int

    /// A time.
    public init(uptime: Int64 = 0, wall: Int64 = 0, offset: Int = 0) {
        (self.uptime, self.wall, self.offset) = (uptime, wall, offset)
    }

    /// As it is kept (RFC 3339): `2026-11-23T07:10:05+01:00`.
    public var stamp: String {
        let local = self.wall + Int64(self.offset)
        let (days, seconds) = (Self.floor(local, 86_400), local - Self.floor(local, 86_400) * 86_400)
        let (year, month, day) = Self.date(days)
        let ahead = Swift.abs(self.offset) / 60
        let zone =
            self.offset == 0 ? "Z" : "\(self.offset < 0 ? "-" : "+")\(Self.two(ahead / 60)):\(Self.two(ahead % 60))"
        let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { Self.two(Int($0)) }.joined(separator: ":")
        return "\(year)-\(Self.two(month))-\(Self.two(day))T\(clock)\(zone)"
    }

    /// What is shown of a stamp: the clock for one of today, else the date.
    public static func shown(_ stamp: String, now: PhoneTime) -> String {
        let (date, clock) = (stamp.prefix(10), stamp.dropFirst(11).prefix(5))
        return date == now.stamp.prefix(10) ? String(clock) : String(date.dropFirst(5)) + " " + clock
    }

    /// `07:10`
    public var clock: String { String(self.stamp.dropFirst(11).prefix(5)) }

    /// A length: `0:07`, `12:30`, `1:02:03`.
    public static func length(seconds: Int64) -> String {
        let rest = "\(Self.two(Int(seconds % 60)))"
        guard seconds >= 3_600 else { return "\(seconds / 60):\(rest)" }
        return "\(seconds / 3_600):\(Self.two(Int(seconds / 60 % 60))):\(rest)"
    }

    private static func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }

    private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
    }

    /// The date of a day since 1970, by the rules of the Gregorian calendar: years that begin in March, in periods of 400.
    private static func date(_ days: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = Self.floor(shifted, 146_097)
        let inEra = shifted - era * 146_097
        let year = (inEra - inEra / 1_460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * year + year / 4 - year / 100)
        let month = (5 * inYear + 2) / 153
        let day = Int(inYear - (153 * month + 2) / 5 + 1)
        let shown = Int(month < 10 ? month + 3 : month - 9)
        return (year + era * 400 + (shown <= 2 ? 1 : 0), shown, day)
    }
}

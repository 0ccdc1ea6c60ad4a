/// A point in time to the second, always GMT (RFC 3261 §20.17, `rfc1123-date` of §25.1).
public struct SIPDate: FieldValue, Comparable {
    /// Seconds since 1970-01-01 00:00:00 GMT, without leap seconds; the year is 0-9999.
    public let secondsSince1970: Int64

    /// The first second of year 0 and the last of year 9999.
    private static let range: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// A point in time; one outside the years 0-9999 becomes the nearest inside.
    public init(secondsSince1970: Int64) {
        self.secondsSince1970 = Swift.min(Swift.max(secondsSince1970, Self.range.lowerBound), Self.range.upperBound)
    }

    private static let weekdays: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The weekday must be one, but need not be right.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let weekday = reader.span { $0.isAlpha }
        guard Self.weekdays.contains(where: { octets.equals(weekday, ignoringCase: $0) }) else {
            throw reader.error(.malformed, at: weekday.lowerBound)
        }
        try reader.expect(0x2C)
        let day = try reader.dateNumber(1...31, digits: 2)
        reader.skipWhitespace()
        let name = reader.span { $0.isAlpha }
        guard let month = Self.months.firstIndex(where: { octets.equals(name, ignoringCase: $0) }) else {
            throw reader.error(.malformed, at: name.lowerBound)
        }
        let year = try reader.dateNumber(0...9999, digits: 4)
        let hour = try reader.dateNumber(0...23, digits: 2)
        try reader.expect(0x3A)
        let minute = try reader.dateNumber(0...59, digits: 2)
        try reader.expect(0x3A)
        // 60 is a leap second; it counts as the second after.
        let second = try reader.dateNumber(0...60, digits: 2)
        reader.skipWhitespace()
        let zone = reader.span { $0.isAlpha }
        guard octets.equals(zone, ignoringCase: "GMT") else { throw reader.error(.malformed, at: zone.lowerBound) }
        try reader.expectEnd()
        let days = Self.days(year: year, month: Int64(month) + 1, day: day)
        guard Self.civil(days: days).day == day else { throw reader.error(.malformed, at: value.lowerBound) }
        self.init(secondsSince1970: days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        var days = self.secondsSince1970 / 86_400
        var second = self.secondsSince1970 % 86_400
        if second < 0 {
            second += 86_400
            days -= 1
        }
        let (year, month, day) = Self.civil(days: days)
        output.append(Self.weekdays[Int((days % 7 + 7) % 7)])
        output.append(", ")
        output.append(day, digits: 2)
        output.append(0x20)
        output.append(Self.months[Int(month) - 1])
        output.append(0x20)
        output.append(year, digits: 4)
        output.append(0x20)
        output.append(second / 3600, digits: 2)
        output.append(0x3A)
        output.append(second / 60 % 60, digits: 2)
        output.append(0x3A)
        output.append(second % 60, digits: 2)
        output.append(" GMT")
    }

    /// Whether the left moment is the earlier one.
    public static func < (left: SIPDate, right: SIPDate) -> Bool { left.secondsSince1970 < right.secondsSince1970 }

    // The Gregorian calendar in eras of 400 years, 146,097 days; a year begins in March, so that a leap day is its
    // last.

    /// Days from 1970-01-01 to a day; `year` is not negative.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The day that lies `days` after 1970-01-01.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension FieldReader {
    /// Skips white space and reads a number of at most `digits` digits.
    @_lifetime(self: copy self)
    fileprivate mutating func dateNumber(_ range: ClosedRange<Int64>, digits: Int) throws(SIPParseError) -> Int64 {
        self.skipWhitespace()
        let start = self.position
        let number = Int64(try self.number(maximum: 9999))
        guard range.contains(number), self.position - start <= digits else { throw self.error(.malformed, at: start) }
        return number
    }
}

extension [UInt8] {
    /// Appends a number that is not negative with leading zeros.
    fileprivate mutating func append(_ number: Int64, digits: Int) {
        var place: Int64 = 1
        for _ in 1..<digits { place *= 10 }
        while place > 0 {
            self.append(0x30 + UInt8(truncatingIfNeeded: number / place % 10))
            place /= 10
        }
    }
}

import Testing

@testable import PhoneUI

@Suite("The time of a telephone")
struct PhoneTimeTests {
    @Test(
        "A stamp is the local time with what it is ahead of UTC (RFC 3339)",
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_795_415_405, 3_600, "2026-11-23T07:30:05+01:00"), (1_795_415_405, -12_600, "2026-11-23T03:00:05-03:30"),
            (4_107_542_399, 0, "2100-02-28T23:59:59Z"), (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
        ])
    func stamp(wall: Int64, offset: Int, stamp: String) {
        #expect(PhoneTime(wall: wall, offset: offset).stamp == stamp)
    }

    @Test("A length has hours only where there are some")
    func length() {
        #expect(
            [0, 59, 60, 3_599, 3_600, 90_061].map { PhoneTime.length(seconds: $0) } == [
                "0:00", "0:59", "1:00", "59:59", "1:00:00", "25:01:01",
            ])
    }

    @Test("Of a stamp of today the clock is shown, of another the date too")
    func shown() {
        let now = PhoneTime(wall: 1_795_415_405)
        #expect(PhoneTime.shown("2026-11-23T06:01:00Z", now: now) == "06:01")
        #expect(PhoneTime.shown("2026-11-22T06:01:00Z", now: now) == "11-22 06:01")
    }
}

import Testing

@testable import SIPMessages

@Suite("Date (RFC 3261 §20.17)")
struct SIPDateTests {
    @Test(
        "Dates and seconds since 1970 agree, both ways",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Thu, 21 Feb 2002 13:02:03 GMT", 1_014_296_523), ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1), ("Sun, 28 Feb 2100 00:00:00 GMT", 4_107_456_000),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400), ("Tue, 19 Jan 2038 03:14:08 GMT", 1 << 31),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Sat, 01 Jan 0000 00:00:00 GMT", -62_167_219_200),
        ] as [(String, Int64)])
    func calendar(text: String, seconds: Int64) throws {
        #expect(try SIPDate(parsing: text).secondsSince1970 == seconds)
        #expect(SIPDate(secondsSince1970: seconds).text == text)
    }

    @Test(
        "What is no date in GMT is refused",
        arguments: [
            "Fri, 01 Jan 2010 16:00:00 EST", "Fri, 32 Jan 2010 16:00:00 GMT", "Sun, 29 Feb 2100 00:00:00 GMT",
            "Fri 01 Jan 2010 16:00:00 GMT", "Fri, 01 Foo 2010 16:00:00 GMT", "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 01 Jan 2010 16:60:00 GMT", "Fri, 01 Jan 2010 16:00 GMT", "", "Xxx, 01 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 12010 16:00:00 GMT", "Fri, 001 Jan 2010 16:00:00 GMT", "Fri, 01 Jan 2010 16:00:00 GMT x",
        ])
    func refused(text: String) {
        #expect(throws: SIPParseError.self) { try SIPDate(parsing: text) }
    }

    @Test("Points in time beyond the calendar become its ends", arguments: [Int64.min, .max])
    func bounds(seconds: Int64) {
        #expect(
            SIPDate(secondsSince1970: seconds).text
                == (seconds < 0
                    ? "Sat, 01 Jan 0000 00:00:00 GMT" : "Fri, 31 Dec 9999 23:59:59 GMT"))
    }
}

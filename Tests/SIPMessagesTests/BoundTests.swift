import SIPMessages
import Testing

@Suite("What a message may hold, at the bound and beyond it")
struct BoundTests {
    private static func message(fields count: Int) -> [UInt8] {
        // With the line of Content-Length there are as many fields as asked for.
        let lines = (1..<count).map { "X-\($0): y\r\n" }.joined()
        return Array("OPTIONS sip:a SIP/2.0\r\n\(lines)Content-Length: 0\r\n\r\n".utf8)
    }

    @Test("A header of 256 fields is read, one more is too many, and is told as that")
    func fields() {
        var index = MessageIndex()
        // A fault is noted, so that the request can still be answered.
        try? index.parse(Self.message(fields: 256).span)
        #expect(index.fields.count == 256 && index.fault?.code != .tooManyFields)
        try? index.parse(Self.message(fields: 257).span)
        #expect(index.fault?.code == .tooManyFields)
    }

    @Test("Credentials of 64 parameters are read, more are none")
    func parameters() throws {
        func credentials(_ count: Int) -> String {
            "Digest " + (0..<count).map { "p\($0)=v" }.joined(separator: ", ")
        }
        #expect(try Credentials(parsing: credentials(64)).parameters.count == 64)
        #expect(throws: SIPParseError.self) { try Credentials(parsing: credentials(65)) }
    }
}

import Testing

@testable import SIPMessages

@Suite("Framing a stream (RFC 3261 §18.3, RFC 5626 §3.5.1)")
struct StreamFramerTests {
    static let options = "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\nab\r\n"

    static let streams: [(String, [StreamFramer.Event])] = [
        (options, [.message]), (options + options, [.message, .message]), ("\r\n\r\n", [.ping]),
        ("\r\n\r\n\r\n\r\n" + options, [.ping, .ping, .message]), ("\r\n" + options, [.message]),
        ("\r\n\r\n\r\n" + options + "\r\n\r\n", [.ping, .message, .ping]), ("", []), ("\r\n\r", []),
        // Without Content-Length the end is not known; nothing after it counts.
        (
            "OPTIONS sip:a@b SIP/2.0\r\n\r\n" + options,
            [.failed(SIPParseError(.missing, in: .contentLength, at: 27))]
        ),
        (
            "OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nabcd",
            [.failed(SIPParseError(.repeated, in: .contentLength, at: 31))]
        ),
        (
            "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
            [.failed(SIPParseError(.numberMissing, in: .contentLength, at: 41))]
        ),
        ("hello\r\n\r\n", [.failed(SIPParseError(.malformedStartLine, in: .startLine, at: 5))]),
        ("\rX", [.failed(SIPParseError(.bareLineEnd, in: .startLine, at: 0))]),
        // A bad line elsewhere leaves the end known.
        (
            "OPTIONS sip:a@b SIP/2.0\r\nno colon\r\nl: 0\r\n\r\n" + options,
            [.malformed(SIPParseError(.malformedHeaderLine, in: .header, at: 25)), .message]
        ),
    ]

    @Test("The same events come however the octets are cut", arguments: 0..<streams.count, [1, 2, 3, 5, 17, 10_000])
    func events(number: Int, pieces: Int) {
        let (text, expected) = Self.streams[number]
        #expect(FramedStream(Array(text.utf8), pieces: pieces).events == expected)
    }

    @Test("On a connection that we opened each CRLF is a pong at once (RFC 5626 §4.4.1)", arguments: [1, 2, 100])
    func pongs(pieces: Int) {
        let stream = FramedStream(Array(("\r\n\r\n" + Self.options + "\r\n").utf8), pieces: pieces, keepAlive: .pongs)
        #expect(stream.events == [.pong, .pong, .message, .pong])
    }

    @Test("A message is handed out with its body, without what follows")
    func messages() {
        let stream = FramedStream(Array((Self.options + "\r\n" + Self.options).utf8), pieces: 9)
        #expect(stream.messages == [Array(Self.options.utf8), Array(Self.options.utf8)])
        #expect(!stream.isWithinMessage)
        #expect(FramedStream(Array(Self.options.utf8.dropLast()), pieces: 4).isWithinMessage)
    }

    @Test("The lent message and its index agree with what a datagram gives")
    func lentMessage() throws {
        var framer = StreamFramer()
        framer.append(Array(Self.options.utf8))
        #expect(framer.next() == .message)
        #expect(framer.message.octets(0..<framer.message.count) == Array(Self.options.utf8))
        #expect(framer.index == (try SIPMessage(Self.options)).index)
        #expect(framer.next() == nil)
        #expect(framer.message.isEmpty && framer.ownedMessage == nil)
    }

    @Test("A header of as many octets as allowed passes, one more does not", arguments: [0, 1])
    func headerLimit(excess: Int) {
        let text = "OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\n\r\n"
        let limits = MessageLimits(headerOctets: text.utf8.count - excess)
        for pieces in [1, 1000] {
            var framer = StreamFramer(limits: limits)
            var events: [StreamFramer.Event] = []
            for start in stride(from: 0, to: text.utf8.count, by: pieces) {
                framer.append(Array(text.utf8.dropFirst(start).prefix(pieces)))
                while let event = framer.next() { events.append(event) }
            }
            let tooLong = SIPParseError(.tooLong, in: .header, at: limits.headerOctets)
            #expect(events == [excess == 0 ? .message : .failed(tooLong)])
        }
    }

    @Test("A body of as many octets as allowed passes, one more does not", arguments: [4, 3])
    func bodyLimit(bodyOctets: Int) {
        var framer = StreamFramer(limits: MessageLimits(bodyOctets: bodyOctets))
        framer.append(Array(Self.options.utf8))
        let tooLong = SIPParseError(.tooLong, in: .body, at: 46)
        #expect(framer.next() == (bodyOctets == 4 ? .message : .failed(tooLong)))
        #expect(framer.index.hasStartLine)  // So that 413 can be answered.
    }

    @Test("More header fields than allowed cost the connection")
    func fieldLimit() {
        var framer = StreamFramer(limits: MessageLimits(fields: 2))
        framer.append(Array("OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\nA: 1\r\nl: 5\r\n\r\nabcde".utf8))
        guard case .failed = framer.next() else {
            Issue.record("a second Content-Length beyond the limit was not seen")
            return
        }
    }

    @Test("A long header that comes octet by octet is looked at once")
    func manyPieces() {
        let subject = String(repeating: "s", count: 60_000)
        let text = "OPTIONS sip:a@b SIP/2.0\r\nSubject: \(subject)\r\nl: 0\r\n\r\n"
        #expect(FramedStream(Array(text.utf8), pieces: 1).events == [.message])
    }

    @Test("Many keep-alives in one piece are found one by one")
    func manyKeepAlives() {
        let pings = [UInt8](String(repeating: "\r\n", count: 50_000).utf8)
        #expect(
            FramedStream(pings, pieces: pings.count).events == [StreamFramer.Event](repeating: .ping, count: 25_000))
    }
}

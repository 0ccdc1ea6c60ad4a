/// Cuts the octets of a stream into messages (RFC 3261 §18.3) and keep-alives (RFC 5626 §3.5.1).
///
///     framer.append(received)
///     while let event = framer.next() {
///         switch event {
///         case .message: handle(framer.message, framer.index)
///         …
///
/// However the octets are cut into pieces, the events are the same, and each octet is looked at a bounded number of
/// times. A caller that takes all events after each `append` makes it hold one message and one piece at most.
public struct StreamFramer: Sendable {
    /// Which keep-alives come over the connection.
    public enum KeepAlive: Hashable, Sendable {
        /// The other side opened it: a double CRLF is a ping, a single one is nothing (RFC 3261 §7.5).
        case pings
        /// We opened it: each CRLF is a pong.
        case pongs
    }

    /// What was found.
    public enum Event: Hashable, Sendable {
        /// A message: see `message` and `index` until `next()` is called again.
        case message
        /// A message with a broken rule in its header, in `index.fault` too. Its end is known: a request is answered
        /// with 400 or 505, a response dropped, and the connection stays.
        case malformed(SIPParseError)
        /// A double CRLF, to be answered by a single one.
        case ping
        /// The answer to a ping.
        case pong
        /// The end of the message cannot be found, or it is beyond the limits: there will be no more events, and the
        /// connection must be closed. Where `index` has a start line, a 400, or a 413 for `.tooLong`, can be sent
        /// first.
        case failed(SIPParseError)
    }

    private enum State: Hashable, Sendable {
        case between
        case header(scanned: Int)
        case body(end: Int)
        case failed
    }

    /// Where the last message's parts lie, counted from its start.
    public private(set) var index = MessageIndex()
    private let keepAlive: KeepAlive
    private let limits: MessageLimits
    private var buffer: [UInt8] = []
    /// What was handed out already.
    private var start = 0
    /// The octets of the message handed out last, which go with the next call.
    private var messageOctets = 0
    private var state = State.between

    /// A framer for a connection that was just opened.
    public init(keepAlive: KeepAlive = .pings, limits: MessageLimits = .standard) {
        (self.keepAlive, self.limits) = (keepAlive, limits)
    }

    /// The octets of the message that `next()` announced, empty if it announced none.
    public var message: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.buffer.span.extracting(self.start..<(self.start &+ self.messageOctets)) }
    }

    /// The message that `next()` announced, as a value of its own; `nil` if it announced none.
    public var ownedMessage: SIPMessage? {
        guard self.messageOctets > 0 else { return nil }
        return SIPMessage(framed: Array(self.buffer[self.start..<(self.start + self.messageOctets)]), self.index)
    }

    /// Lends the message that `next()` announced.
    public func withMessage(_ body: (Span<UInt8>) -> Void) { body(self.message) }

    /// Lends the header that `index` is of, after `.failed`: where it has a start line, it can be answered.
    public func withHeader(_ body: (Span<UInt8>) -> Void) {
        let end = Swift.min(self.buffer.count, self.start + self.index.headerOctets)
        body(self.buffer.span.extracting(self.start..<Swift.max(self.start, end)))
    }

    /// Whether octets are waiting for the rest of a message; a connection that stays so for long may be closed.
    public var isWithinMessage: Bool {
        switch self.state {
        case .between, .failed: false
        case .header, .body: true
        }
    }

    /// Adds octets that were received.
    public mutating func append(_ octets: Span<UInt8>) {
        guard self.state != .failed else { return }
        self.compact()
        octets.withUnsafeBufferPointer { self.buffer.append(contentsOf: $0) }
    }

    /// Adds octets that were received.
    public mutating func append(_ octets: [UInt8]) { self.append(octets.span) }

    /// Frees what was handed out, once it is more than what is left, so that each octet moves at most once on average.
    private mutating func compact() {
        guard self.start > 0, self.messageOctets == 0, self.start >= self.buffer.count - self.start else { return }
        self.buffer.removeSubrange(0..<self.start)
        self.start = 0
    }

    /// The next event; `nil` when more octets are needed.
    public mutating func next() -> Event? {
        self.start += self.messageOctets
        self.messageOctets = 0
        while true {
            switch self.state {
            case .between:
                switch self.nextBetween() {
                case .event(let event): return event
                case .more: return nil
                case .goOn: continue
                }
            case .header(let scanned):
                guard let end = self.endOfHeader(from: scanned) else {
                    let waiting = self.buffer.count - self.start
                    if waiting > self.limits.headerOctets {
                        self.index = MessageIndex()
                        return self.fail(SIPParseError(.tooLong, in: .header, at: self.limits.headerOctets))
                    }
                    // The empty line may begin in the last three octets.
                    self.state = .header(scanned: Swift.max(scanned, waiting - 3))
                    return nil
                }
                if let failure = self.parseHeader(end) { return self.fail(failure) }
            case .body(let end):
                guard self.buffer.count - self.start >= end else { return nil }
                self.messageOctets = end
                self.state = .between
                if let fault = self.index.fault { return .malformed(fault) }
                return .message
            case .failed:
                return nil
            }
        }
    }

    private enum Step {
        case event(Event)
        case more, goOn
    }

    /// Between messages: keep-alives and empty lines, or the first octet of a message.
    private mutating func nextBetween() -> Step {
        let waiting = self.buffer.count - self.start
        guard waiting > 0 else { return .more }
        guard self.buffer[self.start] == 0x0D else {
            self.state = .header(scanned: 0)
            return .goOn
        }
        guard waiting >= 2 else { return .more }
        guard self.buffer[self.start + 1] == 0x0A else {
            self.index = MessageIndex()
            return .event(self.fail(SIPParseError(.bareLineEnd, in: .startLine, at: 0)))
        }
        if self.keepAlive == .pongs {
            self.start += 2
            return .event(.pong)
        }
        guard waiting >= 3 else { return .more }
        guard self.buffer[self.start + 2] == 0x0D else {
            self.start += 2
            return .goOn
        }
        guard waiting >= 4 else { return .more }
        guard self.buffer[self.start + 3] == 0x0A else {
            self.start += 2
            return .goOn
        }
        self.start += 4
        return .event(.ping)
    }

    /// The number of octets of the header with its empty line, when that has come within the limit.
    private func endOfHeader(from scanned: Int) -> Int? {
        let octets = self.buffer.span.extracting(self.start..<self.buffer.count)
        let end = Swift.min(octets.count, self.limits.headerOctets)
        var position = scanned &+ 3
        while position < end {
            // Only where the octet before LF is CR can the other two matter.
            if octets[position] == 0x0A, octets[position &- 1] == 0x0D, octets[position &- 2] == 0x0A,
                octets[position &- 3] == 0x0D
            {
                return position &+ 1
            }
            position &+= 1
        }
        return nil
    }

    /// Indexes the header; returns what makes it impossible to find the end of the message.
    private mutating func parseHeader(_ headerEnd: Int) -> SIPParseError? {
        let buffer = self.buffer
        let header = buffer.span.extracting(self.start..<(self.start + headerEnd))
        do throws(SIPParseError) {
            try self.index.parse(header, framing: .streamHeader, limits: self.limits)
        } catch {
            self.index = MessageIndex()
            return error
        }
        // Content-Length is mandatory on streams (§18.3), and two of them could differ (RFC 4475 §3.3.9).
        if let fault = self.index.fault, fault.field == .contentLength { return fault }
        guard let contentLength = self.index.contentLength else {
            return self.index.fault ?? SIPParseError(.missing, in: .contentLength, at: headerEnd)
        }
        guard contentLength <= self.limits.bodyOctets else {
            return SIPParseError(.tooLong, in: .body, at: headerEnd)
        }
        // A header that is not read to its end could hide a second Content-Length.
        if let fault = self.index.fault, fault.code == .tooManyFields || self.index.headerOctets != headerEnd {
            return fault
        }
        self.index.body = OctetRange(headerEnd, headerEnd + contentLength)
        self.state = .body(end: headerEnd + contentLength)
        return nil
    }

    private mutating func fail(_ error: SIPParseError) -> Event {
        self.state = .failed
        return .failed(error)
    }
}

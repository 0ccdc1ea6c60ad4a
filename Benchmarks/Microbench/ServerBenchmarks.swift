#if canImport(ServerCore)
    import ProxyCore
    import SIPMessages
    import SIPTransactions
    import ServerCore

    extension Benchmark {
        /// What the whole server does with the messages of one unit, from the octets that come to those that leave, and
        /// with the timers that its transactions leave behind: all but the system calls.
        static var server: [Benchmark] {
            [
                // INVITE, 180, 200, ACK, BYE and its 200 come; 100 and those six leave.
                Benchmark("server-call", operations: 200) {
                    let box = try Self.registered()
                    let sent = box.value.call()
                    try check(sent == 7, "\(sent) messages leave for a call")
                    return { times in for _ in 0..<times { use(box.value.call()) } }
                },
                Benchmark("server-message", operations: 200) {
                    let box = try Self.registered()
                    let sent = box.value.message()
                    try check(sent == 2, "\(sent) messages leave for a MESSAGE")
                    return { times in for _ in 0..<times { use(box.value.message()) } }
                },
                // A REGISTER of an AOR that has no binding yet, answered 200.
                Benchmark("server-registration", operations: 500) {
                    let box = Box(ServerState())
                    try check(box.value.register() == 200, "a REGISTER is refused")
                    return { times in for _ in 0..<times { use(box.value.register()) } }
                },
                // A REGISTER that refreshes the only binding of its AOR.
                Benchmark("server-refresh", operations: 500) {
                    let box = try Self.registered()
                    return { times in for _ in 0..<times { use(box.value.refresh()) } }
                },
                Benchmark("server-options", operations: 500) {
                    let box = Box(ServerState())
                    try check(box.value.options() == 200, "an OPTIONS is refused")
                    return { times in for _ in 0..<times { use(box.value.options()) } }
                },
            ]
        }

        /// A server at which the callee is registered.
        private static func registered() throws -> Box<ServerState> {
            let box = Box(ServerState())
            try check(box.value.refresh() == 200, "the callee is not registered")
            return box
        }
    }

    /// The proxy and registrar with one shard of each kind, and the messages that it is sent.
    private struct ServerState: ~Copyable {
        private var core = ServerUnderTest()
        private var invite = NumberedMessage(SampleMessages.callInvite)
        private var ack = NumberedMessage([])
        private var bye = NumberedMessage([])
        private var text = NumberedMessage(SampleMessages.callMessage)
        private var registration = NumberedMessage(SampleMessages.register(user: "u#########"))
        private var refreshment = NumberedMessage(SampleMessages.register(user: "bob"))
        private var question = NumberedMessage(SampleMessages.options)
        private var response: [UInt8] = []
        private let caller = SocketAddress(IPAddress(v4: 0xC000_0265), 5060)
        private let callee = SocketAddress(IPAddress(v4: 0xC000_0207), 5062)
        private static let ringing = Array("SIP/2.0 180 Ringing\r\n".utf8)
        private static let ok = Array("SIP/2.0 200 OK\r\n".utf8)

        init() { self.response.reserveCapacity(4096) }

        /// One call; returns how many messages leave.
        mutating func call() -> Int {
            self.invite.advance()
            var count = self.core.receive(self.invite.octets, from: self.caller)
            if self.ack.octets.isEmpty {
                // The dialog has the same Call-ID and tags each time, and so the same Record-Route.
                let route = self.core.sentRecordRoute
                self.ack = NumberedMessage(SampleMessages.inDialog("ACK", "1", route: route))
                self.bye = NumberedMessage(SampleMessages.inDialog("BYE", "2", route: route))
            }
            count += self.answer(Self.ringing, of: self.core.keepSent())
            count += self.answer(Self.ok, of: self.core.kept)
            self.ack.advance()
            count += self.core.receive(self.ack.octets, from: self.caller)
            self.bye.advance()
            count += self.core.receive(self.bye.octets, from: self.caller)
            count += self.answer(Self.ok, of: self.core.keepSent())
            self.core.endTransactions()
            return count
        }

        /// One MESSAGE; returns how many messages leave.
        mutating func message() -> Int {
            self.text.advance()
            var count = self.core.receive(self.text.octets, from: self.caller)
            count += self.answer(Self.ok, of: self.core.keepSent())
            self.core.endTransactions()
            return count
        }

        /// Returns the status of the answer.
        mutating func register() -> Int { Self.ask(&self.core, &self.registration, from: self.callee) }
        mutating func refresh() -> Int { Self.ask(&self.core, &self.refreshment, from: self.callee) }
        mutating func options() -> Int { Self.ask(&self.core, &self.question, from: self.caller) }

        private static func ask(
            _ core: inout ServerUnderTest, _ message: inout NumberedMessage, from remote: SocketAddress
        ) -> Int {
            message.advance()
            _ = core.receive(message.octets, from: remote)
            return core.sentStatus
        }

        /// The callee answers a request: its fields and its body come back below a status line.
        private mutating func answer(_ statusLine: [UInt8], of request: [UInt8]) -> Int {
            self.response.removeAll(keepingCapacity: true)
            self.response.append(contentsOf: statusLine)
            self.response.append(request.span, 0..<request.count)
            return self.core.receive(self.response, from: self.callee)
        }
    }

    /// The core of a server as a driver runs it.
    private struct ServerUnderTest: ~Copyable {
        private var reception: Reception
        private var calls: CallShard
        private var locations: LocationShard
        private var workspace = Workspace()
        /// What the last request that left has below its start line.
        private(set) var kept: [UInt8] = []

        init() {
            let endpoint = Endpoint(.udp, local: SocketAddress(IPAddress(v4: 0xC000_0201), 5060))
            var settings = ServerSettings(
                domains: ["biloxi.example"], proxy: ProxyConfiguration(endpoints: [endpoint]),
                hashKey: SipHashKey(5, 6))
            settings.shardCount = 1
            settings.requiresAuthentication = false
            self.reception = Reception(settings: settings)
            self.calls = CallShard(
                number: 0, settings: settings, seed: (SipHashKey(1, 2), SipHashKey(3, 4)), at: .start)
            self.locations = LocationShard(number: 0, settings: settings, seed: SipHashKey(7, 8))
            self.kept.reserveCapacity(4096)
        }

        /// Takes in a message; returns how many leave for it.
        mutating func receive(_ message: [UInt8], from remote: SocketAddress) -> Int {
            let octets = message.span
            self.workspace.outbox.removeAll()
            self.reception.receive(
                octets, over: Flow(endpoint: 0, transport: .udp, remote: remote), into: &self.workspace)
            while let address = self.workspace.next {
                switch address {
                case .calls: self.calls.run(octets, &self.workspace)
                case .locations: self.locations.run(octets, &self.workspace)
                }
            }
            return self.workspace.outbox.messages.count
        }

        /// Lets all timers of transactions fire.
        mutating func endTransactions() {
            self.workspace.outbox.removeAll()
            self.workspace.now = self.workspace.now.advanced(by: .seconds(40))
            self.calls.wake(&self.workspace)
        }

        /// Keeps what the last message that left has below its start line.
        mutating func keepSent() -> [UInt8] {
            self.kept.removeAll(keepingCapacity: true)
            guard let sent = self.workspace.outbox.messages.last?.range else { return self.kept }
            var start = sent.lower
            while start < sent.upper, self.workspace.outbox.octets[start] != 0x0A { start += 1 }
            self.kept.append(contentsOf: self.workspace.outbox.octets[(start + 1)..<sent.upper])
            return self.kept
        }

        /// The status of the message that left last.
        var sentStatus: Int {
            guard let sent = self.workspace.outbox.messages.last?.range, sent.count > 12 else { return 0 }
            return self.workspace.outbox.octets[sent.lower + 8..<sent.lower + 11].reduce(0) { $0 * 10 + Int($1) - 0x30 }
        }

        /// The Record-Route value of the message that left last.
        var sentRecordRoute: String {
            guard let sent = self.workspace.outbox.messages.last?.range,
                let index = try? MessageIndex(self.workspace.outbox.octets.span.extracting(sent.range)),
                let value = index.value(.recordRoute)
            else { return "" }
            return self.workspace.outbox.octets.span.extracting(sent.range).string(value)
        }
    }

    extension MessageIndex {
        fileprivate init(_ octets: Span<UInt8>) throws {
            self.init()
            try self.parse(octets)
        }
    }

    /// A message that differs from the one before in a number of nine digits, which stands wherever `#########` did.
    private struct NumberedMessage {
        private(set) var octets: [UInt8]
        private var places: [Int] = []
        private var number: UInt32 = 0

        init(_ octets: [UInt8]) {
            self.octets = octets
            var i = 0
            while i < octets.count {
                if octets[i] == 0x23 {
                    self.places.append(i)
                    i += 9
                } else {
                    i += 1
                }
            }
        }

        mutating func advance() {
            self.number += 1
            var rest = self.number
            var digits = InlineArray<9, UInt8>(repeating: 0x30)
            for i in (0..<9).reversed() {
                digits[i] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            for i in self.places.indices {
                let place = self.places[i]
                for k in 0..<9 { self.octets[place + k] = digits[k] }
            }
        }
    }

    /// The messages of a call, a text and a registration as phones send them; `#########` stands for what changes.
    extension SampleMessages {
        fileprivate static let sdp = """
            v=0
            o=- 3817 3817 IN IP4 192.0.2.101
            s=-
            c=IN IP4 192.0.2.101
            t=0 0
            m=audio 30000 RTP/AVP 8 0 101
            a=rtpmap:8 PCMA/8000
            a=rtpmap:0 PCMU/8000
            a=rtpmap:101 telephone-event/8000
            a=fmtp:101 0-16
            a=sendrecv

            """

        fileprivate static let callInvite = Self.octets(
            """
            INVITE sip:bob@biloxi.example SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-#########;rport
            Max-Forwards: 70
            From: <sip:alice@biloxi.example>;tag=1928301774
            To: <sip:bob@biloxi.example>
            Call-ID: c00000a84-0000b4c7-6e66710@192.0.2.101
            CSeq: 1 INVITE
            Contact: <sip:alice@192.0.2.101:5060>
            Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY
            Supported: timer, replaces
            User-Agent: biloxi-microbench
            Content-Type: application/sdp
            Content-Length: \(Self.octets(Self.sdp).count)

            \(Self.sdp)
            """)

        fileprivate static func inDialog(_ method: String, _ cseq: String, route: String) -> [UInt8] {
            Self.octets(
                """
                \(method) sip:bob@192.0.2.7:5062 SIP/2.0
                Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-\(cseq)-#########;rport
                Route: \(route)
                Max-Forwards: 70
                From: <sip:alice@biloxi.example>;tag=1928301774
                To: <sip:bob@biloxi.example>;tag=win00000a84
                Call-ID: c00000a84-0000b4c7-6e66710@192.0.2.101
                CSeq: \(cseq) \(method)
                User-Agent: biloxi-microbench
                Content-Length: 0


                """)
        }

        fileprivate static let callMessage = Self.octets(
            """
            MESSAGE sip:bob@biloxi.example SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-#########;rport
            Max-Forwards: 70
            From: <sip:alice@biloxi.example>;tag=1928301774
            To: <sip:bob@biloxi.example>
            Call-ID: c#########-0000b4c7-6e66710@192.0.2.101
            CSeq: 1 MESSAGE
            User-Agent: biloxi-microbench
            Content-Type: text/plain
            Content-Length: 62

            The quick brown fox jumps over the lazy dog. 0123456789 abcdef
            """)

        fileprivate static func register(user: String) -> [UInt8] {
            Self.octets(
                """
                REGISTER sip:biloxi.example SIP/2.0
                Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK-#########;rport
                Max-Forwards: 70
                From: <sip:\(user)@biloxi.example>;tag=r1928301774
                To: <sip:\(user)@biloxi.example>
                Call-ID: r\(user)-0@192.0.2.7
                CSeq: ######### REGISTER
                Contact: <sip:\(user)@192.0.2.7:5062>;expires=3600
                User-Agent: biloxi-microbench
                Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY
                Supported: path, outbound
                Content-Length: 0


                """)
        }

        fileprivate static let options = Self.octets(
            """
            OPTIONS sip:biloxi.example SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-#########;rport
            Max-Forwards: 70
            From: <sip:alice@biloxi.example>;tag=1928301774
            To: <sip:biloxi.example>
            Call-ID: c#########-0000b4c7-6e66710@192.0.2.101
            CSeq: 1 OPTIONS
            Contact: <sip:alice@192.0.2.101:5060>
            Accept: application/sdp
            User-Agent: biloxi-microbench
            Content-Length: 0


            """)
    }
#else
    extension Benchmark {
        /// The server needs packages: a build of the core has none.
        static var server: [Benchmark] { [] }
    }
#endif

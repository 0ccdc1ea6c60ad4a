@testable import SIPMessages

/// Makes up values from a seed: the same seed gives the same values (SplitMix64).
struct Generator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { self.number(1...100) <= percent }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.number(0...(elements.count - 1))] }
    mutating func maybe<Value>(_ make: (inout Generator) -> Value) -> Value? { self.chance(50) ? make(&self) : nil }

    private mutating func text(of alphabet: String, _ length: ClosedRange<Int>) -> String {
        let alphabet = Array(alphabet)
        return String((0..<self.number(length)).map { _ in self.pick(alphabet) })
    }

    mutating func token() -> String { self.text(of: "abcXYZ019-.!%*_+`'~", 1...12) }
    mutating func name() -> String { self.text(of: "abcdefgh", 1...8) }
    mutating func word() -> String { self.text(of: "abc019()<>:\\\"/[]?{}-.!%*_+`'~", 1...16) }
    mutating func hex(_ count: Int) -> String { self.text(of: "0123456789abcdef", count...count) }
    mutating func uint32() -> UInt32 {
        self.chance(20) ? self.pick([0, 1, .max, 1 << 31]) : UInt32(truncatingIfNeeded: self.next())
    }

    /// Text that may stand in a quoted string only: quotes, separators, controls, letters beyond ASCII.
    mutating func anyText() -> String {
        self.text(of: "ab \",;=<>()\\\t\u{0}\u{7}\u{7F}äß漢🎉?@:/%", 0...20)
    }

    mutating func host() -> Host {
        switch self.number(0...3) {
        case 0: Host(IPAddress(v4: UInt32(truncatingIfNeeded: self.next())))
        case 1: Host(IPAddress(v6: self.chance(50) ? 0x2001_0db8_0000_0000 : self.next(), self.next() >> 40))
        default: Host(self.name() + "." + self.pick(["example", "test", "EXAMPLE.org"]))
        }
    }

    mutating func port() -> UInt16? { self.maybe { UInt16($0.number(1...65_535)) } }

    mutating func uriParameters(mayLackValue: Bool) -> URIParameters {
        URIParameters(
            (0..<self.number(0...3)).map { _ in
                let value = mayLackValue && self.chance(30) ? nil : self.anyText()
                return URIParameter(self.name(), value)
            })
    }

    mutating func sipURI() -> SIPURI {
        var uri = SIPURI(
            user: self.maybe { $0.anyText() }, host: self.host(), port: self.port(), isSecure: self.chance(20),
            parameters: self.uriParameters(mayLackValue: true), headers: self.uriParameters(mayLackValue: false))
        if uri.rawUser != nil, self.chance(20) { uri.rawPassword = self.pick(["", "secret", "a%3Ab"]) }
        return uri
    }

    mutating func uri() -> URI {
        switch self.number(0...5) {
        case 0:
            .tel(
                TelURI(
                    number: self.pick(["+1-201-555-0123", "863-1234", "*11#", "+358-555-1234567"]),
                    parameters: self.uriParameters(mayLackValue: true)))
        case 1: .other(self.pick(["urn:service:sos", "http://example.com/a,b?c;d", "mailto:a@b", "pres:x@y"]))
        default: .sip(self.sipURI())
        }
    }

    mutating func parameters() -> Parameters {
        Parameters(
            (0..<self.number(0...4)).map { _ in
                switch self.number(0...3) {
                case 0: Parameter(self.token())
                case 1: Parameter(self.token(), self.token())
                case 2: Parameter(self.token(), self.host().description)
                default: Parameter(self.token(), self.anyText(), isQuoted: self.chance(50))
                }
            })
    }

    mutating func nameAddress() -> NameAddress {
        let name: String? = self.maybe { $0.chance(50) ? $0.name() + " " + $0.name() : $0.anyText() }
        var address = NameAddress(self.uri(), displayName: name, parameters: self.parameters())
        // Any parameter but a tag may be given twice or without value.
        address.parameters.remove("tag")
        if self.chance(50) { address.tag = self.token() }
        return address
    }

    mutating func via() -> Via {
        var via = Via(
            self.pick([.udp, .tcp, .tls, .sctp, .ws, .wss]), host: self.host(), port: self.port(),
            branch: self.maybe { "z9hG4bK" + $0.token() }, parameters: self.parameters())
        if self.chance(30) { via.received = self.host().address }
        if self.chance(30) { via.rport = self.port() }
        return via
    }

    mutating func method() -> Method { self.pick([.invite, .ack, .bye, .register, Method(self.token())]) }

    mutating func cseq() -> CSeq { CSeq(self.uint32(), self.method()) }

    mutating func callID() -> CallID { CallID(self.word() + (self.chance(50) ? "@" + self.word() : "")) }
}

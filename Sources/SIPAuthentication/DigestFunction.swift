import Crypto
import SIPMessages

/// A hash function that takes octets piece by piece and gives a `DigestValue`.
protocol DigestFunction {
    init()
    mutating func update(bufferPointer: UnsafeRawBufferPointer)
    func digest() -> DigestValue
}

extension Insecure.MD5: DigestFunction {
    func digest() -> DigestValue { self.finalize().withUnsafeBytes { DigestValue($0) } }
}

extension SHA256: DigestFunction {
    func digest() -> DigestValue { self.finalize().withUnsafeBytes { DigestValue($0) } }
}

extension SHA512256: DigestFunction {
    func digest() -> DigestValue { self.finalize() }
}

extension DigestFunction {
    static func hash(_ octets: Span<UInt8>, _ range: Range<Int>) -> DigestValue {
        var function = Self()
        function.update(octets, range)
        return function.digest()
    }

    mutating func update(_ text: StaticString) {
        self.update(bufferPointer: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func update(_ octets: Span<UInt8>, _ range: Range<Int>) {
        octets.extracting(range).withUnsafeBufferPointer { self.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }

    mutating func update(_ octets: [UInt8]) {
        octets.withUnsafeBytes { self.update(bufferPointer: $0) }
    }

    /// Takes the hexadecimal digits of `value`, which is how one digest enters another (RFC 7616 §3.2).
    mutating func update(_ value: DigestValue) {
        let digits = value.digits
        digits.span.extracting(0..<(2 * value.count)).withUnsafeBufferPointer {
            self.update(bufferPointer: UnsafeRawBufferPointer($0))
        }
    }

    /// Takes the value of a quoted string without its quoting slashes: `unq` of RFC 7616 §3.3.
    mutating func update(unquoting octets: Span<UInt8>, _ range: OctetRange) {
        var start = range.lower
        var position = start
        while position < range.upper {
            if octets[position] == 0x5C, position &+ 1 < range.upper {
                self.update(octets, start..<position)
                start = position &+ 1
                position &+= 1
            }
            position &+= 1
        }
        if start < range.upper { self.update(octets, start..<range.upper) }
    }
}

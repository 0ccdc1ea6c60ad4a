import Testing

@testable import SIPMessages

@Suite("Character classes (RFC 3261 §25.1)")
struct OctetClassTests {
    static let alphanum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    static let mark = "-_.!~*'()"

    static let classes: [(OctetClass, members: String)] = [
        (.token, alphanum + "-.!%*_+`'~"),
        (.word, alphanum + "-.!%*_+`'~()<>:\\\"/[]?{}"),
        (.unreserved, alphanum + mark),
        (.user, alphanum + mark + "&=+$,;?/"),
        (.parameter, alphanum + mark + "[]/:&+$"),
        (.hostName, alphanum + ".-_"),
        (.parameterValue, alphanum + "-.!%*_+`'~[]:@/&$()"),
        (.endOfUser, "@[<>\"" + String(decoding: 0...0x20 as ClosedRange<UInt8>, as: UTF8.self)),
    ]

    @Test("A class holds the characters of its rule and no other octet", arguments: classes.indices)
    func members(position: Int) {
        let (octets, members) = Self.classes[position]
        let held = (0...255).map { UInt8($0) }.filter { $0.belongs(to: octets) }
        #expect(held == members.utf8.sorted())
    }

    @Test("Hexadecimal digits are those of either case")
    func hexadecimal() {
        let held = (0...255).map { UInt8($0) }.filter { $0.isHexDigit }
        #expect(held == "0123456789abcdefABCDEF".utf8.sorted())
    }
}

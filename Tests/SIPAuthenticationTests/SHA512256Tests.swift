import SIPMessages
import Testing

@testable import SIPAuthentication

/// Expected values: FIPS 180-4's example for `abc`, NIST's for two blocks, and OpenSSL's `SHA512-256`.
@Suite("SHA-512/256 (FIPS 180-4 §6.7)")
struct SHA512256Tests {
    static func digest(_ octets: [UInt8]) -> String {
        var hexadecimal: [UInt8] = []
        SHA512256.hash(octets.span, 0..<octets.count).write(to: &hexadecimal)
        return String(decoding: hexadecimal, as: UTF8.self)
    }

    @Test(
        "The examples of NIST come out",
        arguments: [
            ("abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "3928e184fb8690f840da3988121d31be65cb9d3ef83ee6146feac861e19b563a"
            ),
        ])
    func examples(text: String, expected: String) {
        #expect(Self.digest(Array(text.utf8)) == expected)
    }

    /// The octets of a message are their own positions modulo 251.
    @Test(
        "The padding is right on either side of a block's end",
        arguments: [
            (0, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"),
            (111, "bd209f60b0d04102a09175297fd255367e54b5a5605b928635c606306914363f"),
            (112, "2cafeb0882cc405167e9a255b8581a66dc683212474902dd453dbca20a94e61a"),
            (119, "6fdcc1a442cc8391d7dd5a0db6601efaee9a4954056c78a64038c36bf7acb368"),
            (120, "be74a90abbc2ea03ff56dedae4eda154ba6cf24d73a515903356283b653f5109"),
            (127, "c26bc7e9315e62ab0dc6aeb577724d07c09b0c6fdfc0a9f08d8548047c032248"),
            (128, "2ff11194b2aec1f943cb5f130ba647c151334068083194d7281a55d607ae255f"),
            (129, "c4a3bbf841ed2a289e5109fb392229c80db61c72fd92079b5a4f0441f095a111"),
            (239, "b81472d255d80182e196481e5866aa207761a152302a0237e242eb88c577a428"),
            (240, "6ca13c55886b74a5ca2ac9782c4b9a49fe3aeeefdfc0cefc34984872fb4c54fd"),
            (256, "0ea4199eb79185d8198973ee464a7e0eb26345b54b361ac6af8b1dc10d41911c"),
        ])
    func padding(count: Int, expected: String) {
        #expect(Self.digest((0..<count).map { UInt8($0 % 251) }) == expected)
    }
}

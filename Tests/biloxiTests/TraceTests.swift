import BiloxiKit
import Foundation
import SIPMessages
import Testing

@testable import biloxi

@Suite("Ladders and captures of a command's messages", .timeLimit(.minutes(5)))
struct TraceTests {
    @Test("A datagram has the headers and checksums of IPv4 and UDP (RFC 791, RFC 768, RFC 1071)")
    func packet() throws {
        let (source, target) = (try #require(IPAddress("192.0.2.1")), try #require(IPAddress("192.0.2.2")))
        let packet = PacketCapture.packet([0x61, 0x62, 0x63], from: .init(source, 5060), to: .init(target, 5061))
        let header: [UInt8] = [0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17]
        #expect(Array(packet[..<10]) == header)
        #expect(Array(packet[12..<20]) == [192, 0, 2, 1, 192, 0, 2, 2])
        #expect(Array(packet[20..<26]) == [0x13, 0xC4, 0x13, 0xC5, 0, 11])
        #expect(Array(packet[28...]) == [0x61, 0x62, 0x63])
        // What is covered by a right checksum adds up to all ones.
        #expect(Self.sum(Array(packet[..<20])) == 0xFFFF)
        #expect(Self.sum(Array(packet[12..<20]) + [0, 17, 0, 11] + Array(packet[20...])) == 0xFFFF)
    }

    @Test("So has one of IPv6, whose checksum covers the longer addresses (RFC 8200 §8.1)")
    func packetOfIPv6() throws {
        let ip = try #require(IPAddress("2001:db8::1"))
        let packet = PacketCapture.packet([0x61], from: .init(ip, 5060), to: .init(ip, 5062))
        #expect(packet.count == 40 + 8 + 1)
        #expect(Array(packet[..<8]) == [0x60, 0, 0, 0, 0, 9, 17, 64])
        #expect(Self.sum(Array(packet[8..<40]) + [0, 17, 0, 9] + Array(packet[40...])) == 0xFFFF)
    }

    private static func sum(_ octets: [UInt8]) -> Int {
        var sum = 0
        for (i, octet) in octets.enumerated() { sum += Int(octet) << (i % 2 == 0 ? 8 : 0) }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
        return sum
    }

    @Test("A command writes its ladder as a picture or as text, and its messages as packets, without credentials")
    func files() throws {
        let office = try Office()
        let directory = try TestDirectory()
        let password = try directory.write(Office.passwords["bob"] ?? "", to: "password")
        func register(_ ladder: String) throws {
            let result = try RunningCommand.run(
                "bindings", "--account", "sip:bob@\(Office.domain)", "--password-file", password, "--proxy",
                "127.0.0.1:\(office.port)", "--local", "udp:127.0.0.1:0", "--ladder", "\(directory.path)/\(ladder)",
                "--pcap", "\(directory.path)/packets")
            #expect(result.status == 0, "\(result.errors)")
        }
        try register("ladder.svg")
        let picture = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/ladder.svg"))
        let svg = String(decoding: picture, as: UTF8.self)
        #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains(">REGISTER</text>") && svg.contains(">401 Unauthorized (REGISTER)</text>"))
        #expect(svg.contains("Authorization: (left out)") && !svg.contains("response=&quot;"))
        #expect(svg.matches(of: /<polygon/).count == 4)
        try register("ladder.txt")
        let text = try String(contentsOfFile: directory.path + "/ladder.txt", encoding: .utf8)
        #expect(text.split(separator: "\n").count == 4)
        #expect(text.contains("we ──REGISTER──▶ udp:127.0.0.1:\(office.port)"))
        let packets = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/packets"))
        #expect(Array(packets.prefix(4)) == [0x0A, 0x0D, 0x0D, 0x0A])
        #expect(String(decoding: packets, as: UTF8.self).contains("Authorization: (left out)"))
        #expect(!String(decoding: packets, as: UTF8.self).contains("response="))
    }

    /// The datagrams of a capture (pcapng) over IPv4: their ports and what they hold.
    private static func datagrams(_ file: [UInt8]) -> [(from: UInt16, to: UInt16, payload: ArraySlice<UInt8>)] {
        func number(_ i: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(file[i + $1]) << (8 * $1) } }
        var datagrams: [(from: UInt16, to: UInt16, payload: ArraySlice<UInt8>)] = []
        var start = 0
        while start + 12 <= file.count {
            let length = number(start + 4, 4)
            if number(start, 4) == 6 {
                let packet = start + 28
                func port(_ i: Int) -> UInt16 { UInt16(file[packet + i]) << 8 | UInt16(file[packet + i + 1]) }
                datagrams.append((port(20), port(22), file[(packet + 28)..<(packet + number(start + 20, 4))]))
            }
            start += length
        }
        return datagrams
    }

    @Test("The capture of a call has its sound too, in both directions and as it is without protection (RFC 3550 §5.1)")
    func sound() throws {
        let directory = try TestDirectory()
        let answer = try RunningCommand([
            "answer", "--json", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999", "--count", "1", "--echo",
        ])
        let ready = try #require(answer.nextLine())
        let address = try #require(ready.split(separator: "udp:").last?.split(separator: "\"").first)
        let result = try RunningCommand.run(
            "call", "sip:bob@\(address)", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999", "--srtp",
            "sdes",
            "--tone", "440", "--for", "1s", "--pcap", "\(directory.path)/packets")
        #expect(result.status == 0, "\(result.errors)")
        #expect(answer.finish().status == 0)
        let file = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/packets"))
        let datagrams = Self.datagrams(Array(file))
        #expect(datagrams.first?.payload.starts(with: Array("INVITE sip:bob@".utf8)) == true)
        // Version 2, PCMU, and 20 ms of it behind the header: SRTP would be longer by its tag.
        let packets = datagrams.filter { $0.payload.first == 0x80 && $0.payload.count == 172 }
        let ours = try #require(packets.first?.from)
        #expect(packets.count { $0.from == ours } > 20)
        #expect(packets.count { $0.to == ours } > 20)
        #expect(packets.allSatisfy { $0.payload.dropFirst().first.map { $0 & 0x7F } == 0 })
    }

    @Test("Text of a message that XML has no place for is replaced")
    func escaping() {
        #expect(LadderPicture.escaped("<a&b>\"\r\n\u{1}") == "&lt;a&amp;b&gt;&quot;\n\u{FFFD}")
    }
}

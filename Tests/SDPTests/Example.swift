import Foundation
import Testing

@testable import SDP

/// A session description of a document, with its text as it stands there.
struct Example: CustomTestStringConvertible, Sendable {
    /// Whether it is an offer, and whether it is the first of its session.
    let isOffer: Bool, isFirst: Bool
    /// The lines, joined with LF.
    let text: String
    /// The document, the section, and the number of the description.
    let testDescription: String

    /// The octets as SIP carries them.
    var octets: [UInt8] { Array((self.text.replacingOccurrences(of: "\n", with: "\r\n") + "\r\n").utf8) }

    func parsed() throws -> SessionDescription { try SessionDescription(self.octets) }

    static let all: [Example] = Exchange.all.flatMap(\.descriptions)
}

/// Offers and answers of one session that follow each other.
struct Exchange: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var descriptions: [Example]

    static let all: [Exchange] = ["rfc3264", "rfc4317", "handbook"].flatMap { Self.read($0) }

    private static func read(_ name: String) -> [Exchange] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Examples/\(name).txt")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        var exchanges: [Exchange] = []
        var (title, label, lines) = ("", "", [String]())
        func finish() {
            guard !lines.isEmpty else { return }
            let isFirst = label == "offer"
            let count = isFirst ? 0 : exchanges.last?.descriptions.count ?? 0
            let example = Example(
                isOffer: label.hasSuffix("offer"), isFirst: label == "offer" || label == "answer",
                text: lines.joined(separator: "\n"), testDescription: "\(title): \(label)")
            if count == 0 {
                exchanges.append(Exchange(testDescription: title, descriptions: [example]))
            } else {
                exchanges[exchanges.count - 1].descriptions.append(example)
            }
            lines = []
        }
        for line in text.split(separator: "\n").map(String.init) {
            if line.hasPrefix("# ") {
                finish()
                title = String(line.dropFirst(2))
            } else if line.hasPrefix("[") {
                finish()
                label = String(line.dropFirst().dropLast())
            } else {
                lines.append(line)
            }
        }
        finish()
        return exchanges
    }
}

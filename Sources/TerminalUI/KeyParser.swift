/// Makes keys, mouse and pasted text of the octets that a terminal sends (ECMA-48, and what xterm added to it).
///
/// A sequence may come in any number of pieces. Escape alone looks like the beginning of one: whoever reads says by `flush`
/// that nothing more comes.
public struct KeyParser: Sendable {
    private var pending: [UInt8] = []
    private var pasted: [UInt8]?

    /// Octets that a sequence has at most; more are no sequence.
    static let longestSequence = 64
    /// Octets of pasted text that are kept; the rest is dropped.
    public static let longestPaste = 65_536

    private static let pasteEnd = Array("\u{1B}[201~".utf8)

    /// A parser at the beginning.
    public init() {}

    /// Whether something has begun that may be over: `flush` decides.
    public var isWaiting: Bool { !self.pending.isEmpty && self.pasted == nil }

    /// Takes octets; returns what they tell.
    public mutating func feed(_ octets: [UInt8]) -> [TerminalInput] {
        self.pending += octets
        var inputs: [TerminalInput] = []
        while !self.pending.isEmpty {
            if self.pasted != nil {
                guard self.paste(into: &inputs) else { break }
                continue
            }
            guard let (input, count) = self.next() else { break }
            self.pending.removeFirst(count)
            if let input { inputs.append(input) }
        }
        return inputs
    }

    /// Nothing more came for a while: what has begun is all there is.
    public mutating func flush() -> [TerminalInput] {
        guard self.isWaiting else { return [] }
        let rest = self.pending
        self.pending = []
        guard rest.first == 0x1B else { return [] }  // A piece of a letter.
        guard rest.count > 1 else { return [.key(Key(.escape))] }
        // Alt with [ or O; anything else is a broken sequence.
        guard rest.count == 2, let scalar = Unicode.Scalar(UInt32(rest[1])) else { return [] }
        return [.key(Key(.character(Character(scalar)), alt: true))]
    }

    /// Takes pasted text up to its end.
    ///
    /// - Returns: Whether the end was there.
    private mutating func paste(into inputs: inout [TerminalInput]) -> Bool {
        var text = self.pasted ?? []
        let end = Self.pasteEnd
        var at = 0
        while at < self.pending.count {
            if self.pending[at] == 0x1B {
                let rest = self.pending[at...].prefix(end.count)
                if Array(rest) == end {
                    self.pending.removeFirst(at + end.count)
                    self.pasted = nil
                    inputs.append(.pasted(String(decoding: text, as: UTF8.self)))
                    return true
                }
                if end.starts(with: rest) { break }  // The end itself may be in pieces.
            }
            if text.count < Self.longestPaste { text.append(self.pending[at]) }
            at += 1
        }
        self.pending.removeFirst(at)
        self.pasted = text
        return false
    }

    /// The first thing that is there and the octets it took; `nil` when more are needed.
    private mutating func next() -> (TerminalInput?, Int)? {
        let first = self.pending[0]
        guard first == 0x1B else { return Self.letter(self.pending[...]).map { ($0.key.map { .key($0) }, $0.count) } }
        guard self.pending.count > 1 else { return nil }
        switch self.pending[1] {
        case 0x5B: return self.controlSequence()
        case 0x4F:
            guard self.pending.count > 2 else { return nil }
            return (Self.functionKey(final: self.pending[2], modifiers: 1).map { .key($0) }, 3)
        case 0x1B: return (.key(Key(.escape)), 1)
        default:
            guard let letter = Self.letter(self.pending[1...]) else { return nil }
            var key = letter.key
            key?.hasAlt = true
            return (key.map { .key($0) }, letter.count + 1)
        }
    }

    /// `CSI` parameters, intermediates and a final octet.
    private mutating func controlSequence() -> (TerminalInput?, Int)? {
        guard let end = self.pending.indices.dropFirst(2).first(where: { self.pending[$0] >= 0x40 }) else {
            return self.pending.count > Self.longestSequence ? (nil, self.pending.count) : nil
        }
        let final = self.pending[end]
        let body = self.pending[2..<end]
        // Within a sequence there is nothing below a space: it has been cut off, and something else begins.
        if let broken = body.firstIndex(where: { $0 < 0x20 }) { return (nil, broken) }
        guard final < 0x7F else { return (nil, end + 1) }
        if body.first == 0x3C { return (Self.mouse(body.dropFirst(), isPress: final == 0x4D), end + 1) }
        let numbers = Self.numbers(body)
        let modifiers = numbers.count > 1 ? numbers[1] : 1
        guard final == 0x7E else {
            if final == 0x75, let code = numbers.first {
                return (Self.coded(code, modifiers).map { .key($0) }, end + 1)
            }
            return (Self.functionKey(final: final, modifiers: modifiers).map { .key($0) }, end + 1)
        }
        if numbers.first == 200 {
            self.pasted = []
            return (nil, end + 1)
        }
        let codes: [Int: Key.Code] = [
            1: .home, 2: .insert, 3: .delete, 4: .end, 5: .pageUp, 6: .pageDown, 7: .home, 8: .end, 11: .function(1),
            12: .function(2), 13: .function(3), 14: .function(4), 15: .function(5), 17: .function(6), 18: .function(7),
            19: .function(8), 20: .function(9), 21: .function(10), 23: .function(11), 24: .function(12),
        ]
        return (numbers.first.flatMap { codes[$0] }.map { .key(Self.key($0, modifiers)) }, end + 1)
    }

    private static func numbers(_ octets: ArraySlice<UInt8>) -> [Int] {
        octets.split(separator: 0x3B, omittingEmptySubsequences: false).map { part in
            // What follows a colon refines the number.
            part.prefix { $0 != 0x3A }.reduce(0) {
                ($1 >= 0x30 && $1 <= 0x39) ? Swift.min($0 * 10 + Int($1) - 48, 1 << 24) : $0
            }
        }
    }

    private static func key(_ code: Key.Code, _ modifiers: Int) -> Key {
        let bits = Swift.max(0, modifiers - 1)
        return Key(code, control: bits & 4 != 0, alt: bits & 2 != 0)
    }

    private static func functionKey(final: UInt8, modifiers: Int) -> Key? {
        let code: Key.Code
        switch final {
        case 0x41: code = .up
        case 0x42: code = .down
        case 0x43: code = .right
        case 0x44: code = .left
        case 0x46: code = .end
        case 0x48: code = .home
        case 0x4D: code = .enter
        case 0x50...0x53: code = .function(Int(final) - 0x4F)
        case 0x5A: code = .backTab
        default: return nil
        }
        return Self.key(code, modifiers)
    }

    /// A key by the number of what it writes (`CSI u`).
    private static func coded(_ code: Int, _ modifiers: Int) -> Key? {
        switch code {
        case 9: return Self.key(.tab, modifiers)
        case 13: return Self.key(.enter, modifiers)
        case 27: return Self.key(.escape, modifiers)
        case 127: return Self.key(.backspace, modifiers)
        default:
            guard code >= 0x20, let scalar = Unicode.Scalar(UInt32(code)) else { return nil }
            return Self.key(.character(Character(scalar)), modifiers)
        }
    }

    /// `button ; column ; row`, from 1 (xterm's mode 1006).
    private static func mouse(_ body: ArraySlice<UInt8>, isPress: Bool) -> TerminalInput? {
        let numbers = Self.numbers(body)
        guard numbers.count == 3, numbers[1] > 0, numbers[2] > 0 else { return nil }
        let (x, y) = (numbers[1] - 1, numbers[2] - 1)
        switch numbers[0] {
        case 64: return .mouse(Mouse(.wheelUp, x: x, y: y))
        case 65: return .mouse(Mouse(.wheelDown, x: x, y: y))
        case 0...31: return .mouse(Mouse(isPress ? .pressed : .released, button: numbers[0] & 3, x: x, y: y))
        default: return nil
        }
    }

    /// A letter in UTF-8, or a control character; `nil` when more octets are needed.
    private static func letter(_ octets: ArraySlice<UInt8>) -> (key: Key?, count: Int)? {
        guard let first = octets.first else { return nil }
        switch first {
        case 0x0D, 0x0A: return (Key(.enter), 1)
        case 0x09: return (Key(.tab), 1)
        case 0x08, 0x7F: return (Key(.backspace), 1)
        case 0x1B: return (Key(.escape), 1)
        case 0x00: return (Key(.character(" "), control: true), 1)
        case 0x01..<0x20:
            // 1 is Control with A; the four behind Z are signs.
            return (Key(.character(Character(Unicode.Scalar(first + (first < 0x1B ? 0x60 : 0x40)))), control: true), 1)
        case ..<0x80: return (Key(.character(Character(Unicode.Scalar(first)))), 1)
        default: break
        }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first < 0xF5 else { return (nil, 1) }
        let rest = octets.dropFirst().prefix(length - 1)
        if let wrong = rest.firstIndex(where: { $0 & 0xC0 != 0x80 }) { return (nil, wrong - octets.startIndex) }
        guard rest.count == length - 1 else { return nil }
        guard let text = String(validating: octets.prefix(length), as: UTF8.self), let character = text.first else {
            return (nil, length)
        }
        return (Key(.character(character)), length)
    }
}

import SIPMessages

/// An `a=` line: a name, and a value where it has one (RFC 8866 §5.13).
public struct SDPAttribute: Hashable, Sendable {
    /// The name.
    public var name: String
    /// What stands after the colon; `nil` without one.
    public var value: String?

    /// An attribute.
    public init(_ name: String, _ value: String? = nil) { (self.name, self.value) = (name, value) }

    init?(_ line: SDPLine) {
        guard line.type == .line("a") else { return nil }
        let colon = line.value.firstIndex(of: 0x3A)
        self.name = String(decoding: line.value[..<(colon ?? line.value.endIndex)], as: UTF8.self)
        self.value = colon.map { String(decoding: line.value[($0 + 1)...], as: UTF8.self) }
    }
}

/// The session's part of a description, or that of one medium: lines of which the order matters.
public protocol SDPSection {
    /// The lines in their order, without `v=`, `o=` and `m=`.
    var lines: [SDPLine] { get set }
    /// The letters that may occur, in the order of RFC 8866 §9.
    static var order: StaticString { get }
}

extension SDPSection {
    /// The place of a letter in the order of lines; behind all others when it is unknown.
    static func rank(_ type: UInt8) -> Int {
        self.order.withUTF8Buffer { $0.firstIndex(of: type) } ?? Int.max
    }

    /// Adds a line behind those that belong before it (RFC 8866 §5: the order is fixed).
    public mutating func insert(_ line: SDPLine) {
        let rank = Self.rank(line.type)
        let place = self.lines.lastIndex { Self.rank($0.type) <= rank }.map { $0 + 1 } ?? 0
        self.lines.insert(line, at: place)
    }

    /// The first line of a type.
    public func line(_ type: Character) -> SDPLine? {
        let letter = type.asciiValue ?? 0
        return self.lines.first { $0.type == letter }
    }

    /// Replaces the first line of a type, or adds it; further ones are removed. `nil` removes all.
    public mutating func setLine(_ type: Character, _ text: String?) {
        let letter = type.asciiValue ?? 0
        guard let text else { return self.lines.removeAll { $0.type == letter } }
        let line = SDPLine(type, text)
        guard let first = self.lines.firstIndex(where: { $0.type == letter }) else { return self.insert(line) }
        if self.lines[first].value != line.value { self.lines[first] = line }
        let rest = self.lines[(first + 1)...].filter { $0.type != letter }
        self.lines.replaceSubrange((first + 1)..., with: rest)
    }

    // MARK: Attributes

    /// The attributes in their order.
    public var attributes: [SDPAttribute] { self.lines.compactMap { SDPAttribute($0) } }

    /// The first attribute of a name. Names are case-significant; of those that peers write in another case
    /// (`a=RTPmap`), none means something else.
    public func attribute(_ name: String) -> SDPAttribute? {
        for line in self.lines where Self.isAttribute(line, name) { return SDPAttribute(line) }
        return nil
    }

    /// Whether there is an attribute of a name.
    public func hasAttribute(_ name: String) -> Bool { self.lines.contains { Self.isAttribute($0, name) } }

    /// The values of all attributes of a name.
    public func attributeValues(_ name: String) -> [String] {
        self.lines.compactMap { Self.isAttribute($0, name) ? SDPAttribute($0)?.value : nil }
    }

    /// Adds an attribute behind all others.
    public mutating func addAttribute(_ name: String, _ value: String? = nil) {
        self.insert(SDPLine("a", value.map { "\(name):\($0)" } ?? name))
    }

    /// Replaces the first attribute of a name, or adds it; further ones are removed.
    public mutating func setAttribute(_ name: String, _ value: String? = nil) {
        guard let first = self.lines.firstIndex(where: { Self.isAttribute($0, name) }) else {
            return self.addAttribute(name, value)
        }
        let line = SDPLine("a", value.map { "\(name):\($0)" } ?? name)
        if self.lines[first].value != line.value { self.lines[first] = line }
        let rest = self.lines[(first + 1)...].filter { !Self.isAttribute($0, name) }
        self.lines.replaceSubrange((first + 1)..., with: rest)
    }

    /// Removes all attributes of a name.
    public mutating func removeAttributes(_ name: String) {
        self.lines.removeAll { Self.isAttribute($0, name) }
    }

    private static func isAttribute(_ line: SDPLine, _ name: String) -> Bool {
        guard line.type == .line("a") else { return false }
        var i = 0
        for octet in name.utf8 {
            guard i < line.value.count, line.value[i].lowercased == octet.lowercased else { return false }
            i += 1
        }
        return i == line.value.count || line.value[i] == 0x3A
    }

    // MARK: What both parts may have

    /// The `c=` line; the first where a medium has several (multicast only).
    public var connection: ConnectionData? {
        get { self.line("c").flatMap { try? ConnectionData(parsing: $0.value) } }
        set { self.setLine("c", newValue?.description) }
    }

    /// The `b=` lines; one that breaks its grammar is left out.
    public var bandwidths: [Bandwidth] {
        get { self.lines.compactMap { $0.type == .line("b") ? Bandwidth(parsing: $0.value) : nil } }
        set {
            guard newValue != self.bandwidths else { return }
            self.lines.removeAll { $0.type == .line("b") }
            for bandwidth in newValue { self.insert(SDPLine("b", bandwidth.description)) }
        }
    }

    /// The bandwidth of a modifier (`AS`, `TIAS` …), in its unit.
    public func bandwidth(_ modifier: String) -> UInt64? {
        self.bandwidths.first { $0.modifier.equals(ignoringCase: modifier) }?.value
    }

    /// The `i=` line.
    public var information: String? {
        get { self.line("i")?.text }
        set { self.setLine("i", newValue) }
    }

    /// The direction that this part says; `nil` when it says none.
    public var ownDirection: MediaDirection? {
        get {
            for line in self.lines where line.type == .line("a") {
                for direction in MediaDirection.allCases where Self.isAttribute(line, direction.rawValue) {
                    return direction
                }
            }
            return nil
        }
        set {
            guard newValue != self.ownDirection else { return }
            for direction in MediaDirection.allCases { self.removeAttributes(direction.rawValue) }
            if let newValue { self.addAttribute(newValue.rawValue) }
        }
    }
}

import TerminalUI

/// A line that is asked for.
struct PhonePrompt: Hashable, Sendable {
    /// What it is for.
    enum Purpose: Hashable, Sendable {
        case call
        case transfer(call: String)
        case digits(call: String)
        case message(to: String)
        case messageTo
        case contactName
        case contactAddress(name: String)
        case account
        case password(account: String)
        case command
    }

    let purpose: Purpose
    var line: LineEditor
    /// Which of the completions was taken last, and what they complete.
    var completion: (number: Int, stem: String)?
    /// How far back in what was entered before.
    var past = 0

    init(_ purpose: Purpose, _ text: String = "") { (self.purpose, self.line) = (purpose, LineEditor(text)) }

    /// What is asked.
    var question: String {
        switch self.purpose {
        case .call: "Call whom: "
        case .transfer: "Transfer to: "
        case .digits: "Keys: "
        case .message(let peer): "To \(Address.short(peer)): "
        case .messageTo: "Message to whom: "
        case .contactName: "Name of the contact: "
        case .contactAddress(let name): "Address of \(name): "
        case .account: "Account (sip:you@example.test): "
        case .password(let account): "Password of \(Address.short(account)): "
        case .command: ":"
        }
    }

    /// Whether what is typed is not shown.
    var isSecret: Bool { if case .password = self.purpose { true } else { false } }

    /// Whether addresses are to be entered.
    var takesAddress: Bool {
        switch self.purpose {
        case .call, .transfer, .messageTo: true
        default: false
        }
    }

    static func == (left: PhonePrompt, right: PhonePrompt) -> Bool {
        left.purpose == right.purpose && left.line == right.line && left.past == right.past
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.purpose)
        hasher.combine(self.line)
    }
}

/// Addresses as people read them.
enum Address {
    /// Without the scheme and without parameters: `bob@example.test`.
    static func short(_ address: String) -> String {
        var rest = Substring(address)
        if let colon = rest.firstIndex(of: ":"), ["sip", "sips", "tel"].contains(rest[..<colon].lowercased()) {
            rest = rest[rest.index(after: colon)...]
        }
        return String(rest.prefix { $0 != ";" && $0 != "?" })
    }

    /// What is the same for the same person: the short form in small letters, without a port.
    static func key(_ address: String) -> String {
        let short = Self.short(address).lowercased()
        guard let at = short.lastIndex(of: "@"), let colon = short[at...].lastIndex(of: ":"),
            short[short.index(after: colon)...].allSatisfy(\.isNumber)
        else { return short }
        return String(short[..<colon])
    }
}

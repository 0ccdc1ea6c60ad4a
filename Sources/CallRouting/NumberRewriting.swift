import SIPMessages

/// How a route changes the user part that was dialled, before the call goes on.
public enum NumberRewriting: Hashable, Sendable {
    /// Takes as many characters off the front as the first number says, and puts a text before the rest.
    case edit(strip: Int, prepend: String)
    /// Replaces it: `$0` is what was dialled, `$1` to `$9` what the wildcards of the pattern stood for.
    case template(String)

    /// As dialled.
    public static let none = NumberRewriting.edit(strip: 0, prepend: "")

    /// The user part that is dialled on.
    ///
    /// - Parameters:
    ///   - user: What was dialled, without escapes.
    ///   - subject: What the pattern was matched with: the user part or the whole URI.
    ///   - captures: Where in it the runs of wildcards lie.
    public func apply(to user: [UInt8], subject: [UInt8], captures: [Range<Int>]) -> [UInt8] {
        switch self {
        case .edit(let strip, let prepend): Array(prepend.utf8) + user.dropFirst(strip)
        case .template(let template): Self.fill(template, user: user, subject: subject, captures: captures)
        }
    }

    /// `template` with `$0` replaced by `user`, and `$1` to `$9` by what the wildcards stood for.
    ///
    /// - Parameter isForURI: Whether what is put in is escaped as a user part must be, so that what was dialled cannot end
    ///   the user part.
    static func fill(
        _ template: String, user: [UInt8], subject: [UInt8], captures: [Range<Int>], isForURI: Bool = false
    ) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(template.utf8)[...]
        while let octet = rest.popFirst() {
            guard octet == 0x24, let digit = rest.first?.decimalDigitValue else {
                result.append(octet)
                continue
            }
            rest = rest.dropFirst()
            let value =
                digit == 0 ? user : Int(digit) <= captures.count ? Array(subject[captures[Int(digit) - 1]]) : []
            if isForURI { result.append(escapingUser: value) } else { result += value }
        }
        return result
    }
}

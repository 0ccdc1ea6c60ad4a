/// Something that lies over the panes.
enum PhoneOverlay: Hashable, Sendable {
    /// The keys.
    case help(scroll: Int)
    /// Lines under a title.
    case text(title: String, lines: [String], scroll: Int)
    /// A question with yes or no.
    case question(String, Answer)

    /// What yes means.
    enum Answer: Hashable, Sendable {
        case quit
        case connect(String, String)
        case removeContact(Int)
        case removeAccount(String)
    }

    /// The same, scrolled by some lines.
    func scrolled(by lines: Int) -> PhoneOverlay {
        switch self {
        case .help(let scroll): .help(scroll: Swift.max(0, scroll + lines))
        case .text(let title, let text, let scroll):
            .text(title: title, lines: text, scroll: Swift.max(0, Swift.min(text.count - 1, scroll + lines)))
        case .question: self
        }
    }
}

import ArgumentParser
import Foundation

/// The manual: a page for the program and one for each of its commands.
struct Manual {
    /// One page.
    struct Page {
        /// `biloxi-call`.
        let name: String
        /// In the language of man(7).
        let text: String
    }

    /// What the argument parser tells of a command.
    struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let kind: String
                let name: String

                /// As it is typed: `--json`, `-v`.
                var text: String { (self.kind == "long" ? "--" : "-") + self.name }
            }
            let kind: String
            let shouldDisplay: Bool
            let isOptional: Bool
            let isRepeating: Bool
            let names: [Name]?
            let valueName: String?
            let defaultValue: String?
            let abstract: String?
        }
        let commandName: String
        let shouldDisplay: Bool
        let abstract: String?
        let discussion: String?
        let subcommands: [Command]?
        let arguments: [Argument]?
    }

    private struct Tool: Decodable { let command: Command }

    /// The pages, that of the program first.
    let pages: [Page]

    init() throws {
        let tool = try JSONDecoder().decode(Tool.self, from: Data(Biloxi._dumpHelp().utf8))
        var pages: [Page] = []
        Self.add(tool.command, [], to: &pages)
        self.pages = pages
    }

    private static func add(_ command: Command, _ parents: [String], to pages: inout [Page]) {
        let names = parents + [command.commandName]
        let commands = (command.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
        pages.append(Page(name: names.joined(separator: "-"), text: Self.text(command, names, commands)))
        for other in commands { Self.add(other, names, to: &pages) }
    }

    private static func text(_ command: Command, _ names: [String], _ commands: [Command]) -> String {
        let (name, title) = (names.joined(separator: "-"), names.joined(separator: " "))
        let arguments = (command.arguments ?? []).filter(\.shouldDisplay)
        let values = arguments.filter { $0.kind == "positional" }
        let options = arguments.filter { $0.kind != "positional" }
        var lines = [
            ".\\\" Made by `biloxi man`; what is wrong here is wrong in the command's own help.",
            ".TH \(Self.escaped(name.uppercased())) 1 \"\" \"Biloxi \(Biloxi.version)\" \"User Commands\"",
            ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(Self.sentence(command.abstract)))", ".SH SYNOPSIS",
            ".B \(Self.escaped(title))",
        ]
        if !options.isEmpty { lines.append("[\\fIoptions\\fR]") }
        if !commands.isEmpty { lines.append("\\fIcommand\\fR") }
        for value in values {
            let text = "\\fI\(Self.escaped(value.valueName ?? "value"))\\fR" + (value.isRepeating ? " ..." : "")
            lines.append(value.isOptional ? "[\(text)]" : text)
        }
        if let discussion = command.discussion, !discussion.isEmpty {
            lines += [".SH DESCRIPTION"] + Self.paragraphs(discussion)
        }
        if !values.isEmpty {
            lines.append(".SH ARGUMENTS")
            for value in values { lines += Self.item("\\fI\(Self.escaped(value.valueName ?? "value"))\\fR", value) }
        }
        if !options.isEmpty {
            lines.append(".SH OPTIONS")
            for option in options {
                let names = (option.names ?? []).map { "\\fB\(Self.escaped($0.text))\\fR" }.joined(separator: ", ")
                let value = option.kind == "option" ? " \\fI\(Self.escaped(option.valueName ?? "value"))\\fR" : ""
                lines += Self.item(names + value, option)
            }
        }
        if !commands.isEmpty {
            lines.append(".SH COMMANDS")
            for other in commands {
                lines += [
                    ".TP", "\\fB\(Self.escaped("\(name)-\(other.commandName)"))\\fR(1)",
                    Self.line(other.abstract ?? ""),
                ]
            }
        }
        let parents = names.dropLast()
        let others = parents.isEmpty ? commands.map { "\(name)-\($0.commandName)" } : [parents.joined(separator: "-")]
        lines += [".SH SEE ALSO"]
        for (i, other) in others.enumerated() {
            lines.append(".BR \(Self.escaped(other)) (1)" + (i + 1 < others.count ? "," : ""))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func item(_ head: String, _ argument: Command.Argument) -> [String] {
        var text = Self.line(argument.abstract ?? "")
        if let value = argument.defaultValue, !value.isEmpty { text += Self.escaped(" (default: \(value))") }
        return [".TP", head, text.isEmpty ? "\\&" : text]
    }

    /// Without capital and full stop, as NAME wants it.
    private static func sentence(_ text: String?) -> String {
        guard let text, let first = text.first else { return "" }
        let second = text.dropFirst().first
        let begin = second?.isUppercase == true ? String(first) : first.lowercased()
        return begin + text.dropFirst().trimmingSuffix(".")
    }

    private static func paragraphs(_ text: String) -> [String] {
        text.components(separatedBy: "\n\n").enumerated().flatMap { i, paragraph in
            (i > 0 ? [".PP"] : []) + [Self.line(paragraph.replacingOccurrences(of: "\n", with: " "))]
        }
    }

    /// A line of text: one that begins like a request does not become one.
    private static func line(_ text: String) -> String {
        let escaped = Self.escaped(text)
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }

    /// Text as it is, hyphens too, so that options can be copied; in ASCII, which every formatter reads.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\e"
            case "-": "\\-"
            case _ where !scalar.isASCII: "\\[u\(String(format: "%04X", scalar.value))]"
            default: String(scalar)
            }
        }.joined()
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        self.hasSuffix(suffix) ? String(self.dropLast(suffix.count)) : String(self)
    }
}

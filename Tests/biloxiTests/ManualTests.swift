import Foundation
import Testing

@testable import biloxi

@Suite("The manual and the completions")
struct ManualTests {
    private func generated() throws -> TestDirectory {
        let directory = try TestDirectory()
        let result = try RunningCommand.run("man", directory.path)
        #expect(result.status == 0, "\(result.errors)")
        return directory
    }

    @Test("Every command has a page with all of its options, and is named in that of the program")
    func pages() throws {
        let directory = try self.generated()
        func page(_ name: String) throws -> String {
            try String(contentsOfFile: "\(directory.path)/man1/\(name).1", encoding: .utf8)
        }
        let program = try page("biloxi")
        for command in ["serve", "call", "answer", "run", "ping", "user", "config"] {
            #expect(program.contains("\\fBbiloxi\\-\(command)\\fR(1)"))
            let help = try RunningCommand.run(command, "--help").output
            let text = try page("biloxi-\(command)").replacingOccurrences(of: "\\-", with: "-")
            for option in help.matches(of: /\n  (?:-[a-z], )?(--[a-z-]+)/).map({ String($0.1) })
            where option != "--help" && option != "--version" {
                #expect(text.contains("\\fB\(option)\\fR"), "\(command) \(option)")
            }
        }
        #expect(try page("biloxi-user-add").contains(".SH SYNOPSIS\n.B biloxi user add"))
        #expect(!program.contains("biloxi\\-man"))
    }

    @Test("Nothing in a page is taken for a request that is none, and lines of text do not begin with one")
    func requests() throws {
        let known = [".\\\"", ".TH", ".SH", ".B", ".BR", ".TP", ".PP"]
        for page in try Manual().pages {
            for line in page.text.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
                #expect(known.contains(String(line.prefix { $0 != " " })), "\(page.name): \(line)")
            }
        }
    }

    @Test(
        "Each shell gets completions that know the commands and their options",
        arguments: ["biloxi", "_biloxi", "biloxi.fish"])
    func completions(file: String) throws {
        let directory = try self.generated()
        let script = try String(contentsOfFile: "\(directory.path)/completions/\(file)", encoding: .utf8)
        for word in ["resolve", "expect-audio", "media-ports"] { #expect(script.contains(word)) }
    }
}

import ArgumentParser
import Foundation

/// `biloxi man`: writes the manual, from what the commands say of themselves.
struct ManCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man", abstract: "Write the manual pages and the completions of all commands.",
        shouldDisplay: false)

    @Argument(help: "The directory: it gets man1 with the pages, and completions for bash, zsh and fish.")
    var directory: String

    mutating func run() throws {
        let manual = try Manual()
        var files = manual.pages.map { (path: "man1/\($0.name).1", text: $0.text) }
        for (shell, path) in [
            (CompletionShell.bash, "completions/biloxi"), (.zsh, "completions/_biloxi"),
            (.fish, "completions/biloxi.fish"),
        ] {
            files.append((path, Biloxi.completionScript(for: shell)))
        }
        for file in files {
            let url = URL(fileURLWithPath: self.directory).appending(path: file.path)
            do {
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(file.text.utf8).write(to: url)
            } catch {
                throw CommandError(.failed, "\(url.path) cannot be written: \(error.localizedDescription)")
            }
            Output.write(url.path)
        }
    }
}

import Foundation
import Testing

@testable import biloxi

@Suite("The telephone as a process, on loopback", .timeLimit(.minutes(5)))
struct TelephoneTests {
    /// `biloxi answer`, and the address at which it answers.
    private func answering(_ arguments: String...) throws -> (RunningCommand, uri: String) {
        let command = try RunningCommand(
            ["answer", "--json", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999"] + arguments)
        while let line = command.nextLine() {
            let event = try Self.event(line)
            guard event["event"] as? String == "ready" else { continue }
            let address = try #require((event["listen"] as? [String])?.first)
            return (command, "sip:bob@\(address.dropFirst("udp:".count))")
        }
        throw Failure()
    }

    struct Failure: Error {}

    private static func event(_ line: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    /// `biloxi call`, and its events.
    private func call(_ uri: String, _ arguments: String...) throws -> (
        status: Int32, events: [[String: Any]], errors: String
    ) {
        let result = try RunningCommand(
            ["call", uri, "--json", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999"] + arguments
        ).finish()
        let events = try result.output.split(separator: "\n").map { try Self.event(String($0)) }
        return (result.status, events, result.errors)
    }

    @Test("A call plays, records, presses keys and judges what it has heard")
    func call() throws {
        let directory = try TestDirectory()
        let recording = directory.path + "/heard.wav"
        let (answer, uri) = try self.answering("--count", "1", "--tone", "440", "--expect-dtmf", "42", "--for", "20s")
        let result = try self.call(
            uri, "--record", recording, "--dtmf", "42", "--for", "2s", "--expect-audio", "--min-mos", "4")
        #expect(result.status == 0, "\(result.errors)")
        let names = result.events.compactMap { $0["event"] as? String }
        #expect(names.first == "calling")
        #expect(names.contains("audio"))
        #expect(names.last == "quality")
        let quality = try #require(result.events.last)
        #expect(quality["codec"] as? String == "PCMU")
        #expect(quality["received"] as? Int ?? 0 > 50)
        #expect(result.events.allSatisfy { $0["schema"] as? Int == 1 })
        let octets = try #require(FileManager.default.contents(atPath: recording))
        #expect(octets.count > 16_000)
        #expect(answer.finish().status == 0)
    }

    @Test(
        "Raw samples go out and come in at the rate that is wanted; with them on standard output all else is on the other"
    )
    func rawSound() throws {
        let (answer, uri) = try self.answering("--count", "1", "--echo")
        let directory = try TestDirectory()
        // A second and a half of 500 Hz at 16 kHz, and an octet too many.
        var octets: [UInt8] = []
        for i in 0..<24_000 {
            let sample = Int16(8_000 * sin(Double(i) * 2 * .pi * 500 / 16_000))
            octets += [UInt8(truncatingIfNeeded: sample), UInt8(truncatingIfNeeded: sample >> 8)]
        }
        let file = directory.path + "/sound"
        try Data(octets + [0]).write(to: URL(fileURLWithPath: file))
        let call = try RunningCommand([
            "call", uri, "--json", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999", "--in", file, "--out",
            directory.path + "/heard", "--rate", "16000", "--for", "2s", "--expect-audio",
        ]).finish()
        #expect(call.status == 0, "\(call.errors)")
        let heard = try #require(FileManager.default.contents(atPath: directory.path + "/heard"))
        // At least a second of two, 32,000 octets each; and the tone is in it.
        #expect(heard.count > 32_000 && heard.count.isMultiple(of: 2))
        #expect(heard.enumerated().contains { $0.offset % 2 == 1 && $0.element > 16 && $0.element < 64 })
        #expect(answer.finish().status == 0)
        let (second, other) = try self.answering("--count", "1", "--tone", "440")
        let diverted = try RunningCommand([
            "call", other, "--json", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999", "--out", "-",
            "--for",
            "1s",
        ]).finish()
        #expect(diverted.status == 0)
        #expect(diverted.errors.contains("\"quality\""))
        #expect(!diverted.output.contains("quality") && diverted.output.utf8.count > 4_000)
        #expect(second.finish().status == 0)
    }

    @Test("A refusal ends with its own code and says what to do")
    func refusals() throws {
        let (busy, uri) = try self.answering("--count", "1", "--status", "486")
        let refused = try self.call(uri)
        #expect(refused.status == 6)
        #expect(refused.errors.contains("486 Busy Here"))
        #expect(busy.finish().status == 0)
        let (answer, other) = try self.answering("--count", "1")
        let strange = try self.call(other, "--codec", "L16/16000")
        #expect(strange.status == 3)
        #expect(strange.errors.contains("try --codec PCMU,PCMA,opus,G722"))
        #expect(answer.finish().status == 3)  // What it has told the caller.
    }

    @Test("Expectations that are not met end with 8, and say what was missing")
    func expectations() throws {
        let (answer, uri) = try self.answering("--count", "1", "--expect-dtmf", "9", "--for", "10s")
        let silent = try self.call(uri, "--for", "1s", "--expect-audio")
        #expect(silent.status == 8)
        #expect(silent.errors.contains("only silence came"))
        let result = answer.finish()
        #expect(result.status == 8)
        #expect(result.errors.contains("the keys 9 were expected, none came"))
    }

    @Test("Ctrl-C ends a call in an orderly way, with 130")
    func interruption() throws {
        let (answer, uri) = try self.answering("--count", "1")
        let command = try RunningCommand(["call", uri, "--json", "--local", "udp:127.0.0.1:0"])
        while let line = command.nextLine() { if line.contains("\"audio\"") { break } }
        #expect(command.finish(SIGINT).status == 130)
        #expect(answer.finish().status == 0)  // It got a BYE.
    }

    @Test("Where nobody is the call ends with 7; a URI that is none with 2")
    func unreachable() throws {
        #expect(try self.call("sip:bob@127.0.0.1:9").status == 7)
        #expect(try self.call("sip:").status == 2)
        #expect(try self.call("sip:bob@127.0.0.1", "--tone", "high").status == 2)
    }

    @Test("A message goes from one to the other; OPTIONS is answered; a file is sent")
    func messages() throws {
        let listening = try RunningCommand(
            ["message", "--listen", "--count", "1", "--json", "--local", "udp:127.0.0.1:0"])
        let ready = try Self.event(try #require(listening.nextLine()))
        let uri = "sip:bob@\(try #require((ready["listen"] as? [String])?.first).dropFirst("udp:".count))"
        let ping = try RunningCommand.run("ping", uri, "--json", "--local", "udp:127.0.0.1:0")
        #expect(ping.status == 0)
        #expect(ping.output.contains("\"status\":200"))
        let directory = try TestDirectory()
        let file = try directory.write("OPTIONS {{target}} SIP/2.0\n\n", to: "options")
        let sent = try RunningCommand.run("send", file, "--to", uri, "--json", "--local", "udp:127.0.0.1:0")
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(sent.output.contains("SIP/2.0 200 OK"))
        #expect(try RunningCommand.run("message", uri, "Watson", "--local", "udp:127.0.0.1:0").status == 0)
        let message = try Self.event(try #require(listening.nextLine()))
        #expect(message["text"] as? String == "Watson")
        #expect(listening.finish().status == 0)
    }

    @Test("An account registers, is seen, is called by its name, and is removed")
    func registration() throws {
        let office = try Office()
        let password = try office.directory.write(Office.passwords["bob"] ?? "", to: "bob.password")
        let proxy = "127.0.0.1:\(office.port)"
        let account = ["--account", "sip:bob@\(Office.domain)", "--password-file", password, "--proxy", proxy]
        func run(_ arguments: [String]) throws -> RunningCommand.Result {
            try RunningCommand(arguments + account + ["--json", "--local", "udp:127.0.0.1:0"]).finish()
        }
        let bound = try run(["register", "--contact", "sip:bob@192.0.2.7", "--expires", "5m"])
        #expect(bound.status == 0, "\(bound.errors)")
        #expect(try run(["bindings"]).output.contains("sip:bob@192.0.2.7"))
        #expect(try run(["unregister"]).output.contains("\"bindings\":[]"))
        let keeping = try RunningCommand(["register", "--keep"] + account + ["--json", "--local", "udp:127.0.0.1:0"])
        #expect(try #require(keeping.nextLine()).contains("\"registered\""))
        #expect(keeping.finish(SIGINT).status == 130)
        #expect(try run(["bindings"]).output.contains("\"bindings\":[]"))
        let wrong = try office.directory.write("wrong", to: "wrong.password")
        let refused = try RunningCommand(
            ["register", "--account", "sip:bob@\(Office.domain)", "--password-file", wrong, "--proxy", proxy]
        ).finish()
        #expect(refused.status == 4)
        #expect(refused.errors.contains("the password or the user name is wrong"))
    }

    @Test("An address leads to servers by its text alone where it is a number (RFC 3263 §4.2)")
    func resolution() throws {
        let result = try RunningCommand.run("resolve", "sip:bob@127.0.0.1;transport=tcp")
        #expect(result.output == "1. tcp 127.0.0.1:5060\n")
        #expect(try RunningCommand.run("resolve", "sip:[", "--json").status == 2)
    }
}

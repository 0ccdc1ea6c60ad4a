import Foundation
import Testing

@testable import biloxi

@Suite("biloxi run: a telephone that a program drives", .timeLimit(.minutes(5)))
struct RunTests {
    @Test("Two of them register, call, hear, press keys, hold, talk and hang up through a server")
    func callThroughServer() throws {
        let office = try Office()
        let (alice, bob) = (try RunTelephone("alice", of: office), try RunTelephone("bob", of: office))
        for phone in [alice, bob] { #expect(try phone.does("register")["expires"] as? Int ?? 0 > 0) }
        let calling = try alice.start(
            "call", ["uri": "bob", "call": "a", "headers": ["Subject": "lunch", "X-Two": ["1", "2"]]])
        let incoming = try bob.wait("incoming")
        #expect(incoming["from"] as? String == "sip:alice@office.test")
        let headers = try #require(incoming["headers"] as? [String: [String]])
        #expect(headers["Subject"] == ["lunch"] && headers["X-Two"] == ["1", "2"])
        let call = try #require(incoming["call"] as? String)
        try bob.does("ring", ["call": call])
        _ = try alice.wait("progress", ["call": "a", "status": "180"])
        try bob.does("answer", ["call": call])
        let done = try alice.wait("done", id: calling)
        #expect(done["call"] as? String == "a" && done["do"] as? String == "call")
        let tone = try bob.start("play", ["call": call, "tone": "440"])
        _ = try alice.wait("audio", ["call": "a"])
        try bob.start("collect", ["call": call, "count": 2])
        try alice.does("dtmf", ["call": "a", "keys": "42"])
        #expect(try bob.wait("done", ["do": "collect"])["keys"] as? String == "42")
        _ = try bob.wait("digit", ["call": call, "key": "4"])
        try alice.does("hold", ["call": "a"])
        _ = try bob.wait("held", ["call": call])
        try alice.does("resume", ["call": "a"])
        try alice.does("info", ["call": "a", "contentType": "text/plain", "text": "all well"])
        #expect(try bob.wait("info", ["call": call])["text"] as? String == "all well")
        try alice.does("message", ["call": "a", "text": "inside"])
        #expect(try bob.wait("message", ["call": call])["text"] as? String == "inside")
        #expect(try bob.does("message", ["uri": "alice", "text": "outside"])["status"] as? Int == 200)
        #expect(try alice.wait("message", ["text": "outside"])["call"] == nil)
        let status = try bob.does("status")
        #expect((status["calls"] as? [[String: Any]])?.first?["state"] as? String == "answered")
        try bob.does("hangup", ["call": call])
        _ = try bob.wait("failed", ["code": "ended"], id: tone)
        #expect(try alice.wait("ended", ["call": "a"])["code"] as? String == "ended")
        #expect(try alice.wait("quality", ["call": "a"])["received"] as? Int ?? 0 > 0)
        #expect(alice.end() == 0)
        #expect(bob.end() == 0)
    }

    @Test("What a line wants that makes no sense is told, with what may have been meant, and ends with 2")
    func misunderstood() throws {
        let cases = [
            (#"{"do":"cal","uri":"sip:bob@127.0.0.1"}"#, "did you mean \"call\"?"),
            (#"{"do":"call","url":"sip:bob@127.0.0.1"}"#, "\"call\" has no \"url\": did you mean \"uri\"?"),
            (#"{"do":"call"}"#, "\"call\" needs \"uri\""),
            (#"{"do":"call","uri":7}"#, "\"uri\" of \"call\" must be a text"),
            (#"{"do":"hold","call":"a"}"#, "there is no call \"a\": none goes on"),
            (#"{"uri":"sip:bob@127.0.0.1"}"#, "\"do\" is missing"), ("[1]", "this is no object"),
            ("call bob", "this is no JSON"),
            (#"{"do":"transfer","call":"a","to":"x","toCall":"y"}"#, "there is no call \"a\""),
            (#"{"do":"play","call":"a","tone":"high"}"#, "there is no call \"a\""),
            (#"{"do":"wait","for":"soon"}"#, "\"for\" of \"wait\" must be a time"),
        ]
        let result = try RunningCommand(
            ["run", "-", "--local", "udp:127.0.0.1:0"],
            input: "# a comment\n\n" + cases.map { $0.0 }.joined(separator: "\n")
        ).finish()
        let errors = result.events.filter { $0["event"] as? String == "error" }
        #expect(errors.count == cases.count)
        for (i, (error, wanted)) in zip(errors, cases.map { $0.1 }).enumerated() {
            #expect((error["reason"] as? String)?.contains(wanted) == true, "\(error)")
            #expect(error["line"] as? Int == i + 3)
        }
        #expect(result.status == 2)
        #expect(result.events.last?["code"] as? Int == 2)
    }

    @Test("At the end of the input a call is hung up, one that rings cancelled; a refusal is no failure")
    func endOfInput() throws {
        let bob = try RunTelephone()
        let address = try bob.address()
        let alice = try RunTelephone()
        let calling = try alice.start("call", ["uri": address])
        let first = try #require(try bob.wait("incoming")["call"] as? String)
        try bob.does("reject", ["call": first, "status": 486, "reason": "Not Now"])
        let refused = try alice.wait("failed", id: calling)
        #expect(refused["code"] as? String == "busy" && refused["status"] as? Int == 486)
        #expect(refused["reason"] as? String == "Not Now")
        try alice.start("call", ["uri": address])
        let second = try #require(try bob.wait("incoming")["call"] as? String)
        try bob.does("answer", ["call": second])
        try alice.start("call", ["uri": address])
        let third = try #require(try bob.wait("incoming")["call"] as? String)
        try bob.does("ring", ["call": third])
        _ = try alice.wait("progress", ["status": "180"])
        #expect(alice.end() == 0)
        #expect(try bob.wait("ended", ["call": second])["code"] as? String == "ended")
        #expect(try bob.wait("ended", ["call": third])["code"] as? String == "cancelled")
        #expect(bob.end() == 0)
    }

    @Test("A file is a script: wait, expect and stop; an event that does not come ends with 8")
    func script() throws {
        let bob = try RunTelephone()
        let directory = try TestDirectory()
        let file = try directory.write(
            """
            {"do":"call","uri":"\(try bob.address())","call":"a","wait":true}
            {"do":"play","id":"tone","call":"a","tone":"350+440"}
            {"do":"expect","event":"digit","call":"a","where":{"key":"7"}}
            {"do":"stop","command":"tone"}
            {"do":"expect","event":"failed","where":{"id":"tone","code":"stopped"}}
            {"do":"hangup","call":"a"}
            {"do":"expect","event":"digit","within":"100ms"}
            """, to: "script")
        let script = try RunningCommand(["run", file, "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999"])
        let call = try #require(try bob.wait("incoming")["call"] as? String)
        try bob.does("answer", ["call": call])
        // The script hangs up at once when it has heard the key.
        try bob.start("dtmf", ["call": call, "keys": "7"])
        let result = script.finish()
        #expect(result.status == 8)
        let unmet = result.events.filter { $0["event"] as? String == "failed" && $0["do"] as? String == "expect" }
        #expect(unmet.map { $0["code"] as? String } == ["unmet"])
        #expect(result.events.compactMap { $0["number"] as? Int } == Array(1...result.events.count))
        #expect(bob.end() == 0)
    }

    /// Alice, who has called Bob and transfers him to Carol, of which he is told.
    private struct Transferring {
        let (alice, bob, carol): (RunTelephone, RunTelephone, RunTelephone)
        /// Where Carol is.
        let target: String
        /// The call at Bob's, the command at Alice's, and what Bob is to decide on.
        let (call, command, transfer): (String, Int, String)

        init() throws {
            (self.alice, self.bob, self.carol) = (try RunTelephone(), try RunTelephone(), try RunTelephone())
            self.target = try self.carol.address()
            try self.alice.start("call", ["uri": try self.bob.address(), "call": "a"])
            self.call = try #require(try self.bob.wait("incoming")["call"] as? String)
            try self.bob.does("answer", ["call": self.call])
            _ = try self.alice.wait("answered")
            self.command = try self.alice.start("transfer", ["call": "a", "to": self.target])
            let asked = try self.bob.wait("transferRequested", ["call": self.call])
            #expect(asked["target"] as? String == self.target)
            self.transfer = try #require(asked["transfer"] as? String)
        }

        func expectEnd() { #expect([self.alice.end(), self.bob.end(), self.carol.end()] == [0, 0, 0]) }
    }

    @Test("A blind transfer is asked for, decided on, and reported")
    func transfer() throws {
        let scene = try Transferring()
        let accepting = try scene.bob.start("acceptTransfer", ["transfer": scene.transfer, "call": "to-carol"])
        let incoming = try #require(try scene.carol.wait("incoming")["call"] as? String)
        try scene.carol.does("answer", ["call": incoming])
        #expect(try scene.bob.wait("done", id: accepting)["call"] as? String == "to-carol")
        _ = try scene.alice.wait("done", id: scene.command)
        _ = try scene.bob.wait("ended", ["call": scene.call])
        scene.expectEnd()
    }

    @Test("A transfer can be followed by the call itself, which has another other side then")
    func followedTransfer() throws {
        let scene = try Transferring()
        let following = try scene.bob.start("acceptTransfer", ["transfer": scene.transfer, "follow": true])
        try scene.carol.does("answer", ["call": try #require(try scene.carol.wait("incoming")["call"])])
        #expect(try scene.bob.wait("transferred", ["call": scene.call])["to"] as? String == scene.target)
        _ = try scene.alice.wait("done", id: scene.command)
        #expect(try scene.bob.wait("done", id: following)["call"] == nil)
        try scene.bob.does("hangup", ["call": scene.call])
        _ = try scene.carol.wait("ended")
        scene.expectEnd()
    }

    @Test("An attended transfer connects the two others: the call goes on with the new other side (RFC 3891)")
    func attendedTransfer() throws {
        let (bob, carol) = (try RunTelephone(), try RunTelephone())
        let (toBob, toCarol) = (try bob.address(), try carol.address())
        let alice = try RunTelephone()
        for (name, address, phone) in [("b", toBob, bob), ("c", toCarol, carol)] {
            let calling = try alice.start("call", ["uri": address, "call": name])
            try phone.does("answer", ["call": try #require(try phone.wait("incoming")["call"])])
            _ = try alice.wait("done", id: calling)
        }
        let transferring = try alice.start("transfer", ["call": "b", "toCall": "c"])
        let asked = try bob.wait("transferRequested")
        try bob.does("acceptTransfer", ["transfer": try #require(asked["transfer"])])
        _ = try carol.wait("transferred", ["call": "call-1"])
        _ = try alice.wait("done", id: transferring)
        #expect([alice.end(), bob.end(), carol.end()] == [0, 0, 0])
    }

    @Test("In a conference the others hear each other, until it is stopped")
    func conference() throws {
        let (bob, carol) = (try RunTelephone(), try RunTelephone())
        let alice = try RunTelephone()
        for (name, phone) in [("b", bob), ("c", carol)] {
            let calling = try alice.start("call", ["uri": try phone.address(), "call": name])
            try phone.does("answer", ["call": try #require(try phone.wait("incoming")["call"])])
            _ = try alice.wait("done", id: calling)
        }
        #expect(try carol.does("quality", ["call": "call-1"])["heardMilliseconds"] as? Int == 0)
        let mixing = try alice.start("conference", ["calls": ["b", "c"]])
        try bob.does("play", ["call": "call-1", "tone": "440", "for": 2])
        #expect(try carol.does("quality", ["call": "call-1"])["heardMilliseconds"] as? Int ?? 0 > 500)
        try alice.does("stop", ["command": "\(mixing)"])
        #expect(try alice.wait("failed", id: mixing)["code"] as? String == "stopped")
        #expect([alice.end(), bob.end(), carol.end()] == [0, 0, 0])
    }

    @Test("Requests of one's own, OPTIONS, raw octets and the trace")
    func requests() throws {
        let bob = try RunTelephone()
        let address = try bob.address()
        let alice = try RunTelephone()
        try alice.does("trace", ["on": true])
        let options = try alice.does("options", ["uri": address])
        #expect(options["status"] as? Int == 200 && (options["allow"] as? String)?.contains("INVITE") == true)
        let traced = try alice.wait("traced", ["direction": "sent"])
        #expect((traced["text"] as? String)?.hasPrefix("OPTIONS sip:bob@127.0.0.1") == true)
        try alice.does("trace", ["on": false])
        #expect(try alice.does("request", ["method": "PUBLISH", "uri": address])["status"] as? Int == 405)
        let sent = try alice.does("send", ["to": address, "text": "OPTIONS {{target}} SIP/2.0\n\n"])
        #expect(sent["count"] as? Int == 1)
        #expect((try alice.wait("received")["text"] as? String)?.hasPrefix("SIP/2.0 200") == true)
        let servers = try alice.does("resolve", ["uri": address])["servers"] as? [[String: Any]]
        #expect(servers?.first?["transport"] as? String == "udp")
        #expect([alice.end(), bob.end()] == [0, 0])
    }

    @Test("docs/RUN.md has the table of verbs that the program has")
    func document() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/RUN.md")
        let lines = try String(contentsOf: path, encoding: .utf8).components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: "## Verbs"))
        let table = Array(lines[start...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") })
        let expected =
            ["| verb | keys | what it does | its done has |", "|---|---|---|---|"] + RunVerb.all.map(\.row)
        #expect(table == expected, "\(expected.joined(separator: "\n"))")
    }

    @Test("Lines come as they were written, however they arrive; one that is too long is told and dropped")
    func lines() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let long = [UInt8](repeating: 0x61, count: InputLines.limit + 70_000)
        let octets = Array("one\n".utf8) + long + Array("\ntwo\nno end".utf8)
        Thread.detachNewThread {
            var rest = octets[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(50_000))
                let count = write(writing, piece, piece.count)
                rest = rest.dropFirst(Swift.max(0, count))
            }
            close(writing)
        }
        var lines = InputLines(InputFile(reading))
        var seen: [String] = []
        while let line = await lines.next() {
            switch line {
            case .text(let octets): seen.append(String(decoding: octets, as: UTF8.self))
            case .tooLong: seen.append("(too long)")
            }
        }
        close(reading)
        #expect(seen == ["one", "(too long)", "two", "no end"])
    }
}

extension RunVerb {
    /// Its row of the table in docs/RUN.md.
    fileprivate var row: String {
        let keys = self.keys.map { key in
            let name = key.isRequired ? "**\(key.name)**" : key.name
            return "\(name): \(key.help)"
        }
        let cells = ["`\(self.name)`", keys.joined(separator: "; "), self.help, self.outcome]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
}

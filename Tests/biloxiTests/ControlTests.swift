import Foundation
import Synchronization
import Testing

@testable import biloxi

@Suite("The control socket")
struct ControlTests {
    private let directory: TestDirectory

    init() throws { self.directory = try TestDirectory() }

    /// Sends octets as they are, and returns the line that comes back.
    private func exchange(_ octets: [UInt8], path: String) throws -> String? {
        guard let socket = LocalSocket.make() else { throw CommandError(.failed, "no socket") }
        let descriptor = socket.descriptor
        try #require(LocalSocket.withAddress(of: path) { connect(descriptor, $0, $1) } == 0)
        _ = socket.send(octets)
        shutdown(descriptor, Int32(SHUT_WR))
        return socket.receiveLine(limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "A request reaches the server, and its reply the client",
        arguments: [
            ControlRequest.Kind.reload, .usersChanged, .status,
        ])
    func answers(kind: ControlRequest.Kind) throws {
        let path = self.directory.path + "/control.sock"
        let server = try ControlServer(path: path) { request, reply in
            reply(ControlReply(ok: true, messages: [request.request.rawValue], status: ["n": .number(7), "s": "é\n"]))
        }
        #expect(
            try ControlClient(path: path).send(kind)
                == ControlReply(ok: true, messages: [kind.rawValue], status: ["n": .number(7), "s": "é\n"]))
        server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A reply may come later and from another thread, and only the first counts")
    func waitsForReply() throws {
        let path = self.directory.path + "/control.sock"
        let server = try ControlServer(path: path) { _, reply in
            Thread.detachNewThread {
                reply(ControlReply(ok: true, messages: ["first"]))
                reply(ControlReply(ok: false, messages: ["second"]))
            }
        }
        #expect(try ControlClient(path: path).send(.status)?.messages == ["first"])
        server.stop()
    }

    @Test("Only the owner can open the socket, and a dead one is replaced")
    func isPrivate() throws {
        let path = try self.directory.write("left over", to: "control.sock")
        let server = try ControlServer(path: path) { _, reply in reply(ControlReply(ok: true)) }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try ControlClient(path: path).send(.status)?.ok == true)
        server.stop()
    }

    @Test("A path longer than the 107 octets of a socket address works")
    func takesLongPaths() throws {
        let long = self.directory.path + "/" + String(repeating: "d", count: 120)
        try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: false)
        let path = long + "/control.sock"
        let server = try ControlServer(path: path) { _, reply in reply(ControlReply(ok: true)) }
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(try ControlClient(path: path).send(.status)?.ok == true)
        server.stop()
    }

    @Test("Without a server there is no reply, whether the socket file is there or not")
    func reportsNoServer() throws {
        #expect(try ControlClient(path: self.directory.path + "/control.sock").send(.status) == nil)
        let path = self.directory.path + "/dead.sock"
        guard let socket = LocalSocket.make() else { throw CommandError(.failed, "no socket") }
        let descriptor = socket.descriptor
        #expect(LocalSocket.withAddress(of: path) { bind(descriptor, $0, $1) } == 0)
        #expect(try ControlClient(path: path).send(.status) == nil)
    }

    @Test(
        "What is no request is answered with an error, or with the end; the next client is served",
        arguments: [
            "{}", "{\"request\":\"explode\"}", "[]", "reload", "\u{0}", "",
        ])
    func survivesNonsense(line: String) throws {
        let path = self.directory.path + "/control.sock"
        let server = try ControlServer(path: path) { _, reply in reply(ControlReply(ok: true)) }
        #expect(
            try self.exchange(Array("\(line)\n".utf8), path: path)
                == "{\"messages\":[\"unknown request: known are reload, usersChanged, status and route\"],\"ok\":false}"
        )
        #expect(try ControlClient(path: path).send(.status)?.ok == true)
        server.stop()
    }

    @Test("A line that never ends, or is too long, gets no answer", arguments: [1, 65_537])
    func boundsLines(octets: Int) throws {
        let path = self.directory.path + "/control.sock"
        let server = try ControlServer(path: path) { _, reply in reply(ControlReply(ok: true)) }
        #expect(try self.exchange(Array(repeating: 0x7B, count: octets), path: path) == nil)
        #expect(try ControlClient(path: path).send(.status)?.ok == true)
        server.stop()
    }
}

import Foundation
import ServerConfiguration
import SignallingTransport
import Testing

@testable import biloxi

@Suite("Files that the configuration names and that are of no use")
struct UselessFileTests {
    private let directory: TestDirectory

    init() throws { self.directory = try TestDirectory() }

    private func check(_ yaml: String) throws -> RunningCommand.Result {
        try RunningCommand(["config", "check", self.directory.write(yaml, to: "f.yaml")]).finish()
    }

    private func makeCertificate(_ name: String) throws {
        try SelfSignedCertificate.make(
            certificateFile: self.directory.path + "/\(name).pem", keyFile: self.directory.path + "/\(name).key",
            domains: ["a.test"], addresses: [])
    }

    @Test("A certificate and its key are no mistake")
    func fits() throws {
        try self.makeCertificate("a")
        #expect(try self.check("tls: {certificate: a.pem, key: a.key}\n").status == 0)
    }

    @Test("The key of another certificate, and what is no certificate, are found before a server is started with them")
    func useless() throws {
        try self.makeCertificate("a")
        try self.makeCertificate("b")
        _ = try self.directory.write("no PEM\n", to: "junk.pem")
        let path = self.directory.path
        let other = try self.check("tls: {certificate: a.pem, key: b.key}\n")
        #expect(other.status == 2)
        #expect(other.errors.contains("the key in \(path)/b.key is not that of the certificate in \(path)/a.pem"))
        let junk = try self.check("tls: {certificate: junk.pem, key: b.key}\n")
        #expect(junk.status == 2)
        #expect(junk.errors.hasPrefix("\(path)/f.yaml:1:20: "))
        #expect(junk.errors.contains("there is no certificate in PEM form in \(path)/junk.pem"))
        let directory = try self.check("tls: {certificate: ., key: b.key}\n")
        #expect(directory.status == 2)
        #expect(directory.errors.contains("is a directory: name a file"))
    }

    private static let trunk =
        "trunks: { pstn: { targets: sip:192.0.2.10, login: { user: u, passwordFile: secret } } }\n"

    @Test("An empty password file is found")
    func emptyPassword() throws {
        _ = try self.directory.write("\n", to: "secret")
        let result = try self.check(Self.trunk)
        #expect(result.status == 2)
        #expect(result.errors.contains("secret is empty: write the password into its first line"))
    }

    @Test("A reload with a file of no use is refused, and the server goes on")
    func reload() throws {
        let data = self.directory.path + "/data"
        let file = try self.directory.write("domains: [a.test]\n", to: "f.yaml")
        let server = try RunningCommand(["serve", "--data", data, "--listen", "udp:127.0.0.1:0", "--config", file])
        #expect(server.wait(for: "ready"))
        _ = try self.directory.write("\n", to: "secret")
        _ = try self.directory.write(Self.trunk, to: "f.yaml")
        for _ in 0..<2 {
            let refused = try RunningCommand.run("reload", "--data", data)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("the server keeps its configuration:\n"))
        }
        _ = try self.directory.write("hush\n", to: "secret")
        #expect(try RunningCommand.run("reload", "--data", data).lines == ["reloaded"])
        #expect(server.finish(SIGTERM).status == 0)
    }

    @Test(
        "What a running server cannot change is told",
        arguments: [
            ("advertise: sip.a.test\n", ["advertise"]), ("connections: {origins: any}\n", ["connections"]),
            ("tls: {certificate: a.pem, key: a.key}\n", ["tls"]), ("inbound: none\n", []),
        ])
    func needsRestart(yaml: String, keys: [String]) throws {
        func load(_ yaml: String) throws -> Configuration {
            try Configuration.load(yaml: yaml, path: "f.yaml", environment: [:], overrides: []).configuration
        }
        #expect(
            Reloading.needingRestart(from: try load("domains: [a.test]\n"), to: try load(yaml + "domains: [a.test]\n"))
                == keys)
    }
}

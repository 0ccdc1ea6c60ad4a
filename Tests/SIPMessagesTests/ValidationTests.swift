import Testing

@testable import SIPMessages

@Suite("Checking whole messages (RFC 3261 §8.1.1, §8.2, §16.3)")
struct ValidationTests {
    static let lines = [
        "Via: SIP/2.0/UDP a;branch=z9hG4bK1", "From: <sip:a@b>;tag=1", "To: <sip:c@d>", "Call-ID: x", "CSeq: 1 OPTIONS",
    ]

    private func verdict(
        _ lines: [String], uri: String = "sip:c@d", scope: MessageIndex.Scope = .everything
    ) throws -> SIPParseError? {
        let message = try SIPMessage((["OPTIONS \(uri) SIP/2.0"] + lines).joined(separator: "\r\n") + "\r\n\r\n")
        do throws(SIPParseError) {
            try message.validate(scope)
            return nil
        } catch {
            return error
        }
    }

    @Test("Five fields must be there, Max-Forwards need not (§8.1.1, RFC 4475 §3.4.1)", arguments: 0..<5)
    func mandatory(missing: Int) throws {
        #expect(try self.verdict(Self.lines) == nil)
        var lines = Self.lines
        lines.remove(at: missing)
        let error = try #require(try self.verdict(lines))
        #expect(error.code == .missing)
        #expect(error.field == [HeaderID.via, .from, .to, .callID, .cseq][missing])
    }

    @Test(
        "Max-Forwards is 0-255 (§20.22)",
        arguments: [("0", true), ("255", true), ("256", false), ("", false), ("-1", false)])
    func maxForwards(text: String, isValid: Bool) throws {
        #expect((try self.verdict(Self.lines + ["Max-Forwards: \(text)"]) == nil) == isValid)
    }

    @Test(
        "A Request-URI has no headers and no method (§19.1.1)",
        arguments: [
            ("sip:c@d?Subject=x", false), ("sip:c@d;method=INVITE", false), ("sip:c@d;METHOD=INVITE", false),
            ("sip:c@d;user=phone", true), ("tel:+1", true), ("<sip:c@d>", false), ("foo:bar", true), ("foo", false),
        ])
    func requestURI(uri: String, isValid: Bool) throws {
        #expect((try self.verdict(Self.lines, uri: uri) == nil) == isValid)
    }

    @Test(
        "A field that may occur once is refused twice (§7.3.1)",
        arguments: [
            "From: <sip:a@b>;tag=1", "t: <sip:c@d>", "i: x", "CSEQ: 1 OPTIONS",
        ])
    func repeated(line: String) throws {
        #expect(try self.verdict(Self.lines + [line])?.code == .repeated)
    }

    @Test(
        "A malformed field that no element acts on counts in a full check only (§16.3)",
        arguments: [
            "Warning: 1812 overture \"In Progress\"", "Session-Expires: x", "Accept: x", "Alert-Info: x",
            "Expires: 99999999999",
            "Event: ", "Reason: ;", "Replaces: x", "Min-SE: x", "Timestamp: x", "WWW-Authenticate: Digest a", "RAck: 1",
            "Session-ID: x", "History-Info: x", "P-Charging-Vector: =", "Geolocation;: x", "Supported: a b",
            "Allow: a,,b",
        ])
    func scopes(line: String) throws {
        #expect(try self.verdict(Self.lines + [line]) != nil)
        guard !line.hasPrefix("Geolocation;") else { return }
        #expect(try self.verdict(Self.lines + [line], scope: .essential) == nil)
    }

    @Test(
        "A malformed field that every element acts on always counts (§16.3)",
        arguments: [
            "Contact: <sip:a", "Contact: *, <sip:a@b>", "Contact: ", "Route: <sip:a>,", "Record-Route: x",
            "Require: a,,b",
            "Proxy-Require: ", "Max-Forwards: x", "Via: SIP/2.0/UDP", "Via: SIP/2.0/UDP a,", "Via: SIP/2.0/UDP a;;x",
            "Path: x",
        ])
    func essential(line: String) throws {
        #expect(try self.verdict(Self.lines + [line], scope: .essential) != nil)
    }

    @Test(
        "What grammar allows to be empty or odd passes",
        arguments: [
            "Supported:", "Allow: ", "Accept:", "Subject:", "Contact: *", "Date: never", "X-Unknown: ;;,\"<",
            "Accept-Encoding:",
            "User-Agent: (:,;<", "Recv-Info:",
        ])
    func lenient(line: String) throws {
        #expect(try self.verdict(Self.lines + [line]) == nil)
    }

    @Test("Each known field has a key, and its key its name")
    func keysAreComplete() throws {
        // Free text, and Date, may hold anything; every other field refuses a lone separator.
        let anything: Set<HeaderID> = [.subject, .organization, .server, .userAgent, .date]
        for id in HeaderID.allKnown where !anything.contains(id) {
            let line = "\(id.name): ;"
            #expect(try self.verdict(Self.lines + [line]) != nil, "\(id.name) is not checked")
        }
    }
}

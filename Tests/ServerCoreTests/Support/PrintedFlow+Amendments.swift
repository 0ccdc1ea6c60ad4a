/// What differs in several flows of RFC 3665.
extension PrintedFlow {
    /// Over TCP the Contacts end with `;transport=tcp`, and what is printed is sent to them without it; but the remote
    /// target is the Contact with its parameters (RFC 3261 §12.1, §12.2.1.1).
    mutating func amendTargets() {
        self.amend(
            where: { ["ACK", "BYE"].contains($0.method) && $0.isRequest && $0.start.contains("@client.") },
            because: "the target is the Contact as it is (RFC 3261 §12.2.1.1)",
            by: { $0.start += ";transport=tcp" })
    }

    /// Over TCP our Record-Route names the transport. Without it the name would stand for what the DNS has for it, UDP
    /// where there is nothing but an address, though the connection is there (RFC 3263 §4.1, RFC 5658 §4).
    mutating func amendRecordRoutes() {
        self.amend(
            where: { !$0.recordRoutes.isEmpty }, because: "Record-Route names TCP (RFC 5658 §4)",
            by: { $0.recordRoutes = Self.overTCP($0.recordRoutes) })
    }

    /// What comes of that in the dialog: the Route of its requests.
    mutating func amendRoutes() {
        self.amend(
            where: { !$0.routes.isEmpty && $0.toTag != nil && $0.start.contains("@client.") },
            because: "Route is what Record-Route was", by: { $0.routes = Self.overTCP($0.routes) })
    }

    private static func overTCP(_ uris: [String]) -> [String] {
        uris.map { $0.replacing(";lr", with: ";transport=tcp;lr") }
    }

    /// Where Bob has registered by his address: were it by name, the proxy could not know whether that is where he is, and
    /// would stay on the path for the sake of a device behind a NAT box (RFC 5626 §5.3).
    mutating func amendBinding(_ number: String) {
        self.amend(number, because: "Bob has registered by his address") { $0.start = "INVITE sip:bob@192.0.2.201" }
    }

    /// The ACK to a failure has the Route of its INVITE, and no credentials (RFC 3261 §17.1.1.3).
    mutating func amendFailureACK(_ numbers: String..., route: String) {
        for number in numbers {
            self.amend(number, because: "the ACK is made of the INVITE (RFC 3261 §17.1.1.3)") {
                $0.routes = [route]
                $0.credentials = []
            }
        }
    }
}

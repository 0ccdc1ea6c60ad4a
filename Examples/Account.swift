import BiloxiKit
import Foundation

/// The account that the environment names: ACCOUNT=sip:alice@example.test PASSWORD=… and PROXY where one is needed.
func account() -> Account? {
    let environment = ProcessInfo.processInfo.environment
    guard let address = environment["ACCOUNT"] else { return nil }
    var account = Account(address, password: environment["PASSWORD"])
    account.proxy = environment["PROXY"]
    return account
}

/// Where to listen: LISTEN=192.0.2.1:5070 in the environment; all addresses at port 5070 without.
func listener() -> Listener {
    let parts = (ProcessInfo.processInfo.environment["LISTEN"] ?? "0.0.0.0:5070").split(separator: ":")
    return .udp(String(parts.first ?? "0.0.0.0"), parts.last.flatMap { UInt16($0) } ?? 5070)
}

/// Registers the account, where there is one.
func register(_ agent: UserAgent) async throws {
    if let account = account() { try await agent.register(account) }
    say("listening on \(agent.addresses.joined(separator: ", "))")
}

/// Prints a line at once, also where the output is a file.
func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

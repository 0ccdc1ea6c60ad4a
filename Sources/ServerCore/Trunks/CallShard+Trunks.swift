import ProxyCore
import SIPMessages
import SIPTransactions

extension CallShard {
    mutating func seizeTrunk(
        _ name: String, _ number: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace
    ) {
        guard let server = self.createServer(octets, &workspace, isTrying: false) else { return }
        self.reply(server, 503, "Trunk \(name) Is Not In Service", &workspace)
    }
}

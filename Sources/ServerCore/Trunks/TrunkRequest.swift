import CallRouting
import ProxyCore
import SIPMessages

/// Writing OPTIONS and REGISTER of our own (RFC 3261 §8.1.1, §10.2, §11.1).
struct TrunkRequest {
    let endpoint: Endpoint
    let branch: [UInt8]
    /// Our first domain.
    let domain: [UInt8]
    let product: [UInt8]

    /// Appends the request of a task, which counts the credentials that it gives.
    func write(_ task: inout TrunkTask, into output: inout [UInt8]) {
        if let registration = task.registration {
            self.writeRegister(&task, registration, into: &output)
        } else {
            self.writeOptions(task, into: &output)
        }
    }

    private func writeOptions(_ task: TrunkTask, into output: inout [UInt8]) {
        let ours = Array("sip:".utf8) + self.domain
        self.writeStart("OPTIONS", to: task.uri, from: ours, target: task.uri, task, into: &output)
        output.append("Accept: application/sdp\r\n")
        output.endHeader()
    }

    private func writeRegister(
        _ task: inout TrunkTask, _ registration: TrunkSettings.Registration, into output: inout [UInt8]
    ) {
        var host = registration.domain.map { Array($0.utf8) } ?? []
        if host.isEmpty, let uri = try? URIIndex(parsing: task.uri.span, in: 0..<task.uri.count) {
            let octets = task.uri.span.octets(uri.host.range)
            host = octets.contains(0x3A) ? [0x5B] + octets + [0x5D] : octets
        }
        let registrar = Array("sip:".utf8) + host
        var address = Array("sip:".utf8)
        address.append(escapingUser: Array(registration.user.utf8))
        address += [0x40] + host
        self.writeStart("REGISTER", to: registrar, from: address, target: address, task, into: &output)
        output.append("Contact: <sip:")
        var user: [UInt8] = []
        user.append(escapingUser: Array(registration.user.utf8))
        output += user + [0x40] + self.endpoint.sentBy
        if self.endpoint.transport != .udp {
            output.append(";transport=")
            output.append(self.endpoint.transport.parameterName)
        }
        output.append(">\r\nExpires: ")
        output.append(decimal: task.expires)
        output.append("\r\n")
        let body: [UInt8] = []
        if let fields = task.answer?.fields(
            .register, String(decoding: registrar, as: UTF8.self), body: body.span)
        {
            output += fields
        }
        output.endHeader()
    }

    private func writeStart(
        _ method: StaticString, to uri: [UInt8], from: [UInt8], target: [UInt8], _ task: TrunkTask,
        into output: inout [UInt8]
    ) {
        output.append(method)
        output += [0x20] + uri
        output.append(" SIP/2.0\r\nVia: SIP/2.0/")
        output.append(self.endpoint.transport.viaName)
        output += [0x20] + self.endpoint.sentBy
        output.append(";branch=")
        output += self.branch
        output.append(";rport\r\nMax-Forwards: 70\r\nFrom: <")
        output += from
        output.append(">;tag=")
        output.append(hexadecimal: task.tag)
        output.append("\r\nTo: <")
        output += target
        output.append(">\r\nCall-ID: ")
        output += task.callID
        output.append("\r\nCSeq: ")
        output.append(decimal: task.cseq)
        output.append(0x20)
        output.append(method)
        output.append("\r\n")
        guard !self.product.isEmpty else { return }
        output.append("User-Agent: ")
        output += self.product
        output.append("\r\n")
    }
}

import SIPDialogs
import SIPMessages
import SIPTransactions

/// INFO and MESSAGE within a call (RFC 6086, RFC 3428 §3).
extension Call {
    /// Sends an INFO.
    ///
    /// - Parameter package: Its package; `nil` for a body of the time before packages.
    /// - Returns: whether it was sent: the other side must have said that it takes the package (RFC 6086 §4.2.1).
    mutating func inform(_ body: [UInt8], _ type: MediaType, package: String?, _ work: inout CallWork) -> Bool {
        guard let i = self.liveLeg else { return false }
        if let package {
            guard self.legs[i].peer.infoPackages?.contains(where: { Token($0) == Token(package) }) == true else {
                return false
            }
        }
        var builder = self.legs[i].dialog.request(.info)
        if let package {
            builder.add(.infoPackage, ParameterizedToken(package))
            builder.set(.contentDisposition, ContentDisposition("Info-Package"))  // RFC 6086 §4.2.1.
        }
        if !body.isEmpty { builder.setBody(body, type: type) }
        self.send(i, .info, builder, &work)
        return true
    }

    /// Sends a MESSAGE.
    ///
    /// - Returns: whether there is a dialog for it.
    mutating func message(_ body: [UInt8], _ type: MediaType, _ work: inout CallWork) -> Bool {
        guard let i = self.liveLeg else { return false }
        var builder = self.legs[i].dialog.request(.message)
        builder.setBody(body, type: type)
        self.send(i, .message, builder, &work)
        return true
    }

    /// The leg that requests of the user's go in.
    var liveLeg: Int? {
        guard !self.isEnded, let i = self.chosen >= 0 ? self.chosen : self.legs.firstIndex(where: { $0.isLive }),
            self.legs[i].isLive
        else { return nil }
        return i
    }

    /// An INFO came: of a package that is taken, or of the time before packages (RFC 6086 §4.2.2).
    mutating func receiveInformation(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        let packages = work.configuration.infoPackages
        if request.has(.infoPackage) {
            let package = request.first(.infoPackage)
            guard let package, packages.contains(where: { package.isToken($0) }) else {
                var builder = work.response(469, to: request, tag: tag)
                builder.add(named: "Recv-Info", packages.joined(separator: ", "))
                return work.respond(transaction, 469, builder)
            }
        }
        work.respond(transaction, 200, work.response(200, to: request, tag: tag))
        if !self.isEnded { work.tell(.information(self.handle, request)) }
    }

    mutating func receiveInformationResponse(
        _ purpose: RequestPurpose, _ response: SIPMessage, _ status: StatusCode, _ work: inout CallWork
    ) {
        work.tell(.informationAnswered(self.handle, status))
        // The other side has no such dialog (RFC 3261 §12.2.1.2).
        guard status == 481, let i = self.liveLeg else { return }
        self.release(i, &work)
        self.end(.rejected(status, response.reasonPhrase), &work)
    }
}

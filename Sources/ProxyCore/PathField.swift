import SIPMessages

/// The Path of an edge proxy: RFC 3327 §5.2, RFC 5626 §5.1.
enum PathField {
    /// Appends the Path line of a REGISTER, and what asks the registrar to understand it.
    ///
    /// The first hop of the client names the flow to it and says `ob`; a proxy behind that names the one before it.
    ///
    /// - Parameters:
    ///   - source: The way the request came.
    ///   - endpoint: The end point that it leaves by, at which the home reaches us.
    static func write(
        _ request: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, _ source: Flow, endpoint: Int,
        _ configuration: borrowing ProxyConfiguration, key: SipHashKey, into output: inout [UInt8]
    ) {
        var client = DialogSide()
        let isFirstHop = !index.hasVia(below: via)
        let next = index.value(.path) ?? index.value(.contact)
        let uri = next.flatMap { URIIndex(firstAddressOf: request, in: $0.range, field: .contact) }
        if isFirstHop {
            let contact = next.flatMap { AddressIndex(firstOf: request, in: $0.range, field: .contact) }
            let isOutbound = contact.map { request.parameter("reg-id", in: $0.parameters) != nil } ?? false
            let way = ClientWay(to: uri, request, over: source, isOutbound: isOutbound, configuration)
            (client.flow, client.isPinned) = (way.flow, true)
        } else {
            client.hop = uri.map { FlowToken.hop($0, request, key: key) } ?? 0
        }
        output.append("Path: <")
        output.append(contentsOf: configuration.endpoints[endpoint].routeURI)
        if isFirstHop { output.append(";ob") }
        output.append(";d=")
        FlowToken(caller: client, callee: DialogSide())
            .write(for: FlowToken.registration, configuration, key: key, into: &output)
        output.append(">\r\nRequire: path\r\n")
    }
}

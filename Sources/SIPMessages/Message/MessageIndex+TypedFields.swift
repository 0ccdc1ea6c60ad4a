/// Checking a field by parsing it into its type.
extension MessageIndex.Field {
    /// Parses the field's values and drops them; an unknown field may hold anything.
    ///
    /// - Throws: `SIPParseError`.
    func validateTyped(_ octets: Span<UInt8>) throws(SIPParseError) {
        switch self.id {
        case .replyTo: try self.check(FieldKey<NameAddress>.replyTo, octets)
        case .referTo: try self.check(FieldKey<NameAddress>.referTo, octets)
        case .referredBy: try self.check(FieldKey<NameAddress>.referredBy, octets)
        case .pAssertedIdentity: try self.check(FieldKey<NameAddress>.pAssertedIdentity, octets)
        case .pPreferredIdentity: try self.check(FieldKey<NameAddress>.pPreferredIdentity, octets)
        case .pAssociatedURI: try self.check(FieldKey<NameAddress>.pAssociatedURI, octets)
        case .pCalledPartyID: try self.check(FieldKey<NameAddress>.pCalledPartyID, octets)
        case .contact: try self.check(FieldKey<Contact>.contact, octets)
        case .inReplyTo: try self.check(FieldKey<CallID>.inReplyTo, octets)
        case .expires: try self.check(FieldKey<UInt32>.expires, octets)
        case .minExpires: try self.check(FieldKey<UInt32>.minExpires, octets)
        case .rseq: try self.check(FieldKey<UInt32>.rseq, octets)
        case .maxBreadth: try self.check(FieldKey<UInt32>.maxBreadth, octets)
        case .flowTimer: try self.check(FieldKey<UInt32>.flowTimer, octets)
        case .accept: try self.check(FieldKey<MediaType>.accept, octets)
        case .contentType: try self.check(FieldKey<MediaType>.contentType, octets)
        case .allow: try self.check(FieldKey<Method>.allow, octets)
        case .supported: try self.check(FieldKey<Token>.supported, octets)
        case .unsupported: try self.check(FieldKey<Token>.unsupported, octets)
        case .priority: try self.check(FieldKey<Token>.priority, octets)
        case .contentEncoding: try self.check(FieldKey<Token>.contentEncoding, octets)
        case .contentLanguage: try self.check(FieldKey<Token>.contentLanguage, octets)
        case .sipETag: try self.check(FieldKey<Token>.sipETag, octets)
        case .sipIfMatch: try self.check(FieldKey<Token>.sipIfMatch, octets)
        case .requestDisposition: try self.check(FieldKey<Token>.requestDisposition, octets)
        case .contentTransferEncoding: try self.check(FieldKey<Token>.contentTransferEncoding, octets)
        case .organization: try self.check(FieldKey<FieldText>.organization, octets)
        case .server: try self.check(FieldKey<FieldText>.server, octets)
        case .subject: try self.check(FieldKey<FieldText>.subject, octets)
        case .userAgent: try self.check(FieldKey<FieldText>.userAgent, octets)
        case .acceptEncoding: try self.check(FieldKey<ParameterizedToken>.acceptEncoding, octets)
        case .acceptLanguage: try self.check(FieldKey<ParameterizedToken>.acceptLanguage, octets)
        case .infoPackage: try self.check(FieldKey<ParameterizedToken>.infoPackage, octets)
        case .recvInfo: try self.check(FieldKey<ParameterizedToken>.recvInfo, octets)
        case .referSub: try self.check(FieldKey<ParameterizedToken>.referSub, octets)
        case .pAccessNetworkInfo: try self.check(FieldKey<ParameterizedToken>.pAccessNetworkInfo, octets)
        case .alertInfo: try self.check(FieldKey<URIReference>.alertInfo, octets)
        case .callInfo: try self.check(FieldKey<URIReference>.callInfo, octets)
        case .errorInfo: try self.check(FieldKey<URIReference>.errorInfo, octets)
        case .identityInfo: try self.check(FieldKey<URIReference>.identityInfo, octets)
        case .wwwAuthenticate: try self.check(FieldKey<Challenge>.wwwAuthenticate, octets)
        case .proxyAuthenticate: try self.check(FieldKey<Challenge>.proxyAuthenticate, octets)
        case .authorization: try self.check(FieldKey<Credentials>.authorization, octets)
        case .proxyAuthorization: try self.check(FieldKey<Credentials>.proxyAuthorization, octets)
        case .authenticationInfo: try self.check(FieldKey<AuthenticationInfo>.authenticationInfo, octets)
        case .proxyAuthenticationInfo: try self.check(FieldKey<AuthenticationInfo>.proxyAuthenticationInfo, octets)
        case .contentDisposition: try self.check(FieldKey<ContentDisposition>.contentDisposition, octets)
        case .mimeVersion: try self.check(FieldKey<MIMEVersion>.mimeVersion, octets)
        case .retryAfter: try self.check(FieldKey<RetryAfter>.retryAfter, octets)
        case .timestamp: try self.check(FieldKey<Timestamp>.timestamp, octets)
        case .warning: try self.check(FieldKey<Warning>.warning, octets)
        case .rack: try self.check(FieldKey<RAck>.rack, octets)
        case .event: try self.check(FieldKey<EventType>.event, octets)
        case .allowEvents: try self.check(FieldKey<EventType>.allowEvents, octets)
        case .subscriptionState: try self.check(FieldKey<SubscriptionState>.subscriptionState, octets)
        case .pMediaAuthorization: try self.check(FieldKey<HexToken>.pMediaAuthorization, octets)
        case .privacy: try self.check(FieldKey<Privacy>.privacy, octets)
        case .reason: try self.check(FieldKey<Reason>.reason, octets)
        case .securityClient: try self.check(FieldKey<SecurityMechanism>.securityClient, octets)
        case .securityServer: try self.check(FieldKey<SecurityMechanism>.securityServer, octets)
        case .securityVerify: try self.check(FieldKey<SecurityMechanism>.securityVerify, octets)
        case .acceptContact: try self.check(FieldKey<FeatureSet>.acceptContact, octets)
        case .rejectContact: try self.check(FieldKey<FeatureSet>.rejectContact, octets)
        case .replaces: try self.check(FieldKey<Replaces>.replaces, octets)
        case .join: try self.check(FieldKey<Join>.join, octets)
        case .targetDialog: try self.check(FieldKey<TargetDialog>.targetDialog, octets)
        case .sessionExpires: try self.check(FieldKey<SessionExpires>.sessionExpires, octets)
        case .minSE: try self.check(FieldKey<DeltaSeconds>.minSE, octets)
        case .resourcePriority: try self.check(FieldKey<ResourcePriority>.resourcePriority, octets)
        case .acceptResourcePriority: try self.check(FieldKey<ResourcePriority>.acceptResourcePriority, octets)
        case .identity: try self.check(FieldKey<Identity>.identity, octets)
        case .historyInfo: try self.check(FieldKey<HistoryInfo>.historyInfo, octets)
        case .pVisitedNetworkID: try self.check(FieldKey<NetworkID>.pVisitedNetworkID, octets)
        case .pChargingFunctionAddresses:
            try self.check(FieldKey<ChargingParameters>.pChargingFunctionAddresses, octets)
        case .pChargingVector: try self.check(FieldKey<ChargingParameters>.pChargingVector, octets)
        case .sessionID: try self.check(FieldKey<SessionID>.sessionID, octets)
        case .contentID: try self.check(FieldKey<ContentID>.contentID, octets)
        default: break
        }
    }

    /// Lists that their grammar lets be empty: RFC 3261 §25.1, RFC 4412 §3.2, RFC 6086 §12, RFC 7315 §5.1.
    private static let mayBeEmpty: Set<HeaderID> = [
        .accept, .acceptEncoding, .acceptLanguage, .allow, .supported, .recvInfo, .pAssociatedURI,
        .acceptResourcePriority,
    ]

    private func check<Value>(_ key: FieldKey<Value>, _ octets: Span<UInt8>) throws(SIPParseError) {
        guard key.isList else {
            _ = try Value(parsing: octets, in: self.value.range, field: self.id)
            return
        }
        if self.value.isEmpty, !Self.mayBeEmpty.contains(self.id) {
            throw SIPParseError(.empty, in: self.id, at: self.value.lower)
        }
        try octets.forEachElement(of: self.value.range, as: Value.self) { (element) throws(SIPParseError) in
            _ = try Value(parsing: octets, in: element, field: self.id)
        }
    }
}

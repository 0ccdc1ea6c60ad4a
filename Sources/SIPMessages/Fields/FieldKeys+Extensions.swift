// Typed keys of fields whose values have a type of their own.

extension FieldKey where Value == ParameterizedToken {
    /// RFC 3261 §20.2.
    @inlinable public static var acceptEncoding: Self { Self(.acceptEncoding, isList: true) }
    /// RFC 3261 §20.3.
    @inlinable public static var acceptLanguage: Self { Self(.acceptLanguage, isList: true) }
    /// RFC 6086 §4.2.
    @inlinable public static var infoPackage: Self { Self(.infoPackage) }
    /// RFC 6086 §4.2.
    @inlinable public static var recvInfo: Self { Self(.recvInfo, isList: true) }
    /// `true` or `false`: RFC 4488 §4.
    @inlinable public static var referSub: Self { Self(.referSub) }
    /// RFC 7315 §4.4.
    @inlinable public static var pAccessNetworkInfo: Self { Self(.pAccessNetworkInfo, isList: true) }
}

extension FieldKey where Value == URIReference {
    /// RFC 3261 §20.4.
    @inlinable public static var alertInfo: Self { Self(.alertInfo, isList: true) }
    /// RFC 3261 §20.9.
    @inlinable public static var callInfo: Self { Self(.callInfo, isList: true) }
    /// RFC 3261 §20.18.
    @inlinable public static var errorInfo: Self { Self(.errorInfo, isList: true) }
    /// RFC 4474 §9.
    @inlinable public static var identityInfo: Self { Self(.identityInfo) }
}

extension FieldKey where Value == Challenge {
    /// RFC 3261 §20.44.
    @inlinable public static var wwwAuthenticate: Self { Self(.wwwAuthenticate, isList: true) }
    /// RFC 3261 §20.27.
    @inlinable public static var proxyAuthenticate: Self { Self(.proxyAuthenticate, isList: true) }
}

extension FieldKey where Value == Credentials {
    /// RFC 3261 §20.7.
    @inlinable public static var authorization: Self { Self(.authorization, isList: true) }
    /// RFC 3261 §20.28.
    @inlinable public static var proxyAuthorization: Self { Self(.proxyAuthorization, isList: true) }
}

extension FieldKey where Value == AuthenticationInfo {
    /// RFC 3261 §20.6.
    @inlinable public static var authenticationInfo: Self { Self(.authenticationInfo) }
    /// RFC 7615 §4.
    @inlinable public static var proxyAuthenticationInfo: Self { Self(.proxyAuthenticationInfo) }
}

extension FieldKey where Value == ContentDisposition {
    /// RFC 3261 §20.11.
    @inlinable public static var contentDisposition: Self { Self(.contentDisposition) }
}

extension FieldKey where Value == SIPDate {
    /// RFC 3261 §20.17.
    @inlinable public static var date: Self { Self(.date) }
}

extension FieldKey where Value == MIMEVersion {
    /// RFC 3261 §20.24.
    @inlinable public static var mimeVersion: Self { Self(.mimeVersion) }
}

extension FieldKey where Value == RetryAfter {
    /// RFC 3261 §20.33.
    @inlinable public static var retryAfter: Self { Self(.retryAfter) }
}

extension FieldKey where Value == Timestamp {
    /// RFC 3261 §20.38.
    @inlinable public static var timestamp: Self { Self(.timestamp) }
}

extension FieldKey where Value == Warning {
    /// RFC 3261 §20.43.
    @inlinable public static var warning: Self { Self(.warning, isList: true) }
}

extension FieldKey where Value == RAck {
    /// RFC 3262 §7.2.
    @inlinable public static var rack: Self { Self(.rack) }
}

extension FieldKey where Value == EventType {
    /// RFC 6665 §8.2.1.
    @inlinable public static var event: Self { Self(.event) }
    /// RFC 6665 §8.2.2.
    @inlinable public static var allowEvents: Self { Self(.allowEvents, isList: true) }
}

extension FieldKey where Value == SubscriptionState {
    /// RFC 6665 §8.2.3.
    @inlinable public static var subscriptionState: Self { Self(.subscriptionState) }
}

extension FieldKey where Value == HexToken {
    /// RFC 3313 §5.
    @inlinable public static var pMediaAuthorization: Self { Self(.pMediaAuthorization, isList: true) }
}

extension FieldKey where Value == Privacy {
    /// RFC 3323 §4.2.
    @inlinable public static var privacy: Self { Self(.privacy) }
}

extension FieldKey where Value == Reason {
    /// RFC 3326 §2.
    @inlinable public static var reason: Self { Self(.reason, isList: true) }
}

extension FieldKey where Value == SecurityMechanism {
    /// RFC 3329 §2.2.
    @inlinable public static var securityClient: Self { Self(.securityClient, isList: true) }
    /// RFC 3329 §2.2.
    @inlinable public static var securityServer: Self { Self(.securityServer, isList: true) }
    /// RFC 3329 §2.2.
    @inlinable public static var securityVerify: Self { Self(.securityVerify, isList: true) }
}

extension FieldKey where Value == FeatureSet {
    /// RFC 3841 §9.2.
    @inlinable public static var acceptContact: Self { Self(.acceptContact, isList: true) }
    /// RFC 3841 §9.2.
    @inlinable public static var rejectContact: Self { Self(.rejectContact, isList: true) }
}

extension FieldKey where Value == Replaces {
    /// RFC 3891 §6.1.
    @inlinable public static var replaces: Self { Self(.replaces) }
}

extension FieldKey where Value == Join {
    /// RFC 3911 §7.1.
    @inlinable public static var join: Self { Self(.join) }
}

extension FieldKey where Value == TargetDialog {
    /// RFC 4538 §7.
    @inlinable public static var targetDialog: Self { Self(.targetDialog) }
}

extension FieldKey where Value == SessionExpires {
    /// RFC 4028 §4.
    @inlinable public static var sessionExpires: Self { Self(.sessionExpires) }
}

extension FieldKey where Value == DeltaSeconds {
    /// RFC 4028 §5.
    @inlinable public static var minSE: Self { Self(.minSE) }
}

extension FieldKey where Value == ResourcePriority {
    /// RFC 4412 §3.1.
    @inlinable public static var resourcePriority: Self { Self(.resourcePriority, isList: true) }
    /// RFC 4412 §3.2.
    @inlinable public static var acceptResourcePriority: Self { Self(.acceptResourcePriority, isList: true) }
}

extension FieldKey where Value == Identity {
    /// RFC 8224 §4.
    @inlinable public static var identity: Self { Self(.identity, isList: true) }
}

extension FieldKey where Value == HistoryInfo {
    /// RFC 7044 §5.
    @inlinable public static var historyInfo: Self { Self(.historyInfo, isList: true) }
}

extension FieldKey where Value == NetworkID {
    /// RFC 7315 §4.3.
    @inlinable public static var pVisitedNetworkID: Self { Self(.pVisitedNetworkID, isList: true) }
}

extension FieldKey where Value == ChargingParameters {
    /// RFC 7315 §4.5.
    @inlinable public static var pChargingFunctionAddresses: Self { Self(.pChargingFunctionAddresses, isList: true) }
    /// RFC 7315 §4.6.
    @inlinable public static var pChargingVector: Self { Self(.pChargingVector) }
}

extension FieldKey where Value == SessionID {
    /// RFC 7989 §5.
    @inlinable public static var sessionID: Self { Self(.sessionID) }
}

extension FieldKey where Value == ContentID {
    /// RFC 8262 §3.
    @inlinable public static var contentID: Self { Self(.contentID) }
}

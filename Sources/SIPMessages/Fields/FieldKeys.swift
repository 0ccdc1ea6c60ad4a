// The typed keys of the fields of RFC 3261 §20 and its extensions, grouped by the type of their values.

extension FieldKey where Value == NameAddress {
    /// RFC 3261 §20.20.
    public static var from: Self { Self(.from) }
    /// RFC 3261 §20.39.
    public static var to: Self { Self(.to) }
    /// RFC 3261 §20.31.
    public static var replyTo: Self { Self(.replyTo) }
    /// RFC 3261 §20.34.
    public static var route: Self { Self(.route, isList: true) }
    /// RFC 3261 §20.30.
    public static var recordRoute: Self { Self(.recordRoute, isList: true) }
    /// RFC 3327.
    public static var path: Self { Self(.path, isList: true) }
    /// RFC 3608.
    public static var serviceRoute: Self { Self(.serviceRoute, isList: true) }
    /// RFC 3515.
    public static var referTo: Self { Self(.referTo) }
    /// RFC 3892.
    public static var referredBy: Self { Self(.referredBy) }
    /// RFC 3325 §9.1.
    public static var pAssertedIdentity: Self { Self(.pAssertedIdentity, isList: true) }
    /// RFC 3325 §9.2.
    public static var pPreferredIdentity: Self { Self(.pPreferredIdentity, isList: true) }
    /// RFC 7315 §4.1.
    public static var pAssociatedURI: Self { Self(.pAssociatedURI, isList: true) }
    /// RFC 7315 §4.2.
    public static var pCalledPartyID: Self { Self(.pCalledPartyID) }
}

extension FieldKey where Value == Contact {
    /// RFC 3261 §20.10.
    public static var contact: Self { Self(.contact, isList: true) }
}

extension FieldKey where Value == Via {
    /// RFC 3261 §20.42.
    public static var via: Self { Self(.via, isList: true) }
}

extension FieldKey where Value == CSeq {
    /// RFC 3261 §20.16.
    public static var cseq: Self { Self(.cseq) }
}

extension FieldKey where Value == CallID {
    /// RFC 3261 §20.8.
    public static var callID: Self { Self(.callID) }
    /// RFC 3261 §20.21.
    public static var inReplyTo: Self { Self(.inReplyTo, isList: true) }
}

extension FieldKey where Value == UInt32 {
    /// RFC 3261 §20.22; 0-255.
    public static var maxForwards: Self { Self(.maxForwards) }
    /// Octets of the body: RFC 3261 §20.14.
    public static var contentLength: Self { Self(.contentLength) }
    /// Seconds: RFC 3261 §20.19.
    public static var expires: Self { Self(.expires) }
    /// Seconds: RFC 3261 §20.23.
    public static var minExpires: Self { Self(.minExpires) }
    /// RFC 3262 §7.1.
    public static var rseq: Self { Self(.rseq) }
    /// RFC 5393 §5.3.
    public static var maxBreadth: Self { Self(.maxBreadth) }
    /// Seconds: RFC 5626 §10.
    public static var flowTimer: Self { Self(.flowTimer) }
}

extension FieldKey where Value == MediaType {
    /// RFC 3261 §20.1.
    public static var accept: Self { Self(.accept, isList: true) }
    /// RFC 3261 §20.15.
    public static var contentType: Self { Self(.contentType) }
}

extension FieldKey where Value == Method {
    /// RFC 3261 §20.5.
    public static var allow: Self { Self(.allow, isList: true) }
}

extension FieldKey where Value == Token {
    /// RFC 3261 §20.29.
    public static var proxyRequire: Self { Self(.proxyRequire, isList: true) }
    /// RFC 3261 §20.32.
    public static var require: Self { Self(.require, isList: true) }
    /// RFC 3261 §20.37.
    public static var supported: Self { Self(.supported, isList: true) }
    /// RFC 3261 §20.40.
    public static var unsupported: Self { Self(.unsupported, isList: true) }
    /// RFC 3261 §20.26.
    public static var priority: Self { Self(.priority) }
    /// RFC 3261 §20.12.
    public static var contentEncoding: Self { Self(.contentEncoding, isList: true) }
    /// RFC 3261 §20.13.
    public static var contentLanguage: Self { Self(.contentLanguage, isList: true) }
    /// RFC 3903 §11.3.1.
    public static var sipETag: Self { Self(.sipETag) }
    /// RFC 3903 §11.3.2.
    public static var sipIfMatch: Self { Self(.sipIfMatch) }
    /// RFC 3841 §9.1.
    public static var requestDisposition: Self { Self(.requestDisposition, isList: true) }
    /// RFC 2045 §6, as RFC 3261 §7.4.1 leaves it to bodies.
    public static var contentTransferEncoding: Self { Self(.contentTransferEncoding) }
}

extension FieldKey where Value == FieldText {
    /// RFC 3261 §20.25.
    public static var organization: Self { Self(.organization) }
    /// RFC 3261 §20.35.
    public static var server: Self { Self(.server) }
    /// RFC 3261 §20.36.
    public static var subject: Self { Self(.subject) }
    /// RFC 3261 §20.41.
    public static var userAgent: Self { Self(.userAgent) }
}

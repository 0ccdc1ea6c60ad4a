// The typed keys of the fields of RFC 3261 §20 and its extensions, grouped by the type of their values.

extension FieldKey where Value == NameAddress {
    /// RFC 3261 §20.20.
    @inlinable public static var from: Self { Self(.from) }
    /// RFC 3261 §20.39.
    @inlinable public static var to: Self { Self(.to) }
    /// RFC 3261 §20.31.
    @inlinable public static var replyTo: Self { Self(.replyTo) }
    /// RFC 3261 §20.34.
    @inlinable public static var route: Self { Self(.route, isList: true) }
    /// RFC 3261 §20.30.
    @inlinable public static var recordRoute: Self { Self(.recordRoute, isList: true) }
    /// RFC 3327.
    @inlinable public static var path: Self { Self(.path, isList: true) }
    /// RFC 3608.
    @inlinable public static var serviceRoute: Self { Self(.serviceRoute, isList: true) }
    /// RFC 3515.
    @inlinable public static var referTo: Self { Self(.referTo) }
    /// RFC 3892.
    @inlinable public static var referredBy: Self { Self(.referredBy) }
    /// RFC 3325 §9.1.
    @inlinable public static var pAssertedIdentity: Self { Self(.pAssertedIdentity, isList: true) }
    /// RFC 3325 §9.2.
    @inlinable public static var pPreferredIdentity: Self { Self(.pPreferredIdentity, isList: true) }
    /// RFC 7315 §4.1.
    @inlinable public static var pAssociatedURI: Self { Self(.pAssociatedURI, isList: true) }
    /// RFC 7315 §4.2.
    @inlinable public static var pCalledPartyID: Self { Self(.pCalledPartyID) }
}

extension FieldKey where Value == Contact {
    /// RFC 3261 §20.10.
    @inlinable public static var contact: Self { Self(.contact, isList: true) }
}

extension FieldKey where Value == Via {
    /// RFC 3261 §20.42.
    @inlinable public static var via: Self { Self(.via, isList: true) }
}

extension FieldKey where Value == CSeq {
    /// RFC 3261 §20.16.
    @inlinable public static var cseq: Self { Self(.cseq) }
}

extension FieldKey where Value == CallID {
    /// RFC 3261 §20.8.
    @inlinable public static var callID: Self { Self(.callID) }
    /// RFC 3261 §20.21.
    @inlinable public static var inReplyTo: Self { Self(.inReplyTo, isList: true) }
}

extension FieldKey where Value == UInt32 {
    /// RFC 3261 §20.22; 0-255.
    @inlinable public static var maxForwards: Self { Self(.maxForwards) }
    /// Octets of the body: RFC 3261 §20.14.
    @inlinable public static var contentLength: Self { Self(.contentLength) }
    /// Seconds: RFC 3261 §20.19.
    @inlinable public static var expires: Self { Self(.expires) }
    /// Seconds: RFC 3261 §20.23.
    @inlinable public static var minExpires: Self { Self(.minExpires) }
    /// RFC 3262 §7.1.
    @inlinable public static var rseq: Self { Self(.rseq) }
    /// RFC 5393 §5.3.
    @inlinable public static var maxBreadth: Self { Self(.maxBreadth) }
    /// Seconds: RFC 5626 §10.
    @inlinable public static var flowTimer: Self { Self(.flowTimer) }
}

extension FieldKey where Value == MediaType {
    /// RFC 3261 §20.1.
    @inlinable public static var accept: Self { Self(.accept, isList: true) }
    /// RFC 3261 §20.15.
    @inlinable public static var contentType: Self { Self(.contentType) }
}

extension FieldKey where Value == Method {
    /// RFC 3261 §20.5.
    @inlinable public static var allow: Self { Self(.allow, isList: true) }
}

extension FieldKey where Value == Token {
    /// RFC 3261 §20.29.
    @inlinable public static var proxyRequire: Self { Self(.proxyRequire, isList: true) }
    /// RFC 3261 §20.32.
    @inlinable public static var require: Self { Self(.require, isList: true) }
    /// RFC 3261 §20.37.
    @inlinable public static var supported: Self { Self(.supported, isList: true) }
    /// RFC 3261 §20.40.
    @inlinable public static var unsupported: Self { Self(.unsupported, isList: true) }
    /// RFC 3261 §20.26.
    @inlinable public static var priority: Self { Self(.priority) }
    /// RFC 3261 §20.12.
    @inlinable public static var contentEncoding: Self { Self(.contentEncoding, isList: true) }
    /// RFC 3261 §20.13.
    @inlinable public static var contentLanguage: Self { Self(.contentLanguage, isList: true) }
    /// RFC 3903 §11.3.1.
    @inlinable public static var sipETag: Self { Self(.sipETag) }
    /// RFC 3903 §11.3.2.
    @inlinable public static var sipIfMatch: Self { Self(.sipIfMatch) }
    /// RFC 3841 §9.1.
    @inlinable public static var requestDisposition: Self { Self(.requestDisposition, isList: true) }
    /// RFC 2045 §6, as RFC 3261 §7.4.1 leaves it to bodies.
    @inlinable public static var contentTransferEncoding: Self { Self(.contentTransferEncoding) }
}

extension FieldKey where Value == FieldText {
    /// RFC 3261 §20.25.
    @inlinable public static var organization: Self { Self(.organization) }
    /// RFC 3261 §20.35.
    @inlinable public static var server: Self { Self(.server) }
    /// RFC 3261 §20.36.
    @inlinable public static var subject: Self { Self(.subject) }
    /// RFC 3261 §20.41.
    @inlinable public static var userAgent: Self { Self(.userAgent) }
}

// The names of RFC 3261 §20 and of the extensions that the project implements. Order has no meaning beyond this file.

extension HeaderID {
    /// Not a field: an unknown field.
    public static let other = HeaderID(0)
    /// Not a field: the start line.
    public static let startLine = HeaderID(1)
    /// Not a field: the header.
    public static let header = HeaderID(2)
    /// Not a field: the body.
    public static let body = HeaderID(3)
    /// Not a field: the URI.
    public static let uri = HeaderID(4)
    /// `Via`, in short `v`.
    public static let via = HeaderID(5)
    /// `From`, in short `f`.
    public static let from = HeaderID(6)
    /// `To`, in short `t`.
    public static let to = HeaderID(7)
    /// `Call-ID`, in short `i`.
    public static let callID = HeaderID(8)
    /// `CSeq`.
    public static let cseq = HeaderID(9)
    /// `Max-Forwards`.
    public static let maxForwards = HeaderID(10)
    /// `Contact`, in short `m`.
    public static let contact = HeaderID(11)
    /// `Content-Length`, in short `l`.
    public static let contentLength = HeaderID(12)
    /// `Content-Type`, in short `c`.
    public static let contentType = HeaderID(13)
    /// `Route`.
    public static let route = HeaderID(14)
    /// `Record-Route`.
    public static let recordRoute = HeaderID(15)
    /// `Accept`.
    public static let accept = HeaderID(16)
    /// `Accept-Encoding`.
    public static let acceptEncoding = HeaderID(17)
    /// `Accept-Language`.
    public static let acceptLanguage = HeaderID(18)
    /// `Alert-Info`.
    public static let alertInfo = HeaderID(19)
    /// `Allow`.
    public static let allow = HeaderID(20)
    /// `Authentication-Info`.
    public static let authenticationInfo = HeaderID(21)
    /// `Authorization`.
    public static let authorization = HeaderID(22)
    /// `Call-Info`.
    public static let callInfo = HeaderID(23)
    /// `Content-Disposition`.
    public static let contentDisposition = HeaderID(24)
    /// `Content-Encoding`, in short `e`.
    public static let contentEncoding = HeaderID(25)
    /// `Content-Language`.
    public static let contentLanguage = HeaderID(26)
    /// `Date`.
    public static let date = HeaderID(27)
    /// `Error-Info`.
    public static let errorInfo = HeaderID(28)
    /// `Expires`.
    public static let expires = HeaderID(29)
    /// `In-Reply-To`.
    public static let inReplyTo = HeaderID(30)
    /// `MIME-Version`.
    public static let mimeVersion = HeaderID(31)
    /// `Min-Expires`.
    public static let minExpires = HeaderID(32)
    /// `Organization`.
    public static let organization = HeaderID(33)
    /// `Priority`.
    public static let priority = HeaderID(34)
    /// `Proxy-Authenticate`.
    public static let proxyAuthenticate = HeaderID(35)
    /// `Proxy-Authorization`.
    public static let proxyAuthorization = HeaderID(36)
    /// `Proxy-Require`.
    public static let proxyRequire = HeaderID(37)
    /// `Reply-To`.
    public static let replyTo = HeaderID(38)
    /// `Require`.
    public static let require = HeaderID(39)
    /// `Retry-After`.
    public static let retryAfter = HeaderID(40)
    /// `Server`.
    public static let server = HeaderID(41)
    /// `Subject`, in short `s`.
    public static let subject = HeaderID(42)
    /// `Supported`, in short `k`.
    public static let supported = HeaderID(43)
    /// `Timestamp`.
    public static let timestamp = HeaderID(44)
    /// `Unsupported`.
    public static let unsupported = HeaderID(45)
    /// `User-Agent`.
    public static let userAgent = HeaderID(46)
    /// `Warning`.
    public static let warning = HeaderID(47)
    /// `WWW-Authenticate`.
    public static let wwwAuthenticate = HeaderID(48)
    /// `RAck`.
    public static let rack = HeaderID(49)
    /// `RSeq`.
    public static let rseq = HeaderID(50)
    /// `Event`, in short `o`.
    public static let event = HeaderID(51)
    /// `Allow-Events`, in short `u`.
    public static let allowEvents = HeaderID(52)
    /// `Subscription-State`.
    public static let subscriptionState = HeaderID(53)
    /// `P-Media-Authorization`.
    public static let pMediaAuthorization = HeaderID(54)
    /// `Privacy`.
    public static let privacy = HeaderID(55)
    /// `P-Asserted-Identity`.
    public static let pAssertedIdentity = HeaderID(56)
    /// `P-Preferred-Identity`.
    public static let pPreferredIdentity = HeaderID(57)
    /// `Reason`.
    public static let reason = HeaderID(58)
    /// `Path`.
    public static let path = HeaderID(59)
    /// `Security-Client`.
    public static let securityClient = HeaderID(60)
    /// `Security-Server`.
    public static let securityServer = HeaderID(61)
    /// `Security-Verify`.
    public static let securityVerify = HeaderID(62)
    /// `Refer-To`, in short `r`.
    public static let referTo = HeaderID(63)
    /// `Service-Route`.
    public static let serviceRoute = HeaderID(64)
    /// `Accept-Contact`, in short `a`.
    public static let acceptContact = HeaderID(65)
    /// `Reject-Contact`, in short `j`.
    public static let rejectContact = HeaderID(66)
    /// `Request-Disposition`, in short `d`.
    public static let requestDisposition = HeaderID(67)
    /// `Replaces`.
    public static let replaces = HeaderID(68)
    /// `Referred-By`, in short `b`.
    public static let referredBy = HeaderID(69)
    /// `SIP-ETag`.
    public static let sipETag = HeaderID(70)
    /// `SIP-If-Match`.
    public static let sipIfMatch = HeaderID(71)
    /// `Join`.
    public static let join = HeaderID(72)
    /// `Session-Expires`, in short `x`.
    public static let sessionExpires = HeaderID(73)
    /// `Min-SE`.
    public static let minSE = HeaderID(74)
    /// `Resource-Priority`.
    public static let resourcePriority = HeaderID(75)
    /// `Accept-Resource-Priority`.
    public static let acceptResourcePriority = HeaderID(76)
    /// `Identity`, in short `y`.
    public static let identity = HeaderID(77)
    /// `Identity-Info`.
    public static let identityInfo = HeaderID(78)
    /// `Refer-Sub`.
    public static let referSub = HeaderID(79)
    /// `Target-Dialog`.
    public static let targetDialog = HeaderID(80)
    /// `Max-Breadth`.
    public static let maxBreadth = HeaderID(81)
    /// `Flow-Timer`.
    public static let flowTimer = HeaderID(82)
    /// `Info-Package`.
    public static let infoPackage = HeaderID(83)
    /// `Recv-Info`.
    public static let recvInfo = HeaderID(84)
    /// `History-Info`.
    public static let historyInfo = HeaderID(85)
    /// `P-Associated-URI`.
    public static let pAssociatedURI = HeaderID(86)
    /// `P-Called-Party-ID`.
    public static let pCalledPartyID = HeaderID(87)
    /// `P-Visited-Network-ID`.
    public static let pVisitedNetworkID = HeaderID(88)
    /// `P-Access-Network-Info`.
    public static let pAccessNetworkInfo = HeaderID(89)
    /// `P-Charging-Function-Addresses`.
    public static let pChargingFunctionAddresses = HeaderID(90)
    /// `P-Charging-Vector`.
    public static let pChargingVector = HeaderID(91)
    /// `Proxy-Authentication-Info`.
    public static let proxyAuthenticationInfo = HeaderID(92)
    /// `Session-ID`.
    public static let sessionID = HeaderID(93)
    /// `Content-ID`.
    public static let contentID = HeaderID(94)
    /// `Content-Transfer-Encoding`.
    public static let contentTransferEncoding = HeaderID(95)

    /// The first number that stands for a field rather than for a part of a message.
    static let firstField: UInt8 = 5

    static let names: [(long: StaticString, compact: StaticString, isSingle: Bool)] = [
        ("an unknown field", "", false),
        ("the start line", "", false),
        ("the header", "", false),
        ("the body", "", false),
        ("the URI", "", false),
        ("Via", "v", false),
        ("From", "f", true),
        ("To", "t", true),
        ("Call-ID", "i", true),
        ("CSeq", "", true),
        ("Max-Forwards", "", true),
        ("Contact", "m", false),
        ("Content-Length", "l", true),
        ("Content-Type", "c", true),
        ("Route", "", false),
        ("Record-Route", "", false),
        ("Accept", "", false),
        ("Accept-Encoding", "", false),
        ("Accept-Language", "", false),
        ("Alert-Info", "", false),
        ("Allow", "", false),
        ("Authentication-Info", "", false),
        ("Authorization", "", false),
        ("Call-Info", "", false),
        ("Content-Disposition", "", true),
        ("Content-Encoding", "e", false),
        ("Content-Language", "", false),
        ("Date", "", true),
        ("Error-Info", "", false),
        ("Expires", "", true),
        ("In-Reply-To", "", false),
        ("MIME-Version", "", true),
        ("Min-Expires", "", true),
        ("Organization", "", true),
        ("Priority", "", true),
        ("Proxy-Authenticate", "", false),
        ("Proxy-Authorization", "", false),
        ("Proxy-Require", "", false),
        ("Reply-To", "", true),
        ("Require", "", false),
        ("Retry-After", "", true),
        ("Server", "", true),
        ("Subject", "s", true),
        ("Supported", "k", false),
        ("Timestamp", "", true),
        ("Unsupported", "", false),
        ("User-Agent", "", true),
        ("Warning", "", false),
        ("WWW-Authenticate", "", false),
        ("RAck", "", true),
        ("RSeq", "", true),
        ("Event", "o", true),
        ("Allow-Events", "u", false),
        ("Subscription-State", "", true),
        ("P-Media-Authorization", "", false),
        ("Privacy", "", false),
        ("P-Asserted-Identity", "", false),
        ("P-Preferred-Identity", "", false),
        ("Reason", "", false),
        ("Path", "", false),
        ("Security-Client", "", false),
        ("Security-Server", "", false),
        ("Security-Verify", "", false),
        ("Refer-To", "r", true),
        ("Service-Route", "", false),
        ("Accept-Contact", "a", false),
        ("Reject-Contact", "j", false),
        ("Request-Disposition", "d", false),
        ("Replaces", "", true),
        ("Referred-By", "b", true),
        ("SIP-ETag", "", true),
        ("SIP-If-Match", "", true),
        ("Join", "", true),
        ("Session-Expires", "x", true),
        ("Min-SE", "", true),
        ("Resource-Priority", "", false),
        ("Accept-Resource-Priority", "", false),
        ("Identity", "y", false),
        ("Identity-Info", "", true),
        ("Refer-Sub", "", true),
        ("Target-Dialog", "", true),
        ("Max-Breadth", "", true),
        ("Flow-Timer", "", true),
        ("Info-Package", "", true),
        ("Recv-Info", "", false),
        ("History-Info", "", false),
        ("P-Associated-URI", "", false),
        ("P-Called-Party-ID", "", true),
        ("P-Visited-Network-ID", "", false),
        ("P-Access-Network-Info", "", false),
        ("P-Charging-Function-Addresses", "", false),
        ("P-Charging-Vector", "", true),
        ("Proxy-Authentication-Info", "", false),
        ("Session-ID", "", true),
        ("Content-ID", "", true),
        ("Content-Transfer-Encoding", "", true),
    ]
}

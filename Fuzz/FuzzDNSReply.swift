// Reading the reply of a DNS server.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzDNSReply(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

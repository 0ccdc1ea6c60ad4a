// Indexing a datagram, and reading Via, addresses and URIs where they lie.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzIndex(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

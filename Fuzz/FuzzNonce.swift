// Reading a nonce and a digest response.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzNonce(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

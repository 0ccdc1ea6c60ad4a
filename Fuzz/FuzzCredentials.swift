// Reading challenges, credentials and Authentication-Info where they lie.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzCredentials(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

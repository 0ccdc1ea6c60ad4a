// Reading keys and fingerprints in descriptions.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzKeying(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

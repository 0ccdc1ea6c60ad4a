// Reading a session description.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzSDP(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

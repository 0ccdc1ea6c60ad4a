// Reading sound files, and playing what comes as packets.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzSound(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

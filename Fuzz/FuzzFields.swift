// Parsing and writing each known field, and building the message again.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzFields(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

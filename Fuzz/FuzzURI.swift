// Parsing a URI, writing it, and comparing it with itself.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzURI(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

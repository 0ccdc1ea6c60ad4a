// Taking a REGISTER apart, and reading the bindings that it leaves.

/// Takes one input from the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    fuzzStoredBinding(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

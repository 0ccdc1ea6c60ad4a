import Containers

extension Benchmark {
    /// Setting a timer and stopping it, among others.
    static var timers: [Benchmark] {
        [1, 1000, 1_000_000].map { live in
            Benchmark("timer-insert-cancel", live: live) {
                let box = Box(TimerWheel(capacity: live + 1))
                // The others are spread over the 32 s that transactions live.
                for i in 1..<live {
                    use(box.value.insert(deadline: Int64(i) * 7919 % 32_000, payload: UInt64(i)))
                }
                try check(box.value.count == live - 1, "the number of live timers is wrong")
                return { times in
                    for i in 0..<times {
                        if let timer = box.value.insert(deadline: 500 + Int64(i & 4095), payload: 1) {
                            box.value.remove(timer)
                        }
                    }
                }
            }
        }
    }
}

import Testing

@testable import OperationsHTTP

@Suite("The text format of Prometheus, version 0.0.4")
struct PrometheusTextTests {
    @Test("A family is its help, its type and its samples, one a line")
    func writes() {
        let families = [
            MetricFamily(
                "calls_total", .counter, "Calls, by \"kind\".\nAnd \\ more.",
                [
                    .init(3, labels: [("kind", "a\"b\\c\nd"), ("side", "x")]), .init(0.25),
                ]),
            MetricFamily("empty", .gauge, "Nothing."),
        ]
        #expect(
            PrometheusText.text(families) == """
                # HELP calls_total Calls, by "kind".\\nAnd \\\\ more.
                # TYPE calls_total counter
                calls_total{kind="a\\"b\\\\c\\nd",side="x"} 3
                calls_total 0.25
                # HELP empty Nothing.
                # TYPE empty gauge

                """)
    }

    @Test(
        "Numbers are written so that they are read back as the same",
        arguments: [
            (0.0, "0"), (1e15, "1000000000000000"), (0.1, "0.1"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (-2.5, "-2.5"),
        ])
    func writesNumbers(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }

    @Test("The buckets of a histogram add up, and the last has no bound")
    func addsBuckets() {
        let family = MetricFamily(
            "t", .histogram, "T.", MetricFamily.histogram(bounds: [0.5, 1], counts: [1, 2, 4], sum: 9.5))
        #expect(
            PrometheusText.text([family]).split(separator: "\n").dropFirst(2) == [
                "t_bucket{le=\"0.5\"} 1", "t_bucket{le=\"1\"} 3", "t_bucket{le=\"+Inf\"} 7", "t_sum 9.5", "t_count 7",
            ])
    }
}

import ApusNN
import Testing

@Suite struct NamePatternTests {
    @Test(
        "A star stands for any run of characters, a question mark for one",
        arguments: [
            ("features.*", "features.0.weight", true), ("features.*", "features", false),
            ("*", "", true), ("*.bias", "a.b.bias", true), ("*.bias", "a.b.biases", false),
            ("features.?.weight", "features.3.weight", true),
            ("features.?.weight", "features.12.weight", false), ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false), ("conv1.weight", "conv1.weight", true), ("", "", true),
            ("", "a", false), ("?", "", false), ("**", "abc", true), ("Features.*", "features.0", false),
        ])
    func matches(pattern: String, name: String, expected: Bool) {
        #expect(NamePattern(pattern).matches(name) == expected)
    }

    @Test("Many stars take no longer than their product with the name")
    func stars() {
        let pattern = NamePattern(String(repeating: "a*", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 5_000)))
    }
}

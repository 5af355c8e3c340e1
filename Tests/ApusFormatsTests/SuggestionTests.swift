import ApusFormats
import Testing

@Suite struct SuggestionTests {
    private let names = ["fashion-mnist", "mnist", "synthetic"]

    @Test(arguments: [
        ("mnits", "mnist"), ("MNIST", "mnist"), ("minst", "mnist"), ("fasion-mnist", "fashion-mnist"),
        ("fashion_mnist", "fashion-mnist"), ("syntetic", "synthetic"), ("synthetics", "synthetic"),
    ])
    func misspeltNamesFindTheirMeaning(name: String, meaning: String) {
        #expect(NearestName.suggestion(for: name, among: names) == meaning)
    }

    @Test(arguments: ["", "imagenet", "cifar10", "x", "mnist-fashion-and-more"])
    func distantNamesFindNothing(name: String) {
        #expect(NearestName.suggestion(for: name, among: names) == nil)
    }

    @Test func theNearerOfTwoIsTakenAndThenTheFirst() {
        #expect(NearestName.suggestion(for: "lenet6", among: ["resnet", "lenet5"]) == "lenet5")
        #expect(NearestName.suggestion(for: "lenet6", among: ["lenet4", "lenet5"]) == "lenet4")
        #expect(NearestName.suggestion(for: "lenet", among: [String]()) == nil)
    }
}

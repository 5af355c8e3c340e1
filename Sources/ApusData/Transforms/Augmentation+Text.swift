import ApusFormats
import ApusKernels

/// Transforms in a text are separated by commas, each a name or `name=value`, with any parameters behind colons:
/// `rotate=10,shift=0.1,flip`, `elastic=34:deviation=4`.
///
/// What turns, moves, scales and shears side by side is done in one pass, and so are changes of colour.
extension Augmentation: CustomStringConvertible {
    /// The names of transforms, as a text spells them.
    public static let names = grammar.map(\.name)

    /// What the transforms do, in the order of `names`, for a program's help.
    public static var explanation: [(usage: String, meaning: String)] {
        grammar.map { ($0.usage, $0.meaning) }
    }

    /// Reads a text.
    ///
    /// - Throws: `TransformError`, which says what would have been right.
    public init(parsing text: String) throws {
        transforms = []
        // Changes of the last transform, where it makes several at once.
        var made: Set<String> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var term = try TransformTerm(part)
            guard let entry = Self.grammar.first(where: { $0.name == term.name }) else {
                throw TransformError.unknownTransform(term.name)
            }
            let reading = try entry.read(&term, transforms.last)
            try term.checkAllKnown()
            switch reading {
            case .next(let transform):
                made = [term.name]
                transforms.append(transform)
            case .changed(let transform):
                guard made.insert(term.name).inserted else { throw TransformError.repeated(term.name) }
                transforms[transforms.count - 1] = transform
            case .mixup(let mixup):
                guard self.mixup == nil else { throw TransformError.repeated(term.name) }
                self.mixup = mixup
            }
            try check()
        }
    }

    /// The text, without parameters that are as by default.
    public var description: String {
        (transforms.map { "\($0)" } + (mixup.map { ["\($0)"] } ?? [])).joined(separator: ",")
    }
}

/// What a term of the text comes to.
private enum Reading {
    case next(any Transform)
    /// The transform before it, which does this one's work too.
    case changed(any Transform)
    case mixup(Mixup)
}

/// A name of the text, and what it stands for.
private struct GrammarEntry: Sendable {
    let name: String
    /// The name with its value and parameters.
    let usage: String
    let meaning: String
    /// Reads a term, that comes after a transform.
    let read: @Sendable (inout TransformTerm, (any Transform)?) throws -> Reading

    /// A transform of its own.
    init(
        _ name: String, _ usage: String, _ meaning: String,
        _ read: @escaping @Sendable (inout TransformTerm) throws -> any Transform
    ) {
        (self.name, self.usage, self.meaning) = (name, usage, meaning)
        self.read = { term, _ in .next(try read(&term)) }
    }

    /// What is mixed into images.
    init(
        _ name: String, _ usage: String, _ meaning: String,
        mixing read: @escaping @Sendable (inout TransformTerm) throws -> Mixup
    ) {
        (self.name, self.usage, self.meaning) = (name, usage, meaning)
        self.read = { term, _ in .mixup(try read(&term)) }
    }

    /// A change that one transform makes together with others.
    init<Whole: Transform>(
        _ name: String, _ usage: String, _ meaning: String, of empty: Whole,
        _ read: @escaping @Sendable (inout TransformTerm, inout Whole) throws -> Void
    ) {
        (self.name, self.usage, self.meaning) = (name, usage, meaning)
        self.read = { term, last in
            var whole = last as? Whole ?? empty
            try read(&term, &whole)
            return last is Whole ? .changed(whole) : .next(whole)
        }
    }
}

extension Augmentation {
    private static let grammar: [GrammarEntry] = [
        .affine("rotate", "rotate=DEGREES", "Turn by up to so much, either way") {
            $1.rotation = try $0.number()
        },
        .affine("shift", "shift=PART", "Move by up to this part of the width, and of the height") {
            $1.shift = try $0.number()
        },
        .affine("scale", "scale=A..B", "Grow by A to B times; scale=0.1 is scale=0.9..1.1") {
            $1.scale = try $0.scale()
        },
        .affine("shear", "shear=DEGREES", "Lean by up to so much, either way") {
            $1.shear = try $0.number()
        },
        GrammarEntry("flip", "flip[=P]", "Exchange left and right, half the time, or with probability P") {
            RandomFlip(.horizontal, probability: try $0.number(default: 0.5))
        },
        GrammarEntry("flip-vertical", "flip-vertical[=P]", "Exchange top and bottom") {
            RandomFlip(.vertical, probability: try $0.number(default: 0.5))
        },
        GrammarEntry(
            "pad-crop", "pad-crop=N[:size=S]",
            "Surround by N pixels, and keep a window of the old size, or of S, at a random place"
        ) {
            RandomCrop(
                padding: try $0.whole(), size: try $0.size("size"), fill: try $0.fill())
        },
        GrammarEntry("center-crop", "center-crop=S", "Keep the middle, of size S") {
            CenterCrop(try $0.size(), fill: try $0.fill())
        },
        GrammarEntry(
            "random-resized-crop", "random-resized-crop=S[:area=A..B][:ratio=A..B][:filter=F]",
            "Keep a window of random place, area and shape, resized to S"
        ) {
            RandomResizedCrop(
                try $0.size(), area: try $0.range("area") ?? RandomResizedCrop.defaultArea,
                ratio: try $0.range("ratio") ?? RandomResizedCrop.defaultRatio, filter: try $0.filter())
        },
        GrammarEntry("resize", "resize=S[:filter=F]", "Resize to S: bilinear, area or bicubic") {
            Resize(try $0.size(), filter: try $0.filter())
        },
        GrammarEntry("resize-shorter", "resize-shorter=N[:filter=F]", "Resize the shorter side to N") {
            Resize(shorterSide: try $0.whole(), filter: try $0.filter())
        },
        .color("brightness", "brightness=X", "1-X to 1+X times as bright") {
            $1.brightness = try $0.number()
        },
        .color("contrast", "contrast=X", "1-X to 1+X times the contrast") { $1.contrast = try $0.number() },
        .color("saturation", "saturation=X", "1-X to 1+X times as colourful") {
            $1.saturation = try $0.number()
        },
        .color("hue", "hue=PART", "Turn the hue by up to this part of the circle, at most 0.5") {
            $1.hue = try $0.number()
        },
        GrammarEntry("lighting", "lighting[=X]", "AlexNet's: shift colours the way they vary, by 0.1 or X") {
            Lighting(deviation: try $0.number(default: 0.1))
        },
        GrammarEntry(
            "erase", "erase[=P][:area=A..B][:ratio=A..B][:fill=X]",
            "Hide a random window behind noise, or X, half the time, or with probability P"
        ) {
            RandomErasing(
                probability: try $0.number(default: 0.5),
                area: try $0.range("area") ?? RandomErasing.defaultArea,
                ratio: try $0.range("ratio") ?? RandomErasing.defaultRatio,
                fill: try $0.number("fill").map { .value(Float($0)) } ?? .noise)
        },
        GrammarEntry(
            "elastic", "elastic[=X][:deviation=Y]",
            "Simard's distortion of handwriting: strength 34 or X, smoothness 4 or Y, in pixels"
        ) {
            ElasticDistortion(
                strength: try $0.number(default: 34),
                deviation: try $0.number("deviation") ?? ElasticDistortion.defaultDeviation,
                fill: try $0.fill())
        },
        GrammarEntry(
            "mixup", "mixup[=A]",
            "Mix another image and its class into each, after all else; shares are Beta(A, A), A being 0.2",
            mixing: { Mixup(alpha: try $0.number(default: Mixup.defaultAlpha)) }),
    ]
}

extension GrammarEntry {
    /// A change made by `RandomAffine`, all of whose changes fill what comes from outside alike.
    fileprivate static func affine(
        _ name: String, _ usage: String, _ meaning: String,
        _ read: @escaping @Sendable (inout TransformTerm, inout RandomAffine) throws -> Void
    ) -> GrammarEntry {
        GrammarEntry(name, usage, meaning, of: RandomAffine()) { term, whole in
            let (isFirst, before) = (whole == RandomAffine(), whole.fill)
            try read(&term, &whole)
            whole.fill = try term.fill()
            guard isFirst || whole.fill == before else {
                throw TransformError.invalidValue(
                    Double(whole.fill).text, name: "\(name)'s fill",
                    requirement: "that of the change before it, \(Double(before).text)")
            }
        }
    }

    /// A change made by `ColorJitter`.
    fileprivate static func color(
        _ name: String, _ usage: String, _ meaning: String,
        _ read: @escaping @Sendable (inout TransformTerm, inout ColorJitter) throws -> Void
    ) -> GrammarEntry {
        GrammarEntry(name, usage, meaning, of: ColorJitter(), read)
    }
}

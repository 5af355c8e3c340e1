import ApusData
import ApusFormats
import ApusKernels
import Testing

@Suite("The text of an augmentation") struct AugmentationTextTests {
    @Test(
        "A text is read, and written with all that goes without saying left out",
        arguments: [
            ("flip", "flip"), (" flip = 0.5 , flip-vertical=0.25 ", "flip,flip-vertical=0.25"),
            ("rotate=10,shift=0.1,flip", "rotate=10,shift=0.1,flip"),
            ("shear=5.0,scale=0.1,shift=0.1,rotate=1e1", "rotate=10,shift=0.1,scale=0.9..1.1,shear=5"),
            ("scale=0.5..2:fill=1,rotate=5:fill=1", "rotate=5:fill=1,scale=0.5..2:fill=1"),
            ("rotate=10,flip,rotate=10", "rotate=10,flip,rotate=10"), ("rotate=0", "rotate=0"),
            ("hue=0.1,brightness=0.2", "brightness=0.2,hue=0.1"), ("contrast=0", "brightness=0"),
            ("saturation=1,flip,contrast=0.5", "saturation=1,flip,contrast=0.5"),
            ("pad-crop=4", "pad-crop=4"), ("pad-crop=0:fill=0.5:size=24", "pad-crop=0:size=24:fill=0.5"),
            ("center-crop=24x20", "center-crop=24x20"), ("resize=64x64:filter=bilinear", "resize=64"),
            ("resize=32:filter=area", "resize=32:filter=area"),
            ("resize-shorter=256:filter=bicubic", "resize-shorter=256:filter=bicubic"),
            ("random-resized-crop=224", "random-resized-crop=224"),
            (
                "random-resized-crop=8:ratio=1..1:area=0.25..1:filter=bicubic",
                "random-resized-crop=8:area=0.25..1:ratio=1..1:filter=bicubic"
            ),
            ("lighting", "lighting=0.1"), ("erase", "erase"),
            ("erase=1:fill=0:area=0.1..0.2", "erase=1:area=0.1..0.2:fill=0"),
            ("mixup", "mixup=0.2"), ("mixup=1,flip", "flip,mixup=1"),
            ("elastic", "elastic=34"), ("elastic=8:deviation=3:fill=1", "elastic=8:deviation=3:fill=1"),
        ])
    func reading(text: String, canonical: String) throws {
        let augmentation = try Augmentation(parsing: text)
        #expect(augmentation.description == canonical)
        #expect(try Augmentation(parsing: canonical).description == canonical)
    }

    @Test("What turns, moves, scales and shears is one transform, and so are changes of colour")
    func passes() throws {
        let augmentation = try Augmentation(
            parsing: "shift=0.2,rotate=10,shear=5,scale=0.8..1.25,hue=0.1,contrast=0.3,flip")
        #expect(augmentation.transforms.count == 3)
        #expect(
            augmentation.transforms[0] as? RandomAffine
                == RandomAffine(rotation: 10, shift: 0.2, scale: 0.8...1.25, shear: 5))
        #expect(augmentation.transforms[1] as? ColorJitter == ColorJitter(contrast: 0.3, hue: 0.1))
        #expect(augmentation.transforms[2] as? RandomFlip == RandomFlip())
    }

    @Test("Every name can be read, with values that the help shows")
    func names() throws {
        let values = [
            "rotate": "10", "shift": "0.1", "scale": "0.1", "shear": "5", "pad-crop": "4", "center-crop": "8",
            "random-resized-crop": "8", "resize": "8", "resize-shorter": "8", "brightness": "0.1",
            "contrast": "0.1", "saturation": "0.1", "hue": "0.1",
        ]
        for name in Augmentation.names {
            let text = values[name].map { "\(name)=\($0)" } ?? name
            let augmentation = try Augmentation(parsing: text)
            #expect(augmentation.transforms.count + (augmentation.mixup == nil ? 0 : 1) == 1)
        }
        #expect(
            Augmentation.explanation.map { $0.usage.prefix { $0 != "=" && $0 != "[" } }.map(String.init)
                == Augmentation.names)
    }

    @Test(
        "What is wrong is said, with what would have been right",
        arguments: [
            ("rotat=10", "there is no transform 'rotat'; did you mean 'rotate'? (there are rotate, shift, "),
            ("sepia", "there is no transform 'sepia' (there are rotate"),
            ("", "each transform must be a name, or name=value"), ("flip,", "found ''"),
            ("rotate", "rotate must be a number, found nothing"),
            ("rotate=ten", "rotate must be a number, found ten"),
            ("rotate=181", "rotate must be between 0 and 180, found 181"),
            ("shift=-0.1", "shift must be between 0 and 1, found -0.1"),
            ("scale=2..1", "scale must be a range such as 0.5..1, found 2..1"),
            ("scale=1.5", "scale must be a range such as 0.9..1.1, or a number below 1, found 1.5"),
            ("scale=0..1", "scale must be between 0.0625 and 16, found 0"),
            ("rotate=5,shift=0.1,rotate=5", "rotate is given twice where it is done at once"),
            ("hue=0.1,hue=0.2", "hue is given twice"), ("mixup,flip,mixup", "mixup is given twice"),
            ("mixup=0", "mixup must be between 0.01 and 100, found 0"),
            ("rotate=5:fill=1,shift=0.1", "shift's fill must be that of the change before it, 1, found 0"),
            ("flip:fill=1", "flip has no parameters, found 'fill'"),
            ("elastic=34:deviaton=4", "elastic has no parameter 'deviaton'; did you mean 'deviation'?"),
            ("elastic:34", "found 'elastic:34'"),
            ("erase:area=0.1:area=0.2", "found 'erase:area=0.1:area=0.2'"),
            ("erase:area=0.1", "erase's area must be a range such as 0.5..1, found 0.1"),
            (
                "resize=big",
                "resize must be a number such as 64, or height and width such as 64x48, found big"
            ),
            ("resize=8:filter=cubic", "resize's filter must be one of bilinear, area, bicubic, found cubic"),
            ("pad-crop=1.5", "pad-crop must be a whole number, found 1.5"),
            ("flip=2", "flip must be between 0 and 1, found 2"),
            ("center-crop=99999", "center-crop must be an image's size of at most 65536, found 99999"),
            ("rotate=nan", "rotate must be a number, found nan"),
        ])
    func errors(text: String, message: String) {
        #expect {
            try Augmentation(parsing: text)
        } throws: { error in
            if !"\(error)".contains(message) { Issue.record("\(error)") }
            return error is TransformError
        }
    }
}

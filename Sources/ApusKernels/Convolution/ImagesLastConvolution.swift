import CVectorKernels

/// Convolution where images are last: a tap is a product of one weight and a vector of 16 images, and nothing is
/// lowered. Where that is faster, `ImagesLastWinograd` or `ImagesLastRowWinograd` multiplies less often.
///
/// A tile of the result, a few pixels of a few channels, stays in registers while it runs over the source's channels and
/// taps; the gradient of a row of taps, while it runs over pixels.
enum ImagesLastConvolution {
    /// See `Convolution.forward`.
    static func forward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, bias: FloatView?,
        rectifies: Bool, algorithm: ConvolutionAlgorithm, scratch: FloatView, into output: Tensor
    ) {
        let kernels = VectorKernels.current
        var sliding = geometry.sliding
        for block in 0..<input.rows {
            geometry.forEachGroup { group in
                let (x, y) = unsafe (
                    input.maps(group.input, ofBlock: block), output.maps(group.output, ofBlock: block)
                )
                switch algorithm {
                case .imagesLastWinograd:
                    unsafe ImagesLastWinograd.forward(
                        geometry, input: x, weights: weights, bias: bias, rectifies: rectifies,
                        scratch: scratch, into: y)
                case .imagesLastRowWinograd:
                    unsafe ImagesLastRowWinograd.forward(
                        geometry, input: x, weights: weights, bias: bias, rectifies: rectifies,
                        scratch: scratch, into: y)
                default:
                    unsafe kernels.convolve_images(
                        &sliding, geometry.groupOutputChannels, x, weights.values.base + group.firstWeight,
                        bias.map { unsafe $0.base + group.output.lowerBound }, rectifies, y)
                }
            }
        }
    }

    /// See `Convolution.backward`; `maskScratch` is taken where there is a `rectifiedOutput`.
    static func backward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, outputGradient: Tensor,
        rectifiedOutput: Tensor?, algorithm: ConvolutionAlgorithm, scratch: FloatView, maskScratch: FloatView,
        weightGradient: FloatView?, addingToWeights: Bool, biasGradient: FloatView?,
        inputGradient: GradientDestination
    ) {
        // Winograd's writes the first block's.
        let isWritten = algorithm == .imagesLastWinograd && input.rows > 0
        if !addingToWeights && !isWritten { weightGradient?.fill(0) }
        let kernels = VectorKernels.current
        var sliding = geometry.sliding
        for block in 0..<input.rows {
            let images = input.images(ofBlock: block)
            var gradient = outputGradient.images(images)
            if let rectifiedOutput {
                let masked = Tensor(
                    maskScratch, batch: images.count, shape: gradient.shape, layout: gradient.layout)
                Rectifier.backward(
                    gradient, output: rectifiedOutput.images(images), inputGradient: .overwrite(masked))
                gradient = masked
            }
            geometry.forEachGroup { group in
                let (outputs, dy) = unsafe (group.output.count, gradient.maps(group.output, ofBlock: 0))
                let x = unsafe input.maps(group.input, ofBlock: block)
                if algorithm == .imagesLastRowWinograd {
                    unsafe ImagesLastRowWinograd.backward(
                        geometry, images: images.count, input: x, outputGradient: dy, scratch: scratch,
                        weightGradient: weightGradient, biasGradient: biasGradient)
                } else {
                    if let biasGradient {
                        unsafe kernels.image_sums(
                            outputs, gradient.shape.pixels, images.count, dy,
                            biasGradient.base + group.output.lowerBound)
                    }
                    if algorithm == .imagesLastWinograd {
                        unsafe ImagesLastWinograd.backward(
                            geometry, images: images.count, input: x, outputGradient: dy, weights: weights,
                            scratch: scratch, weightGradient: weightGradient,
                            addingToWeights: addingToWeights || block > 0,
                            inputGradient: inputGradient.tensor.map {
                                unsafe $0.maps(group.input, ofBlock: block)
                            }, adding: inputGradient.isAddition)
                        return
                    }
                    if let weightGradient {
                        unsafe kernels.convolve_images_weight_gradient(
                            &sliding, outputs, images.count, x, dy, weightGradient.base + group.firstWeight)
                    }
                }
                if let target = inputGradient.tensor {
                    unsafe kernels.convolve_images_input_gradient(
                        &sliding, outputs, dy, weights.values.base + group.firstWeight,
                        inputGradient.isAddition,
                        target.maps(group.input, ofBlock: block))
                }
            }
        }
    }
}

/// The channels of a group, and where its weights start.
private struct Group {
    let input: Range<Int>
    let output: Range<Int>
    let firstWeight: Int
}

extension ConvolutionGeometry {
    @inline(__always)
    fileprivate func forEachGroup(_ body: (Group) -> Void) {
        for group in 0..<groups {
            let (input, output) = (inputChannels(of: group), outputChannels(of: group))
            body(Group(input: input, output: output, firstWeight: output.lowerBound * depth))
        }
    }
}

extension Tensor {
    /// The images of a block.
    func images(ofBlock block: Int) -> Range<Int> {
        let perBlock = layout.imagesPerBlock
        return block * perBlock..<min((block + 1) * perBlock, batch)
    }

    /// Where the maps of a block's `channels` start.
    @unsafe
    func maps(_ channels: Range<Int>, ofBlock block: Int) -> UnsafeMutablePointer<Float> {
        unsafe base + block * rowStride + channels.lowerBound * channelStride
    }
}

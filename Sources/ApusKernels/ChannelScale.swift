/// `y = scale x + bias` with a scale and a bias for each channel, in any layout.
public enum ChannelScale {
    public static func forward(_ input: Tensor, scale: FloatView, bias: FloatView, into output: Tensor) {
        input.checkMatches(output)
        precondition(scale.count == input.shape.channels && bias.count == input.shape.channels)
        input.forEachPlace { image, pixel, channel in
            unsafe output.base[output.place(image, pixel, channel)] =
                scale.base[channel] * input.base[input.place(image, pixel, channel)] + bias.base[channel]
        }
    }

    /// Adds the gradients of scale and bias, where wanted, and sends the input's on.
    public static func backward(
        _ outputGradient: Tensor, input: Tensor, scale: FloatView, scaleGradient: FloatView?,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        input.checkMatches(outputGradient)
        let channels = input.shape.channels
        precondition(
            scale.count == channels && scaleGradient?.count ?? channels == channels
                && biasGradient?.count ?? channels == channels)
        if let target = inputGradient.tensor { input.checkMatches(target) }
        let adds = inputGradient.isAddition
        input.forEachPlace { image, pixel, channel in
            let dy = unsafe outputGradient.base[outputGradient.place(image, pixel, channel)]
            if let scaleGradient {
                unsafe scaleGradient.base[channel] += dy * input.base[input.place(image, pixel, channel)]
            }
            if let biasGradient { unsafe biasGradient.base[channel] += dy }
            if let target = inputGradient.tensor {
                let place = target.place(image, pixel, channel)
                let dx = unsafe scale.base[channel] * dy
                unsafe target.base[place] = adds ? target.base[place] + dx : dx
            }
        }
    }
}

"""What `apus explain` shows, against PyTorch's hooks and autograd on the same weights and inputs.

    make parity

PyTorch in float64 is the truth; errors, and how great they may be, are those of parity.py, and so is what is done where a
ReLU or a maximum is decided by rounding: the truth is made to decide likewise.
"""

import pathlib
import subprocess
import sys
import tempfile
from functools import partial

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from parity import FACTOR, LENET_FACTOR, LENETS, LIMIT, LUCK, ROOT, SQUEEZENETS, TIE, Decisions

APUS = ROOT / ".build/release/apus"
CLASSES, IMAGES = 10, 3
# Of each network: how it is trained, the layers that Grad-CAM looks at, and the window and stride of occlusion. The last
# layer is the default.
NETWORKS = {
    "lenet5": (["--learning-rate", "0.05"], ["conv1", "pool1", "conv2"], (9, 7), (4, 3)),
    "squeezenet1_1": (["--learning-rate", "1e-4", "--image-size", "75x101"],
                      ["features.3", "features.12.expand3x3", "classifier.1"], (25, 21), (15, 13)),
}


def apus(*arguments):
    run = subprocess.run([APUS, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"apus {' '.join(map(str, arguments))}\n{run.stderr}")


class Network:
    """A network trained for a few steps from PyTorch's parameters, and images in files."""

    def __init__(self, name, folder):
        self.name, self.folder, self.run = name, folder, folder / "run"
        settings, self.layers, self.window, self.stride = NETWORKS[name]
        torch.manual_seed(len(name))
        started = self.model(torch.float32).state_dict()
        for key, value in started.items():
            # torchvision's start at zero, where a mistake with them would not show.
            if key.endswith("bias"):
                value.uniform_(-0.1, 0.1)
        torch.save(started, folder / "started.pt")
        apus("train", "--model", name, "--data", "synthetic=60", "--epochs", 1, "--batch-size", 20, "--quiet",
             "--weights", folder / "started.pt", "--output", self.run, *settings)
        apus("convert", self.run, folder / "weights.safetensors")
        self.weights = load_file(folder / "weights.safetensors")
        self.images = []
        for index in range(IMAGES):
            # Of another size than the network's input, and smooth, as photos are.
            channels = 1 if name in LENETS else 3
            image = F.interpolate(torch.rand(1, channels, 7, 9), (90, 120), mode="bicubic")[0].clamp(0, 1)
            self.images.append(folder / f"{index}.png")
            torchvision.io.write_png((255 * image).to(torch.uint8), str(self.images[-1]))

    def model(self, dtype, decisions=None):
        network = LENETS[self.name](CLASSES) if self.name in LENETS else SQUEEZENETS[self.name](num_classes=CLASSES)
        for layer in network.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # A hook is to keep what it saw.
        network = network.to(dtype).eval()
        if hasattr(self, "weights"):
            network.load_state_dict(self.weights)
        if decisions:
            decisions.impose(network)
        return network

    def explained(self, *options):
        """What `apus explain` writes."""
        values = self.folder / "values.safetensors"
        apus("explain", "--checkpoint", self.run, *self.images, "--values", values,
             "--output", self.folder / "picture.png", *options)
        return load_file(values)

    def layer_outputs(self, x):
        """Ours, on the same input."""
        save_file({"input": x}, self.folder / "batch.safetensors")
        output = self.folder / "output.safetensors"
        apus("run", "--weights", self.run, "--input", self.folder / "batch.safetensors", "--output", output,
             "--activations")
        return load_file(output)


def outputs(model, x):
    """Each layer's output by name, and the logits."""
    seen = {}
    hooks = [layer.register_forward_hook(lambda _, __, y, name=name: seen.update({f"act.{name}": y}))
             for name, layer in model.named_modules() if name]
    logits = model(x)
    for hook in hooks:
        hook.remove()
    return seen, logits


# The methods, as their papers have them.

def score_gradient(logits, classes, of):
    return torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), of)[0]


def grad_cam(model, x, classes, layer):
    seen, logits = outputs(model, x)
    maps = seen[f"act.{layer}"]
    weights = score_gradient(logits, classes, maps).mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu().detach()


def cam(model, x, classes):
    maps = outputs(model, x)[0]["act.classifier.2"].detach()
    return maps[torch.arange(len(classes)), classes]


def saliency(model, x, classes):
    x = x.clone().requires_grad_()
    return score_gradient(model(x), classes, x).abs().amax(1)


@torch.no_grad()
def occlusion(model, x, classes, window, stride):
    def probabilities(x):
        return model(x).softmax(1).gather(1, classes[:, None])[:, 0]

    def starts(extent, window, stride):
        return [*range(0, extent - window, stride), extent - window]

    whole, (height, width) = probabilities(x), x.shape[2:]
    sums, counts = (torch.zeros(len(x), height, width, dtype=x.dtype) for _ in range(2))
    for top in starts(height, window[0], stride[0]):
        for left in starts(width, window[1], stride[1]):
            place = (..., slice(top, top + window[0]), slice(left, left + window[1]))
            covered = x.clone()
            covered[place] = 0
            sums[place] += (whole - probabilities(covered))[:, None, None]
            counts[place] += 1
    return sums / counts


def error(found, truth):
    if not truth.any():  # As Grad-CAM is where all speaks against a class.
        return float("inf") if found.any() else 0.0
    return ((found.double() - truth).norm() / truth.norm()).item()


def cases(network):
    """A name, options of `apus explain`, the method that they mean, and whether it is continuous in the image."""
    for layer in network.layers:
        options = [] if layer == network.layers[-1] else ["--layer", layer]
        yield f"Grad-CAM at {layer}", options, partial(grad_cam, layer=layer), False
    if network.name in SQUEEZENETS:
        yield "CAM", ["--method", "cam"], cam, False
    yield "saliency", ["--method", "saliency"], saliency, False
    window, stride = (f"{height}x{width}" for height, width in (network.window, network.stride))
    yield ("occlusion", ["--method", "occlusion", "--window", window, "--stride", stride],
           partial(occlusion, window=network.window, stride=network.stride), True)


def compare(network, name, options, method, is_continuous):
    """Errors for the most probable classes, and for the one after these: ours, PyTorch's, and of what else is written."""
    likely = network.explained(*options)
    second = likely["probabilities"].sum(0).argsort()[-2].item()
    for kind, found in (("the most probable", likely), ("the second", network.explained(*options, "--class", second))):
        x, classes, size = found["input"], found["classes"], found["input"].shape[2:]
        if kind == "the second" and not (classes == second).all():
            sys.exit(f"{network.name}: class {second} was asked for, found {classes}")
        if kind == "the most probable" and not found["maps"].any():
            sys.exit(f"{network.name}, {name}: zero everywhere, nothing would be compared")
        truth, plain = network.model(torch.float64), network.model(torch.float32)
        seen, logits = outputs(truth, x.double())

        def likewise(results):
            if is_continuous:  # Other images than this are seen too, and decide otherwise.
                return method(truth, x.double(), classes)
            decisions = Decisions(truth, results)
            _, distance = decisions.differences(truth, seen)
            if distance > TIE:
                sys.exit(f"{network.name}: a ReLU or maximum decided otherwise by {distance:.1e}")
            return method(network.model(torch.float64, decisions), x.double(), classes)

        ours = error(found["maps"], likewise(network.layer_outputs(x)))
        theirs = error(method(plain, x, classes), likewise(outputs(plain, x)[0]))
        resized = F.interpolate(found["maps"].double()[:, None], size, mode="bilinear", align_corners=False)
        rest = max(error(found["scores"], logits.gather(1, classes[:, None])[:, 0]),
                   error(found["probabilities"], logits.softmax(1)), error(found["maps.resized"], resized[:, 0]))
        yield f"{network.name}, {name}, {kind}", ours, theirs, rest


def main():
    print(f"Explanations: relative errors against PyTorch {torch.__version__} in float64.\n")
    print("| network, method, class | Apus / PyTorch in float32 | scores, probabilities, resizing |\n|---|---|---|")
    failures = []
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            network = Network(name, pathlib.Path(folder))
            for case, ours, theirs, rest in (result for case in cases(network) for result in compare(network, *case)):
                factor = LENET_FACTOR if name in LENETS else FACTOR
                is_beyond = not (ours <= min(LIMIT, factor * max(theirs, LUCK)) and rest <= LIMIT)
                if is_beyond:
                    failures.append(case)
                print(f"| {case} | {ours:.1e} / {theirs:.1e} | {rest:.1e} |{' **' * is_beyond}", flush=True)
    if failures:
        sys.exit("\n".join([f"Beyond {LIMIT:.0e} or {FACTOR} ({LENET_FACTOR} for LeNets) times PyTorch's own error:", *failures]))
    print("\nNo error is beyond that.\n")


if __name__ == "__main__":
    main()

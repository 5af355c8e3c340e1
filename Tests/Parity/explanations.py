"""What `apus explain` shows, against PyTorch's hooks and autograd on the same weights and inputs.

    make parity

PyTorch in float64 is the truth; errors, and how great they may be, are those of parity.py, and so is what is done where a
ReLU or a maximum is decided by rounding: the truth is made to decide likewise.
"""

import pathlib
import subprocess
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from parity import FACTOR, LENETS, LIMIT, LUCK, ROOT, SQUEEZENETS, TIE, Decisions

APUS = ROOT / ".build/release/apus"
CLASSES, IMAGES = 10, 3
WINDOW, STRIDE = (9, 7), (4, 3)
# Of each network: how it is trained, and the layers that Grad-CAM looks at; None is the default.
NETWORKS = {
    "lenet5": (["--learning-rate", "0.05"], {"conv1": "conv1", "pool1": "pool1", None: "conv2"}),
    "squeezenet1_1": (["--learning-rate", "1e-4", "--image-size", "75x101"],
                      {"features.3": "features.3", "features.12.expand3x3": "features.12.expand3x3",
                       None: "classifier.1"}),
}


def apus(*arguments):
    run = subprocess.run([APUS, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"apus {' '.join(map(str, arguments))}\n{run.stderr}")


class Network:
    """A network trained for a few steps from PyTorch's parameters, and images in files."""

    def __init__(self, name, folder):
        self.name, self.folder, self.run = name, folder, folder / "run"
        settings, self.layers = NETWORKS[name]
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

    def decisions(self, x):
        """Ours: from the layers' outputs on the same input."""
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
def occlusion(model, x, classes):
    def probabilities(x):
        return model(x).softmax(1).gather(1, classes[:, None])[:, 0]

    def starts(extent, window, stride):
        return [*range(0, extent - window, stride), extent - window]

    whole, (height, width) = probabilities(x), x.shape[2:]
    sums, counts = (torch.zeros(len(x), height, width, dtype=x.dtype) for _ in range(2))
    for top in starts(height, WINDOW[0], STRIDE[0]):
        for left in starts(width, WINDOW[1], STRIDE[1]):
            place = (..., slice(top, top + WINDOW[0]), slice(left, left + WINDOW[1]))
            covered = x.clone()
            covered[place] = 0
            sums[place] += (whole - probabilities(covered))[:, None, None]
            counts[place] += 1
    return sums / counts


def error(found, truth):
    return ((found.double() - truth).norm() / truth.norm()).item()


def cases(network):
    """Options of `apus explain`, and the method that they mean."""
    for option, layer in network.layers.items():
        options = ["--method", "grad-cam"] + (["--layer", option] if option else [])
        yield f"Grad-CAM at {layer}", options, lambda *inputs, layer=layer: grad_cam(*inputs, layer)
    if network.name in SQUEEZENETS:
        yield "CAM", ["--method", "cam"], cam
    yield "saliency", ["--method", "saliency"], saliency
    yield "occlusion", ["--method", "occlusion", "--window", "x".join(map(str, WINDOW)),
                        "--stride", "x".join(map(str, STRIDE))], occlusion


def compare(network):
    for (name, options, method), chosen in ((case, chosen) for case in cases(network) for chosen in (None, 3)):
        found = network.explained(*options, *([] if chosen is None else ["--class", chosen]))
        x, classes, size = found["input"], found["classes"], found["input"].shape[2:]
        if chosen is not None and not (classes == chosen).all():
            sys.exit(f"{network.name}: class {chosen} was asked for, found {classes}")
        truth = network.model(torch.float64)
        seen, logits = outputs(truth, x.double())

        def likewise(results):
            if method is occlusion:  # Continuous, and other images decide otherwise.
                return method(truth, x.double(), classes)
            decisions = Decisions(truth, results)
            _, distance = decisions.differences(truth, seen)
            if distance > TIE:
                sys.exit(f"{network.name}: a ReLU or maximum decided otherwise by {distance:.1e}")
            return method(network.model(torch.float64, decisions), x.double(), classes)

        plain = network.model(torch.float32)
        ours = error(found["maps"], likewise(network.decisions(x)))
        theirs = error(method(plain, x, classes), likewise(outputs(plain, x)[0]))
        probabilities = error(found["probabilities"], logits.softmax(1))
        resized = F.interpolate(found["maps"].double()[:, None], size, mode="bilinear", align_corners=False)
        yield (f"{network.name}, {name}, {'class 3' if chosen else 'the most probable class'}", ours, theirs,
               max(probabilities, error(found["maps.resized"], resized[:, 0])))


def main():
    print(f"Explanations: relative errors against PyTorch {torch.__version__} in float64.\n")
    print("| network, method | Apus / PyTorch in float32 | probabilities, resizing |\n|---|---|---|")
    failures = []
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            for case, ours, theirs, rest in compare(Network(name, pathlib.Path(folder))):
                is_beyond = not (ours <= min(LIMIT, FACTOR * max(theirs, LUCK)) and rest <= LIMIT)
                if is_beyond:
                    failures.append(case)
                print(f"| {case} | {ours:.1e} / {theirs:.1e} | {rest:.1e} |{' **' * is_beyond}", flush=True)
    if failures:
        sys.exit("\n".join([f"Beyond {LIMIT:.0e} or {FACTOR} times PyTorch's own error:", *failures]))
    print("\nNo error is beyond that.\n")


if __name__ == "__main__":
    main()

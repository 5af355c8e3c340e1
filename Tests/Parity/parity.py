"""Apus against PyTorch and torchvision, on networks, images and labels drawn at random.

    make parity

PyTorch in float64 is the truth; `apus run` and PyTorch in float32 compute the same from the same parameters.
Errors are ||found - truth|| / ||truth||, the worst of all tensors of a kind, and every tensor counts: each
layer's output, each parameter's gradient. Ours may be a few times PyTorch's own, not more.

Where the input of a ReLU is zero to within rounding, or two elements under a maximum are equal to within it,
each implementation decides for itself, and gradients then differ by whole elements. So they are compared with
those of the truth that decides likewise, once all such decisions are seen to be close ones. `ties` counts them.
"""

import argparse
import itertools
import pathlib
import subprocess
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

ROOT = pathlib.Path(__file__).parents[2]
sys.path.append(str(ROOT / "Tests/ApusModelsTests/Fixtures"))
from generate import lenet5, lenet5_1998, lenet5_keras  # noqa: E402

LENETS = {"lenet5": lenet5, "lenet5-1998": lenet5_1998, "lenet5-keras": lenet5_keras}
SQUEEZENETS = {name: getattr(torchvision.models, name) for name in ("squeezenet1_0", "squeezenet1_1")}
CLASSES = (10, 1000)
# Batch and extents. Seventeen images are more than one thread takes at once.
DIGITS = [(batch, 1, 28, 28) for batch in (1, 2, 5, 17)]
PHOTOS = [(batch, 3, *extents) for extents in ((224, 224), (227, 227), (96, 96), (75, 101), (21, 22))
          for batch in (1, 2, 5)] + [(17, 3, 96, 96)]

KINDS = ("logits", "loss", "activations", "parameter gradients", "input gradient")
LIMIT = 1e-4  # Of any error of ours.
FACTOR = 4  # Of ours to PyTorch's own.
LENET_FACTOR = 12  # The same for gradients of LeNets, whose 5x5 convolutions go by Winograd: 10 was measured.
LUCK = 8 * 2.0**-24  # PyTorch's own counts as eight roundings where it is less: one number may be exact by luck.
TIE = 1e-5  # Of a decision's distance from going the other way to the greatest value about.


def kind_of(name):
    if name in ("logits", "loss"):
        return name
    if name.startswith("act."):
        return "activations"
    return "input gradient" if name == "grad.input" else "parameter gradients"


# PyTorch's results, named as `apus run` names them.

def computed(model, images, labels):
    """Outputs, loss, each layer's output and all gradients."""
    results = {}
    hooks = [
        layer.register_forward_hook(
            lambda _, __, output, name=name: results.update({f"act.{name}": output.detach().clone()}))
        for name, layer in model.named_modules() if name]
    images = images.clone().requires_grad_()
    model.zero_grad()
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    for hook in hooks:
        hook.remove()
    results |= {"logits": logits.detach(), "loss": loss.detach().reshape(1), "grad.input": images.grad}
    return results | {f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()}


def layer_before(model, name):
    parent, _, last = name.rpartition(".")
    names = list(dict(model.get_submodule(parent).named_children()))
    return f"{parent}.".lstrip(".") + names[names.index(last) - 1]


class Decisions:
    """What an implementation decided, by its own results: which elements ReLUs let pass, and which are the
    greatest under a window."""

    def __init__(self, model, results):
        self.passed, self.places, self.inputs = {}, {}, {}
        for name, layer in model.named_modules():
            if isinstance(layer, nn.ReLU):
                self.passed[name] = results[f"act.{name}"] > 0
            elif isinstance(layer, nn.MaxPool2d):
                _, self.places[name] = self.maximum(layer, results[f"act.{layer_before(model, name)}"])

    @staticmethod
    def maximum(layer, x):
        return F.max_pool2d(x, layer.kernel_size, layer.stride, ceil_mode=layer.ceil_mode, return_indices=True)

    @staticmethod
    def taken(x, places):
        return x.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)

    def differences(self, model, truth):
        """The number of decisions that are not the truth's, and the greatest distance of one from being so,
        relative to the layer's greatest input."""
        count, worst = 0, 0.0
        for name in [*self.passed, *self.places]:
            x = truth[f"act.{layer_before(model, name)}"]
            if name in self.passed:
                distances = torch.where(self.passed[name] != (x > 0), x.abs(), 0)
            else:
                greatest, _ = self.maximum(model.get_submodule(name), x)
                distances = greatest - self.taken(x, self.places[name])
            count += distances.count_nonzero().item()
            worst = max(worst, (distances.max() / x.abs().max()).item())
        return count, worst

    def impose(self, model):
        """Makes the model decide likewise, whatever its layers' inputs."""
        for name, passed in self.passed.items():
            model.get_submodule(name).forward = lambda x, passed=passed: torch.where(passed, x, 0)
        for name, places in self.places.items():
            model.get_submodule(name).forward = lambda x, places=places: self.taken(x, places)


# A case: a network, a number of classes, and a batch.

class Case:
    def __init__(self, seed, name, classes, shape):
        self.name, self.classes, self.shape = name, classes, shape
        torch.manual_seed(seed)
        self.weights = self.model(torch.float32).state_dict()
        for key, value in self.weights.items():
            # torchvision's start at zero, where a mistake with them would not show.
            if key.endswith("bias"):
                value.uniform_(-0.1, 0.1)
        self.images = torch.randn(shape)
        self.labels = torch.randint(classes, shape[:1])

    def __str__(self):
        batch, _, height, width = self.shape
        return f"{self.name}, {self.classes} classes, {batch} of {height}x{width}"

    def model(self, dtype):
        if self.name in LENETS:
            return LENETS[self.name](self.classes).to(dtype).eval()
        return SQUEEZENETS[self.name](num_classes=self.classes).to(dtype).eval()

    def loaded(self, dtype):
        model = self.model(dtype)
        model.load_state_dict(self.weights)
        return model

    def ours(self, binary, folder):
        """What `apus run` makes of it: the same bits from a state dictionary and from safetensors, and with and
        without a look at the layers, for which ReLUs and pools are computed by themselves; but for a SqueezeNet's
        gradients."""
        torch.save(self.weights, folder / "weights.pt")
        save_file(self.weights, folder / "weights.safetensors")
        save_file({"input": self.images, "labels": self.labels}, folder / "batch.safetensors")
        results = []
        for weights, *flags in (["weights.pt"], ["weights.safetensors", "--activations"]):
            output = folder / "output.safetensors"
            command = [binary, "run", "--model", self.name, "--classes", str(self.classes),
                       "--weights", folder / weights, "--input", folder / "batch.safetensors",
                       "--output", output, "--gradients", *flags]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0:
                sys.exit(f"{self}: {' '.join(map(str, command))}\n{run.stderr}")
            results.append(load_file(output))
        plain, full = results
        for name, tensor in plain.items():
            if name.startswith("grad.") and self.name in SQUEEZENETS:
                # Gradients before a pool are sums in an order of their own; they are held to the truth.
                if not (tensor - full[name]).norm() <= LIMIT * tensor.norm():
                    sys.exit(f"{self}: {name} is another with --activations, or from safetensors")
                full[name] = tensor
            elif not torch.equal(tensor, full[name]):
                sys.exit(f"{self}: {name} has other bits with --activations, or from safetensors")
        return full

    def compare(self, found, truth):
        """Worst errors by kind, and the number of decisions that are not the truth's."""
        model = self.loaded(torch.float64)
        if found.keys() != truth.keys():
            sys.exit(f"{self}: only one side has {sorted(found.keys() ^ truth.keys())}")
        for name, tensor in found.items():
            # A map of one pixel and a vector are one to us.
            if tensor.shape not in (truth[name].shape, truth[name].shape[:2]):
                sys.exit(f"{self}: {name} is {list(tensor.shape)}, not {list(truth[name].shape)}")
            found[name] = tensor.reshape(truth[name].shape)
        decisions = Decisions(model, found)
        count, distance = decisions.differences(model, truth)
        if distance > TIE:
            sys.exit(f"{self}: a ReLU or maximum decided otherwise by {distance:.1e}")
        decisions.impose(model)
        likewise = computed(model, self.images.double(), self.labels)
        errors = dict.fromkeys(KINDS, 0.0)
        for name, tensor in found.items():
            expected = (likewise if name.startswith("grad.") else truth)[name]
            error = ((tensor.double() - expected).norm() / expected.norm()).item()
            errors[kind_of(name)] = max(errors[kind_of(name)], error)
        return errors, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=ROOT / ".build/release/apus")
    parser.add_argument("--filter", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    torch.use_deterministic_algorithms(True)

    grid = [*itertools.product(LENETS, CLASSES, DIGITS), *itertools.product(SQUEEZENETS, CLASSES, PHOTOS)]
    cases = [(seed, *case) for seed, case in enumerate(grid) if options.filter in case[0]]
    print(f"Relative errors against PyTorch {torch.__version__} in float64: Apus / PyTorch in float32.\n")
    print(f"| network, classes, batch | {' | '.join(KINDS)} | ties |\n|---|{'---|' * (len(KINDS) + 1)}")
    failures, worst = [], {kind: (0.0, 0.0) for kind in KINDS}
    for number, arguments in enumerate(cases):
        case = Case(*arguments)
        print(f"\r{number + 1}/{len(cases)}: {case}", end="\r", file=sys.stderr, flush=True)
        truth = computed(case.loaded(torch.float64), case.images.double(), case.labels)
        with tempfile.TemporaryDirectory() as folder:
            ours, ties = case.compare(case.ours(options.binary, pathlib.Path(folder)), truth)
        theirs, their_ties = case.compare(
            computed(case.loaded(torch.float32), case.images, case.labels), truth)
        cells = []
        for kind, error in ours.items():
            factor = LENET_FACTOR if "gradient" in kind and arguments[1] in LENETS else FACTOR
            is_beyond = not error <= min(LIMIT, factor * max(theirs[kind], LUCK))
            if is_beyond:
                failures.append(f"{case}: {kind} {error:.1e}, PyTorch {theirs[kind]:.1e}")
            cells.append(f"{'**' * is_beyond}{error:.1e} / {theirs[kind]:.1e}{'**' * is_beyond}")
            worst[kind] = tuple(map(max, worst[kind], (error, theirs[kind])))
        print(f"| {case} | {' | '.join(cells)} | {ties} / {their_ties} |", flush=True)
    print(f"| **the worst** | {' | '.join(f'{a:.1e} / {b:.1e}' for a, b in worst.values())} | |\n")
    if failures:
        sys.exit("\n".join([f"Beyond {LIMIT:.0e} or {FACTOR} ({LENET_FACTOR} for gradients of LeNets) times PyTorch's own error:", *failures]))
    print(f"All {len(cases)} cases: no error is beyond {LIMIT:.0e} or {FACTOR} times PyTorch's own, "
          f"gradients of LeNets {LENET_FACTOR} times.")


if __name__ == "__main__":
    main()

"""Writes the fixtures beside this file: what PyTorch makes of the networks, layers, losses, optimisers and
schedules that Apus has too.

    pip install -r ../../../Benchmarks/peers/requirements.txt
    python generate.py

Results are computed in float64 from float32 starting values, and so are the truth to within the rounding of
float32; `float32.*` is the same from PyTorch in float32, to tell how far its own rounding goes. Gradients are
stored rounded to float32, or where there are too many of them, as `digest`.

No random numbers: value i of tensor k is (h / 2^23 - 1) * bound in float32, with h the upper 24 bits of
splitmix64(k << 32 | i). `FormulaWeights` in Tests/TestSupport says the same in Swift.
"""

import functools
import json
import math
import pathlib
import struct
from collections import OrderedDict

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
INPUT_TENSOR = 65535
FIRST_PROJECTION = 65536
PROJECTIONS = 16
SAMPLES = 61  # A prime, for not all to be of one input channel.
STEPS = 10


# Formula and file format.

def formula(k, shape, bound=1.0):
    """Tensor k, in float32."""
    with np.errstate(over="ignore"):
        z = (np.uint64(k << 32) | np.arange(np.prod(shape, dtype=int), dtype=np.uint64))
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = ((z >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) * np.float32(2.0**-23)
    return torch.from_numpy((unit * np.float32(bound)).reshape(shape))


def integers(k, shape):
    """Whole numbers from -4 to 3, exact in every sum, in float64."""
    return torch.floor(formula(k, shape).double() * 4)


def write(name, tensors):
    """A safetensors file, the wider types first so that all are aligned."""
    kinds = {torch.float64: "F64", torch.int64: "I64", torch.float32: "F32"}
    order = sorted(tensors, key=lambda key: (list(kinds).index(tensors[key].dtype), key))
    header, blocks, offset = {"__metadata__": {"torch": torch.__version__.split("+")[0]}}, [], 0
    for key in order:
        tensor = tensors[key].detach().contiguous()
        blocks.append(tensor.numpy().tobytes())
        header[key] = {"dtype": kinds[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [offset, offset + len(blocks[-1])]}
        offset += len(blocks[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


# Networks.

def lenet5(classes=10, activation="relu", kind=nn.ReLU, pool=nn.MaxPool2d):
    return nn.Sequential(OrderedDict({
        "conv1": nn.Conv2d(1, 6, 5, padding=2), f"{activation}1": kind(), "pool1": pool(2),
        "conv2": nn.Conv2d(6, 16, 5), f"{activation}2": kind(), "pool2": pool(2), "flatten": nn.Flatten(),
        "fc1": nn.Linear(400, 120), f"{activation}3": kind(),
        "fc2": nn.Linear(120, 84), f"{activation}4": kind(), "fc3": nn.Linear(84, classes)}))


class ScaledTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(x * 2 / 3)


def lenet5_1998(classes=10):
    return lenet5(classes, "tanh", ScaledTanh, nn.AvgPool2d)


def lenet5_keras(classes=10):
    return nn.Sequential(OrderedDict({
        "conv1": nn.Conv2d(1, 20, 5), "relu1": nn.ReLU(), "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(20, 50, 5), "relu2": nn.ReLU(), "pool2": nn.MaxPool2d(2),
        "conv3": nn.Conv2d(50, 50, 5, padding=2), "relu3": nn.ReLU(), "pool3": nn.MaxPool2d(2),
        "flatten": nn.Flatten(), "fc1": nn.Linear(200, 500), "relu4": nn.ReLU(),
        "fc2": nn.Linear(500, classes)}))


def macs(model, images):
    """Multiply-adds of one image."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        total += layer.weight[0].numel() * output[0].numel()

    hooks = [layer.register_forward_hook(count) for layer in model.children() if hasattr(layer, "weight")]
    model(images[:1])
    for hook in hooks:
        hook.remove()
    return total


def started(model, dtype, gain):
    """The model with its formula's parameters, and without dropout: weight and bias of a layer share their
    bound, sqrt(gain / fan-in)."""
    for k, (name, parameter) in enumerate(model.named_parameters()):
        fan_in = model.get_submodule(name.rpartition(".")[0]).weight[0].numel()
        parameter.data = formula(k, tuple(parameter.shape), np.float32(np.sqrt(gain / fan_in)))
    return model.to(dtype).eval()


def losses(model, make_optimizer, images, labels):
    """The loss before each of the steps on one batch."""
    optimizer = make_optimizer(model.parameters())
    values = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        values.append(loss.detach())
    return torch.stack(values)


def digest(gradient):
    """What of a gradient is stored where there is no room for all of it: its norm, evenly spaced elements, and
    its products with vectors of the formula, in each of which every element takes part."""
    flat = gradient.flatten()
    places = torch.arange(SAMPLES) * len(flat) // SAMPLES
    products = [flat @ formula(FIRST_PROJECTION + j, flat.shape).double() for j in range(PROJECTIONS)]
    return {"norm": flat.norm(), "sample": flat[places].float(), "projections": torch.stack(products)}


def network(name, kind, images, gain, sgd_rate, adam_rate, digests):
    labels = torch.arange(len(images)) % 10
    results, gradients = {}, {}
    for dtype, prefix in ((torch.float64, ""), (torch.float32, "float32.")):
        model = started(kind(), dtype, gain)
        x = images.to(dtype, copy=True).requires_grad_()
        logits = model(x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        results |= {prefix + "logits": logits, prefix + "loss": loss}
        gradients[dtype] = {"input": x.grad} | {n: p.grad for n, p in model.named_parameters()}
        # With its own epsilon Adam takes whole steps where a gradient is nothing but rounding: in whatever direction.
        optimizers = {"sgd": lambda p: torch.optim.SGD(p, lr=sgd_rate, momentum=0.9),
                      "adam": lambda p: torch.optim.Adam(p, lr=adam_rate, eps=1e-5)}
        for key, optimizer in optimizers.items():
            results[f"{prefix}losses.{key}"] = losses(
                started(kind(), dtype, gain), optimizer, images.to(dtype), labels)
    for key, truth in gradients[torch.float64].items():
        if digests and key != "input":
            results |= {f"gradient.{key}.{part}": value for part, value in digest(truth).items()}
        else:
            results["gradient." + key] = truth.float()
        # ||float32 - truth|| / ||truth||: what to ask of another implementation in float32.
        error = (gradients[torch.float32][key].double() - truth).norm() / truth.norm()
        results["float32.gradientError." + key] = error
    write(name, results)


def lenet(name, kind, parameter_count, multiply_adds):
    images = formula(INPUT_TENSOR, (8, 1, 28, 28))
    assert sum(p.numel() for p in kind().parameters()) == parameter_count
    assert macs(kind(), images) == multiply_adds
    network(name, kind, images, gain=1, sgd_rate=0.01, adam_rate=1e-3, digests=False)


def squeezenet(name, kind, shape):
    """torchvision's. Images are small, and their extents such that all pools round up somewhere and no choice
    is a close one: see `margin`. Weights are as wide as ReLU wants them, or gradients would fade away."""
    images = formula(INPUT_TENSOR, shape)
    classes = functools.partial(kind, num_classes=10)
    models = {dtype: started(classes(), dtype, 6) for dtype in (torch.float64, torch.float32)}
    assert margin(models, images) > 6
    network(name, classes, images, gain=6, sgd_rate=1e-3, adam_rate=1e-4, digests=True)


def margin(models, images):
    """How far all choices are from going the other way, in units of the greatest error of float32 among their
    inputs: of ReLUs whether they are positive, of maxima which of nine is the greatest. Another choice would
    change gradients by far more than rounding does."""
    choosing = [name for name, layer in models[torch.float64].named_modules()
                if isinstance(layer, (nn.ReLU, nn.MaxPool2d))]
    inputs = {dtype: {} for dtype in models}
    for dtype, model in models.items():
        for name in choosing:
            model.get_submodule(name).register_forward_pre_hook(
                lambda _, found, dtype=dtype, name=name: inputs[dtype].update({name: found[0].clone()}))
        with torch.no_grad():
            model(images.to(dtype))
    worst = math.inf
    for name in choosing:
        truth, rounded = inputs[torch.float64][name], inputs[torch.float32][name]
        if isinstance(models[torch.float64].get_submodule(name), nn.ReLU):
            gaps = truth.abs()
        else:
            # A row or column more, for the windows that begin inside and end outside.
            padded = F.pad(truth.flatten(0, 1).unsqueeze(1), (0, 1, 0, 1), value=-math.inf)
            greatest = F.unfold(padded, 3, stride=2).topk(2, dim=1).values
            # The gradients of nine zeros all vanish in the ReLU below.
            gaps = (greatest[:, 0] - greatest[:, 1])[greatest[:, 0] > 0]
        worst = min(worst, (gaps.min() / (rounded.double() - truth).abs().max()).item())
    return worst


# Layers and losses.

def geometry(*values):
    return torch.tensor(values, dtype=torch.int64)


def layers():
    """Cases i of `convolution`, `maximum` and `average`, on whole numbers, with geometry as said below."""
    results = {}
    k = 0

    def record(prefix, inputs, output):
        nonlocal k
        k += 1
        upstream = integers(1000 + k, tuple(output.shape))
        gradients = torch.autograd.grad(output, list(inputs.values()), upstream)
        results.update({f"{prefix}.{key}": value for key, value in inputs.items()})
        results.update({f"{prefix}.{key}Gradient": value for key, value in zip(inputs, gradients)})
        results.update({f"{prefix}.output": output, f"{prefix}.outputGradient": upstream})

    # batch, channels in and out, input, kernel, stride, padding, dilation (height and width each), groups.
    convolutions = [
        (2, 3, 4, (7, 6), (3, 3), (1, 1), (0, 0), (1, 1), 1),
        (1, 2, 3, (8, 5), (3, 2), (2, 1), (1, 0), (1, 1), 1),
        (2, 4, 6, (6, 9), (2, 3), (1, 2), (1, 2), (2, 1), 2),
        (1, 3, 3, (9, 9), (3, 3), (2, 3), (2, 3), (2, 3), 3),
        (3, 2, 5, (4, 3), (1, 1), (1, 1), (0, 0), (1, 1), 1),
        (1, 4, 2, (5, 5), (5, 5), (1, 1), (2, 2), (1, 1), 1),
    ]
    for i, (n, c, o, size, kernel, stride, padding, dilation, groups) in enumerate(convolutions):
        inputs = {"input": integers(10 * i, (n, c, *size)),
                  "weight": integers(10 * i + 1, (o, c // groups, *kernel)),
                  "bias": integers(10 * i + 2, (o,))}
        for value in inputs.values():
            value.requires_grad_()
        output = F.conv2d(*inputs.values(), stride, padding, dilation, groups)
        results[f"convolution.{i}.geometry"] = geometry(*stride, *padding, *dilation, groups)
        record(f"convolution.{i}", inputs, output)

    # input, kernel, stride, padding (height and width each), rounding up.
    pools = [
        ((6, 8), (2, 2), (2, 2), (0, 0), False),
        ((7, 7), (3, 3), (2, 2), (0, 0), True),
        ((8, 8), (3, 3), (2, 2), (0, 0), True),
        ((8, 8), (3, 3), (2, 2), (0, 0), False),
        ((7, 6), (3, 2), (2, 3), (1, 1), True),
        ((5, 9), (3, 5), (3, 4), (1, 2), True),
        ((5, 5), (2, 2), (3, 3), (1, 1), True),
        ((6, 5), (4, 3), (1, 2), (2, 1), False),
        ((4, 4), (1, 1), (3, 3), (0, 0), True),
        ((6, 8), (4, 5), (3, 3), (1, 2), True),
        ((6, 7), (5, 4), (4, 3), (2, 1), True),
    ]
    for i, (size, kernel, stride, padding, up) in enumerate(pools):
        x = integers(200 + i, (2, 3, *size)).requires_grad_()
        output, indices = F.max_pool2d(x, kernel, stride, padding, ceil_mode=up, return_indices=True)
        results[f"maximum.{i}.geometry"] = geometry(*kernel, *stride, *padding, up)
        results[f"maximum.{i}.indices"] = indices
        record(f"maximum.{i}", {"input": x}, output)
        for counting in (False, True):
            case = f"average.{2 * i + counting}"
            output = F.avg_pool2d(x, kernel, stride, padding, ceil_mode=up, count_include_pad=counting)
            results[f"{case}.geometry"] = geometry(*kernel, *stride, *padding, up, counting)
            record(case, {"input": x}, output)
    write("layers", results)


def losses_and_softmax():
    """`<case>.smoothing<tenths>` of cross-entropy; mean squared error; softmax."""
    results = {}
    extreme = torch.tensor([[1e4, -1e4, 0, 1, -1], [-1e4, 1e4, 1e4, 0, 0], [-1e4] * 5, [1e4] * 5])
    cases = {"ordinary": formula(1, (6, 5)) * 4, "extreme": extreme}
    for name, logits in cases.items():
        logits = logits.double().requires_grad_()
        labels = torch.arange(len(logits)) % 5
        results |= {f"{name}.logits": logits, f"{name}.labels": labels}
        for tenths in (0, 1):
            loss = F.cross_entropy(logits, labels, label_smoothing=tenths / 10)
            (gradient,) = torch.autograd.grad(loss, logits)
            results[f"{name}.smoothing{tenths}.loss"] = loss
            results[f"{name}.smoothing{tenths}.gradient"] = gradient
        output = F.softmax(logits, dim=1)
        upstream = formula(2, tuple(logits.shape)).double()
        (gradient,) = torch.autograd.grad(output, logits, upstream)
        results |= {f"{name}.softmax.output": output, f"{name}.softmax.outputGradient": upstream,
                    f"{name}.softmax.gradient": gradient}
    predictions = formula(3, (4, 3)).double().requires_grad_()
    targets = formula(4, (4, 3)).double()
    loss = F.mse_loss(predictions, targets)
    (gradient,) = torch.autograd.grad(loss, predictions)
    results |= {"squared.predictions": predictions, "squared.targets": targets, "squared.loss": loss,
                "squared.gradient": gradient}
    write("losses", results)


# Optimisers and schedules.

def optimizers():
    """`<case>`: the parameters after each of five steps, `[5, 7]`."""
    initial = formula(1, (7,))
    gradients = formula(2, (5, 7))
    gradients[:, 0] = 0
    gradients[:, 1] *= 1e-8  # As small as Adam's epsilon.
    results = {"initial": initial, "gradients": gradients}
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    cases = {
        "sgd": (sgd, dict(lr=0.1)),
        "sgd.weightDecay": (sgd, dict(lr=0.1, weight_decay=0.05)),
        "momentum": (sgd, dict(lr=0.1, momentum=0.9)),
        "momentum.weightDecay": (sgd, dict(lr=0.1, momentum=0.9, weight_decay=0.05)),
        "nesterov": (sgd, dict(lr=0.1, momentum=0.9, nesterov=True)),
        "nesterov.weightDecay": (sgd, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05)),
        "adam": (adam, dict(lr=0.01)),
        "adam.weightDecay": (adam, dict(lr=0.01, weight_decay=0.05)),
        "adamw": (adamw, dict(lr=0.01, weight_decay=0.05)),
    }
    for name, (kind, arguments) in cases.items():
        parameter = nn.Parameter(initial.double())
        optimizer = kind([parameter], **arguments)
        course = []
        for gradient in gradients.double():
            parameter.grad = gradient.clone()
            optimizer.step()
            course.append(parameter.detach().clone())
        results[name] = torch.stack(course)
    write("optimizers", results)


def schedules():
    """The rate of each of 40 steps."""
    steps = 40
    kinds = torch.optim.lr_scheduler
    cases = {
        "oneCycle": (kinds.OneCycleLR, 0.05, dict(max_lr=0.05, total_steps=steps, cycle_momentum=False)),
        "cosine": (kinds.CosineAnnealingLR, 0.1, dict(T_max=steps)),
        "cosine.minimum": (kinds.CosineAnnealingLR, 0.1, dict(T_max=steps, eta_min=1e-4)),
        "step": (kinds.StepLR, 0.1, dict(step_size=12, gamma=0.5)),
        "linear": (kinds.LinearLR, 0.1, dict(start_factor=1.0, end_factor=0.1, total_iters=steps)),
        "linear.toZero": (kinds.LinearLR, 0.1, dict(start_factor=1.0, end_factor=0.0, total_iters=steps)),
        "polynomial": (kinds.PolynomialLR, 0.1, dict(total_iters=steps, power=1.0)),
        "polynomial.squared": (kinds.PolynomialLR, 0.1, dict(total_iters=steps, power=2.0)),
    }
    results = {}
    for name, (kind, base, arguments) in cases.items():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
        scheduler = kind(optimizer, **arguments)
        rates = []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(rates) < steps:
                scheduler.step()
        results[name] = {"base": base, "arguments": arguments, "rates": rates}
    (HERE / "schedules.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    lenet("lenet5", lenet5, 61_706, 416_520)
    lenet("lenet5-1998", lenet5_1998, 61_706, 416_520)
    lenet("lenet5-keras", lenet5_keras, 193_630, 2_993_000)
    squeezenet("squeezenet1_0", torchvision.models.squeezenet1_0, (2, 3, 42, 47))
    squeezenet("squeezenet1_1", torchvision.models.squeezenet1_1, (3, 3, 42, 38))
    layers()
    losses_and_softmax()
    optimizers()
    schedules()

"""Writes the fixtures beside this file: state dictionaries as PyTorch saves them.

    pip install -r ../../../../Benchmarks/peers/requirements.txt
    python generate.py

`state-<format>.pth` hold what `state.safetensors` holds in plain order, `layers-<format>.pth` and
`checkpoint-<format>.pth` what `layers.safetensors` does. Formats: `zip`, `zip5` (with pickles of protocol 5) and
`legacy` (before PyTorch 1.6).
"""

import json
import pathlib
import struct

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
FORMATS = {
    "zip": {},
    "zip5": dict(pickle_protocol=5),
    "legacy": dict(_use_new_zipfile_serialization=False),
}
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
         torch.bool: "BOOL"}


def write(name, tensors):
    """The tensors in safetensors format, the wider types first."""
    header, blocks, offset = {}, [], 0
    for key in sorted(tensors, key=lambda key: -tensors[key].element_size()):
        tensor = tensors[key].detach().contiguous()
        blocks.append(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
        header[key] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [offset, offset + len(blocks[-1])]}
        offset += len(blocks[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def save(name, value):
    for suffix, arguments in FORMATS.items():
        torch.save(value, HERE / f"{name}-{suffix}.pth", **arguments)


def state():
    """Every type, and every way to lie in a storage."""
    values = torch.tensor([[1.5, -0.0, float("inf")], [-2.25, 0.001, 65504]])
    tensors = {str(kind).removeprefix("torch."): values.to(kind) for kind in NAMES if kind.is_floating_point}
    tensors |= {str(kind).removeprefix("torch."): torch.tensor([[1, 0], [100, 7]]).to(kind)
                for kind in NAMES if not kind.is_floating_point}
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors |= {
        "scalar": torch.tensor(7),
        "empty": torch.zeros(2, 0, 3),
        "base": base,
        "row": base[1, 2],
        "slice": base[:, 1:, ::2],
        "transposed": base.transpose(0, 2),
        "column": base[:, :, 1:2],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "halves": torch.arange(6).to(torch.float16).reshape(2, 3).t(),
        "bytes": torch.arange(6).to(torch.uint8).reshape(2, 3).t(),
        "wide": torch.arange(6).reshape(2, 3).t(),
        "channelsLast": torch.arange(36.0).reshape(1, 4, 3, 3).to(memory_format=torch.channels_last),
        "parameter": nn.Parameter(torch.tensor([3.0, 4.0])),
    }
    tensors["parameter with state"] = nn.Parameter(torch.tensor([5.0]))
    tensors["parameter with state"].origin = "a test"
    write("state", tensors)
    save("state", tensors)


def layers():
    network = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2))
    for k, parameter in enumerate(network.parameters()):
        parameter.data = torch.arange(parameter.numel(), dtype=torch.float32).reshape(parameter.shape) + 10 * k
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(2, 1, 3, 3)).sum().backward()
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    write("layers", weights)
    save("layers", network.state_dict())
    optimizer.step()
    state = network.state_dict()
    for key, value in weights.items():
        state[key].copy_(value)
    save("checkpoint", {"epoch": 3, "arch": "two layers", "best": torch.tensor(0.5), "state_dict": state,
                        "optimizer": optimizer.state_dict(), "large": 2**80, "nothing": None, -1: [True, 1e-3]})


if __name__ == "__main__":
    state()
    layers()

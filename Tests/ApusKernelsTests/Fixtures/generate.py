"""Writes images.safetensors beside this file: what PyTorch and torchvision make of two small images.

    pip install -r ../../../Benchmarks/peers/requirements.txt
    python generate.py

Images are `[height, width, channels]`. Results are computed in float64 from float32 starting values. A result's name is
what was done and to which image, with its parameters: `affine/grey/<rotation>,<right>,<down>,<scale>,<shear>`.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as T

HERE = pathlib.Path(__file__).parent
SIZES = [(3, 4), (7, 9), (14, 18), (15, 5), (2, 30), (1, 1)]
AFFINE = [(0, 0, 0, 1, 0), (10, 0, 0, 1, 0), (-35, 1.25, -0.5, 1, 0), (90, 0, 0, 1, 0), (0, 2, -1, 1, 0),
          (0, 0, 0, 0.5, 0), (5, -1, 2, 1.7, 20), (-170, 0.3, 0.3, 0.8, -40)]
FACTORS = [0, 0.3, 1, 1.6]
TURNS = [-0.5, -0.2, 0, 0.07, 0.4]


def image(height, width, channels):
    samples = torch.randint(0, 256, (height, width, channels), dtype=torch.uint8)
    if channels == 3:  # Grey, black, white and pure pixels: hues that are none, or at the ends of their sixth.
        pixels = [(9, 9, 9), (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0),
                  (200, 0, 200), (0, 30, 30)]
        samples[0, : len(pixels)] = torch.tensor(pixels, dtype=torch.uint8)
    return samples.float() / 255


def results(name, samples):
    planes = samples.double().permute(2, 0, 1)
    for size in SIZES:
        text = f"{name}/{size[0]}x{size[1]}"
        for mode in ["bilinear", "bicubic"]:
            yield f"{mode}/{text}", F.interpolate(planes[None], size, mode=mode, antialias=True)[0]
        yield f"area/{text}", F.interpolate(planes[None], size, mode="area")[0]
    for parameters in AFFINE:
        rotation, right, down, scale, shear = parameters
        yield f"affine/{name}/{','.join(map(str, parameters))}", T.affine(
            planes, rotation, [right, down], scale, [shear, 0], InterpolationMode.BILINEAR)
    for factor in FACTORS:
        yield f"brightness/{name}/{factor}", T.adjust_brightness(planes, factor)
        yield f"contrast/{name}/{factor}", T.adjust_contrast(planes, factor)
        yield f"saturation/{name}/{factor}", T.adjust_saturation(planes, factor)
    for turn in TURNS:
        yield f"hue/{name}/{turn}", T.adjust_hue(planes, turn)


torch.manual_seed(1)
images = {"grey": image(7, 9, 1), "color": image(7, 9, 3)}
tensors = dict(images)
for name, samples in images.items():
    for key, planes in results(name, samples):
        tensors[key] = planes.permute(1, 2, 0).contiguous().clone()
save_file(tensors, HERE / "images.safetensors")

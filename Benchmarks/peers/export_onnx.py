"""Writes a network of torchvision's as ONNX, for batches of one size.

    python export_onnx.py squeezenet1_1 32 squeezenet1_1.onnx
"""

import sys
import warnings

import torch
import torchvision

name, batch, file = sys.argv[1:]
torch.manual_seed(1)
network = getattr(torchvision.models, name)().eval()
images = torch.randn(int(batch), 3, 224, 224)
# The exporter that needs no other package warns that there is a newer one.
warnings.simplefilter("ignore", DeprecationWarning)
torch.onnx.export(network, (images,), file, input_names=["images"], dynamo=False)

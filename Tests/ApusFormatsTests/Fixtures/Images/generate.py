"""Writes the fixtures beside this file: small images, and what they hold.

    pip install -r ../../../../Benchmarks/peers/requirements.txt
    python generate.py

`expected.npz` holds the pixels of each file under its name: of JPEG as Pillow decodes them, at reduced size too
(`name@heightxwidth`, by its draft mode), of PNG as they were before they were written, by the few lines below.
"""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
expected = {}


def picture(height, width, seed):
    """Smooth colours with some noise, like no other when turned or mirrored."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(-20, 21, (height, width, 3))
    channels = [255 * x / width, 255 * y / height, 255 * ((x + 2 * y) % 19) / 19]
    return np.clip(np.stack(channels, axis=2) + noise, 0, 255).astype(np.uint8)


def jpeg(name, image, upright=False, reduced=(), **options):
    path = HERE / f"{name}.jpg"
    image.save(path, **options)
    keep(path, upright, reduced)


def keep(path, upright=False, reduced=()):
    for divisor in [1, *reduced]:
        with Image.open(path) as image:
            image.draft(None, (image.width // divisor, image.height // divisor))
            if upright:
                image = ImageOps.exif_transpose(image)
            if image.mode == "CMYK":
                image = image.convert("RGB")
            pixels = np.asarray(image)
        pixels = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
        expected[path.name + (f"@{pixels.shape[0]}x{pixels.shape[1]}" if divisor > 1 else "")] = pixels


def jpegs():
    color = Image.fromarray(picture(45, 70, 1))
    jpeg("grey", color.convert("L"), quality=90, reduced=[4])
    jpeg("full", color, quality=90, subsampling="4:4:4")
    jpeg("halved", color, quality=90, subsampling="4:2:0", reduced=[2, 4, 8])
    jpeg("progressive", color, quality=90, progressive=True)
    jpeg("inks", color.convert("CMYK"), quality=90)
    # The same bytes, said to be YCCK: the transform is the last byte of Adobe's segment.
    bytes_ = bytearray((HERE / "inks.jpg").read_bytes())
    place = bytes_.index(b"Adobe") + 11
    assert bytes_[place] == 0
    bytes_[place] = 2
    (HERE / "ycck.jpg").write_bytes(bytes_)
    keep(HERE / "ycck.jpg")
    small = Image.fromarray(picture(10, 17, 2))
    for orientation in range(1, 9):
        for order in "<>":
            exif = Image.Exif()
            exif.endian = order
            exif[0x010F] = "a camera"
            exif[0x0112] = orientation
            name = f"orientation-{orientation}-{'big' if order == '>' else 'little'}"
            jpeg(name, small, upright=True, exif=exif, quality=95, subsampling="4:4:4")


def png(name, samples, depth, kind, result, palette=None, transparency=None, interlaced=False):
    """`samples` are [height, width, channels], `result` what a reader is to make of them."""
    height, width = samples.shape[:2]

    def chunk(kind, contents):
        return (struct.pack(">I", len(contents)) + kind + contents
                + struct.pack(">I", zlib.crc32(kind + contents)))

    def rows(part):
        data = b""
        for row in part:
            bits = "".join(f"{value:0{depth}b}" for value in row.reshape(-1))
            bits += "0" * (-len(bits) % 8)
            data += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        return data

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [samples[a::c, b::d] for a, b, c, d in passes] if interlaced else [samples]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    data = b"".join(rows(part) for part in parts if part.size)
    (HERE / f"{name}.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        + (chunk(b"PLTE", palette.astype(np.uint8).tobytes()) if palette is not None else b"")
        + (chunk(b"tRNS", transparency) if transparency is not None else b"")
        + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))
    expected[f"{name}.png"] = np.asarray(result, np.uint8)


def on_white(values, opacity):
    return np.floor((values * opacity + 255.0 * (255 - opacity)) / 255 + 0.5)


def pngs():
    random = np.random.default_rng(3)

    def samples(depth, channels):
        return random.integers(0, 1 << depth, (9, 13, channels))

    for depth in [1, 2, 4, 8]:
        grey = samples(depth, 1)
        png(f"grey{depth}", grey, depth, 0, grey * 255 // ((1 << depth) - 1))
        palette = random.integers(0, 256, (1 << depth, 3))
        index = samples(depth, 1)
        png(f"palette{depth}", index, depth, 3, palette[index[..., 0]], palette)
    opacity = random.integers(0, 256, 256)
    png("palette-alpha", index, 8, 3, on_white(palette[index[..., 0]], opacity[index]), palette,
        opacity.astype(np.uint8).tobytes())
    png("grey-key", grey, 8, 0, np.where(grey == grey[4, 4], 255, grey), transparency=struct.pack(">H", grey[4, 4, 0]))
    color = samples(8, 3)
    png("color8", color, 8, 2, color)
    png("color8-interlaced", color, 8, 2, color, interlaced=True)
    deep = samples(16, 3)
    png("color16", deep, 16, 2, np.floor(deep / 257 + 0.5))
    png("grey16", deep[..., :1], 16, 0, np.floor(deep[..., :1] / 257 + 0.5))
    color = samples(8, 4)
    png("color-alpha", color, 8, 6, on_white(color[..., :3], color[..., 3:]))
    png("grey-alpha", color[..., 2:], 8, 4, on_white(color[..., 2:3], color[..., 3:]))


jpegs()
pngs()
np.savez_compressed(HERE / "expected.npz", **expected)

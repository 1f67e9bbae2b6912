"""TLT's preprocessing of --cal_image_dir with Pillow and NumPy.

usage: preprocess_reference.py FOLDER CASES IMAGE [...]

CASES are ARCHITECTURE-CHANNELS-HEIGHT-WIDTH with commas between. Writes FOLDER/CASE.f32 for each: float32 [N,C,H,W],
little-endian, without a header.
"""
import os
import sys

import numpy as np
from PIL import Image


def pixels_of(path, architecture, channels, height, width):
    image = Image.open(path)
    # Pillow's resize premultiplies alpha first; here it is done once for both resizes.
    premultiplied = {"RGBA": "RGBa", "LA": "La"}.get(image.mode, image.mode)
    mode, image = image.mode, image.convert(premultiplied)
    # Horizontal first, like the Pillow of TLT. Newer versions choose the order by the shape, which can change a pixel by one level.
    image = image.resize((width, image.height), Image.LANCZOS).resize((width, height), Image.LANCZOS)
    image = image.convert(mode).convert("RGB" if channels == 3 else "L")
    pixels = np.asarray(image, np.float32).reshape(height, width, channels)
    if architecture == "detectnet_v2":
        return pixels / 255
    if architecture == "faster_rcnn":
        return (pixels[:, :, ::-1] - np.array([100.5, 110.25, 120], np.float32)) * 0.5
    if channels == 1:
        return pixels - 117.3786
    return pixels[:, :, ::-1] - np.array([103.939, 116.779, 123.68], np.float32)


folder, cases, *paths = sys.argv[1:]
for case in cases.split(","):
    architecture, *shape = case.split("-")
    batch = [pixels_of(path, architecture, *map(int, shape)).transpose(2, 0, 1) for path in paths]
    np.stack(batch).astype("<f4").tofile(os.path.join(folder, f"{case}.f32"))
print("true")

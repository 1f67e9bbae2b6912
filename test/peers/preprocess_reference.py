"""TLT's preprocessing of --cal_image_dir with Pillow and NumPy.

usage: preprocess_reference.py ARCHITECTURE CHANNELS HEIGHT WIDTH OUTPUT.f32 IMAGE [...]
Writes float32 [N,C,H,W], little-endian, without a header.
"""
import sys

import numpy as np
from PIL import Image

architecture, channels, height, width, output, *paths = sys.argv[1:]
channels, height, width = int(channels), int(height), int(width)
batch = np.empty((len(paths), channels, height, width), np.float32)
for i, path in enumerate(paths):
    image = Image.open(path)
    # What Pillow's resize does first to a picture with alpha, so that it is done once.
    premultiplied = {"RGBA": "RGBa", "LA": "La"}.get(image.mode, image.mode)
    mode, image = image.mode, image.convert(premultiplied)
    # Horizontal first, as Pillow did in TLT's time; newer ones choose the order by the shape, which can move a pixel by one level.
    image = image.resize((width, image.height), Image.LANCZOS).resize((width, height), Image.LANCZOS)
    image = image.convert(mode).convert("RGB" if channels == 3 else "L")
    pixels = np.asarray(image, np.float32).reshape(height, width, channels)
    if architecture == "detectnet_v2":
        pixels = pixels / 255
    elif architecture == "faster_rcnn":
        pixels = (pixels[:, :, ::-1] - np.array([100.5, 110.25, 120], np.float32)) * 0.5
    elif channels == 1:
        pixels = pixels - 117.3786
    else:
        pixels = pixels[:, :, ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    batch[i] = pixels.transpose(2, 0, 1)
batch.astype("<f4").tofile(output)
print("true")

"""The training loaders' preprocessing with Pillow, OpenCV and NumPy.

usage: training_reference.py LOADER CHANNELS HEIGHT WIDTH OUTPUT.f32 IMAGE [...]
Writes float32 [N,C,H,W], little-endian, without a header.
"""
import sys

import cv2
import numpy as np
from PIL import Image

loader, channels, height, width, output, *paths = sys.argv[1:]
channels, height, width = int(channels), int(height), int(width)
mode = "RGB" if channels == 3 else "L"
caffe = np.array([103.939, 116.779, 123.68] if channels == 3 else [117.3786], np.float32)


def classification(path, preprocess):
    image = Image.open(path).convert(mode).resize((width, height), Image.NEAREST)
    pixels = np.asarray(image, np.float32).reshape(height, width, channels)
    if preprocess == "tf":
        return pixels / 127.5 - 1
    if preprocess == "torch":
        return (pixels / 255 - np.array([0.485, 0.456, 0.406] if channels == 3 else [0.449])) / 0.224
    return pixels[:, :, ::-1] - caffe


def half(path):
    pixels = np.asarray(Image.open(path).convert(mode))
    return (pixels.reshape(pixels.shape[0], pixels.shape[1], channels) / np.float16(255)).astype(np.float16).astype(np.float32)


def padded_and_cut(pixels, left=0, top=0):
    right, below = max(0, left + width - pixels.shape[1]), max(0, top + height - pixels.shape[0])
    return np.pad(pixels, ((0, below), (0, right), (0, 0)))[top : top + height, left : left + width]


def corner_bilinear(pixels):
    y = (np.arange(height) * pixels.shape[0] / height)[:, None, None]
    x = (np.arange(width) * pixels.shape[1] / width)[None, :, None]
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    y1, x1 = np.minimum(y0 + 1, pixels.shape[0] - 1), np.minimum(x0 + 1, pixels.shape[1] - 1)
    at = lambda row, column: pixels[row[:, 0, 0]][:, column[0, :, 0]]
    top = at(y0, x0) + (at(y0, x1) - at(y0, x0)) * (x - x0)
    return top + (at(y1, x0) + (at(y1, x1) - at(y1, x0)) * (x - x0) - top) * (y - y0)


def ssd(path, letterbox=False):
    pixels = np.asarray(Image.open(path).convert("RGB"), np.float32)
    if letterbox:
        ratio = min(width / pixels.shape[1], height / pixels.shape[0])
        size = [int(np.floor(side * ratio + 0.5)) for side in (pixels.shape[1], pixels.shape[0])]
        canvas = np.empty((height, width, 3), np.float32)
        canvas[:] = pixels.mean((0, 1), dtype=np.float64)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    else:
        canvas = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    blue_first = canvas[:, :, ::-1] - caffe
    return blue_first if channels == 3 else (blue_first * [0.114, 0.587, 0.299]).sum(-1, keepdims=True)


def faster_rcnn(path):
    mean = np.array([100.5, 110.25, 120] if channels == 3 else [117.25], np.float32)
    return ((padded_and_cut(half(path)) * 255)[:, :, ::-1] - mean) / 2


loaders = {
    "caffe": lambda path: classification(path, "caffe"),
    "tf": lambda path: classification(path, "tf"),
    "torch": lambda path: classification(path, "torch"),
    "detectnet_v2": lambda path: padded_and_cut(half(path)),
    "detectnet_v2 cropped": lambda path: padded_and_cut(half(path), 40, 30),
    "detectnet_v2 resized": lambda path: corner_bilinear(half(path)),
    "faster_rcnn": faster_rcnn,
    "ssd": ssd,
    "yolo": lambda path: ssd(path, letterbox=True),
}
np.stack([loaders[loader](path).transpose(2, 0, 1) for path in paths]).astype("<f4").tofile(output)
print("true")

"""Preprocessing of the training data loaders with Pillow, OpenCV and NumPy.

usage: training_reference.py FOLDER HEIGHT WIDTH IMAGE [...]
Writes FOLDER/LOADER-CHANNELS.f32 for every loader in three channels and in one: float32 [N,C,H,W], little-endian,
without a header.
"""
import os
import sys

import cv2
import numpy as np
from PIL import Image

folder, height, width, *paths = sys.argv[1:]
height, width = int(height), int(width)
modes = {3: "RGB", 1: "L"}
caffe = {3: np.array([103.939, 116.779, 123.68], np.float32), 1: np.array([117.3786], np.float32)}


def classification(path, channels, preprocess):
    image = Image.open(path).convert(modes[channels]).resize((width, height), Image.NEAREST)
    pixels = np.asarray(image, np.float32).reshape(height, width, channels)
    if preprocess == "tf":
        return pixels / 127.5 - 1
    if preprocess == "torch":
        return (pixels / 255 - np.array([0.485, 0.456, 0.406] if channels == 3 else [0.449])) / 0.224
    return pixels[:, :, ::-1] - caffe[channels]


def half(path, channels):
    pixels = np.asarray(Image.open(path).convert(modes[channels]))
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


def ssd(path, channels, letterbox=False):
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
    blue_first = canvas[:, :, ::-1] - caffe[channels]
    return blue_first if channels == 3 else (blue_first * [0.114, 0.587, 0.299]).sum(-1, keepdims=True)


def faster_rcnn(path, channels):
    mean = np.array([100.5, 110.25, 120] if channels == 3 else [117.25], np.float32)
    return ((padded_and_cut(half(path, channels)) * 255)[:, :, ::-1] - mean) / 2


loaders = {
    "caffe": lambda path, channels: classification(path, channels, "caffe"),
    "tf": lambda path, channels: classification(path, channels, "tf"),
    "torch": lambda path, channels: classification(path, channels, "torch"),
    "detectnet_v2": lambda path, channels: padded_and_cut(half(path, channels)),
    "detectnet_v2 cropped": lambda path, channels: padded_and_cut(half(path, channels), 40, 30),
    "detectnet_v2 resized": lambda path, channels: corner_bilinear(half(path, channels)),
    "faster_rcnn": faster_rcnn,
    "ssd": ssd,
    "yolo": lambda path, channels: ssd(path, channels, letterbox=True),
}
for name, load in loaders.items():
    for channels in (3, 1):
        images = [load(path, channels).transpose(2, 0, 1) for path in paths]
        np.stack(images).astype("<f4").tofile(os.path.join(folder, f"{name}-{channels}.f32"))
print("true")

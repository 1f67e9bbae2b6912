"""Scenes for training and evaluation of detectors: bricks and coins pasted onto photos. Deterministic for a given random state.

Data: the coins of scikit-image's `coins` photograph, segmented with its own recipe, and rectangles of its `brick`
texture (both public domain), on photos. The last five coins and the last fifth of the photos are only for evaluation.
Classes, as TLT orders them: brick, coin. Boxes are left, top, right, bottom in pixels.
"""
import os

import numpy as np
from PIL import Image
from skimage import data, filters, measure, morphology, segmentation

HEIGHT, WIDTH = 160, 192
CLASSES = ["brick", "coin"]
MEANS = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red


class Stock:
    """The material of scenes; `held` is the part that is held out from training."""

    def __init__(self, folder):
        coins, photos = cut_coins(), backgrounds(folder)
        kept = len(photos) * 4 // 5
        self.seen = (coins[:-5], photos[:kept])
        self.held = (coins[-5:], photos[kept:])


def cut_coins():
    picture = data.coins()
    marked = segmentation.clear_border(morphology.closing(picture > filters.threshold_otsu(picture), morphology.square(3)))
    regions = [r for r in measure.regionprops(measure.label(marked)) if r.area > 800]
    return [(picture[r.slice], r.filled_image) for r in sorted(regions, key=lambda r: r.bbox)]


def backgrounds(folder):
    photos = [Image.open(os.path.join(folder, name)).convert("RGB") for name in sorted(os.listdir(folder))]
    return [np.asarray(photo.resize((WIDTH, HEIGHT)), np.float32) for photo in photos]


def brick(random):
    """A crop of the wall with an aspect ratio between 1:2 and 2:1."""
    wall = data.brick()
    side, aspect = random.integers(34, 66), random.uniform(0.5, 2.0)
    size = int(side * aspect**-0.5), int(side * aspect**0.5)
    top, left = random.integers(0, wall.shape[0] - size[0]), random.integers(0, wall.shape[1] - size[1])
    return wall[top : top + size[0], left : left + size[1]], np.ones(size, bool), size


def coin(coins, random):
    pixels, mask = coins[random.integers(len(coins))]
    side = int(random.integers(28, 72))
    return pixels, mask, (side, side)


def paste(canvas, cut, random):
    pixels, mask, (height, width) = cut
    resized = lambda values: np.asarray(Image.fromarray(values).resize((width, height)), np.float32)[..., None]
    alpha = resized((mask * 255).astype(np.uint8)) / 255
    tint = random.uniform(0.75, 1.25, 3) * random.uniform(0.7, 1.3)
    left, top = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
    window = canvas[top : top + height, left : left + width]
    window[:] = window * (1 - alpha) + np.clip(resized(pixels) * tint, 0, 255) * alpha
    return left, top, left + width, top + height


def scene(stock, random):
    """RGB [H,W,3] of 0…255, boxes [n,4], class indices [n]."""
    coins, photos = stock
    canvas = photos[random.integers(len(photos))].copy()
    canvas = (canvas[:, ::-1].copy() if random.random() < 0.5 else canvas) * random.uniform(0.6, 1.2)
    boxes, labels = [], []
    for _ in range(int(random.integers(1, 5))):
        label, before = int(random.integers(2)), canvas.copy()
        box = paste(canvas, coin(coins, random) if label else brick(random), random)
        if any(overlaps(np.array([box]), np.array([other]))[0, 0] > 0.02 for other in boxes):
            canvas = before
        else:
            boxes.append(box)
            labels.append(label)
    return np.clip(canvas, 0, 255), np.array(boxes, np.float32), np.array(labels)


def network_input(picture):
    """TLT's preprocessing: BGR minus ImageNet's means; [H,W,3]."""
    return picture[..., ::-1] - MEANS


def overlaps(a, b):
    """Intersection over union of every box of a with every box of b."""
    corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.prod(np.maximum(corner, 0), -1)
    area = lambda boxes: np.prod(boxes[:, 2:] - boxes[:, :2], -1)
    return shared / (area(a)[:, None] + area(b)[None] - shared + 1e-9)

"""Writes scenes that no detector was trained with, and their objects: test/fixtures/scenes.

usage: make_scenes.py PHOTOS_FOLDER OUTPUT_FOLDER   (scikit-image, Pillow)
"""
import json
import os
import sys

import numpy as np
from PIL import Image

from scenes import CLASSES, Stock, scene

folder, output = sys.argv[1:]
stock, random, truths = Stock(folder), np.random.default_rng(2026), {}
for i in range(24):
    picture, boxes, labels = scene(stock.held, random)
    name = f"scene{i:02}.jpg"
    Image.fromarray(picture.astype(np.uint8)).save(os.path.join(output, name), quality=88)
    truths[name] = [{"class": CLASSES[label], "box": box} for label, box in zip(labels, boxes.astype(int).tolist())]
with open(os.path.join(output, "truths.json"), "w", encoding="utf-8") as file:
    json.dump(truths, file)
    file.write("\n")

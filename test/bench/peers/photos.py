"""The tensors that a network reads, from files of images: with Pillow and NumPy, as the data readers of onnxruntime's examples make them.

usage: photos.py PHOTOS.json TENSOR.pb ...

Compares them with tensors of a calibration. Prints {"largestDifference"} in the unit of the input. From version 13 on, Pillow resizes the
height first where that takes fewer steps, which the Pillow of TLT does not; so this one is older.
"""
import json
import sys

import numpy as np
from PIL import Image


def describe(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def decode(path, photos):
    """[1,C,H,W] float32 of one file."""
    picture = Image.open(path).convert("RGB").resize((photos["width"], photos["height"]), Image.Resampling.LANCZOS)
    if photos["channels"] == 1:
        picture = picture.convert("L")
    values = np.asarray(picture, np.float32).reshape(photos["height"], photos["width"], photos["channels"])
    if photos["order"] == "BGR":
        values = values[:, :, ::-1]
    values = (values - np.float32(photos["mean"])) * np.float32(photos["scale"])
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


if __name__ == "__main__":
    import onnx
    from onnx import numpy_helper

    described = describe(sys.argv[1])
    pairs = zip(described["files"], sys.argv[2:], strict=True)
    differences = [
        np.abs(decode(file, described) - numpy_helper.to_array(onnx.load_tensor(tensor))).max() for file, tensor in pairs
    ]
    print(json.dumps({"largestDifference": float(max(differences))}))

"""Makes the detectors of test/fixtures/keras: small Keras models in the form of `tlt train` for ssd, dssd, retinanet, yolo
and faster_rcnn, with random weights, and the outputs that Keras and the plugins' reference compute.

usage: make_keras_detectors.py PHOTOS_FOLDER OUTPUT_FOLDER   (packages: keras-requirements.txt, pillow, onnx; one minute, one core)

detectors.h5 contains for each model pictures, the outputs of the trained network (raw_0 …), and the outputs of the exported
graph (end_0 …), computed box by box with ../peers/plugin_reference.py.
"""
import json
import os
import sys

import numpy as np
from PIL import Image

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import plugin_reference as plugins
import tlt_detectors as tlt
from tlt_keras import h5py, keras, save, tf

F = np.float32
NMS = dict(confidenceThreshold=0.3, nmsThreshold=0.5, topK=40, keepTopK=20, scoreBits=0, codeType=1, inputOrder=[1, 2, 0], isNormalized=1)


def pictures(folder, height, width):
    """Two crops as from TLT's loaders: N,C,H,W in BGR minus Caffe's means; coarse, so that the files are small."""
    names = sorted(os.listdir(folder))[:40:20]
    coarse = [Image.open(os.path.join(folder, name)).convert("RGB").resize((width // 8, height // 8)) for name in names]
    images = [np.asarray(each.resize((width, height), Image.NEAREST), F) for each in coarse]
    return (np.stack(images)[..., ::-1] - [103.939, 116.779, 123.68]).transpose(0, 3, 1, 2).astype(F)


SCALES = {"conv1": 0.01, "dense_class_td": 4, **{f"ssd_conf_{i}": 4 for i in range(6)}}


def spread(model, random):
    """Random weights with which activations neither vanish nor explode, and heads whose outputs depend on the position."""
    for layer in model.layers:
        for weight in layer.weights:
            fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 1
            if "variance" in weight.name or "gamma" in weight.name:
                values = random.uniform(0.5, 1.5, weight.shape)
            elif len(weight.shape) > 1:
                values = random.normal(0, (2 / fan) ** 0.5, weight.shape)
            else:
                values = random.normal(0, 0.1, weight.shape)
            weight.assign(values * (SCALES.get(layer.name, 1) if len(weight.shape) > 1 else 1))


def nms(loc, conf, prior, **changed):
    attributes = NMS | dict(shareLocation=1, varianceEncodedInTarget=0, backgroundLabelId=0, numClasses=tlt.CLASSES + 1, confSigmoid=0) | changed
    n = len(loc)
    flat = [prior.astype(F).reshape(n, 2, -1, 1), loc.astype(F).reshape(n, -1, 1, 1), conf.astype(F).reshape(n, -1, 1, 1)]
    return plugins.nms(attributes, flat)


def anchored_end(raw):
    """Classes, four offsets, four corners and four variances per row; in training the classes are probabilities."""
    conf, loc, prior = np.split(raw, [tlt.CLASSES + 1, tlt.CLASSES + 5], axis=2)
    boxes = prior.reshape(len(raw), -1, 2, 4).transpose(0, 2, 1, 3)
    return nms(loc, conf, boxes)


def yolo_end(raw):
    logistic = lambda x: 1 / (1 + np.exp(-x))
    y, x, h, w, step_y, step_x, ty, tx, th, tw, there = np.moveaxis(raw[..., :11], 2, 0)
    cy, cx, bh, bw = y + logistic(ty) * step_y, x + logistic(tx) * step_x, h * np.exp(th), w * np.exp(tw)
    boxes = np.stack([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2], -1)[:, :, None]
    scores = logistic(raw[..., 11:]) * logistic(there)[..., None]
    attributes = dict(shareLocation=1, backgroundLabelId=-1, scoreThreshold=0.3, iouThreshold=0.5, topK=40, keepTopK=20, numClasses=tlt.CLASSES, clipBoxes=1)
    return plugins.batched_nms(attributes, [boxes.astype(F), scores.astype(F)])


def keep(folder, name, images, raw, end):
    with h5py.File(os.path.join(folder, "detectors.h5"), "a") as file:
        group = file.create_group(name)
        group.create_dataset("input", data=images, compression="gzip")
        for kind, values in (("raw", raw), ("end", end)):
            for i, each in enumerate(values):
                group.create_dataset(f"{kind}_{i}", data=np.asarray(each, F), compression="gzip")
    print(f"{name}: {end[-1 if name == 'faster_rcnn' else 1 if name != 'yolo' else 0].ravel()} boxes", flush=True)


def free_sides(path):
    """TLT saves yolo without the size of its images."""
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        [entry] = [layer for layer in config["config"]["layers"] if layer["class_name"] == "InputLayer"]
        entry["config"]["batch_input_shape"] = [None, 3, None, None]
        file.attrs["model_config"] = json.dumps(config).encode()


def single_shot(name, folder, photos, random):
    build = getattr(tlt, name)
    images = pictures(photos, tlt.HEIGHT, tlt.WIDTH)
    inputs = keras.Input(images.shape[1:], name="Input")
    model = keras.Model(inputs, build(inputs), name=name)
    spread(model, random)
    raw = model(images, training=False).numpy()
    path = os.path.join(folder, f"{name}.hdf5")
    save(model, path)
    if name == "yolo":
        free_sides(path)
    keep(folder, name, images, [raw], yolo_end(raw) if name == "yolo" else anchored_end(raw))


def faster_rcnn(folder, photos, random):
    height, width = 160, 192
    images = pictures(photos, height, width)
    inputs = keras.Input(images.shape[1:], name="input_image")
    model, first, parts = tlt.faster_rcnn(inputs)
    spread(model, random)
    features, scores, offsets = (each.numpy() for each in keras.Model(inputs, first)(images, training=False))
    attributes = dict(input_height=height, input_width=width, rpn_stride=16, roi_min_size=1.0, nms_iou_threshold=0.7, pre_nms_top_n=60,
                      post_nms_top_n=tlt.REGIONS, anchor_sizes=tlt.RPN_SIZES, anchor_ratios=tlt.RPN_RATIOS)
    [rois] = plugins.proposal(attributes, [scores, (offsets * F(0.5)).astype(F)])
    cut = tlt.CropAndResize(pool_size=tlt.POOL)
    cuts = cut([tf.constant(features), tf.constant(rois[..., 0]), None])
    entry = keras.Input(cuts.shape[1:])
    second = keras.Model(entry, tlt.second_stage(entry, parts))
    dense = parts["class_"][0].layer
    dense.bias.assign(dense.bias - tf.reduce_mean(tf.math.log(second(cuts, training=False)[0]), (0, 1)))  # no class wins everywhere
    save(model, os.path.join(folder, "faster_rcnn.hdf5"))
    classes, boxes = second(cuts, training=False)
    each = boxes.numpy().reshape(len(images), tlt.REGIONS, tlt.CLASSES, 4) * F([0.1, 0.1, 0.2, 0.2])
    loc = np.concatenate([each, each[:, :, :1]], 2)
    prior = np.repeat(rois[:, None, :, [1, 0, 3, 2], 0], 2, 1)
    end = nms(loc, classes.numpy(), prior, shareLocation=0, varianceEncodedInTarget=1, backgroundLabelId=tlt.CLASSES, topK=tlt.REGIONS, keepTopK=10)
    keep(folder, "faster_rcnn", images, [scores, offsets, rois, classes.numpy(), boxes.numpy()], end)


def main():
    photos, folder = sys.argv[1:]
    path = os.path.join(folder, "detectors.h5")
    if os.path.exists(path):
        os.remove(path)
    for name in ("ssd", "dssd", "retinanet", "yolo", "faster_rcnn"):
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        random = np.random.default_rng(7)
        faster_rcnn(folder, photos, random) if name == "faster_rcnn" else single_shot(name, folder, photos, random)


main()

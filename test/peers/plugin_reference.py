"""Reference of TensorRT's detection plugins, computed box by box in NumPy. usage: plugin_reference.py FOLDER

Written from the plugins' own documentation and kernels, not from our graphs. Makes one folder per case (random and
adversarial) with model.onnx (one plugin node), the inputs and the expected outputs as ONNX TensorProtos. Prints a JSON list
of {name, inputs, outputs}.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F = np.float32


def overlap(a, b):
    ax1, ax2, ay1, ay2 = min(a[0], a[2]), max(a[0], a[2]), min(a[1], a[3]), max(a[1], a[3])
    bx1, bx2, by1, by2 = min(b[0], b[2]), max(b[0], b[2]), min(b[1], b[3]), max(b[1], b[3])
    width, height = F(min(ax2, bx2) - max(ax1, bx1)), F(min(ay2, by2) - max(ay1, by1))
    if width <= 0 or height <= 0:
        return F(0)
    shared = F(width * height)
    return F(shared / F(F(F(ax2 - ax1) * F(ay2 - ay1)) + F(F(bx2 - bx1) * F(by2 - by1)) - shared))


def best_first(scores):
    """Indices by descending score; equal scores are in the order of their indices."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


def suppress(boxes, order, limit):
    kept = []
    for i in order:
        if all(overlap(boxes[j], boxes[i]) <= limit for j in kept):
            kept.append(i)
    return kept


def detections(boxes_of, scores, *, background, threshold, iou, top_k, keep):
    """`boxes_of(label)` [P,4], scores [C,P]; rows (label, score, box), best first."""
    found = []
    for label in range(len(scores)):
        if label == background:
            continue
        order = [i for i in best_first(scores[label]) if scores[label][i] > threshold][:top_k]
        kept = suppress(boxes_of(label), order, iou)
        found += [(label, order.index(i), scores[label][i], boxes_of(label)[i]) for i in kept]
    found.sort(key=lambda row: (-row[2], row[0], row[1]))
    return [(label, score, box) for label, _, score, box in found[:keep]]


def decode(code, offsets, anchor, variance):
    """Decodes one box; variance is None if the offsets include it."""
    scale = np.ones(4, F) if variance is None else variance
    width, height = F(anchor[2] - anchor[0]), F(anchor[3] - anchor[1])
    if code == 0:
        return anchor + offsets * scale
    if code == 2:
        return anchor + offsets * scale * np.array([width, height, width, height], F)
    dx, dy, dw, dh = offsets if code == 1 else offsets[[1, 0, 3, 2]]
    x = F(F(scale[0] * dx) * width) + F(F(anchor[0] + anchor[2]) / F(2))
    y = F(F(scale[1] * dy) * height) + F(F(anchor[1] + anchor[3]) / F(2))
    w, h = F(np.exp(F(scale[2] * dw)) * width), F(np.exp(F(scale[3] * dh)) * height)
    return np.array([x - w / F(2), y - h / F(2), x + w / F(2), y + h / F(2)], F)


def nms(attributes, inputs):
    order = attributes["inputOrder"]
    loc, conf, prior = (inputs[i] for i in order)
    classes, keep, shared = attributes["numClasses"], attributes["keepTopK"], attributes["shareLocation"]
    rows, counts = np.zeros((len(loc), 1, keep, 7), F), np.zeros((len(loc), 1, 1, 1), np.int32)
    for image in range(len(loc)):
        anchors, variances = prior[image].reshape(2, -1, 4)
        offsets = loc[image].reshape(len(anchors), -1, 4)
        raw = conf[image].reshape(len(anchors), classes).T
        scores = F(1) / (F(1) + np.exp(-raw)) if attributes["confSigmoid"] else raw
        in_target = attributes["varianceEncodedInTarget"] and attributes["codeType"] != 3

        def boxes_of(label):
            at = 0 if shared else label
            return [decode(attributes["codeType"], offsets[p, at], anchors[p], None if in_target else variances[p]) for p in range(len(anchors))]

        found = detections(boxes_of, scores, background=attributes["backgroundLabelId"], threshold=F(attributes["confidenceThreshold"]),
                           iou=F(attributes["nmsThreshold"]), top_k=attributes["topK"], keep=keep)
        rows[image, 0, :, :3] = [image, -1, 0]
        for i, (label, score, box) in enumerate(found):
            rows[image, 0, i] = [image, label, score, *np.clip(box, 0, 1)]
        counts[image] = len(found)
    return [rows, counts]


def batched_nms(attributes, inputs):
    boxes, scores = inputs
    classes, keep, shared = attributes["numClasses"], attributes["keepTopK"], attributes["shareLocation"]
    n = len(boxes)
    counts, out, best, labels = np.zeros((n, 1), np.int32), np.zeros((n, keep, 4), F), np.zeros((n, keep), F), np.full((n, keep), -1, F)
    for image in range(n):
        found = detections(lambda label: boxes[image, :, 0 if shared else label], scores[image].reshape(-1, classes).T,
                           background=attributes["backgroundLabelId"], threshold=F(attributes["scoreThreshold"]),
                           iou=F(attributes["iouThreshold"]), top_k=attributes["topK"], keep=keep)
        for i, (label, score, box) in enumerate(found):
            out[image, i] = np.clip(box, 0, 1) if attributes["clipBoxes"] else box
            best[image, i], labels[image, i] = score, label
        counts[image] = len(found)
    return [counts, out, best, labels]


def pixel_overlap(a, b):
    width, height = (F(max(F(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + F(1)), 0)) for i in (0, 1))
    size = lambda box: F(F(box[2] - box[0] + F(1)) * F(box[3] - box[1] + F(1)))
    return F(F(width * height) / F(size(a) + size(b) - F(width * height)))


def proposal(attributes, inputs):
    """Regions [N, post_nms_top_n, 4, 1] as y1, x1, y2, x2 in 0…1, padded with zeros."""
    scores, regress = inputs
    sizes, ratios = attributes["anchor_sizes"], attributes["anchor_ratios"]
    height, width, stride = attributes["input_height"], attributes["input_width"], attributes["rpn_stride"]
    n, count, rows, columns = scores.shape
    out = np.zeros((n, attributes["post_nms_top_n"], 4, 1), F)
    for image in range(n):
        boxes, best = [], []
        for a in range(count):
            size, ratio = F(sizes[a // len(ratios)]), F(np.sqrt(F(ratios[a % len(ratios)])))
            w, h = F(size * ratio), F(size / ratio)
            for y in range(rows):
                for x in range(columns):
                    dx, dy, dw, dh = regress[image, 4 * a : 4 * a + 4, y, x]
                    cx, cy = F((x + 0.5) * stride) + w * dx, F((y + 0.5) * stride) + h * dy
                    bw, bh = F(np.exp(dw) * w), F(np.exp(dh) * h)
                    left, top = F(cx - bw / F(2)), F(cy - bh / F(2))
                    box = np.clip(np.array([left, top, F(left + bw), F(top + bh)], F), 0, np.array([width - 1, height - 1] * 2, F))
                    small = box[2] - box[0] <= attributes["roi_min_size"] or box[3] - box[1] <= attributes["roi_min_size"]
                    boxes.append(box)
                    best.append(-np.inf if small else scores[image, a, y, x])
        kept = []
        for i in best_first(best)[: attributes["pre_nms_top_n"]]:
            if len(kept) < attributes["post_nms_top_n"] and all(pixel_overlap(boxes[j], boxes[i]) <= F(attributes["nms_iou_threshold"]) for j in kept):
                kept.append(i)
        for i, at in enumerate(kept):
            x1, y1, x2, y2 = boxes[at]
            out[image, i, :, 0] = [y1 / F(height - 1), x1 / F(width - 1), y2 / F(height - 1), x2 / F(width - 1)]
    return [out]


def crop_and_resize(attributes, inputs):
    """Crops [N,R,C,h,w]. The corners of a region are its first and last sample; samples outside the image are zero."""
    features, rois = inputs
    high, wide = attributes["crop_height"], attributes["crop_width"]
    n, channels, height, width = features.shape
    out = np.zeros((n, rois.shape[1], channels, high, wide), F)
    for image, region, y, x in np.ndindex(n, rois.shape[1], high, wide):
        y1, x1, y2, x2 = rois[image, region, :, 0].astype(np.float64)
        at_y = y1 * (height - 1) + y * (y2 - y1) * (height - 1) / (high - 1) if high > 1 else 0.5 * (y1 + y2) * (height - 1)
        at_x = x1 * (width - 1) + x * (x2 - x1) * (width - 1) / (wide - 1) if wide > 1 else 0.5 * (x1 + x2) * (width - 1)
        if not (-1e-6 <= at_y <= height - 1 + 1e-6 and -1e-6 <= at_x <= width - 1 + 1e-6):
            continue
        at_y, at_x = np.clip(at_y, 0, height - 1), np.clip(at_x, 0, width - 1)
        top, left = int(at_y), int(at_x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        fy, fx = at_y - top, at_x - left
        upper = features[image, :, top, left] * (1 - fx) + features[image, :, top, right] * fx
        lower = features[image, :, bottom, left] * (1 - fx) + features[image, :, bottom, right] * fx
        out[image, region, :, y, x] = upper * (1 - fy) + lower * fy
    return [out]


PLUGINS = {
    "NMSDynamic_TRT": (nms, ["prior", "loc", "conf"], ["NMS", "NMS_1"]),
    "BatchedNMSDynamic_TRT": (batched_nms, ["boxes", "scores"], ["BatchedNMS", "BatchedNMS_1", "BatchedNMS_2", "BatchedNMS_3"]),
    "ProposalDynamic": (proposal, ["scores", "regress"], ["proposal_out"]),
    "CropAndResizeDynamic": (crop_and_resize, ["features", "rois"], ["crops"]),
}


def save(folder, name, op, attributes, inputs):
    reference, in_names, out_names = PLUGINS[op]
    expected = reference(attributes, inputs)
    place = os.path.join(folder, name.replace(" ", "-"))
    os.makedirs(place)
    port = lambda n, values: helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", *values.shape[1:]])
    node = helper.make_node(op, in_names, out_names, name=op, **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.INT32 if e.dtype == np.int32 else TensorProto.FLOAT, None) for n, e in zip(out_names, expected)]
    graph = helper.make_graph([node], "plugin", [port(n, i) for n, i in zip(in_names, inputs)], ends)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), os.path.join(place, "model.onnx"))
    for n, values in [*zip(in_names, inputs), *zip(out_names, expected)]:
        onnx.save_tensor(numpy_helper.from_array(values.astype(F), n), os.path.join(place, f"{n}.pb"))
    return {"name": name, "folder": place, "inputs": in_names, "outputs": out_names}


def priors(random, n, count, steps=None):
    corner, size = random.uniform(0, 0.7, (n, count, 2)), random.uniform(0.05, 0.4, (n, count, 2))
    if steps:
        corner, size = np.round(corner * steps) / steps, np.maximum(np.round(size * steps), 1) / steps
    anchors = np.concatenate([corner, corner + size], -1)
    variances = np.broadcast_to([0.1, 0.1, 0.2, 0.2], anchors.shape)
    return np.stack([anchors, variances], 1).reshape(n, 2, count * 4, 1).astype(F)


def nms_case(random, *, n=2, count=60, classes=3, conf=None, loc=None, prior=None, **changed):
    attributes = dict(shareLocation=1, varianceEncodedInTarget=0, backgroundLabelId=0, confidenceThreshold=0.3, nmsThreshold=0.4, topK=20,
                      codeType=1, keepTopK=10, numClasses=classes, inputOrder=[1, 2, 0], confSigmoid=0, isNormalized=1, scoreBits=0) | changed
    per = 1 if attributes["shareLocation"] else classes
    loc = random.normal(0, 1, (n, count * per * 4, 1, 1)) if loc is None else np.zeros((n, count * per * 4, 1, 1))
    scores = random.uniform(-3 if attributes["confSigmoid"] else 0, 1, (n, count, classes)) if conf is None else conf(n, count, classes)
    return "NMSDynamic_TRT", attributes, [priors(random, n, count) if prior is None else prior(n, count), loc.astype(F), scores.reshape(n, -1, 1, 1).astype(F)]


def yolo_case(random, *, n=2, count=60, classes=2, scores=None, boxes=None, flat=False, **changed):
    attributes = dict(shareLocation=1, backgroundLabelId=-1, scoreThreshold=0.3, iouThreshold=0.5, topK=20, keepTopK=10, numClasses=classes,
                      clipBoxes=1, isNormalized=1, scoreBits=0) | changed
    per = 1 if attributes["shareLocation"] else classes
    corner = random.uniform(-0.1, 0.8, (n, count, per, 2))
    made = np.concatenate([corner, corner + random.uniform(0.02, 0.4, (n, count, per, 2))], -1) if boxes is None else boxes(n, count, per)
    said = random.uniform(0, 1, (n, count, classes)) if scores is None else scores(n, count, classes)
    return "BatchedNMSDynamic_TRT", attributes, [made.astype(F), (said if flat else said[..., None]).astype(F)]


def proposal_case(random, *, n=2, rows=4, columns=5, spread=0.5, scores=None, **changed):
    attributes = dict(input_height=rows * 16, input_width=columns * 16, rpn_stride=16, roi_min_size=1.0, nms_iou_threshold=0.6, pre_nms_top_n=40,
                      post_nms_top_n=12, anchor_sizes=[16.0, 40.0], anchor_ratios=[1.0, 0.5, 2.0]) | changed
    count = len(attributes["anchor_sizes"]) * len(attributes["anchor_ratios"])
    said = random.uniform(0, 1, (n, count, rows, columns)) if scores is None else np.full((n, count, rows, columns), scores)
    return "ProposalDynamic", attributes, [said.astype(F), random.normal(0, spread, (n, 4 * count, rows, columns)).astype(F)]


def crop_case(random, *, n=2, regions=5, rois=None, shape=(3, 6, 8), high=7, wide=7):
    made = np.sort(random.uniform(0, 1, (n, regions, 2, 2)), 2).reshape(n, regions, 4, 1) if rois is None else np.array(rois, F).reshape(1, -1, 4, 1)
    return "CropAndResizeDynamic", dict(crop_height=high, crop_width=wide), [random.normal(0, 1, (n, *shape)).astype(F), made.astype(F)]


def cases():
    random = np.random.default_rng(11)
    steps = lambda n, count: priors(random, n, count, 8)
    constant = lambda value: lambda *shape: np.full(shape, value, F)
    levels = lambda *shape: random.integers(0, 4, shape) / 4
    for seed in range(6):
        batch = seed % 3 + 1
        yield f"nms random {seed}", nms_case(np.random.default_rng(seed), n=batch)
        yield f"yolo random {seed}", yolo_case(np.random.default_rng(seed), n=batch, flat=seed % 2 == 0)
        yield f"proposals random {seed}", proposal_case(np.random.default_rng(seed), n=batch)
        yield f"crops random {seed}", crop_case(np.random.default_rng(seed), n=batch)
    for code in (0, 1, 2, 3):
        yield f"nms code {code}", nms_case(random, codeType=code)
        yield f"nms code {code} variance in target", nms_case(random, codeType=code, varianceEncodedInTarget=1)
    yield "nms a box for each class, background last", nms_case(random, shareLocation=0, backgroundLabelId=2, varianceEncodedInTarget=1)
    yield "nms with sigmoid and no background", nms_case(random, confSigmoid=1, backgroundLabelId=-1)
    yield "nms inputs in another order", reordered(nms_case(random))
    yield "nms ties everywhere", nms_case(random, conf=levels, loc=0, codeType=0, prior=steps)
    yield "nms every score the same", nms_case(random, conf=constant(0.5), nmsThreshold=0.2)
    yield "nms all below", nms_case(random, conf=constant(0.25))
    yield "nms all exactly at the threshold", nms_case(random, conf=constant(0.25), confidenceThreshold=0.25)
    yield "nms overlaps exactly at the limit", nms_case(random, loc=0, codeType=0, prior=steps, nmsThreshold=0.5, backgroundLabelId=-1)
    yield "nms fewer boxes than topK", nms_case(random, count=7, topK=50, keepTopK=40)
    yield "nms one box, one class", nms_case(random, count=1, classes=1, n=1, backgroundLabelId=-1)
    yield "nms more found than kept", nms_case(random, nmsThreshold=0.95, keepTopK=3)
    yield "nms more candidates than topK", nms_case(random, count=300, topK=15, keepTopK=15)
    yield "yolo every box the same", yolo_case(random, boxes=lambda n, count, per: np.broadcast_to([0.25, 0.25, 0.5, 0.75], (n, count, per, 4)))
    yield "yolo corners the wrong way round", yolo_case(random, boxes=lambda n, count, per: random.integers(0, 9, (n, count, per, 4)) / 8, clipBoxes=0)
    yield "yolo boxes without area", yolo_case(random, boxes=lambda n, count, per: np.full((n, count, per, 4), 0.5))
    yield "yolo a box for each class, not clipped", yolo_case(random, shareLocation=0, clipBoxes=0)
    yield "yolo ties everywhere", yolo_case(random, scores=levels)
    yield "yolo all below", yolo_case(random, scores=constant(0.1))
    yield "yolo a background class", yolo_case(random, backgroundLabelId=1)
    yield "yolo keeps more than candidates", yolo_case(random, count=5, topK=4, keepTopK=30)
    yield "proposals all with one score", proposal_case(random, scores=0.5)
    yield "proposals that are mostly too small", proposal_case(random, spread=3.0, roi_min_size=12.0)
    yield "proposals that all stay", proposal_case(random, nms_iou_threshold=0.99, pre_nms_top_n=20, post_nms_top_n=20)
    yield "proposals fewer than requested", proposal_case(random, pre_nms_top_n=500, post_nms_top_n=200)
    yield "crops of whole, nothing, one line and outside", crop_case(random, n=1, rois=[[0, 0, 1, 1], [0, 0, 0, 0], [0.5, 0, 0.5, 1], [-0.5, -0.5, 1.5, 1.5]])
    yield "crops of one sample", crop_case(random, high=1, wide=1)
    yield "crops of one row of features", crop_case(random, shape=(2, 1, 1), high=2, wide=3)


def reordered(case):
    op, attributes, (prior, loc, conf) = case
    return op, attributes | {"inputOrder": [2, 0, 1]}, [conf, prior, loc]


if __name__ == "__main__":
    print(json.dumps([save(sys.argv[1], name, *case) for name, case in cases()]))

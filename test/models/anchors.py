"""Anchors of the test detectors, and their training targets."""
import numpy as np

from scenes import HEIGHT, WIDTH, overlaps

STRIDES, SIZES = [8, 16, 32], [32, 46, 64]
SHAPES = [(1, 1.0), (1.2, 1.0), (1, 0.5), (1, 2.0)]  # times the size; width : height


def centres(stride):
    y, x = np.meshgrid((np.arange(HEIGHT // stride) + 0.5) * stride, (np.arange(WIDTH // stride) + 0.5) * stride, indexing="ij")
    return np.stack([x, y], -1).reshape(-1, 1, 2)


def level(stride, sides):
    """Boxes [cells × shapes, 4] in pixels, cell by cell."""
    half, middle = np.array(sides)[None] / 2, centres(stride)
    return np.concatenate([middle - half, middle + half], -1).reshape(-1, 4)


sides = lambda size: [(size * k * r**0.5, size * k / r**0.5) for k, r in SHAPES]
ANCHORS = np.concatenate([level(stride, sides(size)) for stride, size in zip(STRIDES, SIZES)]).astype(np.float32)

# Anchors of the Proposal plugin: size times the root of the ratio; ordered by size, then by ratio.
RPN_STRIDE, RPN_SIZES, RPN_RATIOS = 16, [32.0, 56.0], [1.0, 0.5, 2.0]
RPN_ANCHORS = level(RPN_STRIDE, [(s * r**0.5, s / r**0.5) for s in RPN_SIZES for r in RPN_RATIOS]).astype(np.float32)

YOLO_STRIDES = [8, 16, 32]
YOLO_SHAPES = [[(30, 30), (24, 46), (46, 24)], [(46, 46), (34, 62), (62, 34)], [(66, 66), (48, 80), (80, 48)]]


def matched(anchors, boxes, labels, low, high_not, force=True):
    """Class of each anchor (0 background, −1 ignored, otherwise label + 1), and its box."""
    shared = overlaps(anchors, boxes)
    best, owner = shared.max(1), shared.argmax(1)
    found = np.where(best >= low, labels[owner] + 1, np.where(best < high_not, 0, -1))
    if force:
        nearest = shared.argmax(0)
        owner[nearest] = np.arange(len(boxes))
        found[nearest] = labels + 1
    return found, boxes[owner]


def encode(boxes, anchors, variances):
    middle = lambda each: (each[:, :2] + each[:, 2:]) / 2
    size = lambda each: each[:, 2:] - each[:, :2]
    place = (middle(boxes) - middle(anchors)) / size(anchors)
    return (np.concatenate([place, np.log(size(boxes) / size(anchors))], 1) / variances).astype(np.float32)


def yolo_targets(boxes, labels, classes):
    """For each level the targets [h, w, 3, 5 + classes], and the cells that count for objectness [h, w, 3]."""
    wanted = [np.zeros((HEIGHT // s, WIDTH // s, 3, 5 + classes), np.float32) for s in YOLO_STRIDES]
    counted = [np.ones(each.shape[:3], np.float32) for each in wanted]
    shapes = np.array(YOLO_SHAPES, np.float32).reshape(-1, 2)
    for box, label in zip(boxes, labels):
        side, middle = box[2:] - box[:2], (box[:2] + box[2:]) / 2
        fit = overlaps(np.concatenate([0 * shapes, shapes], 1), np.concatenate([0 * side, side])[None])[:, 0]
        for at, overlap in enumerate(fit):
            scale, shape = divmod(at, 3)
            place = middle / YOLO_STRIDES[scale]
            x, y = place.astype(int)
            if overlap == fit.max():
                wanted[scale][y, x, shape] = [*(place - [x, y]), *np.log(side / shapes[at]), 1, *np.eye(classes)[label]]
                counted[scale][y, x, shape] = 1
            elif overlap > 0.5 and wanted[scale][y, x, shape, 4] == 0:
                counted[scale][y, x, shape] = 0
    return [*wanted, *counted]

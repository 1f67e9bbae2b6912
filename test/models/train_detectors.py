"""Trains the detectors of test/fixtures/models that end in TensorRT plugin nodes: ssd, dssd, retinanet, yolo, faster_rcnn.

usage: train_detectors.py PHOTOS_FOLDER OUTPUT_FOLDER [NAME ...]   (tensorflow-cpu 2.21, scikit-image, onnx; two to ten minutes each, one core)

Scenes: scenes.py. All networks have the same small residual net as backbone; that of ssd is trained first, and the others start
from it. Heads, targets and losses are simple versions of those in the papers (SSD arXiv 1512.02325, DSSD 1701.06659,
RetinaNet 1708.02002, YOLOv3 1804.02767, Faster R-CNN 1506.01497). export_detectors.py writes the graphs.
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
import numpy as np
import tensorflow as tf

import export_detectors
from anchors import ANCHORS, RPN_ANCHORS, RPN_SIZES, YOLO_STRIDES, encode, matched, yolo_targets
from scenes import CLASSES, HEIGHT, WIDTH, Stock, network_input, scene

tf.config.threading.set_intra_op_parallelism_threads(1)
layers = tf.keras.layers
BATCH = 12
N = len(CLASSES)
WIDTHS = [24, 32, 48, 64]
STEPS = {"ssd": 1200, "yolo": 1500}


def conv(x, filters, name, stride=1, kernel=3, relu=True):
    x = layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x
    x = layers.Conv2D(filters, kernel, stride, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=name + "_bn")(x)
    return layers.ReLU()(x) if relu else x


def backbone(inputs, blocks=4):
    x, outputs = conv(inputs, 16, "conv1", 2), []
    for block, filters in enumerate(WIDTHS[:blocks]):
        short = conv(x, filters, f"block{block}_short", 2, 1, relu=False)
        x = conv(x, filters, f"block{block}_a", 2)
        x = layers.ReLU()(layers.Add()([conv(x, filters, f"block{block}_b", relu=False), short]))
        outputs.append(x)
    return outputs


def head(x, filters, name, bias=0.0, kernel=3):
    x = layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x
    return layers.Conv2D(filters, kernel, name=name, bias_initializer=tf.keras.initializers.Constant(bias))(x)


def anchored(levels, classes, bias=0.0, shared=False):
    """Boxes and class scores of all levels, flattened and concatenated."""
    flat = lambda x, size: layers.Reshape((-1, size))(x)
    if shared:
        loc_layer = layers.Conv2D(16, 3, padding="same", name="loc_shared")
        conf_layer = layers.Conv2D(4 * classes, 3, padding="same", name="conf_shared", bias_initializer=tf.keras.initializers.Constant(bias))
        pairs = [(loc_layer(x), conf_layer(x)) for x in levels]
    else:
        pairs = [(head(x, 16, f"loc{i}"), head(x, 4 * classes, f"conf{i}", bias)) for i, x in enumerate(levels)]
    return [layers.Concatenate(1)([flat(a, 4) for a, _ in pairs]), layers.Concatenate(1)([flat(b, classes) for _, b in pairs])]


def network(name):
    inputs = layers.Input((HEIGHT, WIDTH, 3))
    if name == "faster_rcnn":
        features = backbone(inputs, 3)[2]
        shared = conv(features, 64, "rpn_conv")
        count = len(RPN_SIZES) * 3
        outputs = [features, head(shared, count, "rpn_out_class", -2.0, 1), head(shared, 4 * count, "rpn_out_regress", kernel=1)]
        return tf.keras.Model(inputs, outputs)
    levels = backbone(inputs)[1:]
    if name == "ssd":
        return tf.keras.Model(inputs, anchored(levels, N + 1))
    if name == "yolo":
        return tf.keras.Model(inputs, [head(x, 3 * (5 + N), f"yolo{i}", kernel=1) for i, x in enumerate(levels)])
    if name == "dssd":
        top = levels[2]
        for i in (1, 0):
            up = layers.Conv2DTranspose(48, 2, 2, name=f"deconv{i}")(top)
            top = layers.ReLU()(layers.Multiply()([up, conv(levels[i], 48, f"lateral{i}", kernel=1, relu=False)]))
            levels[i] = top
        return tf.keras.Model(inputs, anchored(levels, N + 1))
    top = conv(levels[2], 48, "lateral2", kernel=1, relu=False)
    pyramid = [top]
    for i in (1, 0):
        top = layers.Add()([layers.UpSampling2D(2)(top), conv(levels[i], 48, f"lateral{i}", kernel=1, relu=False)])
        pyramid.insert(0, top)
    return tf.keras.Model(inputs, anchored([layers.ReLU()(x) for x in pyramid], N + 1, -3.0, shared=True))


def roi_head():
    """Outputs for a crop of the feature map: class scores (background last), and a box for each class except background."""
    cuts = layers.Input((7, 7, WIDTHS[2]))
    x = conv(conv(cuts, 64, "roi_a", 2), 64, "roi_b")
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(cuts, [layers.Dense(N + 1, name="dense_class_td")(x), layers.Dense(4 * N, name="dense_regress_td")(x)])


def smooth(x):
    return tf.where(tf.abs(x) < 1, 0.5 * x * x, tf.abs(x) - 0.5)


def box_loss(found, wanted, positive):
    return tf.reduce_sum(positive[..., None] * smooth(found - wanted)) / (tf.reduce_sum(positive) + 1)


def ssd_loss(outputs, labels, boxes):
    """Softmax loss with three hard negatives per positive. Labels: 0 background, −1 ignored."""
    loc, conf = outputs
    positive = tf.cast(labels > 0, tf.float32)
    crossed = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), conf)
    hard = tf.where(labels == 0, crossed, -1.0)
    count = tf.cast(tf.reduce_sum(positive) * 3, tf.int32) + 10
    negatives = tf.reduce_sum(tf.nn.relu(tf.math.top_k(tf.reshape(hard, [-1]), count).values))
    return (tf.reduce_sum(crossed * positive) + negatives) / (tf.reduce_sum(positive) + 1) + box_loss(loc, boxes, positive)


def retinanet_loss(outputs, labels, boxes):
    loc, conf = outputs
    positive = tf.cast(labels > 0, tf.float32)
    wanted = tf.one_hot(labels, N + 1) * positive[..., None]
    probability = tf.sigmoid(conf)
    correct = wanted * probability + (1 - wanted) * (1 - probability)
    weight = (0.25 * wanted + 0.75 * (1 - wanted)) * (1 - correct) ** 2
    crossed = weight * tf.nn.sigmoid_cross_entropy_with_logits(wanted, conf) * tf.cast(labels >= 0, tf.float32)[..., None]
    return tf.reduce_sum(crossed) / (tf.reduce_sum(positive) + 1) + box_loss(loc, boxes, positive)


def yolo_loss(outputs, targets, masks):
    """Targets [.., 5 + N]: offsets in the cell, logarithms of the size, objectness, class."""
    total = 0.0
    for found, wanted, mask in zip(outputs, targets, masks):
        found = tf.reshape(found, tf.shape(wanted))
        there = wanted[..., 4]
        count = tf.reduce_sum(there) + 1
        place = tf.reduce_sum(there[..., None] * (tf.sigmoid(found[..., :2]) - wanted[..., :2]) ** 2) * 4
        size = tf.reduce_sum(there[..., None] * smooth(found[..., 2:4] - wanted[..., 2:4])) * 2
        crossed = tf.nn.sigmoid_cross_entropy_with_logits(wanted, found)
        class_ = tf.reduce_sum(there[..., None] * crossed[..., 5:])
        total += (place + size + class_ + tf.reduce_sum(crossed[..., 4] * mask)) / count
    return total


def rpn_loss(outputs, labels, boxes):
    _, class_, regress = outputs
    class_ = tf.reshape(class_, tf.shape(labels))
    positive = tf.cast(labels > 0, tf.float32)
    crossed = tf.nn.sigmoid_cross_entropy_with_logits(positive, class_) * tf.cast(labels >= 0, tf.float32)
    weight = positive + 0.1 * (1 - positive)
    return tf.reduce_sum(weight * crossed) / (tf.reduce_sum(positive) + 1) + box_loss(tf.reshape(regress, tf.shape(boxes)), boxes, positive)


def roi_loss(head_model, features, rois, labels, boxes):
    """`rois` [B,R,4] are y1, x1, y2, x2 in 0…1. The crop is TensorFlow's crop_and_resize, like in the plugin."""
    flat = tf.reshape(rois, [-1, 4])
    owners = tf.repeat(tf.range(BATCH), tf.shape(rois)[1])
    class_, regress = head_model(tf.image.crop_and_resize(features, flat, owners, (7, 7)), training=True)
    labels = tf.reshape(labels, [-1])
    there = tf.cast(labels < N, tf.float32)
    chosen = tf.gather(tf.reshape(regress, [-1, N, 4]), tf.minimum(labels, N - 1), batch_dims=1)
    crossed = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, class_)
    return tf.reduce_mean(crossed) + box_loss(chosen, tf.reshape(boxes, [-1, 4]), there)


def rois_of(boxes, labels, random, count=24):
    """Boxes with small and large random shifts, and random positions."""
    base = boxes[random.integers(len(boxes), size=count)]
    side = np.tile(base[:, 2:] - base[:, :2], 2)
    spread = np.repeat(random.choice([0.05, 0.12, 0.35], size=(count, 1)), 4, 1)
    rois = base + random.normal(0, 1, (count, 4)) * spread * side
    low = random.uniform(0, 1, (count // 3, 2)) * [WIDTH - 30, HEIGHT - 30]
    rois[: count // 3] = np.concatenate([low, low + random.uniform(20, 80, (count // 3, 2))], 1)
    limits = np.array([WIDTH - 1, HEIGHT - 1] * 2)
    corner = np.clip(rois[:, :2], 0, limits[:2] - 8)
    rois = np.concatenate([corner, np.clip(rois[:, 2:], corner + 8, limits[:2])], 1).astype(np.float32)
    found, wanted = matched(rois, boxes, labels, 0.5, 0.5, force=False)
    found = np.where(found > 0, found - 1, N)
    return rois[:, [1, 0, 3, 2]] / limits[[1, 0, 3, 2]], found, encode(wanted, rois, [0.1, 0.1, 0.2, 0.2])


def targets_of(name, boxes, labels, random):
    if name == "yolo":
        return yolo_targets(boxes, labels, N)
    if name == "faster_rcnn":
        found, wanted = matched(RPN_ANCHORS, boxes, labels, 0.6, 0.35)
        return [found, encode(wanted, RPN_ANCHORS, [1, 1, 1, 1]), *rois_of(boxes, labels, random)]
    found, wanted = matched(ANCHORS, boxes, labels, 0.5, 0.4)
    return [found, encode(wanted, ANCHORS, [0.1, 0.1, 0.2, 0.2])]


def batch(name, stock, random):
    scenes = [scene(stock, random) for _ in range(BATCH)]
    targets = [targets_of(name, boxes, labels, random) for _, boxes, labels in scenes]
    typed = lambda values: np.stack(values).astype(np.int32 if values[0].dtype.kind == "i" else np.float32)
    return np.stack([network_input(picture) for picture, _, _ in scenes]), [typed(each) for each in zip(*targets)]


def loss_of(name, roi_model):
    if name == "yolo":
        return lambda outputs, targets: yolo_loss(outputs, targets[: len(YOLO_STRIDES)], targets[len(YOLO_STRIDES) :])
    if name == "faster_rcnn":
        return lambda outputs, targets: rpn_loss(outputs, *targets[:2]) + roi_loss(roi_model, outputs[0], *targets[2:])
    loss = retinanet_loss if name == "retinanet" else ssd_loss
    return lambda outputs, targets: loss(outputs, *targets)


def train(name, stock, start):
    model, roi_model = network(name), roi_head() if name == "faster_rcnn" else None
    steps = STEPS.get(name, 900)
    for layer in model.layers if start is not None else []:
        if layer.name.startswith(("conv1", "block")):
            layer.set_weights(start.get_layer(layer.name).get_weights())
    optimiser = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, steps), clipnorm=5.0)
    variables = model.trainable_variables + (roi_model.trainable_variables if roi_model else [])
    loss_function = loss_of(name, roi_model)

    @tf.function
    def step(images, targets):
        with tf.GradientTape() as tape:
            loss = loss_function(model(images, training=True), targets)
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    random = np.random.default_rng(1)
    for i in range(steps):
        loss = step(*batch(name, stock, random))
        if i % 50 == 0 or i == steps - 1:
            print(f"{name}: step {i} of {steps}: loss {float(loss):.3f}", flush=True)
    return model, roi_model


def main():
    folder, output, *names = sys.argv[1:]
    stock, weights = Stock(folder), os.path.join(output, "ssd.keras")
    for name in names or ["ssd", "yolo", "retinanet", "dssd", "faster_rcnn"]:
        start = tf.keras.models.load_model(weights) if name != "ssd" else None
        model, roi_model = train(name, stock.seen, start)
        model.save(os.path.join(output, f"{name}.keras"))
        if roi_model:
            roi_model.save(os.path.join(output, f"{name}-roi.keras"))
        export_detectors.export(name, model, roi_model, output)


if __name__ == "__main__":
    main()

"""Trains test/fixtures/models/detectnet_v2.onnx: a small detector of coins, with TLT's node names and box encoding.

usage: train_detectnet.py PHOTOS_FOLDER OUTPUT.onnx   (tensorflow-cpu 2.21, scikit-image, onnx, onnxruntime; six minutes, one core)

Data: the coins of scikit-image's `coins` photograph (public domain), segmented with its own recipe, pasted with
random size, brightness, contrast and position onto crops of real photos. The last five coins and the last fifth of the photos
are held out from training; precision and recall are measured only on them, and written next to the model.
Network: a plain residual net of stride 16. Batch normalisation is folded into the convolutions on export.
Boxes have DetectNet_v2's encoding: per cell the distances from the cell's centre to the four sides, divided by 35.
"""
import json
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
import numpy as np
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from skimage import data, filters, measure, morphology, segmentation

tf.config.threading.set_intra_op_parallelism_threads(1)
HEIGHT, WIDTH, STRIDE, SCALE = 160, 256, 16, 35.0
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
CENTRES_X = (np.arange(COLUMNS) + 0.5) * STRIDE
CENTRES_Y = (np.arange(ROWS) + 0.5) * STRIDE
STEPS, BATCH = 700, 16


def cut_coins():
    picture = data.coins()
    marked = segmentation.clear_border(morphology.closing(picture > filters.threshold_otsu(picture), morphology.square(3)))
    regions = [r for r in measure.regionprops(measure.label(marked)) if r.area > 800]
    cuts = []
    for region in sorted(regions, key=lambda r: r.bbox):
        top, left, bottom, right = region.bbox
        cuts.append((picture[top:bottom, left:right], region.filled_image))
    return cuts


def backgrounds(folder):
    return [Image.open(os.path.join(folder, name)).convert("RGB") for name in sorted(os.listdir(folder))]


def paste(canvas, coin, random):
    pixels, mask = coin
    size = int(random.integers(28, 72))
    cut = np.asarray(Image.fromarray(pixels).resize((size, size)), np.float32)
    alpha = np.asarray(Image.fromarray((mask * 255).astype(np.uint8)).resize((size, size)), np.float32)[..., None] / 255
    tint = random.uniform(0.75, 1.25, 3) * random.uniform(0.7, 1.3)
    coloured = np.clip(cut[..., None] * tint, 0, 255)
    left, top = int(random.integers(0, WIDTH - size)), int(random.integers(0, HEIGHT - size))
    window = canvas[top : top + size, left : left + size]
    window[:] = window * (1 - alpha) + coloured * alpha
    return left, top, left + size, top + size


def scene(coins, photos, random):
    photo = photos[random.integers(len(photos))]
    canvas = np.array(photo.resize((WIDTH, HEIGHT)), np.float32)
    if random.random() < 0.5:
        canvas = canvas[:, ::-1].copy()
    canvas *= random.uniform(0.6, 1.2)
    boxes = []
    for _ in range(int(random.integers(0, 5))):
        before = canvas.copy()
        box = paste(canvas, coins[random.integers(len(coins))], random)
        if any(overlap(box, other) > 0.05 for other in boxes):
            canvas = before
        else:
            boxes.append(box)
    return np.clip(canvas, 0, 255) / 255, boxes


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def targets(boxes):
    coverage = np.zeros((ROWS, COLUMNS, 1), np.float32)
    sides = np.zeros((ROWS, COLUMNS, 4), np.float32)
    for left, top, right, bottom in boxes:
        x, y, radius = (left + right) / 2, (top + bottom) / 2, (right - left) * 0.3
        near = (CENTRES_X[None] - x) ** 2 + (CENTRES_Y[:, None] - y) ** 2 <= max(radius, STRIDE * 0.71) ** 2
        coverage[near] = 1
        cx, cy = np.meshgrid(CENTRES_X, CENTRES_Y)
        sides[near] = np.stack([cx - left, cy - top, right - cx, bottom - cy], -1)[near] / SCALE
    return coverage, sides


def batch(coins, photos, random):
    scenes = [scene(coins, photos, random) for _ in range(BATCH)]
    truths = [targets(boxes) for _, boxes in scenes]
    return np.stack([s for s, _ in scenes]).astype(np.float32), np.stack([c for c, _ in truths]), np.stack([b for _, b in truths])


def network():
    layers = tf.keras.layers
    inputs = layers.Input((HEIGHT, WIDTH, 3))

    def conv(x, filters_, name, stride=1, kernel=3, relu=True):
        x = layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x
        x = layers.Conv2D(filters_, kernel, stride, use_bias=False, name=name)(x)
        x = layers.BatchNormalization(name=name + "_bn")(x)
        return layers.ReLU()(x) if relu else x

    x = conv(inputs, 16, "conv1", 2)
    for block, filters_ in enumerate([24, 48, 64]):
        short = conv(x, filters_, f"block{block}_short", 2, 1, relu=False)
        x = conv(x, filters_, f"block{block}_a", 2)
        x = conv(x, filters_, f"block{block}_b", relu=False)
        x = layers.ReLU()(layers.Add()([x, short]))
    x = conv(x, 64, "head")
    coverage = layers.Conv2D(1, 1, activation="sigmoid", name="output_cov", bias_initializer=tf.keras.initializers.Constant(-3.0))(x)
    sides = layers.Conv2D(4, 1, name="output_bbox")(x)
    return tf.keras.Model(inputs, [coverage, sides])


def train(model, coins, photos):
    random = np.random.default_rng(1)
    optimiser = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, STEPS))

    @tf.function
    def step(images, coverage, sides):
        with tf.GradientTape() as tape:
            found, boxes = model(images, training=True)
            weight = 1 + 4 * coverage
            crossed = tf.reduce_mean(weight * tf.keras.losses.binary_crossentropy(coverage, found)[..., None])
            distance = tf.reduce_sum(coverage * tf.abs(boxes - sides)) / (tf.reduce_sum(coverage) * 4 + 1)
            loss = crossed + distance
        optimiser.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss

    for i in range(STEPS):
        loss = step(*batch(coins, photos, random))
        if i % 50 == 0:
            print(f"step {i} of {STEPS}: loss {float(loss):.4f}", flush=True)


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output


def to_onnx(model):
    graph = Graph()

    def conv(x, name, output, stride=1, folded=True):
        layer = model.get_layer(name)
        kernel = layer.kernel.numpy()
        bias = np.zeros(kernel.shape[-1], np.float32) if layer.bias is None else layer.bias.numpy()
        if folded:
            norm = model.get_layer(name + "_bn")
            gamma, beta, mean, variance = (value.numpy() for value in norm.weights)
            factor = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = kernel * factor, beta - mean * factor
        size = kernel.shape[0]
        inputs = [x, graph.weight(f"{name}/kernel", kernel.transpose(3, 2, 0, 1)), graph.weight(f"{name}/bias", bias)]
        return graph.add("Conv", inputs, output, kernel_shape=[size, size], strides=[stride, stride], pads=[size // 2] * 4)

    x = graph.add("Relu", [conv("input_1", "conv1", "conv1/Conv", 2)], "conv1/Relu")
    for block in range(3):
        name = f"block{block}"
        short = conv(x, f"{name}_short", f"{name}/short", 2)
        a = graph.add("Relu", [conv(x, f"{name}_a", f"{name}/a", 2)], f"{name}/a/Relu")
        total = graph.add("Add", [conv(a, f"{name}_b", f"{name}/b"), short], f"{name}/Add")
        x = graph.add("Relu", [total], f"{name}/Relu")
    x = graph.add("Relu", [conv(x, "head", "head/Conv")], "head/Relu")
    graph.add("Sigmoid", [conv(x, "output_cov", "output_cov/Conv", folded=False)], "output_cov/Sigmoid")
    conv(x, "output_bbox", "output_bbox/BiasAdd", folded=False)
    ports = lambda name, channels, h, w: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", channels, h, w])
    outputs = [ports("output_cov/Sigmoid", 1, ROWS, COLUMNS), ports("output_bbox/BiasAdd", 4, ROWS, COLUMNS)]
    made = helper.make_graph(graph.nodes, "detectnet_v2", [ports("input_1", 3, HEIGHT, WIDTH)], outputs, graph.weights)
    exported = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(exported, full_check=True)
    return exported


def detections(coverage, sides, threshold):
    cells = [(coverage[0, y, x], y, x) for y in range(ROWS) for x in range(COLUMNS) if coverage[0, y, x] > threshold]
    kept = []
    for _, y, x in sorted(cells, reverse=True):
        left, top, right, bottom = sides[:, y, x] * SCALE
        box = (CENTRES_X[x] - left, CENTRES_Y[y] - top, CENTRES_X[x] + right, CENTRES_Y[y] + bottom)
        if all(overlap(box, other) < 0.3 for other in kept):
            kept.append(box)
    return kept


def score(outputs, truths, threshold):
    right = found = wanted = 0
    for (coverage, sides), boxes in zip(outputs, truths):
        seen, left = detections(coverage, sides, threshold), list(boxes)
        for box in seen:
            match = next((other for other in left if overlap(box, other) >= 0.5), None)
            if match:
                left.remove(match)
                right += 1
        found, wanted = found + len(seen), wanted + len(boxes)
    precision, recall = right / max(1, found), right / max(1, wanted)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"boxes": wanted, "precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def outputs_on(exported, coins, photos, seed):
    """Runs the exported graph on 200 scenes, and returns its outputs and the true boxes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(exported.SerializeToString())
    random = np.random.default_rng(seed)
    scenes = [scene(coins, photos, random) for _ in range(200)]
    names = ["output_cov/Sigmoid", "output_bbox/BiasAdd"]
    run = lambda image: [output[0] for output in session.run(names, {"input_1": image.transpose(2, 0, 1)[None].astype(np.float32)})]
    return [run(image) for image, _ in scenes], [boxes for _, boxes in scenes]


def evaluate(exported, coins, photos, seen_photos):
    """Chooses the threshold on training data, and measures on held-out data."""
    outputs, truths = outputs_on(exported, coins[:-5], seen_photos, 7)
    thresholds = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99]
    best = max(thresholds, key=lambda threshold: score(outputs, truths, threshold)["f1"])
    outputs, truths = outputs_on(exported, coins[-5:], photos[len(seen_photos) :], 99)
    return {"scenes": 200, "threshold": best, **score(outputs, truths, best)}


def check_same(model, exported):
    import onnxruntime

    images = np.random.default_rng(5).uniform(0, 1, (2, HEIGHT, WIDTH, 3)).astype(np.float32)
    expected = [output.numpy().transpose(0, 3, 1, 2) for output in model(images, training=False)]
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    found = session.run(None, {"input_1": images.transpose(0, 3, 1, 2)})
    assert all(np.abs(a - b).max() < 1e-4 for a, b in zip(expected, found))


def main():
    folder, output = sys.argv[1:]
    coins, photos = cut_coins(), backgrounds(folder)
    seen_photos = photos[: len(photos) * 4 // 5]
    print(f"{len(coins)} coins, {len(photos)} photos")
    model = network()
    print(f"{model.count_params()} parameters")
    train(model, coins[:-5], seen_photos)
    exported = to_onnx(model)
    check_same(model, exported)
    figures = evaluate(exported, coins, photos, seen_photos)
    print(figures)
    onnx.save(exported, output)
    with open(output.replace(".onnx", ".json"), "w", encoding="utf-8") as file:
        json.dump({"heldOut": figures, "parameters": int(model.count_params())}, file, indent=2)
        file.write("\n")


main()

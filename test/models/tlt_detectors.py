"""Small versions of the detectors that TLT trains: its anchor and region layers with their class names and configurations, and
networks with its layer names and outputs. Formulas: SSD arXiv 1512.02325, DSSD 1701.06659, RetinaNet 1708.02002, YOLOv3
1804.02767, Faster R-CNN 1506.01497.
"""
import numpy as np
from tlt_keras import keras, layers, tf

CLASSES = 2
FIRST = "channels_first"
HEIGHT, WIDTH = 64, 96
VARIANCES = [0.1, 0.1, 0.2, 0.2]
RPN_SIZES, RPN_RATIOS, REGIONS, POOL = [32.0, 56.0], [1.0, 0.5, 2.0], 12, 7


class Constant(layers.Layer):
    """Returns the same values for every image; they depend only on the size of the feature map."""

    def call(self, x):
        values = self.values(int(x.shape[2]), int(x.shape[3])).astype(np.float32)
        return tf.tile(tf.constant(values[None]), [tf.shape(x)[0]] + [1] * values.ndim)

    def get_config(self):
        return {**super().get_config(), **self.options}


class AnchorBoxes(Constant):
    def __init__(self, name=None, **options):
        super().__init__(name=name)
        self.options = options

    def sides(self, level=1.0):
        o = self.options
        short = min(o["img_height"], o["img_width"])
        for ratio in o["aspect_ratios"]:
            side = o["this_scale"] * short * level
            yield side * ratio**0.5, side / ratio**0.5
            if ratio == 1 and o["two_boxes_for_ar1"]:
                yield [(o["this_scale"] * o["next_scale"]) ** 0.5 * short * level] * 2

    def all_sides(self):
        return list(self.sides())

    def values(self, rows, columns):
        o = self.options
        size = np.array([o["img_width"], o["img_height"]], np.float64)
        step = size / [columns, rows]
        x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
        middle = (np.stack([x, y], -1) * step).reshape(-1, 1, 2)
        half = np.array(self.all_sides())[None] / 2
        boxes = np.concatenate([middle - half, middle + half], -1)
        if o["clip_boxes"]:
            far = np.tile(size, 2)
            boxes = np.where(boxes >= far, far - 1, np.maximum(boxes, 0))
        boxes = boxes / np.tile(size, 2)
        return np.concatenate([boxes, np.broadcast_to(o["variances"], boxes.shape)], -1)


class RetinaAnchorBoxes(AnchorBoxes):
    def all_sides(self):
        levels = self.options["n_anchor_levels"]
        return [side for i in range(levels) for side in self.sides(2 ** (i / levels))]


class YOLOAnchorBox(Constant):
    def __init__(self, anchor_size, name=None):
        super().__init__(name=name)
        self.options = {"anchor_size": anchor_size}

    def values(self, rows, columns):
        x, y = np.meshgrid(np.arange(columns) / columns, np.arange(rows) / rows)
        cells = np.stack([y, x], -1).reshape(-1, 1, 2)
        sides = np.array(self.options["anchor_size"])[:, ::-1][None]
        shape = (rows * columns, sides.shape[1], 2)
        parts = [np.broadcast_to(each, shape) for each in (cells, sides, np.array([1 / rows, 1 / columns]))]
        return np.concatenate(parts, -1).reshape(-1, 6)


class Configured(layers.Layer):
    def __init__(self, name=None, **options):
        super().__init__(name=name)
        self.options = options

    def get_config(self):
        return {**super().get_config(), **self.options}


class Proposal(Configured):
    """The layer of training; in inference the plugin does its work."""

    def call(self, x):
        return tf.zeros((tf.shape(x[0])[0], REGIONS, 4))


class ProposalTarget(Configured):
    def call(self, x):
        rois = x[0][:, : self.options["roi_train_bs"]]
        return [rois, rois[..., :3], rois[..., :2], rois[:, 0, 0]]


class CropAndResize(Configured):
    def call(self, x):
        features, rois, _ = x
        count, size = rois.shape[1], self.options["pool_size"]
        owners = tf.repeat(tf.range(tf.shape(features)[0]), count)
        cuts = tf.image.crop_and_resize(tf.transpose(features, (0, 2, 3, 1)), tf.reshape(rois, (-1, 4)), owners, (size, size))
        return tf.reshape(tf.transpose(cuts, (0, 3, 1, 2)), (-1, count, features.shape[1], size, size))


class PriorProbability(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None, **_):
        return tf.fill(shape, -np.log(99.0).astype(np.float32))

    def get_config(self):
        return {"probability": 0.01}


def conv(x, filters, name, kernel=3, stride=1, act=True, leaky=False):
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, data_format=FIRST, name=name)(x)
    x = layers.BatchNormalization(axis=1, fused=False, name=name + "_bn")(x)
    if leaky:
        return layers.LeakyReLU(0.1, name=name + "_lrelu")(x)
    return layers.ReLU(name=name + "_relu")(x) if act else x


def backbone(x, blocks, leaky=False):
    """Feature maps with strides 4, 8, 16, 32."""
    x = conv(x, 4, "conv1", stride=2, leaky=leaky)
    maps = []
    for i in range(blocks):
        x = conv(x, 6 + 2 * i, f"block_{i}", stride=2, leaky=leaky)
        maps.append(x)
    return maps


def ssd_maps(x):
    *_, x = maps = backbone(x, 2)[1:]
    for i in range(5):
        x = conv(conv(x, 4, f"ssd_expand_block_{i}_conv_0", 1), 6, f"ssd_expand_block_{i}_conv_1", stride=2)
        maps.append(x)
    return maps


def dssd_maps(x):
    maps = ssd_maps(x)
    results = [maps[-1]]
    for i, large in enumerate(maps[-2::-1]):
        channels = large.shape[1]
        a = conv(conv(large, channels, f"dssd_large_conv_0_block_{i}"), channels, f"dssd_large_conv_1_block_{i}", act=False)
        deconv = layers.Conv2DTranspose(channels, 2, strides=2, padding="same", use_bias=False, data_format=FIRST, name=f"dssd_small_deconv_block_{i}")
        up = deconv(results[-1])
        pads, kernels = zip(*[{0: (1, 3), 1: (0, 2), -1: (1, 2)}[int(np.sign(up.shape[axis] - large.shape[axis]))] for axis in (2, 3)])
        up = layers.ZeroPadding2D(pads, data_format=FIRST, name=f"dssd_pad_{i}")(up)
        up = layers.Conv2D(channels, kernels, use_bias=False, data_format=FIRST, name=f"dssd_small_conv_block_{i}")(up)
        up = layers.BatchNormalization(axis=1, fused=False, name=f"dssd_small_bn_block_{i}")(up)
        results.append(layers.ReLU(name=f"dssd_relu_block_{i}")(layers.Multiply(name=f"dssd_mul_block_{i}")([a, up])))
    return results[::-1]


def rows(x, size, name):
    return layers.Reshape((-1, 1, size), name=name)(layers.Permute((2, 3, 1), name=name + "_permute")(x))


def anchors(kind, name, i, scales, **more):
    return kind(name=f"{name}_anchor_{i}", img_height=HEIGHT, img_width=WIDTH, this_scale=scales[i], next_scale=scales[i + 1], aspect_ratios=[1.0, 2.0, 0.5],
                two_boxes_for_ar1=True, variances=VARIANCES, **more)


def joined(name, parts):
    return layers.Concatenate(axis=1, name=name)(parts)


def ssd(x, maps_of=ssd_maps, clip=False):
    scales = [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95]
    loc, conf, prior = [], [], []
    for i, x in enumerate(maps_of(x)):
        head = lambda kind, size: layers.Conv2D(4 * size, 3, padding="same", data_format=FIRST, name=f"ssd_{kind}_{i}")(x)
        conf.append(rows(head("conf", CLASSES + 1), CLASSES + 1, f"conf_reshape_{i}"))
        offsets = head("loc", 4)
        loc.append(rows(offsets, 4, f"loc_reshape_{i}"))
        prior.append(layers.Reshape((-1, 1, 8), name=f"anchor_reshape_{i}")(anchors(AnchorBoxes, "ssd", i, scales, clip_boxes=clip)(offsets)))
    said = layers.Permute((3, 2, 1), name="before_softmax_permute")(joined("mbox_conf", conf))
    said = layers.Permute((3, 2, 1), name="mbox_conf_softmax")(layers.Softmax(axis=1, name="mbox_conf_softmax_")(said))
    every = layers.Concatenate(axis=-1, name="concatenate_1")([said, joined("mbox_loc", loc), joined("mbox_priorbox", prior)])
    return layers.Reshape((-1, CLASSES + 13), name="ssd_predictions")(every)


def dssd(x):
    return ssd(x, dssd_maps, clip=True)


def retinanet(x):
    plain = lambda size, kernel, name, stride=1, **more: layers.Conv2D(size, kernel, strides=stride, padding="same", data_format=FIRST, name=name, **more)
    up = lambda name: layers.UpSampling2D(2, data_format=FIRST, name=name)
    relu = lambda x, name: layers.ReLU(name=name)(x)
    _, c3, c4 = backbone(x, 3)
    c5 = relu(plain(6, 3, "expand_conv1", 2)(c4), "expand1_relu")
    p5 = plain(6, 1, "C5_reduced")(c5)
    p4 = layers.Add(name="P4_merged")([up("P5_upsampled")(p5), plain(6, 1, "C4_reduced")(c4)])
    p3 = layers.Add(name="P3_merged")([up("P4_upsampled")(p4), plain(6, 1, "C3_reduced")(c3)])
    maps = [relu(plain(6, 3, name)(p), name + "_relu") for name, p in (("P3", p3), ("P4", p4), ("P5", p5))]
    maps.append(relu(plain(6, 3, "P6", 2)(c5), "P6_relu"))
    maps.append(relu(plain(6, 3, "P7", 2)(maps[-1]), "P7_relu"))
    boxes, scales = 4 * 2, [0.1, 0.2, 0.4, 0.6, 0.8, 1.0]
    class_ = [plain(6, 3, "retinanet_class_subn_0", activation="relu"), plain(boxes * (CLASSES + 1), 3, "retinanet_conf_regressor", bias_initializer=PriorProbability())]
    place = [plain(6, 3, "retinanet_loc_subn_0", activation="relu"), plain(boxes * 4, 3, "retinanet_loc_regressor")]
    loc, conf, prior = [], [], []
    for i, x in enumerate(maps):
        offsets = place[1](place[0](x))
        conf.append(rows(class_[1](class_[0](x)), CLASSES + 1, f"conf_reshape_{i}"))
        loc.append(rows(offsets, 4, f"loc_reshape_{i}"))
        made = anchors(RetinaAnchorBoxes, "retinanet", i, scales, clip_boxes=False, n_anchor_levels=2)(offsets)
        prior.append(layers.Reshape((-1, 1, 8), name=f"anchor_reshape_{i}")(made))
    said = layers.Activation("sigmoid", name="mbox_conf_sigmoid")(joined("mbox_conf", conf))
    every = layers.Concatenate(axis=-1, name="concatenate_1")([said, joined("mbox_loc", loc), joined("mbox_priorbox", prior)])
    return layers.Reshape((-1, CLASSES + 13), name="retinanet_predictions")(every)


YOLO_SIDES = {"bg": [(66, 66), (48, 80)], "md": [(46, 46), (34, 62)], "sm": [(30, 30), (24, 46)]}


def yolo(x):
    _, small, middle, x = backbone(x, 4, leaky=True)
    maps = [conv(x, 8, "yolo_conv1_6", leaky=True)]
    for i, (name, other) in enumerate((("yolo_conv2", middle), ("yolo_conv4", small))):
        x = layers.UpSampling2D(2, data_format=FIRST, name=f"upsample{i}")(conv(x, 6, name, 1, leaky=True))
        x = layers.Concatenate(axis=1, name=f"concatenate_{i + 1}")([x, other])
        maps.append(conv(x, 8, f"yolo_conv{3 + 2 * i}_6", leaky=True))
    encoded = []
    for (kind, sides), name, x in zip(YOLO_SIDES.items(), ("big", "mid", "sm"), maps):
        x = layers.Conv2D(len(sides) * (5 + CLASSES), 1, padding="same", data_format=FIRST, name=f"conv_{name}_object")(x)
        said = layers.Reshape((-1, 5 + CLASSES), name=f"{kind}_reshape")(layers.Permute((2, 3, 1), name=f"{kind}_permute")(x))
        relative = [[w / WIDTH, h / HEIGHT] for w, h in sides]
        encoded.append(layers.Concatenate(axis=-1, name=f"encoded_{kind}")([YOLOAnchorBox(relative, name=f"{kind}_anchor")(x), said]))
    return layers.Concatenate(axis=-2, name="encoded_detections")(encoded)


def each(layer, name):
    return layers.TimeDistributed(layer, name=name)


def region_layers():
    """The second stage: a residual block on each region, EfficientNet's squeeze, the mean, class and box."""
    plain = lambda size, kernel, name: each(layers.Conv2D(size, kernel, padding="same", data_format=FIRST, use_bias=False), name)
    norm = lambda name: each(layers.BatchNormalization(axis=1, fused=False), name)
    return dict(
        a=[plain(8, 3, "time_distributed_1"), norm("time_distributed_2"), layers.Activation("relu", name="block_4a_relu_1")],
        b=[plain(8, 3, "time_distributed_3"), norm("time_distributed_4")],
        short=[plain(8, 1, "time_distributed_5"), norm("time_distributed_6")],
        end=[layers.Activation("relu", name="block_4a_relu"), each(layers.AveragePooling2D(POOL, data_format=FIRST), "time_distributed_7"),
             each(layers.Flatten(data_format=FIRST), "time_distributed_flatten")],
        class_=[each(layers.Dense(CLASSES + 1, activation="softmax"), "dense_class_td")],
        box=[each(layers.Dense(4 * CLASSES), "dense_regress_td")],
        squeeze=[layers.GlobalAveragePooling2D(data_format=FIRST, name="se_squeeze")],
        excite=[each(layers.Conv2D(8, 1, activation="sigmoid", data_format=FIRST), "time_distributed_8")],
        add=layers.Add(name="add_1"),
        scale=layers.Multiply(name="se_excite"),
    )


def run(x, chain):
    for layer in chain:
        x = layer(x)
    return x


def second_stage(x, parts):
    x = parts["add"]([run(run(x, parts["a"]), parts["b"]), run(x, parts["short"])])
    count, _, *size = x.shape[1:]
    flat = run(layers.Reshape((-1, *size), name="pre_pool_reshape")(x), parts["squeeze"])
    x = parts["scale"]([x, run(layers.Reshape((count, -1, 1, 1), name="post_pool_reshape")(flat), parts["excite"])])
    x = run(x, parts["end"])
    return run(x, parts["class_"]), run(x, parts["box"])


def first_stage(x):
    *_, features = backbone(x, 3)
    shared = layers.Conv2D(8, 3, padding="same", activation="relu", data_format=FIRST, name="rpn_conv1")(features)
    count = len(RPN_SIZES) * len(RPN_RATIOS)
    class_ = layers.Conv2D(count, 1, activation="sigmoid", data_format=FIRST, name="rpn_out_class")(shared)
    return features, class_, layers.Conv2D(4 * count, 1, data_format=FIRST, name="rpn_out_regress")(shared)


def faster_rcnn(image):
    """The graph of training, and the parts that inference uses."""
    labels, truth = keras.Input((5,), name="input_class_ids"), keras.Input((5, 4), name="input_gt_boxes")
    features, class_, offsets = first_stage(image)
    roots = [ratio**0.5 for ratio in RPN_RATIOS]  # TLT stores the roots of the ratios.
    rois = Proposal(name="proposal_1", anchor_sizes=RPN_SIZES, anchor_ratios=roots, std_scaling=2.0, rpn_stride=16, pre_nms_top_N=300, post_nms_top_N=REGIONS,
                    nms_iou_thres=0.7, activation_type="sigmoid", bs_per_gpu=2)([class_, offsets, image])
    target = ProposalTarget(name="proposal_target_1", gt_as_roi=False, iou_high_thres=0.5, iou_low_thres=0.0, roi_train_bs=8, roi_positive_ratio=0.25,
                            deltas_scaling=[10.0, 10.0, 5.0, 5.0], bg_class_id=CLASSES, bs_per_gpu=2)([rois, labels, truth])
    cuts = CropAndResize(name="crop_and_resize_1", pool_size=POOL)([features, target[0], image])
    parts = region_layers()
    outputs = second_stage(cuts, parts)
    return keras.Model([image, labels, truth], [class_, offsets, *outputs]), [features, class_, offsets], parts

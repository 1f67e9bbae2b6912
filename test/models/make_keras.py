"""Makes test/fixtures/keras: small Keras models in the form of `tlt train`, and the outputs that Keras computes with them.

usage: make_keras.py PHOTOS_FOLDER OUTPUT_FOLDER   (packages: keras-requirements.txt, pillow; two minutes, one core)

The models are the ten backbones of TLT with few channels, trained for some steps to recognise the photo of a crop; a detector
and its quantisation-aware version, trained on a bright spot; and networks with every kind of layer in both axis orders.
expected.h5 contains inputs (crops and noise) and outputs of each model as N,C,H,W.
"""
import os
import sys

import numpy as np
from PIL import Image
from tlt_keras import QDQ, TLT, QuantizedConv2D, h5py, keras, layers, save, tf

SIZE, CLASSES, STEPS = 32, 6, 240
FIRST = "channels_first"


class Net:
    """Layers with TLT's defaults and numbered names."""

    def __init__(self, axis=1, activation="relu"):
        self.counts, self.axis, self.activation = {}, axis, activation
        self.format = FIRST if axis == 1 else "channels_last"

    def name(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}_{self.counts[kind]}"

    def act(self, x, kind=None):
        return layers.Activation(kind or self.activation, name=self.name("activation"))(x)

    def bn(self, x):
        return layers.BatchNormalization(axis=self.axis, momentum=0.9, fused=False, name=self.name("bn"))(x)

    def conv(self, x, filters, kernel=3, stride=1, padding="same", bn=True, act=True, bias=False, depthwise=False):
        options = dict(strides=stride, padding=padding, use_bias=bias, data_format=self.format)
        if depthwise:
            x = layers.DepthwiseConv2D(kernel, name=self.name("dw"), **options)(x)
        else:
            x = layers.Conv2D(filters, kernel, name=self.name("conv"), **options)(x)
        x = self.bn(x) if bn else x
        return self.act(x) if act else x

    def pool(self, x, size=2, stride=2, padding="valid", kind=layers.MaxPooling2D):
        return kind(size, stride, padding=padding, data_format=self.format, name=self.name("pool"))(x)

    def join(self, xs):
        return layers.Concatenate(axis=self.axis, name=self.name("concat"))(xs)

    def head(self, x, pool=True):
        size = (x.shape[2], x.shape[3])
        if pool:
            x = layers.AveragePooling2D(size, data_format=self.format, name="avg_pool")(x)
        x = layers.Flatten(data_format=self.format, name="flatten")(x)
        return layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def resnet(net, x):
    x = net.conv(x, 8, 7, 2, bias=True)
    for filters, stride in ((8, 1), (13, 2)):  # 13 is a channel count as after pruning.
        short = net.conv(x, filters, 1, stride, act=False, bias=True)
        y = net.conv(net.conv(x, filters, 3, stride, bias=True), filters, 3, act=False, bias=True)
        x = net.act(layers.Add(name=net.name("add"))([y, short]))
    return net.head(x)


def vgg(net, x):
    for filters in (8, 16):
        x = net.pool(net.conv(net.conv(x, filters, bias=True), filters, bias=True))
    x = layers.Flatten(data_format=net.format, name="flatten")(x)
    x = layers.Dropout(0.3, name="dropout")(layers.Dense(16, activation="relu", name="fc1")(x))
    return layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def mobilenet_v1(net, x):
    pad = lambda x: layers.ZeroPadding2D((1, 1), data_format=net.format, name=net.name("pad"))(x)
    clipped = lambda x: layers.ReLU(6.0, name=net.name("re_lu"))(x)
    x = clipped(net.conv(pad(x), 8, 3, 2, "valid", act=False))
    for filters, stride in ((16, 1), (24, 2)):
        x = clipped(net.conv(pad(x), 0, 3, stride, "valid", act=False, depthwise=True))
        x = clipped(net.conv(x, filters, 1, 1, act=False))
    return net.head(x)


def mobilenet_v2(net, x):
    x = net.conv(x, 8, 3, 2)
    for filters, stride in ((8, 1), (12, 2)):
        y = net.conv(x, 24, 1)
        y = layers.ZeroPadding2D((1, 1), data_format=net.format, name=net.name("pad"))(y)
        y = net.conv(y, 0, 3, stride, "valid", depthwise=True)
        y = net.conv(y, filters, 1, act=False)
        x = layers.Add(name=net.name("add"))([x, y]) if stride == 1 else y
    return net.head(x)


def squeezenet(net, x):
    x = net.pool(net.conv(x, 8, 3, 2, bias=True, bn=False), 3, 2, "same")
    for squeeze, expand in ((4, 8), (6, 12)):
        x = net.conv(x, squeeze, 1, bias=True, bn=False)
        x = net.join([net.conv(x, expand, 1, bias=True, bn=False), net.conv(x, expand, 3, bias=True, bn=False)])
    x = net.conv(x, CLASSES, 1, bias=True, bn=False)
    x = layers.GlobalAveragePooling2D(data_format=net.format, name="global")(x)
    return layers.Activation("softmax", name="predictions")(x)


def darknet(net, x):
    leaky = lambda x: layers.LeakyReLU(0.1, name=net.name("lrelu"))(x)
    x = leaky(net.conv(x, 8, act=False))
    for filters in (12, 16):
        x = leaky(net.conv(x, filters, 3, 2, act=False))
        y = leaky(net.conv(leaky(net.conv(x, filters // 2, 1, act=False)), filters, act=False))
        x = layers.Add(name=net.name("add"))([x, y])
    return net.head(x)


def googlenet(net, x):
    x = net.pool(net.conv(x, 8, 7, 2, bias=True), 3, 2, "same")
    for a, b, c in ((4, 6, 4), (6, 8, 5)):
        pooled = net.pool(x, 3, 1, "same")
        branches = [net.conv(x, a, 1), net.conv(net.conv(x, a, 1), b, 3), net.conv(net.conv(x, a, 1), c, 5), net.conv(pooled, a, 1)]
        x = net.join(branches)
    return net.head(x)


def efficientnet(net, x):
    net.activation = "swish"
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), data_format=net.format, name="stem_conv_pad")(x)
    x = net.conv(x, 8, 3, 2, "valid")
    for filters, kernel in ((8, 3), (12, 5)):
        y = net.conv(net.conv(x, 16, 1), 0, kernel, depthwise=True)
        s = layers.GlobalAveragePooling2D(data_format=net.format, name=net.name("se_squeeze"))(y)
        s = layers.Reshape((-1, 1, 1), name=net.name("se_reshape"))(s)
        s = layers.Conv2D(4, 1, activation="swish", data_format=net.format, name=net.name("se_reduce"))(s)
        s = layers.Conv2D(16, 1, activation="sigmoid", data_format=net.format, name=net.name("se_expand"))(s)
        y = net.conv(layers.Multiply(name=net.name("se_excite"))([y, s]), filters, 1, act=False)
        x = layers.Add(name=net.name("add"))([layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(y), x]) if filters == 8 else y
    return net.head(net.conv(x, 16, 1))


def alexnet(net, x):
    x = net.pool(net.conv(x, 8, 5, 2, bias=True, bn=False), 3, 2, "same")
    x = net.pool(net.conv(x, 12, 3, bias=True, bn=False), 3, 2)
    x = layers.Flatten(data_format=net.format, name="flatten")(x)
    x = layers.Dense(24, activation="tanh", name="fc6")(x)
    return layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


class Split(layers.Layer):
    def __init__(self, groups=2, group_id=1, **options):
        super().__init__(**options)
        self.groups, self.group_id = groups, group_id

    def call(self, x):
        return tf.split(x, self.groups, axis=1)[self.group_id]

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "group_id": self.group_id}


def mish(x):
    return x * tf.tanh(tf.math.softplus(x))


def cspdarknet(net, x):
    with keras.utils.custom_object_scope({"mish": mish}):
        net.activation = "mish"
        x = net.conv(x, 8, 3, 2)
        for filters in (8, 12):
            x = route = net.conv(x, filters, 3)
            x = first = net.conv(Split(2, 1, name=net.name("split"))(x), filters // 2, 3)
            x = net.conv(net.join([net.conv(x, filters // 2, 3), first]), filters, 1)
            x = net.pool(net.join([route, x]))
        return net.head(x)


BACKBONES = [resnet, vgg, mobilenet_v1, mobilenet_v2, squeezenet, darknet, googlenet, efficientnet, alexnet, cspdarknet]


def detector(x, qat):
    conv = QuantizedConv2D if qat else layers.Conv2D
    wrap = lambda x, name: QDQ(name=name + "_qdq")(x) if qat else x
    net = Net()
    x = wrap(x, "input_1")
    for i, filters in enumerate((8, 12, 16)):
        y = conv(filters, 3, strides=2, padding="same", data_format=FIRST, name=f"block_{i}_conv_1")(x)
        y = wrap(layers.Activation("relu", name=f"block_{i}_relu_1")(net.bn(y)), f"block_{i}_relu_1")
        y = net.bn(conv(filters, 3, padding="same", data_format=FIRST, name=f"block_{i}_conv_2")(y))
        short = net.bn(conv(filters, 1, strides=2, padding="same", data_format=FIRST, name=f"block_{i}_shortcut")(x))
        y = layers.Add(name=f"add_{i}")([wrap(y, f"block_{i}_bn_2"), wrap(short, f"block_{i}_bn_s")])
        y = layers.Activation("relu", name=f"block_{i}_relu")(wrap(y, f"add_{i}"))
        x = wrap(y, f"block_{i}_relu") if i < 2 else y  # The heads have their own input range.
    bbox = conv(4, 1, data_format=FIRST, name="output_bbox")(x)
    cov = conv(1, 1, activation="sigmoid", data_format=FIRST, name="output_cov")(x)
    return [bbox, cov]


def every_layer(axis):
    """One layer of each kind that the backbones do not have, odd sizes, a shared layer and a nested model."""
    first = axis == 1
    form = FIRST if first else "channels_last"
    image = lambda channels, h, w: (channels, h, w) if first else (h, w, channels)
    options = dict(data_format=form)
    inputs = keras.Input(image(3, 17, 22), name="input_1")
    shared = layers.Conv2D(6, 3, dilation_rate=2, padding="same", name="shared", **options)
    block = keras.Sequential(
        [layers.Conv2D(6, 2, name="inner_conv", input_shape=image(6, 9, 11), **options), layers.BatchNormalization(axis=axis, scale=False, fused=False, name="inner_bn")],
        name="block",
    )
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="elu", name="conv", **options)(inputs)
    x = shared(layers.ELU(0.5, name="elu")(shared(x)))
    small = layers.PReLU(shared_axes=[2, 3] if first else [1, 2], name="prelu")(block(x))
    small = layers.Conv2D(6, 4, strides=3, padding="same", groups=2, name="grouped", **options)(small)
    up = layers.Conv2DTranspose(5, 3, strides=2, padding="same", name="deconv_same", **options)(small)
    up = layers.Conv2DTranspose(4, 2, strides=3, padding="valid", activation="tanh", name="deconv_valid", **options)(up)
    up = layers.Cropping2D(((1, 2), (0, 1)), name="crop", **options)(up)
    up = layers.UpSampling2D((2, 1), name="nearest", **options)(up)
    up = layers.UpSampling2D(2, interpolation="bilinear", name="bilinear", **options)(up)
    x = layers.SeparableConv2D(7, 3, strides=2, padding="same", depth_multiplier=2, name="separable", **options)(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="hard_sigmoid", name="depthwise", **options)(x)
    y = layers.MaxPooling2D(3, 2, padding="same", name="max", **options)(layers.LeakyReLU(0.2, name="leaky")(x))
    z = layers.AveragePooling2D(3, 2, padding="same", name="average", **options)(x)
    x = layers.Subtract(name="subtract")([layers.Maximum(name="maximum")([y, z]), layers.Average(name="mean")([y, z, y])])
    gate = layers.GlobalMaxPooling2D(keepdims=True, name="gate", **options)(x)
    x = layers.Multiply(name="gated")([x, layers.Activation("softplus", name="softplus")(gate)])
    turned = layers.Permute((2, 3, 1), name="permute")(x)
    turned = layers.Dense(5, name="per_place")(turned)
    flat = layers.Flatten(name="flatten", **options)(x)
    flat = layers.BatchNormalization(name="flat_bn", fused=False)(layers.Dense(12, activation="selu", name="dense")(flat))
    flat = layers.Concatenate(name="join")([flat, layers.Flatten(name="flatten_turned")(turned)])
    flat = layers.Softmax(name="predictions")(layers.Dense(CLASSES, use_bias=False, name="last")(flat))
    maps = layers.Softmax(axis=axis, name="maps")(layers.ZeroPadding2D(((1, 0), (2, 1)), name="border", **options)(up))
    return keras.Model(inputs, [flat, maps])


def crops(folder):
    """Square crops of the photos, labelled with the photo's number; N,C,H,W in BGR minus Caffe's means, like TLT's training."""
    names = sorted(os.listdir(folder))
    images = [np.asarray(Image.open(os.path.join(folder, name)).convert("RGB").resize((SIZE, SIZE)), np.float32) for name in names]
    x = np.stack(images)[..., ::-1] - [103.939, 116.779, 123.68]
    return x.transpose(0, 3, 1, 2).astype(np.float32), np.array([int(name[5]) - 1 for name in names])


def train(model, x, y, loss):
    model.compile(keras.optimizers.legacy.Adam(3e-3), loss)
    model.fit(x, y, batch_size=16, steps_per_epoch=STEPS // 4, epochs=4, verbose=0)
    return model


def save_expected(path, name, model, inputs, turn=False):
    given = (inputs.transpose(0, 2, 3, 1) if turn else inputs).astype(np.float32)
    TLT["quantise"] = False  # the exported graph is the float one
    outputs = model(given, training=False)
    TLT["quantise"] = True
    outputs = [output.numpy() for output in (outputs if isinstance(outputs, list) else [outputs])]
    with h5py.File(path, "a") as file:
        inputs = inputs.astype(np.float32)
        same = next((other["input"] for other in file.values() if np.array_equal(other["input"], inputs)), None)
        group = file.create_group(name)
        group["input"] = inputs if same is None else same  # a link
        for i, output in enumerate(outputs):
            turned = output.transpose(0, 3, 1, 2) if turn and output.ndim == 4 else output
            group.create_dataset(f"output_{i}", data=turned, compression="gzip")


def with_noise(images, random):
    noise = random.normal(0, 60, images[:1].shape)
    return np.concatenate([images[:1], noise]).astype(np.float32)


def make_backbone(build, folder, photos, random):
    TLT["on"] = True
    x, y = photos
    inputs = keras.Input(x.shape[1:], name="input_1")
    model = train(keras.Model(inputs, build(Net(), inputs)), x, y, "sparse_categorical_crossentropy")
    right = np.mean(np.argmax(model.predict(x, verbose=0), 1) == y)
    print(f"{build.__name__}: {model.count_params()} parameters, {right:.2f} of the crops right", flush=True)
    save(model, os.path.join(folder, f"{build.__name__}.hdf5"))
    save_expected(os.path.join(folder, "expected.h5"), build.__name__, model, with_noise(x[::7], random))


def make_detector(name, qat, folder, photos, random):
    TLT["on"] = True
    wide = np.concatenate([photos[0], photos[0][::-1]], 3) / 255
    inputs = keras.Input(wide.shape[1:], name="input_1")
    model = keras.Model(inputs, detector(inputs, qat))
    bright = tf.nn.avg_pool2d(wide.mean(1)[..., None], 8, 8, "VALID").numpy().transpose(0, 3, 1, 2)
    train(model, wide, [np.repeat(bright, 4, 1), (bright > 0).astype(np.float32)], ["mse", "binary_crossentropy"])
    print(f"{name}: {model.count_params()} parameters", flush=True)
    save(model, os.path.join(folder, f"{name}.hdf5"))
    save_expected(os.path.join(folder, "expected.h5"), name, model, with_noise(wide[::7], random) / [[[[1]]], [[[60]]]])


def make_layers(name, axis, on, folder, random):
    TLT["on"] = on
    keras.utils.set_random_seed(3)
    model = every_layer(axis)
    for weight in model.weights:
        spread = random.uniform(0.5, 1.5, weight.shape) if "variance" in weight.name or "gamma" in weight.name else random.normal(0, 0.3, weight.shape)
        weight.assign(spread)
    save(model, os.path.join(folder, f"{name}.hdf5"), as_tlt=on)
    images = random.normal(0, 1, (2, 3, 17, 22)).astype(np.float32)
    save_expected(os.path.join(folder, "expected.h5"), name, model, images, turn=axis == -1)


def main():
    photos_folder, folder = sys.argv[1:]
    photos = crops(photos_folder)
    os.makedirs(folder, exist_ok=True)
    makers = {build.__name__: lambda random, build=build: make_backbone(build, folder, photos, random) for build in BACKBONES}
    makers["detectnet_v2"] = lambda random: make_detector("detectnet_v2", False, folder, photos, random)
    makers["detectnet_v2_qat"] = lambda random: make_detector("detectnet_v2_qat", True, folder, photos, random)
    makers["layers_tlt"] = lambda random: make_layers("layers_tlt", 1, True, folder, random)
    makers["layers_first"] = lambda random: make_layers("layers_first", 1, False, folder, random)
    makers["layers_last"] = lambda random: make_layers("layers_last", -1, False, folder, random)
    for name in makers:
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        makers[name](np.random.default_rng(5))


main()

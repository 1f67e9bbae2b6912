"""Makes test/fixtures/keras/{more_keras2,more_keras3}.hdf5 and more.h5: a network with the layers and options that
make_keras.py does not have, saved as HDF5 by Keras 2 and by Keras 3, and the outputs of both.

usage: make_keras_layers.py OUTPUT_FOLDER   (packages: keras-requirements.txt; half a minute, one core)
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0", KERAS_BACKEND="tensorflow")
import h5py
import keras as keras3
import numpy as np
import tf_keras as keras2

ACTIVATIONS = "linear relu relu6 sigmoid hard_sigmoid tanh elu selu softplus softsign exponential leaky_relu swish silu mish".split()


def network(keras):
    layers = keras.layers
    inputs = keras.Input((12, 14, 3), name="input_1")
    x = layers.Conv2D(4, 3, padding="same", activation="relu6", name="conv")(inputs)
    x = layers.Conv2D(4, (3, 2), strides=2, padding="same", use_bias=False, name="strided")(x)  # 6 × 7
    x = layers.Add(name="activations")([layers.Activation(name, name=f"act_{name}")(x) for name in ACTIVATIONS])
    x = layers.BatchNormalization(center=False, name="norm")(x)
    rectified = layers.ReLU(3.0, name="clipped")(x)
    leaning = layers.ReLU(negative_slope=0.1, name="leaning")(x)
    x = layers.Minimum(name="minimum")([leaning, layers.LeakyReLU(name="leaky")(x), layers.ELU(0.7, name="elu")(x)])
    x = layers.Multiply(name="multiply")([x, rectified, layers.GlobalAveragePooling2D(keepdims=True, name="mean")(rectified)])
    for kind, options in (("Dropout", {"rate": 0.2}), ("SpatialDropout2D", {"rate": 0.2}), ("GaussianNoise", {"stddev": 0.1}),
                          ("GaussianDropout", {"rate": 0.1}), ("AlphaDropout", {"rate": 0.1}), ("ActivityRegularization", {"l2": 0.1})):
        x = getattr(layers, kind)(name=kind.lower(), **options)(x)

    a, b = keras.Input((6, 7, 4), name="a"), keras.Input((6, 7, 4), name="b")
    joined = layers.Concatenate(name="inner_join")([layers.Conv2D(3, 1, name="inner_conv")(a), b])
    deep = keras.Sequential([layers.Conv2D(4, 1, name="deep_conv"), layers.BatchNormalization(name="deep_norm")], name="deep")
    pair = keras.Model([a, b], [deep(joined), layers.Activation("tanh", name="inner_tanh")(joined)], name="pair")
    first, _ = pair([x, rectified])
    second, third = pair([first, x])  # called twice
    x = layers.Concatenate(name="join")([first, second, third])

    x = layers.ZeroPadding2D(1, name="border")(x)  # 8 × 9
    dilated = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depth_multiplier=2, use_bias=False, name="depthwise")(x)
    x = layers.SeparableConv2D(5, 3, dilation_rate=2, padding="valid", activation="swish", name="separable")(dilated)  # 4 × 5
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1, name="deconv")(x)  # 8 × 10
    wide = dict(kernel_size=3, dilation_rate=2) if keras is keras2 else dict(kernel_size=5)  # Keras 3 cannot dilate it on a CPU
    x = layers.Conv2DTranspose(3, padding="valid", use_bias=False, name="deconv_wide", **wide)(x)  # 12 × 14
    x = layers.Concatenate(axis=1, name="stacked")([x, layers.Cropping2D(((2, 1), (0, 0)), name="crop")(x)])  # 21 × 14
    x = layers.Concatenate(axis=2, name="beside")([x, layers.Cropping2D((0, 3), name="crop_both")(x)])  # 21 × 22
    x = layers.AveragePooling2D(2, name="average")(x)  # 10 × 11
    x = layers.MaxPooling2D(3, strides=1, padding="same", name="max")(x)
    x = layers.UpSampling2D((1, 2), interpolation="bilinear", name="wider")(x)  # 10 × 22
    turned = layers.Conv2D(3, 2, strides=(3, 2), name="on_turned")(layers.Permute((2, 1, 3), name="turn")(x))
    shaped = layers.Conv2D(2, 1, name="on_reshaped")(layers.Reshape((11, 5, -1), name="reshape")(x))
    each = layers.Dense(4, activation="relu", name="per_pixel")(shaped)
    flat = layers.Concatenate(name="flat")([layers.Flatten(name="flatten")(turned), layers.GlobalAveragePooling2D(name="pooled")(each), layers.GlobalMaxPooling2D(name="highest")(each)])
    flat = layers.Dense(8, activation="softmax", name="dense")(flat)
    return keras.Model(inputs, [flat, layers.Softmax(name="maps")(each)], name="more")


def main():
    [folder] = sys.argv[1:]
    path = os.path.join(folder, "more.h5")
    if os.path.exists(path):
        os.remove(path)
    images = np.random.default_rng(2).normal(0, 1, (2, 12, 14, 3)).astype(np.float32)
    for name, keras in (("more_keras2", keras2), ("more_keras3", keras3)):
        random = np.random.default_rng(4)
        model = network(keras)
        for weight in model.weights:
            positive = "variance" in weight.name or "gamma" in weight.name
            weight.assign(random.uniform(0.5, 1.5, weight.shape) if positive else random.normal(0, 0.2, weight.shape))
        model.save(os.path.join(folder, f"{name}.hdf5"), include_optimizer=False)
        outputs = [np.asarray(each) for each in model(images, training=False)]
        with h5py.File(path, "a") as file:
            group = file.create_group(name)
            group["input"] = images.transpose(0, 3, 1, 2)
            for i, each in enumerate(outputs):
                group[f"output_{i}"] = each.transpose(0, 3, 1, 2) if each.ndim == 4 else each
        print(f"{name}: Keras {keras.__version__}, {model.count_params()} parameters, outputs {[each.shape for each in outputs]}", flush=True)


main()

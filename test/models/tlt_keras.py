"""TLT's Keras on a CPU: tf_keras with TLT's `same` padding and Flatten, its layers for quantisation-aware training,
and a file writer in the format of Keras 2.2.4.

On a CPU, TensorFlow convolves only channels_last images, so channels_first layers transpose their images before and after.
"""
import json
import math
import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")
import h5py
import tensorflow as tf
import tf_keras as keras

layers = keras.layers


def same_margins(layer):
    """Padding of a plain convolution or pool in TLT's Keras, on both sides; none unless `same`."""
    if not TLT["on"] or layer.padding != "same":
        return None
    if isinstance(layer, (layers.MaxPooling2D, layers.AveragePooling2D)):
        return [(size - 1) // 2 for size in layer.pool_size]
    if isinstance(layer, (layers.DepthwiseConv2D, layers.SeparableConv2D)):
        return None
    return [((size - 1) * rate + 1) // 2 for size, rate in zip(layer.kernel_size, layer.dilation_rate)]


TLT = {"on": True, "quantise": True}


def patched(original):
    def call(self, x):
        before = {name: getattr(self, name) for name in ("data_format", "_tf_data_format", "_channels_first", "padding") if hasattr(self, name)}
        turns = self.data_format == "channels_first"
        margins = same_margins(self)
        x = tf.transpose(x, (0, 2, 3, 1)) if turns else x
        if margins is not None:
            x = tf.pad(x, [[0, 0], [margins[0]] * 2, [margins[1]] * 2, [0, 0]])
            self.padding = "valid"
        self.data_format, self._tf_data_format, self._channels_first = "channels_last", "NHWC", False
        y = original(self, x)
        for name, value in before.items():
            setattr(self, name, value)
        return tf.transpose(y, (0, 3, 1, 2)) if turns else y

    return call


for kind in (layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D, layers.SeparableConv2D, layers.DepthwiseConv2D):
    kind.call = patched(kind.call)

flatten = layers.Flatten.call
layers.Flatten.call = lambda self, x: tf.reshape(x, (-1, math.prod(x.shape[1:]))) if TLT["on"] else flatten(self, x)

upsample = layers.UpSampling2D.call


def upsampled(self, x):
    """TensorFlow 1 interpolates between corners of pixels, not centres."""
    if not TLT["on"] or self.interpolation != "bilinear":
        return upsample(self, x)
    axes = (2, 3) if self.data_format == "channels_first" else (1, 2)
    size = [x.shape[axis] * factor for axis, factor in zip(axes, self.size)]
    y = tf.transpose(x, (0, 2, 3, 1)) if axes[0] == 2 else x
    y = tf.compat.v1.image.resize_bilinear(y, size)
    return tf.transpose(y, (0, 3, 1, 2)) if axes[0] == 2 else y


layers.UpSampling2D.call = upsampled


def rounded(layer, x, training):
    """Fake quantisation with a moving average of the largest absolute value as range, initially 6."""
    if not TLT["quantise"]:
        return x
    if training:
        largest = tf.reduce_max(tf.abs(x))
        layer.scaling_factor.assign(layer.scaling_factor * 0.9 + largest * 0.1)
    bound = layer.scaling_factor
    return tf.quantization.quantize_and_dequantize_v2(x, -bound, bound, range_given=True, signed_input=True)


def add_range(layer):
    return layer.add_weight(name="scaling_factor", shape=(), initializer=keras.initializers.Constant(6.0), trainable=False)


class QDQ(layers.Layer):
    def __init__(self, bitwidth=8, **options):
        super().__init__(**options)
        self.bitwidth = bitwidth

    def build(self, shape):
        self.scaling_factor = add_range(self)

    def call(self, x, training=None):
        return rounded(self, x, training)

    def get_config(self):
        return {**super().get_config(), "bitwidth": self.bitwidth}


def quantized(plain):
    class Quantized(plain):
        def __init__(self, *arguments, quantize=True, bitwidth=8, **options):
            super().__init__(*arguments, **options)
            self.quantize, self.bitwidth = quantize, bitwidth

        def build(self, shape):
            super().build(shape)
            self.scaling_factor = add_range(self) if self.quantize else None
            self.built = True

        def call(self, x, training=None):
            return super().call(rounded(self, x, training) if self.quantize else x)

        def get_config(self):
            return {**super().get_config(), "quantize": self.quantize, "bitwidth": self.bitwidth}

    Quantized.__name__ = "Quantized" + plain.__name__
    return Quantized


QuantizedConv2D, QuantizedDense = quantized(layers.Conv2D), quantized(layers.Dense)
QuantizedConv2DTranspose, QuantizedDepthwiseConv2D = quantized(layers.Conv2DTranspose), quantized(layers.DepthwiseConv2D)

LATER_KEYS = {"module", "registered_name", "build_config", "ragged", "optional"}


def older(value):
    """Removes from a configuration the entries that are newer than Keras 2.2.4."""
    if isinstance(value, list):
        return [older(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: older(each) for key, each in value.items() if key not in LATER_KEYS}
    if kept.get("class_name") == "Functional":
        kept["class_name"] = "Model"
    config = kept.get("config")
    if kept.get("class_name") == "BatchNormalization" and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0]
    for key, default in (("groups", 1), ("keepdims", False)):
        if isinstance(config, dict) and config.get(key) == default:
            del config[key]
    if isinstance(config, dict) and kept.get("class_name") != "InputLayer":
        config.pop("dtype", None)
    return kept


def save(model, path, as_tlt=True):
    """Saves the model like `tlt train`, without an optimizer, or like tf_keras."""
    model.save(path, include_optimizer=False, save_format="h5")
    if not as_tlt:
        return
    with h5py.File(path, "a") as file:
        config = older(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(config).encode()
        for place in (file, file["model_weights"]):
            place.attrs["keras_version"] = b"2.2.4"
            place.attrs["backend"] = b"tensorflow"

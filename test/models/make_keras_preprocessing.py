"""Makes test/fixtures/keras/{prepared_keras2,prepared_keras3}.hdf5 and prepared.h5: networks that begin with Keras's
preprocessing layers, saved as HDF5 by Keras 2 and by Keras 3, and the outputs of both.

usage: make_keras_preprocessing.py OUTPUT_FOLDER   (packages: keras-requirements.txt; ten seconds, one core)
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0", KERAS_BACKEND="tensorflow")
import h5py
import keras as keras3
import numpy as np
import tf_keras as keras2


def network(keras):
    layers = keras.layers
    inputs = keras.Input((13, 18, 3), name="input_1")
    learnt = layers.Normalization(name="learnt")
    learnt.adapt(np.random.default_rng(1).uniform(0, 255, (4, 13, 18, 3)).astype(np.float32))
    rows = layers.Normalization(axis=(1, 3), name="rows")
    rows.adapt(np.random.default_rng(2).uniform(0, 255, (4, 13, 18, 3)).astype(np.float32))
    ahead = [
        layers.Rescaling(1 / 127.5, offset=-1, name="rescaled")(inputs),
        learnt(inputs),
        rows(inputs),
        layers.Normalization(mean=[100.0, 110.0, 120.0], variance=[400.0, 900.0, 25.0], name="given")(inputs),
        layers.Normalization(axis=None, mean=99.0, variance=123.0, invert=True, name="inverted")(inputs),
    ]
    if keras is keras3:
        ahead.append(layers.Rescaling([0.1, 0.2, 0.3], offset=[1.0, 2.0, 3.0], name="by_channel")(inputs))
    sized = [
        layers.CenterCrop(8, 11, name="middle")(inputs),
        layers.CenterCrop(16, 11, name="too_high")(inputs),
        layers.Resizing(7, 23, name="bilinear")(inputs),
        layers.Resizing(20, 9, interpolation="nearest", name="nearest")(inputs),
        layers.Resizing(16, 16, interpolation="bicubic", name="bicubic")(inputs),
        layers.Resizing(9, 9, crop_to_aspect_ratio=True, name="cut")(inputs),
    ]
    convolved = [layers.Conv2D(2, 3, name=f"conv_{i}")(x) for i, x in enumerate([*ahead, *sized])]
    bounded = layers.ReLU(max_value=float("inf"), name="unbounded")(convolved[0])
    return keras.Model(inputs, [bounded, *convolved[1:], *sized], name="prepared")


def main():
    [folder] = sys.argv[1:]
    path = os.path.join(folder, "prepared.h5")
    if os.path.exists(path):
        os.remove(path)
    images = np.random.default_rng(3).uniform(0, 255, (2, 13, 18, 3)).astype(np.float32)
    for name, keras in (("prepared_keras2", keras2), ("prepared_keras3", keras3)):
        random = np.random.default_rng(4)
        model = network(keras)
        for layer in model.layers:
            if layer.name.startswith("conv_"):
                for weight in layer.weights:
                    weight.assign(random.normal(0, 0.2, weight.shape))
        model.save(os.path.join(folder, f"{name}.hdf5"), include_optimizer=False)
        outputs = [np.asarray(each) for each in model(images, training=False)]
        with h5py.File(path, "a") as file:
            group = file.create_group(name)
            group["input"] = images.transpose(0, 3, 1, 2)
            for i, each in enumerate(outputs):
                group[f"output_{i:02}"] = each.transpose(0, 3, 1, 2)
        print(f"{name}: Keras {keras.__version__}, outputs {[each.shape for each in outputs]}", flush=True)


main()

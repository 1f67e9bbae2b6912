"""Writes HDF5 files that refer to another file, with h5py.

usage: hdf5_other_files.py tensorfile FILE HOW OTHER    batches of 1 × 3 × 4 × 5 floats, stored in OTHER
       hdf5_other_files.py keras FILE HOW OTHER ARRAY   the array ARRAY of the Keras model FILE is moved into OTHER
HOW: external-storage | external-link | virtual
"""
import sys

import h5py
import numpy as np

kind, path, how, other, *rest = sys.argv[1:]
prefix = "_tensorfile_array_key_"


def move(group, name, shape):
    """Stores the data of `name` in the other file."""
    size = int(np.prod(shape)) * 4
    if how == "external-storage":
        group.create_dataset(name, shape=shape, dtype="<f4", external=[(other, 0, size)])
    elif how == "external-link":
        with h5py.File(other, "w") as file:
            file["x"] = np.ones(shape, "<f4")
        group[name] = h5py.ExternalLink(other, "/x")
    else:
        with h5py.File(other, "w") as file:
            file["x"] = np.ones(shape, "<f4")
        layout = h5py.VirtualLayout(shape=shape, dtype="<f4")
        layout[:] = h5py.VirtualSource(other, "x", shape=shape)
        group.create_virtual_dataset(name, layout)


if kind == "tensorfile":
    with h5py.File(path, "w") as file:
        file.attrs["count"] = np.int64(1)
        move(file.create_group(f"{prefix}_0"), prefix, (1, 3, 4, 5))
else:
    with h5py.File(path, "r+") as file:
        weights, name = file["model_weights"], rest[0]
        shape = weights[name].shape
        del weights[name]
        move(weights, name, shape)
print("true")

"""Writes tensorfile.h5 in the layout of TLT's own TensorFile class, with h5py (h5py==3.16.0, numpy).

Usage: python make_tensorfile.py tensorfile.h5 [batches]
"""
import sys

import h5py
import numpy

batches = int(sys.argv[2]) if len(sys.argv) > 2 else 11
with h5py.File(sys.argv[1], "w") as file:
    file.attrs["count"] = numpy.int64(batches)
    file.attrs["shape"] = numpy.array([2, 3, 4, 6], dtype=numpy.int64)
    for number in range(batches):
        group = file.create_group(f"_tensorfile_array_key__{number}")
        values = numpy.arange(144, dtype=numpy.float32).reshape(2, 3, 4, 6) + number
        group.create_dataset("_tensorfile_array_key_", data=values, compression="gzip", compression_opts=4)

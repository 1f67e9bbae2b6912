"""Writes and reads tensorfiles with h5py, like TLT's own class.

usage: tensorfiles.py write FILE DTYPE N,C,H,W COUNT   batch b holds b + i / size
       tensorfiles.py copy FROM (DTYPE FILE)...        the same values, written by h5py
       tensorfiles.py read FILE                        prints the layout and the sums of the batches
"""
import json
import sys

import h5py
import numpy as np

mode, path, *rest = sys.argv[1:]
prefix = "_tensorfile_array_key_"
if mode == "write":
    shape = tuple(int(axis) for axis in rest[1].split(","))
    ramp = np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)
    with h5py.File(path, "w") as file:
        file.attrs["shape"] = shape
        for number in range(int(rest[2])):
            group = file.create_group(f"{prefix}_{number}")
            values = (number + ramp).astype(np.float32).astype(rest[0])
            group.create_dataset(prefix, data=values, compression="gzip")
        file.attrs["count"] = int(rest[2])
    print("true")
elif mode == "copy":
    for dtype, copy in zip(rest[::2], rest[1::2]):
        with h5py.File(path, "r") as source, h5py.File(copy, "w") as file:
            for number in range(int(source.attrs["count"])):
                values = source[f"{prefix}_{number}"][prefix][()].astype(dtype)
                file.create_group(f"{prefix}_{number}").create_dataset(prefix, data=values, compression="gzip")
            file.attrs["count"] = source.attrs["count"]
    print("true")
else:
    with h5py.File(path, "r") as file, open(path, "rb") as raw:
        attributes = {k: [str(np.asarray(v).dtype), np.asarray(v).tolist()] for k, v in file.attrs.items()}
        groups = {}
        for name, group in file.items():
            data = group[prefix]
            groups[name] = {
                "members": list(group),
                "attributes": len(group.attrs) + len(data.attrs),
                "dtype": str(data.dtype),
                "shape": data.shape,
                "maxshape": data.maxshape,
                "chunks": data.chunks,
                "compression": [data.compression, data.compression_opts, data.shuffle, data.fletcher32],
                "fill": float(data.fillvalue),
                "sum": float(data[()].astype(np.float64).sum()),
            }
        print(json.dumps({"superblock": raw.read(9)[8], "attributes": attributes, "groups": groups}))

"""Writes and reads TFRecords with the PyPI package tfrecord.

usage: tfrecords.py write FILE COUNT    KITTI-like records, some without boxes
       tfrecords.py read FILE           prints [[frame/id, [target/coordinates_x1 ...]], ...]
"""
import json
import sys

from tfrecord.reader import tfrecord_loader
from tfrecord.writer import TFRecordWriter

mode, path, *rest = sys.argv[1:]
if mode == "write":
    writer = TFRecordWriter(path)
    for number in range(int(rest[0])):
        boxes = [float(number + box) / 4 for box in range(number % 4)]
        record = {
            "frame/id": (f"images/{number:06d}".encode(), "byte"),
            "frame/height": (375, "int"),
            "frame/width": (-number, "int"),
            "target/object_class": ([b"car"] * max(1, len(boxes)), "byte"),
        }
        if boxes:
            record["target/coordinates_x1"] = (boxes, "float")
        writer.write(record)
    writer.close()
    print("true")
else:
    description = {"frame/id": "byte", "target/coordinates_x1": "float"}
    found = tfrecord_loader(path, None, description)
    print(json.dumps([[bytes(r["frame/id"]).decode(), [float(x) for x in r["target/coordinates_x1"]]] for r in found]))

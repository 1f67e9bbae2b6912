"""Writes the trained detectors as ONNX in the form of TAO's exporters: node names, layouts and the plugin node at the end.

Like the graphs of those exporters, they do not pass onnx's checker, because only TensorRT has the plugin operators.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto

from anchors import ANCHORS, RPN_RATIOS, RPN_SIZES, RPN_STRIDE, YOLO_SHAPES, YOLO_STRIDES, centres
from scenes import CLASSES, HEIGHT, WIDTH
from tao_graph import Graph, backbone

N = len(CLASSES)
SIZE = np.array([WIDTH, HEIGHT] * 2, np.float32)
TOP_K = 100


def nms_of_anchors(graph, loc, conf, sigmoid):
    """`loc` [N,P,4] and `conf` [N,P,C] as the plugin reads them; the anchors are one for all images, tiled for the batch."""
    count = len(ANCHORS)
    variances = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (count, 1))
    anchors = np.concatenate([ANCHORS / SIZE, variances]).reshape(1, 2, count * 4, 1)
    shape = graph.add("Shape", [loc], "anchor_data/shape")
    batch = graph.add("Slice", [shape, graph.constant("zero", [0], np.int64), graph.constant("one", [1], np.int64)], "anchor_data/batch")
    tiling = graph.add("Concat", [batch, graph.constant("anchor_data/ones", [1, 1, 1], np.int64)], "anchor_data/tiling", axis=0)
    graph.add("Tile", [graph.constant("mbox_priorbox", anchors), tiling], "anchor_data")
    graph.reshape(loc, "loc_data", [0, -1, 1, 1])
    graph.reshape(conf, "conf_data", [0, -1, 1, 1])
    nms(graph, ["anchor_data", "loc_data", "conf_data"], ["NMS", "NMS_1"], shareLocation=1, varianceEncodedInTarget=0, backgroundLabelId=0,
        confidenceThreshold=0.3, nmsThreshold=0.5, topK=2 * TOP_K, keepTopK=TOP_K, numClasses=N + 1, confSigmoid=sigmoid)


def nms(graph, inputs, outputs, **attributes):
    graph.add("NMSDynamic_TRT", inputs, outputs, codeType=1, inputOrder=[1, 2, 0], isNormalized=1, scoreBits=0, **attributes)


def anchored(graph, levels, name, shared=False):
    """Connects heads on three levels to NMS, with a softmax for the SSDs and the plugin's own sigmoid for retinanet."""
    layer = lambda kind, i: f"{kind}_shared" if shared else f"{kind}{i}"
    parts = {}
    for kind, size in (("loc", 4), ("conf", N + 1)):
        convs = [graph.conv(x, layer(kind, i), f"mbox_{kind}_{i}/BiasAdd") for i, x in enumerate(levels)]
        flat = [graph.last(x, f"mbox_{kind}_{i}/Reshape", size) for i, x in enumerate(convs)]
        parts[kind] = graph.add("Concat", flat, f"mbox_{kind}", axis=1)
    sigmoid = name == "retinanet"
    conf = parts["conf"] if sigmoid else graph.add("Softmax", [parts["conf"]], "mbox_conf_softmax/Softmax", axis=-1)
    nms_of_anchors(graph, parts["loc"], conf, int(sigmoid))


def ssd(graph):
    anchored(graph, backbone(graph, "Input", 4)[1:], "ssd")


def dssd(graph):
    levels = backbone(graph, "Input", 4)[1:]
    top = levels[2]
    for i in (1, 0):
        up = graph.conv(top, f"deconv{i}", transposed=True)
        top = graph.relu(graph.add("Mul", [up, graph.conv(levels[i], f"lateral{i}")], f"merge{i}/Mul"))
        levels[i] = top
    anchored(graph, levels, "dssd")


def retinanet(graph):
    levels = backbone(graph, "Input", 4)[1:]
    top = graph.conv(levels[2], "lateral2")
    pyramid = [top]
    for i in (1, 0):
        scales = graph.constant("upsample/scales", [1, 1, 2, 2])
        up = graph.add("Resize", [top, "", scales], f"P{i + 3}_upsampled", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        top = graph.add("Add", [up, graph.conv(levels[i], f"lateral{i}")], f"P{i + 3}_merged/add")
        pyramid.insert(0, top)
    anchored(graph, [graph.add("Relu", [x], f"P{i + 3}/Relu") for i, x in enumerate(pyramid)], "retinanet", shared=True)


def yolo(graph):
    """Each row of the encoded detection: cell y, x, anchor h, w, steps y, x (constants), then the network's outputs."""
    levels = backbone(graph, "Input", 4)[1:]
    rows = [graph.last(graph.conv(x, f"yolo{i}", f"yolo_{i}/BiasAdd"), f"yolo_{i}/Reshape", 5 + N) for i, x in enumerate(levels)]
    found = graph.add("Concat", rows, "encoded_detections", axis=1)
    cut = lambda low, high, name: graph.add("Slice", [found] + [graph.constant(f"index{i}", [i], np.int64) for i in (low, high, 2)], name)
    grid, shape, step = yolo_constants()
    shift = graph.add("Sigmoid", [cut(0, 2, "box/place")], "box/Sigmoid")
    moved = graph.add("Mul", [shift, graph.constant("box/step", step)], "box/mul")
    middle = graph.add("Add", [moved, graph.constant("box/grid", grid)], "box/add")
    size = graph.add("Mul", [graph.add("Exp", [cut(2, 4, "box/size")], "box/Exp"), graph.constant("box/anchor", shape)], "box/mul_1")
    half = graph.add("Mul", [size, graph.constant("box/half", [0.5])], "box/mul_2")
    corners = [graph.add("Sub", [middle, half], "box/sub"), graph.add("Add", [middle, half], "box/add_1")]
    graph.reshape(graph.add("Concat", corners, "box/concat", axis=2), "box/concat_concat", [0, -1, 1, 4])
    there = graph.add("Sigmoid", [cut(4, 5, "cls/object")], "cls/Sigmoid_1")
    class_ = graph.add("Sigmoid", [cut(5, 5 + N, "cls/class")], "cls/Sigmoid")
    graph.add("Unsqueeze", [graph.add("Mul", [class_, there], "cls/product"), graph.constant("index3", [3], np.int64)], "cls/mul")
    outputs = ["BatchedNMS", "BatchedNMS_1", "BatchedNMS_2", "BatchedNMS_3"]
    graph.add("BatchedNMSDynamic_TRT", ["box/concat_concat", "cls/mul"], outputs, shareLocation=1, backgroundLabelId=-1, scoreThreshold=0.3,
              iouThreshold=0.5, topK=2 * TOP_K, keepTopK=TOP_K, numClasses=N, clipBoxes=1, isNormalized=1, scoreBits=0)


def yolo_constants():
    grid, shape, step = [], [], []
    for stride, shapes in zip(YOLO_STRIDES, YOLO_SHAPES):
        corner = centres(stride).reshape(-1, 1, 2) - stride / 2
        grid.append(np.repeat(corner, 3, 1).reshape(-1, 2))
        shape.append(np.tile(np.array(shapes, np.float32), (len(corner), 1)))
        step.append(np.full((len(corner) * 3, 2), stride))
    return [np.concatenate(each)[None] / SIZE[:2] for each in (grid, shape, step)]


def faster_rcnn(graph, roi_model):
    features = backbone(graph, "input_image", 3)[2]
    shared = graph.relu(graph.conv(features, "rpn_conv"))
    class_ = graph.add("Sigmoid", [graph.conv(shared, "rpn_out_class")], "sigmoid_output")
    regress = graph.conv(shared, "rpn_out_regress")
    graph.add("ProposalDynamic", [class_, regress], "proposal_out", input_height=HEIGHT, input_width=WIDTH, rpn_stride=RPN_STRIDE, roi_min_size=1.0,
              nms_iou_threshold=0.7, pre_nms_top_n=300, post_nms_top_n=40, anchor_sizes=RPN_SIZES, anchor_ratios=RPN_RATIOS)
    cuts = graph.add("CropAndResizeDynamic", [features, "proposal_out"], "crop_and_resize_1/Reshape_1:0", crop_height=7, crop_width=7)
    graph.model = roi_model
    x = graph.relu(graph.conv(graph.relu(graph.conv(cuts, "roi_a")), "roi_b"))
    pooled = graph.add("GlobalAveragePool", [x], "avg_pool/AvgPool")
    flat = graph.reshape(pooled, "time_distributed_flatten/Reshape_1", [-1, 64])
    dense = lambda name: graph.add("Gemm", [flat, graph.constant(f"{name}/kernel", roi_model.get_layer(name).kernel.numpy()),
                                            graph.constant(f"{name}/bias", roi_model.get_layer(name).bias.numpy())], f"{name}/BiasAdd")
    probabilities = graph.add("Softmax", [dense("dense_class_td")], "dense_class_td/Softmax", axis=-1)
    roi_nms(graph, probabilities, dense("dense_regress_td"))


def roi_nms(graph, probabilities, regress):
    """One box per class and proposal. The background is last and gets a row of zeros. The plugin decodes them from the proposals."""
    spread = graph.constant("nms_inputs_1/spread", np.array([0.1, 0.1, 0.2, 0.2], np.float32))
    each = graph.reshape(regress, "nms_inputs_1/loc", [-1, 40, N, 4])
    scaled = graph.add("Mul", [each, spread], "nms_inputs_1/mul")
    padding = graph.constant("nms_inputs_1/pads", [0, 0, 0, 0, 0, 0, 1, 0], np.int64)
    graph.reshape(graph.add("Pad", [scaled, padding], "nms_inputs_1/padded"), "nms_inputs_1/loc_data", [0, -1, 1, 1])
    graph.reshape(probabilities, "nms_inputs_1/conf_data", [-1, 40 * (N + 1), 1, 1])
    order = graph.constant("nms_inputs_1/order", [1, 0, 3, 2], np.int64)
    rois = graph.reshape(graph.add("Gather", ["proposal_out", order], "nms_inputs_1/xy", axis=2), "nms_inputs_1/rois", [0, 1, -1, 1])
    graph.add("Concat", [rois, rois], "nms_inputs_1/prior_data", axis=1)
    inputs = [f"nms_inputs_1/{name}" for name in ("prior_data", "loc_data", "conf_data")]
    nms(graph, inputs, ["nms_out", "nms_out_1"], shareLocation=0, varianceEncodedInTarget=1, backgroundLabelId=N, confidenceThreshold=0.5,
        nmsThreshold=0.4, topK=40, keepTopK=30, numClasses=N + 1, confSigmoid=0)


OUTPUTS = {
    "yolo": {"BatchedNMS": TensorProto.INT32, "BatchedNMS_1": TensorProto.FLOAT, "BatchedNMS_2": TensorProto.FLOAT, "BatchedNMS_3": TensorProto.FLOAT},
    "faster_rcnn": {"nms_out": TensorProto.FLOAT, "nms_out_1": TensorProto.FLOAT},
}


def export(name, model, roi_model, folder):
    graph = Graph(model)
    if name == "faster_rcnn":
        faster_rcnn(graph, roi_model)
    else:
        {"ssd": ssd, "dssd": dssd, "retinanet": retinanet, "yolo": yolo}[name](graph)
    outputs = OUTPUTS.get(name, {"NMS": TensorProto.FLOAT, "NMS_1": TensorProto.FLOAT})
    made = graph.export(name, "input_image" if name == "faster_rcnn" else "Input", outputs, [HEIGHT, WIDTH])
    path = os.path.join(folder, f"{name}.onnx")
    onnx.save(made, path)
    print(f"{path}: {os.path.getsize(path)} bytes", flush=True)

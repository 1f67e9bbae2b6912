"""Builds ONNX graphs in the form of TAO's exporters, node by node, with Keras weights converted to NCHW."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self, model):
        self.model, self.nodes, self.weights, self.names = model, [], [], set()

    def constant(self, name, values, type_=np.float32):
        if name not in self.names:
            self.names.add(name)
            self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, type_), name))
        return name

    def add(self, op, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))
        return output

    def conv(self, x, layer_name, output=None, transposed=False):
        """Adds a Keras convolution, with the batch normalisation `<name>_bn` after it folded in, if it exists."""
        layer = self.model.get_layer(layer_name)
        kernel = layer.kernel.numpy()
        channels = layer.filters
        bias = np.zeros(channels, np.float32) if layer.bias is None else layer.bias.numpy()
        norm = next((each for each in self.model.layers if each.name == layer_name + "_bn"), None)
        if norm is not None:
            gamma, beta, mean, variance = (value.numpy() for value in norm.weights)
            factor = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = kernel * factor, beta - mean * factor
        size, stride = kernel.shape[0], layer.strides[0]
        inputs = [x, self.constant(f"{layer_name}/kernel", kernel.transpose(3, 2, 0, 1)), self.constant(f"{layer_name}/bias", bias)]
        pads = [0] * 4 if transposed else [(size - 1) // 2] * 4
        shape = dict(kernel_shape=[size, size], strides=[stride, stride], pads=pads)
        return self.add("ConvTranspose" if transposed else "Conv", inputs, output or f"{layer_name}/Conv", **shape)

    def relu(self, x):
        return self.add("Relu", [x], x.rsplit("/", 1)[0] + "/Relu")

    def reshape(self, x, output, shape):
        return self.add("Reshape", [x, self.constant(f"{output}/shape", shape, np.int64)], output)

    def last(self, x, output, channels):
        """[N,C,H,W] as [N, H·W·C / channels, channels], the order in which Keras flattens."""
        moved = self.add("Transpose", [x], f"{output}/Transpose", perm=[0, 2, 3, 1])
        return self.reshape(moved, output, [0, -1, channels])

    def export(self, name, input_, outputs, size):
        """Builds the model. `outputs`: name → element type. Shapes are unknown, as for outputs of plugins."""
        ports = [helper.make_tensor_value_info(input_, TensorProto.FLOAT, ["N", 3, *size])]
        ends = [helper.make_tensor_value_info(each, type_, None) for each, type_ in outputs.items()]
        made = helper.make_graph(self.nodes, name, ports, ends, self.weights)
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def backbone(graph, input_, blocks):
    """Adds the residual net of train_detectors.py, and returns the output of each block."""
    x, outputs = graph.relu(graph.conv(input_, "conv1")), []
    for block in range(blocks):
        name = f"block{block}"
        short = graph.conv(x, f"{name}_short")
        a = graph.relu(graph.conv(x, f"{name}_a"))
        total = graph.add("Add", [graph.conv(a, f"{name}_b"), short], f"{name}/Add")
        x = graph.relu(total)
        outputs.append(x)
    return outputs

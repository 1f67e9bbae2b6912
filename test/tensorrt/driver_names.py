"""Lists what programs use of TensorRT, by their syntax trees. Standard input: a JSON list of programs; output: a list for each.

A use is [class, member, arguments or null]. Variables have the class that their name stands for in the driver, and the result of a
call the class that its signature names.
"""
import ast
import json
import re
import sys

CLASS_OF = {
    "builder": "Builder", "cache": "ITimingCache", "config": "IBuilderConfig", "context": "IExecutionContext", "engine": "ICudaEngine",
    "layer": "ILayer", "network": "INetworkDefinition", "other": "ITimingCache", "parser": "OnnxParser", "profile": "IOptimizationProfile",
    "runtime": "Runtime", "tensor": "ITensor", "trt": "",
}  # fmt: skip
RENAMED = {"IParserError": "ParserError", "IEngineInspector": "EngineInspector"}  # Names of C++ in some signatures.


class Uses(ast.NodeVisitor):
    def __init__(self, table):
        self.table, self.found, self.counted = table, [], set()

    def class_of(self, node):
        """The class of an expression, "" for the module itself, or None for anything else."""
        if isinstance(node, ast.Name):
            return CLASS_OF.get(node.id)
        if isinstance(node, ast.Attribute) and self.class_of(node.value) == "":
            return node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = self.class_of(node.func.value)
            forms = self.table["classes"].get(owner, {}).get(node.func.attr, [])
            returned = re.search(r"-> (\w+)", forms[0][0]) if forms else None
            return returned and RENAMED.get(returned.group(1), returned.group(1))
        return None

    def visit_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            starred = any(isinstance(each, ast.Starred) for each in node.args)
            self.add(node.func, None if starred else len(node.args))
            self.counted.add(node.func)
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if node not in self.counted:
            self.add(node, None)
        self.generic_visit(node)

    def add(self, node, count):
        owner = self.class_of(node.value)
        if owner is not None and not node.attr.startswith("__"):
            self.found.append([owner, node.attr, count])

    def visit_ClassDef(self, node):
        """A class of TensorRT's that the program derives from: its methods are called with all their arguments."""
        for base in node.bases:
            if isinstance(base, ast.Attribute) and self.class_of(base.value) == "":
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name != "__init__"]
                self.found += [[base.attr, each.name, len(each.args.args) - 1] for each in methods]
        self.generic_visit(node)


def uses_in(program, table):
    uses = Uses(table)
    uses.visit(ast.parse(program, feature_version=(3, 8)))
    return uses.found


given = json.load(sys.stdin)
print(json.dumps([uses_in(program, given["table"]) for program in given["programs"]]))

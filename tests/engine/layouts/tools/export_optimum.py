"""optimum's export with a cache: `python export_optimum.py CHECKPOINT FOLDER [merged]`, in optimum's environment.

"merged" asks for the two decoders in one graph of optimum 1.x; its exporter wants PyTorch's older one.
"""

import functools
import inspect
import sys

import torch

true_export = torch.onnx.export


@functools.wraps(true_export)
def older_export(*arguments, **settings):
    known = "dynamo" in inspect.signature(true_export).parameters
    return true_export(*arguments, **(settings | ({"dynamo": False} if known else {})))


torch.onnx.export = older_export

from optimum.exporters.onnx import main_export  # noqa: E402  after the patch

main_export(
    sys.argv[1],
    output=sys.argv[2],
    task="text-generation-with-past",
    **({"legacy": True} if "merged" in sys.argv[3:] else {}),
)

"""The variants that folders for transformers.js hold: `python make_variants.py OPTIMUM_FOLDER FOLDER`.

Runs in the environment of onnxruntime-genai's builder, with the quantizers of ONNX Runtime that the script of
transformers.js calls.
"""

import shutil
import sys
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16

source, target = Path(sys.argv[1]), Path(sys.argv[2])
graphs = target / "onnx"
graphs.mkdir(parents=True)
for file in source.glob("*.json"):
    shutil.copy(file, target)
shutil.copy(source / "model.onnx", graphs)
model = onnx.load(source / "model.onnx")
quantize_dynamic(source / "model.onnx", graphs / "model_quantized.onnx", weight_type=QuantType.QUInt8)
onnx.save(convert_float_to_float16(model, keep_io_types=False), graphs / "model_fp16.onnx")
packed = MatMulNBitsQuantizer(onnx.load(source / "model.onnx"), block_size=32, is_symmetric=True, accuracy_level=4)
packed.process()
onnx.save(packed.model.model, graphs / "model_q4.onnx")

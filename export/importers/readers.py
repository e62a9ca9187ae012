"""Tensors out of checkpoint files, one at a time, so that memory never holds a whole checkpoint twice.

For: the importer child process. Knows safetensors and PyTorch's zip format (weights only: nothing in it is run).
Must not know families. torch is imported only where a file needs it: a safetensors checkpoint does without.
"""

from __future__ import annotations

import errno
import json
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.contracts.errors import CheckpointError, file_error
from export.importers.rules import FloatArray

_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_HEADER_LIMIT = 100_000_000  # the format's own limit


class SafetensorsReader:
    """One safetensors file, or the shards of one model."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._places: dict[str, tuple[Path, dict[str, Any], int]] = {}
        self.name = ""
        for path in paths:
            self.name = self.name or path.name
            entries, start = _read_header(path)
            for name, entry in entries.items():
                if name in self._places:
                    raise CheckpointError(f"{path} holds {name}, which another part holds too; save the model again")
                self._places[name] = (path, entry, start)

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes."""
        return {name: tuple(entry["shape"]) for name, (_, entry, _) in self._places.items()}

    def read(self, name: str) -> FloatArray:
        """One tensor as float32; float32 ones stay on disk until they are looked at."""
        path, entry, start = self._places[name]
        begin, end = entry["data_offsets"]
        raw = np.memmap(path, np.uint8, "c", start + begin, (end - begin,)) if end > begin else np.zeros(0, np.uint8)
        shape = tuple(entry["shape"])
        if entry["dtype"] == "BF16":  # the upper half of a float32
            return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        if entry["dtype"] not in _FLOATS:
            raise _no_float(path, name, entry["dtype"])
        return raw.view(_FLOATS[entry["dtype"]]).reshape(shape).astype(np.float32, copy=False)


class TorchReader:
    """One state dictionary out of a PyTorch file; `load_torch` makes it."""

    def __init__(self, name: str, state: Mapping[str, Any]) -> None:
        self.name = name
        self._state = state

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes."""
        return {name: tuple(tensor.shape) for name, tensor in self._state.items()}

    def read(self, name: str) -> FloatArray:
        """One tensor as float32."""
        tensor = self._state[name]
        if not tensor.is_floating_point():
            raise _no_float(Path(self.name), name, str(tensor.dtype))
        array: FloatArray = tensor.detach().float().contiguous().numpy()
        return array


def load_torch(path: Path) -> dict[str, Any]:
    """The dictionary in a PyTorch file: tensors stay on disk, and nothing but tensors and plain values is accepted."""
    import torch

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < (2, 10):
        raise CheckpointError(
            f"PyTorch {torch.__version__} can be made to run code by a checkpoint; install PyTorch 2.10 or newer"
        )
    _refuse_packed(path)
    try:
        loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except OSError as error:
        if error.errno == errno.EINVAL:  # how PyTorch meets a file without its zip directory
            raise CheckpointError(_torch_refusal(path, error)) from error
        raise file_error(error, f"read {path}") from error
    except Exception as error:
        raise CheckpointError(_torch_refusal(path, error)) from error
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path} holds a {type(loaded).__name__}, not a checkpoint; save the state_dict")
    return loaded


def _refuse_packed(path: Path) -> None:
    """Refuse a zip archive that would grow when it is read: PyTorch stores every part of its files as it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except OSError as error:
        raise file_error(error, f"read {path}") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # no zip archive: PyTorch says what it is instead
    packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
    if packed or sum(part.file_size for part in parts) > path.stat().st_size:
        raise CheckpointError(
            f"{path} unpacks to more than it is, as no file of PyTorch's does, so it was not opened; fetch it again or "
            "save the state_dict with torch.save"
        )


def torch_reader(path: Path, state: Any) -> TorchReader:
    """A reader over `state`, which must map names to tensors."""
    import torch

    if not isinstance(state, dict) or not state:
        raise CheckpointError(f"{path} holds no tensors; save the model's state_dict in it")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise CheckpointError(f"{path} holds {str(name)[:80]!r}, which is no tensor; save the state_dict alone")
        if tensor.is_sparse or tensor.device.type != "cpu":
            raise CheckpointError(f"{path}: {name} is not an ordinary tensor; save the model's plain state_dict")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(
                f"{path}: {name} claims more numbers than the file holds for it; save a contiguous state_dict"
            )
    return TorchReader(path.name, state)


def read_json(path: Path, kind: type = dict) -> Any:
    """A JSON object (or list) out of a checkpoint folder."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise file_error(error, f"read {path}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is cut off or not JSON; fetch it again") from error
    if not isinstance(plain, kind):
        raise CheckpointError(f"{path} is not a JSON {kind.__name__}; fetch it again")
    return plain


def write_tensors(path: Path, shapes: Mapping[str, tuple[int, ...]], tensors: Iterable[tuple[str, FloatArray]]) -> None:
    """A float32 safetensors file, written tensor by tensor in any order."""
    header, end = dict[str, Any](), 0
    for name, shape in shapes.items():
        size = 4 * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, tensor in tensors:
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            file.write(np.ascontiguousarray(tensor, "<f4").data)


def _read_header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The tensor entries and where the data starts. Every offset is checked against the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else _HEADER_LIMIT + 1
            text = file.read(length) if length <= min(_HEADER_LIMIT, size - 8) else b""
    except OSError as error:
        raise file_error(error, f"read {path}") from error
    try:
        entries = dict(json.loads(text))
        entries.pop("__metadata__", None)
        for entry in entries.values():
            _check_entry(entry, size - 8 - length)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is cut off or damaged (its table of tensors does not fit); fetch it again"
        ) from error
    return entries, 8 + length


def _check_entry(entry: dict[str, Any], available: int) -> None:
    begin, end = entry["data_offsets"]
    shape = entry["shape"]
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)) or not begin <= end <= available:
        raise ValueError("offsets outside the file")
    widths = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    count = 1
    for number in shape:
        count *= number
    if entry["dtype"] in widths and count * widths[entry["dtype"]] != end - begin:
        raise ValueError("size and shape differ")


def _no_float(path: Path, name: str, dtype: str) -> CheckpointError:
    return CheckpointError(
        f"{path.name}: {name} holds {dtype} numbers; only float64, float32, float16 and bfloat16 weights can be "
        "converted: give the checkpoint before it was quantized"
    )


def _torch_refusal(path: Path, error: Exception) -> str:
    words = str(error)
    if "weights_only" in words.lower() or "unpickl" in type(error).__name__.lower() or "Unsupported" in words:
        return (
            f"{path} holds more than tensors and plain values, so it was not opened (nothing in it was run); "
            "save the model's state_dict in it, or as safetensors"
        )
    with path.open("rb") as file:
        old_format = file.read(1) == b"\x80"  # a bare pickle, where today's files are zip archives
    if old_format:
        return f"{path} is in PyTorch's old format; load it where you trust it and save it again with torch.save"
    return f"{path} is cut off, damaged or not a PyTorch checkpoint; fetch or save it again"

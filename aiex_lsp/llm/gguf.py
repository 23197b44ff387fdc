"""What a GGUF file says about itself, read without loading it.

The engine is C++ and may abort the process on what it does not expect, so a file is looked at
here first. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"GGUF"

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9

_MAX_DEPTH = 4
"""Nesting of arrays; the format knows no deeper ones in practice."""

_MAX_LAYERS = 512
"""LLAMA_MAX_LAYERS: llama.cpp aborts the process on more."""

_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
}
"""`llama_ftype` of llama.h."""


@dataclass(frozen=True, slots=True)
class GgufInfo:
    """One model file. `context_length` is the trained window in tokens."""

    path: Path
    architecture: str
    name: str | None
    size_label: str | None
    quantization: str | None
    context_length: int | None
    chat_template: bool
    size: int


class _Broken(Exception):
    """The bytes are no GGUF file; the text says why."""


def read_gguf(path: Path) -> tuple[GgufInfo | None, str | None]:
    """Return (what the file says, None), or (None, why it cannot be used). Never raises."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            return None, "it is not a file"
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                return None, "it is not a GGUF file"
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _read(path, data, size), None
    except FileNotFoundError:
        return None, "the file does not exist"
    except _Broken as error:
        return None, str(error)
    except (struct.error, UnicodeDecodeError, OverflowError):
        return None, "its metadata are broken"
    except (OSError, ValueError) as error:
        return None, f"it cannot be read ({type(error).__name__})"


def _read(path: Path, data: mmap.mmap, size: int) -> GgufInfo:
    version, tensors, pairs = struct.unpack_from("<IQQ", data, 4)
    if version not in (2, 3):
        raise _Broken(f"its GGUF version {version} is not supported")
    at = 24
    metadata: dict[str, object] = {}
    for _ in range(pairs):
        key, at = _string(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        value, at = _value(data, at + 4, kind, 0)
        metadata[key] = value
    last = -1
    for _ in range(tensors):
        _name, at = _string(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        at += 4 + 8 * dimensions + 4
        (offset,) = struct.unpack_from("<Q", data, at)
        at += 8
        last = max(last, offset)
    if tensors == 0:
        raise _Broken("it holds no model")
    if at + last >= size:
        raise _Broken("it is cut short")
    architecture = _text(metadata.get("general.architecture"))
    if architecture is None:
        raise _Broken("it does not name its architecture")
    if architecture in ("clip", "mmproj"):
        raise _Broken("it is a projector for images, not a language model")
    layers = metadata.get(f"{architecture}.block_count", 1)
    if not isinstance(layers, int) or not 0 < layers <= _MAX_LAYERS:
        raise _Broken("its metadata are broken")
    file_type = metadata.get("general.file_type")
    context = metadata.get(f"{architecture}.context_length")
    return GgufInfo(
        path=path,
        architecture=architecture,
        name=_text(metadata.get("general.name")),
        size_label=_text(metadata.get("general.size_label")),
        quantization=_FILE_TYPES.get(file_type) if isinstance(file_type, int) else None,
        context_length=context if isinstance(context, int) and context > 0 else None,
        chat_template=isinstance(metadata.get("tokenizer.chat_template"), str),
        size=size,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _skip(data: mmap.mmap, at: int, length: int) -> int:
    if at + length > len(data):
        raise _Broken("it is cut short")
    return at + length


def _string(data: mmap.mmap, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", data, at)
    end = _skip(data, at + 8, length)
    return data[at + 8 : end].decode("utf-8", "replace"), end


def _value(data: mmap.mmap, at: int, kind: int, depth: int) -> tuple[object, int]:
    if kind == _STRING:
        return _string(data, at)
    if kind == _ARRAY:
        return None, _skip_array(data, at, depth + 1)
    form = _SCALARS.get(kind)
    if form is None:
        raise _Broken("its metadata are broken")
    (value,) = struct.unpack_from(form, data, at)
    return value, at + struct.calcsize(form)


def _skip_array(data: mmap.mmap, at: int, depth: int) -> int:
    """Return the offset after an array; vocabularies are long, so nothing of it is kept."""
    kind, count = struct.unpack_from("<IQ", data, at)
    at += 12
    form = _SCALARS.get(kind)
    if form is not None:
        return _skip(data, at, count * struct.calcsize(form))
    if count > len(data):
        raise _Broken("it is cut short")
    if kind == _STRING:
        unpack = struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + unpack(data, at)[0]
        return _skip(data, at, 0)
    if kind == _ARRAY and depth < _MAX_DEPTH:
        for _ in range(count):
            at = _skip_array(data, at, depth + 1)
        return at
    raise _Broken("its metadata are broken")

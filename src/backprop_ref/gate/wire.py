"""Messages between the gate and the child that runs somebody's code: JSON with arrays beside it. Nothing is unpickled.

A message is the length of a JSON text, the text, and the bytes of its arrays one after another; in the text an array is
{"array": [dtype, shape]}, a tuple a list.
"""

import json
import struct
from math import prod
from typing import IO, Any

import numpy as np

LENGTH = struct.Struct("<Q")
KINDS = "biufc"  # numbers; anything else is sent as text
LONGEST = 2**31  # bytes of one message


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message: dicts with string keys, lists, tuples, strings, numbers, None and arrays."""
    arrays: list[bytes] = []
    text = json.dumps(_plain(message, arrays)).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    for data in arrays:
        stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message. Raises EOFError if the other side has gone, ValueError if what came is no message."""
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes")
    return _built(json.loads(_exactly(stream, length)), stream)


def _exactly(stream: IO[bytes], n: int) -> bytes:
    data = stream.read(n)
    if len(data) < n:
        raise EOFError
    return data


def _plain(value: Any, arrays: list[bytes]) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v, arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, arrays) for v in value]
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in KINDS:
            raise TypeError(f"an array of {value.dtype} cannot be sent")
        value = np.ascontiguousarray(value).reshape(value.shape)
        arrays.append(value.tobytes())
        return {"array": [value.dtype.str, list(value.shape)]}
    return value


def _built(value: Any, stream: IO[bytes]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            dtype, shape = np.dtype(value["array"][0]), tuple(int(n) for n in value["array"][1])
            if dtype.kind not in KINDS or min(shape, default=0) < 0 or prod(shape) * dtype.itemsize > LONGEST:
                raise ValueError(f"an array of {dtype} and shape {shape}")
            return np.frombuffer(_exactly(stream, prod(shape) * dtype.itemsize), dtype).reshape(shape).copy()
        return {k: _built(v, stream) for k, v in value.items()}
    return [_built(v, stream) for v in value] if isinstance(value, list) else value

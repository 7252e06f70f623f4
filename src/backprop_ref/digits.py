"""Real handwritten digits: 1,797 images of 8 x 8 pixels, 1,437 to train on and 360 to test with.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
https://doi.org/10.24432/C50P49, licence CC BY 4.0; the part that scikit-learn ships, packed by scripts/pack_digits.py
in the order of a seeded permutation. What was changed is said in data/README.md.
"""

import io
import zipfile
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import FileRefused, ShapeError, ValueRefused

Array = NDArray[Any]
INPUTS, OUTPUTS = 64, 10
TRAIN, TEST = 1437, 360


def train(m: int | None = None) -> tuple[Array, Array]:
    """The first m training digits, or all 1,437: X (m, 64) from 0 to 1, Y (m, 10) one-hot, read-only float64.

    Raises ValueRefused if m is not one of 1..1437, FileRefused if the installation is damaged.

    >>> X, Y = train(10)
    >>> X.shape, Y.shape
    ((10, 64), (10, 10))
    """
    return _part("training", 0, TRAIN, m)


def test(m: int | None = None) -> tuple[Array, Array]:
    """The first m test digits, or all 360, as train() gives them. Raises ValueRefused if m is not one of 1..360."""
    return _part("test", TRAIN, TEST, m)


def labels(Y: ArrayLike) -> Array:
    """Which digit each row of Y, desired outputs or a network's own, stands for: (m, 10) -> (m,). Raises ShapeError.

    >>> labels([[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]]).tolist()
    [3]
    """
    Y = np.asarray(Y)
    if Y.ndim != 2 or Y.shape[1] != OUTPUTS:
        raise ShapeError(f"Y has shape {Y.shape}; pass one row of {OUTPUTS} outputs for each digit, as shape (m, {OUTPUTS}).")
    return np.asarray(Y.argmax(axis=1))


def _part(name: str, start: int, size: int, m: int | None) -> tuple[Array, Array]:
    if m is None:
        m = size
    if isinstance(m, bool) or not isinstance(m, int | np.integer) or not 1 <= m <= size:
        raise ValueRefused(f"m = {m!r} {name} digits were asked for; pass a whole number from 1 to {size}, or None for all.")
    X, Y = _all()
    return X[start : start + m], Y[start : start + m]


@cache
def _all() -> tuple[Array, Array]:
    path = files(__package__) / "data" / "digits.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            X, Y = file["pixels"] / 16.0, np.eye(OUTPUTS)[file["labels"]]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FileRefused(f"The digits of this package could not be read ({error}); install backprop-ref again.") from error
    X.flags.writeable = Y.flags.writeable = False  # the arrays themselves, so that no view of them can be made writeable
    return X, Y

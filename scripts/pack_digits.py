"""Rebuilds src/backprop_ref/data/digits.npz from scikit-learn, byte for byte.

    pip install scikit-learn
    python scripts/pack_digits.py

scikit-learn carries the 1,797 digits of the test part of the UCI set. They are packed in the order of a seeded
permutation, so that the first 1,437 and the last 360 are the split whatever a later NumPy does with its seeds: the
file's own order would make the test part another population, since each of its stretches is by other writers.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "src" / "backprop_ref" / "data" / "digits.npz"
SEED = 0


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as a .npz whose bytes depend on nothing else: stored, and dated 1980-01-01, where zip time begins."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            file.writestr(entry, part.getvalue())
    return out.getvalue()


def main(target: Path = TARGET) -> None:
    from sklearn.datasets import load_digits  # here, so that pack() can be used without it

    pixels, labels = load_digits(return_X_y=True)
    assert pixels.shape == (1797, 64), pixels.shape
    assert (pixels == np.round(pixels)).all(), "the pixels are no whole numbers"
    assert (pixels.min(), pixels.max()) == (0, 16), "the pixels are not 0..16"
    assert set(labels) == set(range(10)), "the labels are not 0..9"
    order = np.random.default_rng(SEED).permutation(len(labels))
    data = pack({"pixels": pixels[order].astype(np.uint8), "labels": labels[order].astype(np.uint8)})
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data)
    print(f"{target}: {len(data):,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from backprop_ref import digits
from backprop_ref.errors import FileRefused, ShapeError, ValueRefused

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "src" / "backprop_ref" / "data" / "digits.npz"


def test_there_are_1437_to_train_on_and_360_to_test_with():
    for (X, Y), m in ((digits.train(), 1437), (digits.test(), 360)):
        assert (X.shape, Y.shape) == ((m, 64), (m, 10))
        assert (X.dtype, Y.dtype) == (np.float64, np.float64)


def test_pixels_are_sixteenths_from_0_to_1():
    X = np.concatenate([digits.train()[0], digits.test()[0]])
    assert set(np.unique(16 * X)) == set(range(17))


def test_each_row_of_Y_is_one_hot_and_every_digit_occurs_in_both_parts():
    for _, Y in (digits.train(), digits.test()):
        assert ((Y == 0) | (Y == 1)).all()
        assert (Y.sum(axis=1) == 1).all()
        assert Y.sum(axis=0).min() >= 25
    both = np.concatenate([digits.train()[1], digits.test()[1]])
    # the classes of the test part of the UCI set, as its own description counts them
    assert both.sum(axis=0).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_train_and_test_share_no_image():
    rows = {row.tobytes() for row in digits.train()[0]}
    assert not any(row.tobytes() in rows for row in digits.test()[0])


def test_a_digit_looks_like_its_label():
    X, Y = digits.train()
    zeros, ones = (X[digits.labels(Y) == digit].mean(axis=0).reshape(8, 8) for digit in (0, 1))
    assert zeros[3:5, 3:5].mean() < 0.1  # a hole in the middle
    assert ones[3:5, 3:5].mean() > 0.7  # a stroke through it


def test_m_gives_the_first_m():
    X, Y = digits.train(10)
    assert np.array_equal(X, digits.train()[0][:10])
    assert np.array_equal(Y, digits.train()[1][:10])
    assert len(digits.test(np.int64(3))[0]) == 3


def test_labels_undo_one_hot():
    assert digits.labels(np.eye(10)[[3, 1, 4, 1, 5, 9]]).tolist() == [3, 1, 4, 1, 5, 9]


def test_nothing_can_be_written_to():
    for array in (*digits.train(), *digits.test(5)):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("m", [0, -1, 1438, 2.5, "ten", True])
def test_m_must_be_a_number_of_digits_that_there_are(m):
    sentence = f"m = {m!r} training digits were asked for; pass a whole number from 1 to 1437, or None for all."
    with pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$"):
        digits.train(m)


def test_the_test_part_names_its_own_size():
    sentence = "m = 361 test digits were asked for; pass a whole number from 1 to 360, or None for all."
    with pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$"):
        digits.test(361)


def test_labels_need_ten_outputs_for_each_digit():
    sentence = "Y has shape (3,); pass one row of 10 outputs for each digit, as shape (m, 10)."
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        digits.labels([1.0, 2.0, 3.0])


def test_a_missing_file_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "files", lambda _: tmp_path)
    with pytest.raises(FileRefused) as caught:
        digits._all.__wrapped__()
    assert str(caught.value).startswith("The digits of this package could not be read (")
    assert str(caught.value).endswith("); install backprop-ref again.")


def test_a_damaged_file_is_the_same_error(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digits.npz").write_bytes(FILE.read_bytes()[:1000])
    monkeypatch.setattr(digits, "files", lambda _: tmp_path)
    with pytest.raises(FileRefused, match="install backprop-ref again"):
        digits._all.__wrapped__()


def test_the_script_packs_these_arrays_into_these_bytes():
    spec = importlib.util.spec_from_file_location("pack_digits", ROOT / "scripts" / "pack_digits.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    with np.load(FILE, allow_pickle=False) as file:
        assert script.pack({name: file[name] for name in ("pixels", "labels")}) == FILE.read_bytes()

"""Files appear complete or not at all, and equal content gives equal bytes."""

import gzip
import os
import time

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mribench import files
from mribench.errors import DataError


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "table.csv"
    files.write_text(target, "old")
    with pytest.raises(RuntimeError), files.atomic(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_image_bytes_do_not_depend_on_time_or_name(tmp_path, monkeypatch):
    image = files.make_image(np.arange(24.0).reshape(2, 3, 4), np.eye(4))
    files.write_image(tmp_path / "a.nii.gz", image)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    files.write_image(tmp_path / "b.nii.gz", image)
    assert files.checksum(tmp_path / "a.nii.gz") == files.checksum(tmp_path / "b.nii.gz")
    again = nibabel.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(again.get_fdata(), image.get_fdata())
    assert again.header["qform_code"] == again.header["sform_code"] == 1


words = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=50)
@given(st.lists(st.tuples(words, words), max_size=5), st.sampled_from([".csv", ".tsv"]))
def test_tables_come_back(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("tables") / f"table{suffix}"
    content = [{"a": first, "b": second} for first, second in rows]
    files.write_table(path, content, ["a", "b"])
    assert files.read_table(path) == content


def test_missing_values_are_written_as_bids_wants(tmp_path):
    files.write_table(tmp_path / "t.tsv", [{"a": None}], ["a"])
    assert (tmp_path / "t.tsv").read_text() == "a\nn/a\n"


def damage_gzip(path):
    path.write_bytes(path.read_bytes()[:-30])


def damage_middle(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda path: path.unlink(), "no such file"),
        (damage_gzip, "unreadable"),
        (damage_middle, "unreadable"),
        (lambda path: path.write_bytes(b"hello"), "unreadable"),
        (lambda path: path.write_bytes(gzip.compress(b"hello")), "unreadable"),
        (lambda path: path.write_bytes(b""), "unreadable"),
    ],
)
def test_unreadable_images_are_named(tmp_path, damage, found):
    path = tmp_path / "sub-07_T1w.nii.gz"
    noise = np.random.default_rng(0).normal(size=(9, 9, 9))
    files.write_image(path, files.make_image(noise, np.eye(4)))
    damage(path)
    with pytest.raises(DataError) as caught:
        files.read_image(path)
    message = str(caught.value)
    assert message.startswith("sub-07: ")
    assert str(path) in message
    assert found in message


def test_read_only_folder_is_an_os_error_with_its_path(tmp_path):
    if os.geteuid() == 0:
        target = "/proc/mribench/file.txt"
    else:
        tmp_path.chmod(0o500)
        target = str(tmp_path / "file.txt")
    with pytest.raises(OSError, match="mribench|file"):
        files.write_text(target, "x")

"""What was cut or edited after it was written is noticed by whoever reads it."""

from pathlib import Path

import pytest

from mribench.errors import DataError, StageError
from mribench.files import read_json, read_table, seal_of, write_json, write_table
from mribench.preprocessing.transforms import read_affine
from mribench.report.results import read_frame

CHANGES = {
    "cut at the end of a line": lambda content: b"".join(content.splitlines(keepends=True)[:-1]),
    "cut in a line": lambda content: content[:-3],
    "edited": lambda content: content.replace(b"3", b"8"),
    "emptied": lambda content: b"",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "json"])
def test_changes_are_noticed(tmp_path: Path, suffix: str, change: str) -> None:
    path = tmp_path / f"metrics.{suffix}"
    if suffix == "json":
        write_json(path, {"a": 1, "b": [2, 3]}, sealed=True)
        readers = [read_json]
    else:
        write_table(path, [{"a": value} for value in range(5)], ["a"], sealed=True)
        readers = [read_table, read_frame]
    for read in readers:
        read(path)
    path.write_bytes(CHANGES[change](path.read_bytes()))
    for read in readers:
        with pytest.raises(DataError, match=r"cut short or changed; .*delete it and start again"):
            read(path)


def test_a_file_that_is_written_again_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for value in (1, 2):
        write_table(path, [{"a": value}], ["a"], sealed=True)
        assert read_table(path) == [{"a": str(value)}]
    path.unlink()
    write_table(path, [{"a": 3}], ["a"], sealed=True)
    assert read_table(path) == [{"a": "3"}]


def test_files_without_a_seal_are_read_as_they_are(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [{"a": 1}], ["a"])
    assert not seal_of(tmp_path / "a.csv").exists()
    assert read_table(tmp_path / "a.csv") == [{"a": "1"}]


def test_json_that_is_cut_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1, ')
    with pytest.raises(DataError, match="no whole JSON"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("length", [0, 60, 100, 140, 175, 205])
def test_a_transform_that_is_cut_is_told(tmp_path: Path, length: int) -> None:
    path = tmp_path / "sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt"
    text = (
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 1.0 0.0 0.0 0.0 1.0 0.0 0.0 0.0 1.0 10.25 -3.5 7.125\n"
        "FixedParameters: 0 0 0\n"
    )
    path.write_text(text)
    assert read_affine(path)[2, 3] == 7.125
    path.write_text(text[: min(length, len(text) - 4)])
    with pytest.raises(StageError, match="sub-01: "):
        read_affine(path)

"""A case that fails leaves a note in the place of its outputs, which later stages pass on."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from mribench import failures
from mribench.errors import DataError, StageError, ToolError
from mribench.failures import POLICY, Failure, note, read_failure, tolerant
from mribench.files import make_image, read_table, write_image
from mribench.preprocessing.conform_image import conform_case
from mribench.preprocessing.volumes import collect_volumes
from mribench.training.pack import Preprocessed, find_failures

FAILED = Failure("sub-01", "strip_skull", "found <script>; expected a brain")


def conform(arguments: argparse.Namespace) -> None:
    conform_case(arguments.images, arguments.outputs)


def make_case(folder: Path, value: float) -> argparse.Namespace:
    raw = folder / "raw/sub-01_T1w.nii.gz"
    array = np.random.default_rng(0).normal(100, 9, (5, 5, 5)).astype(np.float32)
    array[2, 2, 2] = value
    write_image(raw, make_image(array, np.eye(4)))
    outputs = [folder / "made/sub-01_desc-conformed_T1w.nii.gz"]
    return argparse.Namespace(images=[raw], outputs=outputs, log=None, spec="{}")


def test_a_failure_stops_or_is_noted_as_the_study_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = make_case(tmp_path, np.nan)
    run = tolerant(conform, "conform_image", ("outputs",))
    for policy in ("", "stop"):
        monkeypatch.setenv(POLICY, policy)
        with pytest.raises(DataError, match="NaN"):
            run(arguments)
        assert not arguments.outputs[0].exists()
    monkeypatch.setenv(POLICY, "drop")
    run(arguments)
    found = read_failure(arguments.outputs[0])
    assert found is not None
    assert (found.case, found.stage) == ("sub-01", "conform_image")
    assert found.reason.startswith("found NaN or infinite values; expected finite values")
    assert str(tmp_path) not in found.reason


def test_what_is_no_fault_of_the_case_is_not_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POLICY, "drop")
    arguments = make_case(tmp_path, 1)
    for error in (ToolError("no FSL"), OSError(28, "No space"), MemoryError(), RuntimeError()):

        def fail(_: argparse.Namespace, error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            tolerant(fail, "stage", ("outputs",))(arguments)
        assert not arguments.outputs[0].exists()


def test_a_note_is_passed_on_and_a_good_case_is_not_touched(tmp_path: Path) -> None:
    arguments = make_case(tmp_path, 1)
    run = tolerant(conform, "conform_image", ("outputs",))
    run(arguments)
    assert read_failure(arguments.outputs[0]) is None
    sidecar = arguments.outputs[0].with_name("sub-01_desc-conformed_T1w.json")
    assert sidecar.exists()
    note(FAILED, arguments.images)
    run(arguments)
    assert read_failure(arguments.outputs[0]) == FAILED
    assert not sidecar.exists()
    assert b"<script>" not in arguments.outputs[0].read_bytes()


def test_the_store_leaves_failed_cases_out_and_needs_one_other(tmp_path: Path) -> None:
    source = Preprocessed(
        tmp_path, "FLAIR", "T1w", "reference", "txt", {"normalise_intensity": "n"}
    )
    for case in ("sub-01", "sub-02"):
        image = source.image(case, "normalise_intensity", "desc-preproc_T1w")
        write_image(image, make_image(np.ones((2, 2, 2), np.float32), np.eye(4)))
    note(FAILED, [source.image("sub-01", "normalise_intensity", "desc-preproc_T1w")])
    assert find_failures(source, ["sub-01", "sub-02"], ["T1w"]) == {"sub-01": FAILED}
    with pytest.raises(StageError, match="sub-01: strip_skull and 0 more cases: found no case"):
        find_failures(source, ["sub-01"], ["T1w"])


def test_volumes_of_a_failed_case_are_unknown(tmp_path: Path) -> None:
    tables = {case: tmp_path / f"{case}_volumes.tsv" for case in ("sub-01", "sub-02")}
    columns = ("GM", "WM", "CSF", "intracranial", "reference_lesion")
    failures.write_text(tables["sub-02"], "\t".join(columns) + "\n1\t2\t3\t6\t0.5\n")
    note(FAILED, [tables["sub-01"]])
    collect_volumes(tables, tmp_path / "volumes.tsv", ["lesion"])
    rows = read_table(tmp_path / "volumes.tsv")
    assert [row["GM"] for row in rows] == ["n/a", "1"]

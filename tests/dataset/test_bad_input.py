"""Every kind of bad input gives one clear problem and touches nothing."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pytest
from dataset_samples import (
    AFFINE,
    add_case,
    add_image,
    image_path,
    label_array,
    label_path,
)

from mribench.config import Dataset, Split
from mribench.dataset.index import index_dataset, read_scans
from mribench.dataset.splits import make_splits
from mribench.errors import ConfigError, DataError
from mribench.files import read_table, write_image

SCRIPTS = Path(__file__).parents[2] / "scripts"
T1W = image_path("sub-02", "T1w")
FLAIR = image_path("sub-02", "FLAIR")
LABEL = label_path("sub-02")
BRACKET = LABEL.replace("manual", "{case}")
PLAIN_USER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class Row(NamedTuple):
    """One kind of bad input: how it is made, and what the problem must say."""

    build: Callable[[Path], object]
    file: str
    found: str
    expected: str
    remedy: str
    case: str = "sub-02"
    action: str = "stop"
    left: tuple[str, ...] = ("sub-01", "sub-03")


def spoil(relative: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], object]:
    """Return a builder that changes the voxels of one image."""

    def build(root: Path) -> object:
        image = nibabel.load(root / relative)
        return add_image(root, relative, change(np.array(image.dataobj)), image.affine)

    return build


def put(index: tuple[int, ...], value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a change that sets one voxel."""

    def change(array: np.ndarray) -> np.ndarray:
        array = array.astype(np.float32)
        array[index] = value
        return array

    return change


def truncate(root: Path) -> None:
    path = root / FLAIR
    path.write_bytes(path.read_bytes()[:-200])


def shorten_content(root: Path) -> None:
    path = root / FLAIR
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-10]))


def drop_codes(root: Path) -> None:
    image = nibabel.load(root / T1W)
    image.header.set_qform(None, 0)
    image.header.set_sform(None, 0)
    write_image(root / T1W, nibabel.Nifti1Image(np.array(image.dataobj), None, image.header))


def shift_label(root: Path) -> None:
    affine = AFFINE.copy()
    affine[0, 3] += 0.5
    add_image(root, LABEL, label_array(), affine)


def rename_subject(name: str) -> Callable[[Path], object]:
    def build(root: Path) -> None:
        (root / "sub-02").rename(root / name)

    return build


def add_participants(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "participants.tsv").write_text(text, encoding="utf-8")


def link_nowhere(root: Path) -> None:
    (root / T1W).unlink()
    (root / T1W).symlink_to(root / ".git/annex/objects/missing")


ROWS = {
    "missing contrast": Row(
        lambda root: (root / FLAIR).unlink(),
        FLAIR,
        "no FLAIR among sub-02_T1w.nii.gz",
        "one image named sub-02_",
        "on_problem to drop",
    ),
    "label on another grid": Row(
        lambda root: add_image(root, LABEL, np.ones((8, 9, 6), np.uint8)),
        LABEL,
        "another grid: 8x9x6 voxels; T1w 8x9x7, FLAIR 8x9x7",
        "grid of one of T1w, FLAIR",
        "resample",
    ),
    "affines differ": Row(
        shift_label,
        LABEL,
        "up to 0.5 mm apart",
        "within 0.01 mm",
        "copy that image's affine",
    ),
    "truncated gzip": Row(truncate, FLAIR, "unreadable", "complete NIfTI file", "copy or convert"),
    "truncated content": Row(
        shorten_content, FLAIR, "ends after", "complete NIfTI file", "copy or convert"
    ),
    "not compressed": Row(
        lambda root: (root / FLAIR).write_bytes(gzip.decompress((root / FLAIR).read_bytes())),
        FLAIR,
        "unreadable",
        "complete NIfTI file",
        "copy or convert",
    ),
    "no NIfTI": Row(
        lambda root: (root / FLAIR).write_bytes(gzip.compress(b"hello" * 200)),
        FLAIR,
        "unreadable",
        "complete NIfTI file",
        "copy or convert",
    ),
    "empty file": Row(
        lambda root: (root / FLAIR).write_bytes(b""),
        FLAIR,
        "unreadable",
        "complete NIfTI file",
        "copy or convert",
    ),
    "label unreadable": Row(
        lambda root: (root / LABEL).write_bytes(b"no label"),
        LABEL,
        "unreadable",
        "complete NIfTI file",
        "copy or convert",
    ),
    "link to nothing": Row(link_nowhere, T1W, "link to a file", "the image", "datalad get"),
    "4D": Row(
        spoil(FLAIR, lambda array: np.stack([array, array], axis=3)),
        FLAIR,
        "4D with 8 x 9 x 7 x 2 voxels",
        "one 3D image",
        "save it alone",
    ),
    "one slice": Row(
        spoil(FLAIR, lambda array: array[:, :, :1]),
        FLAIR,
        "8 x 9 x 1 voxels",
        "one 3D image",
        "save it alone",
    ),
    "NaN": Row(
        spoil(FLAIR, put((1, 2, 3), np.nan)),
        FLAIR,
        "NaN or infinity in 1 of 504",
        "finite",
        "set them to 0",
    ),
    "infinite": Row(
        spoil(T1W, put((1, 2, 3), np.inf)),
        T1W,
        "NaN or infinity in 1 of 504",
        "finite",
        "set them to 0",
    ),
    "complex": Row(
        spoil(T1W, lambda array: array.astype(np.complex64)),
        T1W,
        "type complex64",
        "one real number",
        "save the image",
    ),
    "constant": Row(
        spoil(FLAIR, lambda array: np.full_like(array, 7)),
        FLAIR,
        "constant image: every voxel is 7",
        "contrast",
        "export",
    ),
    "no sform and qform": Row(
        drop_codes, T1W, "no sform and no qform", "an affine", "do not invent"
    ),
    "non-integer label": Row(
        spoil(LABEL, put((0, 0, 0), 0.5)),
        LABEL,
        "no whole numbers: 0.5 (1 voxels)",
        "whole numbers",
        "nearest neighbours",
    ),
    "unexpected label": Row(
        spoil(LABEL, put((0, 0, 0), 3)),
        LABEL,
        "unexpected label values: 3 (1 voxels)",
        "0 (background), 1 (lesion)",
        "dataset.label.ignore",
    ),
    "NaN in label": Row(
        spoil(LABEL, put((0, 0, 0), np.nan)), LABEL, "NaN", "finite", "set them to 0"
    ),
    "no label": Row(
        lambda root: (root / LABEL).unlink(),
        "derivatives/*/sub-02/anat/sub-02_*label-lesion_mask",
        "no label file",
        "one file that matches",
        "dataset.label.pattern",
    ),
    "two labels": Row(
        lambda root: add_image(root, LABEL.replace("manual", "rater2"), label_array()),
        LABEL,
        "2 label files",
        "one label per case",
        "dataset.label.pattern",
    ),
    "bracket in path": Row(
        lambda root: os.renames(root / LABEL, root / BRACKET),
        BRACKET,
        "a bracket in its path",
        "Snakemake fills in names",
        "rename it",
    ),
    "empty label": Row(
        lambda root: add_image(root, LABEL, label_array(0)),
        LABEL,
        "empty label",
        "may be empty",
        "nothing",
        action="note",
        left=("sub-01", "sub-02", "sub-03"),
    ),
    "two images of one contrast": Row(
        lambda root: add_image(root, "sub-02/anat/sub-02_run-2_FLAIR.nii.gz"),
        FLAIR,
        "2 images matching FLAIR: sub-02_FLAIR.nii.gz, sub-02_run-2_FLAIR.nii.gz",
        "one image per contrast",
        "keep one",
    ),
    "subject twice by case": Row(
        lambda root: add_case(root, "sub-ab") or add_case(root, "sub-AB"),
        "sub-ab",
        "differs from sub-AB",
        "different on every file system",
        "rename or remove",
        case="sub-ab",
        left=("sub-01", "sub-02", "sub-03"),
    ),
    "session twice by case": Row(
        lambda root: add_case(root, "sub-04_ses-a") or add_case(root, "sub-04_ses-A"),
        "sub-04/ses-a",
        "differs from ses-A",
        "different on every file system",
        "rename or remove",
        case="sub-04_ses-a",
        left=("sub-01", "sub-02", "sub-03"),
    ),
    "subject twice in participants.tsv": Row(
        add_participants("participant_id\tsite\nsub-02\tA\nsub-01\tA\nsub-02\tB\n"),
        "participants.tsv",
        "2 rows: sub-02, sub-02",
        "one row per subject",
        "remove the row",
    ),
    "participant without folder": Row(
        add_participants("participant_id\tsite\nsub-09\tA\n"),
        "participants.tsv",
        "a row without a folder",
        "a folder for each",
        "left out on purpose",
        case="sub-09",
        action="note",
        left=("sub-01", "sub-02", "sub-03"),
    ),
    "name for a shell": Row(
        rename_subject("sub-02;touch hacked"),
        "sub-02;touch hacked",
        "other than letters and digits",
        "A-Z",
        "rename",
        case="sub-02;touch hacked",
    ),
    "name with a line break": Row(
        rename_subject("sub-02\nsub-04"),
        r"sub-02\nsub-04",
        "other than letters and digits",
        "A-Z",
        "rename",
        case=r"sub-02\nsub-04",
    ),
}


def settings(root: Path, **given: object) -> Dataset:
    return Dataset.model_validate({"source": str(root), **given})


@pytest.mark.parametrize("name", ROWS)
def test_problem_is_described(bids: Path, name: str) -> None:
    row = ROWS[name]
    row.build(bids)
    problems = [
        item for item in index_dataset(bids, settings(bids)).problems if item.case == row.case
    ]
    assert len(problems) == 1, problems
    problem = problems[0]
    assert row.file in problem.file
    assert row.found in problem.found
    assert row.expected in problem.expected
    assert row.remedy in problem.remedy
    assert problem.action == row.action
    assert "\n" not in str(problem)


@pytest.mark.parametrize("name", ROWS)
def test_problem_drops_its_case_only(bids: Path, name: str) -> None:
    row = ROWS[name]
    row.build(bids)
    index = index_dataset(bids, settings(bids, on_problem="drop"))
    index.require_usable()
    assert tuple(sorted({scan["case"] for scan in index.scans})) == row.left
    assert {problem.action for problem in index.problems} <= {"drop", "note"}


def index_by_script(
    bids: Path,
    study: Path,
    *arguments: str,
    prefix: Sequence[str] = (),
    preexec_fn: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    script = [*prefix, sys.executable, str(SCRIPTS / "index_dataset.py"), "--bids", str(bids)]
    outputs = [
        "--scans",
        f"{study}/dataset/scans.tsv",
        "--problems",
        f"{study}/dataset/problems.tsv",
    ]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*script, *outputs, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=preexec_fn,
    )


def listing(folder: Path) -> list[tuple[str, int, int]]:
    paths = sorted(folder.rglob("*"))
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths]


def test_stop_collects_all_problems_and_touches_nothing(bids: Path, tmp_path: Path) -> None:
    truncate(bids)
    (bids / image_path("sub-03", "T1w")).unlink()
    before = listing(bids)
    done = index_by_script(bids, tmp_path / "study")
    assert done.returncode == 1
    assert "2 problems" in done.stderr
    assert "Traceback" not in done.stderr
    for text in ("sub-02", FLAIR, "sub-03", "no T1w"):
        assert text in done.stderr
    rows = read_table(tmp_path / "study/dataset/problems.tsv")
    assert [row["case"] for row in rows] == ["sub-02", "sub-03"]
    assert not (tmp_path / "study/dataset/scans.tsv").exists()
    assert listing(bids) == before


def test_drop_names_and_counts(bids: Path, tmp_path: Path) -> None:
    truncate(bids)
    done = index_by_script(bids, tmp_path, "--spec", '{"on_problem": "drop"}', "--threads", "2")
    assert done.returncode == 0, done.stderr
    assert "dropped sub-02" in done.stderr
    assert "1 dropped: sub-02" in done.stderr
    scans = read_scans(tmp_path / "dataset/scans.tsv")
    assert {row["case"] for row in scans} == {"sub-01", "sub-03"}


def test_all_cases_dropped_is_an_error(bids: Path) -> None:
    for number in (1, 2, 3):
        (bids / image_path(f"sub-0{number}", "FLAIR")).unlink()
    with pytest.raises(DataError, match=r"no case.*\n.*sub-01"):
        index_dataset(bids, settings(bids, on_problem="drop")).require_usable()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"participant_id,site\nsub-01,A\n", "the columns participant_id,site"),
        (b"", "the columns none"),
        ("participant_id\tsite\nsub-01\tMünchen\n".encode("latin-1"), "unreadable"),
    ],
)
def test_unusable_participants_stop_even_with_drop(bids: Path, content: bytes, found: str) -> None:
    (bids / "participants.tsv").write_bytes(content)
    index = index_dataset(bids, settings(bids, on_problem="drop"))
    assert [(item.case, item.action) for item in index.problems] == [("dataset", "stop")]
    assert found in index.problems[0].found
    with pytest.raises(DataError, match=r"participants\.tsv"):
        index.require_usable()


@pytest.mark.parametrize("source", ["missing", "file", "empty"])
def test_source_that_is_no_data_set(tmp_path: Path, source: str) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=rf"{source}.*found .*; expected .*folder.*; correct"):
        index_dataset(tmp_path / source, settings(tmp_path / source))


@pytest.mark.parametrize(
    "pattern", ["../{subject}.nii.gz", "/etc/*", "a/../../b", "..\\x", "C:\\x"]
)
def test_pattern_may_not_leave_the_data_set(bids: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.label\.pattern.*leads out"):
        index_dataset(bids, settings(bids, label={"pattern": pattern}))


def test_trailing_axis_of_length_one_is_fine(bids: Path) -> None:
    spoil(FLAIR, lambda array: array[..., np.newaxis])(bids)
    spoil(LABEL, lambda array: array[..., np.newaxis, np.newaxis])(bids)
    index = index_dataset(bids, settings(bids))
    assert index.problems == []
    assert {row["shape"] for row in index.scans} == {"8x9x7"}


def test_spaces_and_foreign_letters_work(tmp_path: Path) -> None:
    root = tmp_path / "Daten für Läsionen (2024) [neu] 脳"
    add_case(root, "sub-01")
    done = index_by_script(root, tmp_path / "Ergebnisse é & $x")
    assert done.returncode == 0, done.stderr
    assert len(read_scans(tmp_path / "Ergebnisse é & $x/dataset/scans.tsv")) == 2


def test_undecodable_names_do_not_break_the_table(bids: Path, tmp_path: Path) -> None:
    os.mkdir(os.fsencode(bids) + b"/sub-\xff")
    done = index_by_script(bids, tmp_path)
    assert done.returncode == 1
    assert r"sub-\udcff" in done.stderr
    assert read_table(tmp_path / "dataset/problems.tsv")[0]["case"] == r"sub-\udcff"


@pytest.mark.parametrize("prefix", [b"", b"\0" * 348])
def test_large_claims_of_a_header_are_not_believed(bids: Path, prefix: bytes) -> None:
    raw = bytearray(gzip.decompress((bids / FLAIR).read_bytes()))
    raw[42:48] = np.array([32767] * 3, "<i2").tobytes()
    (bids / FLAIR).write_bytes(gzip.compress(prefix + bytes(raw)))
    problems = index_dataset(bids, settings(bids)).problems
    assert [problem.file for problem in problems] == [FLAIR]
    assert "unreadable" in problems[0].found


def test_missing_image_is_not_blamed_on_the_label(bids: Path) -> None:
    add_image(bids, FLAIR, np.random.default_rng(0).random((9, 9, 9), np.float32))
    add_image(bids, LABEL, np.ones((9, 9, 9), np.uint8))
    assert index_dataset(bids, settings(bids)).problems == []
    (bids / FLAIR).unlink()
    assert [item.file for item in index_dataset(bids, settings(bids)).problems] == [FLAIR]


def test_fewer_subjects_than_folds(bids: Path) -> None:
    scans = index_dataset(bids, settings(bids)).scans
    with pytest.raises(
        DataError, match=r"protocol\.split.*found 3 subjects; expected at least 5.*set"
    ):
        make_splits(scans, Split())


def test_full_results_folder(bids: Path, tmp_path: Path) -> None:
    """A limit on the size of files makes writing fail as a full disk does."""
    resource = pytest.importorskip("resource")
    done = index_by_script(
        bids,
        tmp_path,
        *("--log", str(tmp_path / "index.log")),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}/dataset/problems.tsv: File too large" in done.stderr
    assert not list((tmp_path / "dataset").iterdir())


@pytest.mark.parametrize("log", [False, True])
def test_read_only_results_folder(bids: Path, tmp_path: Path, log: bool) -> None:
    (tmp_path / "dataset").mkdir(mode=0o555)
    arguments = ["--log", str(tmp_path / "dataset/logs/index.log")] if log else []
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and setpriv is not there to take that right away")
    done = index_by_script(
        bids, tmp_path, *arguments, prefix=PLAIN_USER if os.geteuid() == 0 else ()
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (
        f"{tmp_path}/dataset/{'logs' if log else 'problems.tsv'}: Permission denied; make"
        in done.stderr
    )

"""What stands in scans.tsv, and on which grid a label is found to stand."""

import gzip
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dataset_samples import (
    AFFINE,
    SHAPE,
    add_case,
    add_image,
    image_path,
    label_array,
    label_path,
)
from hypothesis import given
from hypothesis import strategies as st

from mribench.config import Dataset, Label, Study
from mribench.dataset import checks
from mribench.dataset.folders import bids_root, list_folder
from mribench.dataset.geometry import Grid
from mribench.dataset.index import SCAN_COLUMNS, cases, index_dataset, read_scans
from mribench.dataset.problems import Finding
from mribench.dataset.scanner import contrast_of, scan_dataset
from mribench.dataset.volumes import Volume, read_volume
from mribench.files import checksum, make_image, write_image, write_table


def settings(root: Path, **given: object) -> Dataset:
    return Dataset.model_validate({"source": str(root), **given})


def test_rows_tell_what_nibabel_and_the_file_tell(bids: Path, tmp_path: Path) -> None:
    (bids / "participants.tsv").write_text("participant_id\tsite\tage\nsub-01\tA B\t\nsub-03\n")
    index = index_dataset(bids, settings(bids))
    assert index.problems == []
    assert [row["contrast"] for row in index.scans] == ["T1w", "FLAIR"] * 3
    row = index.scans[0]
    image = nibabel.load(bids / row["path"])
    assert (row["case"], row["subject"], row["session"]) == ("sub-01", "sub-01", "n/a")
    assert (row["site"], row["age"], row["group"]) == ("A B", "n/a", "n/a")
    assert row["path"] == image_path("sub-01", "T1w")
    assert row["shape"] == "x".join(map(str, image.shape)) == "8x9x7"
    assert row["spacing"] == "1x1.5x2"
    assert row["orientation"] == "".join(nibabel.aff2axcodes(image.affine)) == "LAS"
    assert row["checksum"] == checksum(bids / row["path"])
    assert row["labels"] == label_path("sub-01")
    assert row["labels_contrast"] == "FLAIR"
    assert row["labels_checksum"] == checksum(bids / row["labels"])
    assert [float(item["load_ml"]) for item in index.scans[::2]] == [0.003, 0.006, 0.009]
    assert [item["site"] for item in index.scans[::2]] == ["A B", "n/a", "n/a"]
    write_table(tmp_path / "scans.tsv", index.scans, tuple(SCAN_COLUMNS))
    assert read_scans(tmp_path / "scans.tsv") == [
        {column: item[column] for column in SCAN_COLUMNS} for item in index.scans
    ]


def test_threads_do_not_change_the_order(bids: Path) -> None:
    (bids / image_path("sub-02", "T1w")).unlink()
    (bids / label_path("sub-03")).unlink()
    chosen = settings(bids, on_problem="drop")
    assert index_dataset(bids, chosen, 1) == index_dataset(bids, chosen, 3)


def test_sessions_are_cases_and_contrast_agents_are_contrasts(tmp_path: Path) -> None:
    contrasts = ("T1w", "ce-gadolinium_T1w", "FLAIR")
    add_case(tmp_path, "sub-B_ses-1", contrasts)
    add_case(tmp_path, "sub-B_ses-2", contrasts)
    add_case(tmp_path, "sub-A", contrasts)
    index = index_dataset(tmp_path, settings(tmp_path, contrasts=contrasts))
    assert index.problems == []
    assert cases(index.scans) == ["sub-A", "sub-B_ses-1", "sub-B_ses-2"]
    assert {row["session"] for row in index.scans} == {"n/a", "ses-1", "ses-2"}
    assert [row["contrast"] for row in index.scans[:3]] == list(contrasts)


def test_other_entities_and_files_may_stand_beside(bids: Path) -> None:
    anat = bids / "sub-01/anat"
    (anat / "sub-01_FLAIR.nii.gz").rename(anat / "sub-01_acq-3D_run-1_FLAIR.nii.gz")
    (anat / "._sub-01_FLAIR.nii.gz").write_bytes(b"left by a Mac")
    (anat / "sub-01_T1w (copy).nii.gz").write_bytes(b"")
    (anat / "sub-01_T1w.json").write_text("{}")
    add_image(bids, "sub-01/anat/sub-01_T2w.nii.gz")
    index = index_dataset(bids, settings(bids))
    assert index.problems == []
    assert index.scans[1]["path"] == "sub-01/anat/sub-01_acq-3D_run-1_FLAIR.nii.gz"


def test_labels_named_dseg_and_ignored_values(bids: Path) -> None:
    for number in (1, 2, 3):
        array = label_array(4) + 2 * np.roll(label_array(2), 20)
        old = bids / label_path(f"sub-0{number}")
        old.unlink()
        add_image(bids, str(old).replace("label-lesion_mask", "dseg"), array)
    chosen = {"name": "dseg", "ignore": [2]}
    index = index_dataset(bids, settings(bids, label=chosen))
    assert index.problems == []
    assert {row["load_ml"] for row in index.scans} == {"0.012"}
    both = {"name": "dseg", "values": {"lesion": 1, "other": 2}}
    assert index_dataset(bids, settings(bids, label=both)).scans[0]["load_ml"] == "0.018"


@pytest.mark.parametrize(
    "pattern",
    [
        "{subject} at {session}*.nii.gz",
        "sub-{subject} at ses-{session}*.nii.gz",
        "**/{subject} at*",
    ],
)
def test_pattern_with_subject_and_session(tmp_path: Path, pattern: str) -> None:
    add_case(tmp_path, "sub-01_ses-b")
    name = "sub-01 at ses-b [x].nii.gz"
    (tmp_path / label_path("sub-01_ses-b")).rename(tmp_path / name)
    index = index_dataset(tmp_path, settings(tmp_path, label={"pattern": pattern}))
    assert index.problems == []
    assert index.scans[0]["labels"] == name


def test_scaled_and_big_endian_labels(bids: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype("i2")
    image = nibabel.Nifti1Image(label_array(6, value=2), AFFINE, header)
    image.header.set_slope_inter(0.5, 0)
    image.header.set_sform(AFFINE, 1)
    path = bids / label_path("sub-01")
    write_image(path, image)
    volume = read_volume(path)
    assert isinstance(volume, Volume)
    assert (volume.slope, volume.data.dtype.str) == (0.5, ">i2")
    np.testing.assert_array_equal(volume.values, nibabel.load(path).get_fdata())
    index = index_dataset(bids, settings(bids))
    assert index.problems == []
    assert index.scans[0]["load_ml"] == "0.018"


def test_gzip_in_several_members_and_nifti2(tmp_path: Path) -> None:
    array = np.arange(504, dtype=np.float32).reshape(SHAPE)
    raw = make_image(array, AFFINE).to_bytes()
    parts = [raw[:700], raw[700:1500], raw[1500:]]
    (tmp_path / "parts.nii.gz").write_bytes(b"".join(gzip.compress(part) for part in parts))
    nibabel.save(nibabel.Nifti2Image(array, AFFINE), tmp_path / "two.nii")
    for name in ("parts.nii.gz", "two.nii"):
        volume = read_volume(tmp_path / name)
        assert isinstance(volume, Volume)
        np.testing.assert_array_equal(volume.data, nibabel.load(tmp_path / name).dataobj)
        np.testing.assert_array_equal(volume.affine, AFFINE)
        assert volume.checksum == checksum(tmp_path / name)


def test_label_stands_where_its_name_says_then_on_the_flair() -> None:
    grid = Grid(SHAPE, AFFINE)
    grids = {"T1w": grid, "T2w": grid, "FLAIR": grid}
    assert checks.match_grid(grid, grids, "T1w", 0.01).contrast == "T1w"
    assert checks.match_grid(grid, grids, None, 0.01).contrast == "FLAIR"
    assert checks.match_grid(grid, {"T2w": grid, "T1w": grid}, "orig", 0.01).contrast == "T2w"
    other = Grid(SHAPE, np.eye(4))
    assert checks.match_grid(grid, {"T1w": grid, "FLAIR": other}, "FLAIR", 0.01).contrast == "T1w"


@given(shift=st.floats(0, 0.1), tolerance=st.floats(0.001, 0.1))
def test_tolerance_is_in_mm(shift: float, tolerance: float) -> None:
    affine = AFFINE.copy()
    affine[1, 3] += shift
    match = checks.match_grid(Grid(SHAPE, affine), {"T1w": Grid(SHAPE, AFFINE)}, None, tolerance)
    if abs(shift - tolerance) > 1e-9:
        assert (match.contrast == "T1w") == (shift < tolerance)
        assert (match.finding is None) == (shift < tolerance)


@given(
    values=st.lists(st.sampled_from([0, 1, 2, 3, -1, 0.25]), min_size=8, max_size=8),
    dtype=st.sampled_from(["<f4", ">f8", "<f8"]),
)
def test_label_check_agrees_with_sets(values: list[float], dtype: str) -> None:
    label = Label(values={"lesion": 1}, ignore=(2,))
    data = np.array(values, dtype).reshape(2, 2, 2)
    found = checks.check_label(Volume(data, 1.0, 0.0, np.eye(4), (1, 1), ""), label)
    assert any("no whole" in item.found for item in found) == (0.25 in values)
    assert any("unexpected" in item.found for item in found) == bool({3, -1} & set(values))
    assert checks.count_foreground(
        Volume(data, 1, 0, np.eye(4), (1, 1), ""), label
    ) == values.count(1)


@given(position=st.integers(0, 351), value=st.integers(0, 255), cut=st.integers(0, 400))
def test_no_header_breaks_the_reader(
    position: int, value: int, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(make_image(np.ones((3, 3, 3), np.float32), np.eye(4)).to_bytes())
    raw[position] = value
    path = tmp_path_factory.getbasetemp() / "mutated.nii"
    path.write_bytes(raw[: len(raw) - cut] if cut % 3 == 0 else raw)
    read = read_volume(path)
    if isinstance(read, Volume):
        assert all(item.found for item in checks.check_image(read))
    else:
        assert isinstance(read, Finding)


@given(st.text(max_size=30))
def test_contrast_of_any_name(name: str) -> None:
    assert contrast_of(name) is None or name.isascii()


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("sub-01_T1w.nii.gz", "T1w"),
        ("sub-01_ses-2_ce-gadolinium_run-1_T1w.nii", "ce-gadolinium_T1w"),
        ("sub-01_space-MNI_desc-x_FLAIR.nii.gz", "FLAIR"),
        ("sub-01_T1w.nii.gz.part", None),
        ("T1w.nii.gz", None),
        ("sub-01__T1w.nii.gz", None),
        ("sub-../../x_T1w.nii.gz", None),
    ],
)
def test_contrast_of(name: str, contrast: str | None) -> None:
    assert contrast_of(name) == contrast


def test_singular_affine_is_a_finding() -> None:
    affine = np.diag([1.0, 1.0, 0.0, 1.0])
    volume = Volume(np.arange(8.0).reshape(2, 2, 2), 1.0, 0.0, affine, (0, 1), "")
    assert [item.found for item in checks.check_image(volume)] == [
        "an affine that cannot be inverted"
    ]


def test_scaling_that_overflows_is_found() -> None:
    data = np.array([0, 1] * 4, np.float32).reshape(2, 2, 2)
    volume = Volume(data, float("inf"), 0.0, np.eye(4), (1, 1), "")
    assert ["NaN or infinity" in item.found for item in checks.check_image(volume)] == [True]


def test_cases_without_an_anat_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "sub-01").mkdir()
    index = index_dataset(tmp_path, settings(tmp_path, contrasts=["T1w"]))
    assert [problem.found for problem in index.problems] == [
        "no label file",
        "no T1w among no files at all",
    ]


def test_list_folder_sees_changes_but_not_hidden_files(bids: Path) -> None:
    digests = [list_folder(bids), list_folder(bids)]
    (bids / ".git").mkdir()
    (bids / ".git/object").write_text("x")
    digests.append(list_folder(bids))
    assert len(set(digests)) == 1
    path = bids / "sub-01/anat/sub-01_T1w.nii.gz"
    os.utime(path, ns=(0, 1))
    digests.append(list_folder(bids))
    (bids / "new").mkdir()
    (bids / "new/file").write_text("")
    digests.append(list_folder(bids))
    path.unlink()
    path.symlink_to("nowhere")
    digests.append(list_folder(bids))
    (bids / "sub-02/loop").symlink_to(bids)
    digests.append(list_folder(bids))
    assert len(set(digests)) == 5 - (digests[-1] == digests[-2])


def test_links_to_subject_folders_are_followed(bids: Path, tmp_path: Path) -> None:
    root = tmp_path / "links"
    root.mkdir()
    for name in ("sub-01", "derivatives"):
        (root / name).symlink_to(bids / name)
    assert [case.name for case in scan_dataset(root, "stop").cases] == ["sub-01"]
    before = list_folder(root)
    os.utime(bids / "sub-01/anat/sub-01_T1w.nii.gz", ns=(0, 1))
    assert list_folder(root) != before


def test_bids_root() -> None:
    own = Study.model_construct(study="x", dataset=Dataset(source="/data/a b"))
    made = Study.model_construct(study="x", dataset=Dataset(recipe="phantoms"))
    assert bids_root(own, Path("results/x")) == Path("/data/a b")
    assert bids_root(made, Path("results/x")) == Path("results/x/dataset/bids")

"""Public releases become valid BIDS data sets; their files are not changed."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_samples import AFFINE, add_image, label_array

from mribench.config import Dataset
from mribench.dataset.index import index_dataset
from mribench.dataset.recipes import open_ms_data, wmh2017
from mribench.errors import DataError
from mribench.files import checksum, read_json, read_table

WMH_LABEL = {"name": "dseg", "values": {"lesion": 1}, "ignore": [2]}
DEMOGRAPHICS = """| id        | age | sex | ms\\_type | edss | criteria      |
| :-------- | --: | :-- | :------- | ---: | :------------ |
| patient01 |  31 | F   | RR       |  1.5 | McDonald 2010 |
| patient02 |  37 | M   | NA       |   NA | NA            |
"""


def settings(recipe: str, source: Path, **given: object) -> Dataset:
    return Dataset.model_validate({"recipe": recipe, "source": str(source), **given})


def make_open_ms(root: Path, part: str, stems: dict[str, str], numbers=("01", "02")) -> Path:
    for number in numbers:
        for stem in stems.values():
            is_label = stem.startswith(("consensus", "GOLD", "patientXX_consensus"))
            name = stem.replace("XX", number)
            path = f"{part}/patient{number}/{name}.nii.gz"
            add_image(root, path, label_array(7) if is_label else None)
    return root


PLAIN = {
    "T1w": "T1W",
    "ce-gadolinium_T1w": "T1WKS",
    "T2w": "T2W",
    "FLAIR": "FLAIR",
    "label": "consensus_gt",
}
MNI = {
    "T1w": open_ms_data.MNI_IMAGE.format("T1"),
    "ce-gadolinium_T1w": open_ms_data.MNI_IMAGE.format("T1POST"),
    "T2w": open_ms_data.MNI_IMAGE.format("T2"),
    "FLAIR": open_ms_data.MNI_IMAGE.format("FLAIR"),
    "label": open_ms_data.MNI_LABEL,
}
ARCHIVE = {contrast: f"patientXX_{stem}" for contrast, stem in PLAIN.items()}


@pytest.mark.parametrize(
    ("part", "stems", "below"),
    [
        ("cross_sectional/MNI", MNI, ""),
        ("cross_sectional/coregistered", PLAIN, "cross_sectional"),
        ("cross_sectional/raw", PLAIN, "cross_sectional/raw"),
        ("my archive é", ARCHIVE, "my archive é"),
    ],
)
def test_open_ms_data(tmp_path: Path, part: str, stems: dict[str, str], below: str) -> None:
    release = make_open_ms(tmp_path / "release", part, stems)
    (release / "README.md").write_text(DEMOGRAPHICS)
    source, target = release / below, tmp_path / "made/bids"
    chosen = settings("open_ms_data", source, contrasts=list(stems)[:4])
    open_ms_data.convert(source, target, chosen)
    index = index_dataset(target, chosen)
    assert index.problems == []
    assert len(index.scans) == 8
    for row in index.scans:
        number = row["case"].removeprefix("sub-")
        original = release / part / f"patient{number}"
        name = stems[row["contrast"]].replace("XX", number)
        assert checksum(original / f"{name}.nii.gz") == row["checksum"]
        name = stems["label"].replace("XX", number)
        assert checksum(original / f"{name}.nii.gz") == row["labels_checksum"]
        assert row["labels_contrast"] == "FLAIR"
    sidecar = read_json(target / "sub-01/anat/sub-01_T1w.json")
    assert sidecar.get("SkullStripped", False) == (stems is MNI)
    ages = [row.get("age") for row in read_table(target / "participants.tsv")]
    assert ages == (["31", "37"] if not below else [None, None])


def test_open_ms_data_twice_in_one_source(tmp_path: Path) -> None:
    make_open_ms(tmp_path, "cross_sectional/MNI", MNI)
    make_open_ms(tmp_path, "cross_sectional/raw", PLAIN)
    with pytest.raises(DataError, match=r"the same people in .*raw and .*MNI; expected one"):
        open_ms_data.convert(tmp_path, tmp_path / "bids", settings("open_ms_data", tmp_path))


def make_wmh(root: Path, people: dict[str, tuple[str, ...]]) -> Path:
    """Write people given as folder and the files they have."""
    for folder, names in people.items():
        for name in names:
            array = label_array(5) + 2 * np.roll(label_array(3), 50) if "wmh" in name else None
            affine = AFFINE @ np.diag([1, 1, 0.5, 1]) if "3DT1" in name else AFFINE
            add_image(root, f"{folder}/{name}.nii.gz", array, affine)
    return root


EVERYTHING = ("pre/FLAIR", "pre/T1", "orig/FLAIR", "orig/T1", "orig/3DT1", "wmh")
PEOPLE = {
    "training/Utrecht/0": EVERYTHING,
    "training/Singapore/50": EVERYTHING,
    "training/Amsterdam/GE3T/100": ("orig/FLAIR", "orig/3DT1", "wmh"),
    "test/Amsterdam/Philips_VU .PETMR_01./160": EVERYTHING,
    "test/Utrecht/1": EVERYTHING,
    "additional_annotations/observer_o3/training/Utrecht/0": ("pre/FLAIR", "wmh"),
}


def test_wmh2017(tmp_path: Path) -> None:
    source = make_wmh(tmp_path / "release", PEOPLE)
    target = tmp_path / "bids"
    chosen = settings("wmh2017", source, label=WMH_LABEL)
    wmh2017.convert(source, target, chosen)
    assert [tuple(row.values()) for row in read_table(target / "participants.tsv")] == [
        ("sub-AmsterdamGE3T100", "AmsterdamGE3T", "training"),
        ("sub-AmsterdamPhilipsVUPETMR01160", "AmsterdamPhilipsVUPETMR01", "test"),
        ("sub-Singapore50", "Singapore", "training"),
        ("sub-Utrecht0", "Utrecht", "training"),
        ("sub-Utrecht1", "Utrecht", "test"),
    ]
    index = index_dataset(target, chosen)
    assert index.problems == []
    checksums = {(row["case"], row["contrast"]): row["checksum"] for row in index.scans}
    utrecht = source / "training/Utrecht/0"
    assert checksums["sub-Utrecht0", "T1w"] == checksum(utrecht / "pre/T1.nii.gz")
    other = source / "training/Amsterdam/GE3T/100/orig/3DT1.nii.gz"
    assert checksums["sub-AmsterdamGE3T100", "T1w"] == checksum(other)
    assert {row["labels_checksum"] for row in index.scans} == {checksum(utrecht / "wmh.nii.gz")}
    assert {row["load_ml"] for row in index.scans} == {"0.015"}


def test_wmh2017_from_the_training_folder(tmp_path: Path) -> None:
    source = make_wmh(tmp_path / "test/release", PEOPLE) / "training"
    wmh2017.convert(source, tmp_path / "bids", settings("wmh2017", source))
    rows = read_table(tmp_path / "bids/participants.tsv")
    assert [row["site"] for row in rows] == ["AmsterdamGE3T", "Singapore", "Utrecht"]
    assert {row["group"] for row in rows} == {"training"}


def test_other_pathology_must_be_declared(tmp_path: Path) -> None:
    source = make_wmh(tmp_path / "release", {"training/Utrecht/0": EVERYTHING})
    chosen = settings("wmh2017", source)
    wmh2017.convert(source, tmp_path / "bids", chosen)
    problems = index_dataset(tmp_path / "bids", chosen).problems
    assert [item.found == "unexpected label values: 2 (3 voxels)" for item in problems] == [True]


def test_links_out_of_the_release_are_not_followed(tmp_path: Path) -> None:
    source = make_wmh(tmp_path / "release", {"training/Utrecht/0": EVERYTHING})
    add_image(tmp_path, "private.nii.gz")
    flair = source / "training/Utrecht/0/pre/FLAIR.nii.gz"
    flair.unlink()
    flair.symlink_to(tmp_path / "private.nii.gz")
    with pytest.raises(DataError, match=r"sub-Utrecht0: .*pre/FLAIR.*link that leads out"):
        wmh2017.convert(source, tmp_path / "bids", settings("wmh2017", source))
    assert not (tmp_path / "bids").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"release", "private.nii.gz"}


@pytest.mark.parametrize("module", [open_ms_data, wmh2017])
def test_source_without_people(tmp_path: Path, module) -> None:
    recipe = module.__name__.rsplit(".", 1)[1]
    with pytest.raises(DataError, match=r"nobody with images and a label; expected folders"):
        module.convert(tmp_path, tmp_path / "bids", settings(recipe, tmp_path))
    with pytest.raises(DataError, match=r"found nothing; expected a folder"):
        module.convert(tmp_path / "x", tmp_path / "bids", settings(recipe, tmp_path / "x"))


def test_only_folders_of_an_import_are_replaced(tmp_path: Path) -> None:
    source = make_wmh(tmp_path / "release", {"training/Utrecht/0": EVERYTHING})
    target = tmp_path / "bids"
    target.mkdir()
    wmh2017.convert(source, target, settings("wmh2017", source))
    shutil.move(source / "training/Utrecht/0", source / "training/Utrecht/3")
    (target / "dataset_description.json").unlink()
    wmh2017.convert(source, target, settings("wmh2017", source))
    assert [path.name for path in target.glob("sub-*")] == ["sub-Utrecht3"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thesis.txt").write_text("all of it")
    with pytest.raises(DataError, match=r"files that no import made"):
        wmh2017.convert(source, tmp_path / "own", settings("wmh2017", source))
    assert (tmp_path / "own/thesis.txt").read_text() == "all of it"


def test_import_by_script(tmp_path: Path, root: Path) -> None:
    source = make_wmh(tmp_path / "WMH é release", {"training/Utrecht/0": EVERYTHING})
    output = tmp_path / "study/dataset/bids/dataset_description.json"
    spec = settings("wmh2017", source).model_dump_json()
    script = [sys.executable, str(root / "scripts/import_dataset.py")]
    environment = {"PYTHONPATH": str(root)}
    command = [*script, "--output", str(output), "--spec"]
    done = subprocess.run([*command, spec], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert read_json(output)["DatasetType"] == "raw"
    spec = spec.replace("wmh2017", "bids")
    done = subprocess.run([*command, spec], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "unknown name 'bids'" in done.stderr


def validate(folder: Path) -> list[str]:
    """Return the codes of the errors that the official validator finds, labels included."""
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("install bids-validator-deno to check the data set")
    report = folder.parent / "report.json"
    command = [str(validator), "--format", "json", "--recursive", "-o", str(report), str(folder)]
    subprocess.run(command, capture_output=True, check=False)
    found = read_json(report)
    parts = [found, *found["derivativesSummary"].values()]
    assert len(parts) == 2
    return [
        item["code"]
        for part in parts
        for item in part["issues"]["issues"]
        if item["severity"] == "error"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("label", [{}, WMH_LABEL])
def test_official_validator_accepts_wmh2017(tmp_path: Path, label: dict[str, object]) -> None:
    source = make_wmh(tmp_path / "release", PEOPLE)
    wmh2017.convert(source, tmp_path / "bids", settings("wmh2017", source, label=label))
    assert validate(tmp_path / "bids") == []
    (tmp_path / "bids/sub-Utrecht0/anat/sub-Utrecht0_T3w.nii.gz").write_bytes(b"")
    assert validate(tmp_path / "bids") != []


@pytest.mark.slow
def test_official_validator_accepts_real_open_ms_data(tmp_path: Path, real_data: Path) -> None:
    source = real_data / "open_ms_data"
    chosen = settings("open_ms_data", source)
    open_ms_data.convert(source, tmp_path / "bids", chosen)
    assert validate(tmp_path / "bids") == []
    index = index_dataset(tmp_path / "bids", chosen)
    assert index.problems == []
    assert [(row["case"], row["load_ml"]) for row in index.scans[::2]] == [
        ("sub-07", "1.3"),
        ("sub-19", "49.769"),
    ]
    assert {row["age"] for row in index.scans} == {"53", "47"}

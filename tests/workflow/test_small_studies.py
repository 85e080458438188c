"""Each ready study runs the whole way at its small size; a model of one is used on new images."""

import subprocess
import sys

import numpy as np
import pytest
import yaml
from workspace import Workspace

from mribench.config import load_study
from mribench.files import checksum, read_image, read_json, read_table

pytestmark = pytest.mark.long


@pytest.fixture(
    scope="module",
    params=["wmh_scp", "lits_scp", "ms_resolution", "spatial_dependency", "peers"],
)
def small(request, root, tmp_path_factory):
    """A study that ran at its small size, and the folder of its results."""
    workspace = Workspace(root, tmp_path_factory.mktemp(request.param))
    raw = yaml.safe_load((root / f"studies/{request.param}.yaml").read_text())
    study = load_study({**raw, "size": "small"})
    workspace.run(raw, "tables", "--config", "size=small")
    return study, workspace.folder / "results" / study.study


def test_small_study_ends_in_a_leaderboard(small):
    study, results = small
    text = (results / "tables/leaderboard.csv").read_text()
    assert all(name in text for name in study.methods)
    for name in study.methods:
        rows = read_table(results / f"runs/{name}/fold-0_seed-0/metrics.csv")
        assert {row["metric"] for row in rows} >= {"dice"}


def test_models_are_applied_to_raw_images(small, root, tmp_path):
    study, results = small
    if study.study != "lits_scp_small":
        pytest.skip("one study is enough")
    runs = [results / f"runs/{name}/fold-0_seed-0" for name in study.methods]
    known = read_json(runs[0] / "predictions.json")
    case = next(iter(known))

    def apply(folder, *arguments):
        image = results / f"dataset/bids/{case}/anat/{case}_FLAIR.nii.gz"
        command = ["scripts.apply_model", "--images", f"FLAIR={image}", "--out", tmp_path / folder]
        command += ["--work", tmp_path / "work", *arguments]
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True, cwd=root)
        return tmp_path / folder / case / "anat" / f"{case}_space-FLAIR_dseg.nii.gz"

    single = apply("single", "--run", runs[0])
    assert checksum(single) == known[case]["checksum"]
    # After one short epoch labels tell little: what the model reads must be the same, too.
    first, again = (
        read_json(folder / "store/resized/manifest.json")["cases"][case]["checksums"]
        for folder in (results, tmp_path / "work/results/applied")
    )
    assert (again["images"], again["mask"]) == (first["images"], first["mask"])
    other, both = apply("other", "--run", runs[1]), apply("both", "--run", *runs)
    apply("mirrored", "--run", runs[0], "--flips", "x", "y")
    shares = [
        np.asarray(read_image(path.with_name(path.name.replace("_dseg", "_probseg"))).dataobj)
        for path in (single, other, both)
    ]
    assert np.allclose(shares[2], (shares[0] + shares[1]) / 2, atol=1 / 255)
    sidecar = read_json(both.with_name(both.name.replace(".nii.gz", ".json")))
    assert [one["Settings"]["method"] for one in sidecar["Models"]] == ["scp_base", "scp"]

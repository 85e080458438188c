"""A published study is whole, says what it is, repeats its bytes and shows no patient."""

import hashlib
import json

import archives
import pytest
from fake_study import CASES, METHODS

from mribench.config import load_study
from mribench.files import read_json
from mribench.report.crate import publish_study
from mribench.report.crate_contents import without_hosts


@pytest.fixture(scope="module")
def files(archive):
    return archives.read(archive)


def test_everything_that_the_numbers_need_is_in_it(files):
    wanted = {"metrics.csv", "costs.csv", "ranking.csv", "comparisons.csv", "config.json"}
    wanted |= {"config.schema.json", "environment.json", "dataset/splits.tsv", "README.md"}
    wanted |= {"dataset/inputs.tsv", "checksums.tsv", "ro-crate-metadata.json"}
    wanted |= {f"tables/leaderboard.{form}" for form in ("csv", "md", "tex", "html")}
    wanted |= {"figures/distribution_dice.svg", "figures/lesion_load.png"}
    wanted |= {f"runs/{name}/fold-0_seed-0/cost.json" for name in METHODS}
    assert wanted <= set(files)


def test_no_image_of_a_patient_and_no_person_behind_it_is_published(files):
    assert not [name for name in files if "overlays" in name or "cases/" in name]
    assert not [name for name in files if name.endswith((".nii.gz", ".safetensors"))]
    everything = b"".join(content for name, content in files.items() if name != "README.md")
    assert b"overlays_" not in everything
    assert b"bench-01" not in everything
    heads = files["dataset/inputs.tsv"].splitlines()[0].split()
    assert not {b"age", b"group"} & set(heads)


def test_folders_of_the_machine_stay_out(mini, figures, tmp_path):
    raw = {
        "study": "mini",
        "source": "/home/somebody/data",
        "dataset": {"recipe": "bids", "source": "/home/somebody/data"},
        "variants": {"native": {}},
        "methods": {name: {"variant": "native"} for name in METHODS},
        "protocol": {"split": {"scheme": "file", "file": "/home/somebody/splits.tsv"}},
    }
    publish_study(load_study(raw), mini.folder, "{}", tmp_path / "mini.zip")
    content = archives.read(tmp_path / "mini.zip")
    assert b"/home" not in b"".join(content.values())
    config = json.loads(content["config.json"])
    assert config["dataset"]["source"] == "data"
    assert load_study(config).protocol.split.file == "splits.tsv"


def test_every_file_is_described_with_its_checksum(files):
    rows = [line.split("\t") for line in files["checksums.tsv"].decode().splitlines()[1:]]
    published = {row[0]: row[3] for row in rows if row[1] == "yes"}
    described = {
        entity["@id"]: entity
        for entity in json.loads(files["ro-crate-metadata.json"])["@graph"]
        if entity["@type"] == "File"
    }
    assert set(described) == set(files) - {"ro-crate-metadata.json"}
    assert set(published) == set(described) - {"checksums.tsv"}
    for name, entity in described.items():
        assert entity["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert entity["contentSize"] == str(len(files[name]))
    kept = [row[0] for row in rows if row[1] == "no"]
    assert sum(name.endswith("model.safetensors") for name in kept) == 3 * len(METHODS)
    assert sum(name.endswith("_dseg.nii.gz") for name in kept) == len(CASES) * len(METHODS)


def test_the_crate_library_reads_it_back(archive):
    from rocrate.rocrate import ROCrate

    crate = ROCrate(archive)
    assert crate.name.startswith("Mini")
    assert crate.root_dataset["datePublished"] == "2025-01-01"
    assert crate.root_dataset["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    action = crate.root_dataset["mentions"]
    assert action["instrument"]["name"] == "mribench"
    assert {entity.id for entity in action["result"]} == {"metrics.csv", "costs.csv"}


def test_environment_names_versions_seeds_and_hardware(files):
    content = json.loads(files["environment.json"])
    assert content["seeds"] == {"training": [0], "splits": 0}
    assert {"numpy", "rocrate", "snakemake"} <= set(content["packages"])
    assert len(content["runs"]) == 3 * len(METHODS)
    assert content["runs"][0]["device"] == "cpu"


def test_the_same_study_gives_the_same_bytes(archive, configuration, mini, tmp_path):
    publish_study(configuration, mini.folder, "{}", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_weights_and_predictions_on_request(configuration, mini, figures, tmp_path):
    raw = configuration.model_dump(mode="json", by_alias=True)
    raw["publish"] = {"weights": True, "predictions": True, "licence": "CC0-1.0"}
    publish_study(load_study(raw), mini.folder, "{}", tmp_path / "mini.zip")
    content = archives.read(tmp_path / "mini.zip")
    name = "runs/scp/fold-0_seed-0/model.safetensors"
    assert content[name] == (mini.folder / name).read_bytes()
    assert sum(name.endswith("_dseg.nii.gz") for name in content) == len(CASES) * len(METHODS)
    assert b"\tno\t" not in content["checksums.tsv"]
    for record in ("intensity.json", "preprocessing.json", "run.json"):
        found = json.loads(content[f"runs/scp/fold-0_seed-0/{record}"])
        assert found == without_hosts(read_json(mini.folder / f"runs/scp/fold-0_seed-0/{record}"))
    assert b"bench-01" not in b"".join(content.values())

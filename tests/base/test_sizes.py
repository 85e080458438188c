"""The small form of a study is laid over the rest."""

import pytest
import yaml

from mribench.config import load_study
from mribench.config.sizes import lay_over
from mribench.errors import ConfigError

STUDY = {
    "study": "mine",
    "dataset": {"recipe": "bids", "source": "/data"},
    "variants": {"native": {}},
    "methods": {"scp": {"variant": "native"}, "unet2d": {"variant": "native"}},
    "small": {
        "dataset": {"recipe": "phantoms", "source": None},
        "methods": {"scp": {"n_c": 32}, "unet2d": None},
    },
}


def test_sections_are_merged_null_removes_and_the_rest_replaces():
    content = {"a": {"b": 1, "c": [1, 2]}, "d": 4, "e": {"f": 5}}
    changes = {"a": {"c": [3]}, "d": None, "e": 6, "g": {"h": 7}}
    assert lay_over(content, changes) == {"a": {"b": 1, "c": [3]}, "e": 6, "g": {"h": 7}}
    assert content["a"]["c"] == [1, 2]


def test_small_changes_the_study_and_where_its_results_stand():
    full, small = load_study(STUDY), load_study({**STUDY, "size": "small"})
    assert (full.study, list(full.methods)) == ("mine", ["scp", "unet2d"])
    assert (small.study, list(small.methods)) == ("mine_small", ["scp"])
    assert small.dataset.recipe == "phantoms"
    assert small.methods["scp"].n_c == 32
    # What is recorded is the study that ran, and loads as itself.
    recorded = small.model_dump(mode="json", by_alias=True)
    assert not {"size", "small"} & set(recorded)
    assert load_study(recorded) == small


def test_other_sizes_and_studies_without_a_small_form_are_refused():
    with pytest.raises(ConfigError, match="size: unknown name 'smal', did you mean small"):
        load_study({**STUDY, "size": "smal"})
    plain = {key: value for key, value in STUDY.items() if key != "small"}
    with pytest.raises(ConfigError, match="small: missing; with size: small it says what changes"):
        load_study({**plain, "size": "small"})
    wrong = {**STUDY, "size": "small", "small": {"methods": {"scp": {"epoch": 1}}}}
    with pytest.raises(ConfigError, match="methods.scp.epoch: unknown key, did you mean epochs"):
        load_study(wrong)


def test_shipped_studies_with_a_small_form_are_valid(root):
    named = []
    for file in sorted((root / "studies").glob("*.yaml")):
        raw = yaml.safe_load(file.read_text())
        if "small" in raw:
            named.append(file.stem)
            assert load_study({**raw, "size": "small"}).dataset.recipe == "phantoms"
    assert named == ["lits_scp", "ms_resolution", "peers", "spatial_dependency", "wmh_scp"]

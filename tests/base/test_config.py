"""The configuration refuses what it does not know, in one line that helps."""

import pytest
import yaml

from mribench import stages
from mribench.config import Bias, Strip, Tissues, load_study
from mribench.errors import ConfigError
from mribench.plugins import backends, method_names, presets, settings_read


def study(**changes):
    content = {
        "study": "small",
        "dataset": {"recipe": "phantoms"},
        "variants": {"native": {}},
        "methods": {"scp": {"variant": "native"}},
    }
    return {**content, **changes}


def labelled(**values):
    return {"recipe": "phantoms", "label": {"values": values}}


def problems(**changes):
    with pytest.raises(ConfigError) as caught:
        load_study(study(**changes))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"methods": {"scp": {"variant": "native", "learnig_rate": 1}}},
            "methods.scp.learnig_rate: unknown key, did you mean learning_rate?",
        ),
        (
            {"methods": {"scp": {"variant": "natve"}}},
            "methods.scp.variant: unknown name 'natve', did you mean native? (known: native)",
        ),
        (
            {"datset": {}},
            "datset: unknown key, did you mean dataset?",
        ),
        (
            {"variants": {"native": {"bias": {"shrnk": 2}}}},
            "variants.native.bias.shrnk: unknown key, did you mean shrink?",
        ),
        (
            {"dataset": {"recipe": "phantoms", "phantoms": {"sites": {"a": {"nose": 1}}}}},
            "dataset.phantoms.sites.a.nose: unknown key, did you mean noise?",
        ),
        (
            {"dataset": {"recipe": "bids"}},
            "dataset.source: give the folder that recipe 'bids' reads",
        ),
        (
            {"dataset": {"source": "/data/{case}"}},
            "dataset.source: '/data/{case}' has one of {}<>, between which Snakemake fills",
        ),
        (
            {"protocol": {"split": {"folds": 1}}},
            "protocol.split.folds: input should be greater than or equal to 2, found 1",
        ),
        (
            {"variants": {"native": {"strip": {"backend": "template", "fraction": 0.3}}}},
            "variants.native.strip.fraction: strip.backend template does not read it; leave it out",
        ),
        (
            {"variants": {"native": {"tissues": {"backend": "atropos", "bias_loop": False}}}},
            "variants.native.tissues.bias_loop: tissues.backend atropos does not read it",
        ),
        ({"study": "../up"}, "study: string should match pattern"),
        ({"methods": {}}, "methods: missing; name at least one method"),
    ],
)
def test_a_mistake_gives_one_line(changes, line):
    found = problems(**changes)
    assert len(found) == 1
    assert found[0].startswith(line)


def test_unknown_method_names_the_nearest_and_all_known():
    (line,) = problems(methods={"mine": {"method": "unet2", "variant": "native"}})
    assert line.startswith("methods.mine.method: unknown name 'unet2', did you mean unet2d?")
    assert all(name in line for name in method_names())


def test_a_preset_must_know_the_labels():
    (line,) = problems(evaluation={"preset": "scp"}, dataset=labelled(other=2))
    assert line.startswith("evaluation.preset: scp leaves out voxels of value 2, which is label")
    (line,) = problems(evaluation={"preset": "brats2023"}, dataset=labelled(lesion=4))
    assert line.startswith("evaluation.preset: brats2023 knows the values 1, 2, 3, but label")


def test_unknown_preset_and_backend_and_recipe():
    (line,) = problems(evaluation={"preset": "wmh2071"})
    assert line.startswith("evaluation.preset: unknown name 'wmh2071', did you mean wmh2017?")
    assert "wmh2017" in presets()
    (line,) = problems(variants={"native": {"strip": {"backend": "deepbat"}}})
    assert line.startswith("variants.native.strip.backend: unknown name 'deepbat'")
    assert "did you mean deepbet?" in line
    (line,) = problems(dataset={"recipe": "open_ms", "source": "x"})
    assert line.startswith("dataset.recipe: unknown name 'open_ms'")


@pytest.mark.parametrize("model", [Bias, Strip, Tissues])
def test_every_back_end_declares_settings_that_exist(model):
    for backend in backends(model.stage):
        declared = set(settings_read(model.stage, backend))
        assert declared | set(model.common) | model(backend=backend).unread() == {
            *model.model_fields
        }


def test_settings_at_their_defaults_are_not_refused():
    made = load_study(study(variants={"native": {"bias": {"backend": "none", "shrink": 4}}}))
    assert made.variants["native"].bias.unread() == {"shrink", "spline_mm", "iterations"}


def test_all_problems_are_reported_at_once():
    found = problems(datset={}, methods={"scp": {"variant": "native", "epoch": 3}})
    assert len(found) == 2


def test_method_takes_the_name_of_its_entry():
    loaded = load_study(study())
    assert loaded.methods["scp"].method == "scp"


def test_source_is_a_short_form_for_the_command_line():
    loaded = load_study(study(source="/data/x", dataset={"recipe": "bids"}))
    assert loaded.dataset.source == "/data/x"


def test_contrast_of_a_method_must_be_in_the_data_set():
    (line,) = problems(methods={"scp": {"variant": "native", "contrasts": ["T2w"]}})
    assert line.startswith("methods.scp.contrast: unknown name 'T2w'")


def test_shipped_studies_are_valid(root):
    files = [root / "config.yaml", *sorted((root / "studies").glob("*.yaml"))]
    assert len(files) >= 2
    for file in files:
        raw = yaml.safe_load(file.read_text())
        load_study({**raw, "source": "/somewhere"})


def test_variants_share_the_stages_they_agree_on():
    loaded = load_study(
        study(
            variants={
                "native": {},
                "iso": {"grid": {"spacing": 1}},
                "raw": {"bias": {"backend": "none"}},
                "plain": {"tissues": {"backend": "none"}},
            }
        )
    )
    owner = {name: stages.stage_owner(loaded, name, "segment_tissues") for name in loaded.variants}
    assert owner == {"native": "native", "iso": "native", "raw": "raw", "plain": "plain"}
    assert stages.stage_owner(loaded, "iso", "resample_images") == "iso"
    assert stages.stage_owner(loaded, "plain", "strip_skull") == "native"

"""What the rules of the report depend on, and the files they name."""

import json
from functools import partial

import pytest

from mribench.config import load_study
from mribench.provenance import make_spec, read_spec
from mribench.report.settings import (
    FigureSettings,
    ReviewSettings,
    figure_settings,
    find_atlas,
    page_texts,
    restore_study,
    review_files,
    review_settings,
    study_settings,
)
from mribench.stages import stage_owner


def test_study_survives_its_spec_with_the_order_of_its_methods(configuration):
    restored = restore_study(read_spec(make_spec(study_settings(configuration), [])))
    assert restored == configuration
    assert list(restored.methods) == list(configuration.methods) != sorted(configuration.methods)


def test_settings_fit_their_models(configuration):
    assert FigureSettings.model_validate(figure_settings(configuration)).preset == "wmh2017"
    settings = ReviewSettings.model_validate(review_settings(configuration, "native"))
    assert (settings.anatomy, settings.reference) == ("T1w", "FLAIR")


def test_templates_and_preset_rerun_the_page(configuration):
    texts = page_texts(configuration)
    assert {"index.html.j2", "style.css", "page.js", "wmh2017.json"} <= set(texts)
    assert json.loads(texts["wmh2017.json"])["name"] == "wmh2017"


@pytest.mark.parametrize(
    ("transform", "end"),
    [("affine", "_xfm.txt"), ("syn", "_xfm.nii.gz"), ("none", None)],
)
def test_review_reads_the_transform_that_the_variant_makes(transform, end):
    content = {
        "study": "mini",
        "dataset": {"recipe": "phantoms"},
        "variants": {"native": {}, "other": {"template": {"transform": transform}}},
        "methods": {"unet2d": {"variant": "other"}},
    }
    study = load_study(content)
    files = review_files(study, partial(stage_owner, study), "other", "sub-01/ses-02")
    start = "<study>/preproc/{}/sub-01/ses-02/anat/sub-01_ses-02_"
    assert files["mask"] == start.format("native") + "space-T1w_desc-brain_mask.nii.gz"
    assert len(files["resampled"]) == 2
    if end is None:
        assert files["template"] == []
    else:
        assert files["template"].endswith(end)


@pytest.mark.parametrize(
    ("transform", "end"), [("affine", "txt"), ("syn", "nii.gz"), ("none", None)]
)
def test_way_to_the_template_is_that_of_the_first_variant_with_one(transform, end):
    content = {
        "study": "mini",
        "dataset": {"recipe": "phantoms"},
        "variants": {
            "bare": {"template": {"transform": "none"}},
            "native": {"template": {"transform": transform}},
            "fine": {"template": {"transform": transform}, "grid": {"spacing": 1}},
        },
        "methods": {"flair_threshold": {"variant": "bare"}, "unet2d": {"variant": "fine"}},
    }
    atlas = find_atlas(load_study(content))
    if end is None:
        assert atlas is None
        return
    start = "preproc/native/sub-01/ses-02/anat/sub-01_ses-02_from-"
    template = f"{start}T1w_to-MNI152NLin2009aSym_mode-image_xfm.{end}"
    assert atlas.file("sub-01_ses-02", "T1w", "MNI152NLin2009aSym") == template
    between = atlas.file("sub-01_ses-02", "FLAIR", "T1w")
    assert between.endswith("sub-01/ses-02/anat/sub-01_ses-02_from-FLAIR_to-T1w_mode-image_xfm.txt")


def test_shared_stages_are_read_from_their_owner():
    content = {
        "study": "mini",
        "dataset": {"recipe": "phantoms"},
        "variants": {"native": {}, "fine": {"grid": {"spacing": 1}}},
        "methods": {"unet2d": {"variant": "fine"}},
    }
    study = load_study(content)
    files = review_files(study, partial(stage_owner, study), "fine", "sub-01")
    assert files["resampled"][0].startswith("<study>/preproc/fine/sub-01/anat/sub-01_space-fine_")
    assert files["corrected"][0].startswith("<study>/preproc/native/sub-01/anat/")
    assert files["tissues"].startswith("<study>/preproc/native/sub-01/anat/sub-01_space-T1w_")

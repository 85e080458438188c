from pathlib import Path

import numpy as np
import pytest
from small_methods import MakeJob, MakeMethod

from mribench.errors import TrainingError
from mribench.methods.base import load_method
from mribench.methods.flair_threshold import (
    THRESHOLDS,
    Method,
    Settings,
    dice,
    dice_by_threshold,
    segment,
    smooth,
)
from mribench.training.store import Case, CaseStore


def make_case(seed: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    labels = (rng.random((12, 11, 10)) < 0.1).astype(np.uint8)
    labels[:2] = 255
    images = (rng.normal(1, 1, labels.shape) + 2 * (labels == 1))[None]
    mask = (rng.random(labels.shape) < 0.9).astype(np.uint8)
    return Case("sub-01", images, labels, mask, np.diag([1.0, 2, 3, 1]))


def test_all_thresholds_at_once_equal_one_by_one() -> None:
    case = make_case()
    image = smooth(case, 0.7)
    scores = dice_by_threshold(image, case)
    for threshold, score in zip(THRESHOLDS, scores, strict=True):
        assert score == pytest.approx(dice(image >= threshold, case.labels))


def test_search_finds_the_best_of_its_grid(make_method: MakeMethod) -> None:
    method = make_method("flair_threshold")
    cases = [make_case(seed).only([0]) for seed in range(2)]
    rows = method.search(cases)
    for row in rows[::37] + rows[-5:]:
        scores = [dice(segment(case, row), case.labels) for case in cases]
        assert row["dice"] == pytest.approx(np.mean(scores))


def test_small_components_are_left_out() -> None:
    images = np.zeros((1, 9, 9, 9))
    images[0, 1, 1, 1] = images[0, 5:7, 5:7, 5] = 5
    mask = np.ones((9, 9, 9), np.uint8)
    case = Case("sub-01", images, mask * 0, mask, np.diag([1.0, 1, 2, 1]))
    learned = {"threshold": 3.0, "smoothing_mm": 0.0, "minimum_mm3": 8.0}
    assert segment(case, learned).sum() == 4
    assert segment(case, {**learned, "minimum_mm3": 0.0}).sum() == 5
    assert segment(case, {**learned, "minimum_mm3": 9.0}).sum() == 0


def test_nothing_is_found_outside_the_brain() -> None:
    case = make_case()
    learned = {"threshold": -9.0, "smoothing_mm": 1.0, "minimum_mm3": 0.0}
    assert np.array_equal(segment(case, learned), case.mask > 0)


def test_the_contrast_is_chosen_by_name(store: CaseStore) -> None:
    settings = Settings(method="flair_threshold", variant="native", contrast="T1w")
    method = load_method(settings, store.contrasts, store.classes)
    assert np.array_equal(
        method.open_case(store, "sub-01").images[0], store.open("sub-01").images[0]
    )


def test_missing_contrast_and_several_classes_are_refused() -> None:
    settings = Settings(method="flair_threshold", variant="native")
    with pytest.raises(TrainingError, match="found T1w; expected FLAIR"):
        Method(settings, ["T1w"], ["lesion"])
    with pytest.raises(TrainingError, match="expected one class"):
        Method(settings, ["FLAIR"], ["lesion", "stroke"])


def test_training_on_nobody_is_refused(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    job = make_job(tmp_path, training=[], left_out=["sub-09"])
    with pytest.raises(TrainingError, match=r"no training cases \(failed: sub-09\)"):
        make_method("flair_threshold").train(job)

"""Fitted intensity scales: from the training cases alone, the same for every case."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from store_maker import make_arrays, make_store

from mribench.errors import TrainingError
from mribench.files import read_json
from mribench.training.intensity import FILE, ScaledImages, read_scale
from mribench.training.patches import PatchSampler
from mribench.training.store import CaseStore, write_case

NYUL: dict[str, Any] = {"method": "nyul", "low": 1, "high": 99, "landmarks": [25, 50, 75]}
HISTOGRAM: dict[str, Any] = {"method": "histogram", "levels": 65}
TRAINING = ["sub-01", "sub-02"]
SHAPE = (36, 42, 18)


def bend(store: CaseStore, case: str, power: float) -> None:
    """Change the image of a case of a store, as if it had been packed so."""
    images, labels, mask = make_arrays(int(case[-1]), SHAPE)
    shifted = np.where(mask, (images + 9) ** power, 0)
    store.manifest["cases"][case] |= write_case(store.folder, case, shifted, labels, mask)


def inside(case: Any) -> NDArray:
    """Return the values (contrasts, n) of a brain."""
    return np.asarray(case.images)[:, np.asarray(case.mask) > 0].astype(np.float64)


@pytest.fixture(params=[NYUL, HISTOGRAM], ids=["nyul", "histogram"])
def fitted(request: pytest.FixtureRequest, tmp_path: Path) -> CaseStore:
    """A store of three cases with different histograms, fitted on two of them."""
    store = make_store(tmp_path / "store", 3, SHAPE, request.param)
    for case, power in (("sub-01", 1.5), ("sub-02", 0.5), ("sub-03", 2.5)):
        bend(store, case, power)
    store.fit(TRAINING)
    return store


def standard(store: CaseStore) -> NDArray:
    assert store.scale.standard is not None
    return store.scale.standard


def test_the_scale_is_the_mean_of_the_training_cases(fitted: CaseStore, tmp_path: Path) -> None:
    fitted.scale.write(tmp_path)
    percents = read_json(tmp_path / FILE)["percentiles"]
    plain = [np.load(fitted.folder / f"{case}_images.npy") for case in TRAINING]
    masks = [np.load(fitted.folder / f"{case}_mask.npy") > 0 for case in TRAINING]
    for contrast in range(2):
        brains = [
            np.sort(images[contrast][mask]).astype(float)
            for images, mask in zip(plain, masks, strict=True)
        ]
        places = [np.interp(percents, np.linspace(0, 100, len(b)), b) for b in brains]
        np.testing.assert_allclose(standard(fitted)[contrast], np.mean(places, axis=0))


def test_test_and_validation_cases_do_not_change_the_scale(fitted: CaseStore) -> None:
    before = standard(fitted).copy()
    bend(fitted, "sub-03", 0.3)
    fitted.fit(TRAINING)
    np.testing.assert_array_equal(standard(fitted), before)


def test_training_cases_do(fitted: CaseStore) -> None:
    before = standard(fitted).copy()
    bend(fitted, "sub-02", 0.3)
    fitted.fit(TRAINING)
    assert np.abs(standard(fitted) - before).max() > 0.01


@pytest.mark.parametrize("case", ["sub-01", "sub-02", "sub-03"])
def test_every_case_is_read_on_the_scale(fitted: CaseStore, case: str, tmp_path: Path) -> None:
    fitted.scale.write(tmp_path)
    opened = fitted.open(case)
    percents = read_json(tmp_path / FILE)["percentiles"]
    found = np.percentile(inside(opened), percents, axis=1).T
    # A landmark between two voxels of a sparse tail is a kink that its neighbours do not show.
    np.testing.assert_allclose(found, standard(fitted), rtol=1e-2)
    assert not np.asarray(opened.images)[:, np.asarray(opened.mask) == 0].any()
    stored = np.load(fitted.folder / f"{case}_images.npy")[:, np.asarray(opened.mask) > 0]
    for values, before in zip(inside(opened), stored, strict=True):
        assert (np.diff(values[np.argsort(before)]) >= 0).all()


def test_parts_are_those_of_the_whole(fitted: CaseStore) -> None:
    images = fitted.open("sub-03").images
    assert isinstance(images, ScaledImages)
    whole = np.asarray(images)
    assert whole.dtype == images.dtype == np.float16
    assert len(images) == 2
    keys: list[Any] = [1, [1], (0, 3), (..., slice(3, 9), slice(None), slice(2, 5)), (1, 18, 20, 9)]
    for key in keys:
        np.testing.assert_array_equal(images[key], whole[key])
    only = fitted.open("sub-03").only([1])
    np.testing.assert_array_equal(only.images, whole[1:])


def test_batches_are_drawn_on_the_scale(fitted: CaseStore) -> None:
    case = fitted.open("sub-01")
    batch = PatchSampler([case], SHAPE, None, 1, 0, 0).batch(0)
    np.testing.assert_array_equal(batch.images[0].numpy(), np.asarray(case.images))


def test_the_scale_is_kept_beside_the_model(fitted: CaseStore, tmp_path: Path) -> None:
    fitted.scale.write(tmp_path)
    again = CaseStore(fitted.folder / "manifest.json")
    again.manifest = fitted.manifest
    again.scale = read_scale(tmp_path, again.intensity, again.contrasts)
    for case in ("sub-01", "sub-03"):
        np.testing.assert_array_equal(
            np.asarray(again.open(case).images), np.asarray(fitted.open(case).images)
        )
    assert read_json(tmp_path / FILE)["training"] == TRAINING


def test_a_scale_of_another_variant_is_refused(fitted: CaseStore, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no such file"):
        read_scale(tmp_path, fitted.intensity, fitted.contrasts)
    fitted.scale.write(tmp_path)
    with pytest.raises(TrainingError, match="zscore"):
        read_scale(tmp_path, {"method": "zscore"}, fitted.contrasts)


def test_methods_that_are_not_fitted_look_at_no_case(store: CaseStore, tmp_path: Path) -> None:
    plain = CaseStore(store.folder / "manifest.json")
    plain.fit(["sub-01", "sub-02"])
    plain.scale.write(tmp_path)
    assert read_json(tmp_path / FILE) == {
        "settings": {"method": "zscore"},
        "contrasts": ["T1w", "FLAIR"],
    }
    assert isinstance(plain.open("sub-01").images, np.memmap)
    read_scale(tmp_path, plain.intensity, plain.contrasts)

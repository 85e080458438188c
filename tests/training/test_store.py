from pathlib import Path

import numpy as np
import pytest
from store_maker import CONTRASTS, make_arrays, make_store

from mribench.errors import DataError
from mribench.training.store import CaseStore


def test_arrays_come_back_mapped(store: CaseStore) -> None:
    case = store.open("sub-02")
    images, labels, mask = make_arrays(2, case.shape)
    assert isinstance(case.images, np.memmap)
    assert np.array_equal(case.images, images.astype(np.float16))
    assert np.array_equal(case.labels, labels)
    assert np.array_equal(case.mask, mask)
    assert case.spacing == (2, 2, 2)


def test_contrasts_are_chosen_in_order(store: CaseStore) -> None:
    case = store.open("sub-01")
    assert np.array_equal(case.only([1, 0]).images, case.images[::-1])
    assert case.only(range(len(CONTRASTS))) is case


def test_unknown_case_is_named(store: CaseStore) -> None:
    with pytest.raises(DataError, match="sub-99.*pack the store again"):
        store.open("sub-99")


@pytest.mark.parametrize("damage", ["truncate", "change", "delete"])
@pytest.mark.parametrize("kind", ["images", "labels", "mask"])
def test_damage_is_found_at_use(tmp_path: Path, damage: str, kind: str) -> None:
    store = make_store(tmp_path, 1)
    path = tmp_path / f"sub-01_{kind}.npy"
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content[:-7])
    else:
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"sub-01_{kind}.npy"):
        store.open("sub-01")


def test_equal_cases_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        make_store(tmp_path / name, 1)
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()

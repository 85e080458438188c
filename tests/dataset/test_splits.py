"""Folds keep subjects together, are balanced, and repeat."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from mribench.config import Split
from mribench.dataset.split_table import ROLES
from mribench.dataset.splits import SPLIT_COLUMNS, cases_of, make_splits
from mribench.errors import DataError
from mribench.files import read_table, write_table

SCHEMES = ("kfold", "holdout", "leave_one_site_out", "leave_one_subject_out")


def make_scans(people: list[tuple[str, float, int]]) -> list[dict[str, str]]:
    """Rows of scans.tsv for people given as (site, load, sessions), two images per case."""
    rows = []
    for number, (site, load, sessions) in enumerate(people):
        subject = f"sub-{number:03d}"
        for session in range(sessions):
            case = f"{subject}_ses-{session}" if sessions > 1 else subject
            row = {"case": case, "subject": subject, "site": site, "load_ml": f"{load:g}"}
            rows += [{**row, "contrast": contrast} for contrast in ("T1w", "FLAIR")]
    return rows


def random_people(seed: int, count: int, sites: int = 3) -> list[tuple[str, float, int]]:
    random = np.random.default_rng(seed)
    return [
        (f"site{random.integers(sites)}", random.lognormal(1, 1.2), int(random.integers(1, 4)))
        for _ in range(count)
    ]


PEOPLE = st.lists(
    st.tuples(st.sampled_from("ABC"), st.floats(0, 60), st.integers(1, 3)), min_size=2, max_size=40
)


@given(
    people=PEOPLE,
    scheme=st.sampled_from(SCHEMES),
    count=st.integers(2, 6),
    validation=st.sampled_from([0, 0.1, 0.2, 0.5, 0.99]),
    seed=st.integers(0, 3),
    stratify=st.sampled_from([(), ("site",), ("load",), ("site", "load")]),
)
def test_invariants(people, scheme, count, validation, seed, stratify) -> None:
    count = min(count, len(people))
    if scheme == "leave_one_site_out" and len({site for site, *_ in people}) < 2:
        people = [("other", *people[0][1:]), *people[1:]]
        scheme = scheme if len({site for site, *_ in people}) > 1 else "kfold"
    scans = make_scans(people)
    split = Split(
        scheme=scheme, folds=count, validation=validation, seed=seed, stratify=stratify, test=0.3
    )
    rows = make_splits(scans, split)
    assert rows == make_splits(list(reversed(scans)), split)
    folds = {row["fold"] for row in rows}
    assert folds == set(range(len(folds)))
    everyone = {row["case"] for row in scans}
    for fold in folds:
        members = [row for row in rows if row["fold"] == fold]
        assert Counter(row["case"] for row in members) == Counter(everyone)
        roles = {(row["subject"], row["role"]) for row in members}
        subjects = Counter(role for _, role in roles)
        assert sum(subjects.values()) == len(people)
        assert set(subjects) <= set(ROLES)
        assert subjects["test"] >= 1
        assert subjects["train"] >= 1
        rest = len(people) - subjects["test"]
        assert (subjects["validation"] > 0) == (validation > 0 and rest >= 2)
        assert abs(subjects["validation"] - validation * rest) <= 1
    tested = Counter(row["case"] for row in rows if row["role"] == "test")
    if scheme != "holdout":
        assert tested == Counter(everyone)


@given(people=PEOPLE, count=st.integers(2, 6), seed=st.integers(0, 3))
def test_folds_differ_by_one_in_total_and_per_site(people, count, seed) -> None:
    count = min(count, len(people))
    rows = make_splits(make_scans(people), Split(folds=count, seed=seed))
    site = {f"sub-{number:03d}": person[0] for number, person in enumerate(people)}
    tested = {(row["fold"], row["subject"]) for row in rows if row["role"] == "test"}
    for chosen in ("A", "B", "C", None):
        sizes = [
            sum(fold == k and chosen in (None, site[subject]) for fold, subject in tested)
            for k in range(count)
        ]
        assert max(sizes) - min(sizes) <= 1


@given(seed=st.integers(0, 20), count=st.integers(2, 5))
def test_each_fold_gets_one_of_each_stretch_of_loads(seed: int, count: int) -> None:
    people = [("A", float(load), 1) for load in np.random.default_rng(seed).permutation(count * 6)]
    rows = make_splits(make_scans(people), Split(folds=count, seed=seed))
    load = {f"sub-{number:03d}": person[1] for number, person in enumerate(people)}
    for fold in range(count):
        blocks = [load[case] // count for case in cases_of(rows, fold, "test")]
        assert sorted(blocks) == list(range(6))


@given(people=PEOPLE, share=st.floats(0.05, 0.9), seed=st.integers(0, 3))
def test_held_out_sites_have_their_share(people, share, seed) -> None:
    rows = make_splits(make_scans(people), Split(scheme="holdout", test=share, seed=seed))
    subjects = {row["subject"] for row in rows if row["role"] == "test"}
    drawn = Counter(people[int(subject[4:])][0] for subject in subjects)
    for site, total in Counter(site for site, *_ in people).items():
        assert abs(drawn[site] - total * len(subjects) / len(people)) < 1


def imbalance(tests: list[set[int]], people) -> tuple[float, float]:
    """Largest difference of a site's share, and spread of the mean log load, over test sets."""
    names = sorted({site for site, *_ in people})
    shares = np.array(
        [[np.mean([people[i][0] == name for i in test]) for name in names] for test in tests]
    )
    loads = [np.mean([np.log1p(people[i][1]) for i in test]) for test in tests]
    return float(np.ptp(shares, axis=0).max()), float(np.std(loads))


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_balance_is_no_worse_than_that_of_scikit_learn() -> None:
    """Against StratifiedGroupKFold on site and load tertile: the fair comparison is the mean."""
    ours, theirs = [], []
    for seed in range(20):
        people = random_people(seed, 45)
        rows = make_splits(make_scans(people), Split(folds=5, seed=seed))
        tests = [
            {int(row["subject"][4:]) for row in rows if row["fold"] == k and row["role"] == "test"}
            for k in range(5)
        ]
        ours.append(imbalance(tests, people))
        groups = [i for i, person in enumerate(people) for _ in range(person[2])]
        tertile = np.searchsorted(
            np.quantile([p[1] for p in people], [1 / 3, 2 / 3]), [p[1] for p in people]
        )
        strata = [f"{people[i][0]} {tertile[i]}" for i in groups]
        peer = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        dealt = peer.split(np.zeros(len(groups)), strata, groups)
        theirs.append(imbalance([{groups[i] for i in test} for _, test in dealt], people))
    assert np.all(np.mean(ours, axis=0) <= np.mean(theirs, axis=0))


def test_seed_decides() -> None:
    scans = make_scans(random_people(0, 30))
    splits = {str(make_splits(scans, Split(seed=seed))) for seed in (0, 0, 1, 2)}
    assert len(splits) == 3


def test_known_split_stays_as_it_is() -> None:
    """Folds must not change between versions of mribench or Python."""
    scans = make_scans(
        [("A", 3, 1), ("A", 1, 1), ("B", 2, 1), ("B", 5, 1), ("B", 4, 1), ("A", 0, 1)]
    )
    rows = make_splits(scans, Split(folds=3, validation=0.3, seed=7))
    assert [cases_of(rows, k, "test") for k in range(3)] == [
        ["sub-001", "sub-004"],
        ["sub-000", "sub-002"],
        ["sub-003", "sub-005"],
    ]
    assert [cases_of(rows, str(k), "validation") for k in range(3)] == [
        ["sub-000"],
        ["sub-004"],
        ["sub-000"],
    ]


def test_leave_one_site_out_tests_whole_sites() -> None:
    scans = make_scans([("B", 1, 2), ("A", 2, 1), ("B", 3, 1), ("C", 0, 1)])
    rows = make_splits(scans, Split(scheme="leave_one_site_out"))
    assert [cases_of(rows, k, "test") for k in range(3)] == [
        ["sub-001"],
        ["sub-000_ses-0", "sub-000_ses-1", "sub-002"],
        ["sub-003"],
    ]


@pytest.mark.parametrize(
    ("people", "split", "text"),
    [
        ([("A", 1, 1)] * 4, Split(), "found 4 subjects; expected at least 5"),
        ([("A", 1, 3)], Split(scheme="holdout"), "found 1 subjects; expected at least 2"),
        ([("A", 1, 1)], Split(scheme="leave_one_subject_out"), "found 1 subjects"),
        ([("A", 1, 1)] * 3, Split(scheme="leave_one_site_out"), "the site A only"),
        (
            [("A", 1, 1), ("n/a", 1, 1)],
            Split(scheme="leave_one_site_out"),
            r"no site for sub-001.*participants\.tsv",
        ),
    ],
)
def test_too_few_subjects_or_sites(people, split, text) -> None:
    with pytest.raises(DataError, match=text):
        make_splits(make_scans(people), split)


SCANS = make_scans([("A", 1, 2), ("A", 2, 1), ("B", 3, 1)])
GOOD = [
    ("0", "sub-000_ses-0", "train"),
    ("0", "sub-000_ses-1", "train"),
    ("0", "sub-001", "validation"),
    ("0", "sub-002", "test"),
]


def from_file(tmp_path: Path, rows: list[tuple[str, str, str]], suffix: str = "tsv"):
    path = tmp_path / f"my splits é.{suffix}"
    columns = ("fold", "case", "role")
    write_table(path, [dict(zip(columns, row, strict=True)) for row in rows], columns)
    return make_splits(SCANS, Split(scheme="file", file=str(path)))


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_own_table(tmp_path: Path, suffix: str) -> None:
    rows = from_file(tmp_path, list(reversed(GOOD)), suffix)
    assert [(str(row["fold"]), row["case"], row["role"]) for row in rows] == GOOD
    assert rows[1]["subject"] == "sub-000"
    write_table(tmp_path / "splits.tsv", rows, SPLIT_COLUMNS)
    split = Split(scheme="file", file=str(tmp_path / "splits.tsv"))
    assert make_splits(SCANS, split) == rows
    assert cases_of(read_table(tmp_path / "splits.tsv"), 0, "train") == cases_of(rows, 0, "train")


def test_a_table_may_leave_cases_out(tmp_path: Path) -> None:
    rows = [
        {**row, "role": "unused" if row["subject"] == "sub-001" else row["role"]}
        for row in make_splits(SCANS, Split(scheme="holdout", test=0.5))
    ]
    write_table(tmp_path / "splits.tsv", rows, SPLIT_COLUMNS)
    made = make_splits(SCANS, Split(scheme="file", file=str(tmp_path / "splits.tsv")))
    assert made == rows
    used = [case for role in ("train", "validation", "test") for case in cases_of(made, 0, role)]
    assert used
    assert not [case for case in used if case.startswith("sub-001")]


@pytest.mark.parametrize(
    ("rows", "subject", "found", "expected", "remedy"),
    [
        (
            [*GOOD, ("0", "sub-003", "test")],
            "sub-003",
            "a case that the data set does not have",
            "perhaps sub-00",
            "problems.tsv",
        ),
        (GOOD[:3] + GOOD[4:], "sub-002", "no row in fold 0", "one row per case", "add the row"),
        ([*GOOD, GOOD[3]], "sub-002", "2 rows in fold 0", "one row per case", "keep one"),
        (
            [("0", "sub-000_ses-0", "training"), *GOOD[1:]],
            "sub-000_ses-0",
            "the role 'training'",
            "one of train, validation, test",
            "correct the role",
        ),
        (
            [("0", "sub-000_ses-0", "test"), *GOOD[1:]],
            "sub-000",
            "the roles test and train in fold 0",
            "no subject stands in two splits",
            "the same role",
        ),
        (
            [("one", *row[1:]) for row in GOOD],
            "sub-000_ses-0",
            "the fold 'one'",
            "a whole number",
            "number the folds",
        ),
        (
            [(fold, case, "train") for fold, case, _ in GOOD],
            "fold 0",
            "no case with the role test",
            "training and test cases",
            "add some",
        ),
    ],
)
def test_own_table_with_a_mistake(tmp_path, rows, subject, found, expected, remedy) -> None:
    with pytest.raises(DataError) as caught:
        from_file(tmp_path, rows)
    lines = [line for line in str(caught.value).splitlines() if line.startswith(f"{subject}: ")]
    assert any(
        "my splits é.tsv" in line and found in line and expected in line and remedy in line
        for line in lines
    ), str(caught.value)


def test_own_table_tells_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        from_file(tmp_path, [("0", "sub-9", "train"), ("0", "sub-002", "tset")])
    assert len(str(caught.value).splitlines()) >= 5


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "nothing"),
        (b"fold,case\n", "the columns none"),
        (b"fold\tcase\n0\ta\n", "fold, case"),
        (b"\xff\xfe\0", "unreadable"),
    ],
)
def test_own_table_that_is_none(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "splits.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        DataError, match=rf"protocol\.split\.file: .*{found}.*columns fold, case, role"
    ):
        make_splits(SCANS, Split(scheme="file", file=str(path)))

"""Who is trained on and who is tested: folds grouped by subject, balanced, repeatable.

Subjects, not cases, are dealt, so that all sessions of a person stand together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from mribench.config import Split
from mribench.dataset.participants import MISSING
from mribench.dataset.split_table import Row, read_split_table
from mribench.dataset.subjects import Subject, read_subjects
from mribench.errors import DataError, describe

SPLIT_COLUMNS = ("fold", "case", "subject", "role")


def make_splits(scans: Iterable[Mapping[str, str]], split: Split) -> list[Row]:
    """Give every case its role in every fold.

    Parameters
    ----------
    scans
        The rows of ``scans.tsv``.
    split
        Scheme, number of folds, shares and seed.

    Returns
    -------
    Rows with fold (from 0), case, subject and role (``train``, ``validation`` or
    ``test``), ordered by fold and case. The same scans and settings give the same rows.

    Raises
    ------
    DataError
        If there are too few subjects or sites for the scheme, or the user's own table
        does not fit the data set.
    """
    subjects = read_subjects(scans)
    if split.scheme == "file":
        return read_split_table(subjects, str(split.file))
    _require_enough(subjects, split)
    rows: list[Row] = []
    for fold, test in enumerate(test_sets(subjects, split)):
        rest = [subject for subject in subjects if subject not in test]
        validation = _choose_validation(rest, split, fold)
        for subject in subjects:
            role = "test" if subject in test else "train"
            role = "validation" if subject in validation else role
            rows += [_row(fold, case, subject.name, role) for case in subject.cases]
    return sorted(rows, key=lambda row: (row["fold"], row["case"]))


def cases_of(rows: Iterable[Mapping[str, object]], fold: int | str, role: str) -> list[str]:
    """Return the cases with a role in a fold, sorted.

    Parameters
    ----------
    rows
        From :func:`make_splits` or read from ``splits.tsv``.
    fold, role
        What to pick; the role is ``train``, ``validation`` or ``test``.
    """
    return sorted(
        str(row["case"]) for row in rows if str(row["fold"]) == str(fold) and row["role"] == role
    )


def test_sets(subjects: Sequence[Subject], split: Split) -> list[set[Subject]]:
    """Return the subjects that are tested, one set per fold."""
    if split.scheme == "leave_one_subject_out":
        return [{subject} for subject in subjects]
    if split.scheme == "leave_one_site_out":
        names = sorted({subject.site for subject in subjects})
        return [{subject for subject in subjects if subject.site == name} for name in names]
    random = Random(f"test {split.seed}")
    if split.scheme == "holdout":
        count = min(max(1, round(split.test * len(subjects))), len(subjects) - 1)
        return [set(systematic_sample(subjects, count, split, random))]
    return deal(subjects, split, random)


def deal(subjects: Sequence[Subject], split: Split, random: Random) -> list[set[Subject]]:
    """Deal subjects to `split.folds` sets that are alike in size, site and lesion load.

    The subjects of a site are ordered by load and cut into blocks of as many as there
    are folds; each fold gets one of each block, at random. What is left of a site goes
    to the sets that are the smallest so far. So the sets differ by at most one subject,
    in total and for each site, and each has one subject of each stretch of loads.
    """
    sets: list[list[Subject]] = [[] for _ in range(split.folds)]
    for stratum in _strata(subjects, split, random):
        whole = len(stratum) - len(stratum) % split.folds
        for start in range(0, whole, split.folds):
            order = random.sample(range(split.folds), split.folds)
            for index, subject in zip(order, stratum[start:], strict=False):
                sets[index].append(subject)
        _deal_rest(stratum[whole:], sets, random)
    return [set(members) for members in sets]


def systematic_sample(
    subjects: Sequence[Subject], count: int, split: Split, random: Random
) -> list[Subject]:
    """Draw `count` subjects at equal steps along the order of site and lesion load.

    The start is random. Each site gives its share, rounded down or up, and so does each
    stretch of loads within a site.
    """
    line = [subject for stratum in _strata(subjects, split, random) for subject in stratum]
    start = random.randrange(len(line))
    return [line[(start + index * len(line)) // count] for index in range(count)]


def _strata(subjects: Sequence[Subject], split: Split, random: Random) -> list[list[Subject]]:
    """Group subjects by site and order each group by falling load, equal loads at random."""
    groups: dict[str, list[Subject]] = defaultdict(list)
    for subject in random.sample(subjects, len(subjects)):
        groups[subject.site if "site" in split.stratify else ""].append(subject)
    strata = [groups[site] for site in sorted(groups)]
    if "load" in split.stratify:
        return [sorted(group, key=lambda subject: -subject.load) for group in strata]
    return strata


def _deal_rest(rest: Sequence[Subject], sets: list[list[Subject]], random: Random) -> None:
    """Give the heaviest of the rest to the smallest, then lightest set, each set at most one."""
    order = random.sample(range(len(sets)), len(sets))
    order.sort(key=lambda index: (len(sets[index]), sum(item.load for item in sets[index])))
    for index, subject in zip(order, rest, strict=False):
        sets[index].append(subject)


def _choose_validation(rest: Sequence[Subject], split: Split, fold: int) -> set[Subject]:
    if split.validation == 0 or len(rest) < 2:
        return set()
    count = min(max(1, round(split.validation * len(rest))), len(rest) - 1)
    random = Random(f"validation {split.seed} {fold}")
    return set(systematic_sample(rest, count, split, random))


def _row(fold: int, case: str, subject: str, role: str) -> Row:
    return {"fold": fold, "case": case, "subject": subject, "role": role}


def _require_enough(subjects: Sequence[Subject], split: Split) -> None:
    needed = split.folds if split.scheme == "kfold" else 2
    if len(subjects) < needed:
        _refuse(
            f"{len(subjects)} subjects",
            f"at least {needed}, because no subject stands in two test sets",
            "set protocol.split.folds to fewer, or add subjects",
        )
    if split.scheme == "leave_one_site_out":
        unknown = [subject.name for subject in subjects if subject.site == MISSING]
        sites = {subject.site for subject in subjects}
        if unknown or len(sites) < 2:
            _refuse(
                f"no site for {', '.join(unknown)}" if unknown else f"the site {sites.pop()} only",
                "a site for every subject, and at least two sites",
                "fill the column site of participants.tsv, or choose another scheme",
            )


def _refuse(found: str, expected: str, remedy: str) -> None:
    raise DataError(
        describe(
            subject="protocol.split",
            file="dataset/scans.tsv",
            found=found,
            expected=expected,
            remedy=remedy,
        )
    )

"""The people in a data set, as the splits see them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Subject(NamedTuple):
    """A person: site, mean lesion load over the sessions in ml, and cases."""

    name: str
    site: str
    load: float
    cases: tuple[str, ...]


def read_subjects(scans: Iterable[Mapping[str, str]]) -> list[Subject]:
    """Return the subjects in the rows of ``scans.tsv``, sorted by name."""
    loads: dict[str, dict[str, float]] = defaultdict(dict)
    sites: dict[str, str] = {}
    for row in scans:
        loads[row["subject"]][row["case"]] = float(row["load_ml"])
        sites[row["subject"]] = row["site"]
    return [
        Subject(name, sites[name], sum(cases.values()) / len(cases), tuple(sorted(cases)))
        for name, cases in sorted(loads.items())
    ]

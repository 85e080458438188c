"""Which lesions of two masks are each other's counterparts."""

from typing import NamedTuple

import numpy as np

from mribench.metrics.conventions import Lesions, Regions


class Meetings(NamedTuple):
    """Every pair of lesions that share a voxel; lesions are counted from 0.

    Attributes
    ----------
    first, second
        The lesion of the reference and of the prediction of each pair.
    shared
        Voxels that both masks set in the pair.
    first_sizes, second_sizes
        Voxels of all lesions of the reference and of the prediction.
    """

    first: np.ndarray
    second: np.ndarray
    shared: np.ndarray
    first_sizes: np.ndarray
    second_sizes: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each pair."""
        return self.shared / (
            self.first_sizes[self.first] + self.second_sizes[self.second] - self.shared
        )

    def chosen(self, pairs: np.ndarray) -> "Meetings":
        """Return only some of the pairs, given as a mask or as indices."""
        return self._replace(
            first=self.first[pairs], second=self.second[pairs], shared=self.shared[pairs]
        )

    def turned(self) -> "Meetings":
        """Return the same pairs with reference and prediction in each other's place."""
        return Meetings(self.second, self.first, self.shared, self.second_sizes, self.first_sizes)


def count_pairs(
    wanted: np.ndarray, given: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every pair of lesions that meet (both counted from 0) and the voxels they share.

    Parameters
    ----------
    wanted, given
        Numbers of the lesions from 1, in the same voxels; 0 where no lesion is.
    number
        How many lesions `given` numbers.
    """
    counted = (wanted > 0) & (given > 0)
    codes = (wanted[counted].astype(np.int64) - 1) * number + given[counted] - 1
    pairs, shared = np.unique(codes, return_counts=True)
    first, second = np.divmod(pairs, max(number, 1))
    return first, second, shared


def hits(meetings: Meetings, lesions: Lesions) -> Meetings:
    """Return the pairs in which one lesion alone is enough to find the other.

    The hits ``overlap`` and ``regions`` ask all counterparts together; for them every pair
    counts here (see :func:`is_found`).
    """
    if lesions.hit == "iou":
        return meetings.chosen(meetings.iou >= lesions.threshold)
    if lesions.hit == "dice":
        dice = 2 * meetings.iou / (1 + meetings.iou)
        return meetings.chosen(dice >= lesions.threshold)
    return meetings


def is_found(meetings: Meetings, lesions: Lesions) -> np.ndarray:
    """Say for each lesion of the first mask whether it has what the rule asks for.

    Parameters
    ----------
    meetings
        From :func:`hits`.
    lesions
        The rule.
    """
    sizes = meetings.first_sizes
    covered = np.bincount(meetings.first, meetings.shared, len(sizes))
    if lesions.hit == "overlap":
        return (covered > 0) & (covered >= lesions.threshold * sizes)
    if lesions.regions is not None:
        return (covered > lesions.threshold * sizes) & ~_strays(meetings, lesions.regions, covered)
    found = np.zeros(len(sizes), bool)
    found[meetings.first] = True
    return found


def _strays(meetings: Meetings, regions: Regions, covered: np.ndarray) -> np.ndarray:
    """Say for each lesion whether a counterpart that is needed lies too much outside."""
    order = np.lexsort((-meetings.shared, meetings.first))
    first, second, shared = (part[order] for part in meetings[:3])
    before = np.cumsum(shared) - shared
    starts = np.concatenate(([0], np.cumsum(covered)))[first]
    needed = before - starts < regions.share * covered[first]
    inside = np.bincount(meetings.second, meetings.shared, len(meetings.second_sizes))
    outside = meetings.second_sizes - inside > regions.outside * meetings.second_sizes
    strays = np.zeros(len(covered), bool)
    strays[first[needed & outside[second]]] = True
    return strays


def pair_off(meetings: Meetings) -> Meetings:
    """Return one-to-one pairs: by intersection over union, largest first.

    Of equal pairs the one with the lower numbers comes first.
    """
    taken: tuple[set[int], set[int]] = (set(), set())
    kept = []
    for pair in np.lexsort((meetings.second, meetings.first, -meetings.iou)):
        ends = int(meetings.first[pair]), int(meetings.second[pair])
        if ends[0] not in taken[0] and ends[1] not in taken[1]:
            taken[0].add(ends[0])
            taken[1].add(ends[1])
            kept.append(int(pair))
    return meetings.chosen(np.array(kept, int))

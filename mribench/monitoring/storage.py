"""Where the disk space of a study went."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

UNITS = ("B", "kB", "MB", "GB", "TB")
SMALL = 0.001
REST = re.compile(r"\.\d+\..+")
"""Names of files that a killed job was writing (:func:`mribench.files.atomic`)."""
PREPROCESSED = "preproc"
# What stands in the names of the files that each stage of the preprocessing makes.
STAGES = {
    "correct_bias": r"_desc-(conformed|biascorrected|biasfield)_",
    "register_to_template": r"_from-.*MNI152.*_xfm\.|_to-MNI152.*_xfm\.",
    "register_to_reference": r"_xfm\.",
    "segment_tissues": r"_label-(GM|WM|CSF)_probseg",
    "resample_images": r"_desc-(unstripped|reference|preproc)_",
    "review_preprocessing": r"/figures/|_volumes\.",
    "strip_skull, resample_images": r"_desc-brain_mask",
    "segment_tissues, resample_images": r"_dseg\.",
}


def measure_folder(folder: Path, depth: int = 2) -> Counter[str]:
    """Return the bytes on disk below `folder`, by the first `depth` parts of the path.

    Symbolic links count as links, not as what they point to.
    """
    sizes: Counter[str] = Counter()
    for name, size in list_files(folder):
        sizes["/".join(name.split("/")[:-1][:depth]) or name] += size
    return sizes


def measure_stages(folder: Path) -> Counter[str]:
    """Return the bytes on disk of the preprocessing below `folder`, by stage, all variants."""
    sizes: Counter[str] = Counter()
    for name, size in list_files(folder / PREPROCESSED):
        sizes[stage_of(name)] += size
    return sizes


def stage_of(name: str) -> str:
    """Return the stage that makes a file of this name, where the name tells."""
    return next((stage for stage, mark in STAGES.items() if re.search(mark, name)), "other files")


def find_rests(folder: Path) -> list[tuple[str, int]]:
    """Return name and bytes of what jobs that were killed had begun to write."""
    found = list_files(folder)
    return [(name, size) for name, size in found if REST.fullmatch(name.rpartition("/")[2])]


def list_files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the path below `folder` and the bytes on disk of every file."""
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            yield file.relative_to(folder).as_posix(), file.lstat().st_blocks * 512


def describe(folder: Path) -> Iterator[str]:
    """Yield the lines of the tables: folders, then stages, the largest first.

    Folders that take less than a thousandth of the whole are put together. At the end stands
    what may be deleted.
    """
    sizes = measure_folder(folder)
    total = sum(sizes.values())
    small = {key for key, size in sizes.items() if size < SMALL * total}
    yield from _table(sizes, small)
    if small:
        yield f"{readable(sum(sizes[key] for key in small)):>9}  {len(small)} smaller ones"
    yield f"{readable(total):>9}  in all"
    yield "of this the preprocessing, by stage:"
    yield from _table(measure_stages(folder), set())
    rests = find_rests(folder)
    if rests:
        size = readable(sum(size for _, size in rests))
        yield f"{size:>9}  in {len(rests)} files that killed jobs left; while nothing runs:"
        yield f"           find {folder} -name '.[0-9]*.*' -delete"


def _table(sizes: Counter[str], left_out: set[str]) -> Iterator[str]:
    for key, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        if key not in left_out:
            yield f"{readable(size):>9}  {key}"


def readable(size: float) -> str:
    """Return a number of bytes with the unit that suits it."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {UNITS[unit]}"

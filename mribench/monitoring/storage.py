"""Where the disk space of a study went."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

UNITS = ("B", "kB", "MB", "GB", "TB")
SMALL = 0.001


def measure_folder(folder: Path, depth: int = 2) -> Counter[str]:
    """Return the bytes on disk below `folder`, by the first `depth` parts of the path.

    Symbolic links count as links, not as what they point to.
    """
    sizes: Counter[str] = Counter()
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            key = "/".join(file.relative_to(folder).parts[:-1][:depth])
            sizes[key or name] += file.lstat().st_blocks * 512
    return sizes


def describe(folder: Path) -> Iterator[str]:
    """Yield the lines of the table: the largest first, the sum at the end.

    What takes less than a thousandth of the whole is put together.
    """
    sizes = measure_folder(folder)
    total = sum(sizes.values())
    small = {key for key, size in sizes.items() if size < SMALL * total}
    for key, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        if key not in small:
            yield f"{readable(size):>9}  {key}"
    if small:
        yield f"{readable(sum(sizes[key] for key in small)):>9}  {len(small)} smaller ones"
    yield f"{readable(total):>9}  in all"


def readable(size: float) -> str:
    """Return a number of bytes with the unit that suits it."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {UNITS[unit]}"

"""Random masks for the metric tests, and the metrics again in slow, plain words."""

import itertools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

NEIGHBOURS = {
    6: [d for d in itertools.product((-1, 0, 1), repeat=3) if sum(map(abs, d)) == 1],
    18: [d for d in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, d)) <= 2],
    26: [d for d in itertools.product((-1, 0, 1), repeat=3) if any(d)],
    "in_plane": [(x, y, 0) for x, y in itertools.product((-1, 0, 1), repeat=2) if x or y],
}
SHAPES = st.tuples(*[st.integers(1, 6)] * 3)
SPACINGS = st.tuples(*[st.sampled_from([0.5, 0.9375, 1.0, 1.2, 3.0])] * 3)


@st.composite
def label_maps(draw, values=(0, 0, 0, 1, 1, 2)):
    """Two label maps of one shape; some hold nothing."""
    shape = draw(SHAPES)
    element = st.sampled_from(values)
    maps = [draw(arrays.arrays(np.uint8, shape, elements=element)) for _ in range(2)]
    emptied = draw(st.sampled_from([(False, False)] * 5 + [(True, False), (False, True)]))
    return tuple(np.zeros_like(m) if empty else m for m, empty in zip(maps, emptied, strict=True))


@st.composite
def mask_pairs(draw):
    """Two boolean masks of one shape."""
    return tuple(labels > 0 for labels in draw(label_maps(values=(0, 0, 1))))


@st.composite
def full_pairs(draw):
    """Two boolean masks of one shape, neither empty."""
    first, second = draw(mask_pairs())
    for mask in (first, second):
        mask.flat[draw(st.integers(0, mask.size - 1))] = True
    return first, second


def border_points(mask, neighbourhood, beyond):
    """Voxels with a neighbour outside the mask, one by one."""
    points = []
    for place in zip(*np.nonzero(mask), strict=True):
        for step in NEIGHBOURS[neighbourhood]:
            near = tuple(np.add(place, step))
            inside = all(0 <= n < size for n, size in zip(near, mask.shape, strict=True))
            if not (mask[near] if inside else beyond):
                points.append(place)
                break
    return np.array(points, float).reshape(-1, 3)


def directed_distances(first, second):
    """Distance from each point of `first` to the nearest of `second`."""
    return np.array([min(np.linalg.norm(a - b) for b in second) for a in first])


def components(mask, connectivity):
    """Connected components as sets of voxels, by flooding."""
    waiting = {tuple(map(int, place)) for place in zip(*np.nonzero(mask), strict=True)}
    found = []
    while waiting:
        flood = [waiting.pop()]
        lesion = set(flood)
        while flood:
            place = flood.pop()
            for step in NEIGHBOURS[connectivity]:
                near = tuple(a + b for a, b in zip(place, step, strict=True))
                if near in waiting:
                    waiting.remove(near)
                    lesion.add(near)
                    flood.append(near)
        found.append(lesion)
    return found

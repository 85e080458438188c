"""Draw the figures of docs/methods: ``python benchmarks/draw_architectures.py docs/images``."""

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from xml.sax.saxutils import escape

BLUE, ORANGE, GREEN, GREY, WHITE = "#d6e6f5", "#fbe3d0", "#d3efe4", "#eceef1", "#ffffff"
INK, LINE = "#1f2733", "#5f6672"
HEIGHT, GAP = 30, 62


class Drawing:
    """Boxes, arrows and texts, written as one SVG file."""

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.parts: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        colour: str = BLUE,
        height: float = HEIGHT,
    ) -> None:
        """Draw a box with a centred text, lines separated by ``|``."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
            f'fill="{colour}" stroke="{LINE}"/>'
        )
        lines = text.split("|")
        first = y + height / 2 + 4 - 7 * (len(lines) - 1)
        for number, line in enumerate(lines):
            self.text(x + width / 2, first + 14 * number, line)

    def text(self, x: float, y: float, text: str, anchor: str = "middle") -> None:
        """Write a line of text with its baseline at `y`."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[float, float], dashed: bool = False) -> None:
        """Draw a line through points with a head at its end."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{LINE}" marker-end="url(#head)"{dash}/>'
        )

    def cell(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw one cell of a grid."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}" '
            f'stroke="{LINE}" stroke-width="0.6"/>'
        )

    def circle(self, x: float, y: float, radius: float) -> None:
        """Draw a circle."""
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="#D55E00" '
            'stroke-width="2"/>'
        )

    def write(self, path: Path) -> None:
        """Write the file."""
        width, height = self.size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/>'
            "</marker></defs>"
            f'<rect width="{width}" height="{height}" fill="{WHITE}"/>'
        )
        path.write_text("\n".join([head, *self.parts, "</svg>"]) + "\n", encoding="utf-8")


def draw_u(
    drawing: Drawing, levels: Sequence[str], down: str, up: str, width: int, first_up: str = ""
) -> float:
    """Draw an encoder and a decoder from (20, 40) on; return where the decoder ends.

    `first_up` is the text of the decoder's deepest box, where it differs from the encoder's.
    """
    last = len(levels) - 1
    right = 60 + 2 * width + 20 * (last - 1)
    for level, text in enumerate(levels):
        x, y = 20 + 22 * level, 40 + GAP * level
        if level == last:
            middle = (20 + right + width) / 2
            drawing.box(middle - width / 2, y, width, text, GREEN)
            drawing.arrow((x, y - GAP + HEIGHT), (x, y + 15), (middle - width / 2, y + 15))
            start, end = middle + width / 2, right + width - 22 * (level - 1) - 12
            drawing.arrow((start, y + 15), (end, y + 15), (end, y - GAP + HEIGHT))
            continue
        other = right - 22 * level
        drawing.box(x, y, width, text)
        drawing.box(other, y, width, first_up if first_up and level == last - 1 else text)
        drawing.arrow((x + width, y + 15), (other, y + 15), dashed=True)
        if level < last - 1:
            drawing.arrow((x + width / 2, y + HEIGHT), (x + width / 2, y + GAP))
            drawing.arrow((other + width / 2, y + GAP), (other + width / 2, y + HEIGHT))
    bottom = 40 + GAP * last + HEIGHT + 20
    drawing.text(20, bottom, f"down: {down}", "start")
    drawing.text(20, bottom + 16, f"up: {up}; dashed: concatenated", "start")
    return right + width


def draw_scp(path: Path) -> None:
    """SCP: the backbone with its channels, and the head."""
    drawing = Drawing(800, 370)
    levels = [f"N_c/{divisor}" for divisor in (16, 8, 4, 2)] + ["N_c"]
    drawing.text(20, 24, "images", "start")
    end = draw_u(drawing, levels, "3x3 convolution of stride 2", "voxels repeated", 90)
    head = end + 50
    drawing.text(end + 25, 48, "X")
    drawing.arrow((end, 55), (head + 80, 55), (head + 80, 100))
    drawing.box(head, 100, 190, "Y = (W + w_r)ᵀ X|each place has its own W", ORANGE, 44)
    drawing.arrow((head + 95, 144), (head + 95, 176))
    drawing.box(head, 176, 190, "sigmoid: probability", GREY)
    drawing.arrow((head + 150, 260), (head + 220, 260), (head + 220, 122), (head + 190, 122))
    drawing.text(head + 228, 200, "W", "start")
    drawing.box(head, 238, 150, "Φ: three 1x1|convolutions", ORANGE, 44)
    drawing.arrow((head + 75, 322), (head + 75, 282))
    drawing.box(head - 10, 322, 240, "place S = (i, j, H-i, W-j)", GREY)
    drawing.write(path)


def draw_grid(drawing: Drawing, x: float, y: float, steps: tuple[float, float], title: str) -> None:
    """Draw a kernel of 5 mm on a grid: voxels that belong to it are filled."""
    scale, reach = 22.0, 5.5
    middle = x + reach * scale / 2, y + reach * scale / 2
    halves = [int(2.5 / step + 1e-3) for step in steps]
    shown = [int(reach / 2 / step + 0.5) for step in steps]
    places = product(range(-shown[0], shown[0] + 1), range(-shown[1], shown[1] + 1))
    for across, along in places:
        inside = abs(across) <= halves[0] and abs(along) <= halves[1]
        centre = across * steps[0], along * steps[1]
        near = centre[0] ** 2 + centre[1] ** 2 <= 2.5**2 + 1e-3
        corner = [m + (c - s / 2) * scale for m, c, s in zip(middle, centre, steps, strict=True)]
        colour = BLUE if inside and near else WHITE
        drawing.cell(*corner, steps[0] * scale, steps[1] * scale, colour)
    drawing.circle(*middle, 2.5 * scale)
    drawing.text(middle[0], middle[1] + (shown[1] + 0.5) * steps[1] * scale + 18, title)


def draw_resolution(path: Path) -> None:
    """Resolution-adaptive U-Net: levels in mm, and one kernel on two grids."""
    drawing = Drawing(800, 450)
    drawing.text(20, 24, "images, voxel size", "start")
    levels = [f"{5 * 2**n} mm: {8 * 2**n} + {4 * 2**n} + {2 * 2**n}" for n in range(4)]
    draw_u(drawing, levels, "pooling of 2, 4, 8 mm", "voxels repeated", 140)
    drawing.text(20, 340, "boxes: diameter of the kernels, then", "start")
    drawing.text(20, 356, "scalars + vectors + tensors of rank 2", "start")
    drawing.text(645, 24, "one kernel of 5 mm, two grids")
    draw_grid(drawing, 585, 50, (1.0, 1.0), "1 x 1 mm: 5 x 5 voxels")
    draw_grid(drawing, 585, 262, (0.5, 3.0), "0.5 x 3 mm: 11 x 1 voxels")
    drawing.write(path)


def draw_dependency(path: Path) -> None:
    """SDU-Net: where the layers stand, and what one does."""
    drawing = Drawing(820, 380)
    levels = [str(32 * 2**level) for level in range(4)] + ["512 + layer"]
    drawing.text(20, 24, "images", "start")
    draw_u(drawing, levels, "max pooling", "repeated, 1x1 halves", 90, "layer + 256")
    x = 440
    drawing.text(x + 170, 24, "one spatial dependency layer")
    steps = [
        ("3x3 convolution, tanh", BLUE),
        ("sweep along the rows", GREEN),
        ("sweep along the columns", GREEN),
        ("1x1 convolution: s and gate g", BLUE),
        ("g C(x) + (1 - g) s", ORANGE),
    ]
    for number, (text, colour) in enumerate(steps):
        drawing.box(x, 40 + 50 * number, 200, text, colour)
        if number:
            drawing.arrow((x + 100, 20 + 50 * number), (x + 100, 40 + 50 * number))
    drawing.arrow((x, 55), (x - 16, 55), (x - 16, 255), (x, 255), dashed=True)
    drawing.text(x + 100, 290, "residual form; else s alone")
    left, top, cell = x + 240, 60, 26
    for column, row in product(range(4), range(4)):
        done = row < 2
        near = row == 1 and column < 3
        here = row == 2 and column == 1
        colour = ORANGE if here else GREEN if near else GREY if done else WHITE
        drawing.cell(left + cell * column, top + cell * row, cell, cell, colour)
    for column in range(3):
        start = left + cell * (column + 0.5), top + cell * 1.6
        drawing.arrow(start, (left + cell * (1.5 + 0.15 * (column - 1)), top + cell * 2.3))
    texts = ("h'(line j) from the three", "neighbours of line j-1,", "already updated")
    for number, text in enumerate(texts):
        drawing.text(left + 2 * cell, top + 4 * cell + 20 + 15 * number, text)
    drawing.write(path)


def draw_chain(path: Path, steps: Sequence[tuple[str, str]], below: str, columns: int = 4) -> None:
    """Boxes one after the other, a line of text below; rows run from left to right."""
    rows = -(-len(steps) // columns)
    drawing = Drawing(800, 50 + 90 * rows)
    for number, (text, colour) in enumerate(steps):
        row, column = divmod(number, columns)
        x, y = 20 + 196 * column, 20 + 90 * row
        drawing.box(x, y, 166, text, colour, 48)
        if column:
            drawing.arrow((x - 30, y + 24), (x, y + 24))
        elif row:
            turn = y - 21
            drawing.arrow(
                (20 + 196 * (columns - 1) + 83, y - 42), (691, turn), (103, turn), (103, y)
            )
    drawing.text(20, 20 + 90 * rows, below, "start")
    drawing.write(path)


def main() -> None:
    """Write all figures to the folder that is named."""
    folder = Path(sys.argv[1])
    draw_scp(folder / "scp.svg")
    draw_resolution(folder / "resolution_adaptive.svg")
    draw_dependency(folder / "spatial_dependency.svg")
    draw_chain(
        folder / "monai.svg",
        [
            ("images|(contrasts, voxels)", GREY),
            ("zeros to multiples|of the divisor", BLUE),
            ("a network of|monai.networks.nets", GREEN),
            ("cropped back:|one logit per class", BLUE),
        ],
        "Recipe, patches, losses and evaluation are those of all other methods.",
    )
    draw_chain(
        folder / "nnunet.svg",
        [
            ("training and validation|cases of the fold", GREY),
            ("nnU-Net's data set,|splits_final.json", BLUE),
            ("fingerprint, plan,|preprocess", GREEN),
            ("train with|any trainer", GREEN),
            ("model.safetensors:|weights and plans", BLUE),
            ("nnU-Net's sliding|window and flips", GREEN),
            ("probabilities on|the variant's grid", BLUE),
            ("native grid,|evaluation", GREY),
        ],
        "Green runs in nnU-Net's own environment, everything else in that of the study.",
    )


if __name__ == "__main__":
    main()

"""Tables of the lesions found by size, and of the agreement of volumes."""

from collections.abc import Mapping, Sequence

from mribench.report.tables import MISSING, Cell, Column, Table, fixed

Row = Mapping[str, str]


def size_name(row: Row) -> str:
    """Return the bounds of a size in words, such as ``10 to 100 mm3``."""
    low = f"{float(row['low_mm3']):g}"
    if row["high_mm3"] == MISSING:
        return f"{low} mm3 and more"
    high = f"{float(row['high_mm3']):g}"
    return f"under {high} mm3" if low == "0" else f"{low} to {high} mm3"


def make_size_table(detection: Sequence[Row], title: str) -> Table:
    """Return lesion recall and precision by size, one row per size and method.

    Parameters
    ----------
    detection
        Rows of ``detection.csv``, as text.
    title
        Name of the study for people.
    """
    sizes = list(dict.fromkeys((row["label"], size_name(row)) for row in detection))
    lines = []
    for label, size in sizes:
        rows = [row for row in detection if (row["label"], size_name(row)) == (label, size)]
        for row in rows:
            counts = [
                Cell(f"{float(row[found]):g}/{float(row[whole]):g}")
                for found, whole in (("found", "reference"), ("true", "predicted"))
            ]
            recall, precision = (_best_cell(rows, row, key) for key in ("recall", "precision"))
            names = [Cell(label), Cell(size), Cell(row["method"])]
            lines.append([*names, recall, counts[0], precision, counts[1]])
    heads = ("Recall", "Found/reference", "Precision", "True/predicted")
    return Table(
        name="per_size",
        title=f"{title}: lesions by size",
        columns=[
            Column("Label", role="group"),
            Column("Size", role="group"),
            Column("Method"),
            *(Column(head, numbers=True) for head in heads),
        ],
        rows=lines,
        notes=[
            "Sums over all cases, means over the seeds; bold: best of a size. What is found: "
            f"preset {detection[0]['preset']}.",
        ],
    )


def _best_cell(rows: Sequence[Row], row: Row, key: str) -> Cell:
    known = [float(other[key]) for other in rows if other[key] != MISSING]
    best = len(rows) > 1 and row[key] != MISSING and float(row[key]) == max(known)
    return Cell(fixed(row[key], 3), best=best)


def make_agreement_table(agreement: Sequence[Row], title: str) -> Table:
    """Return correlation, ICC and Bland-Altman limits of the volumes, one row per method.

    Parameters
    ----------
    agreement
        Rows of ``agreement.csv``, as text.
    title
        Name of the study for people.
    """
    shares = ("pearson", "pearson_low", "pearson_high", "icc", "icc_low", "icc_high")
    digits = dict.fromkeys(shares, 3)
    keys = (*digits, "bias_ml", "bias_low", "bias_high", "limit_low", "limit_high")
    heads = (
        *("Pearson", "Pearson CI low", "Pearson CI high"),
        *("ICC(2,1)", "ICC CI low", "ICC CI high"),
        *("Bias (ml)", "Bias CI low", "Bias CI high", "Lower limit", "Upper limit"),
    )
    lines = [
        [
            Cell(row["label"]),
            Cell(row["method"]),
            Cell(row["n"]),
            *(Cell(fixed(row[key], digits.get(key, 2), sign="_ml" in key)) for key in keys),
            Cell(row["note"]),
        ]
        for row in agreement
    ]
    return Table(
        name="agreement",
        title=f"{title}: agreement of volumes",
        columns=[
            Column("Label", role="group"),
            Column("Method"),
            Column("Cases", numbers=True),
            *(Column(head, numbers=True) for head in heads),
            Column("Note", role="note"),
        ],
        rows=lines,
        notes=[
            "CI: 95 % confidence interval. ICC: two-way random effects, absolute agreement, single "
            "ratings. Bias: mean of predicted minus reference volume; limits of agreement: 1.96 "
            "standard deviations around it (Bland and Altman).",
        ],
    )

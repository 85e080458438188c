"""The tables of three papers in the papers' own layout, for studies with their methods.

SCP (IJCAI 2023), Tables 1 and 2; the resolution-adaptive U-Net, Tables 2 and 3; SDU-Net,
Table 2.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mribench.config import Evaluation
from mribench.metrics.conventions import load_preset
from mribench.report.cost_table import mean_costs, ratio
from mribench.report.leaderboard import CORRECTIONS, DIFFERENT, Row
from mribench.report.tables import MISSING, Cell, Column, Table
from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.strata import EVERYWHERE, TRAINED

Methods = Mapping[str, Mapping[str, Any]]
SCP_METRICS = (
    ("Dice (%)", ("dice",)),
    ("L-Dice (%)", ("lesion_dice", "l_dice")),
    ("L-F1 (%)", ("lesion_f1", "l_f1")),
    ("L-PPV (%)", ("lesion_precision", "lesion_ppv", "l_ppv")),
    ("L-TPR (%)", ("lesion_recall", "lesion_tpr", "l_tpr")),
)
F1, F1_PARTS = "L-F1 (%)", ("L-PPV (%)", "L-TPR (%)")
SCP_COSTS = (
    ("Memory ratio", "peak_gpu_mb"),
    ("FLOPs ratio", "multiply_adds"),
    ("Parameter ratio", "parameters"),
)
SDU_METRICS = (("Dice", ("dice",)), ("Jaccard", ("jaccard", "iou")))


class Value(NamedTuple):
    """A mean with its spread, as a number to compare and as text to print."""

    number: float | None
    text: str


def make_paper_tables(
    methods: Methods,
    found: Mapping[str, Sequence[Row]],
    costs: Sequence[Row],
    evaluation: Evaluation,
    title: str,
) -> Iterator[Table]:
    """Yield the papers' tables that fit the study's methods.

    Parameters
    ----------
    methods
        The settings of each method, in the order of the configuration.
    found
        The study's tables of statistics by name, rows as text.
    costs
        Rows of ``costs.csv``, as text.
    evaluation
        Test and correction, for the notes.
    title
        Name of the study for people.
    """
    files = {str(settings["method"]) for settings in methods.values()}
    sized = [name for name, settings in methods.items() if "n_c" in settings]
    for label in dict.fromkeys(row["label"] for row in found["ranking"]):
        ranking = [row for row in found["ranking"] if row["label"] == label]
        suffix = "" if ranking == list(found["ranking"]) else f"_{label}"
        if len(sized) > 1:
            chosen = {name: methods[name] for name in sized}
            yield scp_table(chosen, ranking, costs, f"{title}, {label}", suffix)
            yield scp_table(chosen, ranking, (), f"{title}, {label}", suffix)
    if any("resolution" in name for name in files):
        yield from resolution_tables(methods, found, evaluation, title)
    if any(name.startswith(("sdu", "sdn")) for name in files):
        yield sdu_table(methods, found["ranking"], title)


def _metric_row(ranking: Sequence[Row], method: str, names: Sequence[str]) -> Row | None:
    rows = [row for row in ranking if row["method"] == method and row["metric"] in names]
    return rows[0] if rows else None


def _percent(text: str | None, decimals: int = 2) -> Value:
    if text is None or text == MISSING:
        return Value(None, MISSING)
    return Value(float(text), f"{100 * float(text):.{decimals}f}")


def scp_table(
    methods: Methods, ranking: Sequence[Row], costs: Sequence[Row], title: str, suffix: str
) -> Table:
    """Return Table 1 of the SCP paper, or Table 2 where no costs are given.

    Rows by architecture within each N_c; means in per cent; costs as ratios to the
    smallest first architecture. Bold is the best of one N_c.
    """
    sizes = sorted({int(settings["n_c"]) for settings in methods.values()})
    ordered = [n for size in sizes for n, s in methods.items() if int(s["n_c"]) == size]
    names = {row["metric"] for row in ranking}
    both = all(names & set(dict(SCP_METRICS)[head]) for head in F1_PARTS)
    metrics = [
        (head, keys) for head, keys in SCP_METRICS if names & set(keys) or (both and head == F1)
    ]
    values = {
        (name, head): scp_value(ranking, name, head, keys)
        for name in ordered
        for head, keys in metrics
    }
    means = mean_costs(costs)
    ratios = [(h, c) for h, c in SCP_COSTS if any(c in means.get(n, {}) for n in ordered)]
    lines = []
    for name in ordered:
        size = methods[name]["n_c"]
        group = [other for other in ordered if methods[other]["n_c"] == size]
        cells = [_best_cell(values, group, name, head) for head, _ in metrics]
        cells += [Cell(ratio(means, name, ordered[0], column)) for _, column in ratios]
        lines.append([Cell(str(size)), Cell(architecture(methods[name])), *cells])
    heads = [head for head, _ in metrics] + [head for head, _ in ratios]
    number = 1 if costs else 2
    notes = ["L-F1: harmonic mean of the mean L-PPV and the mean L-TPR."] if both else []
    notes += [f"Ratios to {architecture(methods[ordered[0]])} ({sizes[0]})."] if ratios else []
    return Table(
        name=f"scp_table_{number}{suffix}",
        title=f"{title}: in the layout of Table {number} of the SCP paper",
        columns=[Column("N_c", role="group"), Column("Model")]
        + [Column(head, numbers=True) for head in heads],
        rows=lines,
        notes=[*notes, "Bold: best of one N_c."],
    )


def architecture(settings: Mapping[str, Any]) -> str:
    """Return the name of a network without its size: its head where it has one, else its file."""
    name = str(settings.get("head", settings["method"]))
    known = {"scp": "SCP", "base": "Base", "base_f": "Base F", "base_b": "Base B"}
    return known.get(name, name)


def scp_value(ranking: Sequence[Row], method: str, head: str, keys: Sequence[str]) -> Value:
    """Return a mean in per cent; L-F1 from the means of L-PPV and L-TPR where both are known."""
    if head == F1:
        parts = [_metric_row(ranking, method, dict(SCP_METRICS)[part]) for part in F1_PARTS]
        numbers = [float(row["mean"]) for row in parts if row and row["mean"] != MISSING]
        if len(numbers) == 2 and max(numbers) > 0:
            return _percent(str(2 * numbers[0] * numbers[1] / sum(numbers)))
    row = _metric_row(ranking, method, keys)
    return _percent(row["mean"] if row else None)


def _best_cell(
    values: Mapping[tuple[str, str], Value], group: Sequence[str], name: str, head: str
) -> Cell:
    numbers = [v.number for other in group if (v := values[other, head]).number is not None]
    own = values[name, head]
    best = len(group) > 1 and own.number is not None and own.number == max(numbers)
    return Cell(own.text, best=best)


def resolution_tables(
    methods: Methods, found: Mapping[str, Sequence[Row]], evaluation: Evaluation, title: str
) -> Iterator[Table]:
    """Yield Tables 2 and 3 of the resolution-adaptive paper: mean (SD) of Dice by test set.

    Table 3 where the test cases are of several resolutions, Table 2 where the folds also
    train on different ones.
    """
    strata = [row for row in found["strata"] if row["metric"] == "dice"]
    pairs = [row for row in found["strata_comparisons"] if row["metric"] == "dice"]
    whole = [{**row, "level": EVERYWHERE} for row in found["ranking"] if row["metric"] == "dice"]
    all_pairs = [
        {**row, "level": EVERYWHERE} for row in found["comparisons"] if row["metric"] == "dice"
    ]
    by_resolution = [row for row in strata if row["stratum"] == "resolution"]
    if by_resolution:
        own = [row for row in pairs if row["stratum"] == "resolution"]
        sets = {"": (by_resolution + whole, own + all_pairs)}
        yield _resolution_table(methods, sets, evaluation, title, 3)
    trained = list(dict.fromkeys(r["stratum"] for r in strata if r["stratum"].startswith(TRAINED)))
    if len(trained) > 1:
        sets = {
            stratum.removeprefix(TRAINED): (
                [row for row in strata if row["stratum"] == stratum],
                [row for row in pairs if row["stratum"] == stratum],
            )
            for stratum in trained
        }
        yield _resolution_table(methods, sets, evaluation, title, 2)


def _resolution_table(
    methods: Methods,
    sets: Mapping[str, tuple[Sequence[Row], Sequence[Row]]],
    evaluation: Evaluation,
    title: str,
    number: int,
) -> Table:
    rows = [row for ranked, _ in sets.values() for row in ranked]
    levels = list(dict.fromkeys(row["level"] for row in rows))
    lines = []
    for training, (ranked, pairs) in sets.items():
        for method in methods:
            cells = [_resolution_cell(ranked, pairs, method, level) for level in levels]
            lines.append([Cell(training), Cell(method), *cells])
    columns = [Column("Training data", role="group"), Column("Model")]
    columns += [Column(level, ("mean", "sd"), numbers=True) for level in levels]
    if number == 3:
        columns, lines = columns[1:], [line[1:] for line in lines]
    correction, test = CORRECTIONS[evaluation.correction], PAIRED_TESTS[evaluation.test].title
    return Table(
        name=f"resolution_table_{number}",
        title=f"{title}: in the layout of Table {number} of the resolution-adaptive paper",
        columns=columns,
        rows=lines,
        notes=[
            "Mean (standard deviation) of Dice by the resolution of the test cases; bold: best of "
            "a column and training set.",
            f"{DIFFERENT} significantly better than all others of the column: paired {test}, "
            f"{evaluation.alpha:g} after {correction} correction.",
        ],
    )


def _resolution_cell(ranked: Sequence[Row], pairs: Sequence[Row], method: str, level: str) -> Cell:
    row = next((r for r in ranked if (r["method"], r["level"]) == (method, level)), None)
    if row is None or row["mean"] == MISSING:
        return Cell(MISSING, (MISSING, MISSING))
    own = [p for p in pairs if p["level"] == level and method in (p["first"], p["second"])]
    beats_all = bool(own) and all(
        pair["significant"] == "true" and pair["better"] == method for pair in own
    )
    mean = f"{float(row['mean']):.2f}"
    spread = MISSING if row["sd"] == MISSING else f"{float(row['sd']):.2f}"
    mark = DIFFERENT if beats_all else ""
    return Cell(f"{mean} ({spread})", (mean, spread), best=row["rank"] == "1", mark=mark)


def sdu_table(methods: Methods, ranking: Sequence[Row], title: str) -> Table:
    """Return Table 2 of the SDU-Net paper: Dice and Jaccard, mean ± SD over the runs, in %."""
    labels = list(dict.fromkeys(row["label"] for row in ranking))
    names = {row["metric"] for row in ranking}
    chosen = [(head, keys) for head, keys in SDU_METRICS if names & set(keys)]
    kinds = [(label, head, keys) for label in labels for head, keys in chosen]
    lines = [
        [Cell(method), *(_sdu_cell(ranking, method, label, keys) for label, _, keys in kinds)]
        for method in methods
    ]
    heads = [
        Column(f"{label} {head} (%)", ("mean", "sd over runs"), numbers=True)
        for label, head, _ in kinds
    ]
    preset = load_preset(ranking[0]["preset"]).title
    return Table(
        name="sdu_net_table_2",
        title=f"{title}: in the layout of Table 2 of the SDU-Net paper",
        columns=[Column("Model"), *heads],
        rows=lines,
        notes=[
            "Mean over the cases ± standard deviation over the trainings with other seeds.",
            f"Conventions: {preset}. Bold: best of a column.",
        ],
    )


def _sdu_cell(ranking: Sequence[Row], method: str, label: str, keys: Sequence[str]) -> Cell:
    row = _metric_row([row for row in ranking if row["label"] == label], method, keys)
    mean = _percent(row["mean"] if row else None)
    if row is None or mean.number is None:
        return Cell(MISSING, (MISSING, MISSING))
    spread = _percent(row["seed_sd"]).text
    text = mean.text if spread == MISSING else f"{mean.text} ± {spread}"
    return Cell(text, (mean.text, spread), best=row["rank"] == "1")

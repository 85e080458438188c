"""All figures of a study, and the manifest that says what they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mribench.files import write_json
from mribench.metrics.conventions import Metric
from mribench.report import films, style
from mribench.report.agreement import plot_agreement
from mribench.report.case_images import Classes, read_case
from mribench.report.case_volumes import SCRIPT, save_volumes
from mribench.report.cost_accuracy import plot_cost_accuracy, shown_costs
from mribench.report.detection import plot_detection
from mribench.report.distributions import plot_distribution
from mribench.report.heat_maps import MOST_METHODS, HeatMaps, Template, plot_heat_maps
from mribench.report.learning_curves import plot_learning_curves, read_curves
from mribench.report.load_scatter import plot_load_scatter
from mribench.report.measures import direction
from mribench.report.overlays import CaseView, choose_cases, cut_view, plot_overlays
from mribench.report.rank_stability import plot_rank_stability
from mribench.report.results import Results
from mribench.report.significance import plot_significance, verdicts
from mribench.report.voxel_counts import (
    LESION_COLUMNS,
    VOLUME_COLUMNS,
    measure_lesions,
    measure_volumes,
    table_of,
)
from mribench.report.weight_maps import plot_weight_maps, read_weight_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Entry = dict[str, str]


class Gallery:
    """Collects the figures of a study in one folder, with their titles and captions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []

    def add(self, name: str, group: str, title: str, caption: str, figure: "Figure") -> None:
        """Save a figure and note it."""
        style.save_figure(figure, self.folder, name)
        self.entries.append({"name": name, "group": group, "title": title, "caption": caption})


def plot_all(
    results: Results,
    bids: Path,
    classes: Classes,
    metrics: Sequence[Metric],
    folder: Path,
    template: Template | None = None,
    covariant: tuple[str, ...] = (),
) -> None:
    """Write every figure as PNG and SVG, the films of the cases and ``manifest.json``.

    Parameters
    ----------
    results
        The finished study.
    bids
        Root of the BIDS data set.
    classes
        What the voxels of the label files mean.
    metrics
        The metrics; the first one chooses the cases of the overlays.
    folder
        Where everything is written.
    template
        The template, where the study registers its cases to one.
    covariant
        The methods that are SCP, whose weights are drawn.
    """
    gallery, main = Gallery(folder), metrics[0]
    heat = HeatMaps(template, results.ranked(main.name, results.labels[0])) if template else None
    with style.figure_style():
        chosen = choose_all(results, main)
        voxels = read_cases(results, bids, classes, folder, chosen, heat)
        add_overlays(gallery, results, chosen, voxels.views, main)
        add_distribution(gallery, results, main)
        add_rank_stability(gallery, results, main)
        add_significance(gallery, results, main)
        add_load_scatter(gallery, results, main)
        add_detection(gallery, results, voxels.lesions)
        add_agreement(gallery, results, voxels.volumes)
        if heat:
            add_heat_maps(gallery, heat)
        add_costs(gallery, results, main)
        add_learning_curves(gallery, results)
        add_weight_maps(gallery, results, covariant)
        for metric in metrics[1:]:
            add_distribution(gallery, results, metric)
    write_json(folder / "manifest.json", gallery.entries)


@dataclass(frozen=True)
class Voxels:
    """What the figures need of all images: chosen slices, volumes, and lesions by size."""

    views: dict[str, CaseView]
    volumes: pd.DataFrame
    lesions: pd.DataFrame


Chosen = dict[str, dict[str, str]]


def choose_all(results: Results, metric: Metric) -> Chosen:
    """Return the worst, median and best case of every method, by the first class."""
    values = results.values(metric.name, results.labels[0])
    values = values.loc[values.index.isin(results.complete_cases)]
    return {name: choose_cases(values[name] * direction(metric)) for name in results.methods}


def read_cases(
    results: Results,
    bids: Path,
    classes: Classes,
    folder: Path,
    chosen: Chosen,
    heat: HeatMaps | None,
) -> Voxels:
    """Read every case that all methods scored once: film it, measure it, keep slices to show.

    Its volumes are written too; in a large study only those of the worst, median and best cases.
    """
    cases = results.complete_cases
    wanted = {case for picks in chosen.values() for case in picks.values()}
    many = len(cases) > films.MANY_CASES
    most = films.FEW_SLICES if many else films.MOST_SLICES
    views, films_of = {}, {}
    volumes: list[dict[str, Any]] = []
    lesions: list[dict[str, Any]] = []
    for case in cases:
        images = read_case(results, bids, case, classes)
        films_of[case] = films.save_film(images, folder / "cases" / case, most)._asdict()
        if case in wanted or not many:
            save_volumes(images, folder / "cases" / case / SCRIPT)
        volumes += measure_volumes(images, results.labels)
        lesions += measure_lesions(images, results.labels)
        if heat:
            heat.add(images)
        if case in wanted:
            views[case] = cut_view(images)
    write_json(folder / "films.json", films_of)
    return Voxels(views, table_of(volumes, VOLUME_COLUMNS), table_of(lesions, LESION_COLUMNS))


def tables(results: Results, metric: Metric) -> dict[str, pd.DataFrame]:
    """Return the values per case and method of every label."""
    return {label: results.values(metric.name, label) for label in results.labels}


def add_distribution(gallery: Gallery, results: Results, metric: Metric) -> None:
    """Add boxes, points and paired lines of one metric."""
    values = tables(results, metric)
    gallery.add(
        f"distribution_{metric.name}",
        "distributions",
        f"{metric.title} per case",
        f"{metric.better.capitalize()} is better. One point per test case (mean over seeds); thin "
        "lines join the same case. Boxes: median and quartiles, whiskers to 1.5 interquartile "
        "ranges. n: cases where the metric is defined.",
        plot_distribution(values, metric),
    )


def add_load_scatter(gallery: Gallery, results: Results, metric: Metric) -> None:
    """Add the main metric against lesion load, unless no case has lesions."""
    values = tables(results, metric)
    loads = results.loads(list(next(iter(values.values())).index))
    empty = int((loads <= 0).sum())
    if empty == len(loads):
        return
    left_out = f" Not shown: {empty} without lesions." if empty else ""
    gallery.add(
        "lesion_load",
        "lesion load",
        f"{metric.title} against lesion load",
        f"One point per test case, with least-squares line; ρ is Spearman's rank "
        f"correlation.{left_out}",
        plot_load_scatter(values, loads, metric),
    )


def add_learning_curves(gallery: Gallery, results: Results) -> None:
    """Add the histories of all trained methods, unless none was trained."""
    curves = read_curves(results)
    if not curves:
        return
    untrained = [name for name in results.methods if name not in curves]
    missing = f" Without training: {', '.join(untrained)}." if untrained else ""
    gallery.add(
        "learning_curves",
        "training",
        "Learning curves",
        "Thin lines are runs (fold and seed), thick lines their mean while all runs of the "
        f"method train.{missing}",
        plot_learning_curves(curves, results.methods),
    )


def add_weight_maps(gallery: Gallery, results: Results, covariant: tuple[str, ...]) -> None:
    """Add what the SCP networks know of the place, where there are any."""
    if not covariant:
        return
    gallery.add(
        "weight_maps",
        "training",
        "Weights that SCP learned by place",
        "Statistics over the features of W = Φ(S), each scaled from 0 to 1, first run of each "
        "method; a whole axial slice from edge to edge, left is the patient's right, front is up. "
        "Blocks: at half height. Of several classes the first.",
        plot_weight_maps(read_weight_maps(results, covariant)),
    )


def add_rank_stability(gallery: Gallery, results: Results, metric: Metric) -> None:
    """Add how often each method takes each rank, where the study has drawn that."""
    label = results.labels[0]
    draws = results.rank_draws
    chosen = draws[(draws.metric == metric.name) & (draws.label == label)]
    if chosen.empty:
        return
    of = f" of {label}" if len(results.labels) > 1 else ""
    gallery.add(
        "rank_stability",
        "ranking",
        "How firmly the ranks hold",
        f"Share of the bootstrap draws of the subjects in which a method takes a rank by "
        f"{metric.title}{of}, for three ways of ranking. One dot in a row: the rank is certain.",
        plot_rank_stability(chosen, results.ranked(metric.name, label), results.methods),
    )


def add_significance(gallery: Gallery, results: Results, metric: Metric) -> None:
    """Add which methods differ from which, unless there is only one."""
    if len(results.methods) < 2:
        return
    found = {label: verdicts(results.comparisons, metric, label) for label in results.labels}
    orders = {label: results.ranked(metric.name, label) for label in results.labels}
    gallery.add(
        "significance",
        "ranking",
        f"Which methods differ in {metric.title}",
        "Row against column, best method first; the numbers are adjusted p values. "
        "n/t: not testable.",
        plot_significance(found, orders),
    )


def add_detection(gallery: Gallery, results: Results, lesions: pd.DataFrame) -> None:
    """Add the share of lesions found by their size, unless there are none."""
    tables = {
        label: part for label in results.labels if len(part := lesions[lesions.label == label])
    }
    if not tables:
        return
    gallery.add(
        "detection",
        "lesions",
        "Lesions found, by size",
        "Share of the reference's lesions with at least one predicted voxel, all test cases "
        "together, first seed; 95 % Wilson intervals, which take lesions of one case as "
        "independent. A lesion is a set of voxels that touch (26 neighbours). n: lesions.",
        plot_detection(tables, results.methods),
    )


def add_agreement(gallery: Gallery, results: Results, volumes: pd.DataFrame) -> None:
    """Add Bland-Altman plots of the volume, one figure per label."""
    for label in results.labels:
        of = f" of {label}" if len(results.labels) > 1 else ""
        gallery.add(
            f"agreement_{label}",
            "agreement",
            f"Predicted against reference volume{of}",
            "Bland-Altman: one point per test case, first seed. Solid line: mean difference; "
            "dashed: limits of agreement (1.96 standard deviations of the differences).",
            plot_agreement(volumes, results.methods, label),
        )


def add_heat_maps(gallery: Gallery, heat: HeatMaps) -> None:
    """Add where lesions and errors lie in the template."""
    gallery.add(
        "heat_maps",
        "heat maps",
        "Where lesions and errors lie",
        "Share of the test cases with a lesion, a missed lesion voxel or a false alarm at this "
        f"place of the MNI template, first seed, up to {MOST_METHODS} methods, best first; "
        "nearest neighbour, left is the patient's right.",
        plot_heat_maps(heat.shares(), heat.template),
    )


def add_costs(gallery: Gallery, results: Results, metric: Metric) -> None:
    """Add the main metric against the costs, unless fewer than two methods have any."""
    if not shown_costs(results.costs):
        return
    label = results.labels[0]
    ranking = results.ranking
    chosen = ranking[(ranking.metric == metric.name) & (ranking.label == label)]
    of = f" of {label}" if len(results.labels) > 1 else ""
    gallery.add(
        "cost_accuracy",
        "costs",
        f"{metric.title}{of} against its cost",
        "Mean over the cases with its 95 % interval against the mean cost of a run. A method "
        "whose cost is 0 has no place on a logarithmic axis.",
        plot_cost_accuracy(results.costs, chosen, metric, results.methods),
    )


def add_overlays(
    gallery: Gallery,
    results: Results,
    chosen: Chosen,
    views: dict[str, CaseView],
    metric: Metric,
) -> None:
    """Add one overlay figure per method.

    The cases are those where the first class of the study is worst, median and best for
    the method, by the main metric.
    """
    label = results.labels[0]
    values = results.values(metric.name, label)
    for name in results.ranked(metric.name, label):
        if chosen[name]:
            shown = {choice: views[case] for choice, case in chosen[name].items()}
            add_overlay(gallery, name, shown, values, metric)


def add_overlay(
    gallery: Gallery, name: str, views: dict[str, CaseView], values: pd.DataFrame, metric: Metric
) -> None:
    """Add the worst, median and best case of one method, with all methods beside it."""
    ordered = values[[name, *(other for other in values.columns if other != name)]]
    gallery.add(
        f"overlays_{name}",
        "overlays",
        f"Worst, median and best case of {name}",
        f"Cases chosen by the {metric.title} of {name}: the lowest, the one at place "
        "ceil(n / 2) and the highest. The slice has the largest area of the reference (of the "
        "predictions where the reference is empty); left is the patient's right.",
        plot_overlays(views, ordered, metric.title),
    )

"""Every figure is there, says what it shows, and repeats its bytes."""

import json
import re
import struct

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fake_study import CASES, METHODS
from PIL import Image
from statsmodels.stats.proportion import proportion_confint

from mribench.dataset.geometry import Grid
from mribench.preprocessing.warp import resample
from mribench.report import slices
from mribench.report.agreement import limits_of_agreement
from mribench.report.case_images import CaseImages, Classes
from mribench.report.detection import bin_name, detection_rates, wilson
from mribench.report.figures import plot_all
from mribench.report.films import choose_slices, save_film
from mribench.report.heat_maps import HeatMaps, Template, plot_heat_maps
from mribench.report.learning_curves import read_curves
from mribench.report.rank_stability import plot_rank_stability
from mribench.report.significance import ALIKE, BETTER, OPEN, WORSE, verdicts
from mribench.report.style import COLOURS
from mribench.report.voxel_counts import measure_lesions, measure_volumes

GRID = Grid((4, 4, 4), np.eye(4))


@pytest.fixture(scope="session")
def manifest(figures):
    return json.loads((figures / "manifest.json").read_text())


def test_every_metric_and_method_has_its_figure(manifest, preset):
    names = {entry["name"] for entry in manifest}
    wanted = {f"distribution_{metric.name}" for metric in preset.metrics}
    wanted |= {f"overlays_{name}" for name in METHODS} | {"lesion_load", "learning_curves"}
    wanted |= {"significance", "detection", "agreement_lesion", "cost_accuracy", "rank_stability"}
    assert names == wanted


def test_figures_are_at_200_dpi_and_fit_a_page(manifest, figures):
    for entry in manifest:
        content = (figures / f"{entry['name']}.png").read_bytes()
        width = struct.unpack(">I", content[16:20])[0]
        assert 3.4 * 200 <= width <= 7.1 * 200
        place = content.index(b"pHYs") + 4
        assert round(struct.unpack(">I", content[place : place + 4])[0] * 0.0254) == 200


def test_text_stays_text_in_svg(figures):
    content = (figures / "distribution_hd95.svg").read_text()
    assert re.search(r"<text[^>]*>HD95 \(mm\)</text>", content)
    assert all(f">{name}<" in content for name in METHODS)


def test_undefined_cases_are_counted_on_the_axis(figures, results):
    defined = results.values("dice", "lesion").notna().sum()
    content = (figures / "distribution_dice.svg").read_text()
    assert [int(number) for number in re.findall(r"n = (\d+)", content)] == list(defined)
    assert defined.min() == len(CASES) - 1


def test_equal_studies_give_equal_bytes(mini, results, preset, figures, tmp_path):
    plot_all(results, mini.bids, Classes((1,), ()), preset.metrics, tmp_path)
    paths = sorted(path.relative_to(figures) for path in figures.rglob("*") if path.is_file())
    assert paths == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for path in paths:
        assert (figures / path).read_bytes() == (tmp_path / path).read_bytes(), path


def test_overlays_of_the_leader_come_first_and_name_its_cases(manifest, results):
    order = [entry["name"] for entry in manifest if entry["group"] == "overlays"]
    assert order == [f"overlays_{name}" for name in results.ranked("dice", "lesion")]


def test_every_case_has_a_small_film_of_every_method(figures):
    films = json.loads((figures / "films.json").read_text())
    assert sorted(films) == sorted(CASES)
    for case, film in films.items():
        pictures = sorted((figures / "cases" / case).glob("*.[jp][pn]g"))
        assert [path.stem for path in pictures] == sorted([*METHODS, "image"])
        assert max(path.stat().st_size for path in pictures) < 300_000
        width, height = film["size"]
        for path in pictures:
            assert Image.open(path).size == (width, height * len(film["places"]))


def test_film_shows_every_slice_with_lesions_or_predictions_up_to_the_limit():
    masks = [np.zeros((4, 4, 40), bool) for _ in range(2)]
    masks[0][1, 1, 5:9] = True
    masks[1][2, 2, 8:12] = True
    assert choose_slices(masks, 2, 6, 24) == [5, 6, 7, 8, 9, 10, 11]
    few = choose_slices(masks, 2, 6, 4)
    assert 6 in few
    assert len(few) <= 4
    assert {5, 11} <= set(few)
    assert choose_slices([np.zeros((4, 4, 40), bool)], 2, 20, 24) == [20]


def test_colours_of_a_film_are_the_errors_of_its_slice(tmp_path):
    array = np.zeros((40, 50, 6), np.uint8)
    array[15:20, 20:30, 2] = 1
    shifted = np.roll(array, 2, axis=0)
    volume = slices.Volume(np.full(array.shape, 50.0), (1.0, 1.0, 3.0))
    film = save_film(CaseImages("sub-01", volume, array, {"net": shifted}, GRID), tmp_path, 24)
    picture = Image.open(tmp_path / "net.png")
    assert film.places == [2]
    assert picture.size == film.size
    kinds = np.asarray(picture)
    scale = film.size[0] * film.size[1] / (40 * 50)
    counts = np.bincount(kinds.ravel(), minlength=4) / scale
    assert np.allclose(counts[1:], [30, 20, 20], atol=2)
    assert np.asarray(picture.convert("RGBA"))[..., 3].min() == 0


@pytest.mark.parametrize(("found", "count"), [(0, 5), (5, 5), (7, 10), (1, 40)])
def test_intervals_of_shares_are_wilsons(found, count):
    rate = wilson(found, count)
    low, high = proportion_confint(found, count, 0.05, "wilson")
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-6)


def test_lesions_are_found_by_size_as_counted_by_hand():
    reference, prediction = np.zeros((12, 12, 12), np.uint8), np.zeros((12, 12, 12), np.uint8)
    reference[1, 1, 1] = reference[2, 2, 2] = 1
    reference[5:8, 5:8, 5:8] = 1
    reference[10, 10, 10] = 2
    prediction[7, 7, 7:10] = 1
    prediction[10, 10, 10] = 1
    volume = slices.Volume(np.ones(reference.shape), (1.0, 1.0, 2.0))
    images = CaseImages("sub-01", volume, reference, {"net": prediction}, GRID)
    rows = measure_lesions(images, ["lesion", "other"])
    assert [(row["label"], row["mm3"], row["found"]) for row in rows] == [
        ("lesion", 4.0, False),
        ("lesion", 54.0, True),
        ("other", 2.0, False),
    ]
    rates = detection_rates(pd.DataFrame(rows[:2]))
    assert [(bin_name(row.bin), row.found, row.total) for row in rates.itertuples()] == [
        ("< 10", 0, 1),
        ("30–100", 1, 1),
    ]
    volumes = measure_volumes(images, ["lesion", "other"])
    assert [row["reference_ml"] for row in volumes] == pytest.approx([0.058, 0.002])
    assert [row["predicted_ml"] for row in volumes] == pytest.approx([0.008, 0.0])


def test_heat_maps_are_shares_of_the_cases_in_the_templates_space():
    """Two cases on shifted grids whose lesions fall on the same place of the template."""
    template = Template(np.ones((10, 10, 10), np.float32), (1.0, 1.0, 1.0), to_template)
    maps = HeatMaps(template, ["net", "blind"])
    for shift in (0, 3):
        reference = np.zeros((10, 10, 10), np.uint8)
        reference[5 - shift, 5, 5] = 1
        missed = reference.copy()
        missed[2, 2, 2] = 1
        affine = np.eye(4)
        affine[0, 3] = shift
        volume = slices.Volume(np.ones(reference.shape), (1.0, 1.0, 1.0))
        predictions = {"net": missed, "blind": np.zeros_like(reference)}
        grid = Grid(reference.shape, affine)
        maps.add(CaseImages("sub-01", volume, reference, predictions, grid))
    shares = maps.shares()
    assert shares.cases == 2
    assert shares.maps["reference"][5, 5, 5] == shares.maps["blind: missed"][5, 5, 5] == 1
    assert shares.maps["net: missed"].max() == shares.maps["blind: false alarm"].max() == 0
    assert (
        shares.maps["net: false alarm"][2, 2, 2] == shares.maps["net: false alarm"][5, 2, 2] == 0.5
    )
    assert sum(map_.sum() for map_ in shares.maps.values()) == 3
    figure = plot_heat_maps(shares, template)
    assert len(figure.axes) == 5 + 1
    plt.close(figure)


def to_template(case, array, grid):
    return resample(array, grid, Grid((10, 10, 10), np.eye(4)), (), "nearest")


def test_limits_of_agreement_follow_bland_and_altman():
    """Their 1986 example: peak flow by two meters, mean difference -2.1, SD 38.8 l/min."""
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    mean, low, high = limits_of_agreement(np.subtract(wright, mini))
    assert mean == pytest.approx(-2.1, abs=0.05)
    assert (high - mean) / 1.96 == pytest.approx(38.8, abs=0.05)
    assert low == pytest.approx(2 * mean - high)
    assert np.isnan(limits_of_agreement(np.array([1.0]))[1])


def test_significance_map_agrees_with_the_comparisons(results, preset):
    metric = preset.metric("hd95")
    found = verdicts(results.comparisons, metric, "lesion")
    rows = results.comparisons.query("metric == 'hd95'")
    for row in rows.to_dict("records"):
        first, second = row["first"], row["second"]
        assert found[first, second].p == found[second, first].p == row["p_adjusted"]
        if row["significant"] == "true":
            winner = (first, second) if row["better"] == first else (second, first)
            assert found[winner].colour == BETTER
            assert found[winner[::-1]].colour == WORSE
        else:
            assert found[first, second].colour == found[second, first].colour == ALIKE


def test_pair_that_was_not_tested_is_open(results, preset):
    table = results.comparisons.assign(p_adjusted=np.nan)
    found = verdicts(table, preset.metrics[0], "lesion")
    assert {verdict.colour for verdict in found.values()} == {OPEN}


def test_dots_of_rank_stability_have_the_area_of_their_share(results):
    draws = pd.DataFrame(
        [("aggregate_then_rank", "scp", 1, 0.75), ("aggregate_then_rank", "scp", 2, 0.25)],
        columns=["scheme", "method", "rank", "share"],
    )
    figure = plot_rank_stability(draws, ["scp", "unet2d"], METHODS)
    areas = [dots.get_sizes()[0] for dots in figure.axes[0].collections]
    assert areas[0] == 3 * areas[1]
    plt.close(figure)


def test_case_without_lesions_is_left_out_and_counted(manifest):
    caption = next(entry for entry in manifest if entry["name"] == "lesion_load")["caption"]
    assert "1 without lesions" in caption


def test_method_without_training_has_no_curve(results):
    curves = read_curves(results)
    assert set(curves) == {"unet2d", "scp"}
    assert [len(histories) for histories in curves.values()] == [3, 3]


def test_values_are_means_over_seeds(results):
    rows = pd.concat([results.metrics, results.metrics.assign(seed=1, value=0.0)])
    doubled = type(results)(results.folder, results.methods)
    doubled.__dict__["metrics"] = rows
    single, both = (item.values("dice", "lesion") for item in (results, doubled))
    defined = single.notna()
    assert np.allclose(both[defined].fillna(-1), (single[defined] / 2).fillna(-1))


def test_colours_differ_in_lightness_or_hue_for_everyone():
    """Simulated without red or green cones (Vienot et al. 1999) no two colours coincide."""
    linear = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in COLOURS]) ** 2.2
    blind = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    seen = np.clip(linear @ blind.T, 0, 1) ** (1 / 2.2)
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distance[~np.eye(len(COLOURS), dtype=bool)].min() > 0.1

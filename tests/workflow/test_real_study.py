"""The shipped study of real patients, with shorter trainings, to its end."""

import csv

import pytest
import yaml

pytestmark = pytest.mark.slow

SHORT = {
    "unet2d": {"width": 8, "epochs": 1, "iterations": 4, "batch_size": 2},
    "scp": {"n_c": 64, "epochs": 1, "iterations": 4, "batch_size": 2},
}


def test_real_patients_end_with_a_table_and_overlays(root, workspace, real_data):
    study = yaml.safe_load((root / "studies" / "open_ms_data.yaml").read_text())
    for name, keys in SHORT.items():
        study["methods"][name].update(keys)
    workspace.run(study, "--config", f"source={real_data / 'open_ms_data'}")

    results = workspace.results(study)
    with (results / "metrics.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["metric"] == "dice"]
    assert {(row["method"], row["case"]) for row in rows} == {
        (method, case) for method in study["methods"] for case in ("sub-07", "sub-19")
    }
    threshold = {row["case"]: float(row["value"]) for row in rows if "flair" in row["method"]}
    assert min(threshold.values()) > 0.02
    for method in study["methods"]:
        assert method in (results / "tables" / "leaderboard.csv").read_text()
        assert (results / "figures" / f"overlays_{method}.png").stat().st_size > 50_000

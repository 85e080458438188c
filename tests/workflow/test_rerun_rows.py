"""Only what changed runs again: each change on a finished study, and exactly what follows."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from rerun_scene import LOG, Scene, count_rules, of_runs

pytestmark = pytest.mark.slow

TRAIN = ("train_model", "predict_cases", "measure_cost", "evaluate_predictions")
PREDICT = TRAIN[1:]
SCORE = ("evaluate_predictions",)
THRESHOLD = ("flair_threshold/fold-0_seed-0", "flair_threshold/fold-1_seed-0")
UNET = ("unet2d/fold-0_seed-0", "unet2d/fold-1_seed-0")
ALL = (*THRESHOLD, *UNET)
FOLLOWS = {
    "aggregate_metrics",
    "assess_agreement",
    "compare_methods",
    "plot_figures",
    "render_report",
    "render_tables",
    "write_methods",
}
CODE = "the code that it uses has changed"
BACKEND = {"bias": {"backend": "ants"}}


@pytest.fixture(scope="module")
def scene(root, tmp_path_factory) -> Scene:
    return Scene(root, tmp_path_factory.mktemp("rows"))


def reorder(content):
    """Turn the order of all keys but those of variants and methods, where it says which is first."""
    if not isinstance(content, dict):
        return content
    keys = list(content) if "native" in content or "unet2d" in content else reversed(content)
    return {key: reorder(content[key]) for key in keys}


def plans(step, *runs):
    """The jobs that plan a step of runs."""
    return {f"plan_run/{run}_{step}" for run in runs}


def whole_runs(*runs):
    """All jobs of runs that are trained again."""
    return of_runs(TRAIN, *runs) | plans("training", *runs) | plans("prediction", *runs)


def new_runs(*runs):
    """All jobs of runs that were not there."""
    return whole_runs(*runs) | plans("evaluation", *runs)


SETTINGS = {
    "one more method": (
        lambda s: s["methods"].update(second={"method": "flair_threshold", "variant": "native"}),
        new_runs("second/fold-0_seed-0", "second/fold-1_seed-0") | FOLLOWS,
        "not made yet",
    ),
    "one more seed": (
        lambda s: s["protocol"].update(seeds=[0, 1]),
        new_runs(*(run.replace("seed-0", "seed-1") for run in ALL)) | FOLLOWS,
        "not made yet",
    ),
    "one hyperparameter of a method": (
        lambda s: s["methods"]["unet2d"].update(learning_rate=0.01),
        whole_runs(*UNET) | FOLLOWS,
        "learning_rate was 0.001, is 0.01",
    ),
    "two values of a method swapped": (
        lambda s: s["methods"]["unet2d"].update(iterations=4, batch_size=2),
        whole_runs(*UNET) | FOLLOWS,
        "batch_size was 4, is 2; iterations was 2, is 4",
    ),
    "keys in another order": (lambda s: s.update(reorder(s)), set(), ""),
    "a setting of the statistics": (
        lambda s: s.update(evaluation={"alpha": 0.01}),
        FOLLOWS - {"aggregate_metrics", "assess_agreement"},
        "alpha was 0.05, is 0.01",
    ),
    "another title": (
        lambda s: s.update(title="Another"),
        {"render_tables", "render_report"},
        'title was "rows", is "Another"',
    ),
    "another back end of a variant": (
        lambda s: s["variants"]["coarse"].update(BACKEND),
        {
            f"{rule}/sub-0{n}/{rest}/sub-0{n}"
            for n in (1, 2, 3)
            for rule, rest in (
                ("correct_bias", "coarse"),
                ("strip_skull", "T1w/coarse"),
                ("register_to_reference", "T1w/coarse"),
                ("segment_tissues", "T1w/coarse"),
                ("resample_images", "coarse"),
            )
        }
        | {f"review_preprocessing/coarse/sub-0{n}" for n in (1, 2, 3)}
        | {f"{rule}/coarse" for rule in ("collect_volumes", "pack_cases", "review_variant")}
        | whole_runs(*UNET)
        | FOLLOWS,
        "its cases have changed: images, labels or preprocessing",
    ),
}
EDITS = {
    "a comment and a docstring of a module": (
        "mribench/training/loop.py",
        lambda text: text.replace('"""', '"""In other words: ', 1) + "\n# Why.\n",
        set(),
        "",
    ),
    "code of one method": (
        "mribench/methods/flair_threshold.py",
        lambda text: text.replace("np.arange(0.0, 6.0", "np.arange(0.0, 7.0"),
        whole_runs(*THRESHOLD) | FOLLOWS,
        CODE,
    ),
    "code of a metric": (
        "mribench/metrics/surface.py",
        lambda text: text.replace("compact_nodes=False", "compact_nodes=True"),
        of_runs(SCORE, *ALL) | plans("evaluation", *ALL) | FOLLOWS,
        CODE,
    ),
    "code of the report": (
        "mribench/report/page.py",
        lambda text: text.replace('"Warnings"', '"Warned"'),
        {"render_report"},
        CODE,
    ),
    "threads and memory of the rules": (
        "rules/methods.smk",
        lambda text: text.replace("4000 * attempt", "9000 * attempt").replace(
            "    resources:", "    threads: 2\n    resources:"
        ),
        set(),
        "",
    ),
}


def check(scene, record_rerun, change, planned, expected, words):
    jobs, explained = planned
    assert jobs == expected
    said = [line for line in explained if "follows from the above" not in line]
    assert bool(said) is bool(expected)
    assert words in "\n".join(said)
    record_rerun(change, count_rules(jobs), said)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_change_of_the_settings(scene, record_rerun, name):
    change, expected, words = SETTINGS[name]
    check(scene, record_rerun, name, scene.plan(scene.changed(change)), expected, words)


@pytest.mark.parametrize("name", EDITS)
def test_a_change_of_the_code(scene, record_rerun, name):
    file, change, expected, words = EDITS[name]
    with scene.edited(file, change):
        check(scene, record_rerun, name, scene.plan(scene.study), expected, words)


def test_touched_scripts(scene, record_rerun):
    for path in (scene.code / "scripts").glob("*.py"):
        path.touch()
    check(scene, record_rerun, "all scripts touched", scene.plan(scene.study), set(), "")


def test_resources_of_the_command_line(scene, record_rerun):
    resources = ("train_model:mem_mb=9000", "train_model:gpu=2", "train_model:devices=2")
    more = ("--set-threads", "train_model=2", "--set-resources", *resources)
    change = "threads, memory and number of devices on the command line"
    check(scene, record_rerun, change, scene.plan(scene.study, *more), set(), "")


def test_an_upgraded_library(scene, record_rerun, tmp_path, monkeypatch):
    """A newer statsmodels, as far as its metadata say; it tests and ranks."""
    before = version("statsmodels")
    folder = tmp_path / "statsmodels-99.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: statsmodels\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    expected = {"compare_methods", "render_tables", "plot_figures", "render_report"}
    words = f"statsmodels was {before}, is 99.0"
    change = "another version of a library (statsmodels)"
    check(scene, record_rerun, change, scene.plan(scene.study), expected, words)


OF_NEW_CASE = {
    f"{rule}/sub-04/{rest}"
    for rule, rest in (
        ("correct_bias", "native/sub-04"),
        ("strip_skull", "T1w/native/sub-04"),
        ("register_to_reference", "T1w/native/sub-04"),
        ("segment_tissues", "T1w/native/sub-04"),
        ("resample_images", "native/sub-04"),
        ("resample_images", "coarse/sub-04"),
    )
} | {
    f"{rule}/{variant}{case}"
    for variant in ("native", "coarse")
    for rule, case in (
        ("review_preprocessing", "/sub-04"),
        ("collect_volumes", ""),
        ("pack_cases", ""),
        ("review_variant", ""),
    )
}


@pytest.mark.parametrize(
    ("change", "roles", "trained", "tested"),
    [
        ("one more case, tested in all folds", ("test", "test"), (), ALL),
        (
            "one more case, trained on in fold 0 and tested in fold 1",
            ("train", "test"),
            (THRESHOLD[0], UNET[0]),
            (THRESHOLD[1], UNET[1]),
        ),
    ],
)
def test_one_more_case(scene, record_rerun, change, roles, trained, tested):
    with scene.one_more_case(roles):
        scene.workspace.run(scene.study, "--until", "index_dataset")
        expected = OF_NEW_CASE | of_runs(PREDICT, *ALL) | of_runs(("train_model",), *trained)
        expected |= plans("training", *trained) | plans("prediction", *tested)
        expected |= plans("evaluation", *tested)
        expected |= FOLLOWS | {"make_splits"}
        check(scene, record_rerun, change, scene.plan(scene.study), expected, "not made yet")
    scene.workspace.run(scene.study, "--until", "index_dataset")
    assert scene.plan(scene.study) == (set(), [])


def test_a_case_in_another_role(scene, record_rerun):
    """The table of splits is made again, which must not hide that trainings change."""
    with scene.roles({"sub-02": ("test", "train")}):
        changed = (THRESHOLD[0], UNET[0])
        expected = new_runs(*changed) | of_runs(SCORE, *ALL) | FOLLOWS | {"make_splits"}
        change = "a case moved from training to test in fold 0"
        words = "the table of splits has changed"
        check(scene, record_rerun, change, scene.plan(scene.study), expected, words)


def test_what_is_planned_is_what_runs_and_then_all_is_done(scene):
    file, change, expected, _ = EDITS["code of the report"]
    with scene.edited(file, change):
        shown = scene.workspace.run(scene.study, "--printshellcmds")
        assert set(LOG.findall(shown)) == expected
        assert scene.plan(scene.study) == (set(), [])
    scene.workspace.run(scene.study)
    assert scene.plan(scene.study) == (set(), [])


def test_the_script_says_the_same(scene):
    with scene.edited(*EDITS["code of the report"][:2]):
        command = [sys.executable, "-m", "scripts.explain_rerun"]
        command += ["--snakefile", scene.code / "Snakefile", "--directory", scene.folder]
        command += ["--configfile", scene.folder / "study.yaml"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=scene.code, check=True)
    assert done.stdout.splitlines() == [f"render_report, 1 job: {CODE}"]

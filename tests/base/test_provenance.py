"""A spec changes when the meaning of code or settings changes, and only then."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mribench import provenance

content = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), content))
def test_order_of_keys_does_not_matter(settings):
    turned = dict(reversed(list(settings.items())))
    assert provenance.canonical(settings) == provenance.canonical(turned)
    assert json.loads(provenance.canonical(settings)) == settings


def test_swapped_values_give_another_spec():
    first = provenance.make_spec({"depth": 3, "width": 4}, [])
    assert first != provenance.make_spec({"depth": 4, "width": 3}, [])


def test_settings_come_back_from_a_spec():
    spec = provenance.make_spec({"a": [1, 2]}, [], cases=["sub-01"] * 5000)
    assert provenance.read_spec(spec) == {"a": [1, 2]}
    assert len(spec) < 200
    assert provenance.read_spec('{"a": 1}') == {"a": 1}


@pytest.fixture
def module(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / f"module{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text)
        return provenance.meaning(path)

    return write


CODE = '"""Text."""\nimport os\n\n\ndef double(x):\n    """Double."""\n    return 2 * x\n'


@pytest.mark.parametrize(
    ("edit", "same"),
    [
        (lambda text: text.replace("Double.", "Return twice x."), True),
        (lambda text: text.replace('"""Text."""', ""), True),
        (lambda text: text.replace("return", "# why\n    return"), True),
        (lambda text: text.replace("2 * x", "2*x"), True),
        (lambda text: text.replace("2 * x", "3 * x"), False),
        (lambda text: text.replace("2 * x", "x * 2"), False),
        (lambda text: text + "\n\ndef triple(x):\n    return 3 * x\n", False),
    ],
)
def test_only_meaning_counts(module, edit, same):
    assert (module(CODE) == module(edit(CODE))) is same


def test_closure_holds_every_module_that_a_script_really_loads(root):
    """The static closure of a script covers what Python loads when it is imported."""
    script = root / "scripts" / "evaluate_predictions.py"
    code = (
        f"import sys; sys.path[:0] = [{str(root)!r}, {str(script.parent)!r}]\n"
        "import evaluate_predictions\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items()"
        " if n.split('.')[0] == 'mribench' and m.__file__))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in run.stdout.split()}
    assert loaded
    assert loaded - provenance.NEUTRAL <= provenance.import_closure(script)


def test_closures_keep_methods_and_stages_apart(root):
    package = root / "mribench"
    train = provenance.import_closure(root / "scripts" / "train_model.py")
    assert not train & {package / "methods" / f"{name}.py" for name in ("scp", "unet2d", "unet3d")}
    scp = provenance.import_closure(package / "methods" / "scp.py")
    assert any(path.name == "scp.py" and path.parent.name == "networks" for path in scp)
    for script in ("correct_bias", "evaluate_predictions", "train_model"):
        reached = provenance.import_closure(root / "scripts" / f"{script}.py")
        assert not any(path.parent.name in ("report", "statistics") for path in reached), script


def test_versions_are_those_of_what_the_code_imports(root):
    train = provenance.package_versions(root / "scripts" / "train_model.py")
    assert train["torch"] == version("torch").partition("+")[0]
    assert "matplotlib" not in train
    for path in sorted((root / "mribench").rglob("*.py")):
        assert "not installed" not in provenance.package_versions(path).values(), path


def test_versions_of_libraries_with_other_names_and_of_missing_ones(tmp_path):
    path = tmp_path / "method.py"
    path.write_text("import json, sklearn.svm\nfrom PIL import Image\nimport no_such_library\n")
    assert provenance.package_versions(path) == {
        "PIL": version("pillow"),
        "no_such_library": "not installed",
        "sklearn": version("scikit-learn"),
    }

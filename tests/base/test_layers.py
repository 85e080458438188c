"""Imports go down only; light parts stay light; the Snakefile starts quickly."""

import ast
import subprocess
import sys

import pytest

MAY_IMPORT = {
    "networks": set(),
    "losses": set(),
    "metrics": set(),
    "dataset": set(),
    "preprocessing": {"dataset"},
    "statistics": {"metrics"},
    "training": {"networks", "losses", "metrics", "preprocessing"},
    "methods": {"training", "networks", "losses"},
    "report": {"statistics", "metrics"},
    "monitoring": {"dataset"},
    "application": {"methods", "training", "dataset", "monitoring"},
}
COMMON = {
    "config",
    "errors",
    "failures",
    "provenance",
    "files",
    "memory",
    "command",
    "stages",
    "plugins",
    "suggestions",
    "programs",
    "rounding",
}
OPEN_TO_ALL = "mribench.dataset.geometry"


def package_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)


def layer_of(module, names):
    parts = module.split(".")
    if parts[0] != "mribench" or module == OPEN_TO_ALL:
        return None
    if module == "mribench.dataset" and set(names) == {"geometry"}:
        return None
    return parts[1] if len(parts) > 1 else (names[0] if names else None)


@pytest.mark.parametrize("layer", sorted(MAY_IMPORT))
def test_imports_go_down_only(root, layer):
    allowed = MAY_IMPORT[layer] | COMMON | {layer, None, "__version__"}
    wrong = [
        (str(path.relative_to(root)), module)
        for path in (root / "mribench" / layer).rglob("*.py")
        for module, names in package_imports(path)
        if layer_of(module, names) not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize(
    "code",
    [
        "import mribench.config, mribench.plugins as p; [p.method_settings(n) for n in p.method_names()]",
        "import mribench.dataset.index, mribench.dataset.splits",
        "import pkgutil, importlib, mribench.metrics as m\n"
        "[importlib.import_module(f'mribench.metrics.{i.name}') for i in pkgutil.iter_modules(m.__path__)]",
        "import pkgutil, importlib, mribench.preprocessing as m\n"
        "[importlib.import_module(f'mribench.preprocessing.{i.name}') for i in pkgutil.iter_modules(m.__path__)]",
    ],
    ids=["config and methods", "dataset", "metrics", "preprocessing"],
)
def test_light_parts_load_neither_torch_nor_ants(root, code):
    check = "\nimport sys; print({'torch', 'ants', 'monai'} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code + check], capture_output=True, text=True, check=True, cwd=root
    )
    assert run.stdout.strip() == "set()"


def test_no_pickle_anywhere(root):
    """Nothing of the project can run code hidden in a data file."""
    words = (
        "import pickle",
        "torch.load",
        "torch.save",
        "allow_pickle=True",
        "joblib",
        "yaml.load(",
    )
    for path in [*(root / "mribench").rglob("*.py"), *(root / "scripts").glob("*.py")]:
        text = path.read_text()
        assert not [word for word in words if word in text], path

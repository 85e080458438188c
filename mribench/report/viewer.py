"""NiiVue for the volume viewer of the results page, where a package has brought it.

NiiVue (BSD-2-Clause) is no part of mribench. The wheel of ``ipyniivue`` carries it whole,
inside the script of its Jupyter widget: as the percent-encoded module that the widget writes
into the pages it saves.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mribench.files import write_text
from mribench.metrics.conventions import Metric
from mribench.report import slices
from mribench.report.results import Results

PACKAGE = "ipyniivue"
BUNDLE = "ipyniivue/static/widget.js"
LICENCE = "licenses/LICENSE"
MODULE = re.compile(r'"([^"\\\s]+export%7B[^"\\\s]*Niivue[^"\\\s]*)"')
EXPORTS = re.compile(r"export\{([^{}]+)\};?\s*$")
SCRIPT = "figures/niivue.js"


def write_niivue(path: Path) -> bool:
    """Write NiiVue as a script that sets ``globalThis.niivue``, its licence on top.

    Returns False, and writes nothing, where no package brings it.
    """
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        return False
    bundle = Path(str(package.locate_file(BUNDLE))).read_text(encoding="utf-8")
    module = MODULE.search(bundle)
    if module:
        write_text(path, as_script(unquote(module[1]), package.read_text(LICENCE) or ""))
    return module is not None


def as_script(module: str, licence: str) -> str:
    """Return a module as a script, since a page opened from disk may load no modules."""
    exports = EXPORTS.search(module)
    assert exports, "the module exports something"
    names = re.sub(r"(\w+) as (\w+)", r"\2:\1", exports[1])
    body = module[: exports.start()]
    return f'/*!\n{licence}*/\n(()=>{{"use strict";{body}globalThis.niivue={{{names}}};}})();\n'


def describe_viewer(results: Results, main: Metric) -> dict[str, Any]:
    """Return what the page tells the viewer: its script, methods (best first), colours."""
    label, count = results.labels[0], len(slices.CLASS_COLOURS)
    return {
        "script": SCRIPT,
        "version": version(PACKAGE),
        "methods": results.ranked(main.name, label),
        "errors": list(slices.COLOURS.values()),
        "classes": [slices.CLASS_COLOURS[k % count] for k in range(len(results.labels))],
    }

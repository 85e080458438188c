"""The JSON file beside every output: from what it was made, with which tool and parameters."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mribench import __version__, programs
from mribench.files import write_json, write_text

SEED = 1
NOT_IN_BIDS = ("*_xfm.*", "*_volumes.*", "/volumes.*", "figures", "review")


class Tool(NamedTuple):
    """What computed an output.

    Attributes
    ----------
    name
        The function or program, such as ``N4BiasFieldCorrection``.
    package
        The Python package or the program that brings it; ``mribench`` for our own code.
    """

    name: str
    package: str = "mribench"

    @property
    def version(self) -> str:
        """Version of the package or program as installed."""
        if self.package in programs.PROGRAMS:
            return programs.version(self.package)
        own = self.package == "mribench"
        return __version__ if own else importlib.metadata.version(self.package)


def write_sidecar(
    output: Path,
    tool: Tool,
    sources: Sequence[str],
    parameters: Mapping[str, Any],
    threads: int = 1,
    **fields: Any,
) -> None:
    """Write the sidecar of `output` (``x.nii.gz`` or ``x.txt`` gives ``x.json``).

    Parameters
    ----------
    output
        The file described.
    tool
        What computed it.
    sources
        BIDS URIs of the inputs, see :func:`uri`.
    parameters
        The settings it was computed with.
    threads
        Number of threads of the computation.
    fields
        Further BIDS fields, such as ``SkullStripped``, ``SpatialReference``, ``Type``.
    """
    content = {
        "Sources": list(sources),
        "Software": tool.name,
        "SoftwarePackage": tool.package,
        "SoftwareVersion": tool.version,
        "Parameters": dict(parameters),
        "Threads": threads,
        **fields,
    }
    write_json(sidecar_path(output), content)


def sidecar_path(output: Path) -> Path:
    """Return the path of the JSON file beside an image or a transform."""
    stem = output.name.removesuffix(".gz").rpartition(".")[0]
    return output.with_name(f"{stem}.json")


def uri(source: Path, output: Path) -> str:
    """Return the BIDS URI of a source as seen from the data set that `output` stands in.

    The root of a derivative data set is the folder above ``sub-…``; one with another
    root is called by the name of its folder: variants stand side by side.
    """
    root, inside = split_root(source)
    name = "" if root == split_root(output)[0] else root.name
    return f"bids:{name}:{inside.as_posix()}"


def raw_uri(path: Path) -> str:
    """Return the BIDS URI of a file of the raw data set; its labels stand in ``derivatives``."""
    if "derivatives" in path.parts:
        inside = Path(*path.parts[path.parts.index("derivatives") :])
    else:
        inside = split_root(path)[1]
    return f"bids:raw:{inside.as_posix()}"


def split_root(path: Path) -> tuple[Path, Path]:
    """Split a path into the root of its data set and the rest, which starts with ``sub-…``."""
    parts = path.parts
    depths = [depth for depth, part in enumerate(parts[:-1]) if part.startswith("sub-")]
    if not depths:
        return path.parent, Path(path.name)
    return Path(*parts[: depths[-1]]), Path(*parts[depths[-1] :])


def describe_derivatives(output: Path, variants: Sequence[str], raw: str) -> None:
    """Write ``dataset_description.json`` of the derivatives of one variant.

    Beside it, ``.bidsignore`` names what BIDS knows no form for: transforms, volumes and
    the pages of the review.

    Parameters
    ----------
    output
        The file, in ``preproc/<variant>``.
    variants
        All variants of the study: sources in their folders are named in `DatasetLinks`.
    raw
        Path or URL of the raw data set.
    """
    own = output.parent.name
    write_text(output.with_name(".bidsignore"), "\n".join(NOT_IN_BIDS) + "\n")
    write_json(
        output,
        {
            "Name": f"mribench preprocessing, variant {own}",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "mribench", "Version": __version__}],
            "SourceDatasets": [{"URL": raw}],
            "DatasetLinks": {
                "raw": raw,
                **{name: f"../{name}" for name in variants if name != own},
            },
        },
    )

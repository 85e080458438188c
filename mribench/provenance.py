"""What a rule depends on: its slice of the configuration and the code it reaches.

Snakemake reruns a job when its ``params`` change. Each rule has one parameter,
the *spec*: canonical JSON of the settings it uses, a fingerprint of the package's
sources that its script can reach by import, and the versions of the libraries that
these import. Comments, docstrings and layout do not enter the fingerprint, so only
a change of meaning reruns work.
"""

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parent
# Modules that check and carry settings, or start programs, but compute nothing: what they
# let through is in the spec as data, so their own code stays out of the fingerprint.
NEUTRAL = frozenset(PACKAGE.glob("config/*.py")) | frozenset(
    PACKAGE / f"{name}.py"
    for name in (
        "__init__",
        "command",
        "errors",
        "failures",
        "memory",
        "plugins",
        "programs",
        "provenance",
        "suggestions",
    )
)
# Libraries that check, log or limit threads, and compute nothing.
SILENT = frozenset({"pydantic", "tensorboardX", "threadpoolctl", "tqdm"})
# Libraries in an environment of their own, and the lock of that environment.
LOCKED_APART = {"nnunetv2": "requirements/nnunet.txt"}
# Modules whose distribution has another name, so that it is found without a search.
DISTRIBUTION_OF = {
    "PIL": "pillow",
    "ants": "antspyx",
    "cc3d": "connected-components-3d",
    "fsl": "fslpy",
    "lightning_fabric": "lightning-fabric",
    "yaml": "PyYAML",
}


def canonical(content: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal content, equal text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(content: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of :func:`canonical` JSON."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


def make_spec(
    settings: Any,
    sources: Iterable[Path],
    packages: Mapping[str, str] | None = None,
    **upstream: Any,
) -> str:
    """Return a rule's spec as canonical JSON.

    Parameters
    ----------
    settings
        The slice of the configuration that the rule's script reads.
    sources
        The files that the fingerprint starts from: the script and, where tools are
        chosen by name, the modules chosen.
    packages
        Libraries and their versions (see :func:`package_versions`).
    upstream
        Anything else that must rerun the rule when it changes; stored as digests, so
        that a spec stays short however much it covers.
    """
    digests = {key: digest(value) for key, value in upstream.items()}
    digests["sources"] = fingerprint(*sources)
    return canonical({"settings": settings, "packages": dict(packages or {}), **digests})


def read_spec(text: str) -> Any:
    """Return the settings inside a spec; text without ``settings`` is taken as settings."""
    content = json.loads(text)
    if isinstance(content, Mapping) and "settings" in content:
        return content["settings"]
    return content


@cache
def fingerprint(*sources: Path) -> str:
    """Return a digest of the meaning of `sources` and of all package code they can reach."""
    reached: set[Path] = set()
    for source in sources:
        reached |= import_closure(source.resolve())
    meanings = sorted((_relative(path), meaning(path)) for path in reached)
    return digest(meanings)


@cache
def package_versions(*sources: Path) -> dict[str, str]:
    """Return the versions of the libraries that `sources` and what they reach import.

    Only what is imported by name counts, not what a library needs itself; builds of a
    version for other machines (``2.13.0+cpu``) count as the same.
    """
    reached = frozenset[Path]().union(*(import_closure(source.resolve()) for source in sources))
    found = {name.partition(".")[0] for path in reached for name in _read(path).names}
    own = {PACKAGE.name, "scripts", *SILENT, *sys.stdlib_module_names}
    return {module: _version(module).partition("+")[0] for module in sorted(found - own)}


@cache
def _version(module: str) -> str:
    if module in LOCKED_APART:
        lines = (PACKAGE.parent / LOCKED_APART[module]).read_text(encoding="utf-8").split()
        return next(line for line in lines if line.startswith(f"{module}==")).partition("==")[2]
    try:
        return version(DISTRIBUTION_OF.get(module, module))
    except PackageNotFoundError:
        # Reading what all distributions hold takes half a second: only for unknown ones.
        known = packages_distributions().get(module)
        return version(known[0]) if known else "not installed"


@cache
def import_closure(source: Path) -> frozenset[Path]:
    """Return `source` and every module of the package that it imports, directly or not.

    Imports inside functions count.
    """
    reached: set[Path] = set()
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in reached or path in NEUTRAL:
            continue
        reached.add(path)
        waiting += imported_modules(path)
    return frozenset(reached)


@cache
def imported_modules(source: Path) -> tuple[Path, ...]:
    """Return the files of the package that `source` names in its import statements."""
    names = list(_read(source).names)
    names += [
        ".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)
    ]
    found = (_locate(name) for name in names)
    return tuple(sorted({path for path in found if path is not None}))


def code_version() -> str:
    """Return the git commit of the code and whether it was changed since, where known."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return "not a git checkout"
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "git commit unknown"
    return f"git commit {commit[:12]}" + (" with local changes" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _locate(name: str) -> Path | None:
    head, *rest = name.split(".")
    if head != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def meaning(source: Path) -> str:
    """Return a digest of a Python file without comments, layout and docstrings."""
    return _read(source).meaning


class _Source(NamedTuple):
    """What a file of Python names in its imports, and the digest of its meaning."""

    names: tuple[str, ...]
    meaning: str


@cache
def _read(source: Path) -> _Source:
    tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_text(item)]  # type: ignore[attr-defined]
    return _Source(tuple(names), hashlib.sha256(ast.dump(tree).encode()).hexdigest())


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _relative(path: Path) -> str:
    root = PACKAGE.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

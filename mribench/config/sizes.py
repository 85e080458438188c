"""The small form of a study: what its section ``small`` changes, for a quick look at the whole."""

from collections.abc import Mapping
from typing import Any

from mribench.errors import ConfigError
from mribench.plugins import unknown

SIZES = ("full", "small")


def choose_size(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the study's configuration at the size it asks for, without ``size`` and ``small``.

    Parameters
    ----------
    raw
        The configuration as read from YAML. With ``size: small`` the section ``small`` is laid
        over the rest, and ``_small`` is added to the study's name: the results of the two
        sizes stand in folders of their own.

    Raises
    ------
    ConfigError
        If the size is not known, or small and the study does not say what that is.
    """
    content = dict(raw)
    size, small = content.pop("size", "full"), content.pop("small", None)
    if size not in SIZES:
        raise ConfigError(unknown("size", str(size), SIZES))
    if size == "full":
        return content
    if not isinstance(small, Mapping) or not small:
        raise ConfigError("small: missing; with size: small it says what changes")
    merged = lay_over(content, small)
    return {**merged, "study": f"{merged.get('study', '')}_small"}


def lay_over(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `content` with `changes`: sections are merged, null removes a key, others replace."""
    merged = {key: value for key, value in content.items() if changes.get(key, ...) is not None}
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = lay_over(below, value)
        elif value is not None:
            merged[key] = value
    return merged

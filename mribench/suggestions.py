"""Turning validation errors into one line each, with the nearest known name."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def nearest(value: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `value`, or None where none is like it."""
    found = difflib.get_close_matches(str(value), [str(name) for name in known], n=1, cutoff=0.6)
    return found[0] if found else None


def describe_validation(
    error: ValidationError, model: type[BaseModel], prefix: str = ""
) -> list[str]:
    """Return one ``path.to.key: problem`` line per error, without duplicates.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was validated; its fields are the source of suggestions.
    prefix
        Dotted path of the model inside the configuration.
    """
    lines: list[str] = []
    for item in error.errors():
        line = _describe(item, model, prefix)
        if line not in lines:
            lines.append(line)
    return lines


def _describe(item: Any, model: type[BaseModel], prefix: str) -> str:
    location, kinds = _walk(model, [str(part) for part in item["loc"]])
    path = ".".join([*([prefix] if prefix else []), *location])
    if item["type"] == "extra_forbidden":
        hint = nearest(location[-1], _field_names(kinds))
        return f"{path}: unknown key" + (f", did you mean {hint}?" if hint else "")
    if item["type"] == "missing":
        return f"{path}: missing; this key is required"
    if item["type"] == "union_tag_not_found":
        return f"{path}.{_tag_key(item)}: missing; this key is required"
    if item["type"] == "union_tag_invalid":
        return f"{path}.{_tag_key(item)}: {_unknown_tag(item['ctx'])}"
    if item["type"] == "value_error":
        reason = str(item["ctx"]["error"])
        return f"{path}.{reason}" if path else reason
    return f"{path}: {item['msg'][0].lower()}{item['msg'][1:]}, found {item['input']!r}"


def _tag_key(item: Any) -> str:
    """Name of the key that chooses between models."""
    return str(item["ctx"]["discriminator"]).strip("'")


def _unknown_tag(context: Any) -> str:
    known = sorted(re.findall(r"'(\w+)'", context["expected_tags"]))
    hint = nearest(context["tag"], known)
    guess = f", did you mean {hint}?" if hint else ""
    return f"unknown name {context['tag']!r}{guess} (known: {', '.join(known)})"


def _field_names(kinds: list[Any]) -> list[str]:
    """Names of the keys of models, as the configuration spells them."""
    return [
        field.alias or name
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items()
    ]


def _walk(model: type[BaseModel], location: list[str]) -> tuple[list[str], list[Any]]:
    """Return `location` as the configuration spells it, and the models that hold its last key.

    Where a key chooses between models, pydantic puts the choice into the location; it
    stands nowhere in the configuration.
    """
    spelt: list[str] = []
    current: list[Any] = [model]
    holders = current
    for part in location:
        chosen = [kind for kind in current if part in _tags(kind)]
        if chosen:
            current = chosen
            continue
        spelt.append(part)
        holders = current
        current = [inner for kind in current for inner in _step(kind, part)]
    return spelt, holders


def _tags(kind: Any) -> list[str]:
    """Values of the key that tells a model from its alternatives, where it has one."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    field = kind.model_fields.get("method")
    return list(get_args(field.annotation)) if field and field.annotation is not str else []


def _step(kind: Any, part: str) -> list[Any]:
    """Models below the key `part`; keys of dictionaries stand for no field."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return [kind]
    for name, field in kind.model_fields.items():
        if part in (name, field.alias):
            return _models_in(field.annotation)
    return [kind]


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]

"""The JSON schema and the reference page of the configuration, written from the models.

``python -m mribench.schema`` writes ``config.schema.json`` and
``docs/configuration.md``; a test fails when they are out of step.
"""

import json
from pathlib import Path
from typing import Any

from mribench.config import Study
from mribench.files import write_text
from mribench.plugins import method_names, method_settings

ROOT = Path(__file__).parent.parent
SCHEMA_FILE = ROOT / "config.schema.json"
PAGE_FILE = ROOT / "docs" / "configuration.md"


def study_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a study, with every method's own keys.

    ``method`` may be left out of an entry: it is the entry's name then.
    """
    schema = Study.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    choices = []
    for name in method_names():
        entry = method_settings(name).model_json_schema(by_alias=True)
        definitions |= entry.pop("$defs", {})
        entry["required"].remove("method")
        definitions[f"method_{name}"] = entry
        choices.append({"$ref": f"#/$defs/method_{name}"})
    patterns = schema["properties"]["methods"]["patternProperties"]
    for pattern in patterns:
        patterns[pattern] = {"anyOf": choices}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Return the content of ``config.schema.json``."""
    return json.dumps(study_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def reference_page() -> str:
    """Return the content of ``docs/configuration.md``: one table per model."""
    schema = study_schema()
    parts = [
        "# Configuration\n",
        "Written by `make schema` from the typed models; do not edit. Unknown keys are refused.\n",
        _section("study", schema),
    ]
    hidden = {"Method"}
    models = {name: model for name, model in schema["$defs"].items() if name not in hidden}
    for name in sorted(models, key=lambda key: (key.startswith("method_"), key)):
        parts.append(_section(name.replace("method_", "method: "), models[name]))
    return "\n".join(parts)


def _section(title: str, model: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    lines = [f"## {title}\n", model.get("description", "").strip() + "\n"]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in model.get("properties", {}).items():
        default = "required" if key in required else f"`{_default(field)}`"
        meaning = " ".join(field.get("description", "").split())
        lines.append(f"| `{key}` | {_kind(field)} | {default} | {meaning} |".replace("| |", "|  |"))
    return "\n".join(lines) + "\n"


def _default(field: dict[str, Any]) -> str:
    text = json.dumps(field.get("default"), ensure_ascii=False)
    return text if len(text) <= 60 else "see the section of its type"


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    for union in ("anyOf", "oneOf"):
        if union in field:
            return " or ".join(_kind(choice) for choice in field[union])
    if field.get("type") == "array" and isinstance(field.get("items"), dict):
        return f"list of {_kind(field['items'])}" if field["items"] else "list"
    if "patternProperties" in field:
        return "mapping of names to " + _kind(next(iter(field["patternProperties"].values())))
    return str(field.get("type", "any"))


def main() -> None:
    """Write both files."""
    write_text(SCHEMA_FILE, schema_text())
    write_text(PAGE_FILE, reference_page())


if __name__ == "__main__":
    main()

"""Models, JSON schema, reference page and commented config.yaml say the same."""

import re

import jsonschema
import pytest
import yaml

from mribench import schema
from mribench.config import Study, load_study
from mribench.plugins import method_names, method_settings


def test_written_files_are_in_step():
    assert schema.SCHEMA_FILE.read_text() == schema.schema_text(), "run `make schema`"
    assert schema.PAGE_FILE.read_text() == schema.reference_page(), "run `make schema`"


def test_shipped_studies_satisfy_the_schema(root):
    validator = jsonschema.Draft202012Validator(schema.study_schema())
    for file in [root / "config.yaml", *(root / "studies").glob("*.yaml")]:
        errors = list(validator.iter_errors(yaml.safe_load(file.read_text())))
        assert not errors, file


def test_schema_refuses_an_unknown_key_at_every_level(root):
    validator = jsonschema.Draft202012Validator(schema.study_schema())
    for path in (["dataset"], ["dataset", "phantoms"], ["protocol", "split"], ["methods", "scp"]):
        content = yaml.safe_load((root / "config.yaml").read_text())
        place = content
        for part in path:
            place = place.setdefault(part, {})
        place["surprise"] = 1
        assert list(validator.iter_errors(content)), path


def models(model, seen=None):
    seen = {} if seen is None else seen
    if model.__name__ not in seen:
        seen[model.__name__] = model
        for field in model.model_fields.values():
            for name in re.findall(r"mribench\.config\.\w+\.([A-Z]\w+)", str(field.annotation)):
                from mribench import config

                models(getattr(config, name), seen)
    return seen


def all_models():
    return [*models(Study).values(), *(method_settings(name) for name in method_names())]


@pytest.mark.parametrize(
    "model", all_models(), ids=lambda model: f"{model.__module__}.{model.__name__}"
)
def test_every_key_is_documented(model):
    assert model.__doc__
    undocumented = [name for name, field in model.model_fields.items() if not field.description]
    assert not undocumented


def test_demo_config_comments_every_key(root):
    """Each key of the demo stands on a line with a comment, or right under one."""
    lines = (root / "config.yaml").read_text().splitlines()
    bare = []
    for number, line in enumerate(lines):
        if re.match(r"\s*[\w-]+:", line) and "#" not in line:
            above = lines[number - 1].strip() if number else ""
            if not above.startswith("#"):
                bare.append(line)
    assert not bare


def test_demo_config_is_complete(root):
    """config.yaml shows every key of the study's own models, as a key or in a comment."""
    text = (root / "config.yaml").read_text()
    load_study(yaml.safe_load(text))
    shown = set(re.findall(r"(\w+):", text))
    for model in models(Study).values():
        if model.__name__ in ("Backend", "Method"):
            continue
        names = {field.alias or name for name, field in model.model_fields.items()}
        assert names <= shown, (model.__name__, names - shown)

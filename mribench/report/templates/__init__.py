"""Pages from templates: everything that is filled in is escaped."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def render(name: str, **content: Any) -> str:
    """Fill in the template called `name`; text is escaped, a missing variable is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(**content)

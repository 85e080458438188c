"""What to cite for which tool: the file ``citations.bib`` read, searched and written out."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "citations.bib"
ENTRY = re.compile(r"^@(\w+)\{([\w:-]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^ *(\w+) = \{(.*)\},?$", re.MULTILINE)
ACCENT = re.compile(r"\\(['\"`^~]|[cv](?=\{))\{?(\w)\}?")
COMBINING = {"'": "\u0301", '"': "\u0308", "`": "\u0300", "^": "\u0302", "~": "\u0303"}
COMBINING |= {"c": "\u0327", "v": "\u030c"}
PLACES = ("journal", "booktitle", "institution", "howpublished")


class Entry(NamedTuple):
    """One source: its kind, its key and its fields, in the order of the file."""

    kind: str
    key: str
    fields: dict[str, str]

    @property
    def tools(self) -> list[str]:
        """The names that the source is cited for."""
        return [name.strip() for name in self.fields["tools"].split(";")]


@cache
def entries() -> tuple[Entry, ...]:
    """Return all sources, in the order of the file."""
    text = FILE.read_text(encoding="utf-8")
    return tuple(
        Entry(kind, key, dict(FIELD.findall(body))) for kind, key, body in ENTRY.findall(text)
    )


def find_keys(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of the sources for any of `terms`, in the order of the file.

    A source is found where one of its tools stands in a term as a whole word, whatever the
    case: ``antsRegistration, MNI152NLin2009aSym mask`` finds two.
    """
    text = "\n".join(terms)
    return tuple(
        entry.key
        for entry in entries()
        if any(re.search(rf"(?<!\w){re.escape(t)}(?!\w)", text, re.IGNORECASE) for t in entry.tools)
    )


def to_bibtex(keys: Sequence[str]) -> str:
    """Return the sources of `keys` as BibTeX, sorted by key, without our own field."""
    chosen = sorted((entry for entry in entries() if entry.key in keys), key=lambda item: item.key)
    return "\n".join(_entry_text(entry) for entry in chosen)


def _entry_text(entry: Entry) -> str:
    fields = [f"  {name} = {{{text}}},\n" for name, text in entry.fields.items() if name != "tools"]
    return f"@{entry.kind}{{{entry.key},\n{''.join(fields)}}}\n"


def reference(key: str) -> str:
    """Return a source as plain text: authors, title, where, when."""
    entry = next(entry for entry in entries() if entry.key == key)
    fields = {name: plain_text(text) for name, text in entry.fields.items()}
    place = next(fields[name] for name in PLACES if name in fields)
    numbers = [fields[name] for name in ("volume", "pages") if name in fields]
    where = ", ".join([" ".join([place, *numbers[:1]]), *numbers[1:]])
    doi = f", doi:{fields['doi']}" if "doi" in fields else ""
    return f"{authors(fields['author'])}: {fields['title']}. {where} ({fields['year']}){doi}"


def authors(field: str) -> str:
    """Return the family names of BibTeX authors; from four on the first one stands for all."""
    names = [name.partition(",")[0].strip() for name in field.split(" and ")]
    if "others" in names or len(names) > 3:
        return f"{names[0]} et al."
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plain_text(text: str) -> str:
    """Return BibTeX text without braces, its accents as letters and its ranges with dashes."""
    accented = ACCENT.sub(
        lambda found: unicodedata.normalize("NFC", found[2] + COMBINING[found[1]]), text
    )
    return re.sub(r"[{}]", "", accented).replace("--", "–")

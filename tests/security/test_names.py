"""Names from a configuration cannot leave their place."""

import pytest

from mribench.config import load_study
from mribench.errors import ConfigError

HOSTILE = (
    "-rf",
    "a;touch x",
    "$(touch x)",
    "`touch x`",
    "a b",
    "../a",
    "/a",
    "a\nb",
    "a\n",
    "a'b",
    '"',
    "",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["study", "variant", "method", "class", "site"])
def test_names_are_plain(place: str, name: str) -> None:
    def named(here: str, usual: str) -> str:
        return name if place == here else usual

    study = {
        "study": named("study", "fine"),
        "dataset": {
            "recipe": "phantoms",
            "label": {"values": {named("class", "lesion"): 1}},
            "phantoms": {"sites": {named("site", "A"): {}}},
        },
        "variants": {named("variant", "native"): {}},
        "methods": {
            named("method", "flair_threshold"): {
                "method": "flair_threshold",
                "variant": named("variant", "native"),
            }
        },
    }
    with pytest.raises(ConfigError):
        load_study(study)


def test_the_same_study_with_plain_names_is_fine() -> None:
    assert load_study(
        {
            "study": "fine",
            "dataset": {"recipe": "phantoms"},
            "variants": {"native": {}},
            "methods": {"flair_threshold": {"variant": "native"}},
        }
    )

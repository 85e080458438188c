"""What may identify a person is said before an archive leaves the house."""

import json

import nibabel
import numpy as np
import pytest

from mribench.config import load_study
from mribench.files import make_image
from mribench.report.crate import publish_study
from mribench.report.privacy import list_disclosures

LABELS = np.zeros((4, 5, 6), np.uint8)


def named(field, text):
    image = make_image(LABELS, np.eye(4))
    image.header[field] = text
    return image.to_bytes()


def with_extension():
    image = make_image(LABELS, np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"from ward 7"))
    return image.to_bytes()


def scan():
    noise = np.random.default_rng(0).normal(100, 20, (8, 9, 10)).astype(np.float32)
    return make_image(noise, np.eye(4)).to_bytes()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.nii", named("descrip", "Jane Doe 1970"), "header field descrip says 'Jane Doe 1970'"),
        ("a.nii", named("db_name", "ward7"), "header field db_name says 'ward7'"),
        ("a.nii", with_extension(), "header extensions: 1"),
        ("a.nii", scan(), "720 intensities, no label map; an image may show a face"),
        (
            "a.json",
            json.dumps([{"deep": {"PatientName": "x", "EchoTime": 1}}]).encode(),
            "a.json: keys that may identify a person: PatientName",
        ),
    ],
)
def test_what_identifies_a_person_is_said(name, content, message):
    (text,) = list_disclosures({name: content})
    assert message in text


def test_label_maps_and_plain_records_tell_nothing(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(make_image(LABELS, np.eye(4)).to_bytes())
    assert list_disclosures({"a.nii": path, "a.json": b'{"seconds": 1}', "a.csv": b"a,b"}) == []


def test_publishing_says_it(configuration, mini, figures, archive, tmp_path):
    raw = configuration.model_dump(mode="json", by_alias=True)
    raw["publish"] = {"predictions": True}
    study = load_study(raw)
    assert publish_study(study, mini.folder, "{}", tmp_path / "clean.zip") == []
    path = sorted(mini.folder.glob("runs/scp/fold-0_seed-0/predictions/*.nii.gz"))[0]
    content = path.read_bytes()
    image = nibabel.Nifti1Image.from_filename(path)
    image.header["descrip"] = "Jane Doe"
    nibabel.save(image, path)
    try:
        (text,) = publish_study(study, mini.folder, "{}", tmp_path / "named.zip")
    finally:
        path.write_bytes(content)
    assert text.startswith(f"{path.relative_to(mini.folder)}: header field descrip says 'Jane Doe'")

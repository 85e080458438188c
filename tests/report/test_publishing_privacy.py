"""What may identify a person is said before an archive leaves the house."""

import nibabel

from mribench.config import load_study
from mribench.report.crate import publish_study


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
        (risk,) = publish_study(study, mini.folder, "{}", tmp_path / "named.zip")
    finally:
        path.write_bytes(content)
    assert str(risk) == f"{path.relative_to(mini.folder)}: the header's descrip is 'Jane Doe'"

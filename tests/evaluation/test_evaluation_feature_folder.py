"""Features on disk: whole blocks, of these settings, or nothing."""

import pytest
import torch

from insetgan.evaluation.feature_folder import Described, FeatureFolder
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint


def claimed(path, values="mark"):
    folder = FeatureFolder(path, fingerprint(values))
    folder.folder.claim()
    return folder


def described(block):
    found = torch.tensor([seed % 2 == 0 for seed in block])
    values = torch.tensor([[float(seed), -float(seed)] for seed in block])
    everywhere = torch.ones(len(block), dtype=torch.bool)
    return Described(
        {"body": values, "face": values[found]},
        {"body": everywhere, "face": found},
        {"seam.face": torch.tensor(block) / 10},
    )


def test_blocks_come_back_in_order(tmp_path):
    folder, blocks = claimed(tmp_path / "x"), [[0, 1, 2], [3, 4, 5], [7]]
    for block in reversed(blocks):
        assert not folder.finished(block)
        folder.add(block, described(block))
        assert folder.finished(block)
    whole = folder.gather(blocks)
    assert whole.features["body"][:, 0].tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert whole.features["face"][:, 1].tolist() == [-0.0, -2, -4]
    assert whole.found["face"].tolist() == [True, False, True, False, True, False, False]
    torch.testing.assert_close(whole.figures["seam.face"], torch.tensor([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7]))


def test_other_settings_and_other_blocks_are_not_taken_for_these(tmp_path):
    folder = claimed(tmp_path)
    folder.add([0, 1], described([0, 1]))
    assert not folder.finished([0, 1, 2]), "another block with the same first seed"
    assert not FeatureFolder(tmp_path, fingerprint("other")).finished([0, 1])
    with pytest.raises(UserError, match=r"0 was made otherwise|2 is missing"):
        folder.gather([[0, 1], [2, 3]])


@pytest.mark.parametrize("length", [0, 5, 100])
def test_a_file_cut_short_counts_for_nothing(tmp_path, length):
    folder = claimed(tmp_path)
    folder.add([0, 1], described([0, 1]))
    (path,) = tmp_path.glob("[0-9]*.safetensors")
    path.write_bytes(path.read_bytes()[:length])
    assert not folder.finished([0, 1])
    folder.add([0, 1], described([0, 1]))
    assert folder.finished([0, 1])

import pytest
import torch

from insetgan.metrics.reconstruction import FIGURES, reconstruction_figures


def test_figures_by_hand():
    images, drawn = torch.full((2, 3, 4, 4), -1.0), torch.full((2, 3, 4, 4), -1.0)
    drawn[1] = -1 + 51 / 127.5  # 51 of 255, a fifth
    found = reconstruction_figures(images, drawn)
    assert set(found) == set(FIGURES)
    assert found["mae"].tolist() == [0, 51]
    assert found["mse"][1].item() == pytest.approx(0.04)
    assert found["psnr"].tolist() == pytest.approx([100, 13.979400])
    assert found["perceptual"].isnan().all()


def test_values_are_measured_as_they_are_saved():
    found = reconstruction_figures(torch.ones(1, 3, 4, 4), torch.full((1, 3, 4, 4), 1.7))
    assert found["mae"].item() == 0

import numpy as np
import pytest
import torch

from insetgan.metrics import manifold
from insetgan.metrics.manifold import covered, precision_and_recall, radii


def column(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1)


def test_radii_by_hand():
    # 0 1 3 7: nearest 1 1 2 4, second 3 2 3 6.
    assert radii(column(0, 1, 3, 7).double(), 1).tolist() == [1, 1, 4, 16]
    assert radii(column(0, 1, 3, 7).double(), 2).tolist() == [9, 4, 9, 36]


def test_precision_and_recall_by_hand():
    # Balls of the real ones with k = 1: [-1, 1], [0, 2], [1, 5] and [3, 11]. Of the fake ones: [4.5, 6.5], [5.5, 7.5] and
    # [6.5, 33.5].
    real, fake = column(0, 1, 3, 7), column(5.5, 6.5, 20)
    precision, recall = precision_and_recall(real, fake, k=1)
    assert precision == pytest.approx(2 / 3)
    assert recall == pytest.approx(1 / 4)  # 7 alone


def test_a_point_on_the_border_of_a_ball_is_inside():
    inside = covered(column(2.0, 2.5).double(), column(0.0).double(), torch.tensor([4.0], dtype=torch.float64))
    assert inside.tolist() == [True, False]


def test_the_same_images_are_wholly_covered_and_strangers_not_at_all():
    features = torch.randn(40, 8)
    assert precision_and_recall(features, features) == (1, 1)
    assert precision_and_recall(features, features + 100) == (0, 0)


def test_dropped_modes_cost_recall_and_invented_ones_precision():
    modes = torch.randn(60, 2) * 0.1
    both = torch.cat([modes, modes + 50])
    assert precision_and_recall(both, modes + 0.01)[0] > 0.9
    assert precision_and_recall(both, modes + 0.01)[1] == pytest.approx(0.5, abs=0.05)
    assert precision_and_recall(modes, both)[0] == pytest.approx(0.5, abs=0.05)


def test_sides_change_places():
    real, fake = torch.randn(30, 3), torch.randn(25, 3) + 0.5
    assert precision_and_recall(real, fake) == precision_and_recall(fake, real)[::-1]


def test_as_all_distances_at_once_and_in_chunks(monkeypatch):
    real, fake = torch.randn(50, 4), torch.randn(43, 4) * 1.3
    distances = torch.cdist(torch.cat([real, fake]).double(), torch.cat([real, fake]).double())
    reach = torch.stack([distances[:50, :50].sort().values[:, 3], distances[:50, :50].sort().values[:, 3]])[0]
    fake_reach = distances[50:, 50:].sort().values[:, 3]
    precision = (distances[50:, :50] <= reach).any(1).double().mean()
    recall = (distances[:50, 50:] <= fake_reach).any(1).double().mean()
    monkeypatch.setattr(manifold, "CHUNK", 7)
    assert precision_and_recall(real, fake) == (pytest.approx(float(precision)), pytest.approx(float(recall)))


def test_more_than_k_images_are_needed():
    with pytest.raises(ValueError, match="k=3: must be from 1 to 2 with 3 images"):
        precision_and_recall(torch.randn(9, 2), torch.randn(3, 2))


@pytest.mark.parametrize(("seed", "expected"), [(0, (0.8975, 0.496)), (1, (0.8925, 0.526)), (2, (0.88, 0.52))])
def test_the_numbers_are_those_of_prdc(seed, expected):
    random = np.random.RandomState(seed)
    real, fake = random.randn(500, 24), random.randn(400, 24) * 0.9 + 0.1
    # From prdc 0.2: compute_prdc(real, fake, nearest_k=3)
    assert precision_and_recall(torch.tensor(real), torch.tensor(fake), 3) == pytest.approx(expected, abs=1e-12)

import math

import numpy as np
import pytest
import torch

from insetgan.metrics.distribution import Reference, kernel_distance, metric_names


def test_only_the_fields_network_gives_fid_and_kid():
    assert metric_names("inception") == ("Metrics/fid", "Metrics/kid")
    assert metric_names("parts") == ("Metrics/frechet_parts", "Metrics/kernel_parts")


def exact_sample(mean, deviations):
    """Points with exactly this mean and these standard deviations (over n - 1), uncorrelated."""
    signs = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    return torch.tensor(mean) + signs * torch.tensor(deviations) * (3 / 4) ** 0.5


def test_frechet_distance_of_gaussians_by_hand():
    # Means 3 and 4 apart: 25. Deviations 1 against 3 and 2 against 2: (1 - 3)^2 + 0 = 4.
    reference = Reference("parts", exact_sample([0.0, 0.0], [1.0, 2.0]))
    found = reference.distances(exact_sample([3.0, 4.0], [3.0, 2.0]))["Metrics/frechet_parts"]
    assert found == pytest.approx(29, rel=1e-9)


def test_frechet_distance_of_turned_gaussians_by_hand():
    # diag(4, 1) and the same turned by a right angle: S S' = 4 I, so tr(S + S' - 2 * 2 I) = 5 + 5 - 8.
    reference = Reference("parts", exact_sample([0.0, 0.0], [2.0, 1.0]))
    found = reference.distances(exact_sample([0.0, 0.0], [1.0, 2.0]))["Metrics/frechet_parts"]
    assert found == pytest.approx(2, rel=1e-9)


def test_means_far_from_zero_cost_no_digits():
    reference = Reference("parts", exact_sample([1e4, 1e4], [1e-2, 1e-2]))
    found = reference.distances(exact_sample([1e4, 1e4], [3e-2, 1e-2]))["Metrics/frechet_parts"]
    assert found == pytest.approx(4e-4, rel=1e-3)


def mmd_by_hand(real, fake):
    """The unbiased estimator, pair by pair."""
    kernel = [[(float(x @ y) / len(x) + 1) ** 3 for y in [*real, *fake]] for x in [*real, *fake]]
    n, m = len(real), len(fake)
    within = sum(kernel[i][j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(kernel[n + i][n + j] for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within - 2 * sum(kernel[i][n + j] for i in range(n) for j in range(m)) / (n * m)


def test_kernel_distance_is_the_unbiased_estimator():
    random = np.random.RandomState(0)
    real, fake = random.randn(6, 3), random.randn(6, 3) + 0.5
    found = kernel_distance(torch.from_numpy(real), torch.from_numpy(fake))
    assert found == pytest.approx(mmd_by_hand(real, fake), rel=1e-9)


def test_inceptions_features_enter_the_kernel_as_they_are_and_others_in_units_of_the_real_ones():
    random = np.random.RandomState(0)
    real, fake = random.randn(6, 3) * 2 + 5, random.randn(6, 3) * 2 + 6
    pairs = [np.square(x - y) for x in real for y in real]
    unit = np.sqrt(np.mean(pairs))  # root mean square difference of two real ones
    centre = real.mean(0)
    inception = Reference("inception", torch.from_numpy(real)).distances(torch.from_numpy(fake))
    assert inception["Metrics/kid"] == pytest.approx(mmd_by_hand(real, fake), rel=1e-9)
    parts = Reference("parts", torch.from_numpy(real)).distances(torch.from_numpy(fake))
    by_hand = mmd_by_hand((real - centre) / unit, (fake - centre) / unit)
    assert parts["Metrics/kernel_parts"] == pytest.approx(by_hand, rel=1e-9)


def test_kernel_of_the_parts_does_not_ask_where_zero_lies_or_how_long_a_unit_is():
    real, fake = torch.randn(50, 4, dtype=torch.float64), 1.5 * torch.randn(50, 4, dtype=torch.float64)
    plain = Reference("parts", real).distances(fake)["Metrics/kernel_parts"]
    moved = Reference("parts", real * 7 + 100).distances(fake * 7 + 100)["Metrics/kernel_parts"]
    assert moved == pytest.approx(plain, rel=1e-6)


def test_the_same_images_are_at_no_distance():
    features = torch.rand(40, 8)
    found = Reference("parts", features).distances(features)
    assert found["Metrics/frechet_parts"] == pytest.approx(0, abs=1e-8)
    assert found["Metrics/kernel_parts"] < 0  # unbiased: pairs of an image with itself count between the sets only


def test_worse_images_are_farther_and_fewer_than_features_are_no_trouble():
    reference = Reference("parts", torch.randn(30, 40))
    near, far = (reference.distances(torch.randn(20, 40) + shift) for shift in (0.2, 2.0))
    for name in reference.names:
        assert math.isfinite(near[name])
        assert near[name] < far[name]


def test_measuring_again_gives_the_same_and_leaves_the_generator_alone():
    # More real ones than generated ones, so that subsets are drawn.
    reference, fake = Reference("parts", torch.randn(30, 4)), torch.randn(20, 4)
    first = reference.distances(fake)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    reference.distances(fake + 1)
    assert reference.distances(fake) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_features_that_are_not_finite_have_no_distance():
    found = Reference("parts", torch.randn(5, 3)).distances(torch.full((5, 3), float("nan")))
    assert all(math.isnan(value) for value in found.values())


def test_one_image_has_no_covariance():
    with pytest.raises(ValueError, match="2 or more"):
        Reference("parts", torch.randn(1, 3))
    with pytest.raises(ValueError, match="2 or more"):
        Reference("parts", torch.randn(3, 3)).distances(torch.randn(1, 3))


def test_one_of_several_processes_measures_by_itself(monkeypatch, tmp_path):
    distributed = torch.distributed
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        for name in ("barrier", "all_gather"):
            monkeypatch.setattr(distributed, name, lambda *_, **__: pytest.fail("waits for the others"))
        Reference("parts", torch.randn(5, 3)).distances(torch.randn(5, 3))
    finally:
        distributed.destroy_process_group()

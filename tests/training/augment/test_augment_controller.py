"""The controller of p, computed by hand."""

import pytest
import torch

from insetgan.training.augment import AdaptiveController


def p_of(controller):
    return controller.p.item()


def test_p_rises_while_the_mean_sign_is_above_the_target():
    controller = AdaptiveController(p=0.25, target=0.6, ada_kimg=1)
    controller.add(torch.tensor([[3.0], [0.1], [7.0]]))
    controller.add(torch.tensor([2.0, 2.0, 2.0, -5.0]))  # (6 - 1) / 7 = 0.71
    assert controller.adjust(64) == pytest.approx(5 / 7)
    assert p_of(controller) == pytest.approx(0.25 + 0.064)


def test_p_falls_while_it_is_below():
    controller = AdaptiveController(p=0.25, target=0.6, ada_kimg=1)
    controller.add(torch.tensor([1.0, 1.0, 1.0, -1.0]))  # 0.5
    controller.adjust(64)
    assert p_of(controller) == pytest.approx(0.25 - 0.064)


def test_p_rests_at_the_target():
    controller = AdaptiveController(p=0.25, target=0.5)
    controller.add(torch.tensor([1.0, 1.0, 1.0, -1.0]))
    controller.adjust(64)
    assert p_of(controller) == 0.25


def test_a_default_run_takes_half_a_million_images_to_one():
    controller = AdaptiveController()
    for _ in range(500):
        controller.add(torch.ones(4))
        controller.adjust(1000)
    assert p_of(controller) == pytest.approx(1, abs=1e-4)


def test_each_adjustment_counts_anew():
    controller = AdaptiveController(p=0.5, ada_kimg=1)
    controller.add(torch.ones(8))
    controller.adjust(100)
    controller.add(-torch.ones(2))
    assert controller.adjust(100) == -1
    assert p_of(controller) == pytest.approx(0.5)
    assert controller.sign_sum == controller.sign_count == 0


def test_p_stops_at_zero_and_only_where_told_above():
    down, up, bounded = (
        AdaptiveController(ada_kimg=1),
        AdaptiveController(p=1, ada_kimg=1),
        AdaptiveController(p=1, p_max=1),
    )
    for controller, sign in ((down, -1), (up, 1), (bounded, 1)):
        controller.add(torch.tensor([sign]))
        controller.adjust(100)
    assert (p_of(down), p_of(bounded)) == (0, 1)
    assert p_of(up) == pytest.approx(1.1)


def test_a_zero_logit_is_neither():
    controller = AdaptiveController(target=0.0)
    controller.add(torch.tensor([0.0, 1.0]))
    assert controller.adjust(1) == 0.5


def test_without_a_target_p_is_fixed_and_the_mean_is_known_all_the_same():
    controller = AdaptiveController(p=0.3, target=None)
    controller.add(torch.ones(4))
    assert controller.adjust(1000) == 1
    assert controller.p == torch.tensor(0.3)


def test_without_logits_p_stays():
    controller = AdaptiveController(p=0.3)
    assert controller.adjust(1000).isnan()
    assert controller.p == torch.tensor(0.3)


def test_processes_sum_up():
    controller = AdaptiveController(p=0.5, ada_kimg=1)
    controller.add(torch.ones(2))  # here all positive, elsewhere 6 negative ones
    assert controller.adjust(10, lambda counts: counts + torch.tensor([-6.0, 6.0])) == -0.5
    assert p_of(controller) == pytest.approx(0.49)


def test_state_goes_through_a_checkpoint():
    controller, resumed = AdaptiveController(p=0.5), AdaptiveController()
    controller.add(torch.ones(3))
    assert set(controller.state_dict()) == {"p", "sign_sum", "sign_count"}
    resumed.load_state_dict(controller.state_dict())
    assert (p_of(resumed), resumed.sign_sum, resumed.sign_count) == (0.5, 3, 3)
    assert resumed.p.dtype == torch.float32 and resumed.p.ndim == 0


def test_p_stays_the_same_tensor_and_no_gradient_is_recorded():
    """Who holds `p` (a CUDA graph, a logger) sees it move."""
    controller = AdaptiveController(ada_kimg=1)
    held = controller.p
    controller.add(torch.ones(2, requires_grad=True))
    controller.adjust(100)
    assert held == pytest.approx(0.1) and held is controller.p
    assert not any(buffer.requires_grad for buffer in controller.buffers())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": -0.1}, "p=-0.1: must be from 0 to 1"),
        ({"p": 0.9, "p_max": 0.8}, "p=0.9: must be from 0 to p_max=0.8"),
        ({"target": 2.0}, "target=2.0: must be from -1 to 1, or none"),
        ({"ada_kimg": 0}, "ada_kimg=0: must be above 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError) as caught:
        AdaptiveController(**options)
    assert str(caught.value) == message

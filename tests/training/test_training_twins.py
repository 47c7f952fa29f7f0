"""What stands in for the networks in the main phases. The graphs themselves are checked on a GPU: benchmarks/gpu_checks.py."""

import pytest
import torch
from torch import nn

from insetgan.networks.remembered import Remembered, computed_anew
from insetgan.runtime.settings import SettingError
from insetgan.training.gan_settings import GANSettings
from insetgan.training.phases import Phase
from insetgan.training.twins import RecordedCalls, Twins


class Doubling(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((), 2.0))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x, c=None, shift=0.0):
        self.calls += 1
        return x * self.weight + shift + (0 if c is None else c)

    def halved(self, x, *, c):
        return x / self.weight + c


@pytest.fixture
def recordings(monkeypatch):
    """Record by calling three times, as the warm-up does, and hand back what was to be recorded."""
    made = []

    def record(call, samples, allow_unused_input):
        for _ in range(3):
            call(*samples)
        made.append((call, samples))
        return call

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", record)
    return made


def test_each_call_of_a_phase_is_recorded_once_and_replayed_in_the_next_step(recordings):
    network, recorded = Doubling(), {}
    for step in range(2):
        calls = RecordedCalls(network, ("Dmain", "D"), recorded)
        assert calls(torch.full((2,), float(step + 1)), None).tolist() == [2.0 * (step + 1)] * 2
        assert calls(torch.ones(2), torch.full((2,), 5.0), shift=1.0).tolist() == [8.0, 8.0]
    assert len(recordings) == len(recorded) == 2
    assert [len(samples) for _, samples in recordings] == [1, 2]
    assert {id(parameter) for call, _ in recordings for parameter in call.parameters()} == {id(network.weight)}


def test_warming_up_leaves_buffers_and_random_numbers_as_they_were(recordings):
    network = Doubling()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    RecordedCalls(network, ("Gmain", "D"), {})(torch.ones(2))
    assert network.calls == 1  # of the call itself, not of the three that warm up
    assert torch.equal(before, torch.get_rng_state())


def test_other_shapes_gradients_and_phases_are_recordings_of_their_own(recordings):
    network, recorded = Doubling(), {}
    x = torch.ones(2)
    for phase, given in (("G", x), ("G", torch.ones(3)), ("G", x.clone().requires_grad_()), ("D", x)):
        RecordedCalls(network, (phase,), recorded)(given)
    with torch.no_grad():
        RecordedCalls(network, ("G",), recorded)(x)
    assert len(recordings) == 5
    assert [samples[0].requires_grad for _, samples in recordings] == [False, False, True, False, False]


def test_methods_are_recorded_with_the_parameters_of_their_network_and_tensors_by_name(recordings):
    network = Doubling()
    calls = RecordedCalls(network.halved, ("Gmain", "synthesis"), {})
    assert calls(torch.full((2,), 6.0), c=torch.ones(2)).tolist() == [4.0, 4.0]
    ((call, samples),) = recordings
    assert [id(p) for p in call.parameters()] == [id(network.weight)]
    assert len(samples) == 2


def test_phases_get_recordings_on_a_gpu_alone_and_regularisers_never():
    network = Doubling()
    twins = Twins({"D": network}, graphs=True)
    main, regulariser = Phase("Dmain", "D", len), Phase("Dr1", "D", len, regularises=True)
    assert twins.of(main, torch.device("cpu")) == {"D": network}
    assert twins.of(regulariser, torch.device("cuda")) == {"D": network}
    assert isinstance(twins.of(main, torch.device("cuda"))["D"], RecordedCalls)


def test_nothing_is_remembered_while_a_graph_is_recorded():
    doubled = Remembered(lambda weight: weight * 2)
    weight = torch.ones(2)
    first = doubled(weight)
    assert doubled(weight) is first
    with computed_anew():
        assert doubled(weight) is not first


@pytest.mark.parametrize("others", [{"compile": True}, {"batch_gpu": 2}])
def test_graphs_need_one_round_and_no_compiler(others):
    with pytest.raises(SettingError, match="graphs"):
        GANSettings(batch_size=4, graphs=True, **others)
    assert GANSettings(batch_size=4, batch_gpu=4, graphs=True).graphs

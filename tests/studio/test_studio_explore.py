"""Grids of one generator, and the principal directions of w."""

import numpy as np
import pytest
import torch

import insetgan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError
from insetgan.studio import directions as directions_module
from insetgan.studio import explore as explore_module
from insetgan.studio.directions import directions_of, principal
from insetgan.studio.explore import PSIS, Explorer
from insetgan.weights.store import load_network, save_network

TINY = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


@pytest.fixture
def generator():
    torch.manual_seed(1)
    return Generator(height=16, width=16, **TINY).eval().requires_grad_(False)


@pytest.fixture
def shown(monkeypatch):
    """The titles and images of the last grid, in the place of the grid itself."""
    seen = []
    monkeypatch.setattr(explore_module, "draw_grid", lambda title, bands: seen.append((title, bands[0])) or seen[-1])
    return seen


def same(image, expected):
    return np.abs(np.asarray(image).astype(int) - to_uint8(expected)[0].numpy()).max() <= 1


def test_psi_by_seed_shows_each_seed_with_each_psi(generator, shown):
    Explorer({"face": generator}).psi_grid("face", 5, 2)
    _, band = shown[0]
    assert band.titles == ["psi 0", "psi 0.25", "psi 0.5", "psi 0.75", "psi 1"]
    assert [title for title, _ in band.rows] == ["seed 5", "seed 6"]
    for row, seed in enumerate((5, 6)):
        for column, psi in enumerate(PSIS):
            assert same(band.rows[row][1][column], insetgan.draw(generator, seed, psi))


def test_mixing_takes_the_layers_of_the_other_seed(generator, shown):
    explorer = Explorer({"face": generator})
    explorer.mix("face", 3, 5, [*range(generator.num_ws)], 0.7)
    one, other = (insetgan.draw(generator, seed, 0.7) for seed in (3, 5))
    (_, first), (_, second) = shown[0][1].rows
    assert same(first[0], one) and same(second[1], other)
    assert same(first[1], other) and same(second[0], one)  # all layers are the whole of the other
    for layers in ([], [-1], [generator.num_ws]):
        with pytest.raises(UserError, match="must be of 0 to"):
            explorer.mix("face", 3, 5, layers, 0.7)


def test_principal_directions_are_those_that_the_draws_were_made_with():
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(4, 4))[0]
    spread = torch.tensor([5.0, 2.0, 1.0, 0.1])
    found = principal((torch.randn(20_000, 4) * spread) @ basis.T + 7.0, 2)
    torch.testing.assert_close(found.deviations, spread[:2], rtol=0.03, atol=0)
    assert (found.axes @ basis[:, :2]).abs().diagonal().min() > 0.999
    assert (found.axes.gather(1, found.axes.abs().argmax(1, keepdim=True)) > 0).all()
    torch.testing.assert_close(found.offset([2.0, 0.0]), 2 * found.deviations[0] * found.axes[0])


def test_directions_are_kept_for_the_next_time_and_damage_is_mended(generator, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = save_network(tmp_path / "face.safetensors", generator, kind="generator") or tmp_path / "face.safetensors"
    loaded = load_network(path, kind="generator")
    drawn, original = [], directions_module._w
    monkeypatch.setattr(directions_module, "_w", lambda *given: drawn.append(1) or original(*given))
    first, again = directions_of(loaded, count=3, samples=50), directions_of(loaded, count=3, samples=50)
    assert len(drawn) == 1 and torch.equal(first.axes, again.axes) and first.axes.shape == (3, 8)
    (kept,) = (tmp_path / "insetgan" / "directions").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    assert torch.equal(directions_of(loaded, count=3, samples=50).axes, first.axes) and len(drawn) == 2


def test_moving_by_nothing_changes_nothing_and_by_something_does(generator, shown):
    explorer = Explorer({"face": generator})
    explorer.moved("face", 3, 0.7, [0.0] * 5)
    explorer.moved("face", 3, 0.7, [3.0, 0.0, 0.0, 0.0, 0.0])
    (_, still), (_, moved) = ((title, band.rows[0][1]) for title, band in shown)
    assert np.array_equal(still[0], still[1]) and same(still[0], insetgan.draw(generator, 3, 0.7))
    assert not np.array_equal(moved[0], moved[1])
    with pytest.raises(UserError, match="at most 3"):
        explorer.moved("face", 3, 0.7, [float("nan")] * 5)


def test_others_are_refused_in_one_line(generator):
    explorer = Explorer({"other": object()})
    for ask in (lambda: explorer.mix("other", 1, 2, [0], 0.7), lambda: explorer.moved("other", 1, 0.7, [0.0])):
        with pytest.raises(UserError, match="no layers of w"):
            ask()
    with pytest.raises(UserError, match="must be 1 to 8"):
        Explorer({"face": generator}).psi_grid("face", 0, 9)
    closed = Explorer({"face": generator})
    closed.close()
    with pytest.raises(UserError, match="closed"):
        closed.psi_grid("face", 0, 1)

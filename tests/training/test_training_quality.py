import io
import math

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.utils.data import Dataset

from insetgan.metrics.distribution import Reference
from insetgan.metrics.images import quantised
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.ops.images import seeded_latents
from insetgan.training.checkpoint import read_checkpoint
from insetgan.training.gan_module import GANModule
from insetgan.training.metrics_log import MetricsCSV
from insetgan.training.options import RunOptions
from insetgan.training.quality import SECONDS, Quality
from insetgan.training.run import TrainingRun

BATCH = 4


class Noise(Dataset):
    labels = None

    def __len__(self):
        return 12

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return torch.randint(256, (3, 16, 8), generator=generator, dtype=torch.uint8)


class Colours(nn.Module):
    """Mean colours of the upper and the lower half."""

    name, num_features, calls = "colours", 6, 0

    def forward(self, images):
        self.calls += 1
        return nn.functional.adaptive_avg_pool2d(images.float() / 255, (2, 1)).flatten(1)


def make_module(c_dim=0):
    torch.manual_seed(0)
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8, "c_dim": c_dim}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    return GANModule(generator, Discriminator(**sizes), batch_size=BATCH, r1_interval=2)


class Run:
    """A run of so many steps with a snapshot after every second, measured every `every` steps."""

    def __init__(self, out, steps, *, measured=True, every=2, module=None, dataset=None, **settings):
        options = RunOptions(
            out=out, max_kimg=steps * BATCH / 1000, batch_size=BATCH, snapshot_kimg=2 * BATCH / 1000, grid=2,
            tick_kimg=BATCH / 1000, precision="32-true", accelerator="cpu",
        )  # fmt: skip
        self.module, self.extractor, self.seen, self.improved = module or make_module(), Colours(), [], []
        dataset = dataset or Noise()
        self.quality = Quality(self.extractor, dataset, every_kimg=every * BATCH / 1000, **({"num": 20} | settings))
        quality = self.quality if measured else None
        run = TrainingRun(self.module, dataset, options, quality=quality, console=Console(file=io.StringIO()))
        measure, loop = self.quality.measure, run.loop
        self.quality.measure = lambda *given: self.seen.append(loop.nimg // BATCH) or measure(*given)
        self.trainer, self.logged = run.trainer, []
        log = loop._log
        loop._log = lambda *given: self.improved.append((loop.nimg // BATCH, loop._improved)) or log(*given)
        logger = MetricsCSV(out)
        logger.log_metrics = lambda metrics, step: self.logged.append(metrics)
        run.fit([logger])


def test_measures_what_the_average_generator_draws_of_the_seeds_at_psi_one(tmp_path):
    run = Run(tmp_path, 2, mirror=True)
    images = torch.stack([Noise()[index] for index in range(12)])
    reference = Reference("colours", Colours()(torch.cat([images, images.flip(3)])))
    z = seeded_latents(range(20), 8)
    with torch.no_grad():
        expected = reference.distances(Colours()(quantised(run.module.G_ema(z))))
    before, scalars = run.logged
    assert scalars[SECONDS] > 0 and SECONDS not in before
    assert {name: scalars[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert run.quality.best == scalars["Metrics/frechet_colours"]
    assert run.quality.best_kimg == 2 * BATCH / 1000


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [(2, 6, [2, 4, 6]), (4, 9, [4, 8, 9]), (3, 10, [4, 6, 10]), (100, 5, [5])],
)
def test_measures_at_snapshots_as_often_as_asked_and_at_the_end(tmp_path, every, steps, expected):
    assert Run(tmp_path, steps, every=every).seen == expected


def test_training_goes_on_as_if_nothing_had_been_measured(tmp_path):
    plain = Run(tmp_path / "plain", 5, measured=False)
    after_plain = torch.get_rng_state()
    measured = Run(tmp_path / "measured", 5, num_real=7)  # a choice of the real ones, and subsets for the kernel
    assert len(measured.seen) == 3
    assert torch.equal(torch.get_rng_state(), after_plain)
    expected, found = plain.module.state_dict(), measured.module.state_dict()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    assert measured.module.training and not measured.module.G_ema.training


def test_real_images_are_described_once(tmp_path):
    run = Run(tmp_path, 6)
    assert len(run.seen) == 3
    assert run.extractor.calls == 1 + 3  # 12 real ones, and 20 generated ones three times


def test_the_best_is_known_when_it_happens_and_over_a_resume(tmp_path, monkeypatch):
    told = [5.0, 3.0, 4.0]
    monkeypatch.setattr(Quality, "_distances", lambda self, module: {self.name: told.pop(0)})
    first = Run(tmp_path, 6)
    assert first.improved == [(1, False), (2, True), (3, False), (4, True), (5, False), (6, False)]
    assert (first.quality.best, first.quality.best_kimg) == (3.0, 4 * BATCH / 1000)

    told += [3.5, float("nan"), 2.0]
    second = Run(tmp_path, 12)
    assert second.improved == [(7, False), (8, False), (9, False), (10, False), (11, False), (12, True)]
    assert (second.quality.best, second.quality.best_kimg) == (2.0, 12 * BATCH / 1000)
    kept = read_checkpoint(tmp_path / "last.ckpt")["callbacks"]["Quality"]
    assert kept["best"] == 2.0  # a checkpoint holds what was measured at its own time


def test_a_resumed_run_measures_when_the_unbroken_one_would_have(tmp_path):
    Run(tmp_path, 4, every=6)  # at its end
    assert Run(tmp_path, 9, every=6).seen == [6, 9]


def test_the_best_of_another_distance_is_not_compared_with(tmp_path):
    state = Run(tmp_path, 2).quality.state_dict()
    run = Run(tmp_path / "other", 2)
    run.quality.best = math.inf
    run.quality.load_state_dict(state | {"measures": "Metrics/fid 8 10 False", "best": 0.0})
    assert run.quality.best == math.inf


def test_labels_are_drawn_from_the_data_set(tmp_path):
    class Labelled(Noise):
        labels = torch.eye(3)[[0, 1, 1, 1] * 3]

        def __getitem__(self, index):
            return super().__getitem__(index), self.labels[index]

    module, given = make_module(c_dim=3), []
    module.use_labels(Labelled.labels)
    sample = module.sample
    module.sample = lambda z, psi, labels=None: given.append(labels) or sample(z, psi, labels)
    run = Run(tmp_path, 2, module=module, dataset=Labelled(), num=40)
    labels = torch.cat([each for each in given if each is not None])  # sample grids give none
    assert labels.shape == (40, 3)
    assert 0 < labels[:, 0].sum() < labels[:, 1].sum()
    assert math.isfinite(run.quality.best)


def test_images_that_are_not_finite_are_no_improvement(tmp_path):
    run = Run(tmp_path, 1)
    best = run.quality.best
    run.module.G_ema.mapping.fc0.bias.data.fill_(float("nan"))
    scalars = run.quality.measure(run.trainer, run.module)
    assert math.isnan(scalars["Metrics/frechet_colours"]) and math.isnan(scalars["Metrics/kernel_colours"])
    assert not scalars["Metrics/frechet_colours"] < best


@pytest.mark.parametrize(("name", "value"), [("num", 1), ("num_real", 0), ("every_kimg", 0), ("every_kimg", math.inf)])
def test_settings_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}={value}: must be "):
        Quality(Colours(), Noise(), **({"every_kimg": 1.0} | {name: value}))

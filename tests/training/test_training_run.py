import io
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from torch.utils.data import Dataset

from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.signals import STOP_SIGNALS
from insetgan.training.checkpoint import read_checkpoint
from insetgan.training.gan_module import GANModule
from insetgan.training.loop import RunLoop
from insetgan.training.meter import NotFiniteError
from insetgan.training.options import RunOptions
from insetgan.training.phases import standard_phases
from insetgan.training.quality import SECONDS, Quality
from insetgan.training.run import TrainingRun
from insetgan.weights.store import load_network, read_metadata

BATCH = 4


class Noise(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return torch.randint(256, (3, 16, 8), generator=generator, dtype=torch.uint8)


def make_module(**extra):
    torch.manual_seed(0)
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    module = GANModule(generator, Discriminator(**sizes), batch_size=BATCH, r1_interval=2, **extra)
    torch.nn.init.ones_(module.G.synthesis.b16.conv1.noise_strength)  # so that the noise drawn matters
    return module


def run_steps(out, steps, module=None, console=None, **options):
    module = module or make_module(style_mixing=0.5)
    settings = {"precision": "32-true", "accelerator": "cpu", "snapshot_kimg": 1.0, "tick_kimg": BATCH / 1000}
    options = RunOptions(out=out, max_kimg=steps * BATCH / 1000, batch_size=BATCH, grid=2, **(settings | options))
    outcome = TrainingRun(module, Noise(), options, console=console or Console(file=io.StringIO())).fit()
    return module, outcome


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_stopping_and_resuming_gives_exactly_the_unbroken_weights(tmp_path, precision, workers):
    def run(folder, steps):
        full = make_module(style_mixing=0.5, pl_weight=2.0, augment="bgcfnc", augment_p=0.5, ada_kimg=0.1, batch_gpu=2)
        return run_steps(tmp_path / folder, steps, full, precision=precision, workers=workers)

    whole, _ = run("whole", 7)
    run("broken", 3)
    torch.manual_seed(123)  # a new process has other global random numbers
    resumed, outcome = run("broken", 7)
    assert outcome.trained_kimg == pytest.approx(4 * BATCH / 1000)
    expected, found = whole.state_dict(), resumed.state_dict()
    assert int(found["cur_nimg"]) == 7 * BATCH
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    assert float(found["path_mean"]) > 0
    assert float(found["augment.controller.p"]) != 0.5
    assert float(found["augment.controller.sign_count"]) == 3 * BATCH, "signs since the last adjustment, at step 4"
    for mine, theirs in zip(resumed.optimizers(), whole.optimizers(), strict=True):
        for one, other in zip(mine.state_dict()["state"].values(), theirs.state_dict()["state"].values(), strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_best_images_are_kept(tmp_path, monkeypatch):
    """best.ckpt holds the step at which the distance was lowest, also after a resume that brings nothing better."""
    distances = iter([3.0, 1.0, 2.0, 1.5])

    class Falling(Quality):
        def measure(self, trainer, module):
            return {self.name: next(distances), SECONDS: 0.0}

    class Extractor:
        name, num_features = "parts", 2

    def run(steps):
        options = RunOptions(
            out=tmp_path, max_kimg=steps * BATCH / 1000, batch_size=BATCH, grid=2, snapshot_kimg=BATCH / 1000,
            tick_kimg=BATCH / 1000, precision="32-true", accelerator="cpu",
        )  # fmt: skip
        quality = Falling(Extractor(), Noise(), every_kimg=BATCH / 1000)
        return TrainingRun(make_module(), Noise(), options, quality=quality, console=Console(file=io.StringIO())).fit()

    run(3)
    assert run(4).quality.best == 1.0
    assert int(read_checkpoint(tmp_path / "best.ckpt")["state_dict"]["cur_nimg"]) == 2 * BATCH
    assert read_metadata(tmp_path / "network-best.safetensors")["frechet_parts"] == 1.0
    assert int(read_checkpoint(tmp_path / "last.ckpt")["state_dict"]["cur_nimg"]) == 4 * BATCH


def test_run_folder_holds_checkpoint_network_grids_and_log(tmp_path):
    module, outcome = run_steps(tmp_path, 3)
    assert outcome.last_grid.is_file()
    assert read_metadata(tmp_path / "network-last.safetensors")["kimg"] == pytest.approx(0.012)
    network = load_network(tmp_path / "network-last.safetensors", kind="generator")
    z = torch.randn(2, 8)
    torch.testing.assert_close(network(z), module.G_ema(z))
    assert not list(tmp_path.rglob("*.tmp"))


def test_every_update_is_seen_by_whoever_watches_versions(tmp_path):
    module = make_module()
    weights = [module.G.synthesis.b16.conv0.weight, module.D.b16.conv0.weight, module.G_ema.synthesis.b16.conv0.weight]
    before = [weight._version for weight in weights]
    run_steps(tmp_path, 1, module=module)
    assert all(weight._version > version for weight, version in zip(weights, before, strict=True))


def test_a_finished_run_does_nothing_and_resume_none_starts_anew(tmp_path):
    run_steps(tmp_path, 2)
    assert run_steps(tmp_path, 2)[1].trained_kimg == 0
    assert run_steps(tmp_path, 2, resume="none")[1].trained_kimg > 0


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signals_end_the_run_after_the_step_with_everything_saved(tmp_path, number):
    module = make_module()
    step = module.training_step

    def signalling(*batch):
        step(batch[0], 0)
        if module.nimg == 2 * BATCH:
            os.kill(os.getpid(), number)

    module.training_step = signalling
    before = signal.getsignal(number)
    _, outcome = run_steps(tmp_path, 50, module=module)
    assert outcome.received == number
    assert outcome.kimg == pytest.approx(2 * BATCH / 1000)
    assert int(read_checkpoint(tmp_path / "last.ckpt")["state_dict"]["cur_nimg"]) == 2 * BATCH
    assert signal.getsignal(number) == before


def test_a_second_interrupt_ends_the_run_at_once(tmp_path):
    module = make_module()
    step = module.training_step

    def signalling(*batch):
        step(batch[0], 0)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    module.training_step = signalling
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped):
        run_steps(tmp_path, 50, module=module)
    assert signal.getsignal(signal.SIGINT) == before


def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(tmp_path):
    run_steps(tmp_path, 2)
    whole = (tmp_path / "last.ckpt").read_bytes()
    module = make_module()
    module.phases = standard_phases(gamma=float("inf"), r1_interval=2)
    with pytest.raises(
        UserError, match=r"Dr1 is not finite at step 2 .*last good checkpoint is .*last.ckpt at 0.008 kimg"
    ):
        run_steps(tmp_path, 9, module=module)
    assert (tmp_path / "last.ckpt").read_bytes() == whole


@pytest.mark.parametrize("broken", ["loss", "weight"])
def test_nothing_broken_is_written_over_a_good_checkpoint(tmp_path, broken):
    run_steps(tmp_path, 2)
    whole = (tmp_path / "last.ckpt").read_bytes()
    module = make_module()
    step = module.training_step

    def breaking(*batch):
        step(batch[0], 0)
        if broken == "weight":
            module.G.mapping.w_avg.fill_(float("nan"))
        else:  # as on a device, where a loss is noted and asked for later
            module.meter._broken["Gmain"] = torch.tensor([2, 2 * BATCH])

    module.training_step = breaking
    with pytest.raises(NotFiniteError, match="w_avg" if broken == "weight" else "Gmain is not finite at step 2"):
        run_steps(tmp_path, 3, module=module)
    assert (tmp_path / "last.ckpt").read_bytes() == whole


def test_the_rates_of_the_settings_hold_on_resuming(tmp_path):
    run_steps(tmp_path, 1)
    module, _ = run_steps(tmp_path, 2, module=make_module(lr=0.1, betas=(0.5, 0.9)))
    generator, discriminator = (optimizer.param_groups[0] for optimizer in module.optimizers())
    assert (generator["lr"], generator["betas"]) == (0.1, (0.5, 0.9))
    assert discriminator["lr"] == pytest.approx(0.1 * 2 / 3)
    assert discriminator["betas"] == pytest.approx((0.5 ** (2 / 3), 0.9 ** (2 / 3)))


def test_the_generator_may_have_a_rate_of_its_own(tmp_path):
    module, _ = run_steps(tmp_path, 1, module=make_module(lr=0.1, g_lr=0.004))
    generator, discriminator = (optimizer.param_groups[0]["lr"] for optimizer in module.optimizers())
    assert (generator, discriminator) == (0.004, pytest.approx(0.1 * 2 / 3))


def test_the_discriminator_learns_alone_while_it_leads(tmp_path):
    module = make_module(d_lead_kimg=2 * BATCH / 1000)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module, _ = run_steps(tmp_path, 2, module=module)
    moved = {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, start[name])}
    assert any(name.startswith("D.") for name in moved)
    assert not {name for name in moved if name.startswith("G.") and not name.endswith("w_avg")}
    module, _ = run_steps(tmp_path, 3)  # goes on, and the lead is over
    assert not torch.equal(module.G.synthesis.b4.const, start["G.synthesis.b4.const"])


def test_a_checkpoint_of_other_networks_is_refused_in_one_line(tmp_path):
    run_steps(tmp_path, 1)
    other = GANModule(
        Generator(height=32, width=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8),
        Discriminator(height=32, width=16, channel_base=128, channel_max=8),
        batch_size=BATCH,
    )
    with pytest.raises(UserError, match="holds other networks"):
        run_steps(tmp_path, 2, module=other)


def test_a_truncated_checkpoint_is_refused_in_one_line(tmp_path):
    run_steps(tmp_path, 1)
    path = tmp_path / "last.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="cut short"):
        run_steps(tmp_path, 2)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(beside):
        beside.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_terminal_every_tick_is_a_line(tmp_path):
    text = io.StringIO()
    run_steps(tmp_path, 3, console=Console(file=text, soft_wrap=True))
    lines = text.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("kimg 0.00/0.012")
    assert "images/s" in lines[0] and " left" in lines[0]


def test_on_a_terminal_there_is_a_bar(tmp_path):
    text = io.StringIO()
    run_steps(tmp_path, 3, console=Console(file=text, force_terminal=True, width=200))
    assert "images/s" in text.getvalue()
    assert "━" in text.getvalue()


def test_fast_dev_run_keeps_nothing(tmp_path):
    module, _ = run_steps(tmp_path / "out", 100, fast_dev_run=True)
    assert module.nimg == BATCH
    assert not (tmp_path / "out").exists()


def test_a_signal_between_two_callbacks_counts_after_the_next_step(tmp_path):
    """Or one of several processes would measure or store where the others do not, and all would wait for ever."""
    loop = RunLoop(RunOptions(out=tmp_path, max_kimg=1, batch_size=BATCH), console=Console(file=io.StringIO()))
    module = make_module()
    trainer = SimpleNamespace(fast_dev_run=False, should_stop=False, is_global_zero=False)
    loop.on_train_start(trainer, module)
    loop._save = lambda *_: None
    loop.on_train_batch_end(trainer, module)
    os.kill(os.getpid(), signal.SIGTERM)
    assert (loop.finished, loop.received) == (False, None)
    loop.on_train_batch_end(trainer, module)
    assert (loop.finished, loop.received, trainer.should_stop) == (True, signal.SIGTERM, True)
    loop.on_train_end(trainer, module)

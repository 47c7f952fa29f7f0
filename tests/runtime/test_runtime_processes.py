"""Rounds and processes change nothing but rounding."""

import subprocess
import sys

import pytest
import torch
import torch.distributed as distributed

from insetgan.data.share import Share
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.runtime.processes import average_gradients, broadcast_state, world_size
from insetgan.training.gan_module import GANModule
from insetgan.training.phases import track_w_avg
from insetgan.training.real_batch import RealBatch

BATCH = 8
PHASES = ["Gmain", "Gpl", "Dmain", "Dr1"]


def make_module(**settings):
    torch.manual_seed(0)
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8, "c_dim": 2}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    discriminator = Discriminator(mbstd_group_size=2, **sizes)
    module = GANModule(
        generator, discriminator, batch_size=BATCH, gamma=1.0, pl_weight=2.0, noise=False, style_mixing=0.9,
        augment="bgc", augment_p=0.7, **settings,
    )  # fmt: skip
    module.use_labels(torch.eye(2))
    return module


def everything(module, rank=0, processes=1):
    """Gradients of all phases, and what else is averaged over the batch."""
    share = module.share(rank, processes)
    generator = torch.Generator().manual_seed(1)
    real = torch.rand(BATCH, 3, 16, 8, generator=generator)[share.places] * 2 - 1
    labels = torch.eye(2)[torch.randint(2, (BATCH,), generator=generator)][share.places]
    found = {}
    for phase in module.phases:
        module.find_gradients(phase, share, RealBatch(real, labels))
        network = module.G if phase.network == "G" else module.D
        gradients = {f"{phase.name}/{name}": p.grad for name, p in network.named_parameters() if p.grad is not None}
        found |= {name: gradient.clone() for name, gradient in gradients.items()}
    track_w_avg(module.G, module._draws(Share(BATCH), "w_avg"), module.label_table)
    module.augment.adjust(4 * BATCH)
    found |= {"w_avg": module.G.mapping.w_avg, "p": module.augment.p, "path_mean": module.path_mean}
    return found | {f"log/{name}": torch.tensor(value) for name, value in module.meter.means().items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert {name.partition("/")[0] for name in found} >= set(PHASES)
    for name, value in expected.items():
        near = 1e-4 * float(value.abs().max()) + 1e-8  # relative to the tensor, or small gradients could be anything
        torch.testing.assert_close(
            found[name], value, rtol=1e-5, atol=near, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("batch_gpu", [2, 4])
def test_rounds_average_to_the_gradients_of_the_whole_batch(batch_gpu):
    expected = everything(make_module())
    found = everything(make_module(batch_gpu=batch_gpu))
    for name in ("path_mean", "log/Loss/pl_penalty", "log/Loss/G/reg"):  # the mean moves in each round
        torch.testing.assert_close(found.pop(name), expected.pop(name), rtol=0.05, atol=0.01)
    loose = {name for name in expected if name.startswith("Gpl/")}
    assert_same({k: v for k, v in found.items() if k not in loose} | {"Gpl/": torch.zeros(())},
                {k: v for k, v in expected.items() if k not in loose} | {"Gpl/": torch.zeros(())})  # fmt: skip
    for name in loose:
        scale = expected[name].abs().max()
        torch.testing.assert_close(found[name], expected[name], rtol=0.05, atol=0.02 * float(scale) + 1e-6)


def one_process_of_two(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    module = make_module()
    if rank == 1:  # whatever it started from, it goes on from the first one's weights
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(1)
    broadcast_state(module)
    assert world_size() == 2
    torch.save(everything(module, rank, 2), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_give_the_gradients_of_one_with_twice_the_batch(tmp_path):
    commands = [[sys.executable, __file__, str(rank), str(tmp_path)] for rank in range(2)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    expected = everything(make_module())
    for rank in range(2):
        assert_same(torch.load(tmp_path / f"{rank}.pt"), expected)


def test_gradients_are_made_finite():
    weight = torch.nn.Parameter(torch.zeros(4))
    weight.grad = torch.tensor([1.0, float("nan"), float("inf"), -float("inf")])
    unused = torch.nn.Parameter(torch.zeros(1))
    average_gradients([weight, unused])
    assert weight.grad.tolist() == [1.0, 0.0, 1e5, -1e5]
    assert unused.grad is None


if __name__ == "__main__":
    one_process_of_two(int(sys.argv[1]), sys.argv[2])

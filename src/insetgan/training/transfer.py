"""Starting from the weights of another run: a smaller size, another data set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from insetgan.errors import UserError
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.training.checkpoint import read_checkpoint
from insetgan.training.gan_module import GANModule
from insetgan.training.growth import continue_discriminator, silence_new_blocks
from insetgan.weights.store import load_network


@dataclass(frozen=True)
class Transfer:
    """What one network took over.

    Attributes:
        name: of the network.
        taken: names of the tensors that were copied.
        new: names that the source does not have.
        reshaped: names whose shapes differ; left as they were.
    """

    name: str
    taken: tuple[str, ...]
    new: tuple[str, ...]
    reshaped: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the terminal."""
        line = f"{self.name}: {len(self.taken)} of {len(self.taken + self.new + self.reshaped)} tensors taken over"
        if self.new:
            line += f"; new: {', '.join(_stems(self.new))}"
        if self.reshaped:
            line += f"; another shape, so new: {', '.join(_stems(self.reshaped))}"
        return line


def start_from(module: pl.LightningModule, path: Path) -> list[Transfer]:
    """Take over whatever fits from a checkpoint (G, D and G_ema) or from a generator's safetensors (G and G_ema).

    Blocks are named by the height of their maps, so a smaller generator is the lower part of a larger one when the
    channels by height agree; so with discriminators. New blocks begin without a say (`training.growth`): the generator's
    pictures start as the enlarged pictures of the smaller one, and the discriminator judges as the smaller one did.

    Raises:
        UserError: unreadable file, nothing in it fits, or the module trains no generator.
    """
    if not isinstance(module, GANModule):
        raise UserError(f"init={path}: is for generators (+model=body, +model=face), and this model has none")
    sources = _sources(path)
    transfers = []
    for name, state in sources.items():
        network = module.get_submodule(name)
        transfer = copy_matching(network, state, name)
        if isinstance(network, Generator):
            silence_new_blocks(network, transfer.new)
        elif isinstance(network, Discriminator) and transfer.new:
            continue_discriminator(network, state)
        transfers.append(transfer)
    if not any(transfer.taken for transfer in transfers):
        raise UserError(f"init={path}: no tensor fits these networks by name and shape")
    return transfers


@torch.no_grad()
def copy_matching(network: nn.Module, state: Mapping[str, Tensor], name: str) -> Transfer:
    """Copy every tensor whose name and shape agree."""
    taken, new, reshaped = [], [], []
    for key, target in network.state_dict().items():
        if key not in state:
            new.append(key)
        elif state[key].shape != target.shape:
            reshaped.append(key)
        else:
            target.copy_(state[key])
            taken.append(key)
    return Transfer(name, tuple(taken), tuple(new), tuple(reshaped))


def _sources(path: Path) -> dict[str, dict[str, Tensor]]:
    if path.suffix == ".safetensors":
        state = load_network(path, kind="generator").state_dict()
        return {"G": state, "G_ema": state}
    whole = read_checkpoint(path)["state_dict"]
    sources = {}
    for name in ("G", "D", "G_ema"):
        prefix = f"{name}."
        sources[name] = {key.removeprefix(prefix): value for key, value in whole.items() if key.startswith(prefix)}
    return sources


def _stems(names: Iterable[str]) -> list[str]:
    """The blocks or layers that the tensors belong to, in order, each once."""
    return list(dict.fromkeys(".".join(name.split(".")[: 2 if name.startswith("synthesis") else 1]) for name in names))

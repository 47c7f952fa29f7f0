"""Starting from the weights of another run: a smaller size, another data set, labels or none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.runtime.errors import UserError
from insetgan.runtime.printing import say_error
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.checkpoint import read_checkpoint
from insetgan.weights.published.reader import SUFFIXES, is_published
from insetgan.weights.store import load_network


@dataclass(frozen=True)
class Transfer:
    """What one network took over.

    Attributes:
        network: its name.
        taken: names of the tensors that were copied.
        adapted: names of tensors of another shape of which a part was taken.
        new: names that the source does not have.
        reshaped: what else differs in shape: "name (source [..], here [..])"; left as it was.
        unused: names that only the source has.
    """

    network: str
    taken: tuple[str, ...]
    adapted: tuple[str, ...]
    new: tuple[str, ...]
    reshaped: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether source and network are the same, tensor by tensor."""
        return not (self.adapted or self.new or self.reshaped or self.unused)

    def __str__(self) -> str:
        """One line for the terminal."""
        count = len(self.taken + self.adapted + self.new + self.reshaped)
        line = f"{self.network}: {len(self.taken)} of {count} tensors taken over"
        reasons = {
            "taken in part": self.adapted,
            "not in the source, so new": _stems(self.new),
            "of another shape, so new": self.reshaped,
            "only in the source, so left out": _stems(self.unused),
        }
        for reason, names in reasons.items():
            if names:
                line += f"; {reason}: {_listed(names)}"
        return line


def start_from(module: TrainingModule, path: Path, *, strict: bool) -> list[Transfer]:
    """Take over the weights of a checkpoint, a safetensors file or a file that others have published.

    A checkpoint gives G, D and G_ema, or PartsNet; a safetensors file G and G_ema, or PartsNet. A published file gives G and
    G_ema its average generator, and D its discriminator where it has one and ours is a `Discriminator`. G is a StyleGAN2 or
    a CoModGAN; each starts from its own kind.

    Blocks are named by the height of their maps, so a smaller generator is the lower part of a larger one when the
    channels by height agree; so with discriminators. New blocks begin without a say (`training.growth`): the generator's
    images start as the enlarged images of the smaller one, and the discriminator judges as the smaller one did.
    A mapping gains or loses labels without a change of the images at the start.

    Args:
        module: what is going to be trained.
        path: of the weights.
        strict: raise unless source and networks have exactly the same tensors; nothing is changed then.

    Raises:
        UserError: unreadable file, something does not fit although it must, nothing fits, or the module trains neither
            generators nor PartsNet.
    """
    sources = _sources(module, path)
    planned = [compare(module.get_submodule(name), state, name) for name, state in sources.items()]
    if strict and (wrong := [str(each) for each in planned if not each.fits]):
        raise UserError(f"init={path}: {'. '.join(wrong)}. init_strict=false takes over what fits")
    if not any(each.taken for each in planned):
        raise UserError(f"init={path}: no tensor fits these networks by name and shape")
    for transfer, (name, state) in zip(planned, sources.items(), strict=True):
        _copy(transfer, module.get_submodule(name), state)
        module.continue_network(name, state, new=transfer.new, adapted=transfer.adapted)
    return planned


def compare(network: nn.Module, state: Mapping[str, Tensor], name: str) -> Transfer:
    """Say which tensors of a source fit a network by name and shape; nothing is changed.

    Raises:
        UserError: one fits and holds numbers of another type.
    """
    mine = network.state_dict()
    taken, adapted, new, reshaped = [], [], [], []
    for key, target in mine.items():
        if key not in state:
            new.append(key)
        elif state[key].shape == target.shape:
            if state[key].dtype != target.dtype:  # copying would round in silence
                raise UserError(f"init: {name}.{key} holds {state[key].dtype}, must hold {target.dtype}")
            taken.append(key)
        elif isinstance(network, Generator) and key == "mapping.fc0.weight" and _same_z(network, state[key]):
            adapted.append(key)
        else:
            reshaped.append(f"{key} (source {list(state[key].shape)}, here {list(target.shape)})")
    unused = tuple(key for key in state if key not in mine)
    return Transfer(name, tuple(taken), tuple(adapted), tuple(new), tuple(reshaped), unused)


@torch.no_grad()
def _copy(transfer: Transfer, network: nn.Module, state: Mapping[str, Tensor]) -> None:
    mine = network.state_dict()
    for key in transfer.taken:
        mine[key].copy_(state[key])


def _same_z(generator: Generator, fc0: Tensor) -> bool:
    """Whether a mapping of other inputs takes the same z, with labels where this one has none or the other way round."""
    rows, columns = generator.mapping.get_submodule("fc0").get_parameter("weight").shape
    return bool(fc0.shape[0] == rows and min(fc0.shape[1], columns) == generator.z_dim)


def _sources(module: TrainingModule, path: Path) -> dict[str, dict[str, Tensor]]:
    """What there is for each network of the module, by the network's name in it."""
    networks = module.starting_points()
    if not networks:
        raise UserError(
            f"init={path}: is for generators (+model=body) and PartsNet (+model=parts); this model has neither"
        )
    published = _is_published(path)
    if path.suffix == ".safetensors" or published:
        names = [name for name, kind in networks.items() if kind is not None]
        source = load_network(path, kind=str(networks[names[0]]), key="init")
        if isinstance(source, AliasFreeGenerator):  # its mapping alone would fit
            raise UserError(f"init={path}: holds a StyleGAN3 generator, and this trains a StyleGAN2")
        state = source.state_dict()
        found = dict.fromkeys(names, state)
        if published and "D" in networks and isinstance(module.get_submodule("D"), Discriminator):
            found |= _published_discriminator(path)
        return found
    whole = read_checkpoint(path)["state_dict"]
    return {name: _below(f"{name}.", whole) for name in networks}


def _is_published(path: Path) -> bool:
    """Whether a file is to be read as one that others have published; a checkpoint of ours is not."""
    try:
        return path.suffix in SUFFIXES and is_published(path)
    except OSError as error:
        raise UserError(f"init={path}: cannot be read ({error.strerror or error})") from error


def _published_discriminator(path: Path) -> dict[str, dict[str, Tensor]]:
    """The discriminator beside a published generator, under "D"; none where there is none, or ours is not built so."""
    try:
        return {"D": load_network(path, kind="discriminator", key="init").state_dict()}
    except UserError as error:
        say_error(f"{error}; D starts anew")
        return {}


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _stems(names: Iterable[str]) -> list[str]:
    """The blocks or layers that the tensors belong to, in order, each once."""
    return list(
        dict.fromkeys(
            ".".join(name.split(".")[: 2 if name.startswith(("synthesis", "encoder")) else 1]) for name in names
        )
    )


def _listed(names: Iterable[str], most: int = 6) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")

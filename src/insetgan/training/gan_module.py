"""Training of a generator against a discriminator."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.data.share import Share
from insetgan.metrics.images import generated_images
from insetgan.networks.critics import looked_through
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.ops.images import seeded_latents
from insetgan.runtime.processes import average_gradients, mean_over_processes
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.adaptive import INTERVAL, adaptive_augment
from insetgan.training.draws import Draws
from insetgan.training.ema import ema_beta, update_ema
from insetgan.training.gan_settings import GANSettings
from insetgan.training.growth import continue_discriminator, continue_mapping, silence_new_blocks, silence_noise
from insetgan.training.meter import Meter
from insetgan.training.phases import Condition, Phase, PhaseInputs, lazy_correction, standard_phases, track_w_avg
from insetgan.training.real_batch import RealBatch
from insetgan.training.samples import PSIS, draw_samples, tile
from insetgan.training.twins import Twins


class GANModule(TrainingModule):
    """StyleGAN2-ADA's training: manual optimisation over named phases, the clock being the images seen.

    The state dict holds `G.*`, `D.*`, `G_ema.*`, `cur_nimg`, `path_mean` and, when augmenting, `augment.*`. With the
    optimisers, which Lightning stores, that is all a run needs to go on: everything random is a function of the seed and the
    images seen (`draws.Draws`).

    Args:
        generator: what is trained; called G. A `Generator`, or a network that has its attributes and its `mapping`.
        discriminator: its opponent; called D.
        seed: of latents, noise, flips and augmentations, together with the images seen.
        recipe: settings by name, of which those of `gan_settings.GANSettings` are taken.
        settings: fields of `gan_settings.GANSettings`, which win over the recipe's.

    Raises:
        ValueError: a setting outside its range, or networks that do not fit each other or the batch.
    """

    G: Any
    path_mean: Tensor
    label_table: Tensor | None
    draws_images = True
    manual_ddp = True
    kind = "generator"  # of the generator's safetensors files

    def __init__(
        self,
        generator: Generator | Any,
        discriminator: Discriminator | ProjectedDiscriminator,
        *,
        seed: int = 0,
        recipe: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.settings, self.seed = GANSettings.of_recipe(recipe or {}, **settings), seed
        if generator.c_dim != discriminator.c_dim:
            raise ValueError(
                f"generator.c_dim={generator.c_dim}: the discriminator takes {discriminator.c_dim} label values "
                "(recipe=projected takes none: data.labels=false)"
            )
        self.G, self.D = generator, discriminator
        if self.settings.freeze_d:
            if not isinstance(discriminator, Discriminator):
                raise ValueError(f"freeze_d={self.settings.freeze_d}: this discriminator has no layers to freeze")
            discriminator.freeze(self.settings.freeze_d)
        self.G_ema = copy.deepcopy(generator).eval().requires_grad_(False)
        self.augment = adaptive_augment(self.settings)
        self.register_buffer("path_mean", torch.zeros(()))
        self.register_buffer("label_table", None, persistent=False)
        self.register_load_state_dict_post_hook(_read_clock)  # type: ignore[no-untyped-call]
        self.nimg = 0  # the clock on the host, so that asking for it never waits for the device
        self.gamma = self.settings.r1_gamma(generator.height, generator.width)
        self.phases = standard_phases(gamma=self.gamma, **self.settings.phases)
        self.meter = Meter()
        # No submodules, or their weights would be twice in the state dict.
        self.twins = Twins(self._main(), compile=self.settings.compile, graphs=self.settings.graphs)

    def group_size(self, processes: int) -> int:
        """Number of samples of a group of the discriminator; see `GANSettings.group_size`."""
        return self.settings.group_size(processes, self.D.mbstd_group_size)

    def share(self, rank: int = 0, processes: int = 1) -> Share:
        """The part of each batch that a process computes.

        Raises:
            ValueError: the batch cannot be divided so.
        """
        return Share(self.settings.batch_size, processes, rank, self.group_size(processes))

    def use_labels(self, table: Tensor) -> None:
        """Give generated images labels as frequent as in the table [k, c_dim] of the data set."""
        if table.shape[1] != self.G.c_dim:
            raise ValueError(f"labels have {table.shape[1]} values, and the networks take {self.G.c_dim}")
        self.label_table = table

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for G and for D, corrected for their lazy regularisers."""
        networks = {"G": self.G, "D": self.D}
        return [
            torch.optim.Adam(network.parameters(), **self._rates(name), eps=1e-8, fused=True)
            for name, network in networks.items()
        ]

    def on_fit_start(self) -> None:
        """Without noise, silence what a checkpoint or the weights to start from may have brought along."""
        if not self.settings.noise:
            silence_noise(self.G)
            silence_noise(self.G_ema)

    def on_train_start(self) -> None:
        """Train at the rates of the settings, also where a checkpoint brought those of its own run."""
        for name, optimizer in zip(("G", "D"), self._optimizers(), strict=True):
            for group in optimizer.param_groups:
                group.update(self._rates(name))

    def training_step(self, batch: Any, _: int) -> None:
        """One iteration: every phase that is due, then the averages and the clock.

        Args:
            batch: uint8 [n, 3, h, w], this process's share of the real images; with labels a pair of these and [n, c].
        """
        settings = self.settings
        step, share = self.nimg // settings.batch_size, self.share(self.global_rank, self.trainer.world_size)
        real = self.real_batch(batch, self._draws(share, "real"))
        optimizers = self._optimizers()
        for phase in self.phases:
            if phase.due(step) and (phase.network == "D" or self.nimg >= settings.d_lead_kimg * 1000):
                self.find_gradients(phase, share, real)
                self._update(phase, optimizers[0 if phase.network == "G" else 1])
        track_w_avg(self.G, self._draws(Share(settings.batch_size), "w_avg"), self.label_table)
        half_life, ramp_up = settings.half_life_kimg, settings.ema_rampup
        update_ema(
            self.G_ema, self.G, ema_beta(settings.batch_size, self.nimg, half_life_kimg=half_life, ramp_up=ramp_up)
        )
        self.nimg += settings.batch_size
        self.cur_nimg += settings.batch_size
        if self.augment is not None and (step + 1) % INTERVAL == 0:
            self.augment.adjust(INTERVAL * settings.batch_size)

    def scalars(self) -> dict[str, float]:
        """Means over all processes since the last call, by the field's names.

        Raises:
            NotFiniteError: a loss was not finite.
        """
        if self.augment is not None:
            self.meter.add("Progress/augment", self.augment.p)
        return self.meter.means()

    def check_losses(self) -> None:
        """Raise NotFiniteError if a loss was not finite."""
        self.meter.verify()

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The average generator."""
        return {"network": (self.G_ema, self.kind)}

    def about(self) -> dict[str, Any]:
        """The frozen networks of the critics: evaluations say which distances flatter the generator."""
        return {"critics": looked_through(self.D)}

    def starting_points(self) -> dict[str, str | None]:
        """Both generators; a discriminator comes from a checkpoint only."""
        return {"G": self.kind, "D": None, "G_ema": self.kind}

    def continue_network(
        self, name: str, source: Mapping[str, Tensor], *, new: Sequence[str], adapted: Sequence[str]
    ) -> None:
        """Let new blocks begin without a say, and a mapping whose labels come or go keep the images of each z."""
        if name == "D":
            if new and isinstance(self.D, Discriminator):
                continue_discriminator(self.D, source)
            return
        generator = self.get_submodule(name)
        silence_new_blocks(generator, new)
        if adapted and isinstance(generator, Generator):
            continue_mapping(generator, source["mapping.fc0.weight"])

    def grids(self, count: int) -> dict[str, Tensor]:
        """Images of the seeds 0, 1, ... without and with truncation."""
        latents = seeded_latents(range(count), self.G.z_dim)
        return {f"psi{psi:g}": tile(self.sample(latents, psi)) for psi in PSIS}

    def generated(self, num: int) -> Iterator[Tensor]:
        """Images of the average generator, uint8; labels are as frequent as in the data set."""
        return generated_images(self.sample, self.G.z_dim, num, labels=self.label_table)

    @torch.no_grad()
    def sample(self, latents: Tensor, truncation_psi: float, labels: Tensor | None = None) -> Tensor:
        """Images of the average generator, noise fixed.

        Args:
            latents: [n, z_dim].
            truncation_psi: 1 = no truncation.
            labels: [n, c_dim]; None takes the first of the data set's where the networks are conditional.

        Returns:
            [n, 3, h, w].
        """
        if labels is None and self.label_table is not None:
            labels = self.label_table[torch.arange(len(latents)) % len(self.label_table)]
        return draw_samples(self.G_ema, latents.to(self.device), labels, truncation_psi=truncation_psi)

    def find_gradients(self, phase: Phase, share: Share, real: RealBatch) -> None:
        """Leave a phase's gradients, averaged over all rounds and processes, in the network that it updates.

        Args:
            phase: one of `phases`.
            share: this process's part of the batch.
            real: that part, of the data set.
        """
        self.G.requires_grad_(phase.network == "G")
        self.D.requires_grad_(phase.network == "D")
        network = self.G if phase.network == "G" else self.D
        network.zero_grad(set_to_none=True)
        for inputs in self.phase_inputs(phase, share, real):
            loss, scalars = phase.loss(inputs)
            self.meter.check(phase.name, loss, step=self.nimg // self.settings.batch_size, nimg=self.nimg)
            for name, value in scalars.items():
                self.meter.add(name, value)
            if self.augment is not None and "Loss/signs/real" in scalars:
                self.augment.observe(scalars["Loss/signs/real"].detach())
            # Not through the Trainer, which has nothing to add: no loss scaler, no wrapper that exchanges gradients.
            (loss * (phase.gain / inputs.rounds)).backward()  # type: ignore[no-untyped-call]
        average_gradients(network.parameters())

    def _update(self, phase: Phase, optimizer: Any) -> None:
        network = self.G if phase.network == "G" else self.D
        optimizer.step()
        # Fused Adam changes weights behind the version counter, by which `networks.remembered` sees changes.
        torch.autograd.graph.increment_version(list(network.parameters()))
        # Autocast keeps its low-precision copies of the weights until the step ends; these have just changed.
        torch.clear_autocast_cache()

    def phase_inputs(self, phase: Phase, share: Share, real: RealBatch) -> Iterator[PhaseInputs]:
        """What a phase looks at, round by round."""
        rounds = self.settings.rounds(share.parts)
        for piece in share.cut(rounds):
            main = self.twins.of(phase, self.device)
            part, draws = real.part(piece, share), self._draws(piece, phase.name)
            yield PhaseInputs(
                generator=self.G,
                discriminator=main["D"],
                real=part.images,
                draws=draws,
                labels=part.labels,
                condition=self.condition(part, draws),
                label_table=self.label_table,
                augment=self.augment,
                style_mixing=self.settings.style_mixing,
                noise_mode="random" if self.settings.noise else "none",
                path_mean=self.path_mean,
                average=mean_over_processes,
                rounds=rounds,
                synthesis=main["synthesis"],
            )

    def condition(self, real: RealBatch, draws: Draws) -> Condition | None:
        """What a phase tells both networks of its real images beside the labels. Default: nothing."""
        return None

    def _main(self) -> dict[str, Any]:
        """What the phases call most, by name."""
        return {"synthesis": self.G.synthesis, "D": self.D}

    def _draws(self, share: Share, stream: str) -> Draws:
        return Draws(self.seed, self.nimg, share, stream=stream, device=self.device)

    def real_batch(self, batch: Any, draws: Draws) -> RealBatch:
        """The images of a batch of the data set, half of them mirrored if the settings say so, and their labels."""
        images, labels = batch if isinstance(batch, (tuple, list)) else (batch, None)
        real = images.float().div_(127.5).sub_(1)
        if self.settings.mirror:
            real = torch.where(draws.coins()[:, None, None, None], real.flip(3), real)
        return RealBatch(real.contiguous(memory_format=torch.channels_last), labels)

    def _optimizers(self) -> list[Any]:
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        return optimizers

    def _rates(self, network: str) -> dict[str, Any]:
        """Settings of Adam for "G" or "D" that a resumed run may change."""
        return self.settings.adam(network, lazy_correction(self.phases, network))


def _read_clock(module: Any, _: Any) -> None:
    module.nimg = int(module.cur_nimg)

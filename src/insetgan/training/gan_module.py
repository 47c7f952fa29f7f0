"""Training of a generator against a discriminator."""

import copy
import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from insetgan.losses.adversarial import LOSSES
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.training.draws import Draws
from insetgan.training.ema import ema_beta, update_ema
from insetgan.training.meter import Meter
from insetgan.training.phases import Phase, PhaseInputs, lazy_correction, standard_phases


class GANModule(pl.LightningModule):
    """StyleGAN2's training: manual optimisation over named phases, the clock being the images seen.

    The state dict holds `G.*`, `D.*`, `G_ema.*` and `cur_nimg`.

    Args:
        generator: what is trained; called G.
        discriminator: its opponent; called D.
        batch_size: images an iteration, over all processes.
        lr: learning rate of both networks before the lazy correction.
        loss: of the two networks, "logistic" (StyleGAN2's) or "hinge" (Projected GANs').
        gamma: weight of R1; None takes StyleGAN2-ADA's rule 0.0002 * height * width / batch_size.
        r1_interval: steps between two R1 updates.
        betas: of Adam, before the lazy correction.
        style_mixing: probability that a batch of pictures is made from two latents.
        noise: whether the synthesis adds its noise. Pictures without any random texture, such as rendered ones, are learned
            faster without, since the generator need not unlearn its speckle; the noise strengths are then held at zero.
        mirror: flip real pictures left to right half of the time.
        ema_kimg: half-life of the average generator in thousand images; None takes batch_size * 10 / 32.
        ema_rampup: the half-life is at most this fraction of the images seen; None for no limit.
        seed: of latents, noise and flips, together with the images seen.

    Raises:
        ValueError: a setting outside its range.
    """

    cur_nimg: Tensor

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator | ProjectedDiscriminator,
        *,
        batch_size: int,
        lr: float = 0.002,
        loss: str = "logistic",
        gamma: float | None = None,
        r1_interval: int = 16,
        betas: tuple[float, float] = (0.0, 0.99),
        style_mixing: float = 0.0,
        noise: bool = True,
        mirror: bool = True,
        ema_kimg: float | None = None,
        ema_rampup: float | None = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.G, self.D = generator, discriminator
        self.G_ema = copy.deepcopy(generator).eval().requires_grad_(False)
        self.register_buffer("cur_nimg", torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_post_hook(_read_clock)  # type: ignore[no-untyped-call]
        self.nimg = 0  # the clock on the host, so that asking for it never waits for the device
        self.batch_size, self.lr, self.betas = batch_size, lr, betas
        self.loss, self.style_mixing, self.noise, self.mirror, self.seed = loss, style_mixing, noise, mirror, seed
        self.ema_kimg, self.ema_rampup = batch_size * 10 / 32 if ema_kimg is None else ema_kimg, ema_rampup
        self.gamma = 0.0002 * generator.height * generator.width / batch_size if gamma is None else gamma
        self._refuse(r1_interval)
        self.phases = standard_phases(gamma=self.gamma, r1_interval=r1_interval, loss=loss)
        self.meter = Meter()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for G and for D, corrected for their lazy regularisers."""
        networks = {"G": self.G, "D": self.D}
        return [
            torch.optim.Adam(network.parameters(), **self._rates(name), eps=1e-8, fused=True)
            for name, network in networks.items()
        ]

    def on_fit_start(self) -> None:
        """Without noise, silence what a checkpoint or the weights to start from may have brought along."""
        if self.noise:
            return
        for network in (self.G, self.G_ema):
            for name, parameter in network.named_parameters():
                if name.endswith("noise_strength"):
                    parameter.data.zero_()
                    torch.autograd.graph.increment_version(parameter)

    def on_train_start(self) -> None:
        """Train at the rates of the settings, also where a checkpoint brought those of its own run."""
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        for name, optimizer in zip(("G", "D"), optimizers, strict=True):
            for group in optimizer.param_groups:
                group.update(self._rates(name))

    def training_step(self, batch: Tensor, _: int) -> None:
        """One iteration: every phase that is due, then the average and the clock.

        Args:
            batch: uint8 [n, 3, h, w], this process's share of the real pictures.
        """
        step = self.nimg // self.batch_size
        draws = Draws(self.seed, self.nimg, rank=self.global_rank, device=self.device)
        real = self._real(batch, draws)
        inputs = PhaseInputs(self.G, self.D, real, draws, self.style_mixing, "random" if self.noise else "none")
        for phase in self.phases:
            if phase.due(step):
                self._run(phase, inputs, step)
        beta = ema_beta(self.batch_size, self.nimg, half_life_kimg=self.ema_kimg, ramp_up=self.ema_rampup)
        update_ema(self.G_ema, self.G, beta)
        self.nimg += self.batch_size
        self.cur_nimg += self.batch_size

    def tick_scalars(self) -> dict[str, float]:
        """Means of what was logged since the last call, by the field's names.

        Raises:
            NotFiniteError: a loss was not finite.
        """
        return self.meter.means()

    def check_losses(self) -> None:
        """Raise NotFiniteError if a loss was not finite."""
        self.meter.verify()

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """Networks to write at a snapshot: file stem -> (module, kind)."""
        return {"network": (self.G_ema, "generator")}

    @torch.no_grad()
    def sample(self, latents: Tensor, truncation_psi: float) -> Tensor:
        """Pictures of the average generator, noise fixed.

        Args:
            latents: [n, z_dim].
            truncation_psi: 1 = no truncation.

        Returns:
            [n, 3, h, w].
        """
        batches = torch.split(latents.to(self.device), 16)
        return torch.cat([self.G_ema(z, truncation_psi=truncation_psi, noise_mode="const") for z in batches])

    def _run(self, phase: Phase, inputs: PhaseInputs, step: int) -> None:
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        self.G.requires_grad_(phase.network == "G")
        self.D.requires_grad_(phase.network == "D")
        optimizer = optimizers[0 if phase.network == "G" else 1]
        loss, scalars = phase.loss(inputs)
        self.meter.check(phase.name, loss, step=step, nimg=self.nimg)
        for name, value in scalars.items():
            self.meter.add(name, value)
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss * phase.gain)
        optimizer.step()
        network = self.G if phase.network == "G" else self.D
        # Fused Adam changes weights behind the version counter, by which `networks.remembered` sees changes.
        torch.autograd.graph.increment_version(list(network.parameters()))
        # Autocast keeps its low-precision copies of the weights until the step ends; these have just changed.
        torch.clear_autocast_cache()

    def _real(self, batch: Tensor, draws: Draws) -> Tensor:
        real = batch.float().div_(127.5).sub_(1)
        if self.mirror:
            real = torch.where(draws.coins(len(real))[:, None, None, None], real.flip(3), real)
        return real.contiguous(memory_format=torch.channels_last)

    def _rates(self, network: str) -> dict[str, Any]:
        """Settings of Adam for "G" or "D" that a resumed run may change."""
        correction = lazy_correction(self.phases, network)
        return {
            "lr": self.lr * correction,
            "betas": (self.betas[0] ** correction, self.betas[1] ** correction),
        }

    def _refuse(self, r1_interval: int) -> None:
        rampup, group = self.ema_rampup, min(self.D.mbstd_group_size, self.batch_size)
        rules: dict[str, tuple[Any, bool, str]] = {
            "lr": (self.lr, 0 < self.lr < math.inf, "a number above 0"),
            "gamma": (self.gamma, 0 <= self.gamma < math.inf, "a number of 0 or more"),
            "loss": (self.loss, self.loss in LOSSES, f"one of {', '.join(LOSSES)}"),
            "r1_interval": (r1_interval, r1_interval >= 1, "1 or more"),
            "noise": (self.noise, isinstance(self.noise, bool), "true or false"),
            "mirror": (self.mirror, isinstance(self.mirror, bool), "true or false"),
            "style_mixing": (self.style_mixing, 0 <= self.style_mixing <= 1, "from 0 to 1"),
            "ema_kimg": (self.ema_kimg, 0 < self.ema_kimg < math.inf, "a number above 0"),
            "ema_rampup": (rampup, rampup is None or 0 < rampup < math.inf, "a number above 0, or null"),
            "betas": (self.betas, _is_betas(self.betas), "two numbers from 0 to below 1"),
            "batch_size": (self.batch_size, self.batch_size >= 1, "1 or more"),
        }
        for name, (value, fits, allowed) in rules.items():
            if not fits:
                raise ValueError(f"{name}={value}: must be {allowed}")
        if self.batch_size % group:
            raise ValueError(f"discriminator.mbstd_group_size={group}: must divide batch_size={self.batch_size}")


def _is_betas(betas: Any) -> bool:
    try:
        first, second = betas
        return bool(0 <= first < 1 and 0 <= second < 1)
    except (TypeError, ValueError):
        return False


def _read_clock(module: Any, _: Any) -> None:
    module.nimg = int(module.cur_nimg)

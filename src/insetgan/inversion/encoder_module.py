"""Training of an encoder: on the generator's own samples, whose latents are known, then on real images as well."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from insetgan.inversion.encoder import Encoder
from insetgan.networks.perceptual import Perceptual, describe, feature_distance
from insetgan.ops.images import from_uint8, seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.runtime.learning_rate import half_cosine
from insetgan.runtime.settings import settings
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.samples import tile

_GENERATOR = "encoder_generator"  # in a checkpoint: digest of the weights that the run is for
_LEVELS = 127.5  # grey levels of 255 in a unit of [-1, 1]
_DESCRIBED = 4  # one image of so many is compared by features too, which cost as much as drawing it

Weight = Annotated[float, Field(ge=0, le=1e6)]


@settings
class EncoderSettings:
    """How an encoder is trained."""

    lr: Annotated[
        float,
        Field(
            gt=0, le=1000, description="highest learning rate of Adam, reached after 2 % of the run; then half a cosine"
        ),
    ]
    total_kimg: Annotated[
        float,
        Field(gt=0, le=1e9, description="thousands of images of the whole run, over which the rate rises and falls"),
    ]
    samples: Annotated[
        float,
        Field(ge=0, le=1, description="share of the run with the generator's samples alone; then half are real images"),
    ] = 0.3
    l1: Annotated[Weight, Field(description="weight of the mean absolute difference of the images")] = 1.0
    l2: Annotated[Weight, Field(description="weight of their mean squared difference")] = 1.0
    perceptual: Annotated[Weight, Field(description="weight of their perceptual distance, in the last pass")] = 0.2
    latent: Annotated[
        Weight, Field(description="weight of the squared error of the latents of samples, in units of the spread of w")
    ] = 0.05
    delta: Annotated[Weight, Field(description="weight of the squared length of delta, in the same units")] = 0.002
    mixed: Annotated[
        float, Field(ge=0, le=1, description="share of samples whose fine layers come from another seed")
    ] = 0.5
    mirror: Annotated[bool, Field(description="flip half of the real images left to right")] = True
    clip: Annotated[float, Field(gt=0, le=1e9, description="largest norm of a gradient; longer ones are shortened")] = (
        1.0
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of samples and flips")] = 0


class EncoderModule(TrainingModule):
    """An encoder beside the frozen generator that it learns to invert.

    Every pass is trained: it starts from what the pass before gave, without a gradient to it.

    Args:
        encoder: what is trained.
        generator: whose latents it finds.
        features: for the perceptual distance; None leaves it out.
        settings: the fields of `EncoderSettings`.

    Raises:
        SettingError: a setting outside its range.
        UserError: the encoder is for another generator.
    """

    def __init__(self, encoder: Encoder, generator: Any, features: Perceptual | None = None, **settings: Any) -> None:
        super().__init__()
        self.settings = EncoderSettings(**settings)
        encoder.refuse_others(generator)
        self.encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Not registered: a checkpoint must hold no weights of the generator, which another run may have replaced.
        self._frozen: tuple[Any, Any] = (generator.eval().requires_grad_(False), features)
        if isinstance(features, nn.Module):
            features.eval().requires_grad_(False)
        self._mean: Tensor | None = None

    @property
    def generator(self) -> Any:
        """The frozen generator."""
        return self._frozen[0]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its rate is set before every step from the images seen."""
        return torch.optim.Adam(self.encoder.parameters(), lr=self.settings.lr)

    def on_fit_start(self) -> None:
        """Move what is not registered."""
        self._move()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note for which generator the run is."""
        checkpoint[_GENERATOR] = self.encoder.generator

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of a run for another generator.

        Raises:
            UserError: naming both digests.
        """
        found = checkpoint.get(_GENERATOR)
        if found != self.encoder.generator:
            raise UserError(
                f"resume: the run is for a generator with the weights {str(found)[:12]}, and this one has "
                f"{self.encoder.generator[:12]}; give another out=, or resume=none to start anew"
            )

    def rate(self, kimg: float) -> float:
        """Learning rate after `kimg` thousand images."""
        return half_cosine(self.settings.lr, kimg, self.settings.total_kimg, 0.02)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate; the first step of all is not quite at zero, nor is one behind the end."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate((int(self.cur_nimg) + len(batch) * self.trainer.world_size) / 1000)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten long gradients: passes that follow one another make a bad step worse."""
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), self.settings.clip)

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        """Loss of all passes on samples and real images, uint8 [n, 3, h, w]."""
        options, count = self.settings, len(batch)
        alone = int(self.cur_nimg) < options.samples * options.total_kimg * 1000
        random = torch.Generator().manual_seed(options.seed * 1_000_003 + int(self.cur_nimg) + self.global_rank)
        known = count if alone else (count + 1) // 2
        truth = self._sampled(known, random)
        with torch.no_grad():
            images = self.generator.draw(truth).float().clamp(-1, 1)
            if not alone:
                real = self._to_float(batch[known:])
                if options.mirror:
                    flip = torch.rand(len(real), generator=random) < 0.5
                    real = torch.where(flip[:, None, None, None].to(real.device), real.flip(3), real)
                images = torch.cat([images, real])
        losses = self._losses(images, truth)
        self.cur_nimg += count * self.trainer.world_size
        self.log_dict({f"Loss/{name}": loss.detach() for name, loss in losses.items()})
        return torch.stack([getattr(options, name) * loss for name, loss in losses.items()]).sum()

    def _losses(self, images: Tensor, truth: Tensor) -> dict[str, Tensor]:
        """Unweighted losses, means over the passes, by the name of their weight; of samples alone only their latents'.

        Latents of samples are known, so that nothing has to be differentiated through the generator, which costs the most.
        """
        encoder, known, alone = self.encoder, len(truth), len(truth) == len(images)
        (before, offsets), drawn = encoder.start(len(images)), self._mean_image().expand(len(images), -1, -1, -1)
        rows: list[dict[str, Tensor]] = []
        for _ in range(encoder.passes):
            shared, delta = encoder(images, drawn.detach().clamp(-1, 1))
            shared, delta = before + shared, offsets + delta
            ws = shared[:, None] + delta
            row = {
                "latent": ((ws[:known] - truth) / encoder.w_std).square().mean(),
                "delta": (delta / encoder.w_std).square().mean(),
            }
            if not alone or len(rows) + 1 < encoder.passes:
                with torch.set_grad_enabled(not alone):
                    drawn = self.generator.draw(ws).float()
            if not alone:
                row |= {"l1": (drawn - images).abs().mean(), "l2": (drawn - images).square().mean()}
            rows.append(row)
            before, offsets = shared.detach(), delta.detach()
        losses = {name: torch.stack([row[name] for row in rows]).mean() for name in rows[0]}
        features = self._frozen[1]
        if features is not None and self.settings.perceptual and not alone:
            with torch.no_grad():
                wanted = describe(features, images[::_DESCRIBED])
            losses["perceptual"] = feature_distance(describe(features, drawn[::_DESCRIBED]), wanted).mean()
        return losses

    def _mean_image(self) -> Tensor:
        if self._mean is None:
            with torch.no_grad():
                self._mean = self.encoder.mean_image(self.generator)
        return self._mean

    def _sampled(self, count: int, random: torch.Generator) -> Tensor:
        """Latents [n, num_ws, w_dim] of random samples without truncation, some of them mixed of two."""
        generator, device = self.generator, self.device
        z = torch.randn(2 * count, generator.z_dim, generator=random).to(device)
        with torch.no_grad():
            one, other = generator.mapping(z, truncation_psi=1.0).float().chunk(2)
        layers = torch.arange(generator.num_ws)
        crossing = torch.randint(1, max(2, generator.num_ws), (count, 1), generator=random)
        mixed = (layers >= crossing) & (torch.rand(count, 1, generator=random) < self.settings.mixed)
        return torch.where(mixed[:, :, None].to(device), other, one)

    def on_validation_start(self) -> None:
        """Measure a fixed set of samples once."""
        self._move()
        z = seeded_latents(range(64), self.generator.z_dim).to(self.device)
        with torch.no_grad():
            images = self.generator.draw(self.generator.mapping(z, truncation_psi=1.0)).float().clamp(-1, 1)
        self._errors = {"samples": self._error(images)}

    def validation_step(self, batch: Tensor, _: int) -> None:
        """Mean absolute difference, of 255, of held-out images and of samples to what is found for them."""
        real = self._to_float(batch)
        several = self.trainer.world_size > 1
        self.log("MAE/images", self._error(real), batch_size=len(batch), sync_dist=several)
        self.log("MAE/samples", self._errors["samples"], batch_size=len(batch), sync_dist=several)

    def _error(self, images: Tensor) -> Tensor:
        latents = self.encoder.encode(self.generator, images)
        with torch.no_grad():
            drawn: Tensor = self.generator.render(latents.tensors).float().clamp(-1, 1)
            return (drawn - images).abs().mean() * _LEVELS

    @torch.no_grad()
    def grids(self, count: int) -> dict[str, Tensor]:
        """Samples above what is found for them."""
        self._move()
        z = seeded_latents(range(max(1, count // 2)), self.generator.z_dim).to(self.device)
        images = self.generator.draw(self.generator.mapping(z, truncation_psi=1.0)).float()
        latents = self.encoder.encode(self.generator, images.clamp(-1, 1))
        found = self.generator.render(latents.tensors).float()
        pairs = torch.stack([images, found], 1).flatten(0, 1)
        return {"samples": tile(pairs.cpu())}

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The encoder, for a safetensors file of its own."""
        return {"encoder": (self.encoder, "encoder")}

    def starting_points(self) -> dict[str, str | None]:
        """The encoder."""
        return {"encoder": "encoder"}

    def _move(self) -> None:
        for each in self._frozen:
            if isinstance(each, nn.Module):
                each.to(self.device)

    def _to_float(self, real: Tensor) -> Tensor:
        return from_uint8(real.permute(0, 2, 3, 1)).to(self.device)

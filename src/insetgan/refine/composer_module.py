"""Training of a composer: on pairs drawn from seeds, by the objective of the refinement itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from insetgan.detection.part import Part
from insetgan.networks.owned import owned_networks
from insetgan.networks.perceptual import Perceptual
from insetgan.ops.images import seeded_latents
from insetgan.refine.composer import Composer
from insetgan.refine.composition import compose
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.objective import Objective
from insetgan.refine.one_pass import OnePass, State, added, drawn_at, first_view, look, seen
from insetgan.refine.problem import Problem
from insetgan.refine.sides import Side
from insetgan.refine.state import Initial
from insetgan.runtime.errors import UserError
from insetgan.runtime.learning_rate import half_cosine
from insetgan.runtime.settings import settings
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.samples import tile

_GENERATORS = "composer_generators"  # in a checkpoint: the digests of the weights that the run is for
_STARTS = 16  # samples that are mapped and drawn at once for a grid


@dataclass(frozen=True)
class Task:
    """What is minimised in one mode of refine.py.

    Attributes:
        objective: its terms.
        sides: whose latents move.
    """

    objective: Objective
    sides: tuple[Side, ...]


@settings
class ComposerSettings:
    """How a composer is trained."""

    lr: Annotated[
        float,
        Field(
            gt=0, le=1000, description="highest learning rate of Adam, reached after 2 % of the run; then half a cosine"
        ),
    ]
    total_kimg: Annotated[
        float,
        Field(gt=0, le=1e9, description="thousands of pairs of the whole run, over which the rate rises and falls"),
    ]
    trunc: Annotated[
        tuple[Annotated[float, Field(ge=0, le=2)], Annotated[float, Field(ge=0, le=2)]],
        Field(
            description="least and greatest psi of the start latents; each pair has its own, the same for all generators"
        ),
    ] = (0.4, 1.0)
    clip: Annotated[float, Field(gt=0, le=1e9, description="largest norm of a gradient; longer ones are shortened")] = (
        1.0
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of psi and of the order of the modes")] = 0


class ComposerModule(TrainingModule):
    """A composer beside the frozen generators whose latents it corrects.

    Every pass is trained by the objective of what it makes, and starts from what the pass before made, without a gradient
    to it. The gradient of the objective with respect to the latents is worked out once: it trains the pass that made
    them, and the next pass sees it.

    Args:
        composer: what is trained.
        canvas: draws I_A.
        parts: the insets, by name.
        tasks: by mode, one for each mode of the composer.
        perceptual: features for the perceptual terms.
        settings: the fields of `ComposerSettings`.

    Raises:
        SettingError: a setting outside its range.
        UserError: the composer is for other generators.
    """

    def __init__(
        self,
        composer: Composer,
        canvas: Any,
        parts: Mapping[str, Part],
        tasks: Mapping[str, Task],
        perceptual: Perceptual | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.settings = ComposerSettings(**settings)
        self.generators = {CANVAS: canvas, **{name: part.generator for name, part in parts.items()}}
        composer.refuse_others(self.generators)
        self.composer, self._parts = composer, dict(parts)
        self.tasks = {
            mode: replace(task, objective=composer.guard.objective(task.objective, features=perceptual is not None))
            for mode, task in tasks.items()
        }
        # Not registered: a checkpoint must hold no weights of the generators, which another run may have replaced.
        owners = [canvas, perceptual, *(each for part in parts.values() for each in (part.generator, part.detector))]
        self._frozen = tuple(network for owner in owners for network in owned_networks(owner))
        self._perceptual = (perceptual,)
        for network in self._frozen:
            network.eval().requires_grad_(False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its rate is set before every step from the pairs seen."""
        return torch.optim.Adam(self.composer.parameters(), lr=self.settings.lr)

    def on_fit_start(self) -> None:
        """Move what is not registered."""
        self._move()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note for which generators the run is."""
        checkpoint[_GENERATORS] = {name: known["digest"] for name, known in self.composer.generators.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of a run for other generators.

        Raises:
            UserError: naming the first that differs.
        """
        found = checkpoint.get(_GENERATORS) or {}
        for name, known in self.composer.generators.items():
            if found.get(name) != known["digest"]:
                raise UserError(
                    f"resume: the run is for {name} with the weights {str(found.get(name))[:12]}, and this one has "
                    f"{str(known['digest'])[:12]}; give another out=, or resume=none to start anew"
                )

    def rate(self, kimg: float) -> float:
        """Learning rate after `kimg` thousand pairs."""
        return half_cosine(self.settings.lr, kimg, self.settings.total_kimg, 0.02)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate; the first step of all is not quite at zero, nor is one behind the end."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate((int(self.cur_nimg) + len(batch) * self.trainer.world_size) / 1000)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten long gradients: the objective of a few pairs is many times that of the others."""
        torch.nn.utils.clip_grad_norm_(self.composer.parameters(), self.settings.clip)

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        """Loss of all passes on the pairs of some seeds, int64 [n]."""
        random = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + int(self.cur_nimg) + self.global_rank)
        mode = self.composer.modes[int(torch.randint(len(self.composer.modes), (), generator=random))]
        low, high = self.settings.trunc
        psi = low + (high - low) * torch.rand(len(batch), generator=random)
        loss, totals = self.losses(self.problem(batch.tolist(), psi), mode)
        self.cur_nimg += len(batch) * self.trainer.world_size
        self.log_dict({f"Objective/{mode}_{number}": total.mean() for number, total in enumerate(totals)})
        return loss

    def losses(self, problem: Problem, mode: str) -> tuple[Tensor, list[Tensor]]:
        """What is minimised, and the objective before and after each pass.

        Returns:
            A scalar whose gradient with respect to the offsets is that of the mean logarithm of the objective, summed over
            the passes (its value means nothing): pairs that fit badly from the start must not drown the others, nor the
            first pass the last. And passes + 1 tensors [n].
        """
        task, composer = self.tasks[mode], self.composer
        state = self._start(problem, task)
        losses, totals = [], [state.total]
        for number in range(composer.passes):
            offsets = composer(number, mode, seen(problem, state))
            latents = added(state.view.latents, {name: each.detach() for name, each in offsets.items()}, task.sides)
            view = drawn_at(problem, state.view, latents, task.sides, graph=True)
            state = look(problem, task.objective, task.sides, view, composer, slopes=True)
            assert state.slopes is not None
            share = 1 / state.total.clamp(min=1e-6)[:, None, None]
            losses += [(each * share * state.slopes[name]).sum() for name, each in offsets.items()]
            totals.append(state.total)
        return torch.stack(losses).sum() / problem.size, totals

    @torch.no_grad()
    def problem(self, seeds: Sequence[int], psi: Tensor) -> Problem:
        """The pairs of some seeds, truncated by psi [n]; all generators of a pair start from its seed, as in refine.py."""
        starts = {}
        for name, generator in self.generators.items():
            z = seeded_latents(seeds, generator.z_dim).to(self.device)
            rows = psi.double().to(self.device)[:, None].expand(-1, generator.layers)
            starts[name] = Latents(dict(generator.sample(z, rows)), generator)
        return Problem(self.generators[CANVAS], self._parts, starts, self._perceptual[0])

    def on_validation_start(self) -> None:
        """The networks follow the module."""
        self._move()

    def validation_step(self, batch: Tensor, _: int) -> None:
        """Mean objective of held-out pairs before the first pass, and after each."""
        problem = self.problem(batch.tolist(), torch.full((len(batch),), sum(self.settings.trunc) / 2))
        with torch.enable_grad():
            for mode in self.composer.modes:
                for row, each in enumerate(self.losses(problem, mode)[1]):
                    name = f"Held_out/{mode}_{row}"
                    self.log(name, each.mean(), batch_size=len(batch), sync_dist=self.trainer.world_size > 1)

    def grids(self, count: int) -> dict[str, Tensor]:
        """Naive pastes above what the passes make of them, in the first mode."""
        self._move()
        mode = self.composer.modes[0]
        task, rows = self.tasks[mode], min(_STARTS, max(1, count // 2))
        problem = self.problem(range(rows), torch.full((rows,), sum(self.settings.trunc) / 2))
        with torch.enable_grad():
            initial = Initial.of(problem)
            view = OnePass(self.composer, mode).run(problem, task.objective, task.sides, initial)
        before = compose(initial.images[CANVAS], initial.images, initial.locations.regions)
        after = compose(view.canvas.image.detach(), view.insets.images, view.locations.regions)
        return {"samples": tile(torch.stack([before, after.detach()], 1).flatten(0, 1).float().cpu())}

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The composer, for a safetensors file of its own."""
        return {"composer": (self.composer, "composer")}

    def starting_points(self) -> dict[str, str | None]:
        """The composer."""
        return {"composer": "composer"}

    def _start(self, problem: Problem, task: Task) -> State:
        view = first_view(problem, Initial.of(problem))
        return look(problem, task.objective, task.sides, view, self.composer, slopes=True)

    def _move(self) -> None:
        for network in self._frozen:
            network.to(self.device)

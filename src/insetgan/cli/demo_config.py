"""Settings of `python demo.py`."""

from typing import Annotated

from pydantic import Field

from insetgan.cli.setting_types import Plugins
from insetgan.runtime.paths import UserPath
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class DemoConfig:
    """Settings of `insetgan demo`."""

    host: Annotated[
        str, Field(min_length=1, description="address at which the page listens; 0.0.0.0 is the whole network")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="of the page; 0 takes one that is free")] = 7860
    password: Annotated[str | None, Field(description="asked of everybody, beside any name; 4 letters or more")] = None
    open: Annotated[bool, Field(description="open the page in the browser of this machine")] = False
    body: Annotated[UserPath, Field(description="what draws the canvas: an embedded model, or a .safetensors file")] = (
        "body"
    )
    face: Annotated[UserPath, Field(description="what draws the face, likewise")] = "face"
    runs: Annotated[
        UserPath | None,
        Field(
            description="a folder such as outputs: the finished runs and sweeps below it can be opened; null opens none"
        ),
    ] = None
    num_threads: Annotated[
        int | None, Field(ge=1, le=1024, description="processor threads; null is torch's choice")
    ] = None
    plugins: Plugins = None

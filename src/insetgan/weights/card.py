"""The page of a network on the Hugging Face Hub (its model card): what it is, how it is used, and what it may be used for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from insetgan.weights.licence import PEOPLE, Licence, slug

_MOST = 200
"""Letters of a value that a file says of itself."""
_TITLES = {
    "generator": "A generator of StyleGAN2",
    "discriminator": "A discriminator of StyleGAN2",
    "comodgan": "A CoModGAN, which completes bodies round faces",
    "parts": "A PartsNet, which finds parts in images",
}


@dataclass(frozen=True)
class Card:
    """What the page of a network says.

    Attributes:
        address: `hf:owner/repo[@revision]:file`, as commands take it.
        kind: "generator" or "discriminator", ...
        facts: rows of name and value: size, parameters, ...
        training: arguments of its training, as its file says them.
        licence: of the weights.
        images: name of a file with images beside the page; empty where there is none.
        tall: whether images are higher than wide, as those of bodies.
    """

    address: str
    kind: str
    facts: Mapping[str, str]
    training: Mapping[str, Any]
    licence: Licence
    images: str = ""
    tall: bool = False

    def text(self) -> str:
        """The page, in Markdown, headed by what the Hub reads of it."""
        return "\n".join([*self._head(), *self._body(), *self._licence(), ""])

    @property
    def _repo(self) -> str:
        return self.address.removeprefix("hf:").partition(":")[0].partition("@")[0]

    def _head(self) -> list[str]:
        terms = self.licence.terms
        known = [f"license: {terms.hub}"]
        if terms.hub == "other":
            known.append(f"license_name: {slug(self.licence.name)}")
            known += [f"license_link: {terms.link}"] if terms.link else []
        generator = ["pipeline_tag: unconditional-image-generation"] if self.kind == "generator" else []
        return ["---", "library_name: insetgan", *known, *generator, "tags: [insetgan, gan, stylegan2]", "---", ""]

    def _body(self) -> list[str]:
        shown = f"\n![Images of eight seeds]({self.images})\n" if self.images else ""
        lines = [f"# {self._repo}", "", f"{_TITLES[self.kind]}, written by InsetGAN's `convert.py`.", shown]
        lines += [
            "## How to use it",
            "",
            "With the commands of the InsetGAN project:",
            "",
            "```sh",
            *self._commands(),
            "```",
            "",
        ]
        lines += ["Nothing in the file is executed when it is read.", "", "## What it is", "", "| | |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in self.facts.items()]
        lines += ["", "## Training", ""]
        if not self.training:
            return [*lines, "The file says nothing of its training.", ""]
        said = json.dumps(_public(self.training), indent=2, ensure_ascii=True).replace("`", "'")
        return [*lines, "What the file says of its training and its arguments:", "", "```json", said, "```", ""]

    def _commands(self) -> list[str]:
        if self.kind == "comodgan":
            return [f"python complete.py weights={self.address}"]
        if self.kind == "parts":
            return [f"python refine.py detector.network.name_or_path={self.address}"]
        if self.kind == "discriminator":
            return [f"python convert.py in={self.address} info=true"]
        use = "canvas.weights" if self.tall else "parts.face.weights"
        return [
            f"python generate.py weights={self.address} seeds=0-31 trunc=0.7",
            f"python refine.py {use}={self.address}",
            f"python train.py +model={'body' if self.tall else 'face'} init={self.address}",
        ]

    def _licence(self) -> list[str]:
        terms, name = self.licence.terms, _cell(self.licence.name)
        linked = f"[{name}]({terms.link})" if terms.link else name
        lines = ["## Licence", "", f"{linked}. It allows {terms.allows}."]
        if self.licence.page:
            lines.append(f"The weights come from <{self.licence.page}>.")
        if terms.sharing == "same":
            lines.append("Who passes them on does so under the same licence, with a copy of it.")
        lines += ["", "**Not licensed for:**", ""]
        return lines + [f"- {each}" for each in (terms.forbids, PEOPLE) if each]


def _cell(text: str) -> str:
    """Text that stays within a cell of a table and is no markup."""
    plain = " ".join(str(text).split())[:_MOST]
    return "".join(f"\\{letter}" if letter in "\\`*_[]|<>#!" else letter for letter in plain)


def _public(value: Any) -> Any:
    """Values without the folders of the computer on which the network was trained."""
    if isinstance(value, Mapping):
        return {str(key)[:_MOST]: _public(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_public(each) for each in value]
    if isinstance(value, str):
        return value.rstrip("/\\").replace("\\", "/").rpartition("/")[2][:_MOST] if _is_path(value) else value[:_MOST]
    return value


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~", "\\\\")) or text[1:3] in (":\\", ":/")

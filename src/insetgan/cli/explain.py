"""What a user did wrong, in one line; Hydra's and OmegaConf's own words are those of Hydra 1.3 and OmegaConf 2.3."""

import re
import sys
from dataclasses import fields, is_dataclass
from typing import get_args, get_origin, get_type_hints

from yaml import YAMLError

from insetgan.cli.broken_references import without_group, without_setting
from insetgan.cli.launchers import EXTRAS
from insetgan.cli.places import choices_of
from insetgan.cli.renamed import new_name
from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import unknown_setting


def explain(error: Exception, cls: type, command: str = "") -> str:
    """Say in one line what the user did wrong and what is allowed.

    Args:
        error: what was raised.
        cls: the class of the command's settings.
        command: its name.
    """
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    if match := re.match(r"UserError raised while resolving interpolation: (.*?)(?: full_key: .*)?$", text):
        return match[1]
    if isinstance(error, (YAMLError, RecursionError)):  # settings that are nested too deep
        return f"cannot read a configuration file: {text}"
    if said := _below_nothing(error, text) or without_group(text) or _wrong_choice(text, command):
        return said
    if isinstance(error, OSError):
        named = f"{error.filename}: {error.strerror}" if error.filename else text
        return re.sub(r" ?Config search path: .*$", "", named)
    if match := re.search(r"Missing mandatory value: (\S+)", text):
        return f"{match[1]} is not given: add " + (
            " or ".join(f"+{match[1]}={choice}" for choice in choices_of(match[1])) or f"{match[1]}=..."
        )
    if match := re.search(r"Key '([^']+)' (?:is )?not in (?:struct|'\w+')", text):
        return _unknown_key(_full_key(text) or match[1], cls, command)
    if match := re.search(r"Could not delete from config\. ['\"]?([\w.@]+)", text):
        return f"~{match[1]}: this setting has to stay"
    if "LexerNoViableAlt" in text or "no viable alternative" in text or "token recognition" in text:
        return (
            f"cannot read the command line: {text[:80]}; quote special characters, once for the shell and text once more "
            """for the setting, as in 'seeds=[1,2]' and 'out="/tmp/café"'"""
        )
    return without_setting(re.sub(r" (full_key|object_type|reference_type)[:=].*$", "", text))


def _below_nothing(error: Exception, text: str) -> str | None:
    """What made OmegaConf stumble: a setting below another one that is null."""
    if not isinstance(error, (AttributeError, TypeError, AssertionError)):
        return None
    if key := _full_key(text):
        return f"{key}: is null, so that nothing can be set below it"
    deep = [argument.partition("=")[0] for argument in sys.argv[1:] if re.match(r"[+~]*\w+\.[\w.]+=", argument)]
    return f"cannot set {' or '.join(deep) or 'this'}: there is nothing in which it could lie ({text[:80]})"


def _wrong_choice(text: str, command: str) -> str | None:
    """What Hydra says of a choice that a group does not have, alone or in a list, and of one value for many settings."""
    if (match := re.search(r"Could not find 'hydra/launcher/(\S+)'", text)) and match[1] in EXTRAS:
        return f"hydra/launcher={match[1]}: needs pip install 'insetgan[{EXTRAS[match[1]]}]'"
    if match := re.search(r"Could not find '(\S+)' Available options in '\S+': (.*?) Config search path", text):
        return f"{match[1]}: no such choice {_now(match[1], command)}(allowed: {', '.join(match[2].split())})"
    if match := re.search(r"Could not load '((\S+)/[^/']+)'", text):
        return f"{match[1]}: no such choice {_now(match[1], command)}(allowed: {', '.join(choices_of(match[2]))})"
    if match := re.search(r"Multiple values for (\S+)\. To override a value use 'override \S+: (\S+)'", text):
        return f"+{match[1]}: is chosen already; choose another one without a plus, as {match[1]}={match[2]}"
    if "does not support sweep type : INTERVAL" in text:
        return "interval(...): is for sweepers that search, such as hydra/sweeper=optuna; name the values, as in -m key=a,b"
    if match := re.search(r"Error merging override ((\S+?)=\S*) (Invalid type assigned|Cannot assign)", text):
        return f"{match[1]}: stands for several settings; give them one by one, as {match[2]}.NAME=VALUE"
    if "Config group override must be a string or a list" in text:  # it does not say which
        for argument in sys.argv[1:]:
            group, _, value = argument.lstrip("+").partition("=")
            if (choices := choices_of(group)) and value not in choices:
                return f"{group}={value}: no such choice (allowed: {', '.join(choices)})"
    return None


def _now(choice: str, command: str) -> str:
    new = new_name("=".join(choice.rsplit("/", 1)), command)
    return f"any more; it is now {new} " if new else ""


def _full_key(text: str) -> str:
    match = re.search(r"full_key: (\S+)", text)
    return match[1] if match else ""


def _unknown_key(key: str, cls: type, command: str) -> str:
    """Name what stands beside the misspelt key: the settings of its class, as deep as they are known."""
    if new := new_name(key, command):
        return f"{key}: is now called {new}"
    *path, _ = key.split(".")
    holder: object = cls
    for name in path:
        if get_origin(holder) is dict:
            holder = get_args(holder)[1]
        else:
            holder = get_type_hints(holder).get(name) if is_dataclass(holder) else None
    if not is_dataclass(holder):
        return f"{key}: no such setting in {'.'.join(path)}"
    return str(unknown_setting(key, [field.name for field in fields(holder)]))

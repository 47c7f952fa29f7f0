"""Put a trained network into the package: `python -m insetgan.weights.ship FILE NAME` with NAME of `store.EMBEDDED`."""

import sys
from pathlib import Path

from insetgan.runtime.errors import UserError
from insetgan.runtime.printing import say, say_error
from insetgan.weights.store import EMBEDDED, load_network, read_metadata, save_network


def ship(path: str, name: str) -> Path:
    """Store a network in half precision under the name of an embedded model.

    Args:
        path: a .safetensors file that training wrote.
        name: one of `store.EMBEDDED`.

    Returns:
        Where it lies now.

    Raises:
        UserError: an unknown name, or a file that is no network.
    """
    if name not in EMBEDDED:
        raise UserError(f"name={name}: must be one of {', '.join(EMBEDDED)}")
    metadata = read_metadata(path)
    kind = metadata.pop("kind")
    metadata.pop("architecture")
    target = Path(__file__).with_name(f"{name}.safetensors")
    save_network(target, load_network(path), kind=kind, half=True, **metadata)
    return target


if __name__ == "__main__":
    try:
        say(str(ship(*sys.argv[1:3])))
    except (UserError, TypeError) as error:
        say_error(f"error: {error}")
        sys.exit(1)

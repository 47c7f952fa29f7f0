"""Which settings of refine.py go with shards=."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.seeds import parse_seeds
from insetgan.runtime.errors import UserError


def refuse_shards(config: DictConfig, samples: int) -> None:
    """Refuse settings of shards that cannot be, and others that do not go with them.

    Args:
        config: of refine.py.
        samples: of the run.

    Raises:
        UserError: naming the key.
    """
    chosen: Any = OmegaConf.to_object(config.shard) if OmegaConf.is_config(config.shard) else config.shard
    if config.shards is None:
        if chosen is not None:
            raise UserError(f"shard={chosen}: belongs to shards=")
        return
    given = f"shards={config.shards}"
    if config.shards > samples:
        raise UserError(f"{given}: must be at most the number of samples, {samples}")
    if chosen is not None and max(parse_seeds(chosen, key="shard", word="shard")) >= config.shards:
        raise UserError(f"shard={chosen}: must be from 0 to {config.shards - 1}, of {given}")
    if beside := [key for key in ("walk", "faces", "bodies", "logger") if config[key]]:
        raise UserError(f"{given}: goes not with {beside[0]}=")
    trainer = config.trainer
    if trainer.devices not in (1, "auto") or trainer.num_nodes != 1 or trainer.cluster != "none":
        raise UserError(
            f"{given}: each command takes one device; give the same command once for each (docs/cluster.md)"
        )

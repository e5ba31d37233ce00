"""Which peers are installed."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

PEERS = ("KunQuant", "polars", "pandas", "bottleneck", "numbagg")


def version(peer: str) -> str | None:
    """The installed version, None without one."""
    try:
        return installed_version(peer)
    except PackageNotFoundError:
        return None


def has(peer: str) -> bool:
    return version(peer) is not None

"""The walking network: hides arrays and search; the only room that knows numba and networkx.

`WalkNetwork` is loaded when it is first asked for: a process that only compiles kernels has no use for tables.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circle15.network.walk_network import WalkNetwork

__all__ = ["WalkNetwork"]


def __getattr__(name: str) -> object:
    """Load the public name."""
    if name != "WalkNetwork":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from circle15.network.walk_network import WalkNetwork

    return WalkNetwork

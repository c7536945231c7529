"""The walking network: hides arrays and search; the only room that knows numba and networkx."""

from circle15.network.walk_network import WalkNetwork

__all__ = ["WalkNetwork"]

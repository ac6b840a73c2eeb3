"""Simulations of several strategies, side by side: played once, kept, and compared."""

from al_loop.compare.summary import facts

__all__ = ["facts"]

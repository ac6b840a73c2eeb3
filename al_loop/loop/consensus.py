"""In the audit step, before labels are judged: what several people's votes add up to."""

from al_loop.config import Config
from al_loop.loop.parts import Parts


def settle(parts: Parts, config: Config, number: int) -> None:
    """Work out and store the consensus of texts with several votes, and derive their labels."""

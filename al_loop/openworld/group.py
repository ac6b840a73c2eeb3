"""A group of texts with the evidence that people judge it by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """A group of similar texts.

    index: its number in the `Clusters` that it comes from. id: its number in the workspace, None
    where it is new or there is none. name: short; no class and no other group has it.
    size: texts in it. density: mean cosine of them to their center.
    dense: HDBSCAN found it; else it is a part of what HDBSCAN calls noise, split by k-means.
    phrases: what sets it apart, the strongest first. central: positions of its most central
    texts in the pool. nearest, similarity: the known class whose center is nearest, and the
    cosine to it; None where no class is known. novel: too far from all of them to be one, or
    with far fewer labels in it than chance would give.
    stability: how much of it bootstraps find again, 0 to 1; None: not looked at.
    """

    index: int
    id: int | None
    name: str
    size: int
    density: float
    dense: bool
    phrases: tuple[str, ...]
    central: tuple[int, ...]
    nearest: str | None
    similarity: float | None
    novel: bool
    stability: float | None = None

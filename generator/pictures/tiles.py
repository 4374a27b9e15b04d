"""A large picture through a network in pieces that overlap: the memory of one piece, and no seam between two.

Each piece sees a margin of its neighbours. The outer half of the margin, which a network that looks further than its
own pixel sees cut off, is thrown away; over the inner half the pieces are faded into each other. A network that looks
at most half a margin far gives what it would give for the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

Network = Callable[[Tensor], Tensor]
"""(1, 3, h, w) -> (1, 3, h * scale, w * scale)."""


@dataclass(frozen=True)
class Span:
    """A piece of one side, in pixels of the small picture."""

    start: int
    stop: int
    """What the piece is for; together the pieces are the side."""
    seen_from: int
    seen_to: int
    """What it sees."""


def spans(side: int, tile: int, margin: int) -> list[Span]:
    """Pieces of about the same length, none longer than `tile`, each of which sees `margin` more on both sides."""
    return spans_between(even_cuts(side, tile), margin)


def even_cuts(side: int, tile: int) -> list[int]:
    """From 0 to `side`, at about the same distances, none longer than `tile`."""
    count = max(1, -(-side // tile))
    return [round(number * side / count) for number in range(count + 1)]


def spans_between(cuts: Sequence[int], margin: int) -> list[Span]:
    """The pieces between cuts, from 0 to the side's length, each of which sees `margin` more on both sides."""
    side = cuts[-1]
    return [Span(start, stop, max(0, start - margin), min(side, stop + margin)) for start, stop in pairwise(cuts)]


def fade(span: Span, side: int, margin: int, scale: int) -> Tensor:
    """How much each enlarged pixel that a piece sees counts: 1 in its middle, 0 at the ends of it that are cut.

    margin: over which it fades, half of it on either side of a cut.
    """
    places = span.seen_from + (torch.arange((span.seen_to - span.seen_from) * scale) + 0.5) / scale
    weights = torch.ones_like(places)
    if span.start > 0:
        weights = weights * ((places - span.start) / margin + 0.5).clamp(0, 1)
    if span.stop < side:
        weights = weights * ((span.stop - places) / margin + 0.5).clamp(0, 1)
    return weights


def enlarge_in_tiles(network: Network, picture: Tensor, scale: int, tile: int = 256, margin: int = 32) -> Tensor:
    """(1, 3, H, W) on the network's device -> (1, 3, H * scale, W * scale) on the CPU.

    tile: longest side of a piece without its margin, in pixels of the small picture, at least twice the margin.
    """
    assert margin > 0
    assert tile >= 2 * margin
    height, width = picture.shape[2:]
    whole = torch.zeros(1, picture.shape[1], height * scale, width * scale)
    for down, across in _pieces(height, width, tile, margin):
        piece = picture[..., down.seen_from : down.seen_to, across.seen_from : across.seen_to]
        weight = fade(down, height, margin, scale)[:, None] * fade(across, width, margin, scale)
        rows = slice(down.seen_from * scale, down.seen_to * scale)
        columns = slice(across.seen_from * scale, across.seen_to * scale)
        whole[..., rows, columns] += network(piece).float().cpu() * weight
    return whole


def _pieces(height: int, width: int, tile: int, margin: int) -> Iterator[tuple[Span, Span]]:
    for down in spans(height, tile, margin):
        for across in spans(width, tile, margin):
            yield down, across

"""SigLIP 2's tokens: Gemma's pieces of text (256,000, SentencePiece; Kudo and Richardson 2018), in lower case.

As google-research/big_vision prepares them: lower case, no mark at the beginning, one at the end, filled up with zeros.
There the text tower was trained on full rows alone, so that what a row is filled up with is part of what it reads.
Importing this module imports neither torch nor sentencepiece.
"""

from __future__ import annotations

from typing import Any

from dreamrig import extras
from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError

PAD, END = 0, 1


class Pieces:
    """A SentencePiece model as a tokenizer; NotReadyError where the package, or a sound model, is missing."""

    def __init__(self, model: bytes, name: str) -> None:
        self._model = _load(model, name)
        if (self._model.pad_id(), self._model.eos_id()) != (PAD, END):
            raise _strange(name)

    @property
    def count(self) -> int:
        """How many different pieces there are."""
        return int(self._model.get_piece_size())

    def tokenise(self, text: str, context: int) -> list[int]:
        """The tokens of one text with its end mark, filled up to `context`; UsageError when they are more."""
        tokens = self._encode(text)
        room = context - 1
        if len(tokens) > room:
            raise UsageError(
                f"The prompt has {len(tokens)} tokens and SigLIP 2 reads {room}: the first "
                f"{self._words_that_fit(text, room)} of its {len(text.split())} words.",
                hint='say less, or split it: "a castle | at night"',
            )
        return [*tokens, END] + [PAD] * (room - len(tokens))

    def _encode(self, text: str) -> list[int]:
        return [int(token) for token in self._model.encode(text.lower())]

    def _words_that_fit(self, text: str, room: int) -> int:
        words = text.split()
        fitting = (count for count in range(len(words) + 1) if len(self._encode(" ".join(words[:count]))) <= room)
        return max(fitting, default=0)


def _load(model: bytes, name: str) -> Any:
    extras.bring("siglip")
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except (RuntimeError, OSError, ValueError):  # ValueError: its own message holds a damaged piece
        raise _strange(name) from None


def _strange(name: str) -> NotReadyError:
    return MissingWeightsError(
        f"The tokenizer {name} is not the one of SigLIP 2.",
        hint=f"fetch it anew: dreamrig weights fetch {name} --again",
    )


def byte_tokens(text: str, context: int) -> list[int]:
    """As many tokens as a text has bytes, for random weights, which read nothing; what is too long is cut off."""
    tokens = [2 + byte for byte in text.lower().encode()[: context - 1]]
    return [*tokens, END] + [PAD] * (context - 1 - len(tokens))

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dreamrig.errors import FailedError
from generator.models.base import Models


@pytest.fixture
def picky(models: Models, toy_guide: type[Any]) -> Models:
    """Networks whose guide refuses the prompt "bad"."""

    class Picky(toy_guide):  # type: ignore[misc]  # a class known at run time
        def encode_text(self, texts: Any) -> Any:
            if "bad" in texts:
                raise FailedError("It does not want to.", hint="ask for something else")
            return super().encode_text(texts)

    return replace(models, guides=(Picky(),))

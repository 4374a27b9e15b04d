"""All pictures of a batch on one sheet, in reading order."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamrig.errors import UsageError
from dreamrig.paths import ensure_folder, given, write_atomic

SIDE, GAP = 192, 4
"""Pixels of a picture's longer side, and between two."""
MOST_COLUMNS = 12
SHEET = "contact-sheet.png"


@dataclass(frozen=True, kw_only=True)
class SheetWish:
    """Where all pictures of a batch go on one sheet."""

    file: Path | None = None
    """What --contact-sheet names."""
    by_itself: bool = False
    """Also where nobody names a file: in `out`, else beside the first picture."""
    out: Path | None = None
    prompts: int = 1
    count: int = 1
    """How often each prompt is drawn."""

    @classmethod
    def from_values(cls, values: Mapping[str, Any], prompts: int, count: int) -> SheetWish:
        """From the command line; UsageError for a sheet that cannot be. --quiet makes none by itself."""
        # A batch that goes on, by workers or --from, has left the sheet of its beginning there.
        may_overwrite = bool(values["force"] or values.get("crew") or values.get("first"))
        file, out = sheet_file(values.get("contact_sheet"), force=may_overwrite), values.get("out")
        by_itself = count > 1 and not values["quiet"]
        folder = given(out, "--out") if out else None
        return cls(file=file, by_itself=by_itself, out=folder, prompts=prompts, count=count)

    def save(self, pictures: Sequence[Path]) -> Path | None:
        """Write the sheet of these pictures, each in its run's folder; its file, None where there is to be none."""
        found = [picture for picture in pictures if picture.is_file()]
        file = self._place(found)
        if file is None or not found:
            return None
        is_whole = len(found) == self.prompts * self.count
        in_rows = is_whole and self.prompts > 1 and 1 < self.count <= MOST_COLUMNS
        ensure_folder(file.absolute().parent)
        write_atomic(file, contact_sheet_of(found, self.count if in_rows else None))
        return file

    def _place(self, found: Sequence[Path]) -> Path | None:
        if self.file is not None or not self.by_itself or len(found) < 2:
            return self.file
        beside = found[0].parent
        return beside / SHEET if self.out is None else self.out / f"{beside.name}-{SHEET}"


def sheet_file(text: str | None, *, force: bool) -> Path | None:
    """The file of --contact-sheet, None where there is none; UsageError for what is no PNG, or there already."""
    if text is None:
        return None
    given(text, "--contact-sheet")
    path = Path(text).expanduser()
    if path.suffix.lower() != ".png":
        raise UsageError(f"--contact-sheet {text} is no PNG.", hint=f"name it {path.stem or 'sheet'}.png")
    if path.is_file() and not force:
        raise UsageError(f"{text} exists already.", hint="choose another name, or overwrite it: --force")
    return path


def contact_sheet_of(pictures: Sequence[Path], columns: int | None = None) -> bytes:
    """PNG bytes, each picture in the middle of its place; about as many columns as rows where none are said."""
    from PIL import Image

    columns = columns or min(MOST_COLUMNS, math.ceil(math.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP), "white")
    for number, picture in enumerate(pictures):
        with Image.open(picture) as opened:
            small = opened.convert("RGB")
        scale = SIDE / max(small.size)
        small = small.resize((round(small.width * scale), round(small.height * scale)), Image.Resampling.LANCZOS)
        x, y = (number % columns) * (SIDE + GAP), (number // columns) * (SIDE + GAP)
        sheet.paste(small, (x + (SIDE - small.width) // 2, y + (SIDE - small.height) // 2))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()

"""JSON in and out: one policy, and every refusal in one sentence."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from dreamrig.documents import DEEPEST, DocumentError, convert, parse_object, read_object, unknown_keys, write_object


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    steps: Annotated[int, msgspec.Meta(ge=1)]
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sheet:
    name: Annotated[str, msgspec.Meta(max_length=5)]
    kind: Literal["cpu", "cuda"]
    blocks: tuple[Block, ...] = ()
    flags: Mapping[str, float] = dataclasses.field(default_factory=dict)
    best: Block | None = None


GOOD: dict[str, Any] = {"name": "x", "kind": "cpu", "blocks": [{"steps": 1, "seconds": 2}]}


def nested(depth: int) -> str:
    return '{"a": ' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "a.json is empty."),
        (b" \n", "a.json is empty."),
        (b"{", "a.json is not JSON"),
        (b"\xff\xfe{}", "a.json is not UTF-8 text."),
        (b"[1]", "a.json holds no JSON object."),
        (b'{"a": NaN}', "a.json is not JSON: NaN is no number."),
        (b'{"a": -Infinity}', "a.json is not JSON: -Infinity is no number."),
        (b'{"a": [1e999]}', "a.json is not JSON: '1e999' is too large."),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "a.json is not JSON: 'c' occurs twice."),
        (b'{"a": ' + b"9" * 6000 + b"}", "a.json is not JSON"),
        (b"[" * 100_000, "a.json is nested too deeply."),
        (nested(DEEPEST + 1).encode(), "a.json is nested too deeply."),
    ],
    ids=range(12),
)
def test_what_is_no_document_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_object(data)
    assert caught.value.about("a.json").startswith(sentence)
    assert caught.value.about("a.json").isprintable()


def test_what_is_a_document_is_read() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a": "\xc3\xa4"}') == {"a": "\xe4"}
    assert parse_object('{"a": []}') == {"a": []}
    assert parse_object(nested(DEEPEST))


def test_size_is_bounded_before_the_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    file.write_bytes(b'{"a": "' + b"x" * 100 + b'"}')
    assert read_object(file, most_bytes=109)["a"] == "x" * 100
    with pytest.raises(DocumentError, match="is larger than"):
        read_object(file, most_bytes=108)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is no file"):
        read_object(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_object(tmp_path / "none.json")


def test_a_document_becomes_a_dataclass() -> None:
    found = convert(Sheet, {**GOOD, "later": 1, "flags": {"a": 1}, "best": None})
    assert found == Sheet(name="x", kind="cpu", blocks=(Block(steps=1, seconds=2.0),), flags={"a": 1.0})
    assert isinstance(found.blocks[0].seconds, float)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"blocks": [{"steps": 1, "seconds": "fast"}]}, "a.json: blocks[0].seconds is wrong: expected float, got str."),
        ({"blocks": [{"steps": 0, "seconds": 1}]}, "a.json: blocks[0].steps is wrong: expected int >= 1."),
        ({"blocks": [{"steps": True, "seconds": 1}]}, "a.json: blocks[0].steps is wrong: expected int, got bool."),
        ({"blocks": [{"seconds": 1}]}, "a.json: blocks[0] is wrong: object missing required field steps."),
        ({"name": "x" * 6}, "a.json: name is wrong: expected str of length <= 5."),
        ({"kind": "gpu"}, "a.json: kind is wrong: invalid enum value 'gpu'."),
        ({"flags": {"\x1b": "x"}}, "a.json: flags[...] is wrong: expected float, got str."),
        ({"blocks": [{"steps": 1, "seconds": 10**400}]}, "a.json"),
        ({"kind": "\ud800"}, "a.json holds half a letter"),
    ],
)
def test_the_field_that_is_wrong_is_named(changes: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(DocumentError) as caught:
        convert(Sheet, {**GOOD, **changes})
    assert caught.value.about("a.json").startswith(sentence)


def test_keys_that_nothing_reads_are_named_where_they_stand() -> None:
    document = {**GOOD, "nmae": "y", "best": {"steps": 1, "secs": 2}, "flags": {"any": 1}}
    document["blocks"] = [{"steps": 1, "seconds": 2}, {"steps": 1, "seconds": 2, "unit": "s"}]
    assert sorted(unknown_keys(Sheet, document)) == ["best.secs", "blocks[1].unit", "nmae"]
    assert list(unknown_keys(Sheet, GOOD)) == []


def test_what_is_written_reads_back_and_is_never_nan(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_object(file, {"sheet": convert(Sheet, GOOD), "loss": math.nan, "text": "\xe4"})
    found = read_object(file)
    assert found["loss"] is None
    assert found["text"] == "\xe4"
    assert convert(Sheet, found["sheet"]) == convert(Sheet, GOOD)
    assert file.read_bytes().endswith(b"}\n")
    assert json.loads(file.read_bytes())["sheet"]["best"] is None

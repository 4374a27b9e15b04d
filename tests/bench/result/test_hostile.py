"""Any field of a result replaced by anything: refused in one sentence, or read, summarised and drawn."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cli.history import describe
from bench.cli.merge import render as render_merged
from bench.compare.compare import compare
from bench.compare.cost import cost_of
from bench.compare.machines import merge_results
from bench.report.html_page import render
from bench.report.page import build_page
from bench.report.show import result_rows
from bench.result import reading
from bench.result.result import BenchResult, Work
from dreamrig.errors import UsageError

Make = Callable[..., BenchResult]
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 7, 0.5, 5e-324, 1e-300, 1e300, -1e17, 2**63, 10**400, "", " ", "x", "<script>", "\x1b[31m",
    "\ud800", "\u202e", "../../x", "a" * 3000, [], [[]], {}, [None], [0] * 8, [1e300] * 8, [-1e17] * 8, {"\ud800": 1},
    {"steps": 1, "seconds": 1}, [{"steps": 10**9, "seconds": 1e-9}] * 3, [{"steps": 1, "seconds": 1e7}] * 4,
    [{"steps": 1, "seconds": 1e-9}, {"steps": 1, "seconds": 1e7}] * 3, float("inf"), float("nan"),
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a document, of lists the first entry only."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else list(enumerate(node))[:1] if isinstance(node, list) else []
    for key, value in items:
        yield from places(value, (*path, key))


def replaced(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    found = copy.deepcopy(document)
    *heads, last = path
    functools.reduce(lambda node, key: node[key], heads, found)[last] = value
    return found


def read(text: str) -> BenchResult | str:
    """The result, or why there is none."""
    try:
        return BenchResult.from_dict(reading.parse_json(text.encode(), "a.json"), "a.json")
    except UsageError as error:
        return error.message


def use(result: BenchResult, good: BenchResult) -> str:
    """Everything that is done with results."""
    assert all(text.isprintable() for row in result_rows(result) for text in row)
    json.dumps(describe(result), allow_nan=False)
    cost_of(result, 0.3)
    words = compare(good, result).words + compare(result, good).words
    page = render(build_page([result, good], kwh_price=0.3)) + render(build_page([good, result]))
    return words + render_merged(merge_results([result, good])) + page


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_may_be_anything(
    data: st.DataObject, make_result: Make, work: Work, ceilings: dict[str, Any]
) -> None:
    good = make_result(work=work, ceilings=ceilings, price={"units_per_hour": 2.0}, place="colab-hosted", number=7)
    document = json.loads(json.dumps(good.to_dict()))
    path = data.draw(st.sampled_from(list(places(document))))
    text = json.dumps(replaced(document, path, data.draw(st.sampled_from(VALUES))))
    found = read(text)
    if isinstance(found, BenchResult):
        assert "<script>" not in use(found, make_result()).partition("<!doctype")[2]
    else:
        assert found.isprintable()
        assert found.startswith("a.json")
        assert len(found) < 400


@pytest.mark.parametrize("value", [None, [], "x", 1.5])
def test_the_document_itself_may_be_anything(value: Any) -> None:
    with pytest.raises(UsageError):
        reading.parse_json(json.dumps(value).encode(), "a.json")

"""The document of the API is the API: made from its table, committed, and kept to by every answer whatever is asked."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from docs.made import openapi as maker
from generator.crew.protocol import Began, Draw, Previewed, Stepped
from generator.serve.api.operations import DOCUMENT

COMMITTED = json.loads(DOCUMENT.read_text("utf-8"))
OPERATIONS = [(method, path, told) for path, methods in COMMITTED["paths"].items() for method, told in methods.items()]
IDS = [told["operationId"] for _, _, told in OPERATIONS]
RUNS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_the_committed_document_is_what_the_table_says() -> None:
    assert DOCUMENT.read_text("utf-8") == maker.render(), "run: python -m docs.made.openapi"


def test_it_is_openapi_and_its_schemas_are_schemas() -> None:
    assert COMMITTED["openapi"] == "3.1.0"
    for schema in COMMITTED["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert len(set(IDS)) == len(IDS)


def test_every_route_of_the_api_is_in_it_and_nothing_else(site: Any) -> None:
    routes = [route for route in site.server.app.app.routes if getattr(route, "path", "").startswith("/api/")]
    served = {(method.lower(), route.path) for route in routes for method in route.methods - {"HEAD"}}
    assert served == {(method, path) for method, path, _ in OPERATIONS}


# ---- what is answered


def resolved(schema: Any) -> Any:
    """The schema with its references put in, and nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [resolved(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolved(COMMITTED["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    made = {name: resolved(value) for name, value in schema.items()}
    if "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def check(told: Mapping[str, Any], answer: httpx.Response, body: bytes) -> None:
    documented = told["responses"].get(str(answer.status_code))
    assert documented is not None, f"{answer.status_code} is not documented: {body[:300]!r}"
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in documented["content"], kind
    if kind == "application/json":
        Draft202012Validator(resolved(documented["content"][kind]["schema"])).validate(json.loads(body))


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> tuple[httpx.Response, bytes]:
    """The answer and its body; of a stream the first message."""
    with client.stream(method.upper(), path, **more) as answer:
        if answer.headers["content-type"].startswith("text/event-stream"):
            return answer, next(answer.iter_bytes())
        return answer, answer.read()


# ---- values of a schema, and values of none


def value_of(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of ours allows."""
    if "anyOf" in schema:
        return st.one_of([value_of(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        made = {name: value_of(one) for name, one in schema["properties"].items()}
        required = {name: made.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional=made)
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        return st.floats(0, 0.01)
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    assert kind == "string", schema
    if "pattern" in schema:
        made = st.from_regex(schema["pattern"], fullmatch=True).map(lambda text: text.strip("\n"))
        return made.map(lambda text: text[: schema.get("maxLength", 50)])
    return st.text(min_size=schema.get("minLength", 0), max_size=min(50, schema.get("maxLength", 50)))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@st.composite
def request_of(draw: Callable[[Any], Any], path: str, told: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    """A request for one operation: sometimes as documented, sometimes not."""
    made: dict[str, Any] = {"url": path, "params": {}, "headers": {}}
    for one in told.get("parameters", ()):
        if one["in"] == "path":
            made["url"] = path.replace("{key}", draw(st.sampled_from(keys) | value_of(one["schema"])))
        elif one["in"] == "header" and draw(st.booleans()):
            made["headers"][one["name"]] = draw(HEADER)
        elif one["in"] == "query" and draw(st.booleans()):
            made["params"][one["name"]] = draw(value_of(one["schema"]) | st.text(max_size=12))
    bodies = told.get("requestBody", {}).get("content", {"application/json": {"schema": {"$ref": "/ErrorBody"}}})
    kind = draw(st.sampled_from(sorted(bodies)))
    body = value_of(resolved(bodies[kind]["schema"]))
    if kind.endswith("json"):
        known = st.sampled_from(sorted(resolved(bodies[kind]["schema"])["properties"]))
        made["json"] = draw(body | st.dictionaries(known, JUNK) | JUNK)
    else:
        made["data"] = draw(body)
    return made


# ---- a server in which there is something of everything


class Scene:
    """A friend with a picture in every state, and the owner."""

    def __init__(self, site: Any, waiting: Any) -> None:
        self.site, self.friend, self.owner = site, site.friend("ann"), site.owner()
        site.store(lambda db: db.execute("UPDATE friend SET most_a_minute = 10000, most_waiting = 10000"))
        done = site.submit(self.friend)
        waiting(lambda: bool(site.crews))
        crew = site.crews[0]
        crew.draw_now(crew.next_order(Draw))
        site.until(self.friend, done, "done")
        running, queued, ended = (site.submit(self.friend, seed=seed) for seed in (1, 2, 3))
        order: Draw = crew.next_order(Draw)
        crew.paint(order)
        crew.tell(
            Began(order.job, order.attempt, 2, 0.5, {"hause": ["house"]}, "a note"),
            Stepped(order.job, order.attempt, 3, 10, 0.25),
            Previewed(order.job, order.attempt, 3),
        )
        waiting(lambda: self.friend.get(f"/api/v1/jobs/{running}").json().get("preview") == 3)
        assert self.friend.post(f"/api/v1/jobs/{ended}/cancel").status_code == 200
        self.keys = [done, running, queued, ended]


@pytest.fixture
def scene(by_hand: Any, waiting: Any) -> Scene:
    return Scene(by_hand, waiting)


HAPPY: Mapping[str, Any] = {
    "submit": {"json": {"prompt": "a house", "seed": 4}},
    "invite": {"json": {"name": "ben"}},
    "revoke": {"json": {"name": "ben"}},
    "limit": {"json": {"name": "ann", "weight": 2, "quota_mib": 500}},
    "mode": {"json": {"mode": "draining", "length": "3h"}},
    "sweep": {"json": {"days": 30}},
    "retry": {"key": 3},
}


def test_every_operation_answers_as_documented_where_all_is_well(scene: Scene) -> None:
    for method, path, told in OPERATIONS:
        asked = dict(HAPPY.get(told["operationId"], {}))
        key = scene.keys[asked.pop("key", 0)]
        answer, body = ask(scene.owner, method, path.replace("{key}", key), **asked)
        good = next(int(status) for status in told["responses"] if status.startswith("2"))
        assert answer.status_code == good, (told["operationId"], body)
        check(told, answer, body)
    for key in scene.keys:
        told = COMMITTED["paths"]["/api/v1/jobs/{key}"]["get"]
        check(told, *ask(scene.friend, "get", f"/api/v1/jobs/{key}"))


@pytest.mark.parametrize(("method", "path", "told"), OPERATIONS, ids=IDS)
def test_whatever_is_asked_the_answer_is_a_documented_one(
    scene: Scene, method: str, path: str, told: Mapping[str, Any]
) -> None:
    strangers = scene.site.visitor()

    @given(asked=request_of(path, told, scene.keys), who=st.sampled_from([scene.owner, scene.friend, strangers]))
    @RUNS
    def play(asked: dict[str, Any], who: httpx.Client) -> None:
        if method == "get":
            asked.pop("json", None)
        with contextlib.suppress(httpx.InvalidURL):
            check(told, *ask(who, method, asked.pop("url"), **asked))

    play()


def test_an_address_or_a_method_that_is_not_there_is_told_as_json(site: Any) -> None:
    ann = site.friend("ann")
    for answer, status, code in (
        (ann.get("/api/v1/nothing"), 404, "no_such_address"),
        (ann.get("/api/v1/jobs"), 405, "wrong_method"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ann.get("/nothing").headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "limits", [{"weight": 0}, {"weight": 101}, {"quota_mib": 2**70}, {"most_waiting": True}, {"age": 3}]
)
def test_a_limit_beyond_its_bounds_is_refused_in_words(site: Any, limits: dict[str, Any]) -> None:
    site.friend("ann")
    answer = site.owner().post("/api/v1/friends/limit", json={"name": "ann", **limits})
    assert answer.status_code == 422
    assert next(iter(limits)) in {answer.json()["error"]["field"], *answer.json()["error"]["message"].split("'")}


@pytest.mark.parametrize("name", [{}, 3, None, "", "a\x07b", "<b>"])
def test_a_name_that_is_none_makes_no_friend(site: Any, name: Any) -> None:
    answer = site.owner().post("/api/v1/friends/invite", json={"name": name})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")
    assert site.rows("SELECT count(*) FROM friend")[0][0] == 1


def test_a_friend_whom_nobody_knows_is_not_found(site: Any) -> None:
    answer = site.owner().post("/api/v1/friends/revoke", json={"name": "nobody"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_friend")


def test_the_document_is_for_those_inside(site: Any) -> None:
    assert site.visitor().get("/api/v1/openapi.json").status_code == 401
    assert site.friend("ann").get("/api/v1/openapi.json").json() == COMMITTED

"""doctor-causes.json: is it what causes.json and checks.json say today, and is nothing missing that facts can prove?"""

import json

from docs.made.doctor_causes import FILE, named, render
from provision.checked_json import read_json

DOCUMENT = read_json("causes.json")


def test_the_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == render(DOCUMENT), "run: python -m docs.made.doctor_causes"


def test_every_cause_that_facts_alone_can_tell_is_there() -> None:
    causes = {cause["slug"]: cause for cause in json.loads(FILE.read_text(encoding="utf-8"))["causes"]}
    assert named() <= causes.keys()
    assert {each["slug"] for each in DOCUMENT["causes"] if each["decisive"] and each.get("when")} <= causes.keys()
    assert not [slug for slug, cause in causes.items() if {"codes", "signatures", "context"} & cause.keys()]
    assert FILE.stat().st_size < 200_000, "it is read at each visit"

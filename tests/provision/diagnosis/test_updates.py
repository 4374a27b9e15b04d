"""Updates of Windows that broke WSL, and how long a Windows is supported: whole, dated, sourced, and told."""

import datetime as dt
import re

import pytest

from provision.checked_json import read_json
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.updates import WindowsUpdate, load_releases, load_updates, tell_release, tell_updates

SLUGS = {cause.slug for cause in load_knowledge().causes}
MIRRORED = (
    "wsl: Mirrored networking mode is not supported: Windows version 10.0.{build}.1 does not have the required features"
)


def first(text: str) -> tuple[str, str]:
    """The first cause and what is remarked on it."""
    report = diagnose(text, None, load_knowledge())
    slug = report.diagnoses[0].cause.slug
    return slug, report.remarks.get(slug, "")


def test_every_entry_is_dated_and_sourced() -> None:
    assert set(read_json("windows.json")) == {"schema", "updates", "releases"}
    dates = [update.reported for update in load_updates()]
    assert dates == sorted(dates)
    assert [release.build for release in load_releases()] == sorted(release.build for release in load_releases())
    dates += [release.available for release in load_releases()]
    dates += [release.supported_until for release in load_releases() if release.supported_until]
    assert all(dt.date.fromisoformat(date).year >= 2022 for date in dates)
    for entry in (*load_updates(), *load_releases()):
        assert entry.sources
        assert all(source.startswith("https://") for source in entry.sources)
    for update in load_updates():
        assert set(update.causes) <= SLUGS
        assert all(re.fullmatch(r"\d{5}\.\d{1,5}", build) for build in update.builds)
        assert update.fixed_by is None or update.fixed_by > update.kb


@pytest.mark.parametrize("update", load_updates(), ids=lambda update: f"KB{update.kb}")
def test_a_complaint_about_a_known_update_is_told_what_is_known(update: WindowsUpdate) -> None:
    slug, remark = first(f"since KB{update.kb} WSL does not work")
    assert slug == "windows-update-broke-vm"
    assert f"KB{update.kb}" in remark
    assert update.reported in remark


def test_an_update_that_nobody_knows_yet_is_suspected_without_a_remark() -> None:
    """Numbers went from KB50 to KB51 in 2026."""
    assert first("since KB5199999 WSL does not work") == ("windows-update-broke-vm", "")


@pytest.mark.parametrize("text", ["KB5121003 installed successfully", "KB51210031", "51210031", "KB890830"])
def test_a_number_alone_is_no_complaint(text: str) -> None:
    assert diagnose(text, None, load_knowledge()).diagnoses == ()


def test_the_end_of_windows_10_is_told_where_its_age_is_the_cause() -> None:
    slug, remark = first(MIRRORED.format(build=19045))
    assert slug == "mirrored-networking-unsupported"
    assert "Windows 10 22H2" in remark
    assert "2025-10-14" in remark


def test_of_two_builds_and_of_one_without_a_date_nothing_is_said() -> None:
    assert tell_release("10.0.19045 and 10.0.26100") == {}
    assert tell_release("10.0.26200.7171") == {}
    assert tell_release("10.0.12345") == {}
    assert tell_updates("no number") == {}


def test_of_two_known_updates_the_first_is_told() -> None:
    told = tell_updates("KB5121003 or KB5068861")
    assert "KB5068861" in told["windows-update-broke-vm"]
    assert "KB5121003" in told["network-switch-failed"]

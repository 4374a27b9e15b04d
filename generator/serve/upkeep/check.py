"""`dreamrig serve check`: is everything that a server needs in order? Findings in the doctor's style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from dreamrig import words
from generator.serve.home import is_windows_disk
from generator.serve.migrations import MIGRATIONS
from generator.serve.settings import LOOPBACK
from generator.serve.store import journal_mode, linked_sqlite, restore_hint
from generator.serve.upkeep.situation import Situation
from provision.doctor.check import CheckVerdict, Finding, FixStep, failed, passed, skipped, warned

Judge = Callable[[Situation], Finding]
CLOCK_MAY_DIFFER_MS = 120_000
NO_SERVER = "No server runs."


def check_home(seen: Situation) -> Finding:
    """Does everything lie where a database is safe?"""
    root = seen.home.root
    if is_windows_disk(root):
        move = FixStep("Put the data inside Linux.", "export DREAMRIG_HOME=~/.local/share/dreamrig")
        return failed(f"{root} lies on a Windows disk, where a database can lose what was saved.", (), move)
    return passed(f"{root}") if seen.home.folder.is_dir() else skipped(f"{root} has no server's things yet.")


def check_lock(seen: Situation) -> Finding:
    """Does a server run, and answer?"""
    if not seen.is_held:
        return warned(NO_SERVER, (), FixStep("Start one.", "dreamrig serve"))
    if seen.state is None:
        where = seen.url or "an address that nobody knows"
        again = FixStep("It may just be starting: look again. Else end it, and start it anew.", "dreamrig serve")
        return failed(f"A server holds this home and does not answer at {where}.", (), again)
    return passed(f"A server runs and answers at {seen.url}.")


def check_port(seen: Situation) -> Finding:
    """Can one listen there?"""
    where = f"{seen.own.host}:{seen.own.port}"
    if seen.is_held:
        return passed(f"The server has {seen.url}.") if seen.state is not None else skipped("Somebody holds this home.")
    if seen.port_trouble:
        other = FixStep("Take another port.", f"dreamrig serve --port {seen.own.port + 1}")
        return failed(f"Nobody can listen at {where}: {seen.port_trouble}.", (), other)
    return passed(f"{where} is free.")


def check_database(seen: Situation) -> Finding:
    """Is it whole, of this version, and written as this SQLite can be trusted to?"""
    found, restore = seen.database, FixStep(restore_hint(seen.home.database))
    if found is None:
        if seen.home.pictures.is_dir() and any(seen.home.pictures.iterdir()):
            return failed("There are pictures and no database.", (), restore)
        return skipped("There is none yet.")
    if found.trouble:
        return failed(f"It is damaged: {found.trouble}.", (), restore)
    if found.version > len(MIGRATIONS):
        return failed("A newer version of dreamrig wrote it.", (), FixStep("Update dreamrig."))
    if found.has_wal and journal_mode(linked_sqlite()) != "WAL":
        start = FixStep("The next start of the server changes that.", "dreamrig serve")
        return warned("It has a WAL, which this SQLite can lose committed changes of (before 3.51.3).", (), start)
    journal = "a WAL" if found.has_wal else "a rollback journal"
    return passed(f"Whole, version {found.version} of {len(MIGRATIONS)}, with {journal}.")


def check_worker(seen: Situation) -> Finding:
    """Are pictures drawn?"""
    if seen.state is None:
        return skipped(NO_SERVER)
    mode, worker = seen.state.get("mode"), seen.state.get("worker")
    if mode == "paused":
        again = FixStep("When that is mended, draw again.", "dreamrig serve resume")
        return failed(f"Paused: {seen.state.get('reason') or 'by the owner'}", (), again)
    if worker == "gone":
        log = FixStep("See why.", f"tail {seen.home.worker_log}")
        return failed("It ended unasked, and is started again.", (), log)
    if worker == "crowded":
        return warned("The graphics card is busy with something else; pictures wait.", ())
    return passed(f"{worker}, the machine is {mode}.")


def check_disk(seen: Situation) -> Finding:
    """Is there room for pictures?"""
    if seen.free_mib is None:
        return skipped("Its free room cannot be read.")
    free, floor = words.memory(seen.free_mib), words.memory(seen.own.keep_free_mib)
    if seen.free_mib < seen.own.keep_free_mib:
        sweep = FixStep("See what could go.", "dreamrig serve sweep --days 90")
        return failed(f"{free} free, less than the {floor} that are kept free: no new pictures.", (), sweep)
    return passed(f"{free} free; new pictures are taken down to {floor}.")


def check_reach(seen: Situation) -> Finding:
    """Do our addresses lead here?"""
    if not seen.reached:
        return skipped(NO_SERVER)
    wrong = [one for one in seen.reached if not one.is_us]
    if wrong:
        return failed(" ".join(one.sentence for one in wrong), (), *(FixStep(one.fix) for one in wrong if one.fix))
    return passed(" ".join(one.sentence for one in seen.reached))


def check_public_url(seen: Situation) -> Finding:
    """Is the address that friends are given a good one?"""
    own = seen.own
    if not own.public_url and own.host not in LOOPBACK:
        name = FixStep("Name it.", f"dreamrig serve --host {own.host} --public-url http://ADDRESS:{own.port}")
        return failed(f"serve.host {own.host} opens the server to others, and no serve.public_url names it.", (), name)
    if not own.public_url:
        return passed("None: the server is for this PC alone.")
    if not own.is_https and own.public_host not in LOOPBACK:
        bring = FixStep("Tailscale and Cloudflare bring it.", "dreamrig serve reach")
        return warned(f"{own.public_url} has no https: whoever is on the way can read along.", (), bring)
    return passed(own.public_url)


def check_secrets(seen: Situation) -> Finding:
    """Are tokens closed away, and is somebody invited?"""
    if seen.open_files:
        close = FixStep("Close them.", f"chmod 600 {' '.join(str(path) for path in seen.open_files)}")
        return failed("Others on this machine can read secrets of the server.", (), close)
    found = seen.database
    if found is None or found.trouble:
        return skipped("There is nobody yet.")
    if not found.friends:
        return warned("Nobody is invited.", (), FixStep("Invite somebody.", "dreamrig serve friends invite NAME"))
    return passed(
        f"{words.plural(found.friends, 'friend')}, {words.plural(found.open_invitations, 'open invitation')}."
    )


def check_time(seen: Situation) -> Finding:
    """Is the clock right? WSL's may be hours off after a sleep (microsoft/WSL 4179, 5324, 8204)."""
    mend = FixStep("Set it.", "sudo hwclock -s")
    if seen.windows_ms is not None and abs(seen.windows_ms - seen.now_ms) > CLOCK_MAY_DIFFER_MS:
        off = words.duration(abs(seen.windows_ms - seen.now_ms) / 1000)
        return failed(f"The clock here is {off} away from that of Windows; sessions and links go by it.", (), mend)
    newest = seen.database.newest_event_ms if seen.database is not None else None
    if newest is not None and newest - seen.now_ms > CLOCK_MAY_DIFFER_MS:
        off = words.duration((newest - seen.now_ms) / 1000)
        return warned(f"The newest event of the database lies {off} ahead: the clock here went back.", (), mend)
    return passed("As Windows has it." if seen.windows_ms is not None else "Nothing speaks against it.")


CHECKS: dict[str, Judge] = {
    "home": check_home,
    "lock": check_lock,
    "port": check_port,
    "database": check_database,
    "worker": check_worker,
    "disk": check_disk,
    "reach": check_reach,
    "public_url": check_public_url,
    "secrets": check_secrets,
    "time": check_time,
}


def judge(seen: Situation) -> list[Finding]:
    """Every check's finding, with its name."""
    return [replace(one(seen), check=name, asks=one.__doc__ or "") for name, one in CHECKS.items()]


def is_wrong(findings: Sequence[Finding]) -> bool:
    """Whether something has to be mended."""
    return any(finding.broken for finding in findings)


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """For people: one line a finding, the next command below what is not right, the verdict last."""
    width = max(map(len, CHECKS))
    for one in findings:
        yield f"{one.verdict:<5}  {one.check:<{width}}  {one.sentence}"
        for step in one.fix:
            command = f"  run: {step.command}" if step.command else ""
            yield f"       {'':<{width}}  {step.text}{command}"
    wrong = [one.check for one in findings if one.broken]
    unsure = [one.check for one in findings if one.verdict is CheckVerdict.WARN]
    yield ""
    if wrong:
        yield f"Not in order: {', '.join(wrong)}."
    else:
        yield "In order" + (f", but look at: {', '.join(unsure)}." if unsure else ".")

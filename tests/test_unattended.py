"""Nobody watches: cron and Task Scheduler give a command little, stop it at any moment, and start it again tomorrow."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import catalogue, opt_outs, places, usage
from survey.__main__ import main
from survey.catalogue import load_catalogue
from survey.commands import journal, screen
from survey.errors import EvidenceError
from survey.evidence import Archive
from survey.exchanges import SURVEY_ROUND, is_usable
from survey.practice.world import serve
from survey.publish.folders import write_manifest
from survey.runs import alone, load_tables
from tests.conftest import ROOT, some_bodies

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and POSIX signals")
PYTHON = {"PYTHONPATH": str(ROOT)}
COUNTS = [f"bodies_{status}" for status in ("listed", "clear", "unknown", "no_mail")]
EVENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (\d+) (begin|settings|progress|warning|decide|error|trace|result|end) +\S.*"
)


@dataclasses.dataclass(frozen=True)
class Job:
    """What a scheduler is told to run."""

    words: tuple[str, ...]

    def into(self, folder, *more):
        return [sys.executable, "-m", "survey", *self.arguments(folder, *more)]

    def arguments(self, folder, *more):
        return [*self.words, "--run", str(folder), *more]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    country = some_bodies(4, 60)
    register = tmp_path_factory.mktemp("job") / "台帳.xlsx"
    country.write_register(register)
    with serve(country) as served:
        yield Job(("collect", str(register), "--practice", "--resolver", f"127.0.0.1:{served.resolver[1]}"))


@pytest.fixture(scope="module")
def usual(job, tmp_path_factory):
    """What a run says that somebody watched."""
    folder = tmp_path_factory.mktemp("usual") / "run"
    assert main(job.arguments(folder)) == 0
    return load_tables(folder).headline


def said_the_same(folder, usual):
    assert Archive(folder).verify().is_unaltered
    found = load_tables(folder).headline
    return [found[name] for name in COUNTS] == [usual[name] for name in COUNTS]


def events(folder):
    """The log as (process, word, text), every line of which is one event."""
    lines = (folder / places.LOG).read_text(encoding="utf-8").splitlines()
    found = [EVENT.fullmatch(line) for line in lines]
    assert all(found), lines
    return [(int(one[1]), one[2], one[0].split(one[2], 1)[1].strip()) for one in found if one]


def words(folder):
    return [word for _, word, _ in events(folder)]


def heard(folder):
    """What was asked about bodies and answered, as far as it is committed."""
    rows = Archive(folder).rows() if any(folder.glob("evidence*.sqlite")) else ()
    return {(row.name, row.type) for row in rows if row.round == SURVEY_ROUND and is_usable(row)}


@contextlib.contextmanager
def begun(command, folder, **options):
    """A command that is in the midst of asking."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        until = time.monotonic() + 30
        is_asking = False
        while not is_asking:
            assert process.poll() is None and time.monotonic() < until, process.communicate()
            time.sleep(0.1)
            # A file that comes into being just now cannot be opened yet.
            with contextlib.suppress(EvidenceError):
                is_asking = bool(heard(folder))
        yield process
    finally:
        process.kill()
        process.communicate()


@POSIX
def test_a_job_has_no_home_no_path_no_locale_another_folder_and_no_input(job, usual, tmp_path):
    poor = {**PYTHON, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": ""}
    command = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *job.into("run", "--json")]
    done = subprocess.run(command, cwd=tmp_path, env=poor, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["bodies_listed"] == usual["bodies_listed"]
    assert b"\\u56e3\\u4f53" in done.stderr or not done.stderr, "Japanese is shown as escapes, and never fails"
    assert said_the_same(tmp_path / "run", usual)
    assert words(tmp_path / "run")[:2] == ["begin", "settings"]
    assert events(tmp_path / "run")[-1][2].startswith("exit 0 after ")
    assert "台帳.xlsx" in (tmp_path / "run" / places.LOG).read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "latin-1"])
def test_no_terminal_is_too_narrow_for_a_result(tmp_path, encoding):
    for arguments in (["--out", "台帳1.xlsx"], ["--out", "台帳.xlsx", "--json"]):
        command = [sys.executable, "-m", "survey", "register", *arguments]
        environment = {**os.environ, **PYTHON, "PYTHONIOENCODING": encoding}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode(encoding)
    assert json.loads(done.stdout.decode(encoding))["written"] == "台帳.xlsx"


@POSIX
def test_closed_streams_write_into_no_evidence(job, usual, tmp_path):
    command = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *job.into(tmp_path / "run")]
    assert subprocess.run(command, env=PYTHON, timeout=60, check=False).returncode == 0
    assert said_the_same(tmp_path / "run", usual)


@POSIX
def test_whoever_reads_the_result_may_have_seen_enough(tmp_path):
    command = f'"{sys.executable}" -m survey register --out r.xlsx; echo $? >&2'
    done = subprocess.run(
        ["/bin/sh", "-c", f"({command}) | true"], cwd=tmp_path, env=PYTHON, capture_output=True, timeout=60, check=False
    )
    assert done.stderr.decode().split() == ["0"]


@pytest.fixture
def hangs_up():
    """What is started takes SIGHUP as its end, also where the tests themselves ignore it (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@POSIX
@pytest.mark.usefixtures("hangs_up")
@pytest.mark.parametrize(
    ("sent", "processes"), [("SIGTERM", 1), ("SIGTERM to all", 2), ("SIGHUP", 2), ("SIGTERM twice", 1)]
)
def test_a_stop_at_shutdown_is_like_an_interrupt_and_the_same_command_goes_on(job, usual, tmp_path, sent, processes):
    run = tmp_path / "run"
    crew = ["--processes", str(processes)] if processes > 1 else []
    with begun(job.into(run, "--rate", "30", *crew), run, env=PYTHON, start_new_session=True) as process:
        number = getattr(signal, sent.split()[0])
        if sent.endswith("all"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        if sent.endswith("twice"):
            time.sleep(0.05)
            process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2, said
    assert "the same command goes on" in said
    assert "Traceback" not in said and "ignored" not in said
    assert not list(run.glob("*.sqlite-wal"))
    assert words(run)[-2:] == ["error", "end"]
    assert events(run)[-1][2].startswith("exit 2 ")
    assert main(job.arguments(run, *crew)) == 0
    assert said_the_same(run, usual)
    assert " goes on; " in next(text for _, word, text in reversed(events(run)) if word == "settings")


@POSIX
def test_a_job_that_was_killed_left_no_end_in_the_log_and_the_next_goes_on(job, usual, tmp_path):
    run = tmp_path / "run"
    with begun(job.into(run, "--rate", "30"), run, env=PYTHON) as process:
        process.kill()
    assert "end" not in words(run)
    assert main(job.arguments(run)) == 0
    assert said_the_same(run, usual)
    assert words(run).count("begin") == 2


def test_two_at_once_the_second_is_refused_and_spoils_nothing(job, usual, tmp_path, capsys):
    run = tmp_path / "run"
    with begun(job.into(run, "--rate", "40"), run, env=PYTHON) as first:
        # A command that is refused has said so before it touched anything.
        for arguments in (
            job.arguments(run),
            ["recheck", str(run), "--resolver", "127.0.0.1:9"],
            ["tables", str(run)],
            ["report", str(run), "--no-notebooks"],
            ["publish", str(run), "--audience", "internal"],
        ):
            assert main(arguments) == 2, arguments
            assert "another process is at work in this folder" in capsys.readouterr().err
        assert main(["tables", str(run), "--out", str(tmp_path / "elsewhere")]) == 0, "what is committed can be read"
        assert not (tmp_path / "elsewhere" / places.LOG).exists()
        assert first.wait(timeout=60) == 0
    assert said_the_same(run, usual)
    assert not (run / "publish").exists() and not (run / "findings.xlsx").exists()
    ends = {process: text for process, word, text in events(run) if word == "end"}
    assert ends[first.pid].startswith("exit 0")
    assert ends[os.getpid()].startswith("exit 2")


def test_a_job_that_finds_its_run_finished_changes_nothing_but_the_log(job, tmp_path):
    run = tmp_path / "run"
    assert main(job.arguments(run)) == 0
    write_manifest(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name not in places.LOGS}
    assert main(job.arguments(run)) == 0
    write_manifest(run)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name not in places.LOGS}
    assert after == before
    assert words(run).count("end") == 2


def test_a_daily_limit_wants_a_person_and_tomorrow_the_same_command_goes_on(job, usual, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(usage, "PATH", tmp_path / "daily-use.json")
    known = load_catalogue()
    limited = dataclasses.replace(known.lists["orbz.dnsbl.example"], daily_limit=90)
    known = dataclasses.replace(known, lists={**known.lists, limited.zone: limited})
    monkeypatch.setattr(catalogue, "load_catalogue", lambda: known)
    codes = []
    for day in range(1, 9):
        monkeypatch.setattr(usage, "_day", lambda day=day: f"2026-12-{day:02d}")
        codes.append(main(job.arguments(tmp_path / "run", "--rate", "500")))
        if codes[-1] == 0:
            break
        assert "tomorrow" in capsys.readouterr().err
        # Again on the same day: nothing is asked of that list any more, and nothing else happens.
        assert main(job.arguments(tmp_path / "run", "--rate", "500")) == 1
    assert codes[0] == 1 and codes[-1] == 0, codes
    assert said_the_same(tmp_path / "run", usual)
    assert next(text for _, word, text in events(tmp_path / "run") if word == "end").startswith("exit 1 ")


def test_limits_and_keys_are_those_of_the_project_wherever_a_scheduler_starts_a_command(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)
    (tmp_path / "keys.toml").write_text('SURVEY_KEY_X = "project"\n', encoding="utf-8")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    assert usage.PATH == ROOT / "daily-use.json"
    assert catalogue.load_keys()["SURVEY_KEY_X"] == "project"
    (tmp_path / "home" / "keys.toml").write_text('SURVEY_KEY_X = "here"\n', encoding="utf-8")
    assert catalogue.load_keys()["SURVEY_KEY_X"] == "here"


def test_a_counter_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(usage.RunError, match="daily limit cannot be written"):
        usage.add({"list.example": 3}, tmp_path / "file" / "daily-use.json")


@POSIX
def test_a_full_disk_is_told_in_one_line_and_the_run_goes_on_when_there_is_room(job, usual, tmp_path):
    run = tmp_path / "run"

    import resource

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    command = job.into(run, "--rate", "300")
    done = subprocess.run(command, env=PYTHON, capture_output=True, text=True, preexec_fn=small_files, check=False)
    assert done.returncode == 2
    assert "the evidence could not be written: disk I/O error" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line]) == 1, done.stderr
    assert "disk I/O error" in events(run)[-2][2]
    assert main(job.arguments(run)) == 0
    assert said_the_same(run, usual)


@POSIX
def test_what_the_system_refuses_is_one_line_and_no_question_for_a_person(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["collect", "--practice", "--run", str(tmp_path / "file" / "run")]) == 2
    log, refused = capsys.readouterr().err.splitlines()
    assert "the command goes on without" in log
    assert str(tmp_path / "file" / "run") in refused and "Not a directory" in refused


def test_a_fault_of_our_own_is_no_question_for_a_person_and_tells_no_key(job, tmp_path, monkeypatch, capsys):
    def fail(path):
        raise ZeroDivisionError(f"asked of abcdefgh.list.example\nnot {path.name}")

    monkeypatch.setenv("SURVEY_KEY_LIST_EXAMPLE", "abcdefgh")
    monkeypatch.setattr(opt_outs, "load", fail)
    assert main(job.arguments(tmp_path / "run")) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said and "a fault of its own: ZeroDivisionError" in said
    log = (tmp_path / "run" / places.LOG).read_text(encoding="utf-8")
    assert "trace" in words(tmp_path / "run")
    assert "xxxxxxxx.list.example" in log and "abcdefgh" not in log + said


def test_a_command_on_what_is_no_run_leaves_nothing_there(tmp_path):
    assert main(["tables", str(tmp_path / "nothing")]) == 2
    assert not (tmp_path / "nothing").exists()


def test_a_job_whose_register_is_missing_says_so_in_the_folder_that_somebody_will_look_into(tmp_path):
    command = ["collect", str(tmp_path / "no.xlsx"), "--run", str(tmp_path / "2026-11"), "--resolver", "127.0.0.1:9"]
    assert main(command) == 2
    assert words(tmp_path / "2026-11") == ["begin", "error", "end"]
    assert "there is no such register" in events(tmp_path / "2026-11")[1][2]


@given(st.text(st.characters(exclude_categories=()), max_size=3_000))
def test_an_event_is_one_harmless_line_whatever_it_tells(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("log")
    journal.Journal(folder).note("result", text)
    (line,) = (folder / places.LOG).read_bytes().decode().split("\n")[:-1]
    assert line.splitlines() == [line]
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in line)
    assert len(line) < 4 * 2_100


def test_a_log_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MOST_BYTES", 2_000)
    for number in range(500):
        journal.Journal(tmp_path).note("progress", f"{number} of 500")
    found = sorted(tmp_path.iterdir())
    assert [path.name for path in found] == list(places.LOGS)
    assert all(path.stat().st_size <= 2_000 for path in found)
    assert "499 of 500" in found[0].read_text()


def test_a_process_that_only_looks_does_not_make_another_fail(tmp_path):
    with alone(tmp_path):
        command = [
            sys.executable,
            "-c",
            "import pathlib, survey.runs as r, sys\nwith r.alone(pathlib.Path(sys.argv[1])): pass",
        ]
        other = subprocess.Popen([*command, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE)
        time.sleep(0.1)
    assert other.communicate(timeout=30)[1] == b""
    assert other.returncode == 0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now


def test_where_nobody_watches_progress_is_a_line_a_minute_and_stages_are_logged_at_once(tmp_path, monkeypatch, capsys):
    clock = Clock()
    monkeypatch.setattr(screen, "time", clock)
    with journal.kept(tmp_path, ["collect"]), screen.progress() as progress:
        for second in range(3_600):
            clock.now += 1
            progress(second, 3_600, "pass 1, at least 5 min left" if second < 1_800 else f"next pass in {second} s")
            if second == 90:
                progress(second, 3_600, "list.example: void (timeout)")
    lines = capsys.readouterr().err.splitlines()
    assert 55 <= len(lines) <= 60
    assert lines[0] == "survey: 59 of 3,600: pass 1, at least 5 min left"
    logged = [text for _, word, text in events(tmp_path) if word == "progress"]
    assert logged[0] == "0 of 3,600: pass 1, at least 5 min left"
    assert "90 of 3,600: list.example: void (timeout)" in logged
    assert 55 <= len(logged) <= 65


@POSIX
def test_an_interrupt_within_code_made_from_text_leaves_the_exit_code(tmp_path):
    script = "import sys\nfrom survey.commands.unattended import take_interrupt\n"
    script += "try:\n    exec('raise KeyboardInterrupt')\nexcept KeyboardInterrupt:\n    {}\nsys.exit(2)\n"
    for name, body, code in (("taken", "take_interrupt()", 2), ("untaken", "pass", -signal.SIGINT)):
        (tmp_path / f"{name}.py").write_text(script.format(body))
        path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
        assert subprocess.run([sys.executable, "-m", name], env=path, check=False).returncode == code


DOCUMENTS = ["README.md", "README.ja.md", "docs/schedule.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_show_both_schedulers_in_the_same_words(document):
    texts = [(ROOT / one).read_text(encoding="utf-8") for one in (document, DOCUMENTS[-1])]
    for beginning in (
        "15 2 * * * ",
        "for /f ",
        ".venv\\Scripts\\python -m survey collect register.xlsx --run %",
        "schtasks ",
    ):
        found, known = ([line for line in text.splitlines() if line.startswith(beginning)] for text in texts)
        assert found == known and len(found) == 1


@POSIX
def test_the_line_for_cron_is_silent_when_all_is_well_and_shows_the_log_when_it_is_not(job, usual, tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("15 2 * * * ")]
    _, register, *practice = job.words
    command = line.split(maxsplit=5)[5].replace("\\%", "%").replace("/srv/survey", str(tmp_path))
    command = command.replace("--resolver 127.0.0.1:5353", " ".join(practice))
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "home").mkdir()
    cron = {**PYTHON, "HOME": str(tmp_path / "home"), "LOGNAME": "news", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}

    def run_by_cron():
        words_ = ["/bin/sh", "-c", command]
        return subprocess.run(
            words_, cwd=cron["HOME"], env=cron, capture_output=True, text=True, timeout=90, check=False
        )

    missing = run_by_cron()
    assert missing.returncode == 0, "tail's own"
    assert "register.xlsx: there is no such register" in missing.stdout and "exit 2" in missing.stdout
    (tmp_path / "register.xlsx").write_bytes(Path(register).read_bytes())
    for _ in range(2):
        done = run_by_cron()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d", run.name)
    assert said_the_same(run, usual)

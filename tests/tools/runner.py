# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the parts side by side, keeps their output, and sums them up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from workdir import LOGS, ROOT, environment

# Seconds. Far above what a command takes on a slow machine: something hangs.
COMMAND_TIMEOUT = 1800

_running: set[subprocess.Popen[str]] = set()
_stopping = threading.Event()


@dataclass(frozen=True)
class Part:
    """Something that make runs. `after` names the parts whose results it reads."""

    run: Callable[[PartRun], None]
    after: tuple[str, ...] = ()


class PartRun:
    """One run of a part: the commands it runs, their output, and the tests it counts."""

    def __init__(self, name: str, *, live: bool) -> None:
        """Write the output to a log file, and with `live` to standard output too."""
        self.name = name
        self.live = live
        self.log = LOGS / f"{name}.log"
        self.log.write_bytes(b"")
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.broken = ""
        self.seconds = 0.0

    @property
    def ok(self) -> bool:
        return not self.broken and not self.failed

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def write(self, text: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(text)
        if self.live:
            print(text, end="", flush=True)

    def command(
        self,
        *arguments: str | Path,
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
        counted: bool = True,
        replace: tuple[str, str] | None = None,
    ) -> bool:
        """Run a command, go on when it fails, and return whether it succeeded.

        Args:
            counted: Count it as one test. Otherwise the part counts the tests inside of it.
            replace: A text in the output and what is shown for it.
        """
        if _stopping.is_set():
            return False
        shown = " ".join(str(argument) for argument in arguments).replace(f"{ROOT}/", "")
        self.write(f"$ {shown}\n")
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=cwd,
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert process.stdout is not None
        with ended_in_time(process):
            for line in process.stdout:
                self.write(line.replace(*replace) if replace else line)
            status = process.wait()
        if status:
            self.write(f"exit status {status}: {shown}\n")
            self.broken = self.broken or f"exit status {status}"
        if counted:
            self.passed += not status
            self.failed += bool(status)
        return not status


@contextlib.contextmanager
def ended_in_time(process: subprocess.Popen[str]) -> Iterator[None]:
    """End `process` and its children when it hangs, or by `end_all()`."""
    watchdog = threading.Timer(COMMAND_TIMEOUT, end, [process])
    watchdog.start()
    _running.add(process)
    try:
        yield
    finally:
        watchdog.cancel()
        _running.discard(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process that leads its own session, with its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def end_all() -> None:
    """End what runs, and start nothing more."""
    _stopping.set()
    for process in list(_running):
        end(process)


def run_parts(parts: dict[str, Part], *, jobs: int, live: bool) -> list[PartRun]:
    """Run `parts`, at most `jobs` at a time, in their order; a part waits for those named in its `after`.

    What a part that failed has printed is shown when it ends.
    """
    waiting = dict(parts)
    running: dict[Future[PartRun], str] = {}
    finished: dict[str, PartRun] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or running:
                for name, part in list(waiting.items()):
                    if len(running) < jobs and not {*waiting, *running.values()} & {*part.after}:
                        running[pool.submit(run_part, name, waiting.pop(name), live=live)] = name
                done, _not_done = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    finished[running.pop(future)] = report(future.result())
        except BaseException:
            end_all()
            raise
    return [finished[name] for name in parts]


def run_part(name: str, part: Part, *, live: bool) -> PartRun:
    started = time.monotonic()
    run = PartRun(name, live=live)
    try:
        part.run(run)
    except Exception as error:  # noqa: BLE001 - the other parts are to run all the same
        run.write("".join(traceback.format_exception(error)))
        run.broken = f"{type(error).__name__}: {error}"
    if not run.broken and not run.passed and not run.failed:
        run.broken = "ran no test"
    if run.broken and not run.failed:
        run.failed = 1
    run.seconds = time.monotonic() - started
    return run


def report(run: PartRun) -> PartRun:
    """Tell that a part has ended, and all of its output when it failed."""
    if not run.ok and not run.live:
        print(f"\n===== {run.name}: {run.log.relative_to(ROOT)} =====\n{run.output()}===== end of {run.name} =====\n")
    print(f"{'ok' if run.ok else 'FAILED':6}  {run.name:12} {run.seconds:4.0f} s", flush=True)
    return run


def summary(runs: list[PartRun]) -> str:
    """Return the closing table, whose last line counts the tests of all parts."""
    lines = ["", f"{'part':12}  result  seconds   passed  failed  skipped"]
    for run in runs:
        counts = f"{run.seconds:7.0f}  {run.passed:7}  {run.failed:6}  {run.skipped:7}"
        lines.append(f"{run.name:12}  {'ok' if run.ok else 'FAILED':6}  {counts}  {run.broken}".rstrip())
    lines += ["", f"{sum(run.passed for run in runs)} passed, {sum(run.failed for run in runs)} failed"]
    return "\n".join(lines)

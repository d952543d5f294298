# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the product on purpose. The walk must find each of them."""

from __future__ import annotations

import importlib
import random
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from .run import Product, wired
from .tasks import all_tasks
from .tree import Failure, Tree

MODULE_UTILS = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"


class Mutation(NamedTuple):
    """One change of the product's source: ``old``, which stands there once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str


MUTATIONS = [
    # Requests and retries
    Mutation(
        "A write is repeated blindly when its outcome is unknown",
        "_client.py",
        "if error.outcome_unknown and not operation.is_safe:",
        "if False:",
    ),
    Mutation(
        "An addition is taken for a request that changes nothing",
        "_cortex.py",
        '"Could not add the PagerDuty configuration", is_safe=False',
        '"Could not add the PagerDuty configuration", is_safe=True',
    ),
    Mutation(
        "Nothing is retried",
        "_client.py",
        "return not error.retryable or self._failed > self._retries",
        "return True",
    ),
    Mutation(
        "One attempt too few is made",
        "_client.py",
        "self._failed > self._retries",
        "self._failed >= self._retries",
    ),
    Mutation("Retries do not wait", "_client.py", "        time.sleep(seconds)\n", ""),
    Mutation(
        "Retry-After is ignored",
        "_client.py",
        "seconds = error.retry_after + backoff",
        "seconds = backoff",
    ),
    Mutation(
        "A Retry-After of any length is obeyed", "_diagnosis.py", "MAX_RETRY_AFTER = 60", "MAX_RETRY_AFTER = 6000"
    ),
    Mutation("502 is final", "_diagnosis.py", "(429, 500, 502, 503, 504)", "(429, 500, 503, 504)"),
    Mutation(
        "An error of the server is taken for a refusal",
        "_diagnosis.py",
        '            "outcome_unknown": not 400 <= status < 500,\n            "retryable": retryable,',
        '            "outcome_unknown": False,\n            "retryable": retryable,',
    ),
    Mutation(
        "A lost connection is taken for one that was never made",
        "_diagnosis.py",
        "outcome_unknown = retryable = True",
        "outcome_unknown, retryable = False, True",
    ),
    Mutation(
        "A redirect is taken for a refusal",
        "_diagnosis.py",
        "            http_status=status,\n            outcome_unknown=True,\n",
        "            http_status=status,\n            outcome_unknown=False,\n",
    ),
    Mutation(
        "The 404 of a gateway means that there is no configuration",
        "_diagnosis.py",
        "(status != 404 or _is_cortex_error(content))",
        "True",
    ),
    Mutation(
        "A read that fails means that there is no configuration",
        "_cortex.py",
        "        except NotFoundError:\n            return None\n        stored",
        "        except Exception:\n            return None\n        stored",
    ),
    Mutation("Certificates are not verified", "_client.py", "verify=self._verify,", "verify=False,"),
    Mutation("Requests have no timeout", "_client.py", "                timeout=self._timeout,\n", ""),
    Mutation(
        "Messages are not redacted",
        "_cortex.py",
        "secrets=[api_key, *filter(None, secrets)]",
        "secrets=[]",
    ),
    # Planning
    Mutation(
        "The first four characters are compared",
        "_converge.py",
        "after = Configuration(desired.is_token_readonly, desired.token[-4:])",
        "after = Configuration(desired.is_token_readonly, desired.token[:4])",
    ),
    Mutation(
        "A change of the flag alone is missed",
        "_converge.py",
        "if send_token or stored.is_token_readonly != after.is_token_readonly:",
        "if send_token:",
    ),
    Mutation(
        "on_create replaces another token",
        "_converge.py",
        '(desired.update_token == "on_change" and token_differs)',
        "token_differs",
    ),
    Mutation(
        "always is on_change",
        "_converge.py",
        'send_token = desired.update_token == "always" or (',
        "send_token = (",
    ),
    Mutation(
        "absent deletes what is not there",
        "_converge.py",
        "return Plan(DELETE if stored else None, None)",
        "return Plan(DELETE, None)",
    ),
    Mutation(
        "The flag is inverted when it is sent",
        "_cortex.py",
        '{"isTokenReadonly": is_token_readonly',
        '{"isTokenReadonly": not is_token_readonly',
    ),
    Mutation(
        "Check mode writes",
        "_converge.py",
        "            if self._check_mode:\n                self._result",
        "            if False:\n                self._result",
    ),
    # Writing
    Mutation(
        "After an unknown outcome the plan is taken for what is stored",
        "_converge.py",
        "stored = self._read_back(error)\n        self._result.record_read_back(stored, sent)",
        "stored = sent.after\n        self._result.record_read_back(stored, sent)",
    ),
    Mutation(
        "The response to a write is trusted, whatever it contains",
        "_cortex.py",
        "if stored != ([after] if after else []):",
        "if False:",
    ),
    Mutation(
        "A conflict is final", "_converge.py", "_CONFLICTS = {ADD: (400, 409), REPLACE: (404,)}", "_CONFLICTS = {}"
    ),
    Mutation(
        "The write is forgotten when it is found by reading",
        "_converge.py",
        "written = planned if stored == planned.after else written",
        "written = None",
    ),
    # Preflight
    Mutation(
        "The preflight is left out",
        "_converge.py",
        'if self._params["preflight"] and self._result.preflight is None:',
        "if False:",
    ),
    Mutation(
        "A preflight that failed does not stop the write",
        "_converge.py",
        "            self._result.preflight = False\n            raise\n",
        "            self._result.preflight = False\n            return\n",
    ),
    Mutation("Only 401 means that PagerDuty rejects the token", "_pagerduty_api.py", "in (401, 403)", "in (401,)"),
    Mutation(
        "Any JSON of PagerDuty means that it accepts the token",
        "_pagerduty_api.py",
        "if status != 200 or not isinstance(abilities, list):",
        "if status != 200:",
    ),
    # Validation
    Mutation(
        "A verdict of not valid is ignored", "_converge.py", 'if self._result.validation["is_valid"]:', "if True:"
    ),
    Mutation("No verdict counts as valid", "_task.py", "bool(verdicts) and all(", "all("),
    Mutation(
        "Check mode validates what is not written yet",
        "_converge.py",
        "is_predicted = written and self._check_mode",
        "is_predicted = False",
    ),
    Mutation(
        "Deleting validates",
        "_converge.py",
        ' and self._desired.state == "present"',
        "",
    ),
    Mutation(
        "Info validates where nothing is stored",
        "_task.py",
        'if self._configuration and self._params["validate"]:',
        'if self._params["validate"]:',
    ),
    # Rollback
    Mutation(
        "What this task has not written is rolled back",
        "_converge.py",
        "            if not written:\n",
        "            if False:\n",
    ),
    Mutation(
        "A rollback follows an empty verdict",
        "_converge.py",
        "            elif not verdicts:\n",
        "            elif False:\n",
    ),
    Mutation(
        "A rollback does not read first",
        "_converge.py",
        "stored = self._cortex.read()\n        if stored != written.after:",
        "stored = written.after\n        if stored != written.after:",
    ),
    Mutation(
        "A rollback undoes what another client has changed",
        "_converge.py",
        "        if stored != written.after:\n            self._result",
        "        if False:\n            self._result",
    ),
    Mutation(
        "A rollback goes on after another client has changed something",
        "_converge.py",
        "            if stored != written.after:\n                raise",
        "            if False:\n                raise",
    ),
    Mutation(
        "A rollback deletes what was there before",
        "_converge.py",
        "if self._replaced is None:",
        "if True:",
    ),
    Mutation(
        "A rollback forgets the flag from before",
        "_converge.py",
        "self._replaced.is_token_readonly if flag is None else flag",
        "bool(flag)",
    ),
    Mutation(
        "previous_is_token_readonly: false is taken for unset",
        "_converge.py",
        "self._replaced.is_token_readonly if flag is None else flag",
        "flag or self._replaced.is_token_readonly",
    ),
    Mutation(
        "Any previous token is taken for the stored one",
        "_converge.py",
        "if stored.last_four not in (",
        "if False and stored.last_four not in (",
    ),
    Mutation(
        "A rollback to a token with the same last four characters is sent",
        "_converge.py",
        "elif self._replaced.last_four == self._desired.token[-4:]:",
        "elif False:",
    ),
    # The result
    Mutation(
        "The plan is reported instead of what is known",
        "_converge.py",
        "return UNKNOWN if self._is_pending else self._after",
        "return self._after",
    ),
    Mutation(
        "changed is true only for what was certainly written",
        "_converge.py",
        "return self._is_pending or self._has_written",
        "return self._has_written",
    ),
    Mutation(
        "A change is forgotten when another client undoes it",
        "_converge.py",
        "            self._has_written = True\n        self._after = stored",
        "            pass\n        self._after = stored",
    ),
    Mutation(
        "before is what was read last",
        "_converge.py",
        "        if not self._may_have_written:\n            self._before",
        "        if True:\n            self._before",
    ),
    Mutation("A rollback is not reported", "_converge.py", "        self._rolled_back = True\n", ""),
    Mutation(
        "A read that fails leaves what was known before a conflict",
        "_converge.py",
        "        self._after = UNKNOWN\n        self._is_pending = False\n",
        "        self._is_pending = False\n",
    ),
]


def mutated(mutation: Mutation, folder: Path) -> Product:
    """Write a copy of the product with a mutation to a folder, and import it."""
    package = folder / f"mutated_{MUTATIONS.index(mutation)}"
    package.mkdir()
    for source in MODULE_UTILS.glob("*.py"):
        text = source.read_text(encoding="utf-8")
        if source.name == mutation.file:
            if text.count(mutation.old) != 1:
                raise ValueError(f"{mutation.file} contains not once: {mutation.old}")
            text = text.replace(mutation.old, mutation.new)
        (package / source.name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        modules = [importlib.import_module(f"{package.name}.{name}") for name in ("_converge", "_task", "_options")]
    finally:
        sys.path.remove(str(folder))
    return Product(*modules)


def find(mutation: Mutation) -> Failure | None:
    """Walk a mutated product task by task until something is wrong; return a shortest run that shows it."""
    tasks = all_tasks()
    # So that the first few are of all kinds; those that are not "present" are small.
    random.Random(0).shuffle(tasks)  # noqa: S311
    tasks.sort(key=lambda task: task.state == "present")
    with tempfile.TemporaryDirectory() as folder, wired() as wire:
        product = mutated(mutation, Path(folder))
        for task in tasks:
            for number_of_faults, thorough in ((0, 0), (1, 0), (1, 1)):
                tree = Tree(product, wire, thorough)
                tree.walk(task, number_of_faults)
                if tree.failures:
                    return min(tree.failures.values(), key=lambda failure: len(failure.run.steps))
    return None

"""The batch sizes of a rollout."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cortexapps.cortex.plugins.filter.rollout_batches import FilterModule

rollout_batches = FilterModule().filters()["rollout_batches"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, [3]),
        ("3", [3]),
        ("10%", ["10%"]),
        ("1,10,100%", [1, 10, "100%"]),
        (" 1 ,\t010 , 50 % ", [1, 10, "50%"]),
        ("1,,", [1]),
        ([1, "25%", 50], [1, "25%", 50]),
        ([1, None, "", " "], [1]),
        ("200%", ["200%"]),
    ],
)
def test_reads_numbers_and_percentages(value: Any, expected: list[int | str]) -> None:
    assert rollout_batches(value) == expected


@pytest.mark.parametrize("value", [None, "", " ", ",", " , ", [], [None, ""]])
def test_nothing_is_one_batch(value: Any) -> None:
    assert rollout_batches(value) == ["100%"]


# The last of the strings is a digit, but none that Ansible knows.
WRONG = (0, -1, 1.0, True, False, "0%", "-10%", "1;10", "ten", "+1", "1.5", "0.5%", "%", "1 0", "\uff11")


@pytest.mark.parametrize(
    ("value", "entry"),
    [*((each, each) for each in WRONG), ("1,0", "0"), ([1, -1], -1), ({"a": 1}, {"a": 1}), ([[1]], [1])],
    ids=str,
)
def test_anything_else_is_an_error_that_names_it(value: Any, entry: Any) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        rollout_batches(value)
    assert f"cortex_rollout_serial contains {entry!r}." in str(error.value)


@pytest.mark.parametrize("value", ["9" * 10, "9" * 400 + "%", "9" * 5000])
def test_number_that_nothing_can_read_is_an_error_of_a_few_words(value: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^cortex_rollout_serial contains .{10,60}\. Use whole numbers"):
        rollout_batches(value)

"""Small changes of the pure core, made on its syntax tree. The walk has to notice each of them."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _decision, _knowledge, _result

from .client import Broken, Product, walk_goal
from .world import all_goals

MODULES = (_decision, _knowledge, _result)
_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Gt: ast.GtE,
    ast.LtE: ast.Lt,
}


#: What takes more than two faults, or other numbers than those of the walk. test_decision.py notices these.
NOTICED_ELSEWHERE = {
    "_after_failed_write: failure.is_retryable and (not knowledge.has_waited) and (not _takes_too_long(failure, "
    "attempts, knowledge)) -> failure.is_retryable and (not knowledge.has_waited)",
    "_not_valid: 'it gives no reason' if verdicts else 'it lists no verdict' -> 'it lists no verdict'",
    "_takes_too_long: knowledge.waited + wait.retry_after + wait.backoff > MAX_WAITING -> knowledge.waited + "
    "wait.retry_after + wait.backoff >= MAX_WAITING",
    "_takes_too_long: not knowledge.has_waited and knowledge.waited + wait.retry_after + wait.backoff > MAX_WAITING -> "
    "knowledge.waited + wait.retry_after + wait.backoff > MAX_WAITING",
}


class Mutation(NamedTuple):
    """A function with a change in it."""

    name: str  # the function, and what was changed into what
    module: ModuleType
    tree: ast.Module  # the module with the changed function


@functools.cache
def all_mutations() -> list[Mutation]:
    """Return every mutation of every function, but for those that are noticed elsewhere."""
    trees = [(module, ast.parse(inspect.getsource(module))) for module in MODULES]
    functions = [(*each, node) for each in trees for node in each[1].body if isinstance(node, ast.FunctionDef)]
    found = [mutation for each in functions for mutation in _of_function(*each)]
    assert {mutation.name for mutation in found} >= NOTICED_ELSEWHERE
    return [mutation for mutation in found if mutation.name not in NOTICED_ELSEWHERE]


def _of_function(module: ModuleType, tree: ast.Module, function: ast.FunctionDef) -> Iterator[Mutation]:
    for number, node in enumerate(ast.walk(function)):
        if isinstance(node, ast.Assert):
            # Those are for mypy.
            continue
        for mutated in _variants(node):
            changed = copy.deepcopy(function)
            place = list(ast.walk(changed))[number]
            _Replace(place, mutated).visit(changed)
            body = [changed if each is function else each for each in tree.body]
            name = f"{function.name}: {ast.unparse(node)} -> {ast.unparse(mutated) or 'nothing'}"
            yield Mutation(name, module, ast.Module(body, []))


def _variants(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the replacements for an expression."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OPPOSITES:
        yield ast.Compare(node.left, [_OPPOSITES[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for index in range(len(node.values)):
            values = [value for number, value in enumerate(node.values) if number != index]
            yield values[0] if len(values) == 1 else ast.BoolOp(node.op, values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("_replace", "extended")
    ):
        # Something is not learned, or not said.
        for index in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, node.keywords[:index] + node.keywords[index + 1 :])
        for index in range(len(node.args)):
            yield ast.Call(node.func, node.args[:index] + node.args[index + 1 :], node.keywords)


class _Replace(ast.NodeTransformer):
    def __init__(self, place: ast.AST, by: ast.expr) -> None:
        self._place = place
        self._by = by

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(copy.deepcopy(self._by), node) if node is self._place else super().generic_visit(node)


def mutated(mutation: Mutation) -> Product:
    """Return the product with a mutation in it. Its values are of the same classes as the product's."""
    tree = ast.Module([each for each in mutation.tree.body if not isinstance(each, ast.ClassDef | ast.ImportFrom)], [])
    names = dict(vars(mutation.module))
    exec(compile(ast.fix_missing_locations(tree), "mutated", "exec"), names)  # noqa: S102
    return Product(**{name: names[name] for name in Product._fields if name in names})


def find(number: int) -> Broken | None:
    """Walk with a mutation, by its number, until something does not hold."""
    product = mutated(all_mutations()[number])
    goals = all_goals()
    # First those in which nearly everything can happen: they show most mutations soon.
    rich = [goal for goal in goals if goal.preflight and goal.rollback and goal.previous_last_four and goal.desired]
    few = [*rich[:6:2], rich[7], *goals[:5], goals[-1]]
    for number_of_faults, some in ((0, few), (1, few), (0, goals), (2, rich[:2]), (1, goals)):
        for goal in some:
            try:
                broken = walk_goal(product, goal, number_of_faults, stops_at_first=True).broken
            except Exception as error:  # noqa: BLE001 - whatever it is, it is noticed
                return Broken(type(error).__name__, goal, [])
            if broken:
                return next(iter(broken.values()))
    return None

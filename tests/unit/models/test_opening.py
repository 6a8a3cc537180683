"""Opening a model: what is not the file's fault is no reason to refuse it."""

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from daybreak.errors import ModelRefused
from daybreak.models.opening import open_skops

MISMATCH = "AST constructor recursion depth mismatch (before=87, after=84)"


def failing(parse: Any, times: int) -> Iterator[Any]:
    for _ in range(times):
        yield SystemError(MISMATCH)
    while True:
        yield parse


@pytest.mark.parametrize(("times", "opens"), [(1, True), (2, False)])
def test_a_fault_of_pythons_own_is_tried_once_more(times: int, opens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = skops.io.dumps(LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0]))
    answers = failing(ast.parse, times)

    def parse(*given: Any, **named: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, SystemError):
            raise answer
        return answer(*given, **named)

    monkeypatch.setattr(ast, "parse", parse)
    if opens:
        assert open_skops(saved, "The model", "nothing").coef_.shape == (3,)
    else:
        with pytest.raises(ModelRefused, match=r"The model cannot be opened \(SystemError\)"):
            open_skops(saved, "The model", "nothing")

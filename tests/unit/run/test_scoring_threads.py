"""The threads that score: a model called in one starts none of its own."""

import json
import subprocess
import sys

from daybreak.run.score import scoring_threads

LOADED_LATER = """
import json
from threadpoolctl import threadpool_info
from daybreak.run.score import scoring_threads


def threads_of_openmp():
    with scoring_threads() as threads:
        pools = threads.submit(threadpool_info).result()
    return [pool["num_threads"] for pool in pools if pool["user_api"] == "openmp"]


before = threads_of_openmp()
import sklearn.ensemble
print(json.dumps([before, threads_of_openmp()]))
"""


def test_a_model_called_in_a_scoring_thread_starts_no_threads_of_openmp() -> None:
    import sklearn.ensemble  # noqa: F401 - loads OpenMP
    from threadpoolctl import threadpool_info

    def openmp() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}

    with scoring_threads() as threads:
        assert threads.submit(openmp).result() == {1}


def test_openmp_that_was_loaded_after_the_first_scoring_is_limited_too() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED_LATER], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], [1]]

"""What a version's own environment is made of: plain names and versions, with what scoring needs besides."""

import pytest

from daybreak.errors import ModelRefused
from daybreak.models.requirements import Requirements, requirements_of


def required(text: str, *, by_mlflow: bool = False, constraints: str = "", **libraries: str) -> Requirements:
    files = {"requirements.txt": text.encode(), "constraints.txt": constraints.encode()}
    return requirements_of(files, libraries, "churn version 3", by_mlflow=by_mlflow)


def test_what_scoring_needs_is_added_in_the_versions_that_are_known() -> None:
    found = required("scikit-learn==1.6.1\nnumpy==2.1.0  # as it was\n\n", pandas="2.3.0")
    assert found.packages == (
        "numpy==2.1.0",
        "pandas==2.3.0",
        "pyarrow",
        "scikit-learn==1.6.1",
        "skops",
        "threadpoolctl",
    )


@pytest.mark.parametrize("line", ["mlflow==3.1.2", "MLflow==3.1.2", "mlflow-skinny==3.1.2", "mlflow[extras]==3.1.2"])
def test_mlflow_is_left_out_where_the_model_is_read_without_it_and_skinny_otherwise(line: str) -> None:
    assert not [name for name in required(line).packages if "mlflow" in name.lower()]
    [kept] = [name for name in required(line, by_mlflow=True).packages if "mlflow" in name]
    assert kept.startswith("mlflow-skinny")
    assert kept.endswith("==3.1.2")


def test_a_model_that_mlflow_loads_has_mlflow_though_it_does_not_say_so() -> None:
    assert "mlflow-skinny" in required("torch==2.1", by_mlflow=True).packages


def test_constraints_bind_and_count() -> None:
    free, bound = (required("scipy\n-c constraints.txt", constraints=text) for text in ("", "numpy<2"))
    assert (free.packages, bound.constraints) == (bound.packages, ("numpy<2",))
    assert free.digest != bound.digest


def test_the_order_and_the_writing_of_names_decide_nothing() -> None:
    one, other = required("Scikit_Learn==1.6.1\nscipy==1.15"), required("scipy==1.15\nscikit-learn==1.6.1")
    assert one.digest == other.digest
    assert one.digest != required("scipy==1.15\nscikit-learn==1.6.0").digest


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com/simple",
        "--extra-index-url=https://example.com/simple",
        "-e .",
        "-r others.txt",
        "-c elsewhere.txt",
        "--find-links /tmp",
        "git+https://example.com/model.git",
        "model @ https://example.com/model.whl",
        "model @ file:///tmp/model.whl",
        "./model.whl",
        "/tmp/model.whl",
        "scikit-learn==1.6.1 --hash=sha256:00 --no-binary :all:",
        "scikit-learn==1.6.1; import os",
        "${HOME}",
        "\x00",
    ],
)
def test_a_line_that_is_more_than_a_name_and_versions_is_refused(line: str) -> None:
    with pytest.raises(ModelRefused, match=r"^churn version 3 requires .* which is more than the name of a package"):
        required(f"scikit-learn==1.6.1\n{line}\n")
    with pytest.raises(ModelRefused, match="more than the name"):
        required("scikit-learn", constraints=line)


def test_a_version_that_says_nothing_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"has no requirements\.txt"):
        requirements_of({}, {}, "churn version 3", by_mlflow=False)

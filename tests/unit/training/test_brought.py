"""What lies at a place is told before anything of it is opened."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from daybreak.errors import ModelRefused, StorageUnavailable
from daybreak.training.brought import find


def saved(folder: Path, flavors: dict[str, Any], **more: Any) -> str:
    folder.mkdir()
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors, **more}))
    (folder / "model.bin").write_bytes(b"anything")
    return str(folder)


def test_mlflows_description_says_what_it_is_and_which_columns_it_takes(tmp_path: Path) -> None:
    inputs = json.dumps([{"name": "amount", "type": "double"}, {"name": "age", "type": "long"}])
    flavor = {"pickled_model": "model.bin", "serialization_format": "cloudpickle"}
    found = find(saved(tmp_path / "model", {"sklearn": flavor}, signature={"inputs": inputs}), "")
    assert (found.pickled, found.own, found.columns, found.content) == (True, None, ("amount", "age"), b"anything")


def test_a_librarys_own_format_is_read_by_that_library(tmp_path: Path) -> None:
    flavor = {"data": "model.bin", "model_class": "xgboost.sklearn.XGBClassifier"}
    found = find(saved(tmp_path / "model", {"xgboost": flavor}), "")
    assert (found.pickled, found.own) == (False, ("xgboost", "XGBClassifier"))


@pytest.mark.parametrize(
    ("flavors", "problem"),
    [
        ({"tensorflow": {"data": "model.bin"}}, r"no model of scikit-learn's kind \(its flavors: tensorflow\)"),
        (
            {"xgboost": {"data": "model.bin", "model_class": "xgboost.core.Booster"}},
            "is a Booster of xgboost in a format",
        ),
        ({"lightgbm": {"data": "model.bin", "model_class": "os.system"}}, "is a system of lightgbm in a format"),
        ({"sklearn": {"pickled_model": "../model.bin"}}, "no model of scikit-learn's kind"),
        ({"sklearn": None}, "no model of scikit-learn's kind"),
        ({}, r"\(its flavors: none\)"),
    ],
)
def test_what_is_of_another_kind_is_refused(tmp_path: Path, flavors: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelRefused, match=problem):
        find(saved(tmp_path / "model", flavors), "")


@pytest.mark.parametrize(
    "text", ["", "[]", "flavors: 1", "flavors:\n- a", "{", "flavors: {}\nsignature: {inputs: '['}"]
)
def test_a_description_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(ModelRefused, match=r"cannot be read|its flavors"):
        find(str(tmp_path), "")


def test_storage_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut" / "model.bin").mkdir()
    with pytest.raises(ModelRefused, match="There is nothing at"):
        find(str(tmp_path / "shut"), "")
    with pytest.raises((ModelRefused, StorageUnavailable)):
        find("s3://no-such-bucket-of-anybody/model", "")

"""Features: which columns of training.sql a declared training learns from, and how they are encoded."""

from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def refuse_missing(pipeline: Pipeline, rows: "pa.Table", wanted: tuple[str, ...]) -> None:
    """Refuse rows without the columns that a training names."""
    if missing := [name for name in wanted if name not in rows.column_names]:
        raise SourceRefused(
            f"training.sql gives no column {', '.join(missing)}.",
            next_step="select it there, or mend the pipeline's `target`, its entity key or its training.",
            pipeline=pipeline.name,
        )


def told_apart(
    pipeline: Pipeline, target: str, rows: "pd.DataFrame", features: "pd.DataFrame"
) -> "tuple[pd.DataFrame, list[str], list[str]]":
    """Return features whose types do not depend on gaps, which of them are numbers and which texts; refuse others.

    A column of whole numbers with a gap is one of decimals, and one of truth values one of anything: the signature
    would change with the rows. Truth values are learned from as numbers.
    """
    from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype, is_string_dtype

    if rows.empty:
        raise SourceRefused(
            f"There is no row with a known {target} to train on.",
            next_step="load rows that have it, then train again.",
            pipeline=pipeline.name,
        )
    truths = [c for c in features if is_bool_dtype(features[c]) or infer_dtype(features[c], skipna=True) == "boolean"]
    numbers = [str(c) for c in features if is_numeric_dtype(features[c]) and c not in truths]
    texts = [str(c) for c in features if is_string_dtype(features[c])]
    other = [str(c) for c in features if c not in (*truths, *numbers, *texts)]
    if other or not len(features.columns):
        raise SourceRefused(
            f"Column {', '.join(other)} is neither a number nor a text." if other else "There is no feature.",
            next_step="cast it in extract.sql (`:last_day - signed_up_on`) or leave it out."
            if other
            else "add columns to extract.sql.",
            pipeline=pipeline.name,
        )
    steady = features.astype({**dict.fromkeys(numbers, "float64"), **dict.fromkeys(truths, "boolean")})
    return steady, [str(c) for c in features if c in truths or c in numbers], texts


def encoder(numbers: list[str], texts: list[str]) -> Any:
    """Build the encoding of features.

    Empty numbers are filled with the median; texts that are rare, or were never seen, count as one value.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    fill = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return make_column_transformer((fill, numbers), (encode, texts))

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
) -> tuple[list[str], list[str]]:
    """Return which features are numbers and which are texts, and refuse others."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

    if rows.empty:
        raise SourceRefused(
            f"There is no row with a known {target} to train on.",
            next_step="load rows that have it, then train again.",
            pipeline=pipeline.name,
        )
    numbers = [str(c) for c in features if is_numeric_dtype(features[c]) and not is_bool_dtype(features[c])]
    texts = [str(c) for c in features if is_string_dtype(features[c])]
    other = [str(c) for c in features if c not in (*numbers, *texts)]
    if other or not len(features.columns):
        raise SourceRefused(
            f"Column {', '.join(other)} is neither a number nor a text." if other else "There is no feature.",
            next_step="cast it in extract.sql (`active::integer`, `:last_day - signed_up_on`) or leave it out."
            if other
            else "add columns to extract.sql.",
            pipeline=pipeline.name,
        )
    return numbers, texts


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

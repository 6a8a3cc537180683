"""Signature: the columns and types that a model takes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused

if TYPE_CHECKING:
    import pyarrow as pa

# A text that the model takes as one of a few, by pandas' type of that name.
CATEGORY = "category"
# MLflow's names of column types, as families: a number is a number whatever its width.
_FAMILIES = {
    "integer": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "string": "text",
    CATEGORY: "text",
    "datetime": "time",
}


@dataclass(frozen=True)
class Signature:
    """Names of the model's input columns, in its order, each with MLflow's name of its type."""

    columns: tuple[tuple[str, str], ...]

    @staticmethod
    def of(schema: "pa.Schema") -> "Signature":
        """Return what a model takes that takes such rows."""
        kinds = {"number": "double", "text": "string", "time": "datetime"}
        families = ((field.name, _family(field.type)) for field in schema)
        return Signature(tuple((name, kinds.get(family, family)) for name, family in families))

    @property
    def names(self) -> list[str]:
        """The column names in the model's order."""
        return [name for name, _ in self.columns]

    def refuse_other(self, schema: "pa.Schema", also: tuple[str, ...] = ()) -> None:
        """Refuse rows that lack a column of the model, or of ``also``, or have one twice or of another type."""
        twice = [name for name in dict.fromkeys(schema.names) if schema.names.count(name) > 1]
        if twice:
            raise SourceRefused(
                f"Column {', '.join(twice)} occurs more than once in the extracted rows.",
                next_step="give each column of extract.sql a name of its own.",
            )
        missing = [name for name in (*also, *self.names) if name not in schema.names]
        if missing:
            raise SourceRefused(
                f"Column {', '.join(dict.fromkeys(missing))} is missing from the extracted rows.",
                next_step="mend extract.sql or the source, or train a model on the columns there are.",
            )
        for name, kind in self.columns:
            if not _fits(schema.field(name).type, kind):
                raise SourceRefused(
                    f"Column {name} is {schema.field(name).type} in the extracted rows; the model takes {kind}.",
                    next_step="mend extract.sql or the source, or train a model on the new type.",
                )

    def unlike(self, schema: "pa.Schema", given_by: str) -> list[str]:
        """Say of each column that rows do not give as the model takes it, by the rule of ``refuse_other``."""
        lacking = [name for name in self.names if name not in schema.names]
        told = [f"takes {', '.join(lacking)}, which {given_by} does not give"] if lacking else []
        return told + [
            f"takes {name} as {kind}, {given_by} gives {schema.field(name).type}"
            for name, kind in self.columns
            if name in schema.names and not _fits(schema.field(name).type, kind)
        ]

    def conform(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """Keep the model's columns in its order, decimals as doubles, categories as such; others are left out."""
        import pyarrow as pa

        arrays = [batch.column(name) for name in self.names]
        arrays = [array.cast(pa.float64()) if pa.types.is_decimal(array.type) else array for array in arrays]
        kinds = [kind for _, kind in self.columns]
        arrays = [
            array.dictionary_encode() if kind == CATEGORY and not pa.types.is_dictionary(array.type) else array
            for kind, array in zip(kinds, arrays, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names=self.names)


def alike(kind: str, other: str) -> bool:
    """Tell whether rows that have a column of one of MLflow's types have one of the other too."""
    return _FAMILIES.get(kind, kind) == _FAMILIES.get(other, other)


def _fits(found: "pa.DataType", kind: str) -> bool:
    return _family(found) == _FAMILIES.get(kind)


def _family(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "time"
    return str(kind)

"""Validate: rows that break a critical expectation are set aside with their reasons; a batch that breaks one stops.

Chunk by chunk for what can be judged row by row, then over the whole columns it needs for the rest. What passes is
never copied: the rows set aside are known by their position in the snapshot.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from daybreak.batch.chunk import Chunk, Rejected
from daybreak.batch.routing import without_model
from daybreak.batch.row_hash import hash_rows
from daybreak.batch.signature import Signature
from daybreak.errors import ExpectationsFailed, SourceRefused
from daybreak.run.expectations import Declared, Suite
from daybreak.run.judge import Judge
from daybreak.tables.column_types import held_by
from daybreak.tables.limits import Limits
from daybreak.warehouse.frames import as_frame, key_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


# Reads columns of the whole batch, in its order.
Read = Callable[[list[str]], "Iterable[pa.RecordBatch]"]


@dataclass(frozen=True)
class Rules:
    """What a batch must fulfil besides its expectations."""

    entity_key: tuple[str, ...]
    signature: Signature
    max_quarantined_share: float
    key_types: "Mapping[str, pa.DataType]" = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    # The segment column and the segments that have a model, where a row of another one has none.
    segments: tuple[str, tuple[str, ...]] | None = None


class Validation:
    """One pass of a batch through its expectation suite.

    ``rows`` is how many the batch has. ``reject`` is called with the rows that are set aside, as they are found.
    """

    def __init__(self, suite: Suite, judge: Judge, rules: Rules, rows: int, reject: Callable[[Rejected], None]) -> None:
        self._suite = suite
        self._judge = judge
        self._rules = rules
        self._rows = rows
        self._reject = reject
        self._seen = 0
        self._valueless: list[str] = []
        self._keys = np.empty(rows, dtype=np.uint64)
        self._kept = 0
        self._quarantined: list[np.ndarray] = []
        # Of the rows that no expectation is about: how many there are, and why the first one was set aside.
        self._unkeepable, self._example = 0, ""
        self.quarantined = 0
        self.nulls: dict[str, int] = {}

    def valid(self, batches: "Iterable[pa.RecordBatch]") -> Generator[Chunk]:
        """Yield what passed of each record batch, in order."""
        for batch in batches:
            chunk = Chunk(batch, np.arange(self._seen, self._seen + batch.num_rows))
            if self._seen == 0:
                self._refuse_schema(batch.schema)
            self._seen += batch.num_rows
            self._count_nulls(batch)
            passed = self._judged(chunk)
            self._remember_keys(passed)
            if passed.rows.num_rows:
                yield passed

    def conclude(self, read: Read) -> None:
        """Judge the batch as a whole, reading columns of it with ``read``; raise if it must not be used."""
        if self._seen == 0:
            raise SourceRefused("The batch is empty.", next_step="run the partition again from extract.")
        if self._valueless:
            raise SourceRefused(
                f"Column {', '.join(self._valueless)} is null in all {self._seen:,} rows.",
                next_step="check how the source fills it, then run the partition again.",
            )
        self._refuse_share()
        self._refuse_duplicates(read)
        self._judge_batch(read)

    def _count_nulls(self, batch: "pa.RecordBatch") -> None:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            self.nulls[name] = self.nulls.get(name, 0) + _count_valueless(column)

    def _refuse_schema(self, schema: "pa.Schema") -> None:
        segment = () if self._rules.segments is None else (self._rules.segments[0],)
        also = (*self._rules.entity_key, *self._rules.key_types, *segment, *self._suite.columns)
        self._rules.signature.refuse_other(schema, also)
        for name, kind in self._rules.key_types.items():
            if not held_by(schema.field(name).type, kind):
                what = "Entity key" if name in self._rules.entity_key else "Column"
                raise SourceRefused(
                    f"{what} {name} is {schema.field(name).type} in the extracted rows; predictions keep {kind}.",
                    next_step=f"cast {name} in extract.sql, or bring the table along with `daybreak tables`.",
                )
        needed = (*self._rules.entity_key, *self._rules.signature.names, *self._suite.columns)
        self._valueless = list(dict.fromkeys(needed))

    def _judged(self, chunk: Chunk) -> Chunk:
        self._valueless = [column for column in self._valueless if _has_no_value(chunk.rows.column(column))]
        row_level = self._suite.row_level
        columns = list(dict.fromkeys(c for d in row_level for c in d.columns))
        broken: dict[int, list[str]] = {}
        for declared, judgement in zip(
            row_level,
            self._judge.judge(as_frame(chunk.rows.select(columns), date_as_object=False), row_level),
            strict=True,
        ):
            if judgement.exception or judgement.unexpected is None:
                _refuse_unjudged(declared, judgement.exception or "the rows that break it were not named")
            declared.evaluated += judgement.evaluated
            declared.unexpected += len(judgement.unexpected or ())
            allowed = 1 - float(declared.arguments.get("mostly", 1))
            declared.success = declared.unexpected <= allowed * declared.evaluated
            if declared.critical:
                for position in judgement.unexpected or ():
                    broken.setdefault(position, []).append(declared.sentence)
        unkept = list(self._unkept(chunk))
        for position, reason in unkept:
            broken.setdefault(position, []).append(reason)
            self._example = self._example or reason
        self._unkeepable += len({position for position, _ in unkept})
        return self._set_aside(chunk, broken)

    def _unkept(self, chunk: Chunk) -> Generator[tuple[int, str]]:
        """Yield what keeps rows from being published whatever is expected of them, by their positions."""
        # A row without its key could be neither published nor found again.
        for column in self._rules.entity_key:
            for empty in np.flatnonzero(chunk.rows.column(column).is_null().to_numpy(zero_copy_only=False)):
                yield int(empty), f"{column}: entity key is null"
        yield from self._rules.limits.exceeded(chunk.rows)
        if self._rules.segments is not None:
            yield from without_model(chunk.rows, *self._rules.segments).items()

    def _set_aside(self, chunk: Chunk, broken: dict[int, list[str]]) -> Chunk:
        if not broken:
            return chunk
        positions = np.fromiter(sorted(broken), dtype=np.int64)
        before, self.quarantined = self.quarantined, self.quarantined + len(positions)
        aside = chunk.at(positions)
        self._quarantined.append(aside.numbers)
        # Past the limit the run stops anyway; what is kept until there shows what is wrong.
        if before <= self._limit:
            self._reject(Rejected("validate", aside, [broken[int(p)] for p in positions]))
        mask = np.ones(chunk.rows.num_rows, dtype=bool)
        mask[positions] = False
        return chunk.keep(mask)

    def _remember_keys(self, chunk: Chunk) -> None:
        hashes = hash_rows(chunk.rows, self._rules.entity_key)
        self._keys[self._kept : self._kept + len(hashes)] = hashes
        self._kept += len(hashes)

    @property
    def _limit(self) -> float:
        return self._rules.max_quarantined_share * self._rows

    def _refuse_share(self) -> None:
        if self.quarantined > self._limit or self.quarantined == self._seen:
            worst = max((d for d in self._suite.row_level if d.critical), key=lambda d: d.unexpected, default=None)
            example = f" or cannot be kept, for example '{self._example}'" if self._example else ""
            most = (
                f", most often '{worst.sentence}'"
                if worst and worst.unexpected >= max(self._unkeepable, 1)
                else example
            )
            raise ExpectationsFailed(
                f"{self.quarantined:,} of {self._seen:,} rows ({self.quarantined / self._seen:.1%}) break a critical "
                f"expectation{most}; {self._rules.max_quarantined_share:.1%} are allowed.",
                next_step="mend the source or the rule (the rows are in ledger.quarantine), then run it again.",
            )

    def _refuse_duplicates(self, read: Read) -> None:
        keys = self._keys[: self._kept]
        keys.sort()
        twice = keys[1:][keys[1:] == keys[:-1]]
        del keys
        self._keys = np.empty(0, dtype=np.uint64)
        if not len(twice):
            return
        # Equal hashes are only a suspicion: look at the keys themselves.
        frame = key_frame(self._passed(read, list(self._rules.entity_key)))
        again = frame[frame.duplicated(keep=False)].drop_duplicates()
        if len(again):
            shown = "; ".join(", ".join(f"{k}={v}" for k, v in row.items()) for row in again.head(3).to_dict("records"))
            raise SourceRefused(
                f"{len(again):,} entity keys occur more than once, for example {shown}.",
                next_step="make extract.sql give one row for each entity key, then run the partition again.",
            )

    def _judge_batch(self, read: Read) -> None:
        for declared in self._suite.batch_level:
            frame = self._frame(read, list(declared.columns))
            [judgement] = self._judge.judge(frame, [declared])
            if judgement.exception:
                _refuse_unjudged(declared, judgement.exception)
            declared.evaluated = len(frame)
            declared.unexpected = len(judgement.unexpected or ())
            declared.success, declared.observed = judgement.success, judgement.observed
        failed = [d for d in self._suite.batch_level if d.critical and not d.success]
        if failed:
            shown = f" (observed {failed[0].observed})" if failed[0].observed is not None else ""
            raise ExpectationsFailed(
                f"The batch breaks {len(failed)} critical expectation(s): {failed[0].sentence}{shown}.",
                next_step="look at the rows of this partition in the source; if they are right, mend the rule.",
            )

    def _frame(self, read: Read, columns: list[str]) -> "pd.DataFrame":
        import pandas as pd

        if not columns:
            return pd.DataFrame(index=pd.RangeIndex(self._seen - self.quarantined))
        return as_frame(self._passed(read, columns), date_as_object=False, self_destruct=True, split_blocks=True)

    def _passed(self, read: Read, columns: list[str]) -> "pa.Table":
        import pyarrow as pa

        aside = np.concatenate([np.empty(0, dtype=np.int64), *self._quarantined])
        passed = []
        start = 0
        # Batch by batch, so that the rows set aside are left out without a second copy of the whole column.
        for batch in read(columns):
            mask = np.ones(batch.num_rows, dtype=bool)
            mask[aside[(aside >= start) & (aside < start + batch.num_rows)] - start] = False
            passed.append(batch if mask.all() else batch.filter(pa.array(mask)))
            start += batch.num_rows
        return pa.Table.from_batches(passed)


def _refuse_unjudged(declared: Declared, why: str) -> None:
    raise ExpectationsFailed(
        f"'{declared.sentence}' could not be judged: {why}.",
        next_step="mend the expectation or the column, then run the partition again.",
    )


def _has_no_value(column: "pa.Array") -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Not-a-number is a value to Arrow and PostgreSQL, and none to everything that looks at it after them.
    return column.null_count == len(column) or (
        pa.types.is_floating(column.type) and bool(pc.all(pc.is_null(column, nan_is_null=True)).as_py())
    )


def _count_valueless(column: "pa.Array") -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return int(column.null_count)
    return int(pc.sum(pc.is_null(column, nan_is_null=True)).as_py() or 0)

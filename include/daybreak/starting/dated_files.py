"""Dated files: what a new pipeline's files say, proposed from a table with a row for each key and time."""

from dataclasses import dataclass
from string import Template

from daybreak.declaration.cadence import Cadence, Hour, Week
from daybreak.starting.dated_features import Look, calendar_parts, days_before, lags, longest_days, looked_back
from daybreak.starting.dated_rows import DatedRows
from daybreak.starting.dated_table import DatedTable
from daybreak.starting.dated_target import DatedTarget
from daybreak.starting.plain_names import plain_names
from daybreak.starting.proposals import laid_out, literal
from daybreak.starting.scaffold import TEMPLATES, entity_key, plainly
from daybreak.starting.target_kinds import class_prediction, sql_text

_PUBLIC = ("Pipeline", "Prediction", "RowRules")
# So that it fits on a line of the declaration.
_LONGEST = 95
_SQL = ("features", "extract", "training", "actuals")


@dataclass(frozen=True)
class _Names:
    """What the columns of the queries are called, each name once; ``this`` is the last value."""

    keys: tuple[str, ...]
    target: str
    period: str
    this: str
    value: str
    next_target: str
    predicted: str
    features: dict[str, str]

    @staticmethod
    def of(table: DatedTable, every: Cadence, target: DatedTarget, features: list[str]) -> "_Names":
        told = plain_names([*(column.name for column in table.keys), table.target.name])
        *keys, column = told
        predicted = f"{column}_probability" if target.kind == "probability" else f"predicted_{column}"
        wanted = [*keys, column, every.word, f"this_{every.word}", "value_told", f"next_{column}", predicted, *features]
        _, period, this, value, next_target, predicted, *found = plain_names(wanted)[len(keys) :]
        return _Names(
            tuple(keys), column, period, this, value, next_target, predicted, dict(zip(features, found, strict=True))
        )


def render_dated(
    name: str, package: str, timezone: str, table: DatedTable, rows: DatedRows, target: DatedTarget
) -> dict[str, str]:
    """Write the pipeline's files: their texts by path below the project's folder."""
    every = rows.periods.every
    found = lags(every, rows.partitions)
    looks = looked_back(found, list(target.classes))
    names = _Names.of(table, every, target, [*calendar_parts(every), *(look.name for look in looks)])
    reads = _reads(table, rows, timezone)
    values = _declared(name, package, timezone, rows, target, looks, names, reads)
    values |= {"history_days": days_before(every, found) + longest_days(every)}
    values |= _queried(table, rows, target, looks, names) | _ranges(table, rows, days_before(every, found))

    def filled(template: str) -> str:
        return Template((TEMPLATES / f"{template}.template").read_text(encoding="utf-8")).substitute(values)

    return {
        f"include/{package.replace('.', '/')}/{name}.py": filled("dated_declaration.py"),
        **{
            f"sql/{name}/{query}.sql": filled(f"dated_{query}.sql")
            for query in (_SQL if reads and not table.files else (*_SQL, "coverage"))
        },
        f"dags/{name}.py": filled("dag.py"),
    }


def _reads(table: DatedTable, rows: DatedRows, timezone: str) -> str | None:
    """Write what is read; None where coverage.sql has to be a file for it: a row without a target has not landed."""
    if table.files:
        files = f"files={{{literal(table.name)}: Files({literal(table.files.pattern)})}},"
        return f"source={literal(table.files.source)},\n    {files}"
    told = rows.periods.event_table
    if told is None or rows.unknown or "." in table.schema + table.name:
        return None
    told = tuple(f"timezone={literal(timezone)}" if each == "timezone=" else each for each in told)
    return laid_out("reads=EventTable(", [f"table={literal(table.shown)}", *told], "),", 4).replace("\n", "\n    ")


def _declared(
    name: str,
    package: str,
    timezone: str,
    rows: DatedRows,
    target: DatedTarget,
    looks: list[Look],
    names: _Names,
    reads: str | None,
) -> dict[str, object]:
    every, key = rows.periods.every, " and ".join(names.keys)
    reads_by = ("EventTable" if reads.startswith("reads") else "Files") if reads else None
    is_probability = target.kind == "probability"
    what = names.target.replace("_", " ").capitalize()
    if is_probability:
        what = f"How likely {names.target} is {plainly(str(target.positive))}"
    if target.classes:
        what = f"How likely each {names.target} is"
    description = f"{what} in the {every.word} that follows, for each {key}."
    if len(description) > _LONGEST:
        description = f"{what} in the {every.word} that follows."
    trained = "Classification" if is_probability or target.classes else "Regression"
    told = f"when={literal(names.period)}, last_value={literal(names.this)}"
    rules = _rules(target, looks, names)
    modules = [f"{package}.{name} import {name.upper()}", "daybreak_airflow import scoring_dag"]
    return {
        "name": name,
        "constant": name.upper(),
        "timezone": timezone,
        "word": every.word,
        "key": key,
        "description": description,
        "described": literal(description),
        "imported": ", ".join(sorted([*([reads_by] if reads_by else []), type(every).__name__, "ModelRef", *_PUBLIC])),
        "every": f"Week(starts={literal(every.starts)})" if isinstance(every, Week) else f"{type(every).__name__}()",
        "entity_key": entity_key(names.keys),
        "reads": f"\n    {reads}" if reads else "",
        "prediction": _prediction(target, names),
        "training_name": trained,
        "training": f"{trained}({told})",
        "trained": f"Candidates are compared on the last {every.word}s, and have to beat the last value.",
        "target": names.next_target,
        "positive": "\n    positive=1," if is_probability else "",
        "target_days": longest_days(every),
        "measures": target.kind,
        "rows": f"{rows.rows:,}",
        "most": f"{rows.keys * 10:_}",
        "rules": "".join(f"\n    {line}" for line in rules),
        "imports": "\n".join(f"from {module}" for module in sorted(modules, key=lambda m: m.split()[0])),
    }


def _prediction(target: DatedTarget, names: _Names) -> str:
    if target.classes:
        return class_prediction(names.predicted, list(target.classes), names.keys)
    low, high = target.predicted[1:-1].split(", ")
    method = ', method="predict_proba"' if target.kind == "probability" else ""
    return f"prediction=Prediction({literal(names.predicted)}, low={low}, high={high}{method}),"


def _rules(target: DatedTarget, looks: list[Look], names: _Names) -> list[str]:
    """Write the rules of the last value and of what is looked back on; of a class they are texts, and its shares."""
    values = [look for look in looks if look.of_class is None]
    shares = [look for look in looks if look.of_class is not None]
    told = [names.this, *(names.features[look.name] for look in values)]
    ranges = [f"{literal(names.features[look.name])}: (0, 1)" for look in shares]
    rules = []
    if not target.classes:
        ranges = [f"{literal(name)}: {target.seen}" for name in told]
    if ranges:
        rules += laid_out("ranges={", ranges, "},", 4).split("\n")
    if target.classes:
        rules += laid_out("texts=[", list(map(literal, told)), "],", 4).split("\n")
    empty = [names.features[look.name] for look in values if not look.lag.is_mean]
    return rules + (laid_out("may_be_empty=[", list(map(literal, empty)), "],", 4).split("\n") if empty else [])


def _ranges(table: DatedTable, rows: DatedRows, before: int) -> dict[str, object]:
    periods = rows.periods
    return {
        "read_between": periods.between(before, 0),
        "following_between": periods.between(0, 1),
        "next_only": periods.next_only(),
        "coverage": _listed(periods.coverage, 4),
        "per": f" A row tells of the {periods.every.word} that its day begins." if periods.dated_first else "",
        "table": table.written,
    }


def _queried(
    table: DatedTable, rows: DatedRows, target: DatedTarget, looks: list[Look], names: _Names
) -> dict[str, object]:
    periods, every = rows.periods, rows.periods.every
    key_columns = [_aliased(column.as_key, name) for column, name in zip(table.keys, names.keys, strict=True)]
    read = [_aliased(periods.period, names.period), *key_columns, f"{target.value} AS {names.value}"]
    others = ", ".join(" ".join(column.name.split()) for column in table.others)
    return {
        "left_out": f"\n-- Left out: {others}. Add what is known by then, such as its last value." if others else "",
        "target_column": table.target.written,
        "period": names.period,
        "value": names.value,
        "value_expression": target.value,
        "told_columns": _listed([f"told.{name}" for name in (names.period, *names.keys)], 8),
        "features": _listed(_features(periods.every, looks, names, rows), 8),
        "read_columns": _listed(read, 12),
        "following_columns": _listed(read, 8),
        "key_columns": _listed(key_columns, 4),
        "first": ":start" if isinstance(every, Hour) else ":first_day",
        "partition_by": ", ".join(f"told.{name}" for name in names.keys),
        "order": ", ".join(names.keys),
        "features_order": ", ".join(f"features.{name}" for name in names.keys),
        "next_period": periods.following(f"features.{names.period}"),
        "same_key": "\n        AND ".join(f"following.{name} = features.{name}" for name in names.keys),
    }


def _features(every: Cadence, looks: list[Look], names: _Names, rows: DatedRows) -> list[str]:
    following = rows.periods.following(f"told.{names.period}")
    if isinstance(every, Hour):
        following = f"({following}) AT TIME ZONE :timezone"
    calendar = [
        f"extract({part} FROM {following})::integer AS {names.features[name]}"
        for name, part in calendar_parts(every).items()
    ]
    lagged = []
    for look in looks:
        back = rows.periods.interval(look.lag.back)
        function, end = ("avg", "CURRENT ROW") if look.lag.is_mean else ("max", f"{back} PRECEDING")
        told = f"told.{names.value}"
        if look.of_class is not None:
            told = f"({told} = {sql_text(look.of_class)})::integer::double precision"
        over = f"OVER (of_key RANGE BETWEEN {back} PRECEDING AND {end})\n            AS {names.features[look.name]}"
        lagged.append(f"{function}({told})\n            {over}")
    return [*calendar, f"told.{names.value} AS {names.this}", *lagged]


def _aliased(expression: str, name: str) -> str:
    return name if expression == name else f"{expression} AS {name}"


def _listed(expressions: list[str], indent: int) -> str:
    return f",\n{' ' * indent}".join(expressions)

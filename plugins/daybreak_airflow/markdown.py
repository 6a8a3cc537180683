"""Markdown as Airflow's UI shows it: what is declared, as text that means nothing else there."""

from collections.abc import Iterable
from datetime import timedelta

from airflow.sdk import DAG


def code(text: object) -> str:
    """Set a text as code, on one line and without what would end the code or a table's cell."""
    plain = " ".join(str(text).split()).replace("`", "'").replace("|", r"\|")
    return f"`{plain}`" if plain else "(empty)"


def listed(texts: Iterable[object], last: str = "and") -> str:
    """Set texts as code, one after the other."""
    *others, end = map(code, texts)
    return f"{', '.join(others)} {last} {end}" if others else end


def table(facts: Iterable[tuple[str, str]]) -> str:
    """Lay facts out as a table: what each is, and what it says."""
    return "\n".join(["| | |", "|---|---|", *(f"| **{what}** | {says} |" for what, says in facts)])


def percent(share: float) -> str:
    """Write a share as per cent, with no more digits than it has."""
    return f"{share * 100:.4g} %"


def duration(span: timedelta) -> str:
    """Write a span in hours, or in minutes where it is no number of whole hours."""
    minutes = span / timedelta(minutes=1)
    return f"{minutes / 60:,g} hours" if minutes % 60 == 0 else f"{minutes:,g} minutes"


def paragraphs(*parts: str | None) -> str:
    """Set parts apart, leaving out those that are not there."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip()) + "\n"


def tasks(dag: DAG) -> str:
    """List what each task does, in the order in which they were declared; a task of a group by its own name."""
    docs = {task.task_id.rpartition(".")[2]: task.doc or task.doc_md or "" for task in dag.tasks}
    return "\n".join(["### Tasks", "", *(f"* {code(name)}: {_inline(doc)}" for name, doc in docs.items())])


def parameters(dag: DAG) -> str | None:
    """List what a run can be told, or return None where that is nothing."""
    lines = [f"* {code(name)}: {_inline(param.description or 'as given')}" for name, param in dag.params.items()]
    return "\n".join(["### Parameters", "", *lines]) if lines else None


def _inline(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text[:1].lower() + text[1:]

"""The page of a DAG of the models' life: which pipelines it sees to, below what its file says in words."""

from collections.abc import Iterator, Mapping, Sequence

from airflow.sdk import DAG

from daybreak.declaration.loading import Declared
from daybreak_airflow.markdown import code, listed, paragraphs, parameters, table


def models_page(dag: DAG, declared: Declared, pipelines: Mapping[str, Sequence[str]]) -> str:
    """Write the page in Markdown; ``pipelines`` says what is done to which."""
    return paragraphs(dag.doc_md, table(_facts(declared, pipelines)), parameters(dag))


def _facts(declared: Declared, pipelines: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for does, names in pipelines.items():
        yield does, listed(names) if names else "no pipeline"
    if declared.broken:
        yield (
            "Leaves out",
            f"{listed(declared.broken)}, which cannot be used: {code(next(iter(declared.broken.values())))}",
        )

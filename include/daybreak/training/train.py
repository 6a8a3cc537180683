"""Train: fit a pipeline's model on its past, hold it against a baseline, register it, point the alias to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from daybreak.batch.digest import ArrowDigest
from daybreak.declaration.functions import function_name, load_function
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused, ScoringFailed, SourceRefused
from daybreak.models.aliases import COMMAND_LINE, Decision
from daybreak.models.answering import Answering
from daybreak.models.version import ModelVersion
from daybreak.training import evidence
from daybreak.training.past import Past, source_last_day
from daybreak.training.profiles import keep_watched, refuse_unknown_features
from daybreak.training.trained import Trained
from daybreak.training.trial import Trial, try_in_fresh_process
from daybreak.workspace import Workspace

CHALLENGER = "challenger"


def train(
    workspace: Workspace,
    pipeline: Pipeline,
    *,
    through: date | None = None,
    promote: bool = True,
    search: bool = False,
    decided_by: str = COMMAND_LINE,
    progress: Callable[[str], None] = lambda step: None,
) -> list[tuple[ModelVersion, Trained]]:
    """Train on what was known at the end of ``through`` (default: the source's last day) and register versions.

    There is one for each model that the pipeline declares. A version becomes the challenger, or the champion where
    there is none yet and ``promote`` is not False. With ``search`` the declared settings are compared first. Raises
    SourceRefused or ModelRefused, and registers nothing, where there is nothing to learn from or a model does not beat
    its baseline on held-out days.
    """
    past, trained = fit(workspace, pipeline, through or source_last_day(workspace, pipeline), search, progress)
    # All are registered before the first alias is moved: one that cannot be leaves every alias where it was.
    versions = register(past, trained, progress=progress)
    aliases = challenge(workspace, pipeline, [v.version for v in versions], first=promote, decided_by=decided_by)
    return [
        (replace(version, aliases=(alias,)), trained[version.name])
        for version, alias in zip(versions, aliases, strict=True)
    ]


def fit(
    workspace: Workspace,
    pipeline: Pipeline,
    last_day: date | None,
    search: bool,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[Past, dict[str, Trained]]:
    """Fit each declared model on what was known at the end of a day, and hold it against its baseline."""
    if last_day is None:
        raise SourceRefused(
            "The source holds no data.",
            next_step="load it (for the demonstration: `daybreak load-demo`), then train again.",
            pipeline=pipeline.name,
        )
    past = Past(workspace, pipeline, last_day, search, ArrowDigest())
    found = load_function(pipeline.training)(past, progress)
    trained: dict[str, Trained] = {pipeline.single_ref.name: found} if isinstance(found, Trained) else dict(found)
    if other := {ref.name for ref in pipeline.model_refs} ^ trained.keys():
        raise ModelRefused(
            f"Training gives other models than are declared ({', '.join(sorted(other))}).",
            next_step=f"make {function_name(pipeline.training)} return each declared model by its name.",
            pipeline=pipeline.name,
        )
    for name, model in trained.items():
        refuse_no_better(pipeline, name, model)
        if model.unseen:
            refuse_unknown_features(pipeline, model.unseen)
    return past, trained


def register(
    past: Past,
    trained: Mapping[str, Trained],
    *,
    origin: str | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> list[ModelVersion]:
    """Register what was fitted, in the order of the declaration; ``origin`` is what started the training.

    Raises ModelRefused where what was registered cannot be used by a process that did not fit it: it gets no alias.
    """
    versions = []
    for name, fitted in trained.items():
        _refuse_other_answers(past.pipeline, name, fitted)
    for ref in past.pipeline.model_refs:
        progress(f"registering {ref.name}")
        versions.append(_register(past, ref.name, trained[ref.name], origin))
    progress("scoring a sample in a fresh process")
    _refuse_unloadable(past, versions, [trained[version.name] for version in versions])
    return versions


def challenge(
    workspace: Workspace, pipeline: Pipeline, versions: list[int], *, first: bool, decided_by: str
) -> list[str]:
    """Point an alias to each new version: the champion where there is none yet and ``first`` allows it.

    The versions are in the order of the declaration; so are the aliases returned.
    """
    aliases = []
    for ref, number in zip(pipeline.model_refs, versions, strict=True):
        version = workspace.registry.resolve(ref, number)
        decision = Decision(f"trained through {version.trained_through}", decided_by=decided_by)
        aliases.append(_aliased(workspace, ref, number, decision, first=first))
    return aliases


def refuse_no_better(pipeline: Pipeline, name: str, trained: Trained) -> None:
    """Refuse a model that is no better than its baseline, showing what it was chosen from."""
    worse = [metric for metric in trained.baseline if not trained.beats_baseline(metric)]
    if worse:
        shown = ", ".join(f"{n} {trained.metrics[n]:.4f} against {trained.baseline[n]:.4f}" for n in worse)
        which = "The model" if len(pipeline.model_refs) == 1 else f"Model {name}"
        raise ModelRefused(
            f"{which} is no better than its baseline on held-out rows ({shown}).{_candidates(trained, worse)}",
            next_step="look at the features, or train on more rows.",
            pipeline=pipeline.name,
        )


def _candidates(trained: Trained, metrics: list[str]) -> str:
    """Show what was compared, besides the model that was chosen."""
    others = [
        f"{candidate.name} {', '.join(f'{n} {candidate.metrics[n]:.4f}' for n in metrics if n in candidate.metrics)}"
        for candidate in trained.candidates
        if any(name in candidate.metrics for name in metrics)
    ]
    return f" Candidates: {'; '.join(others)}." if others else ""


def _register(past: Past, name: str, trained: Trained, origin: str | None) -> ModelVersion:
    workspace, pipeline = past.workspace, past.pipeline
    version = workspace.registry.register(
        name,
        trained.model,
        trained.sample,
        trained_through=trained.trained_through,
        record=evidence.record(past, trained, origin),
        method=pipeline.prediction.method,
        score_profile=trained.score_profile,
    )
    if trained.unseen:
        keep_watched(workspace.ledger.warehouse, pipeline, version, trained.unseen)
    return version


def _refuse_other_answers(pipeline: Pipeline, name: str, trained: Trained) -> None:
    """Refuse a model that does not say what is declared; nothing was registered yet."""
    answering = Answering.of(pipeline)
    answering.refuse_other(trained.model, f"The model that was fitted for {name}")
    try:
        answering.values(trained.model, trained.sample)
    except ScoringFailed as error:
        raise ModelRefused(error.problem, next_step=error.next_step, pipeline=pipeline.name) from error


def _refuse_unloadable(past: Past, versions: list[ModelVersion], trained: list[Trained]) -> None:
    import pyarrow as pa

    answering, trials = Answering.of(past.pipeline), []
    for version, fitted in zip(versions, trained, strict=True):
        # The rows as a run would give them.
        sample = version.signature.conform(pa.RecordBatch.from_pandas(fitted.sample, preserve_index=False))
        trials.append(Trial(version, sample, answering.values(fitted.model, sample.to_pandas())))
    if problem := try_in_fresh_process(past.workspace.registry.artifacts, answering, trials):
        shown = ", ".join(f"{version.name} version {version.version}" for version in versions)
        raise ModelRefused(
            f"{shown} cannot be used by a fresh process: {problem}.",
            next_step="mend the training; what was registered got no alias.",
            pipeline=past.pipeline.name,
        )


def _aliased(workspace: Workspace, model: ModelRef, version: int, decision: Decision, *, first: bool) -> str:
    champion = workspace.aliases(model)
    if champion.current() == version:
        return model.alias  # a task that is tried again
    moved = champion if first and champion.current() is None else workspace.aliases(ModelRef(model.name, CHALLENGER))
    moved.move(version, decision)
    return moved.model.alias

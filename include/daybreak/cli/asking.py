"""Asking: on a terminal, for what was not said on the command line; each question comes with a proposal."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from daybreak.cli.display import out
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from daybreak.starting.guesses import Guess


def asks() -> bool:
    """Tell whether there is somebody to ask: both what is typed and what is shown are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


_UNSAID = {
    "--key": "Nothing says which columns tell the rows apart.",
    "--target": "Nothing says what is to be predicted.",
    "--time": "Nothing says of when a row of the table is.",
    "--every": "Nothing says how long a partition is.",
}


def refuse_unasked(option: str, *, yes: bool) -> None:
    """Refuse a command without an option where nobody can be asked for it."""
    if not yes and not asks():
        raise ConfigurationError(
            _UNSAID[option], next_step=f"name it as `{option}`, or take what is proposed with `--yes`."
        )


def answer(
    option: str, question: str, guess: "Guess | None", choices: Sequence[str], *, yes: bool, several: bool = False
) -> list[str]:
    """Return what stands for an option that was not given: what somebody types, or with ``yes`` what is proposed.

    Enter takes the proposal. An answer that is none of the choices is asked for again. Raises ConfigurationError
    where nobody can be asked, KeyboardInterrupt where somebody ends it.
    """
    if yes and guess is not None:
        out.print(f"{question} {_shown(guess.values)}: {guess.reason}.", markup=False, soft_wrap=True)
        return list(guess.values)
    if yes:
        raise ConfigurationError(f"Nothing can be proposed as `{option}`.", next_step="name it.")
    refuse_unasked(option, yes=yes)
    out.print(f"\n{question}", markup=False, soft_wrap=True)
    out.print(f"  {', '.join(choices)}", markup=False, soft_wrap=True, style="dim")
    if guess is not None:
        out.print(f"  Proposed is {_shown(guess.values)}: {guess.reason}.", markup=False, soft_wrap=True)
    while True:
        try:
            typed = input(f"{option}{f' [{_shown(guess.values)}]' if guess else ''}: ").strip()
        except EOFError as error:
            # Nothing was written yet: it ends as Ctrl-C does.
            raise KeyboardInterrupt from error
        if not typed and guess is not None:
            return list(guess.values)
        found = _chosen(typed, choices, several=several)
        if found:
            return found
        out.print(f"  {typed!r} is none of them." if typed else "  Choose one of them.", markup=False)


def _shown(values: Sequence[str]) -> str:
    return ", ".join(values)


def _chosen(typed: str, choices: Sequence[str], *, several: bool) -> list[str]:
    """Return the choices that were typed, with commas between where there may be several; none if any is wrong."""
    by_lower = {choice.lower(): choice for choice in choices}

    def one(text: str) -> str | None:
        return text if text in choices else by_lower.get(text.lower())

    if whole := one(typed):
        return [whole]
    found = [one(part.strip()) for part in typed.split(",")] if several else []
    return [part for part in found if part] if all(found) else []

"""Whatever a person types, a command ends with a result or with one line that names the next step."""

import re
from datetime import date

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import commands
from daybreak.settings import Settings
from parcels import DAY

EXAMPLES = 300
# What a shell hands over: any bytes but NUL. Those that are no UTF-8 arrive as lone surrogates.
TEXTS = st.text(st.characters(exclude_characters="\x00", codec=None), max_size=30) | st.sampled_from(
    [
        "",
        " ",
        "'",
        '"; DROP TABLE ledger.runs; --',
        "%s",
        "{0}",
        "[bold]",
        "[/]",
        "\udcff",
        "é" * 2000,
        "\u202e",
        "-1",
        "--",
    ]
)
# Most are no pipeline's name, which ends before the warehouse is asked for anything.
NAMES = st.integers(0, 9).flatmap(lambda n: TEXTS if n else st.just("parcel_hours"))
DAYS = (
    st.sampled_from([str(DAY), "2024-02-30", "0001-01-01", "9999-12-31", "2024-3-9", "20240309", "٢٠٢٤-٠٣-٠٩", "today"])
    | st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str)
    | TEXTS
)
NUMBERS = st.sampled_from(["0", "1", "-1", "99", "2147483648", "9223372036854775808", "1e3", "\uff11"]) | TEXTS
# With a day a model would be trained, or a year of sales loaded, and with no argument at all a stack started.
NO_DAYS = DAYS.filter(lambda text: not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII))
WORDS = {"P": NAMES, "D": DAYS, "N": NUMBERS, "T": TEXTS, "X": NO_DAYS, "W": TEXTS.filter("--".__ne__)}
# Each command with what it takes: a pipeline, days, numbers, texts.
COMMANDS = [
    "run P --partition D --dry-run --model-version N",
    "backfill P D D --dry-run --model-version N --policy T",
    "backfill P D D --missing --policy T",
    "backfill P D D --failed",
    "backfill P D D --outdated --dry-run",
    "push P D",
    "rollback P D",
    "replay P D --from T",
    "reproduce P D --run N",
    "diff P D N N --by T",
    "runs P --limit N",
    "runs P --missing",
    "runs P --outdated",
    "runs P --failed",
    "runs P --stale",
    "show P D --run N",
    "deliveries P D",
    "models P",
    "history P --model T --declare N --since D",
    "promote P --version N --dry-run",
    "demote P --model T",
    "adopt P --version N --trained-through D",
    "register P --from T --trained-through D --sample T --alias T",
    "register parcel_hours --from T --trained-through D --sample-from-extract --mlflow T --dry-run",
    "measure P --from D --to D",
    "performance P",
    "tables P",
    "tables P --dry-run",
    "train P --through X",
    "sweep P",
    "doctor W",
    "init W",
    "new T --from-csv T --key T --target T --positive T --timezone T --as-of D",
    "new churn --from-csv /dev/null --key T --target T --delimiter T --decimal T --thousands T --encoding T --empty T",
    "load-csv P T --as-of D --delimiter T --decimal T --thousands T --encoding T --empty T",
    "load-demo --into-named-warehouse --last-day X",
    "local T",
    "local up W",
    "local demo W",
    "local status W",
    "local down W",
    "url --role T",
    "roles T",
    "T P D N",
]


def arguments(shape: str) -> st.SearchStrategy[list[str]]:
    return st.tuples(*(WORDS.get(word, st.just(word)) for word in shape.split())).map(list)


@pytest.mark.parametrize("shape", COMMANDS)
def test_a_command_ends_with_a_result_or_with_a_next_step(
    shape: str, settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = commands(monkeypatch, capfd, settings)

    @hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
    @given(arguments(shape))
    def ends(typed: list[str]) -> None:
        code, out, err = command(*typed)
        assert code in (0, 1, 2), typed
        assert "Traceback" not in out + err, typed
        if code == 1:
            assert " Next: " in err.splitlines()[-1], (typed, err)

    ends()

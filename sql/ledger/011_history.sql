-- One row per decision about an alias, declarations of what was in force before its history begins included; and one
-- row per run says what chose its model version.

ALTER TABLE ledger.alias_history
    ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    DROP CONSTRAINT known_outcome,
    DROP CONSTRAINT only_moves_last,
    ADD CONSTRAINT known_outcome
        CHECK (outcome IN ('intended', 'moved', 'removed', 'refused', 'abandoned', 'declared')),
    -- What neither moved the alias nor was declared takes no time: no instant ever finds it.
    ADD CONSTRAINT only_what_was_in_force_lasts
        CHECK (outcome IN ('moved', 'declared') OR coalesce(until = since, false)),
    -- A declaration tells of what was over when it was made.
    ADD CONSTRAINT declared_of_the_past
        CHECK (outcome <> 'declared' OR coalesce(since < until AND until <= recorded_at, false));
UPDATE ledger.alias_history SET recorded_at = since;
COMMENT ON TABLE ledger.alias_history IS
    'One row per decision about an alias. Rows with outcome moved or declared say from when to when a version was in force.';
COMMENT ON COLUMN ledger.alias_history.since IS 'From when it counts.';
COMMENT ON COLUMN ledger.alias_history.outcome IS
    'moved; removed; refused; intended: written down before the alias is moved; abandoned: intended, and never moved; '
    'declared: in force before the first move that is recorded, the alias was not touched.';
COMMENT ON COLUMN ledger.alias_history.recorded_at IS
    'When it was written down: later than since where it was declared, else the same moment.';

ALTER TABLE ledger.runs
    ADD COLUMN model_policy text,
    ADD CONSTRAINT known_model_policy
        CHECK (model_policy IN ('current', 'as_of', 'as_of_declared', 'pinned', 'same_as'));
COMMENT ON COLUMN ledger.runs.model_policy IS
    'What chose the model version: current: the alias; as_of: the alias history, as of the end of the partition; '
    'as_of_declared: the same, and it was declared, not recorded; pinned: its number; same_as: another run.';

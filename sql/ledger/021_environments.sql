-- A model may be scored in an environment of its own, whose packages decide what it predicts.
ALTER TABLE ledger.run_segments ADD COLUMN environment jsonb;
COMMENT ON COLUMN ledger.run_segments.environment IS
    'Packages of the environment that the model was scored in, where it is one of its own; empty where it is none.';

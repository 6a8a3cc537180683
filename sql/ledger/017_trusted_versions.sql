-- What a run trusts of a model version is what Daybreak wrote down itself: the registry's tags are their writer's own.

-- One row per model version that Daybreak has registered or adopted.
CREATE TABLE ledger.trusted_versions (
    model_name text NOT NULL,
    version integer NOT NULL,
    digest text NOT NULL,
    trained_through date NOT NULL,
    libraries jsonb,
    score_profile jsonb,
    how text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model_name, version),
    CONSTRAINT known_how CHECK (how IN ('registered', 'adopted', 'used'))
);
COMMENT ON TABLE ledger.trusted_versions IS
    'One row per model version that Daybreak has registered or adopted: what runs trust, whatever the registry''s tags say.';
COMMENT ON COLUMN ledger.trusted_versions.model_name IS 'Registered model.';
COMMENT ON COLUMN ledger.trusted_versions.version IS 'Its version.';
COMMENT ON COLUMN ledger.trusted_versions.digest IS 'SHA-256 over the files of its artifact.';
COMMENT ON COLUMN ledger.trusted_versions.trained_through IS 'Last day that it has seen anything of.';
COMMENT ON COLUMN ledger.trusted_versions.libraries IS
    'Versions of the libraries that trained it; empty until it is used again, where how is used.';
COMMENT ON COLUMN ledger.trusted_versions.score_profile IS
    'Spread of its scores on held-out days; empty where it has none, and as libraries is.';
COMMENT ON COLUMN ledger.trusted_versions.how IS
    'registered: by a training; adopted: by a person; used: a run had used it before this table was made.';
COMMENT ON COLUMN ledger.trusted_versions.recorded_at IS 'When it was written down.';

-- What runs have used was verified against the digest of its first run.
INSERT INTO ledger.trusted_versions (model_name, version, digest, trained_through, how)
SELECT DISTINCT ON (model_name, model_version) model_name, model_version, model_digest, trained_through, 'used'
FROM ledger.run_segments
WHERE num_nulls(model_name, model_version, model_digest, trained_through) = 0
ORDER BY model_name, model_version, run_id;

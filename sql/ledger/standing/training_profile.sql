-- One row: how a column was spread on the held-out days of a version's training.
SELECT training_profiles.profile
FROM ledger.training_profiles
WHERE
    training_profiles.model_name = :model
    AND training_profiles.model_version = :version
    AND training_profiles.column_name = :column

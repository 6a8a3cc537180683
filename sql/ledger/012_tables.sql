-- One row per file that was applied, and per pipeline whose tables follow its declaration: ledger.migrations is described
-- here, and forgets what the tables were made from before they followed it.

COMMENT ON TABLE ledger.migrations IS
    'One row per file of sql/ledger that was applied, and per pipeline whose tables follow its declaration.';
COMMENT ON COLUMN ledger.migrations.name IS 'The file, as ledger/<file>; for a pipeline''s tables <pipeline>/tables.';
COMMENT ON COLUMN ledger.migrations.digest IS
    'SHA-256 of the file, or of all that the pipeline''s tables follow from: they are looked at again when it changes.';
COMMENT ON COLUMN ledger.migrations.applied_at IS 'When it was applied.';

DELETE FROM ledger.migrations WHERE name LIKE '%/views.sql' OR name LIKE '%/shadow';
DROP FUNCTION ledger.see_to_shadow_table(text, text[]);

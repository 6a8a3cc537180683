-- One row per expectation that a run's rows, or the batch as a whole, did not meet.
SELECT
    expectation_results.expectation,
    expectation_results.level,
    expectation_results.severity,
    expectation_results.evaluated,
    expectation_results.unexpected,
    expectation_results.arguments,
    expectation_results.observed
FROM ledger.expectation_results
WHERE expectation_results.run_id = :run AND (NOT expectation_results.success OR expectation_results.unexpected > 0)
ORDER BY expectation_results.severity, expectation_results.unexpected DESC, expectation_results.position

-- Predictions of several numbers are measured by metrics of their own.
COMMENT ON COLUMN ledger.performance.metric IS
    'mae, rmse, poisson_deviance, bias; log_loss, brier_score, reliability; log_loss and share_right of all classes; '
    'pinball_q10, coverage_q10_q90 and so on of quantiles; precision_at_5.';

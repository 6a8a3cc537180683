"""Where a pipeline's rows come from: one contract, and what fulfils it."""

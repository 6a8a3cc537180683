-- What crossed a threshold stays written down; that it crosses nothing any more, since it was made anew, is said beside it.
ALTER TABLE ledger.retraining_requests ADD COLUMN settled_at timestamptz;
COMMENT ON COLUMN ledger.retraining_requests.settled_at IS
    'When the partition was watched again and crossed nothing, since it was made anew; empty while it asks.';

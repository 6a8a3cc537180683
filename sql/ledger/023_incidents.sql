-- Incidents: what needs a person, from when on until when, and who was told of it.

ALTER TABLE ledger.runs ADD COLUMN error_type text;
COMMENT ON COLUMN ledger.runs.error_type IS 'Kind of the error that a failed run ended with; empty where it was not one of ours.';
ALTER TABLE ledger.runs ADD COLUMN nulls jsonb;
COMMENT ON COLUMN ledger.runs.nulls IS 'Rows without a value by column of the batch, those in quarantine included.';
ALTER TABLE ledger.retraining_requests ADD COLUMN kinds text[];
COMMENT ON COLUMN ledger.retraining_requests.kinds IS
    'For each of the reasons whether it is the error or drift; empty of requests from before this was kept.';

-- One row per incident: a cause that needs a person, from when it was first seen until it was seen no more.
CREATE TABLE ledger.incidents (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL CONSTRAINT known_severity CHECK (severity IN ('critical', 'warning')),
    pipeline text NOT NULL,
    partition_key text,
    owner text,
    problem text NOT NULL,
    next_step text NOT NULL,
    command text,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    reminders integer NOT NULL DEFAULT 0,
    remind_at timestamptz,
    silenced_until timestamptz,
    silenced_by text,
    CONSTRAINT closed_by_somebody CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT silenced_by_somebody CHECK ((silenced_until IS NULL) = (silenced_by IS NULL))
);
CREATE UNIQUE INDEX one_open_incident_a_cause ON ledger.incidents (cause) WHERE closed_at IS NULL;
CREATE INDEX incidents_by_pipeline ON ledger.incidents (pipeline, opened_at);
COMMENT ON TABLE ledger.incidents IS 'One row per cause that needs a person, from when it was seen until it was not any more.';
COMMENT ON COLUMN ledger.incidents.incident_id IS 'The incident.';
COMMENT ON COLUMN ledger.incidents.cause IS 'What it is known by: one cause has one open incident, however often it is seen.';
COMMENT ON COLUMN ledger.incidents.kind IS 'What it is: a row of the table in docs/watch.md.';
COMMENT ON COLUMN ledger.incidents.severity IS 'critical: predictions are not there; warning: worth a look.';
COMMENT ON COLUMN ledger.incidents.pipeline IS 'Pipeline, or what else it is about.';
COMMENT ON COLUMN ledger.incidents.partition_key IS 'Partition, the newest where there are several; empty where it is about none.';
COMMENT ON COLUMN ledger.incidents.owner IS 'Who the pipeline belongs to, as it declares.';
COMMENT ON COLUMN ledger.incidents.problem IS 'What was seen last.';
COMMENT ON COLUMN ledger.incidents.next_step IS 'What to do next.';
COMMENT ON COLUMN ledger.incidents.command IS 'The command that does it or tells more.';
COMMENT ON COLUMN ledger.incidents.opened_at IS 'When it was seen first.';
COMMENT ON COLUMN ledger.incidents.seen_at IS 'When it was seen last.';
COMMENT ON COLUMN ledger.incidents.closed_at IS 'When it was looked for and not there any more; empty while it is open.';
COMMENT ON COLUMN ledger.incidents.closed_by IS 'Who saw that.';
COMMENT ON COLUMN ledger.incidents.reminders IS 'How often somebody was reminded.';
COMMENT ON COLUMN ledger.incidents.remind_at IS 'When the next reminder is due; empty where none is.';
COMMENT ON COLUMN ledger.incidents.silenced_until IS 'Until when nobody is reminded; empty where nobody asked for that.';
COMMENT ON COLUMN ledger.incidents.silenced_by IS 'Who asked for that.';

-- One row per message and channel, written in the transaction that makes it necessary and sent after it.
CREATE TABLE ledger.messages (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    occasion text NOT NULL CONSTRAINT known_occasion CHECK (occasion IN ('opened', 'closed', 'reminder', 'digest')),
    subject text NOT NULL,
    incident_id bigint REFERENCES ledger.incidents,
    title text NOT NULL,
    body text NOT NULL,
    made_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    try_at timestamptz NOT NULL,
    sent_at timestamptz,
    problem text,
    CONSTRAINT once_a_channel UNIQUE (channel, occasion, subject)
);
CREATE INDEX messages_unsent ON ledger.messages (channel, message_id) WHERE sent_at IS NULL;
COMMENT ON TABLE ledger.messages IS 'One row per message and channel that it goes to.';
COMMENT ON COLUMN ledger.messages.message_id IS 'The message; those of a channel are sent in this order.';
COMMENT ON COLUMN ledger.messages.channel IS 'Name of the channel in the settings.';
COMMENT ON COLUMN ledger.messages.occasion IS 'Why it is sent: an incident opened or closed, a reminder, or a morning''s digest.';
COMMENT ON COLUMN ledger.messages.subject IS 'What it is about: the incident, with the reminder''s number, or the day.';
COMMENT ON COLUMN ledger.messages.incident_id IS 'The incident; empty of a digest.';
COMMENT ON COLUMN ledger.messages.title IS 'Its title.';
COMMENT ON COLUMN ledger.messages.body IS 'Its text.';
COMMENT ON COLUMN ledger.messages.made_at IS 'When it became necessary.';
COMMENT ON COLUMN ledger.messages.attempts IS 'How often it was begun to be sent.';
COMMENT ON COLUMN ledger.messages.try_at IS 'When it may be tried again, also where the process that sent it died.';
COMMENT ON COLUMN ledger.messages.sent_at IS 'When the channel took it; empty where it has not.';
COMMENT ON COLUMN ledger.messages.problem IS 'What went wrong the last time.';

-- One row per version that passed its checks and waits for a person.
CREATE TABLE ledger.approvals (
    approval_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    model_name text NOT NULL,
    version integer NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT asked_once UNIQUE (model_name, version, asked_by)
);
COMMENT ON TABLE ledger.approvals IS 'One row per version that a person was asked to approve; the alias history has the answer.';
COMMENT ON COLUMN ledger.approvals.approval_id IS 'The request.';
COMMENT ON COLUMN ledger.approvals.pipeline IS 'Pipeline that the model is of.';
COMMENT ON COLUMN ledger.approvals.model_name IS 'Registered model.';
COMMENT ON COLUMN ledger.approvals.version IS 'Its version.';
COMMENT ON COLUMN ledger.approvals.asked_by IS 'Who asks: the run that waits for the answer.';
COMMENT ON COLUMN ledger.approvals.asked_at IS 'When.';

CREATE TABLE events (
	delivery_key   TEXT NOT NULL PRIMARY KEY, -- SHA-256 of raw
	time           TEXT NOT NULL,             -- such as 2026-01-31T12:00:00.000Z
	type           TEXT NOT NULL,
	id             TEXT NOT NULL,             -- the call's id, the same in all its events
	company        TEXT NOT NULL,
	pbx            TEXT NOT NULL,
	integration_id TEXT NOT NULL,
	raw            BLOB NOT NULL              -- the JSON, byte for byte as it was signed
);

CREATE INDEX events_id ON events (id);
CREATE INDEX events_time ON events (time);

CREATE TABLE calls (
	company          TEXT NOT NULL,
	id               TEXT NOT NULL,
	pbx              TEXT,
	started_at       TEXT NOT NULL,
	answered_at      TEXT,
	ended_at         TEXT,
	last_event_at    TEXT NOT NULL,
	caller_type      TEXT,
	caller_phone     TEXT,
	caller_name      TEXT,
	caller_company   TEXT,
	caller_email     TEXT,
	caller_extension TEXT,
	caller_group     TEXT,
	callee_type      TEXT,
	callee_phone     TEXT,
	callee_name      TEXT,
	callee_company   TEXT,
	callee_email     TEXT,
	callee_extension TEXT,
	callee_group     TEXT,
	direction        TEXT,
	destination      TEXT,
	queue            TEXT,
	trunk            TEXT,
	status           TEXT,
	end_cause        TEXT,
	end_cause_str    TEXT,
	end_by           TEXT,
	answered         BOOLEAN NOT NULL,
	missed           BOOLEAN NOT NULL,
	duration_ms      INTEGER,
	waited_ms        INTEGER,
	facts            TEXT NOT NULL, -- JSON, from which the other columns follow
	PRIMARY KEY (company, id)
) WITHOUT ROWID;

CREATE INDEX calls_started_at ON calls (started_at);

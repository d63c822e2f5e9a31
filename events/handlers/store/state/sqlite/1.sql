CREATE TABLE call_states (
	company  TEXT NOT NULL,
	id       TEXT NOT NULL,
	received INTEGER NOT NULL,      -- when the call's first event was, in Unix seconds
	facts    TEXT NOT NULL,         -- JSON
	end_key  TEXT NOT NULL,         -- delivery key of the event that ended the call, or ''
	finished BLOB,                  -- JSON of call:finished
	PRIMARY KEY (company, id)
);

CREATE INDEX call_states_received ON call_states (received);

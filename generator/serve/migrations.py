"""The shape of the database, as numbered steps; `user_version` says how many a file has. Steps are never changed.

Times are whole milliseconds of UTC that we give: SQLite's own clock functions differ by version.
"""

from __future__ import annotations

FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE friend (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  is_owner INTEGER NOT NULL DEFAULT 0 CHECK (is_owner IN (0, 1)),
  weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100),
  most_waiting INTEGER NOT NULL DEFAULT 5,
  most_a_minute INTEGER NOT NULL DEFAULT 20,
  quota_mib INTEGER NOT NULL DEFAULT 2048,
  discord TEXT UNIQUE,
  made_at INTEGER NOT NULL,
  revoked_at INTEGER) STRICT;
CREATE TABLE invite (
  hash BLOB PRIMARY KEY, friend INTEGER NOT NULL REFERENCES friend,
  made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER) STRICT;
CREATE TABLE session (
  hash BLOB PRIMARY KEY, friend INTEGER NOT NULL REFERENCES friend,
  made_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  friend INTEGER NOT NULL REFERENCES friend,
  request TEXT,
  wish TEXT NOT NULL,
  config TEXT NOT NULL,
  made_by TEXT NOT NULL,
  turn INTEGER NOT NULL,
  cost REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued','running','held','parked','done','failed','cancelled')),
  attempt INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  worker TEXT,
  kept_step INTEGER NOT NULL DEFAULT 0,
  code TEXT,
  note TEXT,
  made_at INTEGER NOT NULL,
  began_at INTEGER,
  ended_at INTEGER,
  work_seconds REAL NOT NULL DEFAULT 0,
  promised_low REAL,
  promised_high REAL,
  parent INTEGER REFERENCES job,
  bytes INTEGER NOT NULL DEFAULT 0,
  is_hidden INTEGER NOT NULL DEFAULT 0 CHECK (is_hidden IN (0, 1)),
  deleted_at INTEGER,
  CHECK ((state = 'running') = (worker IS NOT NULL)),
  CHECK (deleted_at IS NULL OR state IN ('done','failed','cancelled')),
  UNIQUE (friend, request)) STRICT;
CREATE INDEX job_line ON job (turn, id) WHERE state = 'queued';
CREATE INDEX job_live ON job (state) WHERE state IN ('queued','running','held','parked');
CREATE INDEX job_friend ON job (friend, turn);
CREATE INDEX job_served ON job (turn) WHERE began_at IS NOT NULL;
CREATE INDEX job_wall ON job (id) WHERE state = 'done' AND deleted_at IS NULL;
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job, friend INTEGER NOT NULL REFERENCES friend,
  kind TEXT NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX event_job ON event (job, id);
CREATE TABLE heart (
  job INTEGER NOT NULL REFERENCES job, friend INTEGER NOT NULL REFERENCES friend,
  PRIMARY KEY (job, friend)) STRICT;
CREATE TABLE share (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job,
  made_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER) STRICT;
CREATE INDEX share_job ON share (job);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL, job INTEGER NOT NULL REFERENCES job,
  tries INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL,
  sent_at INTEGER, given_up TEXT, UNIQUE (kind, job)) STRICT;
CREATE VIRTUAL TABLE words USING fts5(prompt, tokenize = 'unicode61 remove_diacritics 2');
"""

# Where on Discord a picture was asked for, and the message there that grows with it; its row of the outbox says whether
# that is settled.
DISCORD = """
CREATE TABLE discord_post (
  job INTEGER PRIMARY KEY REFERENCES job,
  channel TEXT NOT NULL, message TEXT) STRICT;
"""

# What friends reported, and what the owner made of it: a picture that the owner hid is not shown again by its friend.
REPORTS = """
CREATE TABLE report (
  job INTEGER NOT NULL REFERENCES job, friend INTEGER NOT NULL REFERENCES friend,
  at INTEGER NOT NULL, verdict TEXT CHECK (verdict IN ('hidden','left')),
  PRIMARY KEY (job, friend)) STRICT;
CREATE INDEX report_open ON report (job) WHERE verdict IS NULL;
"""

# A post that is on its way: where the server ends meanwhile, nobody knows whether it arrived.
SENDING = """
ALTER TABLE outbox ADD COLUMN is_sending INTEGER NOT NULL DEFAULT 0 CHECK (is_sending IN (0, 1));
"""

# What a link's token is made from, and the token's hash. A link without them was given before: its number stands in it.
LINKS = """
ALTER TABLE share ADD COLUMN seed TEXT;
ALTER TABLE share ADD COLUMN hash BLOB;
CREATE UNIQUE INDEX share_hash ON share (hash) WHERE hash IS NOT NULL;
"""

MIGRATIONS = (FIRST, DISCORD, REPORTS, SENDING, LINKS)

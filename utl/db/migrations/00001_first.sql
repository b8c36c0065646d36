-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 means "not yet".

CREATE TABLE accounts (
    id          TEXT   PRIMARY KEY,            -- random, never reused
    username    TEXT   NOT NULL UNIQUE,        -- [a-z0-9][a-z0-9._-]{0,31}
    name        TEXT   NOT NULL DEFAULT '',    -- display name
    role        TEXT   NOT NULL,               -- owner or member
    password    TEXT   NOT NULL,               -- argon2id, PHC string
    epoch       BIGINT NOT NULL DEFAULT 1,     -- counts up when what was proven before proves nothing more
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE sessions (
    sid        TEXT    PRIMARY KEY,            -- what the cookie carries
    id         TEXT    NOT NULL UNIQUE,        -- what pages call it: grants nothing
    account_id TEXT    NOT NULL,               -- no foreign key: an ended session outlives its account
    started_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL DEFAULT 0,
    changed_at BIGINT  NOT NULL,               -- never goes back: servers poll for it
    remember   INTEGER NOT NULL,               -- 1: idle as long as SESSION_MAX
    address    TEXT    NOT NULL,
    agent      TEXT    NOT NULL                -- the browser's User-Agent, capped
);
CREATE INDEX sessions_by_account ON sessions (account_id, ended_at);
CREATE INDEX sessions_by_change ON sessions (changed_at);

CREATE TABLE links (
    code_hash  TEXT   PRIMARY KEY,             -- SHA-256 of the code, in hexadecimal
    kind       TEXT   NOT NULL,                -- join or reset
    account_id TEXT   NOT NULL DEFAULT '',     -- whose password a reset sets
    role       TEXT   NOT NULL DEFAULT '',     -- what a join makes
    first      INTEGER NOT NULL DEFAULT 0,     -- 1: good only while no account exists
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE audit (
    at         BIGINT NOT NULL,
    event      TEXT   NOT NULL,                -- signin.ok, session.ended, …
    actor_id   TEXT   NOT NULL,                -- '' for the command line and for strangers
    actor      TEXT   NOT NULL,
    account_id TEXT   NOT NULL,                -- whom it happened to
    username   TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    detail     TEXT   NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_id, at);
CREATE INDEX audit_by_time ON audit (at);

-- +goose Up
-- Apps behind the gate. Times are microseconds since 1970 in UTC.

CREATE TABLE apps (
    id          TEXT   PRIMARY KEY,        -- what pages call it: grants nothing
    host        TEXT   NOT NULL,           -- as in GATE_HOSTS: app.example, *.apps.example, app.example:8443
    host_name   TEXT   NOT NULL UNIQUE,    -- the host without its port: a client chooses the port, so a name has one app
    name        TEXT   NOT NULL,
    upstream    TEXT   NOT NULL,           -- host:port where the proxy reaches it, for recipes alone; empty: not said
    url         TEXT   NOT NULL,           -- where the launcher leads; empty: nowhere
    group_names TEXT   NOT NULL,           -- who may open it, with commas between; empty: everybody who is signed in
    level       BIGINT NOT NULL,           -- of the session, at least: 1 or 2
    programs    BIGINT NOT NULL,           -- 1: app passwords may pass
    created_at  BIGINT NOT NULL
);

-- One row, once there was a change. Servers look at it to see whether apps changed.
CREATE TABLE app_changes (
    id    BIGINT PRIMARY KEY,              -- 1
    stamp TEXT   NOT NULL                  -- random: another one at each change
);

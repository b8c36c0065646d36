-- +goose Up
-- A session knows how its person proved who they are, and when they did so last.

ALTER TABLE sessions ADD COLUMN level INTEGER NOT NULL DEFAULT 1;    -- 1: one factor; 2: two, or a passkey that verified its user
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';     -- the factors, as RFC 8176 names them: sorted, with spaces between
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0; -- of the last proof, sign-in included; 0: not known
ALTER TABLE sessions ADD COLUMN turn TEXT NOT NULL DEFAULT '';       -- each proof draws a new one: the session cookie carries it behind sid and a dot, gate cookies do not

-- +goose Up
-- Owners see the invitations that are open and can withdraw them, and read the
-- audit log by person, by kind and by day.

ALTER TABLE links ADD COLUMN id TEXT NOT NULL DEFAULT '';          -- created_at, a dash, random letters: what pages call it, grants nothing
ALTER TABLE links ADD COLUMN group_names TEXT NOT NULL DEFAULT ''; -- of the account that a join makes: sorted, with commas between them
ALTER TABLE links ADD COLUMN email TEXT NOT NULL DEFAULT '';       -- where the invitation was sent: using it confirms the address
ALTER TABLE links ADD COLUMN made_by TEXT NOT NULL DEFAULT '';     -- the actor's name
UPDATE links SET id = CAST(created_at AS TEXT) || '-' || substr(code_hash, 1, 16);
CREATE INDEX links_open ON links (id) WHERE kind = 'join' AND used_at = 0 AND first = 0;

DROP INDEX audit_by_time;
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_name ON audit (username, at, id);
CREATE INDEX audit_by_kind ON audit (event, at, id);

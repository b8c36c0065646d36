-- +goose Up
-- Times are microseconds since 1970 in UTC.

CREATE TABLE key_uses (                        -- which session keys the servers sign with
    key_id TEXT   PRIMARY KEY,                 -- what glassjar keys list calls it: tells keys apart, reveals nothing
    at     BIGINT NOT NULL                     -- when one of them last said so
);

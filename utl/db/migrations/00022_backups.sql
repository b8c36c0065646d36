-- +goose Up
-- A backup says of itself that it is one. The first start on it ends what may have
-- ended since: nobody can know what did.

CREATE TABLE backups (
    made_at BIGINT NOT NULL                     -- microseconds since 1970 in UTC; in a database that is in use there is no row
);

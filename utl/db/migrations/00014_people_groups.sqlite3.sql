-- +goose Up
-- account_groups from the lists with commas, each list cut at its first comma again and again.

INSERT INTO account_groups (group_name, username)
WITH RECURSIVE parts (username, name, rest) AS (
    SELECT username, '', group_names || ',' FROM accounts WHERE group_names <> ''
    UNION ALL
    SELECT username, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1) FROM parts WHERE rest <> ''
)
SELECT name, username FROM parts WHERE name <> '';

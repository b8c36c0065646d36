package process

import (
	"context"

	"glassjar/utl/db"
)

// manyRows inserts 10,000 people, events and invitations, of kinds that make long rows.
var manyRows = []string{
	`INSERT INTO accounts (id, username, name, role, password, created_at, disabled_at, group_names, email, email_confirmed)
		WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
		SELECT 'many-' || n, 'many-' || (100000 + n), CASE WHEN n % 3 = 0 THEN 'Maximiliane Freifrau von Unterwaldenberg-Oberstdorf' WHEN n % 3 = 1 THEN '' ELSE 'Bo' END,
			CASE WHEN n % 7 = 0 THEN 'owner' ELSE 'member' END, '', 1, CASE WHEN n % 11 = 0 THEN 1 ELSE 0 END,
			CASE WHEN n % 5 = 0 THEN 'accounting,dev,office-of-the-north,ops,photographers' WHEN n % 5 = 1 THEN 'dev' ELSE '' END,
			CASE WHEN n % 2 = 0 THEN 'a.very.long.mail.address.of.somebody.' || n || '@mail.of.a.very.long.domain.example' ELSE '' END, 0 FROM numbers`,
	`INSERT INTO audit (at, event, actor_id, actor, account_id, username, address, agent, detail)
		WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
		SELECT 1700000000000000 + n * 600000000, CASE WHEN n % 4 = 0 THEN 'signin.ok' WHEN n % 4 = 1 THEN 'account.groups' WHEN n % 4 = 2 THEN 'signin.failed' ELSE 'session.ended' END,
			'many-' || n, CASE WHEN n % 4 = 2 THEN '' ELSE 'many-' || (100000 + n) END, 'many-' || n, 'many-' || (100000 + (n * 7) % 10000),
			'2001:db8:1234:5678:9abc:def0:1234:5678', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
			CASE WHEN n % 4 = 1 THEN 'accounting,dev,office-of-the-north,ops,photographers' ELSE '' END FROM numbers`,
	`INSERT INTO links (code_hash, id, kind, account_id, role, group_names, email, made_by, created_at, expires_at)
		WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
		SELECT 'many-' || n, l.id || n, 'join', '', CASE WHEN n % 7 = 0 THEN 'owner' ELSE 'member' END, CASE WHEN n % 3 = 0 THEN 'accounting,dev,office-of-the-north,ops' ELSE '' END,
			CASE WHEN n % 2 = 0 THEN 'a.very.long.mail.address.of.somebody.' || n || '@mail.of.a.very.long.domain.example' ELSE '' END, 'many-' || (100000 + n), l.created_at, l.expires_at
			FROM numbers, (SELECT id, created_at, expires_at FROM links WHERE kind = 'join' AND used_at = 0 ORDER BY id DESC LIMIT 1) AS l`,
}

// many visits the pages of an owner with many people.
func (p tour) many() {
	p.t.Helper()
	data := beside(p.t, p.s.folder)
	defer data.close()
	err := data.db.Tx(context.Background(), func(tx *db.Tx) error {
		for _, q := range manyRows {
			if _, err := tx.Exec(context.Background(), q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.visit("people-10000", "/people?after=many-100000", "People")
	p.visit("people-10000-last", "/people?after=many-109990", "People")
	p.visit("people-audit-10000", "/people/audit?kind=account.groups", "What happened")
	p.visit("people-audit-10000-last", "/people/audit?day=2023-11-14", "What happened")
}

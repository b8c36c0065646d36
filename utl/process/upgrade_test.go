package process

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
)

// A server keeps working while the next release's migrations run, because they only add.
// A server of the old release that starts afterwards is refused, with a message that says
// what to do.
func TestServesWhileTheNextReleaseMigrates(t *testing.T) {
	t.Parallel()
	database := dbtest.Need(t).New(t)
	keys, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, machine(t, database, keys))
	p.owner("ada")
	live, leaving := signedIn(t, p, "ada"), signedIn(t, p, "ada") // their statements are prepared now
	saved := leaving.copied()
	dbtest.Exec(t, database, `CREATE TABLE next_release (id BIGINT PRIMARY KEY)`,
		`DO $$ DECLARE t text; BEGIN
			FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'goose_db_version' LOOP
				EXECUTE format('ALTER TABLE %I ADD COLUMN next_release TEXT NOT NULL DEFAULT ''''', t);
			END LOOP;
		END $$`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	leaving.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	saved.get(t, "/account", http.StatusSeeOther)
	for _, page := range []string{"/account", "/account/events", "/people", "/people/audit"} {
		live.get(t, page, http.StatusOK)
	}
	again := signedIn(t, p, "ada")
	again.post(t, "/account/password", url.Values{"current": {good}, "password": {other}}, http.StatusSeeOther)
	live.get(t, "/account", http.StatusSeeOther)
	again.get(t, "/account", http.StatusOK)

	late := spawn(t, machine(t, database, keys))
	late.wait(1)
	if s := late.stderr.String(); !strings.Contains(s, "use a newer glassjar") {
		t.Errorf("one that starts later says %q", s)
	}
}

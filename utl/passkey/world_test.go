package passkey_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const (
	origin  = "https://jar.example"
	good    = "correct horse battery staple"
	browser = "a browser's nonce"
)

var visitor = audit.Actor{Address: "192.0.2.2", Agent: "a browser"}

// signIn is what a sign-in's challenge is for.
var signIn = passkey.Question{Use: passkey.SignIn, Holder: browser}

// world is a store of passkeys with accounts and sessions, and a clock that the
// test moves.
type world struct {
	*passkey.Store

	at       string
	db       *db.DB
	accounts *account.Store
	sessions *session.Store
	micros   *atomic.Int64
}

func (w *world) now() time.Time         { return db.Time(w.micros.Load()) }
func (w *world) pass(d time.Duration)   { w.micros.Add(d.Microseconds()) }
func key(c string) [32]byte             { return [32]byte(bytes.Repeat([]byte(c), 32)) }
func public(u string) (parsed *url.URL) { parsed, _ = url.Parse(u); return parsed }

func open(t *testing.T) *world {
	t.Helper()
	w := &world{at: dbtest.New(t), micros: &atomic.Int64{}}
	w.micros.Store(db.Micros(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)))
	return w.second(t)
}

// second returns one more server on the same database.
func (w *world) second(t *testing.T) *world {
	t.Helper()
	o := &world{at: w.at, db: dbtest.OpenAt(t, w.at), micros: w.micros}
	var err error
	o.sessions, err = session.New(session.Options{
		DB: o.db, Keys: [][32]byte{key("k")}, Idle: 24 * time.Hour, Max: 720 * time.Hour, Now: o.now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = o.sessions.Poll(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	o.accounts = account.New(account.Options{
		DB: o.db, Sessions: o.sessions, Hasher: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 2, 200), Host: "jar.example", Now: o.now,
	})
	o.Store = o.site(t, origin, key("p"))
	return o
}

// site returns the store of a site that browsers reach by the URL.
func (w *world) site(t *testing.T, at string, keys ...[32]byte) *passkey.Store {
	t.Helper()
	s, err := passkey.New(passkey.Options{DB: w.db, Sessions: w.sessions, Public: public(at), SiteName: "Ada's jar", Keys: keys, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) add(t *testing.T, name string) account.Account {
	t.Helper()
	a, err := w.accounts.Add(t.Context(), account.NewAccount{Username: name, Password: good, Role: account.Owner}, audit.Command())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// verified returns the account as it is now: a passkey that was added changed it.
func (w *world) verified(t *testing.T, a account.Account, level int, amr string) session.Verified {
	t.Helper()
	now, err := w.accounts.Find(t.Context(), a.Username)
	if err != nil {
		t.Fatal(err)
	}
	return now.Verified(level, amr)
}

// session starts a session of two factors and returns its sid.
func (w *world) session(t *testing.T, a account.Account) string {
	t.Helper()
	s, err := w.sessions.Start(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), w.verified(t, a, 2, "otp pwd"), false, visitor)
	if err != nil {
		t.Fatal(err)
	}
	return s.SID
}

// registering is what the challenge of the account's next passkey is for.
func registering(a account.Account) passkey.Question {
	return passkey.Question{Use: passkey.Register, Holder: a.ID}
}

// options returns the options for one more passkey.
func (w *world) options(t *testing.T, a account.Account, q passkey.Question) string {
	t.Helper()
	text, err := w.CreateOptions(t.Context(), q, a.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// try registers the passkey of the answer.
func (w *world) try(t *testing.T, a account.Account, answer string) error {
	t.Helper()
	_, err := w.Add(t.Context(), a.Identity, passkey.Registration{Name: "Laptop", Answer: answer, Holder: a.ID}, visitor)
	return err
}

// register has the device make a passkey of the account's.
func (w *world) register(t *testing.T, a account.Account, d *passkeytest.Device) {
	t.Helper()
	if err := w.try(t, a, d.Create(t, w.options(t, a, registering(a)))); err != nil {
		t.Fatal(err)
	}
}

// ask returns the options of a sign-in.
func (w *world) ask(t *testing.T) string {
	t.Helper()
	text, err := w.SignInOptions(signIn)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// enter checks and spends the answer, as a sign-in does.
func (w *world) enter(t *testing.T, answer string) (passkey.Claim, error) {
	t.Helper()
	c, err := w.CheckSignIn(t.Context(), signIn, answer)
	if err == nil {
		err = w.spend(t.Context(), c)
	}
	return c, err
}

func (w *world) texts(t *testing.T, query string, args ...any) []string {
	t.Helper()
	all, err := db.All(t.Context(), w.db, db.Text, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spend spends the claim as a sign-in does.
func (w *world) spend(ctx context.Context, c passkey.Claim) error {
	return w.db.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, c.Account.AccountID); err != nil {
			return err
		}
		return c.Spend(ctx, tx)
	})
}

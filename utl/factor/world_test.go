package factor_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const good = "correct horse battery staple"

var visitor = audit.Actor{Address: "192.0.2.2", Agent: "a browser"}

// world is a store of factors with accounts and sessions, and a clock that the test
// moves.
type world struct {
	*factor.Store

	at       string
	db       *db.DB
	accounts *account.Store
	sessions *session.Store
	micros   *atomic.Int64
}

func (w *world) now() time.Time       { return db.Time(w.micros.Load()) }
func (w *world) pass(d time.Duration) { w.micros.Add(d.Microseconds()) }
func key(c string) [32]byte           { return [32]byte(bytes.Repeat([]byte(c), 32)) }

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
		DB: o.db, Sessions: o.sessions, Hasher: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 2, 200), Host: "jar.example", Mail: mail.NewQueue(o.db, false, o.now, slog.New(slog.DiscardHandler)), Now: o.now,
	})
	o.Store, err = factor.New(factor.Options{DB: o.db, Sessions: o.sessions, SiteName: "Ada's jar", Keys: [][32]byte{key("f")}, Changed: o.accounts.FactorsChanged, Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (w *world) add(t *testing.T, name string) account.Account {
	t.Helper()
	a, err := w.accounts.Add(t.Context(), account.NewAccount{Username: name, Password: good, Role: account.Owner}, audit.Command())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// verified returns the account as it is now, by its password.
func (w *world) verified(t *testing.T, name string) session.Verified {
	t.Helper()
	a, err := w.accounts.Find(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a.Verified(1, "pwd")
}

// session starts a session of two factors and returns its sid.
func (w *world) session(t *testing.T, v session.Verified) string {
	t.Helper()
	v.Level = 2
	s, err := w.sessions.Start(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), v, false, visitor)
	if err != nil {
		t.Fatal(err)
	}
	return s.SID
}

// on turns an authenticator app on, and returns its secret and the recovery codes.
func (w *world) on(t *testing.T, a account.Account) (factor.Secret, []string) {
	t.Helper()
	sealed, secret := w.NewSetUp(a.ID)
	codes, err := w.Confirm(t.Context(), a.Identity, factor.Confirmation{SetUp: sealed, Code: w.code(t, secret, 0)}, visitor)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(30 * time.Second) // its own code is used
	return secret, codes
}

// code returns what the app with the secret shows so many steps from now.
func (w *world) code(t *testing.T, secret factor.Secret, steps int64) string {
	t.Helper()
	code, err := factor.CodeAt(secret[:], w.now().Unix()/30+steps)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong returns six digits that the app shows neither now nor soon.
func (w *world) wrong(t *testing.T, secret factor.Secret) string {
	t.Helper()
	near := []string{}
	for steps := int64(-1); steps <= 1; steps++ {
		near = append(near, w.code(t, secret, steps))
	}
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if !strings.Contains(strings.Join(near, " "), code) {
			return code
		}
	}
	panic("three codes cannot be four")
}

// begin begins a pending sign-in of the account's.
func (w *world) begin(t *testing.T, name string) string {
	t.Helper()
	code, err := w.Begin(t.Context(), factor.Pending{Account: w.verified(t, name), Next: "/people"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enter checks a code, and spends it as the start of a session would.
func (w *world) enter(ctx context.Context, pending, text string) (factor.Claim, error) {
	c, err := w.Check(ctx, pending, text, visitor)
	if err == nil {
		err = w.spend(ctx, c)
	}
	return c, err
}

func (w *world) spend(ctx context.Context, c factor.Claim) error {
	return w.db.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, c.Account.AccountID); err != nil {
			return err
		}
		return w.Spend(ctx, tx, c, visitor)
	})
}

func (w *world) texts(t *testing.T, q string, args ...any) []string {
	t.Helper()
	all, err := db.All(t.Context(), w.db, db.Text, q, args...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// atOnce runs do n times at once and returns how often it succeeded.
func atOnce(n int, do func(i int) error) (good int64) {
	var all sync.WaitGroup
	var won atomic.Int64
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			if do(i) == nil {
				won.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	return won.Load()
}

func text(secret []byte) string { return base32.StdEncoding.EncodeToString(secret) }

func sixDigits(i int) string { return fmt.Sprintf("%06d", i) }

func dump(t *testing.T, w *world) []string {
	t.Helper()
	return dbtest.Dump(t, w.db)
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) identity(t *testing.T, name string) identity.Identity {
	t.Helper()
	a, err := w.accounts.Find(t.Context(), name)
	need(t, err)
	return a.Identity
}

// start starts a session.
func (w *world) start(t *testing.T, v session.Verified) error {
	t.Helper()
	_, err := w.sessions.Start(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), v, false, visitor)
	return err
}

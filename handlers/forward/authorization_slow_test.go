package forward_test

import (
	"net/http"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack guessing/app-passwords, logs/injection: wrong app passwords are counted,
// recorded and logged as failed sign-ins are; they do not delay a valid one.
func TestWrongAppPasswordsAreSlowed(t *testing.T) {
	for name, wrong := range map[string]string{"Basic": webtest.Basic("Ada", "gj_WRONG"), "Bearer": "Bearer gj_WRONG"} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, "")
			w.Add(t, "ada", account.Member)
			secret := w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
			header := webtest.Asked(webtest.Elsewhere+"/", "X-Forwarded-For", "192.0.2.7")
			for range 5 {
				refused(t, w, "/gate/forward", header, []string{wrong}, http.StatusUnauthorized)
			}
			refused(t, w, "/gate/forward", header, []string{wrong}, http.StatusTooManyRequests).WantHeader("Retry-After", "1")
			refused(t, w, "/gate/check", header, []string{wrong}, http.StatusForbidden).WantHeader("Retry-After", "1")
			w.Ask(t, "/gate/check", append(header, "Authorization", "Bearer "+secret)).Want(http.StatusOK)
			who := map[string]string{"Basic": "ada", "Bearer": "unknown"}[name]
			for event, want := range map[string]int{"failed": 5, "throttled": 2} {
				line := `level=WARN msg="app password ` + event + `" event=apppassword.` + event + ` ip=192.0.2.7 account=` + who + "\n"
				if n := len(w.Log.Lines(line)); n != want {
					t.Errorf("%d lines say %s, want %d:\n%s", n, line, want, w.Log.Lines("app"))
				}
			}
			if n := len(w.Texts(t, `SELECT address FROM audit WHERE event = 'apppassword.failed' AND address = '192.0.2.7' AND username = ?`, map[string]string{"Basic": "ada"}[name])); n != 5 {
				t.Errorf("%d failures are recorded, want 5", n)
			}
		})
	}
}

// Attack guessing/app-passwords: a program that keeps using a revoked app password, or a
// stranger who knows the name, does not prevent sign-ins; failed sign-ins do not delay an
// app password's first attempt.
func TestWrongAppPasswordsSlowNoSignIn(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	wrong := func(address string, status int) {
		t.Helper()
		refused(t, w, "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "X-Forwarded-For", address), []string{webtest.Basic("ada", "gj_WRONG")}, status)
	}
	form := func(address string) *webtest.Browser {
		b := w.Stranger(t, address)
		b.Base, b.Transport = webtest.Jar, w
		return b
	}
	for range 40 { // the failures without a wait, and those with one
		wrong("192.0.2.7", http.StatusUnauthorized)
		w.Clock.Move(30 * time.Second)
	}
	wrong("192.0.2.7", http.StatusUnauthorized)
	wrong("192.0.2.7", http.StatusTooManyRequests)
	wrong("192.0.2.8", http.StatusTooManyRequests) // refused by the account's counter
	for _, address := range []string{"192.0.2.7", "192.0.2.8"} {
		form(address).Fail(4, "ada") // all failures without a wait are still available
		form(address).SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	}
	w.Exec(t, `DELETE FROM throttle`)
	form("192.0.2.7").Fail(5, "ada")
	form("192.0.2.7").SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests)
	wrong("192.0.2.7", http.StatusUnauthorized)
}

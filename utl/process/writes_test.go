package process

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// kinds are every kind of write that the program acknowledges, except the first start,
// which has a test of its own.
var kinds = []kind{
	{"sign-in", 60 * time.Millisecond, 4, (*world).signIn},
	{"sign-out", 6 * time.Millisecond, 4, (*world).signOut},
	{"password change", 120 * time.Millisecond, 4, (*world).password},
	{"link join", 60 * time.Millisecond, 4, (*world).join},
	{"user add", 90 * time.Millisecond, 2, (*world).userAdd},
	{"user disable", 25 * time.Millisecond, 2, (*world).userDisable},
	{"user delete", 25 * time.Millisecond, 2, (*world).userDelete},
	{"keys rotate", 25 * time.Millisecond, 2, (*world).rotate},
}

// asked posts the form and reports whether it was accepted.
func asked(b *browser, path string, form url.Values) bool {
	a, err := b.try(path, form)
	return err == nil && a.status == http.StatusSeeOther
}

func (w *world) signIn() task {
	name := w.name()
	w.s.add(name)
	return func(context.Context) write {
		b := w.browser(name)
		took := asked(b, "/auth", signInForm(name, good))
		return write{"the sign-in of " + name, took, func() bool {
			if !took {
				return w.s.one(`SELECT COUNT(*) FROM sessions WHERE account_id = ?`, "id-"+name) > 0
			}
			w.live = append(w.live, b)
			return w.accepts(b)
		}}
	}
}

func (w *world) signOut() task {
	name := w.name()
	w.s.add(name)
	b := w.s.signIn(w.p, name)
	saved := b.copied()
	return func(context.Context) write {
		took := asked(b, "/logout", url.Values{})
		return write{"the sign-out of " + name, took, func() bool {
			if took {
				w.ended = append(w.ended, saved)
			}
			return !w.accepts(saved)
		}}
	}
}

// password changes a password. Afterwards either the old password and the old cookie are
// valid, or the new one.
func (w *world) password() task {
	name := w.name()
	w.s.add(name)
	b := w.s.signIn(w.p, name)
	old := b.copied()
	return func(context.Context) write {
		took := asked(b, "/account/password", url.Values{"current": {good}, "password": {other}})
		return write{"the new password of " + name, took, func() bool {
			changed, cookie := w.works(name, other), w.accepts(old)
			if changed == cookie || !changed && !w.works(name, good) || took && !w.accepts(b) {
				w.t.Errorf("%s: the new password works: %v; the old cookie: %v; or nothing works", name, changed, cookie)
			}
			return changed
		}}
	}
}

// works reports whether the password signs the account in.
func (w *world) works(name, pw string) bool {
	b := w.browser(name)
	a, err := b.try("/auth", signInForm(name, pw))
	if err != nil || a.status != http.StatusSeeOther && a.status != http.StatusUnprocessableEntity {
		w.t.Fatalf("signing in %s: status %d, error %v", name, a.status, err)
	}
	return a.status == http.StatusSeeOther && w.accepts(b)
}

// join creates an account with a link: afterwards there is an account, or the link is
// still valid.
func (w *world) join() task {
	name := w.name()
	code, err := w.s.accounts.NewJoin(context.Background(), account.Member, audit.Command())
	if err != nil {
		w.t.Fatal(err)
	}
	return func(context.Context) write {
		b := w.browser(name)
		took := asked(b, "/join/"+code, url.Values{"username": {name}, "password": {good}})
		return write{"the joining of " + name, took, func() bool {
			joined, link := w.exists(name), newBrowser(w.p).status(w.t, "/join/"+code)
			if joined != (link == http.StatusGone) {
				w.t.Errorf("%s has an account: %v; the link answers %d", name, joined, link)
			}
			if took {
				w.live = append(w.live, b)
				return joined && w.accepts(b) && w.works(name, good)
			}
			return joined
		}}
	}
}

func (w *world) exists(name string) bool {
	return w.s.one(`SELECT COUNT(*) FROM accounts WHERE username = ?`, name) == 1
}

// done runs the command and reports whether it succeeded.
func (w *world) done(ctx context.Context, stdin string, args ...string) bool {
	r, err := command(ctx, w.p.folder, stdin, args...)
	if err != nil {
		w.t.Error(err)
	}
	if r.code > 0 {
		w.t.Errorf("glassjar %s: exit code %d: %s", strings.Join(args, " "), r.code, r.stderr)
	}
	return err == nil && r.code == 0
}

func (w *world) userAdd() task {
	name := w.name()
	return func(ctx context.Context) write {
		took := w.done(ctx, good+"\n", "user", "add", name, "--password-stdin")
		return write{"the account of " + name, took, func() bool {
			added := w.exists(name)
			if added && !w.works(name, good) {
				w.t.Errorf("%s has half an account", name)
			}
			return added
		}}
	}
}

// userDisable disables an account: its session and its password are both refused, or
// neither is.
func (w *world) userDisable() task { return w.leaves("disable") }

func (w *world) userDelete() task { return w.leaves("delete") }

func (w *world) leaves(how string) task {
	name := w.name()
	w.s.add(name)
	b := w.s.signIn(w.p, name)
	return func(ctx context.Context) write {
		took := w.done(ctx, "", "user", how, name)
		return write{"user " + how + " " + name, took, func() bool {
			refused := !w.accepts(b)
			if refused == w.works(name, good) || how == "delete" && refused == w.exists(name) {
				w.t.Errorf("%s %s: its session is refused: %v, but not its password, or the other way round", how, name, refused)
			}
			return refused
		}}
	}
}

// rotate adds a new key before the others. Its output has the key, which must then be
// stored, even if the command was killed after the output.
func (w *world) rotate() task {
	return func(ctx context.Context) write {
		r, err := command(ctx, w.p.folder, "", "keys", "rotate")
		if err != nil || r.code > 0 {
			w.t.Errorf("keys rotate: exit code %d, error %v: %s", r.code, err, r.stderr)
		}
		_, id, _ := strings.Cut(r.stderr, "key ")
		id, _, said := strings.Cut(id, " signs from now on")
		return write{"the rotation to " + id, said, func() bool { return slices.Contains(w.ring.IDs(), id) }}
	}
}

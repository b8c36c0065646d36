package process

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Attack cookie/replay, cookie/rotated-key: cookies that were saved before a sign-out are
// refused, and so are those of a deleted account when a new account has its name.
func TestMainJob(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	p.must(good+"\n", "user", "add", "bob", "--password-stdin")

	ada := signedIn(t, p, "ada")
	saved := ada.copied()
	ada.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	if len(ada.cookies) != 1 { // only the known device's cookie is left
		t.Errorf("after sign-out the browser holds %d cookies, want 1", len(ada.cookies))
	}
	ada.get(t, "/account", http.StatusSeeOther)
	saved.get(t, "/account", http.StatusSeeOther)

	bob := signedIn(t, p, "bob")
	p.must("", "user", "delete", "bob")
	p.must("", "user", "free", "bob")
	p.must(good+"\n", "user", "add", "bob", "--password-stdin")
	p.within(2*time.Second, "the old bob is refused", func() bool { return bob.signedOut(t) })
	again := signedIn(t, p, "bob")
	bob.get(t, "/account", http.StatusSeeOther) // the new bob's session does not make the old one valid
	again.get(t, "/account", http.StatusOK)
	p.stop()

	p = start(t, p.folder)
	for _, old := range []*browser{saved, bob} {
		old.at = p
		old.get(t, "/account", http.StatusSeeOther)
	}
	again.at = p
	again.get(t, "/account", http.StatusOK)
	p.stop()
}

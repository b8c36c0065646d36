package anatomy_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"glassjar/utl/anatomy"
)

// requestWith returns a request with the cookies.
func requestWith(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestStoreIsGorillas(t *testing.T) {
	store := anatomy.Store{Lab: newLab(t), Secure: true}
	r, w := requestWith(), httptest.NewRecorder()
	session, err := store.Get(r, "lab")
	if err != nil || !session.IsNew || len(session.Values) != 0 {
		t.Fatalf("without a cookie: %+v, %v", session, err)
	}
	want := map[any]any{"role": "reader", "visits": 41, "null": anatomy.JSON("null"), "of": anatomy.JSON(`[1,{"a":"<"}]`), "text": "41", "<&>": ""}
	maps.Copy(session.Values, want)
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	c := w.Result().Cookies()[0]
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 30*24*3600 {
		t.Errorf("the cookie is %v", c)
	}
	again, err := store.Get(requestWith(c), "lab")
	if err != nil || again.IsNew || !maps.Equal(again.Values, want) {
		t.Errorf("got %v, %v; want %v", again.Values, err, want)
	}
}

// Attack cookie/several: of several cookies the first valid one counts; if none is valid,
// the error is that of the first.
func TestStoreChoosesTheGoodCookie(t *testing.T) {
	lab := newLab(t)
	value, err := lab.Encode("lab", reader)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := &http.Cookie{Name: "lab", Value: value}, &http.Cookie{Name: "lab", Value: "x"}
	for _, tt := range []struct {
		row     string
		cookies []*http.Cookie
		isNew   bool
		refused bool
	}{
		{"the good one alone", []*http.Cookie{good}, false, false},
		{"behind a bad one", []*http.Cookie{bad, good}, false, false},
		{"the ninth", []*http.Cookie{bad, bad, bad, bad, bad, bad, bad, bad, good}, true, true},
		{"a bad one alone", []*http.Cookie{bad}, true, true},
	} {
		session, err := anatomy.Store{Lab: lab}.Get(requestWith(tt.cookies...), "lab")
		if session.IsNew != tt.isNew || (err != nil) != tt.refused {
			t.Errorf("%s: new %t, error %v", tt.row, session.IsNew, err)
		}
	}
}

func TestStoreSavesNoneThatIsRefused(t *testing.T) {
	for row, change := range map[string]func(map[any]any){
		"too much":     func(v map[any]any) { v["a"] = strings.Repeat("a", 4000) },
		"another key":  func(v map[any]any) { v[1] = "a" },
		"another type": func(v map[any]any) { v["a"] = 1.5 },
	} {
		session, w := sessions.NewSession(anatomy.Store{Lab: newLab(t)}, "lab"), httptest.NewRecorder()
		session.Options = &sessions.Options{}
		change(session.Values)
		err := session.Save(requestWith(), w)
		if err == nil || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: error %v, and it sends %q", row, err, w.Header().Get("Set-Cookie"))
		}
		if size := anatomy.SizeError(0); errors.As(err, &size) != (row == "too much") {
			t.Errorf("%s: the error is %v", row, err)
		}
	}
}

// An encrypted cookie is accepted only under its own name, also after invalid ones.
func TestFindEncrypted(t *testing.T) {
	lab := newLab(t)
	value, err := lab.Encrypt("lab-visit", reader)
	plain, err2 := lab.Encode("lab-visit", reader)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	good, signed := &http.Cookie{Name: "lab-visit", Value: value}, &http.Cookie{Name: "lab-visit", Value: plain}
	if got := lab.FindEncrypted(requestWith(signed, good), "lab-visit"); got.String() != reader.String() || got.Get("role") != "reader" || got.Get("none") != "" {
		t.Errorf("found %s, want %s", got, reader)
	}
	for _, r := range []*http.Request{requestWith(), requestWith(signed), requestWith(&http.Cookie{Name: "lab-visit", Value: value[:len(value)-4]})} {
		if got := lab.FindEncrypted(r, "lab-visit"); got != nil {
			t.Errorf("found %s", got)
		}
	}
	other := &http.Cookie{Name: "lab", Value: value}
	if got := lab.FindEncrypted(requestWith(other), "lab"); got != nil {
		t.Errorf("found %s under another name", got)
	}
}

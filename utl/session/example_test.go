package session_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"glassjar/utl/session"
)

// Store is a sessions.Store of gorilla, with the usual Get, Values and Save. Get only
// verifies the signature; use Find to learn whether the session is live.
func Example() {
	store, err := session.New(session.Options{Keys: [][32]byte{[32]byte(bytes.Repeat([]byte("a key of"), 4))}, Max: time.Hour, Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	signIn, _ := store.Get(r, store.Name())
	signIn.Values = map[any]any{"username": "ada", "sid": "a random text", "started": time.Now().Unix()}
	_ = signIn.Save(r, w)

	r = httptest.NewRequest(http.MethodGet, "/", http.NoBody) // the next request brings the cookie
	r.AddCookie(w.Result().Cookies()[0])
	found, err := store.Get(r, store.Name())
	username, ok := found.Values["username"].(string)
	fmt.Println(username, ok, err)
	// Output: ada true <nil>
}

package web_test

import (
	"net/http"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Titles, the navigation bar and the sign-in form have the site's name.
func TestPagesCallTheSiteByItsName(t *testing.T) {
	for name, want := range map[string]string{"": "glassjar", "Ada's <jar>": "Ada's <jar>"} {
		t.Run(want, func(t *testing.T) {
			s := webtest.New(t, func(c *handlers.Config) { c.SiteName = name })
			s.Add(t, "ada", account.Owner)
			form := s.Browser(t).Get("/").Want(http.StatusOK).Says("title", "Sign in · "+want).Says(".head .site", want)
			form.WantPage()
			b := s.SignedIn(t, "ada")
			for path, title := range map[string]string{"/": "Home", "/account": "Account", "/nowhere": "Not found"} {
				b.Get(path).Says("title", title+" · "+want)
			}
			b.Get("/").Says(".bar .brand span", want).WantPage()
			b.At("http://other.example").Get("/gate/callback").Says("title", "Open that page again · "+want)
		})
	}
}

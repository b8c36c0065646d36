package web

import (
	"net/http"
)

// AppHostPage is what an app's browser sees of us: it stands on the app's host and
// so needs nothing else of this site.
type AppHostPage struct {
	Title, Sentence string
	Other           string   // where to sign in as another; may be empty
	Address         string   // the site's own; may be empty
	Cookies         []string // names of those to delete
	More            int      // how many others
}

// OnAppHost mounts what is answered on an app's host: errors get the gate's page.
func (s *Site) OnAppHost(fn OpenFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a := s.Classify(w, r, err)
			_ = s.Render(w, a.Status, "gate", AppHostPage{Title: a.Title, Sentence: a.Text}) // the template is tested
		}
	})
}

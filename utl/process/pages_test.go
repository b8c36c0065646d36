package process

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
	"glassjar/utl/browsertest"
	"glassjar/utl/gate"
	"glassjar/utl/tooltest"
)

// top is the repository's top folder.
const top = "../.."

var pictures = flag.Bool("pictures", false, "write the pages' pictures to .pictures/")

// tour visits all pages.
type tour struct {
	*browsertest.Page

	t      *testing.T
	s      *program
	box    *postbox
	axe    string // axe-core's script, or ""
	folder string // folder for the pictures
	seen   seen
}

// TestPages checks every page in both colour schemes, on a phone and on a desktop: no
// page scrolls sideways at 320 px, and axe-core finds no problem.
func TestPages(t *testing.T) {
	axe := axeCore(t)
	box, folder := newPostbox(t)
	s := start(t, folder, "PAGES_DIR="+t.TempDir(), "GATE_HOSTS=*.apps.localhost,localhost", "SIGNUP=approve")
	p := tour{browsertest.Open(t), t, s, box, axe, filepath.Join(top, ".pictures"), newSeen()}
	p.account()
	p.signIn()
	p.lab()
	p.signUp()
	p.seen.all(t)
}

// look checks the open page.
func (p tour) look(name string) {
	p.t.Helper()
	p.seen.look(p.Path())
	for _, scheme := range []string{"light", "dark"} {
		p.Scheme(scheme)
		for _, width := range []int64{320, 390, 1280} {
			if scheme == "light" || *pictures { // colours change no width
				p.Fits(width)
			}
			if *pictures && width != 320 {
				p.Picture(filepath.Join(p.folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)))
			}
		}
		if p.axe != "" {
			p.Judge(p.axe)
		}
	}
}

func (p tour) visit(name, path, heading string) {
	p.t.Helper()
	p.Open(p.s.url + path)
	p.Sees(heading)
	p.look(name)
}

// notPages are routes that do not show a page to people.
var notPages = []string{
	"GET /static/{name}", "GET /pages/{path...}", "GET /healthz", "GET /readyz", "GET /.well-known/change-password", "GET /.well-known/passkey-endpoints", "GET /.well-known/jwks.json",
	"GET /people/audit.csv", "GET /account/code/qr.png", "GET /apps/{id}/recipe/{proxy}",
	"GET /gate/check", "GET /gate/callback", "GET /api/authz/auth-request", "GET /api/authz/forward-auth",
	"GET /auth", // the same form as /
}

// seen records the routes whose pages were checked.
type seen struct {
	mux    *http.ServeMux
	routes []string
	looked map[string]bool
}

func newSeen() seen {
	s := seen{http.NewServeMux(), handlers.Routes(handlers.Config{SignUp: account.ByAnybody, Pages: new(os.Root), Lab: new(anatomy.Lab), Gate: new(gate.Gate)}), map[string]bool{}}
	for _, pattern := range s.routes {
		s.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return s
}

// look records the page at the path.
func (s seen) look(path string) {
	_, pattern := s.mux.Handler(httptest.NewRequest(http.MethodGet, path, http.NoBody))
	s.looked[pattern] = true
}

// all fails the test for every page that was not checked.
func (s seen) all(t *testing.T) {
	t.Helper()
	for _, pattern := range s.routes {
		if strings.HasPrefix(pattern, "GET ") && !s.looked[pattern] && !slices.Contains(notPages, pattern) {
			t.Errorf("nobody looked at %s: visit it in utl/process/tour_test.go, or name it in notPages (utl/process/pages_test.go)", pattern)
		}
	}
}

// axeCore returns axe-core's script, which .ci/tools fetches, or "".
func axeCore(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob(top + "/.tools/axe-core-*.min.js") // the pattern is valid
	script, err := os.ReadFile(strings.Join(found, ""))
	if err != nil {
		t.Run("axe-core", func(t *testing.T) { tooltest.Missing(t, "axe-core") })
	}
	return string(script)
}

package process

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

// nginx starts nginx with its recipe in front of the app, which asks the gate only if
// gated is true.
func nginx(b *testing.B, gate, app *program, gated bool) *program {
	b.Helper()
	site := recipe.Site{
		PublicURL: &url.URL{Scheme: "http", Host: "jar.example"}, Address: "127.0.0.1:" + gate.port, Listen: proxytest.Free(b),
		Apps: []recipe.App{{Host: "app.example", Address: "127.0.0.1:" + app.port}},
	}
	var edit []string
	if !gated {
		edit = []string{"auth_request /gate/check;", "auth_request off;"}
	}
	command := proxytest.Nginx.Command(b, site, edit...)
	p := pinned(b, b.TempDir(), `sh -c "echo glassjar is at http://`+site.Listen+`; exec `+strings.Join(command, " ")+`"`)
	p.eventually("nginx listens", func() bool {
		c, err := net.Dial("tcp", site.Listen)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return p
}

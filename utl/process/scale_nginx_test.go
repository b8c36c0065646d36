package process

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/recipe"
)

// frame is what stands around the recipe.
const frame = `daemon off; master_process off; pid pid; error_log stderr; events {}
http {
	access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	include nginx.conf;
}
`

// nginx starts its recipe in front of the app, which asks the gate only if
// gated.
func nginx(b *testing.B, gate, app *program, gated bool) *program {
	b.Helper()
	path := found(b, "nginx")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr, folder := ln.Addr().String(), b.TempDir()
	_ = ln.Close()
	var conf strings.Builder
	err = recipe.Write(&conf, "nginx", recipe.Site{
		PublicURL: &url.URL{Scheme: "http", Host: "jar.example"}, Address: "127.0.0.1:" + gate.port, Listen: addr,
		Apps: []recipe.App{{Host: "app.example", Address: "127.0.0.1:" + app.port}},
	})
	if err != nil {
		b.Fatal(err)
	}
	text := conf.String()
	if !gated {
		text = strings.Replace(text, "auth_request /gate/check;", "auth_request off;", 1)
	}
	for name, text := range map[string]string{"frame": frame, "nginx.conf": text} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	p := pinned(b, folder, `sh -c "echo glassjar is at http://`+addr+`; exec `+path+` -e stderr -p ./ -c frame"`)
	p.eventually("nginx listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return p
}
